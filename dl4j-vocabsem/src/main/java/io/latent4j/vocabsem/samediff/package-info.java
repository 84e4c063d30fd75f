/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Vocabulary-defined semantics for SameDiff graphs: the formulas of {@link io.latent4j.vocabsem.VocabularyLogits} and
 * {@link io.latent4j.vocabsem.SemanticCalibration} as graph operations.
 */
@NullMarked
package io.latent4j.vocabsem.samediff;

import org.jspecify.annotations.NullMarked;
