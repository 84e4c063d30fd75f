/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.latent4j.contracts.Golden;
import java.io.IOException;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/**
 * Configurations written by version 0.1 load with every value. DL4J drops unknown fields in silence, so renaming a
 * field or class would lose users' settings unnoticed: the files here change only with an entry in the CHANGELOG.
 */
class GoldenConfigurationTest {
    private static NeuralClustering.Builder clustering() {
        return new NeuralClustering.Builder()
                .hiddenFactor(3)
                .bottleneckRatio(2)
                .activation(Activation.GELU)
                .residual(true)
                .sigmoidGate(true)
                .layerNormAffine(true)
                .layerNormEpsilon(1e-4)
                .initialIdentity(true)
                .dataFormat(RNNFormat.NWC);
    }

    /** Nowhere a default value, so that a lost one shows. */
    static MultiLayerConfiguration labels() {
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(0.01))
                .list()
                .layer(new LSTM.Builder().nOut(4).dataFormat(RNNFormat.NWC).build())
                .layer(new LastStepPooling.Builder().dataFormat(RNNFormat.NWC).build())
                .layer(clustering().build())
                .layer(new SemanticLogits.Builder(new LossSparseMCXENT())
                        .nOut(3)
                        .similarity(Similarity.EUCLIDEAN)
                        .scale(2.5)
                        .trainableScale(true)
                        .trainableBases(true)
                        .build())
                .setInputType(InputType.recurrent(3, 5, RNNFormat.NWC))
                .build();
    }

    static MultiLayerConfiguration steps() {
        RnnSemanticLogits head = new RnnSemanticLogits.Builder(new LossSparseMCXENT())
                .nOut(3)
                .similarity(Similarity.DOT)
                .scale(0.5)
                .dataFormat(RNNFormat.NWC)
                .build();
        head.setBasesFile("labels.bases");
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .list()
                .layer(new LSTM.Builder().nOut(4).dataFormat(RNNFormat.NWC).build())
                .layer(clustering().build())
                .layer(head)
                .setInputType(InputType.recurrent(3, 5, RNNFormat.NWC))
                .build();
    }

    @Test
    void layersOfVersion01Load() throws IOException {
        MultiLayerConfiguration labels = MultiLayerConfiguration.fromJson(Golden.text("labels.json"));
        assertEquals(labels(), labels);
        Golden.nothingDropped(Golden.text("labels.json"), labels.toJson());
        MultiLayerConfiguration steps = MultiLayerConfiguration.fromJson(Golden.text("steps.json"));
        assertEquals(steps(), steps);
        Golden.nothingDropped(Golden.text("steps.json"), steps.toJson());
    }

    @Test
    void everyValueIsInTheFile() throws IOException {
        SemanticLogits head = (SemanticLogits) MultiLayerConfiguration.fromJson(Golden.text("labels.json"))
                .getConf(3)
                .getLayer();
        assertEquals(Similarity.EUCLIDEAN, head.getSimilarity());
        assertEquals(2.5, head.getScale());
        assertEquals(true, head.isTrainableScale());
        assertEquals(true, head.isTrainableBases());
        RnnSemanticLogits rnn = (RnnSemanticLogits) MultiLayerConfiguration.fromJson(Golden.text("steps.json"))
                .getConf(2)
                .getLayer();
        assertEquals(Similarity.DOT, rnn.getSimilarity());
        assertEquals("labels.bases", rnn.getBasesFile());
        assertEquals(RNNFormat.NWC, rnn.getDataFormat());
    }
}
