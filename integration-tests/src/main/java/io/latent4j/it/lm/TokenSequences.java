/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Texts one after the other, cut into sequences of equal length; each token's target is the next one. */
final class TokenSequences {
    private final int[] tokens;
    private final int length;

    TokenSequences(Words words, List<String> texts, int length) {
        this.tokens =
                texts.stream().map(words::encode).flatMapToInt(Arrays::stream).toArray();
        this.length = length;
        if (count() == 0) {
            throw new IllegalArgumentException(
                    "texts: expected more than " + length + " tokens, found " + tokens.length);
        }
    }

    int count() {
        return (tokens.length - 1) / length;
    }

    /** The batch of a training step; a pass over all sequences is in an order that only the seed and its number decide. */
    DataSet batch(int step, int size, long seed) {
        int perPass = Math.max(1, count() / size);
        int[] order = order(step / perPass, seed);
        int from = step % perPass * size;
        return batch(Arrays.copyOfRange(order, from, Math.min(from + size, order.length)));
    }

    /** So many sequences from the start, in their own order. */
    DataSet first(int size) {
        return batch(IntStream.range(0, Math.min(size, count())).toArray());
    }

    private int[] order(int pass, long seed) {
        int[] order = IntStream.range(0, count()).toArray();
        Random random = new Random(seed + pass);
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        return order;
    }

    private DataSet batch(int[] sequences) {
        float[] features = new float[sequences.length * length];
        float[] targets = new float[sequences.length * length];
        for (int i = 0; i < sequences.length; i++) {
            for (int t = 0; t < length; t++) {
                int position = sequences[i] * length + t;
                features[i * length + t] = tokens[position];
                targets[i * length + t] = tokens[position + 1];
            }
        }
        return new DataSet(
                Nd4j.createFromArray(features).reshape(sequences.length, 1, length),
                Nd4j.createFromArray(targets).reshape(sequences.length, 1, length));
    }
}
