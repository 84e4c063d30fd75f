/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.io.Serial;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.BooleanIndexing;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/**
 * The cosine distance of states to their gold bases, the paper's variant of training on the gold label alone.
 *
 * <pre>{@code
 * L_i  = w_i·(1 − cos(s_i, r_i)),     dL_i/dr_i = −w_i·(ŝ_i − cos·r̂_i)/‖r_i‖      x̂ = x/‖x‖
 * }</pre>
 *
 * <p>Labels are the gold bases s, {@code [N, d]}, one for each row of the output. A zero vector has cosine 0 with all
 * others, so loss w and gradient 0. Masks are per example or time step.
 *
 * <p>Use it in a {@code LossLayer} behind {@link NeuralClustering}. DL4J's {@code LossCosineProximity} has the same
 * gradient; its value is −cos, and on small vectors, which it divides by 1e-5 at least, wrong.
 *
 * <p>Source: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184, the variant sm-gt.
 */
public final class LossCosineDistance implements ILossFunction {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Creates the loss. */
    public LossCosineDistance() {}

    /** What value and gradient share. */
    private record Pass(INDArray labels, INDArray output, INDArray inverseNorms, INDArray cosines) {}

    private static Pass pass(INDArray labels, INDArray preOutput, IActivation activationFn, @Nullable INDArray mask) {
        if (!labels.equalShapes(preOutput)) {
            throw new IllegalArgumentException("labels must be gold bases of the output's shape "
                    + Arrays.toString(preOutput.shape()) + ", found " + Arrays.toString(labels.shape()));
        }
        if (mask != null && mask.length() != preOutput.size(0)) {
            throw new IllegalArgumentException("mask must have one element for each of " + preOutput.size(0)
                    + " rows, found shape " + Arrays.toString(mask.shape()));
        }
        INDArray output = activationFn.getActivation(preOutput.dup('c'), true);
        INDArray gold = labels.castTo(output.dataType());
        gold = gold.mulColumnVector(inverseNorms(gold));
        INDArray inverse = inverseNorms(output);
        output = output.mulColumnVector(inverse);
        return new Pass(gold, output, inverse, gold.mul(output).sum(true, 1));
    }

    private static INDArray inverseNorms(INDArray rows) {
        INDArray inverse = rows.norm2(true, 1).rdivi(1);
        BooleanIndexing.replaceWhere(inverse, 0, Conditions.isInfinite());
        return inverse;
    }

    @Override
    public double computeScore(
            INDArray labels, INDArray preOutput, IActivation activationFn, @Nullable INDArray mask, boolean average) {
        double sum = computeScoreArray(labels, preOutput, activationFn, mask)
                .sumNumber()
                .doubleValue();
        return average ? sum / preOutput.size(0) : sum;
    }

    @Override
    public INDArray computeScoreArray(
            INDArray labels, INDArray preOutput, IActivation activationFn, @Nullable INDArray mask) {
        return masked(pass(labels, preOutput, activationFn, mask).cosines().rsubi(1), mask);
    }

    @Override
    public INDArray computeGradient(
            INDArray labels, INDArray preOutput, IActivation activationFn, @Nullable INDArray mask) {
        Pass pass = pass(labels, preOutput, activationFn, mask);
        INDArray gradient = pass.output().muliColumnVector(pass.cosines()).subi(pass.labels());
        gradient.muliColumnVector(pass.inverseNorms());
        return masked(activationFn.backprop(preOutput, gradient).getFirst(), mask);
    }

    private static INDArray masked(INDArray rows, @Nullable INDArray mask) {
        return mask == null
                ? rows
                : rows.muliColumnVector(mask.castTo(rows.dataType()).reshape(rows.size(0), 1));
    }

    @Override
    public Pair<Double, INDArray> computeGradientAndScore(
            INDArray labels, INDArray preOutput, IActivation activationFn, @Nullable INDArray mask, boolean average) {
        double score = computeScore(labels, preOutput, activationFn, mask, average);
        return new Pair<>(score, computeGradient(labels, preOutput, activationFn, mask));
    }

    @Override
    public String name() {
        return toString();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof LossCosineDistance;
    }

    @Override
    public int hashCode() {
        return LossCosineDistance.class.hashCode();
    }

    @Override
    public String toString() {
        return "LossCosineDistance()";
    }
}
