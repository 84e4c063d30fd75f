/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.shape.Gather;
import org.nd4j.linalg.api.ops.impl.transforms.custom.SoftMax;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Cross-entropy of semantic logits against token ids, value and gradients in one pass.
 *
 * <pre>
 *     L_i = −w_i · ln max(clip, softmax(logits_i)[label_i])
 * </pre>
 *
 * <p>Neither one-hot labels nor the logits of all states are ever held: the pass goes over blocks of states, and a block
 * of logits becomes probabilities and then gradients in place, 64 MB at a time (a quarter of the states at least where
 * the bases are trained). As in DL4J's {@code LossMCXENT} the clip acts on the value, not on the gradient.
 *
 * @see VocabularyLogits the logits
 */
public final class SparseCrossEntropy {
    private SparseCrossEntropy() {}

    /**
     * Loss and gradients.
     *
     * @param losses {@code w_i·L_i}, {@code [N, 1]}
     * @param states gradient of their sum with respect to the states, {@code [N, d]}; null where none was asked for
     * @param logScale gradient of their sum with respect to ln(scale); 0 where none was asked for
     */
    public record Result(INDArray losses, @Nullable INDArray states, double logScale) {}

    /**
     * The losses of some states.
     *
     * @param states {@code [N, d]}
     * @param bases {@code [K, d]}
     * @param similarity the similarity
     * @param scale factor, 1e-30 to 1e30
     * @param labels N token ids in [0, K), of an integer type; ids of states with weight 0 do not matter
     * @param weights N weights; null: each 1
     * @param clip least probability that the loss sees, in [0, 0.5]
     * @return the losses, without gradients
     * @throws IllegalArgumentException if shapes do not fit, a label is out of range or the scale is not positive
     */
    public static Result of(
            INDArray states,
            INDArray bases,
            Similarity similarity,
            double scale,
            INDArray labels,
            @Nullable INDArray weights,
            double clip) {
        return run(states, bases, similarity, scale, labels, weights, clip, false, null);
    }

    /**
     * The losses of some states and their gradients.
     *
     * @param states as for {@link #of}
     * @param bases as for {@link #of}
     * @param similarity as for {@link #of}
     * @param scale as for {@link #of}
     * @param labels as for {@link #of}
     * @param weights as for {@link #of}
     * @param clip as for {@link #of}
     * @param basesGradient is set to the gradient of the bases, {@code [K, d]} row-major and of the bases' type; null
     *     where none is wanted
     * @return losses and gradients
     * @throws IllegalArgumentException as for {@link #of}
     */
    public static Result withGradients(
            INDArray states,
            INDArray bases,
            Similarity similarity,
            double scale,
            INDArray labels,
            @Nullable INDArray weights,
            double clip,
            @Nullable INDArray basesGradient) {
        return run(states, bases, similarity, scale, labels, weights, clip, true, basesGradient);
    }

    private static Result run(
            INDArray states,
            INDArray bases,
            Similarity similarity,
            double scale,
            INDArray labels,
            @Nullable INDArray weights,
            double clip,
            boolean gradients,
            @Nullable INDArray basesGradient) {
        LogitBlocks blocks = new LogitBlocks(states, bases, similarity, scale);
        long count = blocks.stateCount();
        long width = blocks.basisCount();
        INDArray rowWeights = weights == null ? null : weights(weights, count).castTo(blocks.type());
        int[] ids = ids(labels, count, width, rowWeights);
        long blockRows = blocks.blockRows(basesGradient != null);
        INDArray buffer = Nd4j.createUninitialized(blocks.type(), new long[] {blockRows, width}, 'c');
        // The gradient of a distance needs the distance
        boolean keepLogits = gradients && similarity == Similarity.EUCLIDEAN;
        INDArray kept = keepLogits ? buffer.ulike() : buffer;
        INDArray losses = Nd4j.createUninitialized(blocks.type(), new long[] {count, 1}, 'c');
        INDArray stateGradients =
                gradients ? Nd4j.createUninitialized(blocks.type(), new long[] {count, states.size(1)}, 'c') : null;
        double logScale = 0;
        for (long from = 0; from < count; from += blockRows) {
            long to = Math.min(count, from + blockRows);
            INDArray logits = LogitBlocks.rows(kept, 0, to - from);
            INDArray probabilities = LogitBlocks.rows(buffer, 0, to - from);
            blocks.logits(from, to, logits);
            Nd4j.exec(new SoftMax(logits, probabilities, -1));
            INDArray flat = probabilities.reshape((to - from) * width);
            INDArray positions = positions(ids, from, to, width);
            INDArray picked = Nd4j.exec(new Gather(flat, positions, 0))[0];
            INDArray block = LogitBlocks.rows(losses, from, to);
            block.assign(picked.reshape(to - from, 1));
            Transforms.max(block, clip, false);
            Transforms.log(block, false);
            block.negi();
            if (stateGradients != null) {
                Nd4j.exec(DynamicCustomOp.builder("scatter_upd")
                        .addInputs(flat, positions, picked.subi(1))
                        .addOutputs(flat)
                        .build());
                if (rowWeights != null) {
                    probabilities.muliColumnVector(LogitBlocks.rows(rowWeights, from, to));
                }
                logScale += blocks.gradients(
                        from, to, logits, probabilities, LogitBlocks.rows(stateGradients, from, to), basesGradient);
            }
        }
        if (rowWeights != null) {
            losses.muli(rowWeights);
        }
        if (basesGradient != null) {
            blocks.finish(basesGradient);
        }
        return new Result(losses, stateGradients, logScale);
    }

    private static INDArray weights(INDArray weights, long count) {
        if (weights.length() != count) {
            throw new IllegalArgumentException("weights must have one element per state: expected " + count
                    + ", found shape " + Arrays.toString(weights.shape()));
        }
        return weights.reshape(count, 1);
    }

    private static int[] ids(INDArray labels, long count, long width, @Nullable INDArray weights) {
        if (labels.length() != count) {
            throw new IllegalArgumentException("labels must have one element per state: expected " + count
                    + ", found shape " + Arrays.toString(labels.shape()));
        }
        int[] ids = labels.castTo(DataType.INT32).dup('c').data().asInt();
        double[] counted = weights == null ? null : weights.reshape(count).toDoubleVector();
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= width) {
                if (counted == null || counted[i] != 0) {
                    throw new IllegalArgumentException(
                            "labels must be token ids in [0, " + width + "), found " + ids[i] + " for state " + i);
                }
                ids[i] = 0;
            }
        }
        return ids;
    }

    /** Where the labels' probabilities stand in a flattened block. */
    private static INDArray positions(int[] ids, long from, long to, long width) {
        long[] positions = new long[(int) (to - from)];
        for (int i = 0; i < positions.length; i++) {
            positions[i] = i * width + ids[(int) from + i];
        }
        return Nd4j.createFromArray(positions);
    }
}
