/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.InDouble;
import java.util.Arrays;
import java.util.Random;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.function.Executable;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.ops.transforms.Transforms;

@ExtendWith(InDouble.class)
class RecurrentLanguageModelTest {
    private static final int VOCABULARY = 9;
    private static final int WIDTH = 5;

    private static RnnOutputLayer head(Activation activation) {
        return new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nIn(WIDTH)
                .nOut(VOCABULARY)
                .activation(activation)
                .build();
    }

    private static EmbeddingSequenceLayer embedding() {
        return new EmbeddingSequenceLayer.Builder().nIn(VOCABULARY).nOut(WIDTH).build();
    }

    private static LSTM lstm() {
        return new LSTM.Builder().nIn(WIDTH).nOut(WIDTH).build();
    }

    private static ComputationGraph graph(Layer middle, Activation activation, String... outputs) {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(1)
                .graphBuilder()
                .addInputs("tokens")
                .addLayer("embedding", embedding(), "tokens")
                .addLayer("below", middle, "embedding")
                .addLayer("states", lstm(), "below")
                .addLayer("head", head(activation), "states")
                .setOutputs(outputs)
                .validateOutputLayerConfig(false)
                .build());
        graph.init();
        graph.params().muli(3); // states that differ
        return graph;
    }

    private static MultiLayerNetwork network() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(1)
                .list(embedding(), lstm(), lstm(), head(Activation.SOFTMAX))
                .build());
        network.init();
        network.params().muli(3);
        return network;
    }

    private static int[] text(int length) {
        return new Random(5).ints(length, 0, VOCABULARY).toArray();
    }

    private static INDArray tokens(int... text) {
        return Nd4j.createFromArray(new int[][] {text});
    }

    private static INDArray at(INDArray sequence, int step) {
        return sequence.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(step));
    }

    private static void assertClose(INDArray expected, INDArray actual) {
        assertEquals(expected.length(), actual.length());
        assertEquals(1, actual.size(0));
        double difference = Transforms.abs(expected.reshape(actual.shape()).sub(actual))
                .maxNumber()
                .doubleValue();
        assertTrue(difference < 1e-10, "differs by " + difference);
    }

    /** Whatever the portions, each step is that of the whole text; 150 tokens are more than are read at once. */
    @Test
    void stepsAgreeWithTheWholeText() {
        ComputationGraph graph = graph(lstm(), Activation.SOFTMAX, "head", "states");
        int[] text = text(150);
        INDArray[] whole = graph.output(tokens(text));
        RecurrentLanguageModel model = RecurrentLanguageModel.of(graph);
        assertEquals(VOCABULARY, model.vocabularySize());
        assertEquals(WIDTH, model.stateSize());
        for (int step = 0; step < 5; step++) {
            CausalLanguageModel.Step made = model.append(text[step]);
            assertClose(Transforms.log(at(whole[0], step)), made.logits());
            assertClose(at(whole[1], step), made.state());
        }
        CausalLanguageModel.Step last = model.append(Arrays.copyOfRange(text, 5, 150));
        assertClose(Transforms.log(at(whole[0], 149)), last.logits());
        assertClose(at(whole[1], 149), last.state());
        model.reset();
        assertClose(at(whole[1], 149), model.append(text).state());
    }

    @Test
    void networksGiveTheInputOfTheirHead() {
        MultiLayerNetwork network = network();
        int[] text = text(7);
        RecurrentLanguageModel model = RecurrentLanguageModel.of(network);
        model.append(text[0], text[1]);
        CausalLanguageModel.Step made = model.append(text[2], text[3], text[4], text[5], text[6]);
        assertClose(Transforms.log(at(network.output(tokens(text)), 6)), made.logits());
        assertClose(at(network.feedForward(tokens(text)).get(3), 6), made.state());
    }

    @Test
    void furtherTrainingShows() {
        MultiLayerNetwork network = network();
        RecurrentLanguageModel model = RecurrentLanguageModel.of(network);
        network.params().muli(0.5);
        CausalLanguageModel.Step made = model.append(1, 2, 3);
        assertClose(Transforms.log(at(network.output(tokens(1, 2, 3)), 2)), made.logits());
    }

    @Test
    void refusesOtherNetworks() {
        assertMessage(
                "two outputs, probabilities and states, found 1 inputs and outputs [head]",
                () -> RecurrentLanguageModel.of(graph(lstm(), Activation.SOFTMAX, "head")));
        assertMessage(
                "does its head have a softmax?",
                () -> RecurrentLanguageModel.of(graph(lstm(), Activation.IDENTITY, "head", "states")));
        assertMessage(
                "graph must keep its state from step to step",
                () -> RecurrentLanguageModel.of(graph(
                        new SelfAttentionLayer.Builder()
                                .nIn(WIDTH)
                                .nOut(WIDTH)
                                .nHeads(1)
                                .projectInput(true)
                                .build(),
                        Activation.SOFTMAX,
                        "head",
                        "states")));
        MultiLayerNetwork single = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .list(head(Activation.SOFTMAX))
                .build());
        single.init();
        assertMessage("at least two layers, found 1", () -> RecurrentLanguageModel.of(single));
    }

    @Test
    void refusesBadTokens() {
        RecurrentLanguageModel model = RecurrentLanguageModel.of(network());
        assertMessage("at least one, found none", model::append);
        assertMessage("ids in [0, 9), found 9", () -> model.append(1, 9));
        assertMessage("found -1", () -> model.append(-1));
    }

    private static void assertMessage(String part, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(part), message);
    }
}
