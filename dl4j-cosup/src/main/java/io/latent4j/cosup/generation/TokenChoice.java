/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.generation;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;

/** Chooses the next token from logits, which are negative infinity for tokens that are not allowed. */
@FunctionalInterface
interface TokenChoice {
    /** @return the index of the chosen one of at least one finite logit */
    int choose(double[] logits);

    /** The largest; among equals the first. */
    static TokenChoice greedy() {
        return logits -> {
            int best = 0;
            for (int i = 1; i < logits.length; i++) {
                best = logits[i] > logits[best] ? i : best;
            }
            return best;
        };
    }

    /**
     * Draws from softmax(logits / temperature), cut to the most probable tokens whose probabilities reach topP together
     * (Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020).
     */
    static TokenChoice nucleus(double temperature, double topP, Random random) {
        return logits -> {
            double largest = Arrays.stream(logits).max().orElseThrow();
            double[] weights = Arrays.stream(logits)
                    .map(logit -> Math.exp((logit - largest) / temperature))
                    .toArray();
            int[] ordered = IntStream.range(0, weights.length)
                    .filter(i -> weights[i] > 0)
                    .boxed()
                    .sorted(Comparator.comparingDouble(i -> -weights[i]))
                    .mapToInt(Integer::intValue)
                    .toArray();
            double enough = topP * Arrays.stream(weights).sum();
            double kept = 0;
            int size = 0;
            while (size < ordered.length && (size == 0 || kept < enough)) {
                kept += weights[ordered[size++]];
            }
            double left = random.nextDouble() * kept;
            int drawn = 0;
            while (drawn < size - 1 && left >= weights[ordered[drawn]]) {
                left -= weights[ordered[drawn++]];
            }
            return ordered[drawn];
        };
    }
}
