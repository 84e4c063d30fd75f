/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.analysis;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.evaluation.BaseEvaluation;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.evaluation.IMetric;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Perplexity of next tokens over the positions that have a target, as an evaluation of DL4J.
 *
 * <pre>{@code
 * perplexity = exp( −Σ m·ln p(target) / Σ m )
 * }</pre>
 *
 * <p>1 for a model that is always sure and right, V for one that takes all tokens for equally probable. All target tokens
 * weigh the same, whatever example or batch they are in. Probabilities below the smallest normal float, which a softmax in
 * FLOAT rounds to 0, count as that (2⁻¹²⁶).
 *
 * <p>Shapes, with N examples of T steps and a vocabulary of V:
 *
 * <ul>
 *   <li>labels [N, 1, T], ids of the target tokens; looked at only where the mask is not 0
 *   <li>predictions [N, V, T], probabilities
 *   <li>mask [N, T], the weight m of each target; null: 1 for each
 * </ul>
 */
public class TokenPerplexity extends BaseEvaluation<TokenPerplexity> {
    private static final long serialVersionUID = 1L;

    /** What {@link #getValue} can be asked for. Both are the better the smaller they are. */
    public enum Metric implements IMetric {
        /** {@link TokenPerplexity#perplexity()}. */
        PERPLEXITY,
        /** {@link TokenPerplexity#crossEntropy()}. */
        CROSS_ENTROPY;

        @Override
        @SuppressWarnings("rawtypes") // as IMetric declares it
        public Class<? extends IEvaluation> getEvaluationClass() {
            return TokenPerplexity.class;
        }

        @Override
        public boolean minimize() {
            return true;
        }
    }

    /** Sum of the targets' weights. */
    private double weight;
    /** Weighted sum of −ln p(target). */
    private double surprise;

    /** Nothing counted yet. */
    public TokenPerplexity() {}

    /**
     * Counts the targets of a batch.
     *
     * @param labels [N, 1, T], ids
     * @param networkPredictions [N, V, T], probabilities
     * @param maskArray [N, T], or null
     * @param recordMetaData not used
     * @throws IllegalArgumentException if the shapes don't fit, a target is not in [0, V), its probability not in [0, 1],
     *     or a weight negative or not finite; nothing is counted then
     */
    @Override
    public void eval(
            INDArray labels,
            INDArray networkPredictions,
            @Nullable INDArray maskArray,
            @Nullable List<? extends Serializable> recordMetaData) {
        long examples = labels.size(0);
        if (labels.rank() != 3
                || labels.size(1) != 1
                || networkPredictions.rank() != 3
                || networkPredictions.size(0) != examples
                || networkPredictions.size(2) != labels.size(2)) {
            throw new IllegalArgumentException("labels and predictions must be [N, 1, T] and [N, V, T], found shapes "
                    + Arrays.toString(labels.shape()) + " and " + Arrays.toString(networkPredictions.shape()));
        }
        long steps = labels.size(2);
        if (maskArray != null && !Arrays.equals(maskArray.shape(), new long[] {examples, steps})) {
            throw new IllegalArgumentException("mask must be of shape [" + examples + ", " + steps + "], found "
                    + Arrays.toString(maskArray.shape()));
        }
        double batchWeight = 0;
        double batchSurprise = 0;
        for (long example = 0; example < examples; example++) {
            for (long step = 0; step < steps; step++) {
                double m = maskArray == null ? 1 : maskArray.getDouble(example, step);
                if (!(m >= 0) || Double.isInfinite(m)) {
                    throw new IllegalArgumentException(
                            "mask must be non-negative and finite, found " + m + place(example, step));
                }
                if (m > 0) {
                    batchWeight += m;
                    batchSurprise -= m
                            * Math.log(Math.max(
                                    probability(
                                            labels.getInt((int) example, 0, (int) step),
                                            networkPredictions,
                                            example,
                                            step),
                                    Float.MIN_NORMAL));
                }
            }
        }
        weight += batchWeight;
        surprise += batchSurprise;
    }

    private static double probability(int target, INDArray predictions, long example, long step) {
        if (target < 0 || target >= predictions.size(1)) {
            throw new IllegalArgumentException("labels must be token ids in [0, " + predictions.size(1) + "), found "
                    + target + place(example, step));
        }
        double probability = predictions.getDouble(example, target, step);
        if (!(probability >= 0 && probability <= 1 + 1e-3)) { // a softmax in HALF may exceed 1 a little
            throw new IllegalArgumentException("predictions must be probabilities in [0, 1], found " + probability
                    + " for the target" + place(example, step));
        }
        return probability;
    }

    private static String place(long example, long step) {
        return " of example " + example + " at step " + step;
    }

    /**
     * The perplexity so far.
     *
     * @return at least 1; NaN if no target was counted
     */
    public double perplexity() {
        return Math.exp(crossEntropy());
    }

    /**
     * Mean of −ln p(target) so far.
     *
     * @return in nats; NaN if no target was counted
     */
    public double crossEntropy() {
        return surprise / weight;
    }

    /**
     * Total weight of the targets so far: their number, where the mask is of zeros and ones.
     *
     * @return 0 if none was counted
     */
    public double tokens() {
        return weight;
    }

    @Override
    public void merge(TokenPerplexity other) {
        weight += other.weight;
        surprise += other.surprise;
    }

    @Override
    public void reset() {
        weight = 0;
        surprise = 0;
    }

    @Override
    public String stats() {
        return String.format(
                Locale.ROOT, "perplexity %.4f, %.4f nats per token, %.0f tokens", perplexity(), crossEntropy(), weight);
    }

    /**
     * The value of one of {@link Metric}.
     *
     * @param metric a constant of {@link Metric}
     * @return its value
     * @throws IllegalStateException if the metric is another evaluation's
     */
    @Override
    public double getValue(IMetric metric) {
        if (!(metric instanceof Metric known)) {
            throw new IllegalStateException("metric must be one of TokenPerplexity.Metric, found " + metric);
        }
        return switch (known) {
            case PERPLEXITY -> perplexity();
            case CROSS_ENTROPY -> crossEntropy();
        };
    }

    @Override
    public TokenPerplexity newInstance() {
        return new TokenPerplexity();
    }

    /**
     * Reads what {@link #toJson()} wrote.
     *
     * @param json the text
     * @return the evaluation
     */
    public static TokenPerplexity fromJson(String json) {
        return fromJson(json, TokenPerplexity.class);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TokenPerplexity perplexity
                && weight == perplexity.weight
                && surprise == perplexity.surprise;
    }

    @Override
    public int hashCode() {
        return Objects.hash(weight, surprise);
    }

    @Override
    protected boolean canEqual(Object other) {
        return other instanceof TokenPerplexity;
    }
}
