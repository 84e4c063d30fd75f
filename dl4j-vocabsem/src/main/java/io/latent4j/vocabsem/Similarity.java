/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

/**
 * How near a state r is to a semantic basis s.
 *
 * <p>Source: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184, section on semantic logits (COSINE); the other
 * two are the usual alternatives.
 */
public enum Similarity {
    /** cos(s, r) = s·r / (‖s‖‖r‖), in [−1, 1]; 0, with gradient 0, where either vector is zero. The paper's choice. */
    COSINE,
    /** −‖s − r‖, at most 0; its gradient is defined as 0 where the two are equal. */
    EUCLIDEAN,
    /** s·r, unbounded. */
    DOT
}
