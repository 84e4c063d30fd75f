/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.arbiter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;
import org.deeplearning4j.arbiter.optimize.serde.jackson.JsonMapper;
import org.deeplearning4j.arbiter.scoring.impl.EvaluationScoreFunction;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class MacroF1ScoreFunctionTest {
    private static final MacroF1ScoreFunction SCORE = new MacroF1ScoreFunction();

    /** A network that says what it reads. */
    private static MultiLayerNetwork echo() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .list()
                .layer(new LossLayer.Builder(LossFunction.MSE)
                        .activation(Activation.IDENTITY)
                        .build())
                .build());
        network.init();
        return network;
    }

    private static INDArray oneHot(int classes, int... values) {
        INDArray array = Nd4j.zeros(values.length, classes);
        for (int i = 0; i < values.length; i++) {
            array.putScalar(i, values[i], 1);
        }
        return array;
    }

    private static DataSetIterator data(int classes, int[] predicted, int[] actual) {
        return new ListDataSetIterator<>(new DataSet(oneHot(classes, predicted), oneHot(classes, actual)).asList(), 2);
    }

    @Test
    void isTheMeanOverClasses() {
        // F1 by hand: class 0 has TP 2, FP 1, FN 0: 4/5; class 1 TP 1, FP 0, FN 1: 2/3; class 2 TP 1: 1
        int[] predicted = {0, 0, 0, 1, 2};
        int[] actual = {0, 0, 1, 1, 2};
        double expected = (0.8 + 2 / 3.0 + 1) / 3;
        assertEquals(expected, SCORE.score(echo(), data(3, predicted, actual)), 1e-12);
        assertEquals(expected, SCORE.score(echo(), new MultiDataSetIteratorAdapter(data(3, predicted, actual))), 1e-12);
        assertEquals(
                expected,
                SCORE.score(echo(), data(4, predicted, actual)),
                1e-12,
                "a class that is neither there nor predicted doesn't count");
    }

    @Test
    void aClassThatIsNeverPredictedCountsZeroUnlikeInArbiter() {
        int[] always = {0, 0, 0, 0};
        int[] actual = {0, 1, 2, 0};
        // F1 of class 0: TP 2, FP 2, FN 0
        double ofOne = 2 / 3.0;
        assertEquals(ofOne / 3, SCORE.score(echo(), data(3, always, actual)), 1e-12);
        assertEquals(
                ofOne, new EvaluationScoreFunction(Evaluation.Metric.F1).score(echo(), data(3, always, actual)), 1e-12);
    }

    @Test
    void twoClassesAreTwoClassesUnlikeInArbiter() {
        int[] predicted = {0, 0, 0, 1};
        int[] actual = {0, 0, 1, 1};
        assertEquals((0.8 + 2 / 3.0) / 2, SCORE.score(echo(), data(2, predicted, actual)), 1e-12);
        assertEquals(
                2 / 3.0,
                new EvaluationScoreFunction(Evaluation.Metric.F1).score(echo(), data(2, predicted, actual)),
                1e-12);
    }

    @Test
    void aGraphsOutputIsNamed() {
        NeuralNetConfiguration.Builder configuration = new NeuralNetConfiguration.Builder();
        LossLayer.Builder loss = new LossLayer.Builder(LossFunction.MSE).activation(Activation.IDENTITY);
        ComputationGraph graph = new ComputationGraph(configuration
                .graphBuilder()
                .addInputs("a", "b")
                .addLayer("one", loss.build(), "a")
                .addLayer("two", loss.build(), "b")
                .setOutputs("one", "two")
                .build());
        graph.init();
        INDArray right = oneHot(2, 0, 1);
        INDArray wrong = oneHot(2, 1, 0);
        org.nd4j.linalg.dataset.MultiDataSet batch =
                new org.nd4j.linalg.dataset.MultiDataSet(new INDArray[] {wrong, right}, new INDArray[] {right, right});
        assertEquals(0, new MacroF1ScoreFunction("one").score(graph, new SingletonMultiDataSetIterator(batch)));
        assertEquals(1, new MacroF1ScoreFunction("two").score(graph, new SingletonMultiDataSetIterator(batch)));
        assertRefused("output must be named for a graph with several, found [one, two]", SCORE, graph, batch);
        assertRefused("output must be one of [one, two], found three", new MacroF1ScoreFunction("three"), graph, batch);
        assertEquals(1, SCORE.score(echo().toComputationGraph(), data(2, new int[] {0, 1}, new int[] {0, 1})));
    }

    private static void assertRefused(
            String message,
            MacroF1ScoreFunction score,
            ComputationGraph graph,
            org.nd4j.linalg.dataset.MultiDataSet batch) {
        assertEquals(
                message,
                assertThrows(
                                IllegalArgumentException.class,
                                () -> score.score(graph, new SingletonMultiDataSetIterator(batch)))
                        .getMessage());
    }

    @Test
    void survivesJson() throws Exception {
        for (ScoreFunction score : List.of(SCORE, new MacroF1ScoreFunction("class"))) {
            String json = JsonMapper.getMapper().writeValueAsString(score);
            assertEquals(score, JsonMapper.getMapper().readValue(json, ScoreFunction.class));
        }
        assertNotEquals(SCORE, new MacroF1ScoreFunction("class"));
        assertFalse(SCORE.minimize());
        assertTrue(new MacroF1ScoreFunction("class").toString().contains("class"));
    }
}
