/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.generation;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A language model that reads a text token by token and tells, after each, what comes next and what state it is in.
 *
 * <p>It stands for one text at a time, from {@link #reset()} on, and is not safe for use by several threads.
 *
 * @see RecurrentLanguageModel
 * @see SameDiffLanguageModel
 */
public interface CausalLanguageModel {
    /**
     * Number of token ids that the model knows.
     *
     * @return V
     */
    int vocabularySize();

    /**
     * Length of a state.
     *
     * @return d
     */
    int stateSize();

    /**
     * Number of tokens of a text at most.
     *
     * @return at least 1; {@link Integer#MAX_VALUE} where there is no limit
     */
    int maxLength();

    /** Forgets the text read so far. */
    void reset();

    /**
     * Reads on.
     *
     * @param tokens the tokens that follow those read since the last reset, at least one
     * @return what the model makes of the text so far, at the last of these tokens
     * @throws IllegalArgumentException if there is no token, an id is not in [0, V), or the text would exceed
     *     {@link #maxLength()}; nothing is read then
     */
    Step append(int... tokens);

    /**
     * What a model makes of a text at its last token.
     *
     * @param logits [1, V]: logits of the next token, or its log-probabilities; negative infinity is allowed
     * @param state [1, d]: the state that the logits were made of; at a [Ret] it is the query
     */
    record Step(INDArray logits, INDArray state) {}
}
