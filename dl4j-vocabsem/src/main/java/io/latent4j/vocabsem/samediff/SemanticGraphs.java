/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.samediff;

import io.latent4j.vocabsem.Similarity;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;

/**
 * Semantic logits and their losses for any SameDiff graph.
 *
 * <pre>{@code
 * SDVariable bases = sd.constant("bases", semanticBases.matrix());          // [K, d]; sd.var(...) to train them
 * SDVariable logits = SemanticGraphs.logits("logits", states, bases, Similarity.COSINE, 10);
 * SDVariable loss = SemanticGraphs.crossEntropy("loss", logits, labels, null);
 * }</pre>
 *
 * <p>When to use it: in a model written in SameDiff. In a MultiLayerNetwork or ComputationGraph take {@code
 * SemanticLogits}, which costs less per step. Operations of SameDiff with wrong or missing gradients (norms at zero,
 * gather, logSoftmax, sparseSoftmaxCrossEntropy) are avoided. A graph can't throw: labels must be in [0, K) and values finite.
 *
 * <p>Source: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184.
 *
 * @see io.latent4j.vocabsem.VocabularyLogits
 */
public final class SemanticGraphs {
    private SemanticGraphs() {}

    /**
     * Adds semantic logits, {@code scale·similarity(s_j, r_i)}, to the graph. A zero vector has cosine 0 with all
     * others; cosines of it, and distances of equal vectors, have no gradient.
     *
     * @param name name of the new variable
     * @param states r, {@code [N, d]}, FLOAT or DOUBLE
     * @param bases s, {@code [K, d]}, of the same type
     * @param similarity the similarity
     * @param scale factor, positive and finite; 1 in the paper
     * @return the logits, {@code [N, K]}
     * @throws IllegalArgumentException if the scale is not positive and finite
     */
    public static SDVariable logits(
            String name, SDVariable states, SDVariable bases, Similarity similarity, double scale) {
        if (!(scale > 0) || Double.isInfinite(scale)) {
            throw new IllegalArgumentException("scale must be positive and finite, found " + scale);
        }
        Objects.requireNonNull(similarity, "similarity must be COSINE, EUCLIDEAN or DOT, found null");
        SameDiff sd = states.getSameDiff();
        SDVariable similarities =
                switch (similarity) {
                    case COSINE -> products(directions(states), directions(bases));
                    case EUCLIDEAN -> distances(states, bases).neg();
                    case DOT -> products(states, bases);
                };
        return sd.identity(name, similarities.mul(scale));
    }

    /**
     * Adds the cross-entropy of the softmax of logits against class or token indices to the graph.
     *
     * @param name name of the new variable
     * @param logits {@code [N, K]}
     * @param labels indices {@code [N]} in [0, K), of an integer type
     * @param weights weights {@code [N]}, usually a mask; null: each 1. Without gradient
     * @return a scalar, {@code Σ w_i·L_i / Σ w_i}; 0 where all weights are 0
     */
    public static SDVariable crossEntropy(
            String name, SDVariable logits, SDVariable labels, @Nullable SDVariable weights) {
        // By hand: the gradient of SameDiff's sparseSoftmaxCrossEntropy ignores what it is multiplied by
        SameDiff sd = logits.getSameDiff();
        SDVariable shifted = logits.sub(stopGradient(logits.max(true, 1)));
        SDVariable normaliser = sd.math.log(sd.math.exp(shifted).sum(1));
        SDVariable classes =
                sd.range(sd.constant(0), sd.sizeAt(logits, 1).castTo(DataType.INT32), sd.constant(1), DataType.INT32);
        SDVariable gold = sd.eq(sd.expandDims(labels.castTo(DataType.INT32), 1), sd.expandDims(classes, 0));
        SDVariable goldLogits =
                shifted.mul(stopGradient(gold.castTo(logits.dataType()))).sum(1);
        return mean(name, normaliser.sub(goldLogits), weights);
    }

    /**
     * Adds the cosine distance of states to their gold bases, 1 − cos(s_i, r_i), to the graph. A zero vector has
     * distance 1 and no gradient.
     *
     * @param name name of the new variable
     * @param states r, {@code [N, d]}
     * @param gold the gold basis of each state, {@code [N, d]}
     * @param weights weights {@code [N]}, usually a mask; null: each 1. Without gradient
     * @return a scalar, {@code Σ w_i·L_i / Σ w_i}; 0 where all weights are 0
     */
    public static SDVariable cosineDistance(
            String name, SDVariable states, SDVariable gold, @Nullable SDVariable weights) {
        SDVariable cosines = directions(states).mul(directions(gold)).sum(1);
        return mean(name, cosines.rsub(1), weights);
    }

    private static SDVariable mean(String name, SDVariable losses, @Nullable SDVariable weights) {
        SameDiff sd = losses.getSameDiff();
        if (weights == null) {
            return losses.mean(name);
        }
        SDVariable w = stopGradient(weights.castTo(losses.dataType()));
        SDVariable total = w.sum();
        return sd.identity(name, losses.mul(w).sum().div(total.add(isZero(total))));
    }

    /** a·bᵀ. */
    private static SDVariable products(SDVariable a, SDVariable b) {
        return a.getSameDiff().mmul(a, b, false, true, false);
    }

    /** Rows divided by their norms; zero rows stay so, and get no gradient. */
    private static SDVariable directions(SDVariable rows) {
        SDVariable squares = rows.mul(rows).sum(true, 1);
        SDVariable zero = isZero(squares);
        // No division: its gradient is wrong in M2.1 where the divisor is a single number, as for a single row
        return rows.mul(rows.getSameDiff().math.rsqrt(squares.add(zero))).mul(zero.rsub(1));
    }

    /** ‖r − s‖ from squares, as the kernel takes it. */
    private static SDVariable distances(SDVariable states, SDVariable bases) {
        SameDiff sd = states.getSameDiff();
        SDVariable stateSquares = states.mul(states).sum(true, 1);
        SDVariable basisSquares = sd.permute(bases.mul(bases).sum(true, 1), 1, 0);
        SDVariable squares = products(states, bases).mul(-2).add(stateSquares).add(basisSquares);
        // Rounding can leave a square below 0
        SDVariable clipped = sd.nn.relu(squares, 0);
        SDVariable zero = isZero(clipped);
        return sd.math.sqrt(clipped.add(zero)).mul(zero.rsub(1));
    }

    private static SDVariable stopGradient(SDVariable x) {
        return new StopGradient(x.getSameDiff(), x).outputVariable();
    }

    /** 1 where x is 0, else 0. */
    private static SDVariable isZero(SDVariable x) {
        return stopGradient(x.getSameDiff().eq(x, 0).castTo(x.dataType()));
    }
}
