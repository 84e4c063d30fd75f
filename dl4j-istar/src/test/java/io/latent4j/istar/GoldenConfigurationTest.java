/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.latent4j.contracts.Golden;
import java.io.IOException;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/**
 * Configurations written by version 0.1 load with every value. DL4J drops unknown fields in silence, so renaming a
 * field or class would lose users' settings unnoticed: the files here change only with an entry in the CHANGELOG.
 */
class GoldenConfigurationTest {
    static final IStarLayer I_STAR = new IStarLayer.Builder()
            .name("istar")
            .lambda(-2.5)
            .zeta(0.3)
            .maskPadding(false)
            .dataFormat(RNNFormat.NWC)
            .nIn(4)
            .build();
    static final CosRegLayer COS_REG = new CosRegLayer.Builder()
            .name("cosreg")
            .lambda(0.75)
            .maskPadding(false)
            .dataFormat(RNNFormat.NWC)
            .nIn(4)
            .build();

    static MultiLayerConfiguration chain() {
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .list()
                .layer(new LSTM.Builder().nOut(4).dataFormat(RNNFormat.NWC).build())
                .layer(I_STAR.clone())
                .layer(COS_REG.clone())
                .layer(output())
                .setInputType(InputType.recurrent(3, 5, RNNFormat.NWC))
                .build();
    }

    static ComputationGraphConfiguration graph() {
        IStarLayer options = I_STAR.clone();
        options.setLayerName(null);
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .graphBuilder()
                .addInputs("in")
                .addLayer(
                        "h",
                        new LSTM.Builder().nOut(4).dataFormat(RNNFormat.NWC).build(),
                        "in")
                .addVertex("istar", new IStarVertex(options), "h")
                .addLayer("out", output(), "istar")
                .setOutputs("out")
                .setInputTypes(InputType.recurrent(3, 5, RNNFormat.NWC))
                .build();
    }

    private static RnnOutputLayer output() {
        return new RnnOutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                .nOut(2)
                .dataFormat(RNNFormat.NWC)
                .activation(Activation.SOFTMAX)
                .build();
    }

    @Test
    void layersOfVersion01Load() throws IOException {
        MultiLayerConfiguration conf = MultiLayerConfiguration.fromJson(Golden.text("layers.json"));
        assertEquals(I_STAR, conf.getConf(1).getLayer());
        assertEquals(COS_REG, conf.getConf(2).getLayer());
        assertEquals(chain(), conf);
        Golden.nothingDropped(Golden.text("layers.json"), conf.toJson());
    }

    @Test
    void vertexOfVersion01Loads() throws IOException {
        ComputationGraphConfiguration conf = ComputationGraphConfiguration.fromJson(Golden.text("vertex.json"));
        assertEquals(graph().getVertices(), conf.getVertices());
        Golden.nothingDropped(Golden.text("vertex.json"), conf.toJson());
        assertEquals(
                -2.5,
                ((IStarVertex) conf.getVertices().get("istar")).getRegularizer().getLambda());
    }
}
