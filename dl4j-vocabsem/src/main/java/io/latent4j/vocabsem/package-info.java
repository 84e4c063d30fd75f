/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Vocabulary-defined semantics (Gu et al., arXiv 2401.16184) for Deeplearning4j: semantic bases, semantic logits and
 * neural clustering.
 */
@NullMarked
package io.latent4j.vocabsem;

import org.jspecify.annotations.NullMarked;
