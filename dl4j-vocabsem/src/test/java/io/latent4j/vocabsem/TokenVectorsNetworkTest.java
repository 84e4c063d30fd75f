/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.latent4j.vocabsem.TokenVectors.Layout;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Heads and embeddings of DL4J networks and SameDiff graphs. */
class TokenVectorsNetworkTest {
    private static final int VOCABULARY = 30;

    private static OutputLayer output() {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .nIn(8)
                .nOut(VOCABULARY)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static RnnOutputLayer rnnOutput(int nIn) {
        return new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nIn(nIn)
                .nOut(VOCABULARY)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static LSTM lstm() {
        return new LSTM.Builder().nIn(5).nOut(4).build();
    }

    private static MultiLayerNetwork network(org.deeplearning4j.nn.conf.layers.Layer... layers) {
        NeuralNetConfiguration.ListBuilder list =
                new NeuralNetConfiguration.Builder().seed(1).list();
        for (org.deeplearning4j.nn.conf.layers.Layer layer : layers) {
            list.layer(layer);
        }
        MultiLayerConfiguration configuration = list.build();
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        return network;
    }

    private static void assertHead(INDArray weights, TokenVectors vectors) {
        SemanticBases bases = SemanticBases.head(vectors).build();
        assertEquals(SemanticBases.fromHead(weights.dup('c')).fingerprint(), bases.fingerprint());
        // W⁺ is a left or right inverse of the head, whichever its shape allows
        INDArray product = bases.matrix().transpose().mmul(weights.transpose());
        assertEquals(0, product.distance2(Nd4j.eye(weights.size(0)).castTo(product.dataType())), 1e-4);
    }

    private static void assertRefused(String expected, Executable executable) {
        assertEquals(
                expected,
                assertThrows(IllegalArgumentException.class, executable).getMessage());
    }

    @Test
    void headsOfMultiLayerNetworks() {
        MultiLayerNetwork flat = network(new DenseLayer.Builder().nIn(3).nOut(8).build(), output());
        assertHead(flat.getParam("1_W"), TokenVectors.outputLayer(flat));
        MultiLayerNetwork recurrent = network(
                new EmbeddingSequenceLayer.Builder().nIn(VOCABULARY).nOut(5).build(),
                new Bidirectional(Bidirectional.Mode.CONCAT, lstm()),
                rnnOutput(8));
        assertHead(recurrent.getParam("2_W"), TokenVectors.outputLayer(recurrent));
        assertEquals(
                recurrent.getParam("0_W"),
                SemanticBases.embedding(TokenVectors.embeddingLayer(recurrent))
                        .build()
                        .matrix());
        assertRefused("network must have one embedding layer, found []", () -> TokenVectors.embeddingLayer(flat));
        assertRefused(
                "layer must be an output layer with parameters or an embedding layer, found DenseLayer \"layer0\"",
                () -> TokenVectors.of(flat.getLayer(0)));
        MultiLayerNetwork lossOnly = network(
                new DenseLayer.Builder().nIn(3).nOut(8).build(), new LossLayer.Builder(LossFunction.MSE).build());
        assertRefused(
                "the output must be a layer with a head, such as OutputLayer or RnnOutputLayer, found LossLayer \"layer1\"",
                () -> TokenVectors.outputLayer(lossOnly));
    }

    @Test
    void headsOfGraphs() {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(2)
                .graphBuilder()
                .addInputs("tokens")
                .addLayer(
                        "embedding",
                        new FrozenLayer(new EmbeddingSequenceLayer.Builder()
                                .nIn(VOCABULARY)
                                .nOut(5)
                                .build()),
                        "tokens")
                .addLayer("body", new Bidirectional(Bidirectional.Mode.ADD, lstm()), "embedding")
                .addLayer("lm", rnnOutput(4), "body")
                .addLayer("tags", rnnOutput(4), "body")
                .setOutputs("lm", "tags")
                .build());
        graph.init();
        assertHead(graph.getParam("tags_W"), TokenVectors.outputLayer(graph, "tags"));
        assertHead(graph.getParam("lm_W"), TokenVectors.of(graph.getLayer("lm")));
        INDArray embedding = graph.getLayer("embedding").getParam("W");
        assertEquals(
                embedding,
                SemanticBases.embedding(TokenVectors.embeddingLayer(graph))
                        .build()
                        .matrix());
        assertRefused(
                "a graph of several outputs needs the name of one of [lm, tags]",
                () -> TokenVectors.outputLayer(graph));
        assertRefused(
                "name must be one of the graph's outputs [lm, tags], found body",
                () -> TokenVectors.outputLayer(graph, "body"));

        ComputationGraph one = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .graphBuilder()
                .addInputs("token")
                .addLayer(
                        "embedding",
                        new EmbeddingLayer.Builder().nIn(VOCABULARY).nOut(8).build(),
                        "token")
                .addLayer("lm", output(), "embedding")
                .setOutputs("lm")
                .build());
        one.init();
        assertHead(one.getParam("lm_W"), TokenVectors.outputLayer(one));
        // Tied weights: the head is the embedding's transpose
        one.setParam("lm_W", one.getParam("embedding_W").transpose());
        assertEquals(
                SemanticBases.fromHeadRows(one.getParam("embedding_W")).fingerprint(),
                SemanticBases.head(TokenVectors.outputLayer(one)).fingerprint());
    }

    @Test
    void sameDiffVariables() {
        SameDiff graph = SameDiff.create();
        INDArray value = Nd4j.randn(DataType.FLOAT, 4, 20);
        SDVariable head = graph.var("head", value);
        assertHead(value, TokenVectors.variable(head, Layout.COLUMNS));
        assertEquals(
                SemanticBases.fromHead(value).fingerprint(),
                SemanticBases.head(TokenVectors.variable(graph.constant("rows", value.transpose()), Layout.ROWS))
                        .fingerprint());
        SDVariable input = graph.placeHolder("input", DataType.FLOAT, -1, 4);
        assertRefused(
                "variable must be a VARIABLE or CONSTANT with a value, found PLACEHOLDER \"input\"",
                () -> TokenVectors.variable(input, Layout.ROWS));
        SDVariable result = input.mmul("logits", head);
        assertRefused(
                "variable must be a VARIABLE or CONSTANT with a value, found ARRAY \"logits\"",
                () -> TokenVectors.variable(result, Layout.ROWS));
    }
}
