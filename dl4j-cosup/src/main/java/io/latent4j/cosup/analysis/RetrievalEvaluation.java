/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.analysis;

import io.latent4j.cosup.Similarity;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.evaluation.BaseEvaluation;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.evaluation.IMetric;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * How well each [Ret] position ranks its passages among those of the batch: recall@k, precision@k and mean reciprocal
 * rank, as an evaluation of DL4J.
 *
 * <p>When to use it: while training a co-supervised graph, on its output "nextSequence":
 *
 * <pre>{@code
 * RetrievalEvaluation retrieval = new RetrievalEvaluation(1, 5);
 * graph.evaluate(iterator, Map.of(1, new IEvaluation[] {retrieval}));
 * }</pre>
 *
 * <p>Candidates are the M keys of the batch, so figures of batches of another size don't compare: {@link #stats()} tells
 * the mean number of candidates. Over a whole collection, search an index and take {@link RetrievalMetrics}.
 *
 * <p>Shapes, with N examples of T steps, M passages and at most K positives per position:
 *
 * <ul>
 *   <li>labels [N, K, T], integers: the positives' numbers in [0, M), negative for none; no number twice in a column
 *   <li>predictions [N·T + M + C, d]: the state of example n at step t in row n·T + t, then the M keys, then C keys of a
 *       memory ({@link #memorySize(int)}), which are no candidates
 *   <li>mask [N, T]: not 0 at [Ret] positions; without a mask all steps that have a positive count
 * </ul>
 *
 * <p>Among equal scores a positive is ranked behind the other keys, so that constant states don't look like good ones.
 *
 * @see RetrievalMetrics
 */
public class RetrievalEvaluation extends BaseEvaluation<RetrievalEvaluation> {
    private static final long serialVersionUID = 1L;

    /** What {@link #getValue} can be asked for, such as by early stopping. All are the better the larger they are. */
    public enum Metric implements IMetric {
        /** {@link RetrievalMetrics#meanReciprocalRank()}. */
        MEAN_RECIPROCAL_RANK,
        /** {@link RetrievalMetrics#recall()} at the smallest cut-off. */
        RECALL,
        /** {@link RetrievalMetrics#precision()} at the smallest cut-off. */
        PRECISION;

        @Override
        @SuppressWarnings("rawtypes") // as IMetric declares it
        public Class<? extends IEvaluation> getEvaluationClass() {
            return RetrievalEvaluation.class;
        }

        @Override
        public boolean minimize() {
            return false;
        }
    }

    /** How states and keys are compared. */
    private Similarity similarity = Similarity.DOT;
    /** Rows at the end of the predictions that are no candidates. */
    private int memorySize;
    /** What was counted. */
    private RankTally tally;
    /** Sum over queries of the keys they chose from. */
    private long candidates;

    /** Measures at 1, 5 and 10. */
    public RetrievalEvaluation() {
        this(1, 5, 10);
    }

    /**
     * Measures at given cut-offs.
     *
     * @param cutoffs each k, positive and ascending
     * @throws IllegalArgumentException if there is none, or they are not positive and ascending
     */
    public RetrievalEvaluation(int... cutoffs) {
        tally = new RankTally(cutoffs);
    }

    /**
     * Sets how states and keys are compared; as the loss compares them. DOT if not set.
     *
     * @param similarity the similarity
     * @return this evaluation
     */
    public RetrievalEvaluation similarity(Similarity similarity) {
        this.similarity = Objects.requireNonNull(similarity, "similarity must be DOT or COSINE, found null");
        return this;
    }

    /**
     * Sets how many rows at the end of the predictions are a memory's. 0 if not set.
     *
     * @param memorySize C, at least 0
     * @return this evaluation
     * @throws IllegalArgumentException if it is negative
     */
    public RetrievalEvaluation memorySize(int memorySize) {
        if (memorySize < 0) {
            throw new IllegalArgumentException("memorySize must be at least 0, found " + memorySize);
        }
        this.memorySize = memorySize;
        return this;
    }

    /**
     * Ranks the keys for each [Ret] position and counts where the positives are.
     *
     * @param labels [N, K, T]
     * @param networkPredictions [N·T + M + C, d]
     * @param maskArray [N, T], or null
     * @param recordMetaData not used
     * @throws IllegalArgumentException if the shapes don't fit, a positive is no number of a key or there twice, a step of
     *     the mask has no positive, or states or keys are not finite; nothing is counted then
     */
    @Override
    public void eval(
            INDArray labels,
            INDArray networkPredictions,
            @Nullable INDArray maskArray,
            @Nullable List<? extends Serializable> recordMetaData) {
        if (labels.rank() != 3) {
            throw new IllegalArgumentException(
                    "labels must be positives [N, K, T], found shape " + Arrays.toString(labels.shape()));
        }
        if (maskArray != null && !Arrays.equals(maskArray.shape(), new long[] {labels.size(0), labels.size(2)})) {
            throw new IllegalArgumentException("mask must be of shape [" + labels.size(0) + ", " + labels.size(2)
                    + "], found " + Arrays.toString(maskArray.shape()));
        }
        int steps = Math.toIntExact(labels.size(2));
        int states = Math.toIntExact(labels.size(0)) * steps;
        if (networkPredictions.rank() != 2 || networkPredictions.size(0) <= states + memorySize) {
            throw new IllegalArgumentException("predictions must be a matrix of " + states
                    + " states, at least one key and " + memorySize + " keys of a memory, found shape "
                    + Arrays.toString(networkPredictions.shape()));
        }
        int keys = Math.toIntExact(networkPredictions.size(0)) - states - memorySize;
        int[] rows = new int[states];
        List<int[]> positives = new ArrayList<>();
        for (int row = 0; row < states; row++) {
            int[] own = positives(labels, maskArray, row / steps, row % steps, keys);
            if (own.length > 0) {
                rows[positives.size()] = row;
                positives.add(own);
            }
        }
        if (positives.isEmpty()) {
            return;
        }
        INDArray queries = Nd4j.pullRows(networkPredictions, 1, Arrays.copyOf(rows, positives.size()), 'c');
        double[] scores = scores(
                queries, networkPredictions.get(NDArrayIndex.interval(states, states + keys), NDArrayIndex.all()));
        for (int query = 0; query < positives.size(); query++) {
            int from = query * keys;
            tally.add(
                    ranks(Arrays.copyOfRange(scores, from, from + keys), positives.get(query)),
                    positives.get(query).length,
                    keys);
            candidates += keys;
        }
    }

    /** The positives of a position; none where the mask is 0. */
    private static int[] positives(INDArray labels, @Nullable INDArray mask, int example, int step, int keys) {
        boolean masked = mask != null && mask.getDouble(example, step) == 0;
        int[] own = masked
                ? new int[0]
                : IntStream.range(0, Math.toIntExact(labels.size(1)))
                        .map(k -> labels.getInt(example, k, step))
                        .filter(key -> key >= 0)
                        .toArray();
        String place = " for example " + example + " at step " + step;
        if (mask != null && !masked && own.length == 0) {
            throw new IllegalArgumentException(
                    "labels must hold a positive where the mask is not 0, found none" + place);
        }
        if (Arrays.stream(own).anyMatch(key -> key >= keys)
                || Arrays.stream(own).distinct().count() < own.length) {
            throw new IllegalArgumentException("labels must hold different positives below " + keys
                    + ", the number of keys, found " + Arrays.toString(own) + place);
        }
        return own;
    }

    /** Row by row, one per query. A query's own length doesn't change its ranking, so only keys are scaled. */
    private double[] scores(INDArray queries, INDArray keys) {
        INDArray exact = keys.castTo(DataType.DOUBLE);
        INDArray scores = Nd4j.createUninitialized(DataType.DOUBLE, new long[] {queries.size(0), keys.size(0)}, 'c');
        Nd4j.gemm(queries.castTo(DataType.DOUBLE), exact.dup('c'), scores, false, true, 1, 0);
        double[] host = scores.data().asDouble();
        double[] norms = exact.norm2(1).toDoubleVector();
        for (int i = 0; i < host.length; i++) {
            if (!Double.isFinite(host[i])) {
                throw new IllegalArgumentException("predictions must be finite, found a score of " + host[i]);
            }
            if (similarity == Similarity.COSINE && norms[i % norms.length] > 0) {
                host[i] /= norms[i % norms.length];
            }
        }
        return host;
    }

    /** Ranks of the positives, from 1, ascending; a positive comes behind other keys of equal score. */
    private static int[] ranks(double[] scores, int[] positives) {
        boolean[] positive = new boolean[scores.length];
        Arrays.stream(positives).forEach(key -> positive[key] = true);
        int[] ordered = IntStream.range(0, scores.length)
                .boxed()
                .sorted((a, b) -> scores[a] != scores[b]
                        ? Double.compare(scores[b], scores[a])
                        : Boolean.compare(positive[a], positive[b]))
                .mapToInt(Integer::intValue)
                .toArray();
        return IntStream.range(0, ordered.length)
                .filter(i -> positive[ordered[i]])
                .map(i -> i + 1)
                .toArray();
    }

    /**
     * The figures so far.
     *
     * @return the figures; NaN if nothing was counted
     */
    public RetrievalMetrics metrics() {
        return tally.metrics();
    }

    /**
     * Mean number of keys that a query chose from.
     *
     * @return NaN if nothing was counted
     */
    public double meanCandidates() {
        return (double) candidates / metrics().queries();
    }

    /**
     * Adds another evaluation's counts to these.
     *
     * @param other an evaluation with the same cut-offs, similarity and memory size; unchanged
     * @throws IllegalArgumentException if it measures otherwise
     */
    @Override
    public void merge(RetrievalEvaluation other) {
        if (similarity != other.similarity || memorySize != other.memorySize) {
            throw new IllegalArgumentException("other must have similarity " + similarity + " and memorySize "
                    + memorySize + ", found " + other.similarity + " and " + other.memorySize);
        }
        tally.merge(other.tally);
        candidates += other.candidates;
    }

    @Override
    public void reset() {
        tally = tally.empty();
        candidates = 0;
    }

    @Override
    public String stats() {
        return String.format(Locale.ROOT, "%s (%.1f candidates, %s)", metrics().toText(), meanCandidates(), similarity);
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
            throw new IllegalStateException("metric must be one of RetrievalEvaluation.Metric, found " + metric);
        }
        RetrievalMetrics metrics = metrics();
        return switch (known) {
            case MEAN_RECIPROCAL_RANK -> metrics.meanReciprocalRank();
            case RECALL -> metrics.recallAt(metrics.recall().firstKey());
            case PRECISION -> metrics.precisionAt(metrics.precision().firstKey());
        };
    }

    @Override
    public RetrievalEvaluation newInstance() {
        RetrievalEvaluation fresh =
                new RetrievalEvaluation().similarity(similarity).memorySize(memorySize);
        fresh.tally = tally.empty();
        return fresh;
    }

    /**
     * Reads what {@link #toJson()} wrote.
     *
     * @param json the text
     * @return the evaluation
     */
    public static RetrievalEvaluation fromJson(String json) {
        return fromJson(json, RetrievalEvaluation.class);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RetrievalEvaluation evaluation
                && similarity == evaluation.similarity
                && memorySize == evaluation.memorySize
                && candidates == evaluation.candidates
                && tally.equals(evaluation.tally);
    }

    @Override
    public int hashCode() {
        return Objects.hash(similarity, memorySize, candidates, tally);
    }

    @Override
    protected boolean canEqual(Object other) {
        return other instanceof RetrievalEvaluation;
    }
}
