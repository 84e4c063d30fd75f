/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.generation;

import java.util.Arrays;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * A recurrent network of DL4J as language model: it keeps its state between calls ({@code rnnTimeStep}), so that a token
 * costs one step, whatever the length of the text.
 *
 * <p>The graph has one input, token ids [1, T], and two outputs: probabilities of the next token [1, V, T] and the states
 * they are made of [1, d, T] (NCW). Of a co-supervised graph this is its generator; of a network that ends in an
 * RnnOutputLayer, {@link #of(MultiLayerNetwork)} takes the probabilities and the head's input.
 *
 * <p>All layers must work step by step: recurrent ones, not attention, bidirectional layers or convolutions over time.
 * The constructor reads two tokens at once and one by one, and refuses networks to which this makes a difference.
 *
 * <p>The network is used as it is, not copied: further training shows, and what else calls its {@code rnnTimeStep}
 * disturbs the text.
 */
public final class RecurrentLanguageModel implements CausalLanguageModel {
    /** Tokens read at once: bounds the memory of their probabilities, of which only the last ones are kept. */
    private static final int CHUNK = 64;

    /** Relative differences that rounding explains, and a network that doesn't keep its state exceeds. */
    private static final double TOLERANCE = 1e-4;

    private static final double TOLERANCE_OF_HALF = 1e-2;

    private final ComputationGraph graph;
    private final int vocabularySize;
    private final int stateSize;

    private RecurrentLanguageModel(ComputationGraph graph) {
        this.graph = graph;
        if (graph.getNumInputArrays() != 1 || graph.getNumOutputArrays() != 2) {
            throw new IllegalArgumentException("graph must have one input, tokens, and two outputs, probabilities and"
                    + " states, found " + graph.getNumInputArrays() + " inputs and outputs "
                    + graph.getConfiguration().getNetworkOutputs());
        }
        graph.rnnClearPreviousState();
        INDArray[] together = read(0, 1);
        for (INDArray output : together) {
            if (output.rank() != 3 || output.size(0) != 1 || output.size(2) != 2) {
                throw new IllegalArgumentException("graph must make probabilities [1, V, T] and states [1, d, T], found"
                        + " shapes " + Arrays.toString(together[0].shape()) + " and "
                        + Arrays.toString(together[1].shape()) + " for T = 2");
            }
        }
        vocabularySize = Math.toIntExact(together[0].size(1));
        stateSize = Math.toIntExact(together[1].size(1));
        double tolerance = isHalf(together[1]) ? TOLERANCE_OF_HALF : TOLERANCE;
        INDArray probabilities = last(together[0]);
        if (probabilities.minNumber().doubleValue() < 0
                || Math.abs(probabilities.sumNumber().doubleValue() - 1) > TOLERANCE_OF_HALF) {
            throw new IllegalArgumentException("graph must make probabilities of the next token, which add up to 1,"
                    + " found a sum of " + probabilities.sumNumber() + ": does its head have a softmax?");
        }
        graph.rnnClearPreviousState();
        read(0);
        INDArray state = last(read(1)[1]);
        INDArray expected = last(together[1]);
        double difference = Transforms.abs(state.sub(expected)).maxNumber().doubleValue();
        double size = Transforms.abs(expected).maxNumber().doubleValue();
        if (!(difference <= tolerance * Math.max(size, Float.MIN_NORMAL))) {
            throw new IllegalArgumentException(
                    "graph must keep its state from step to step, found states that differ by "
                            + difference + " (of " + size
                            + ") between two tokens read at once and one by one: attention,"
                            + " bidirectional layers and convolutions can't be stepped");
        }
        graph.rnnClearPreviousState();
    }

    /**
     * The model of a graph.
     *
     * @param graph from token ids to probabilities and states
     * @return the model
     * @throws IllegalArgumentException if the graph has other inputs or outputs, or doesn't work step by step
     */
    public static RecurrentLanguageModel of(ComputationGraph graph) {
        return new RecurrentLanguageModel(graph);
    }

    /**
     * The model of a network: its output, and the input of its last layer as states. The parameters are shared with the
     * network.
     *
     * @param network from token ids to probabilities, with at least two layers, the last of which works on [1, d, T]
     * @return the model
     * @throws IllegalArgumentException if the network has fewer layers, or as {@link #of(ComputationGraph)}
     */
    public static RecurrentLanguageModel of(MultiLayerNetwork network) {
        int layers = network.getnLayers();
        if (layers < 2) {
            throw new IllegalArgumentException("network must have at least two layers, found " + layers);
        }
        MultiLayerConfiguration stack = network.getLayerWiseConfigurations().clone();
        ComputationGraphConfiguration.GraphBuilder builder = new NeuralNetConfiguration.Builder()
                .dataType(stack.getDataType())
                .graphBuilder()
                .addInputs("tokens")
                .setOutputs(name(layers - 1), name(layers - 2))
                .validateOutputLayerConfig(false);
        for (int i = 0; i < layers; i++) {
            builder.addLayer(
                    name(i), stack.getConf(i).getLayer(), stack.getInputPreProcess(i), i == 0 ? "tokens" : name(i - 1));
        }
        ComputationGraph graph = new ComputationGraph(builder.build());
        graph.init(network.params(), false);
        return new RecurrentLanguageModel(graph);
    }

    private static String name(int layer) {
        return "layer" + layer;
    }

    @Override
    public int vocabularySize() {
        return vocabularySize;
    }

    @Override
    public int stateSize() {
        return stateSize;
    }

    @Override
    public int maxLength() {
        return Integer.MAX_VALUE;
    }

    @Override
    public void reset() {
        graph.rnnClearPreviousState();
    }

    @Override
    public Step append(int... tokens) {
        TokenChecks.requireTokens(tokens, 0, this);
        int from = 0;
        for (; tokens.length - from > CHUNK; from += CHUNK) {
            read(Arrays.copyOfRange(tokens, from, from + CHUNK));
        }
        INDArray[] outputs = read(Arrays.copyOfRange(tokens, from, tokens.length));
        INDArray probabilities = last(outputs[0]);
        // A softmax may round to 0, whose logarithm would rule the token out
        return new Step(
                Transforms.log(Transforms.max(probabilities, Float.MIN_NORMAL, false), false), last(outputs[1]));
    }

    /** Without workspaces: with them, DL4J can't step a graph one of whose outputs is a recurrent layer itself. */
    private INDArray[] read(int... tokens) {
        WorkspaceMode mode = graph.getConfiguration().getInferenceWorkspaceMode();
        graph.getConfiguration().setInferenceWorkspaceMode(WorkspaceMode.NONE);
        try {
            return graph.rnnTimeStep(Nd4j.createFromArray(new int[][] {tokens}));
        } finally {
            graph.getConfiguration().setInferenceWorkspaceMode(mode);
        }
    }

    /** [1, n] of the last step, FLOAT or DOUBLE. Of a single step DL4J returns [1, n] itself. */
    private static INDArray last(INDArray output) {
        INDArray step = output.rank() == 3
                ? output.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(output.size(2) - 1))
                : output;
        INDArray copy = step.dup('c').reshape(1, step.length());
        return isHalf(copy) ? copy.castTo(DataType.FLOAT) : copy;
    }

    private static boolean isHalf(INDArray array) {
        return array.dataType() == DataType.HALF || array.dataType() == DataType.BFLOAT16;
    }
}
