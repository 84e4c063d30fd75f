/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.latent4j.contracts.Golden;
import java.io.IOException;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.schedule.ExponentialSchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/**
 * Configurations written by version 0.1 load with every value. DL4J drops unknown fields in silence, so renaming a
 * field or class would lose users' settings unnoticed: the files here change only with an entry in the CHANGELOG.
 */
class GoldenConfigurationTest {
    /** Nowhere a default value, so that a lost one shows. */
    static ComputationGraphConfiguration heads() {
        Contrast contrast = new Contrast(Similarity.COSINE, 0.05, true);
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(0.01))
                .graphBuilder()
                .addInputs("tokens", "passages")
                .addVertex("both", new SequenceStackVertex(), "tokens", "passages")
                .addLayer(
                        "words",
                        new EmbeddingSequenceLayer.Builder().nIn(9).nOut(3).build(),
                        "both")
                .addLayer(
                        "states",
                        new LSTM.Builder()
                                .nIn(3)
                                .nOut(4)
                                .dataFormat(RNNFormat.NWC)
                                .build(),
                        "words")
                .addVertex("gen", new SequenceUnstackVertex(0), "states", "tokens", "passages")
                .addVertex("emb", new SequenceUnstackVertex(1), "states", "tokens", "passages")
                .addVertex("keys", new SequencePoolingVertex(Pooling.MAX, RNNFormat.NWC), "emb")
                .addVertex("rows", new NextSequenceVertex(17), "gen", "keys")
                .addLayer(
                        "nextToken",
                        new NextTokenOutputLayer.Builder()
                                .nIn(4)
                                .nOut(9)
                                .lossWeight(0.25)
                                .dataFormat(RNNFormat.NWC)
                                .build(),
                        "gen")
                .addLayer(
                        "nextSequence",
                        new NextSequenceOutputLayer.Builder()
                                .nIn(4)
                                .contrast(contrast)
                                .memorySize(17)
                                .lossWeight(new ExponentialSchedule(ScheduleType.EPOCH, 0.5, 0.9))
                                .build(),
                        "rows")
                .addLayer(
                        "frozenKeys",
                        new OutputLayer.Builder(new LossNextSequence(contrast))
                                .nIn(4)
                                .nOut(4)
                                .build(),
                        "keys")
                .setOutputs("nextToken", "nextSequence", "frozenKeys")
                .build();
    }

    @Test
    void aGraphOfVersion01Loads() throws IOException {
        ComputationGraphConfiguration read = ComputationGraphConfiguration.fromJson(Golden.text("heads.json"));
        assertEquals(heads().getVertices(), read.getVertices());
        assertEquals(heads().getVertexInputs(), read.getVertexInputs());
        Golden.nothingDropped(Golden.text("heads.json"), read.toJson());
    }

    @Test
    void everyValueIsInTheFile() throws IOException {
        Map<String, GraphVertex> vertices = ComputationGraphConfiguration.fromJson(Golden.text("heads.json"))
                .getVertices();
        NextSequenceOutputLayer nextSequence = (NextSequenceOutputLayer)
                ((LayerVertex) vertices.get("nextSequence")).getLayerConf().getLayer();
        assertEquals(new Contrast(Similarity.COSINE, 0.05, true), nextSequence.contrast());
        assertEquals(17, nextSequence.getMemorySize());
        assertEquals(0.5 * 0.9, nextSequence.lossWeightAt(0, 1), 1e-12);
        NextTokenOutputLayer nextToken = (NextTokenOutputLayer)
                ((LayerVertex) vertices.get("nextToken")).getLayerConf().getLayer();
        assertEquals(0.25, nextToken.getLossWeight());
        assertEquals(RNNFormat.NWC, nextToken.getDataFormat());
        assertEquals(Pooling.MAX, ((SequencePoolingVertex) vertices.get("keys")).getPooling());
        assertEquals(RNNFormat.NWC, ((SequencePoolingVertex) vertices.get("keys")).getDataFormat());
        assertEquals(17, ((NextSequenceVertex) vertices.get("rows")).getMemorySize());
        assertEquals(1, ((SequenceUnstackVertex) vertices.get("emb")).getPart());
    }
}
