/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.layers;

import io.latent4j.cosup.Pairing;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.shape.Gather;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The positions of a minibatch that have targets, and what these are.
 *
 * @param rows numbers n·T + t of the positions, ascending
 * @param positives the targets of each, at least one
 * @param steps T
 */
record Targets(int[] rows, int[][] positives, int steps) {
    /**
     * Reads labels: targets are labels of at least 0 at positions that the mask doesn't hide.
     *
     * @param labels {@code [N, K, T]}, {@code [N, K]} (T = 1) or, where the number of steps is known, {@code [N, T]} (K = 1)
     * @param mask {@code [N, T]} or null
     * @param steps T
     * @param limit targets must be smaller
     * @param what what targets are, for messages
     */
    static Targets read(INDArray labels, @Nullable INDArray mask, long steps, long limit, String what) {
        long examples = labels.size(0);
        boolean fits = labels.rank() == 3 ? labels.size(2) == steps : labels.rank() == 2;
        if (!fits || labels.length() % (examples * steps) != 0) {
            throw new IllegalArgumentException(
                    "labels must have shape [N, K, " + steps + "], found " + Arrays.toString(labels.shape()));
        }
        if (mask != null && (mask.length() != examples * steps || mask.size(0) != examples)) {
            throw new IllegalArgumentException("labels' mask must have shape [" + examples + ", " + steps + "], found "
                    + Arrays.toString(mask.shape()));
        }
        int[] values = labels.castTo(DataType.INT32).dup('c').data().asInt();
        double[] kept = mask == null
                ? null
                : mask.castTo(DataType.DOUBLE).dup('c').reshape(mask.length()).toDoubleVector();
        int t = (int) steps;
        int n = (int) examples;
        int k = values.length / (n * t);
        int[] rows = new int[n * t];
        int[][] positives = new int[n * t][];
        int count = 0;
        int[] found = new int[k];
        for (int row = 0; row < n * t; row++) {
            if (kept != null && kept[row] == 0) {
                continue;
            }
            int size = 0;
            for (int i = 0; i < k; i++) {
                int value = values[(row / t * k + i) * t + row % t];
                if (value >= limit) {
                    throw new IllegalArgumentException("labels must be " + what + " in [0, " + limit
                            + ") or negative for none, found " + value + " for example " + row / t + ", step "
                            + row % t);
                }
                if (value >= 0) {
                    found[size++] = value;
                }
            }
            if (size > 0) {
                rows[count] = row;
                positives[count++] = Arrays.copyOf(found, size);
            }
        }
        return new Targets(Arrays.copyOf(rows, count), Arrays.copyOf(positives, count), t);
    }

    boolean none() {
        return rows.length == 0;
    }

    Pairing pairing() {
        return Pairing.of(positives);
    }

    /** The rows of a matrix that have targets. */
    INDArray of(INDArray states) {
        return rows.length == states.size(0) ? states : Nd4j.exec(new Gather(states, Nd4j.createFromArray(rows), 0))[0];
    }

    /** Puts rows to their places among zeros. */
    void spread(INDArray values, INDArray zeros) {
        Nd4j.exec(DynamicCustomOp.builder("scatter_upd")
                .addInputs(zeros, Nd4j.createFromArray(rows), values)
                .addOutputs(zeros)
                .build());
    }

    /** Sums of values, one per row with targets, by example: {@code [N, 1]}. */
    INDArray perExample(INDArray values, long examples, DataType type) {
        double[] sums = new double[(int) examples];
        double[] host = values.reshape(values.length()).toDoubleVector();
        for (int i = 0; i < rows.length; i++) {
            sums[rows[i] / steps] += host[i];
        }
        return Nd4j.createFromArray(sums).castTo(type).reshape(new long[] {examples, 1});
    }
}
