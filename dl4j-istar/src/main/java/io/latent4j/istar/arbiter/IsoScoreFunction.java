/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.arbiter;

import io.latent4j.istar.analysis.IsotropyReport;
import java.util.Objects;
import org.deeplearning4j.arbiter.scoring.impl.BaseNetScoreFunction;
import org.deeplearning4j.datasets.iterator.MultiDataSetWrapperIterator;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Scores Arbiter's candidates by IsoScore* of a layer's activations over the test data: 1 when they vary equally in every
 * direction, 0 when all variance lies in one.
 *
 * <p>When to use it: to find the options that make the states of a network as isotropic as can be, or as little. By itself
 * it says nothing about how well the network does its task; a score for both adds this one's {@code score} to another's.
 * Masked time steps don't count.
 *
 * <p>Source of the measure: W. Rudman and C. Eickhoff, "Stable Anisotropic Regularization", ICLR 2024, arXiv 2305.19358,
 * section 4.
 *
 * @see IsotropyReport
 */
public final class IsoScoreFunction extends BaseNetScoreFunction {
    private static final long serialVersionUID = 1L;

    /** Name of the layer or vertex. */
    @JsonProperty
    private final String layer;

    /** Whether less isotropic is better. */
    @JsonProperty
    private final boolean minimize;

    /**
     * Scores by a layer's isotropy; larger is better.
     *
     * @param layer name of the layer or vertex; layers of a MultiLayerNetwork without a name are called {@code layer0},
     *     {@code layer1} and so on
     */
    public IsoScoreFunction(String layer) {
        this(layer, false);
    }

    /**
     * Scores by a layer's isotropy.
     *
     * @param layer name of the layer or vertex; layers of a MultiLayerNetwork without a name are called {@code layer0},
     *     {@code layer1} and so on
     * @param minimize true if less isotropic is better
     */
    public IsoScoreFunction(@JsonProperty("layer") String layer, @JsonProperty("minimize") boolean minimize) {
        this.layer = Objects.requireNonNull(layer, "layer must be the name of a layer or vertex, found null");
        this.minimize = minimize;
    }

    /**
     * Scores a network.
     *
     * @param network the network
     * @param iterator the test data
     * @return IsoScore* in [0, 1]
     * @throws IllegalArgumentException if the network has no such layer, its activations are of another rank than 2 or 3 or
     *     not finite, or they are all equal, as of those IsoScore* is not defined
     */
    @Override
    public double score(MultiLayerNetwork network, DataSetIterator iterator) {
        return isoScore(IsotropyReport.of(network, iterator, options()));
    }

    /**
     * Scores a network on data with one array of features and one of labels, as {@link #score(MultiLayerNetwork,
     * DataSetIterator)}.
     *
     * @param network the network
     * @param iterator the test data
     * @return IsoScore* in [0, 1]
     */
    @Override
    public double score(MultiLayerNetwork network, MultiDataSetIterator iterator) {
        return score(network, new MultiDataSetWrapperIterator(iterator));
    }

    /**
     * Scores a graph with one input and one output, as {@link #score(ComputationGraph, MultiDataSetIterator)}.
     *
     * @param graph the graph
     * @param iterator the test data
     * @return IsoScore* in [0, 1]
     */
    @Override
    public double score(ComputationGraph graph, DataSetIterator iterator) {
        return isoScore(IsotropyReport.of(graph, iterator, options()));
    }

    /**
     * Scores a graph.
     *
     * @param graph the graph
     * @param iterator the test data
     * @return IsoScore* in [0, 1]
     * @throws IllegalArgumentException if the graph has no such vertex, its activations are of another rank than 2 or 3 or
     *     not finite, or they are all equal, as of those IsoScore* is not defined
     */
    @Override
    public double score(ComputationGraph graph, MultiDataSetIterator iterator) {
        return isoScore(IsotropyReport.of(graph, iterator, options()));
    }

    /** The report's samples are not needed here, so they are as small as can be. */
    private IsotropyReport.Options options() {
        return IsotropyReport.Options.builder()
                .layers(layer)
                .maxPoints(3)
                .cosinePairs(1)
                .build();
    }

    private double isoScore(IsotropyReport report) {
        double score = report.layer(layer).isoScoreStar();
        if (Double.isNaN(score)) { // Arbiter would take the first NaN for the best score for ever
            throw new IllegalArgumentException("layer \"" + layer
                    + "\" must have at least two features and different activations, found width "
                    + report.layer(layer).width() + " and all "
                    + report.layer(layer).points() + " points equal or of one feature");
        }
        return score;
    }

    @Override
    public boolean minimize() {
        return minimize;
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof IsoScoreFunction that && layer.equals(that.layer) && minimize == that.minimize;
    }

    @Override
    public int hashCode() {
        return Objects.hash(layer, minimize);
    }

    @Override
    public String toString() {
        return "IsoScoreFunction(" + layer + ", " + (minimize ? "minimize" : "maximize") + ")";
    }
}
