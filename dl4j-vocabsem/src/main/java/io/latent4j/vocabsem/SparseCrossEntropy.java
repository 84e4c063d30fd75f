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
 * <p>Neither one-hot labels nor all logits are ever held: the pass goes over blocks of states, or of bases where these
 * are frozen and cosines bound the logits, and a block of logits becomes gradients in place, 64 MB at a time (a quarter of
 * the states at least where the bases are trained). As in DL4J's {@code LossMCXENT} the clip acts on the value, not on the gradient.
 *
 * @see VocabularyLogits the logits
 */
public final class SparseCrossEntropy {
    /**
     * Logits within ±30 need no search for the largest: e^−60 and the sum of as many as there may be keep clear of the
     * ends of FLOAT's range.
     */
    private static final double NEAR = 30;

    /** States that products of matrices are fast with. */
    private static final int STATES = 1024;

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
        double[] losses = new double[(int) count];
        INDArray stateGradients =
                gradients ? Nd4j.createUninitialized(blocks.type(), new long[] {count, states.size(1)}, 'c') : null;
        if (basesGradient == null
                && blocks.onHost()
                && blocks.bound() <= NEAR
                && blocks.blockRows(false) < Math.min(count, STATES)) {
            inColumns(blocks, ids, rowWeights, clip, losses, stateGradients);
        } else {
            inRows(blocks, ids, rowWeights, clip, losses, stateGradients, basesGradient);
        }
        double logScale = stateGradients == null ? 0 : blocks.finish(stateGradients, basesGradient);
        INDArray column = Nd4j.createFromArray(losses).castTo(blocks.type()).reshape(count, 1);
        return new Result(column, stateGradients, logScale);
    }

    /** Block after block of states. */
    private static void inRows(
            LogitBlocks blocks,
            int[] ids,
            double @Nullable [] weights,
            double clip,
            double[] losses,
            @Nullable INDArray statesGradient,
            @Nullable INDArray basesGradient) {
        long count = blocks.stateCount();
        long blockRows = blocks.blockRows(basesGradient != null);
        INDArray buffer = Nd4j.createUninitialized(blocks.type(), new long[] {blockRows, blocks.basisCount()}, 'c');
        INDArray kept = statesGradient != null && blocks.needsLogits() ? buffer.ulike() : buffer;
        for (long from = 0; from < count; from += blockRows) {
            long to = Math.min(count, from + blockRows);
            INDArray logits = LogitBlocks.rows(kept, 0, to - from);
            INDArray block = LogitBlocks.rows(buffer, 0, to - from);
            blocks.products(from, to, logits);
            if (kept != buffer) {
                block.assign(logits);
            }
            float[] shares = null;
            if (blocks.onHost()) {
                shares = onHost(blocks, block, (int) from, ids, weights, clip, losses, statesGradient != null);
            } else {
                byOperations(blocks, block, (int) from, ids, weights, clip, losses, statesGradient != null);
            }
            if (statesGradient != null) {
                INDArray gradient = LogitBlocks.rows(statesGradient, from, to);
                blocks.gradients(from, to, logits, block, shares, gradient, basesGradient);
            }
        }
    }

    /**
     * Block after block of frozen bases, for as many states as products are fast with. It is possible where no row must be
     * known as a whole before its exponentials are taken; their sum is, and so the label's part of the gradient comes last.
     */
    private static void inColumns(
            LogitBlocks blocks,
            int[] ids,
            double @Nullable [] weights,
            double clip,
            double[] losses,
            @Nullable INDArray statesGradient) {
        int count = (int) blocks.stateCount();
        long width = blocks.basisCount();
        int blockRows = Math.min(count, STATES);
        long blockColumns = Math.min(width, LogitBlocks.BLOCK_BYTES / Float.BYTES / blockRows);
        INDArray buffer = Nd4j.createUninitialized(blocks.type(), blockRows * blockColumns);
        double[] factors = blocks.factors();
        for (int from = 0; from < count; from += blockRows) {
            int to = Math.min(count, from + blockRows);
            INDArray gradient = statesGradient == null ? null : LogitBlocks.rows(statesGradient, from, to);
            double[] golds = new double[to - from];
            double[] sums = new double[to - from];
            for (long first = 0; first < width; first += blockColumns) {
                long last = Math.min(width, first + blockColumns);
                INDArray block = Nd4j.create(
                        buffer.data(), new long[] {to - from, last - first}, new long[] {last - first, 1}, 0, 'c');
                blocks.products(from, to, first, last, block);
                addExponentials(block, (int) first, blocks.bound(), factors, ids, from, golds, sums, gradient != null);
                if (gradient != null) {
                    blocks.addGradients(first, last, block, gradient);
                }
            }
            float[] shares = new float[to - from];
            float[] labelShares = new float[to - from];
            for (int i = from; i < to; i++) {
                double weight = weights == null ? 1 : weights[i];
                double sum = sums[i - from];
                losses[i] = loss(weight, clip, Math.exp(golds[i - from] - blocks.bound()) / sum);
                shares[i - from] = (float) (weight / sum);
                labelShares[i - from] = (float) (weight * factors[ids[i]]);
            }
            if (gradient != null) {
                RowOperations.multiply(gradient, RowOperations.column(shares), gradient);
                gradient.subi(blocks.bases(Arrays.copyOfRange(ids, from, to))
                        .muliColumnVector(RowOperations.column(labelShares)));
            }
        }
    }

    /** One block of {@link #inColumns}: takes the labels' logits, and makes exponentials times factors of the products. */
    private static void addExponentials(
            INDArray block,
            int first,
            double bound,
            double[] factors,
            int[] ids,
            int from,
            double[] golds,
            double[] sums,
            boolean gradients) {
        HostRows values = new HostRows(block);
        int width = (int) block.size(1);
        HostRows.share(sums.length, width, (begin, end) -> {
            Row row = new Row(values.duplicate(), first, width, factors, bound, gradients);
            for (int i = begin; i < end; i++) {
                int column = ids[from + i] - first;
                if (column >= 0 && column < width) {
                    golds[i] = row.logit(i, column);
                }
                sums[i] += row.exponentials(i, bound);
            }
        });
        HostRows.written(block);
    }

    private static double loss(double weight, double clip, double probability) {
        return -weight * Math.log(Math.max(clip, probability));
    }

    /**
     * Losses of a block of products, which become their own gradients but for one factor per row.
     *
     * @param from state of the first row
     * @return the rows' factors
     */
    private static float[] onHost(
            LogitBlocks blocks,
            INDArray block,
            int from,
            int[] ids,
            double @Nullable [] weights,
            double clip,
            double[] losses,
            boolean gradients) {
        HostRows values = new HostRows(block);
        int width = (int) block.size(1);
        double[] factors = blocks.factors();
        float[] shares = new float[(int) block.size(0)];
        HostRows.share(shares.length, width, (begin, end) -> {
            Row row = new Row(values.duplicate(), 0, width, factors, blocks.bound(), gradients);
            for (int i = begin; i < end; i++) {
                int label = ids[from + i];
                double weight = weights == null ? 1 : weights[from + i];
                double gold = row.logit(i, label);
                double most = row.most(i);
                double sum = row.exponentials(i, most);
                double exponential = Math.exp(gold - most);
                losses[from + i] = loss(weight, clip, exponential / sum);
                shares[i] = (float) (weight / sum);
                if (gradients) {
                    row.put(i, label, exponential - sum);
                }
            }
        });
        HostRows.written(block);
        return shares;
    }

    /** The same by operations of ND4J, on any device and for any type. */
    private static void byOperations(
            LogitBlocks blocks,
            INDArray block,
            int from,
            int[] ids,
            double @Nullable [] weights,
            double clip,
            double[] losses,
            boolean gradients) {
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
            losses[from + i] = loss(rowWeights[i], clip, probabilities[i]);
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
        private final int first;
        private final int width;
        private final double @Nullable [] factors;
        private final double bound;
        private final boolean gradients;
        private final double[] chunk = new double[HostRows.CHUNK];
        private final double[] lanes = new double[HostRows.CHUNK];

        /** @param first what the first column of the block is the logit of */
        Row(HostRows values, int first, int width, double @Nullable [] factors, double bound, boolean gradients) {
            this.values = values;
            this.first = first;
            this.width = width;
            this.factors = factors;
            this.bound = bound;
            this.gradients = gradients;
        }

        double logit(int row, int column) {
            values.read(row, column, 1, chunk);
            multiply(column, 1);
            return chunk[0];
        }

        /** Puts a value times its column's factor. */
        void put(int row, int column, double value) {
            chunk[0] = value;
            multiply(column, 1);
            values.write(row, column, 1, chunk);
        }

        /** The largest logit, or what none is larger than. */
        double most(int row) {
            if (bound <= NEAR) {
                return bound;
            }
            double largest = Double.NEGATIVE_INFINITY;
            for (int from = 0; from < width; from += HostRows.CHUNK) {
                largest = max(largest, logits(row, from));
            }
            return largest;
        }

        /**
         * Sums up a row's exponentials of the logits less {@code most}; if gradients are wanted, puts them, times the
         * factors, in the products' place.
         */
        double exponentials(int row, double most) {
            int used = Math.min(width, HostRows.CHUNK);
            Arrays.fill(lanes, 0, used, 0);
            for (int from = 0; from < width; from += HostRows.CHUNK) {
                int count = logits(row, from);
                subtract(most, count);
                Exponential.of(chunk, count);
                for (int j = 0; j < count; j++) {
                    lanes[j] += chunk[j];
                }
                if (gradients) {
                    multiply(from, count);
                    values.write(row, from, count, chunk);
                }
            }
            double sum = 0;
            for (int j = 0; j < used; j++) {
                sum += lanes[j];
            }
            return sum;
        }

        /** Reads a chunk of logits. */
        private int logits(int row, int from) {
            int count = Math.min(HostRows.CHUNK, width - from);
            values.read(row, from, count, chunk);
            multiply(from, count);
            return count;
        }

        private void subtract(double most, int count) {
            for (int j = 0; j < count; j++) {
                chunk[j] -= most;
            }
            if (bound > NEAR) {
                for (int j = 0; j < count; j++) {
                    if (chunk[j] < Exponential.LOWEST) {
                        chunk[j] = Exponential.LOWEST;
                    }
                }
            }
        }

        /** Multiplies a chunk by the factors of its columns. */
        private void multiply(int from, int count) {
            if (factors != null) {
                for (int j = 0; j < count; j++) {
                    chunk[j] *= factors[first + from + j];
                }
            }
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
