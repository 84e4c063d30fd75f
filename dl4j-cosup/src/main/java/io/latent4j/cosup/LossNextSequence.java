/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import java.io.Serial;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.shape.Gather;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * The next-sequence loss for keys that are not trained: of a frozen sequence encoder, or computed beforehand.
 *
 * <p>Each row of the output is a query, its label the key of its sequence, and the keys of the other rows are its
 * negatives, see {@link NextSequenceContrast}.
 *
 * <table>
 * <caption>Shapes</caption>
 * <tr><th>array</th><th>shape</th></tr>
 * <tr><td>output</td><td>queries {@code [P, d]}</td></tr>
 * <tr><td>labels</td><td>{@code [P, (1+H)·d]}: the positive's key, then H hard negatives' keys, which are negatives of
 *     all rows</td></tr>
 * <tr><td>mask</td><td>{@code [P, 1]}: 0 leaves a row out, as query and as keys</td></tr>
 * </table>
 *
 * <p>Rows with equal keys are about the same sequence, which is no negative of itself. As for DL4J's losses the score is
 * the sum over rows, which layers divide by the minibatch's size; so in an {@code OutputLayer} or {@code LossLayer} the
 * loss is the paper's mean over queries, and in recurrent layers it is the sum over the unmasked time steps per example.
 * With all rows masked it is 0.
 *
 * <pre>{@code
 * new OutputLayer.Builder(new LossNextSequence()).activation(Activation.IDENTITY).nIn(n).nOut(d).build()
 * }</pre>
 *
 * <p>Relation to {@link NextSequenceOutputLayer}: that one trains the sequence encoder too. Source: Lee et al.,
 * "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024, section 3.
 */
public final class LossNextSequence implements ILossFunction {
    @Serial
    private static final long serialVersionUID = 1L;

    /** How queries and keys are contrasted. */
    private final Contrast contrast;

    /** Creates the paper's loss: dot product, temperature 1, one direction. */
    public LossNextSequence() {
        this(Contrast.PAPER);
    }

    /**
     * Creates a loss.
     *
     * @param contrast how queries and keys are contrasted
     */
    public LossNextSequence(@JsonProperty("contrast") Contrast contrast) {
        this.contrast = Objects.requireNonNull(contrast, "contrast must be given, found null");
    }

    /**
     * How queries and keys are contrasted.
     *
     * @return similarity, temperature and direction
     */
    public Contrast getContrast() {
        return contrast;
    }

    /** Losses, and gradient of their sum where it was asked for, with zeros for masked rows. */
    private record Pass(INDArray losses, @Nullable INDArray gradient) {}

    private Pass pass(INDArray labels, INDArray output, @Nullable INDArray mask, boolean gradient) {
        long d = output.rank() == 2 ? output.size(1) : 0;
        if (d == 0 || labels.rank() != 2 || labels.size(0) != output.size(0) || labels.size(1) % d != 0) {
            throw new IllegalArgumentException("labels must hold one or more keys of the output's width for each row of"
                    + " the output of shape " + Arrays.toString(output.shape()) + ", found shape "
                    + Arrays.toString(labels.shape()));
        }
        if (mask != null && mask.length() != output.size(0)) {
            throw new IllegalArgumentException("mask must have one element for each of " + output.size(0)
                    + " rows, found shape " + Arrays.toString(mask.shape()));
        }
        long rows = output.size(0);
        int[] kept = kept(mask, (int) rows);
        if (kept.length == 0) {
            return new Pass(zeros(output, 1), gradient ? zeros(output, d) : null);
        }
        boolean all = kept.length == rows;
        INDArray index = Nd4j.createFromArray(kept);
        INDArray queries = all ? output : Nd4j.exec(new Gather(output, index, 0))[0];
        INDArray own = labels.castTo(output.dataType());
        INDArray keys = keys(all ? own : Nd4j.exec(new Gather(own, index, 0))[0], d);
        Pairing pairing =
                Pairing.diagonal(kept.length).withoutDuplicates(sequences(keys)).withOwnKeys(0);
        NextSequenceContrast.Result result = gradient
                ? NextSequenceContrast.withGradients(queries, keys, pairing, contrast, kept.length, null)
                : NextSequenceContrast.of(queries, keys, pairing, contrast);
        INDArray epsilon = result.queries();
        return new Pass(
                spread(result.losses(), index, zeros(output, 1)),
                epsilon == null ? null : spread(epsilon, index, zeros(output, d)));
    }

    private static INDArray zeros(INDArray output, long columns) {
        return Nd4j.zeros(output.dataType(), output.size(0), columns);
    }

    /** Rows in their places among zeros. */
    private static INDArray spread(INDArray values, INDArray rows, INDArray zeros) {
        NextSequenceContrast.put(zeros, rows, values.castTo(zeros.dataType()));
        return zeros;
    }

    private static int[] kept(@Nullable INDArray mask, int rows) {
        double[] weights = mask == null ? null : mask.reshape(rows).toDoubleVector();
        return IntStream.range(0, rows)
                .filter(i -> weights == null || weights[i] != 0)
                .toArray();
    }

    /** The positives' keys, row by row, then the hard negatives'. */
    private static INDArray keys(INDArray labels, long d) {
        int count = (int) (labels.size(1) / d);
        INDArray[] parts = new INDArray[count];
        Arrays.setAll(parts, i -> labels.get(NDArrayIndex.all(), NDArrayIndex.interval(i * d, (i + 1) * d)));
        return count == 1 ? labels : Nd4j.concat(0, parts);
    }

    /** Equal keys get equal numbers. */
    private static long[] sequences(INDArray keys) {
        // Read at once: a matrix of Java comes row by row
        double[] values = keys.dup('c').reshape(keys.length()).toDoubleVector();
        int d = (int) keys.size(1);
        Map<Row, Long> seen = new HashMap<>();
        long[] sequences = new long[(int) keys.size(0)];
        for (int i = 0; i < sequences.length; i++) {
            long number = i;
            sequences[i] = seen.computeIfAbsent(new Row(Arrays.copyOfRange(values, i * d, (i + 1) * d)), row -> number);
        }
        return sequences;
    }

    /** A key that equals another by its values. */
    private record Row(double[] values) {
        @Override
        public boolean equals(@Nullable Object o) {
            return o instanceof Row other && Arrays.equals(values, other.values);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(values);
        }
    }

    private Pass pass(
            INDArray labels, INDArray preOutput, IActivation activationFn, @Nullable INDArray mask, boolean gradient) {
        return pass(labels, activationFn.getActivation(preOutput.dup('c'), true), mask, gradient);
    }

    private static double score(Pass pass, boolean average) {
        double sum = pass.losses().sumNumber().doubleValue();
        return average ? sum / pass.losses().size(0) : sum;
    }

    @Override
    public double computeScore(
            INDArray labels, INDArray preOutput, IActivation activationFn, @Nullable INDArray mask, boolean average) {
        return score(pass(labels, preOutput, activationFn, mask, false), average);
    }

    @Override
    public INDArray computeScoreArray(
            INDArray labels, INDArray preOutput, IActivation activationFn, @Nullable INDArray mask) {
        return pass(labels, preOutput, activationFn, mask, false).losses();
    }

    @Override
    public INDArray computeGradient(
            INDArray labels, INDArray preOutput, IActivation activationFn, @Nullable INDArray mask) {
        return computeGradientAndScore(labels, preOutput, activationFn, mask, false)
                .getSecond();
    }

    @Override
    public Pair<Double, INDArray> computeGradientAndScore(
            INDArray labels, INDArray preOutput, IActivation activationFn, @Nullable INDArray mask, boolean average) {
        Pass pass = pass(labels, preOutput, activationFn, mask, true);
        INDArray gradient = activationFn.backprop(preOutput, pass.gradient()).getFirst();
        return new Pair<>(score(pass, average), gradient);
    }

    @Override
    public String name() {
        return toString();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof LossNextSequence other && contrast.equals(other.contrast);
    }

    @Override
    public int hashCode() {
        return contrast.hashCode();
    }

    @Override
    public String toString() {
        return "LossNextSequence(" + contrast + ")";
    }
}
