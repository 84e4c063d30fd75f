/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A frozen causal language model: tokens in, the state of the last one out, and the head that turns states into logits. */
public interface CausalLm {
    /** Name in tables and of cached files. */
    String name();

    /** What tells this model from others of the same name: changes with the weights. */
    String fingerprint();

    /** Features of a state, d. */
    int width();

    /** The output head W [d, V]: logits = state · W. */
    INDArray head();

    /**
     * Tokens of a text.
     *
     * @param text any text
     * @return ids; the first one is the start of every text
     */
    int[] encode(String text);

    /**
     * States that the head would multiply to predict what follows each prompt.
     *
     * @param prompts token ids, at least one each; prompts of like length together save time
     * @return [N, d], FLOAT
     */
    INDArray lastStates(List<int[]> prompts);
}
