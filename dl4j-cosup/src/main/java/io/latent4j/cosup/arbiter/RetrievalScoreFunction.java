/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.arbiter;

import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.NextSequenceOutputLayer;
import io.latent4j.cosup.analysis.RetrievalEvaluation;
import io.latent4j.cosup.analysis.RetrievalEvaluation.Metric;
import java.util.Map;
import java.util.Objects;
import org.deeplearning4j.arbiter.scoring.impl.BaseNetScoreFunction;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Scores the candidates of a {@link CoSupervisionSpace} by how well they retrieve on the test data, which, unlike their
 * losses, can be compared when λ, temperature or memory differ.
 *
 * <p>Similarity and size of the memory are those of the candidate. A query chooses from the passages of its minibatch, so
 * give every candidate the same minibatches. Larger is better.
 *
 * @see RetrievalEvaluation
 */
public final class RetrievalScoreFunction extends BaseNetScoreFunction {
    private static final long serialVersionUID = 1L;

    /** What is measured. */
    @JsonProperty
    private final Metric metric;

    /** k of recall and precision. */
    @JsonProperty
    private final int cutoff;

    /** Scores by mean reciprocal rank. */
    public RetrievalScoreFunction() {
        this(Metric.MEAN_RECIPROCAL_RANK, 1);
    }

    /**
     * Scores by a metric.
     *
     * @param metric the metric
     * @param cutoff k of recall@k and precision@k, at least 1
     * @throws IllegalArgumentException if it is less
     */
    public RetrievalScoreFunction(@JsonProperty("metric") Metric metric, @JsonProperty("cutoff") int cutoff) {
        this.metric = Objects.requireNonNull(metric, "metric must be given, found null");
        if (cutoff < 1) {
            throw new IllegalArgumentException("cutoff must be at least 1, found " + cutoff);
        }
        this.cutoff = cutoff;
    }

    /**
     * Scores a graph.
     *
     * @param graph a graph with both heads
     * @param iterator the test data
     * @return the metric
     * @throws IllegalArgumentException if the graph has no next-sequence head, or the data no [Ret] position
     */
    @Override
    public double score(ComputationGraph graph, MultiDataSetIterator iterator) {
        int output = graph.getConfiguration().getNetworkOutputs().indexOf(CoSupervision.NEXT_SEQUENCE);
        if (output < 0 || !(graph.getOutputLayer(output).conf().getLayer() instanceof NextSequenceOutputLayer head)) {
            throw new IllegalArgumentException("graph must have the output \"" + CoSupervision.NEXT_SEQUENCE
                    + "\" of CoSupervision.heads, found "
                    + graph.getConfiguration().getNetworkOutputs());
        }
        RetrievalEvaluation evaluation = new RetrievalEvaluation(cutoff)
                .similarity(head.contrast().similarity())
                .memorySize(head.getMemorySize());
        graph.evaluate(iterator, Map.of(output, new IEvaluation[] {evaluation}));
        if (evaluation.metrics().queries() == 0) {
            throw new IllegalArgumentException("test data must hold a [Ret] position, found none");
        }
        return evaluation.getValue(metric);
    }

    /**
     * Not possible: the data of both heads are MultiDataSets.
     *
     * @throws UnsupportedOperationException always
     */
    @Override
    public double score(ComputationGraph graph, DataSetIterator iterator) {
        throw new UnsupportedOperationException("test data must be a MultiDataSetIterator, found a DataSetIterator");
    }

    /**
     * Not possible: both heads are in a ComputationGraph.
     *
     * @throws UnsupportedOperationException always
     */
    @Override
    public double score(MultiLayerNetwork network, DataSetIterator iterator) {
        throw new UnsupportedOperationException("model must be a ComputationGraph, found a MultiLayerNetwork");
    }

    /**
     * Not possible: both heads are in a ComputationGraph.
     *
     * @throws UnsupportedOperationException always
     */
    @Override
    public double score(MultiLayerNetwork network, MultiDataSetIterator iterator) {
        throw new UnsupportedOperationException("model must be a ComputationGraph, found a MultiLayerNetwork");
    }

    @Override
    public boolean minimize() {
        return false;
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof RetrievalScoreFunction that && metric == that.metric && cutoff == that.cutoff;
    }

    @Override
    public int hashCode() {
        return Objects.hash(metric, cutoff);
    }

    @Override
    public String toString() {
        return "RetrievalScoreFunction(" + metric + ", " + cutoff + ")";
    }
}
