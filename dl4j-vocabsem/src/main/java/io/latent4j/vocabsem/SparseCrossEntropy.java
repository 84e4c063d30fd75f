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
        int width = (int) blocks.basisCount();
        double[] rowWeights = weights == null ? null : weights(weights, count);
        int[] ids = ids(labels, count, width, rowWeights);
        long blockRows = blocks.blockRows(basesGradient != null);
        INDArray buffer = Nd4j.createUninitialized(blocks.type(), new long[] {blockRows, width}, 'c');
        // The gradient of a distance needs the distance
        boolean keepLogits = gradients && similarity == Similarity.EUCLIDEAN;
        INDArray kept = keepLogits ? buffer.ulike() : buffer;
        double[] losses = new double[(int) count];
        INDArray stateGradients =
                gradients ? Nd4j.createUninitialized(blocks.type(), new long[] {count, states.size(1)}, 'c') : null;
        double[] factors = blocks.onHost() ? blocks.factors() : null;
        for (long from = 0; from < count; from += blockRows) {
            long to = Math.min(count, from + blockRows);
            INDArray logits = LogitBlocks.rows(kept, 0, to - from);
            INDArray block = LogitBlocks.rows(buffer, 0, to - from);
            blocks.products(from, to, logits);
            if (keepLogits) {
                block.assign(logits);
            }
            if (blocks.onHost()) {
                onHost(block, (int) from, ids, rowWeights, factors, clip, gradients, losses);
            } else {
                byOperations(blocks, block, (int) from, ids, rowWeights, clip, gradients, losses);
            }
            if (stateGradients != null) {
                blocks.gradients(from, to, logits, block, LogitBlocks.rows(stateGradients, from, to), basesGradient);
            }
        }
        double logScale = stateGradients == null ? 0 : blocks.finish(stateGradients, basesGradient);
        INDArray column = Nd4j.createFromArray(losses).castTo(blocks.type()).reshape(count, 1);
        return new Result(column, stateGradients, logScale);
    }

    /**
     * Losses of a block of products, which become their own gradients.
     *
     * @param from state of the first row
     */
    private static void onHost(
            INDArray block,
            int from,
            int[] ids,
            double @Nullable [] weights,
            double @Nullable [] factors,
            double clip,
            boolean gradients,
            double[] losses) {
        HostRows values = new HostRows(block);
        int width = (int) block.size(1);
        HostRows.share((int) block.size(0), width, (begin, end) -> {
            Row row = new Row(values.duplicate(), width, factors, clip, gradients);
            for (int i = begin; i < end; i++) {
                losses[from + i] = row.loss(i, ids[from + i], weights == null ? 1 : weights[from + i]);
            }
        });
        HostRows.written(block);
    }

    /** The same by operations of ND4J, on any device and for any type. */
    private static void byOperations(
            LogitBlocks blocks,
            INDArray block,
            int from,
            int[] ids,
            double @Nullable [] weights,
            double clip,
            boolean gradients,
            double[] losses) {
        int count = (int) block.size(0);
        long width = block.size(1);
        long[] golds = new long[count];
        double[] rowWeights = new double[count];
        for (int i = 0; i < count; i++) {
            golds[i] = i * width + ids[from + i];
            rowWeights[i] = weights == null ? 1 : weights[from + i];
        }
        blocks.scale(block);
        Nd4j.exec(new SoftMax(block, block, -1));
        INDArray flat = block.reshape(block.length());
        INDArray positions = Nd4j.createFromArray(golds);
        INDArray picked = Nd4j.exec(new Gather(flat, positions, 0))[0];
        double[] probabilities = picked.toDoubleVector();
        for (int i = 0; i < count; i++) {
            losses[from + i] = -rowWeights[i] * Math.log(Math.max(clip, probabilities[i]));
        }
        if (gradients) {
            Nd4j.exec(DynamicCustomOp.builder("scatter_upd")
                    .addInputs(flat, positions, picked.subi(1))
                    .addOutputs(flat)
                    .build());
            if (weights != null) {
                block.muliColumnVector(Nd4j.createFromArray(rowWeights)
                        .castTo(block.dataType())
                        .reshape(count, 1));
            }
            blocks.scale(block);
        }
    }

    /** One row after the other on the host, in chunks that stay in the cache. */
    private static final class Row {
        private final HostRows values;
        private final int width;
        private final double @Nullable [] factors;
        private final double clip;
        private final boolean gradients;
        private final double[] chunk = new double[HostRows.CHUNK];
        private final double[] scratch = new double[HostRows.CHUNK];

        Row(HostRows values, int width, double @Nullable [] factors, double clip, boolean gradients) {
            this.values = values;
            this.width = width;
            this.factors = factors;
            this.clip = clip;
            this.gradients = gradients;
        }

        /** Takes a row's loss and, if wanted, puts the gradient of its products in their place. */
        double loss(int row, int label, double weight) {
            values.read(row, label, 1, chunk);
            double gold = factors == null ? chunk[0] : chunk[0] * factors[label];
            double largest = Double.NEGATIVE_INFINITY;
            for (int from = 0; from < width; from += HostRows.CHUNK) {
                largest = max(largest, logits(row, from));
            }
            double sum = 0;
            for (int from = 0; from < width; from += HostRows.CHUNK) {
                int count = logits(row, from);
                for (int j = 0; j < count; j++) {
                    chunk[j] -= largest;
                }
                Exponential.of(chunk, scratch, count);
                sum += sum(count);
                if (gradients) {
                    values.write(row, from, count, chunk);
                }
            }
            for (int from = 0; gradients && from < width; from += HostRows.CHUNK) {
                gradient(row, from, label, weight, sum);
            }
            return -weight * Math.log(Math.max(clip, Math.exp(gold - largest) / sum));
        }

        /** Reads a chunk of logits. */
        private int logits(int row, int from) {
            int count = Math.min(HostRows.CHUNK, width - from);
            values.read(row, from, count, chunk);
            if (factors != null) {
                for (int j = 0; j < count; j++) {
                    chunk[j] *= factors[from + j];
                }
            }
            return count;
        }

        /** (softmax − one-hot)·weight·factor of a chunk of exponentials. */
        private void gradient(int row, int from, int label, double weight, double sum) {
            int count = Math.min(HostRows.CHUNK, width - from);
            double share = weight / sum;
            values.read(row, from, count, chunk);
            for (int j = 0; j < count; j++) {
                chunk[j] *= share;
            }
            if (label >= from && label < from + count) {
                chunk[label - from] -= weight;
            }
            if (factors != null) {
                for (int j = 0; j < count; j++) {
                    chunk[j] *= factors[from + j];
                }
            }
            values.write(row, from, count, chunk);
        }

        /** Four at a time, as one is bound to the latency of a comparison; NaN shows in the sum. */
        private double max(double least, int count) {
            double m0 = least;
            double m1 = least;
            double m2 = least;
            double m3 = least;
            int j = 0;
            for (; j + 3 < count; j += 4) {
                m0 = chunk[j] > m0 ? chunk[j] : m0;
                m1 = chunk[j + 1] > m1 ? chunk[j + 1] : m1;
                m2 = chunk[j + 2] > m2 ? chunk[j + 2] : m2;
                m3 = chunk[j + 3] > m3 ? chunk[j + 3] : m3;
            }
            for (; j < count; j++) {
                m0 = chunk[j] > m0 ? chunk[j] : m0;
            }
            return Math.max(Math.max(m0, m1), Math.max(m2, m3));
        }

        private double sum(int count) {
            double s0 = 0;
            double s1 = 0;
            double s2 = 0;
            double s3 = 0;
            int j = 0;
            for (; j + 3 < count; j += 4) {
                s0 += chunk[j];
                s1 += chunk[j + 1];
                s2 += chunk[j + 2];
                s3 += chunk[j + 3];
            }
            for (; j < count; j++) {
                s0 += chunk[j];
            }
            return (s0 + s1) + (s2 + s3);
        }
    }

    private static double[] weights(INDArray weights, long count) {
        if (weights.length() != count) {
            throw new IllegalArgumentException("weights must have one element per state: expected " + count
                    + ", found shape " + Arrays.toString(weights.shape()));
        }
        return weights.dup('c').reshape(count).toDoubleVector();
    }

    private static int[] ids(INDArray labels, long count, long width, double @Nullable [] counted) {
        if (labels.length() != count) {
            throw new IllegalArgumentException("labels must have one element per state: expected " + count
                    + ", found shape " + Arrays.toString(labels.shape()));
        }
        int[] ids = labels.castTo(DataType.INT32).dup('c').data().asInt();
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
}
