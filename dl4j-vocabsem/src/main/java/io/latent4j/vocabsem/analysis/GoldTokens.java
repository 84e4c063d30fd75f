/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import io.latent4j.vocabsem.analysis.LensReport.Position;
import java.util.Arrays;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The gold tokens of a batch: one for each example, or one for each of its steps; negative for none. */
final class GoldTokens {

    private final int[][] tokens;
    private final boolean perStep;

    private GoldTokens(int[][] tokens, boolean perStep) {
        this.tokens = tokens;
        this.perStep = perStep;
    }

    /** An example's token is that of all its steps; without a step there is none where tokens are given by step. */
    int at(int example, int step) {
        if (perStep && step == Position.NO_STEP) {
            return -1;
        }
        return tokens[example][perStep ? step : 0];
    }

    /** Whether the tokens are those of some states; the format matters to states with steps. */
    void requireFit(String layer, INDArray states, RNNFormat format) {
        boolean examples = tokens.length == states.size(0);
        boolean steps =
                !perStep || (states.rank() == 3 && tokens[0].length == states.size(format == RNNFormat.NWC ? 1 : 2));
        if (!examples || !steps) {
            throw new IllegalArgumentException("gold must have one token for each example of layer " + layer
                    + ", or one for each of its steps: found " + tokens.length + " by " + tokens[0].length
                    + " for states of shape " + Arrays.toString(states.shape()));
        }
    }

    /**
     * Token ids.
     *
     * @param ids [N] or [N, 1] for one per example, [mb, T] for one per step
     */
    static GoldTokens ofIds(INDArray ids, long vocabulary) {
        if (ids.rank() != 1 && ids.rank() != 2) {
            throw new IllegalArgumentException(
                    "gold must have shape [N], [N, 1] or [mb, T], found " + Arrays.toString(ids.shape()));
        }
        boolean perStep = ids.rank() == 2 && ids.size(1) > 1;
        int examples = (int) ids.size(0);
        int steps = perStep ? (int) ids.size(1) : 1;
        double[] values = ids.castTo(DataType.DOUBLE).dup('c').data().asDouble();
        int[][] tokens = new int[examples][steps];
        for (int i = 0; i < values.length; i++) {
            if (values[i] != Math.rint(values[i]) || values[i] >= vocabulary) {
                throw new IllegalArgumentException("gold tokens must be ids below the number of bases " + vocabulary
                        + " (negative for none), found " + values[i]);
            }
            tokens[i / steps][i % steps] = (int) values[i];
        }
        return new GoldTokens(tokens, perStep);
    }

    /**
     * A network's labels: token ids of width 1, or a distribution over all K bases, whose largest entry is taken.
     *
     * @param labels [mb, 1 or K], [mb, 1 or K, T] or [mb, T, 1 or K]
     * @param mask 0 where there is no gold token; null if all have one
     * @return the tokens; null for labels of another width, which are no tokens
     */
    static @Nullable GoldTokens ofLabels(
            @Nullable INDArray labels, @Nullable INDArray mask, RNNFormat format, long vocabulary) {
        if (labels == null || labels.isEmpty() || (labels.rank() != 2 && labels.rank() != 3)) {
            return null;
        }
        INDArray widthLast = labels.rank() == 3 && format == RNNFormat.NCW ? labels.permute(0, 2, 1) : labels;
        long width = widthLast.size(-1);
        boolean perStep = labels.rank() == 3;
        if (width != 1 && width != vocabulary) {
            return null;
        }
        long examples = widthLast.size(0);
        long steps = perStep ? widthLast.size(1) : 1;
        // by hand: [mb, 1] ids mean one per example, a single step as well
        INDArray ids = width == 1 ? widthLast : widthLast.argMax(-1);
        INDArray column = ids.dup('c').reshape('c', examples * steps, 1);
        int[][] flat = ofIds(column, vocabulary).tokens;
        double[] certain = width == 1
                ? null
                : widthLast.max(-1).castTo(DataType.DOUBLE).dup('c').data().asDouble();
        double[] present = mask == null
                ? null
                : mask.castTo(DataType.DOUBLE).dup('c').data().asDouble();
        if (present != null && present.length != flat.length && present.length != examples) {
            throw new IllegalArgumentException("labels mask must have an element for each of the " + flat.length
                    + " labels, found shape " + Arrays.toString(mask.shape()));
        }
        int[][] tokens = new int[(int) examples][(int) steps];
        for (int i = 0; i < flat.length; i++) {
            boolean masked = present != null && present[present.length == flat.length ? i : (int) (i / steps)] == 0;
            boolean none = certain != null && certain[i] <= 0;
            tokens[(int) (i / steps)][(int) (i % steps)] = masked || none ? -1 : flat[i][0];
        }
        return new GoldTokens(tokens, perStep);
    }
}
