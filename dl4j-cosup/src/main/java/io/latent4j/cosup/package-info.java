/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Semiparametric token-sequence co-supervision (Lee et al., ACL 2024, arXiv 2403.09024) for Deeplearning4j: a language
 * model that is trained to predict the next token and, where it says [Ret], the next sequence.
 */
@NullMarked
package io.latent4j.cosup;

import org.jspecify.annotations.NullMarked;
