/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.arbiter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.istar.IsoScoreStar;
import java.util.List;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;
import org.deeplearning4j.arbiter.optimize.serde.jackson.JsonMapper;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

class IsoScoreFunctionTest {
    private INDArray features;
    private MultiLayerNetwork network;

    @BeforeEach
    void makeNetwork() {
        Nd4j.getRandom().setSeed(3);
        features = Nd4j.randn(40, 4);
        network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(1)
                .list()
                .layer(new DenseLayer.Builder().nOut(6).build())
                .layer(new OutputLayer.Builder().nOut(2).build())
                .setInputType(InputType.feedForward(4))
                .build());
        network.init();
    }

    private DataSetIterator data() {
        return new ListDataSetIterator<>(new DataSet(features, Nd4j.zeros(40, 2)).asList(), 16);
    }

    /** The report's covariance and the kernel's are both of double accumulations over float32 states. */
    private static final double TOLERANCE = 1e-5;

    @Test
    void isTheKernelsScoreOfAllActivations() {
        ScoreFunction score = new IsoScoreFunction("layer0");
        double expected = IsoScoreStar.of(network.feedForward(features, false).get(1));
        assertTrue(expected > 0.01 && expected < 0.99, "found " + expected);
        IsoScoreFunction function = (IsoScoreFunction) score;
        assertEquals(expected, function.score(network, data()), TOLERANCE);
        assertEquals(expected, function.score(network, new MultiDataSetIteratorAdapter(data())), TOLERANCE);
        ComputationGraph graph = network.toComputationGraph();
        String vertex = graph.getConfiguration().getTopologicalOrderStr().get(1);
        IsoScoreFunction ofVertex = new IsoScoreFunction(vertex);
        assertEquals(expected, ofVertex.score(graph, data()), TOLERANCE);
        assertEquals(expected, ofVertex.score(graph, new MultiDataSetIteratorAdapter(data())), TOLERANCE);
    }

    @Test
    void survivesJsonAndKnowsItsDirection() throws Exception {
        for (ScoreFunction score : List.of(new IsoScoreFunction("a"), new IsoScoreFunction("a", true))) {
            String json = JsonMapper.getMapper().writeValueAsString(score);
            ScoreFunction loaded = JsonMapper.getMapper().readValue(json, ScoreFunction.class);
            assertEquals(score, loaded);
            assertEquals(score.hashCode(), loaded.hashCode());
            assertEquals(score.minimize(), loaded.minimize());
        }
        assertFalse(new IsoScoreFunction("a").minimize());
        assertNotEquals(new IsoScoreFunction("a"), new IsoScoreFunction("a", true));
        assertNotEquals(new IsoScoreFunction("a"), new IsoScoreFunction("b"));
        assertEquals("IsoScoreFunction(a, minimize)", new IsoScoreFunction("a", true).toString());
    }

    @Test
    void saysWhatItCannotScore() {
        assertTrue(assertThrows(
                        IllegalArgumentException.class, () -> new IsoScoreFunction("encoder").score(network, data()))
                .getMessage()
                .contains("found [encoder]"));
        features = Nd4j.ones(40, 4);
        assertTrue(assertThrows(
                        IllegalArgumentException.class, () -> new IsoScoreFunction("layer0").score(network, data()))
                .getMessage()
                .contains("all 40 points equal"));
    }
}
