/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import io.latent4j.vocabsem.analysis.LensReport.Position;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The unmasked states of one layer and batch.
 *
 * @param rows a state per row
 * @param positions where each stands
 * @param gold gold token of each, negative for none; null if there are no gold tokens at all
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record LayerStates(INDArray rows, List<Position> positions, int @Nullable [] gold) {

    /**
     * Sorts out activations.
     *
     * @param layer its name, for messages
     * @param activations [mb, n], [mb, n, T] or [mb, T, n], or [mb·T, n] as DL4J's RnnToFeedForwardPreProcessor makes it
     * @param mask an element per state, 0 to leave it out; null takes all
     * @param gold tokens of the batch; null if there are none
     * @param examples mb
     * @param first index of the batch's first example
     */
    static LayerStates of(
            String layer,
            INDArray activations,
            RNNFormat format,
            @Nullable INDArray mask,
            @Nullable GoldTokens gold,
            long examples,
            int first) {
        if (activations.rank() != 2 && activations.rank() != 3) {
            throw new IllegalArgumentException("States of layer " + layer + " must have rank 2 or 3, found shape "
                    + Arrays.toString(activations.shape()));
        }
        if (activations.rank() == 3) {
            INDArray stepsFirst = format == RNNFormat.NWC ? activations : activations.permute(0, 2, 1);
            return sequences(layer, stepsFirst, mask, gold, first);
        }
        long steps = activations.size(0) / examples;
        if (steps > 1 && steps * examples == activations.size(0)) { // rows of all examples, step by step
            INDArray stepsFirst = activations.reshape('f', examples, steps, activations.size(1));
            INDArray byExample = mask == null ? null : mask.dup('f').reshape('f', examples, steps);
            return sequences(layer, stepsFirst, byExample, gold, first);
        }
        boolean[] kept = kept(layer, activations, mask, activations.size(0));
        List<Position> positions = new ArrayList<>();
        for (int row = 0; row < kept.length; row++) {
            if (kept[row]) {
                positions.add(new Position(first + row, Position.NO_STEP));
            }
        }
        return of(activations, kept, positions, gold, first);
    }

    private static LayerStates sequences(
            String layer, INDArray stepsFirst, @Nullable INDArray mask, @Nullable GoldTokens gold, int first) {
        int examples = (int) stepsFirst.size(0);
        int steps = (int) stepsFirst.size(1);
        if (mask != null && mask.size(0) != examples) {
            throw new IllegalArgumentException("Mask of layer " + layer + " must have shape [" + examples + ", " + steps
                    + "], found " + Arrays.toString(mask.shape()));
        }
        boolean[] kept = kept(layer, stepsFirst, mask, (long) examples * steps);
        List<Position> positions = new ArrayList<>();
        for (int row = 0; row < kept.length; row++) {
            if (kept[row]) {
                positions.add(new Position(first + row / steps, row % steps));
            }
        }
        return of(stepsFirst.dup('c').reshape('c', (long) examples * steps, -1), kept, positions, gold, first);
    }

    private static boolean[] kept(String layer, INDArray states, @Nullable INDArray mask, long points) {
        boolean[] kept = new boolean[Math.toIntExact(points)];
        if (mask == null) {
            Arrays.fill(kept, true);
            return kept;
        }
        if (mask.length() != points) {
            throw new IllegalArgumentException("Mask of layer " + layer + " must have one element for each of the "
                    + points + " states " + Arrays.toString(states.shape()) + ", found shape "
                    + Arrays.toString(mask.shape()));
        }
        double[] present = mask.castTo(DataType.DOUBLE).dup('c').data().asDouble();
        for (int i = 0; i < kept.length; i++) {
            kept[i] = present[i] != 0;
        }
        return kept;
    }

    private static LayerStates of(
            INDArray rows, boolean[] kept, List<Position> positions, @Nullable GoldTokens gold, int first) {
        int[] indices = IntStream.range(0, kept.length).filter(row -> kept[row]).toArray();
        INDArray chosen =
                indices.length == kept.length || indices.length == 0 ? rows : Nd4j.pullRows(rows, 1, indices, 'c');
        int[] tokens = gold == null
                ? null
                : positions.stream()
                        .mapToInt(position -> gold.at(position.example() - first, position.step()))
                        .toArray();
        return new LayerStates(chosen, positions, tokens);
    }
}
