/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.arbiter;

import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.deeplearning4j.arbiter.scoring.impl.BaseNetScoreFunction;
import org.deeplearning4j.datasets.iterator.MultiDataSetWrapperIterator;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.util.ComputationGraphUtil;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Scores Arbiter's candidates by macro F1 on the test data: the mean of F1 over all classes, each class counting the same
 * however frequent it is. Larger is better.
 *
 * <p>Relation to Arbiter's own {@code EvaluationScoreFunction(Metric.F1)}: that one leaves out classes that are never
 * predicted, so that a network which always says the same gets the F1 of that one class, and with two classes it is the F1
 * of the second alone. Here a class that is never predicted has F1 = 0. Only a class that is neither there nor predicted
 * is left out.
 */
public final class MacroF1ScoreFunction extends BaseNetScoreFunction {
    private static final long serialVersionUID = 1L;

    /** Name of the output, where a graph has several. */
    @JsonProperty
    private final @Nullable String output;

    /** Scores networks, and graphs with one output. */
    public MacroF1ScoreFunction() {
        this(null);
    }

    /**
     * Scores an output of graphs that have several.
     *
     * @param output name of the output that classifies; null for the only one
     */
    public MacroF1ScoreFunction(@JsonProperty("output") @Nullable String output) {
        this.output = output;
    }

    /**
     * Scores a network.
     *
     * @param network a classifier
     * @param iterator the test data
     * @return macro F1 in [0, 1]
     */
    @Override
    public double score(MultiLayerNetwork network, DataSetIterator iterator) {
        return macroF1(network.evaluate(iterator));
    }

    /**
     * Scores a network on data with one array of features and one of labels.
     *
     * @param network a classifier
     * @param iterator the test data
     * @return macro F1 in [0, 1]
     */
    @Override
    public double score(MultiLayerNetwork network, MultiDataSetIterator iterator) {
        return score(network, new MultiDataSetWrapperIterator(iterator));
    }

    /**
     * Scores a graph, as {@link #score(ComputationGraph, MultiDataSetIterator)}.
     *
     * @param graph the graph
     * @param iterator the test data
     * @return macro F1 in [0, 1]
     */
    @Override
    public double score(ComputationGraph graph, DataSetIterator iterator) {
        return score(graph, ComputationGraphUtil.toMultiDataSetIterator(iterator));
    }

    /**
     * Scores a graph.
     *
     * @param graph the graph
     * @param iterator the test data
     * @return macro F1 in [0, 1]
     * @throws IllegalArgumentException if the graph has no such output, or several and none was named
     */
    @Override
    public double score(ComputationGraph graph, MultiDataSetIterator iterator) {
        var outputs = graph.getConfiguration().getNetworkOutputs();
        int index = output == null ? 0 : outputs.indexOf(output);
        if (index < 0 || (output == null && outputs.size() != 1)) {
            throw new IllegalArgumentException(
                    output == null
                            ? "output must be named for a graph with several, found " + outputs
                            : "output must be one of " + outputs + ", found " + output);
        }
        Evaluation evaluation = new Evaluation();
        graph.evaluate(iterator, Map.of(index, new IEvaluation[] {evaluation}));
        return macroF1(evaluation);
    }

    private static double macroF1(Evaluation evaluation) {
        return IntStream.range(0, evaluation.getConfusionMatrix().getClasses().size())
                .filter(c -> evaluation.classCount(c) > 0
                        || evaluation.falsePositives().get(c) > 0)
                .mapToDouble(evaluation::f1)
                .average()
                .orElseThrow(() -> new IllegalArgumentException("test data must hold a labelled example, found none"));
    }

    @Override
    public boolean minimize() {
        return false;
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof MacroF1ScoreFunction that && Objects.equals(output, that.output);
    }

    @Override
    public int hashCode() {
        return Objects.hashCode(output);
    }

    @Override
    public String toString() {
        return "MacroF1ScoreFunction(" + (output == null ? "" : output) + ")";
    }
}
