/* SPDX-License-Identifier: Apache-2.0 */
/**
 * IsoScore* and I-STAR (Rudman and Eickhoff, "Stable Anisotropic Regularization", ICLR 2024, arXiv 2305.19358) for
 * Deeplearning4j.
 */
@NullMarked
package io.latent4j.istar;

import org.jspecify.annotations.NullMarked;
