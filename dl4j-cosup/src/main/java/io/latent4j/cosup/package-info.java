/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Semiparametric token-sequence co-supervision (Lee et al., ACL 2024, arXiv 2403.09024) for Deeplearning4j. This
 * release of the module holds no types yet; see the CHANGELOG.
 */
@NullMarked
package io.latent4j.cosup;

import org.jspecify.annotations.NullMarked;
