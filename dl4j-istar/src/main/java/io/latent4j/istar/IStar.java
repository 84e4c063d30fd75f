/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLayer;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.params.EmptyParamInitializer;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * The front door of I-STAR: puts the regularizer into networks that know nothing of it, and reads what it says while
 * they train.
 *
 * <pre>{@code
 * // one penalty over the union of all hidden layers: the paper's default
 * ComputationGraphConfiguration conf =
 *         IStar.attach(graphBuilder, new IStarVertex.Builder().lambda(1).build()).build();
 *
 * // a penalty behind each hidden layer of a MultiLayerNetwork
 * MultiLayerConfiguration conf = IStar.attach(conf, new IStarLayer.Builder().lambda(1).build());
 * }</pre>
 *
 * <p>Source: Rudman and Eickhoff, "Stable Anisotropic Regularization", ICLR 2024, arXiv 2305.19358.
 */
public final class IStar {
    private IStar() {}

    /**
     * Regularizes the union of several layers of a graph with one {@link IStarVertex}.
     *
     * <p>The vertex is put behind the last of the layers; whatever took its input from that layer takes it from the
     * vertex afterwards. Nothing else of the graph changes. Hidden layers are those with weights and feed-forward or
     * recurrent activations, save embedding and output layers. The layers must be of one width; layers of several
     * widths have no union and are regularized by a call for each width.
     *
     * @param builder the graph, its layers added; changed in place
     * @param prototype the regularizer's options; copied
     * @param layerNames the layers to regularize; none: all hidden layers
     * @return the builder
     * @throws IllegalArgumentException if a name is unknown, there is no hidden layer, the widths differ, or nothing
     *     follows the last layer
     */
    public static ComputationGraphConfiguration.GraphBuilder attach(
            ComputationGraphConfiguration.GraphBuilder builder, IStarVertex prototype, String... layerNames) {
        Map<String, List<String>> inputs = builder.getVertexInputs();
        List<String> members = new ArrayList<>();
        for (String vertex : topologicalOrder(inputs)) {
            boolean wanted = layerNames.length == 0
                    ? builder.getVertices().get(vertex) instanceof LayerVertex v
                            && isHidden(v.getLayerConf().getLayer())
                    : Arrays.asList(layerNames).contains(vertex);
            if (wanted) {
                members.add(vertex);
            }
        }
        requireMembers(members, layerNames, builder.getVertices().keySet());
        Map<String, Long> widths = new LinkedHashMap<>();
        for (String member : members) {
            if (builder.getVertices().get(member) instanceof LayerVertex v) {
                width(v.getLayerConf().getLayer()).ifPresent(width -> widths.put(member, width));
            }
        }
        if (Set.copyOf(widths.values()).size() > 1) {
            throw new IllegalArgumentException(
                    "layerNames must name layers of one width, found " + widths + "; attach once for each width");
        }
        String last = members.get(members.size() - 1);
        List<String> followers = inputs.entrySet().stream()
                .filter(e -> e.getValue().contains(last))
                .map(Map.Entry::getKey)
                .toList();
        if (followers.isEmpty()) {
            throw new IllegalArgumentException(
                    "layerNames must not end with a layer that nothing follows, found \"" + last + "\"");
        }
        String name = freeName("istar-" + last, inputs.keySet());
        IStarVertex vertex = prototype.clone();
        if (!widths.isEmpty() && vertex.getRegularizer().getNIn() == 0) {
            vertex.getRegularizer().setNIn(widths.values().iterator().next());
        }
        for (String follower : followers) {
            inputs.put(
                    follower,
                    new ArrayList<>(inputs.get(follower).stream()
                            .map(input -> input.equals(last) ? name : input)
                            .toList()));
        }
        return builder.addVertex(name, vertex, members.toArray(new String[0]));
    }

    /**
     * Regularizes layers of a {@code MultiLayerNetwork}, each with an {@link IStarLayer} of its own behind it.
     *
     * <p>Each layer carries the full λ of the prototype. A chain of layers has no place for the union over several
     * layers that the paper takes; build a graph for it. Hidden layers are as in {@link #attach(
     * ComputationGraphConfiguration.GraphBuilder, IStarVertex, String...)}.
     *
     * @param conf the network's configuration; not changed
     * @param prototype the regularizer's options; copied for each layer
     * @param layerNames the layers to regularize, by name, or by index where a layer has no name; none: all hidden
     *     layers
     * @return a new configuration
     * @throws IllegalArgumentException if a name is unknown or there is no hidden layer
     */
    public static MultiLayerConfiguration attach(
            MultiLayerConfiguration conf, IStarLayer prototype, String... layerNames) {
        MultiLayerConfiguration result = conf.clone();
        List<NeuralNetConfiguration> layers = new ArrayList<>();
        Map<Integer, InputPreProcessor> preProcessors = new HashMap<>();
        Set<String> names = new LinkedHashSet<>();
        List<String> members = new ArrayList<>();
        for (int i = 0; i < result.getConfs().size(); i++) {
            NeuralNetConfiguration layer = result.getConf(i);
            String name = layer.getLayer().getLayerName() == null
                    ? String.valueOf(i)
                    : layer.getLayer().getLayerName();
            names.add(name);
            InputPreProcessor preProcessor = result.getInputPreProcess(i);
            if (preProcessor != null) {
                preProcessors.put(layers.size(), preProcessor);
            }
            layers.add(layer);
            boolean last = i == result.getConfs().size() - 1;
            if (layerNames.length == 0
                    ? !last && isHidden(layer.getLayer())
                    : Arrays.asList(layerNames).contains(name)) {
                if (last) {
                    throw new IllegalArgumentException(
                            "layerNames must not name the last layer, found \"" + name + "\"");
                }
                members.add(name);
                IStarLayer regularizer = prototype.clone();
                regularizer.setLayerName("istar-" + name);
                if (regularizer.getNIn() == 0) {
                    width(layer.getLayer()).ifPresent(regularizer::setNIn);
                }
                NeuralNetConfiguration added = layer.clone();
                added.clearVariables();
                added.setLayer(regularizer);
                layers.add(added);
            }
        }
        requireMembers(members, layerNames, names);
        result.setConfs(layers);
        result.setInputPreProcessors(preProcessors);
        return result;
    }

    private static void requireMembers(List<String> members, String[] layerNames, Set<String> known) {
        for (String name : layerNames) {
            if (!members.contains(name)) {
                throw new IllegalArgumentException(
                        "layerNames must name layers of " + known + ", found \"" + name + "\"");
            }
        }
        if (members.isEmpty()) {
            throw new IllegalArgumentException("the network has no hidden layer to regularize, found " + known);
        }
    }

    private static String freeName(String wanted, Set<String> taken) {
        String name = wanted;
        for (int i = 2; taken.contains(name); i++) {
            name = wanted + "-" + i;
        }
        return name;
    }

    private static List<String> topologicalOrder(Map<String, List<String>> inputs) {
        Set<String> done = new LinkedHashSet<>();
        inputs.keySet().forEach(vertex -> visit(vertex, inputs, done));
        return new ArrayList<>(done);
    }

    private static void visit(String vertex, Map<String, List<String>> inputs, Set<String> done) {
        if (inputs.containsKey(vertex) && !done.contains(vertex)) {
            inputs.get(vertex).forEach(input -> visit(input, inputs, done));
            done.add(vertex);
        }
    }

    /** Whether a layer has weights and hidden states of a shape that I-STAR is defined on. */
    private static boolean isHidden(Layer layer) {
        if (layer instanceof Bidirectional || layer instanceof SameDiffLayer) {
            return true;
        }
        Optional<Layer> wrapped = wrapped(layer);
        if (wrapped.isPresent()) {
            return isHidden(wrapped.get());
        }
        boolean image = layer instanceof ConvolutionLayer && !(layer instanceof Convolution1DLayer);
        return layer instanceof FeedForwardLayer
                && !(layer.initializer() instanceof EmptyParamInitializer)
                && !image
                && !(layer instanceof BaseOutputLayer)
                && !(layer instanceof EmbeddingLayer)
                && !(layer instanceof EmbeddingSequenceLayer)
                && !(layer instanceof BatchNormalization);
    }

    private static Optional<Layer> wrapped(Layer layer) {
        if (layer instanceof FrozenLayer frozen) {
            return Optional.of(frozen.getLayer());
        }
        return layer instanceof BaseWrapperLayer wrapper ? Optional.of(wrapper.getUnderlying()) : Optional.empty();
    }

    private static OptionalLong width(Layer layer) {
        if (layer instanceof Bidirectional both) {
            return OptionalLong.of(both.getNOut());
        }
        Optional<Layer> wrapped = wrapped(layer);
        if (wrapped.isPresent()) {
            return width(wrapped.get());
        }
        if (layer instanceof SelfAttentionLayer attention) {
            return OptionalLong.of(attention.getNOut());
        }
        return layer instanceof FeedForwardLayer dense && dense.getNOut() > 0
                ? OptionalLong.of(dense.getNOut())
                : OptionalLong.empty();
    }

    /**
     * The penalties of a running network.
     *
     * @param model a {@code MultiLayerNetwork} or {@code ComputationGraph}
     * @return its I-STAR and CosReg layers and vertices in order; empty if it has none
     * @throws IllegalArgumentException if the model is of another kind
     */
    public static List<ActivationPenalty> penalties(Model model) {
        return Arrays.stream(layers(model))
                .filter(ActivationPenalty.class::isInstance)
                .map(ActivationPenalty.class::cast)
                .toList();
    }

    static org.deeplearning4j.nn.api.Layer[] layers(Model model) {
        if (model instanceof MultiLayerNetwork network) {
            return network.getLayers();
        }
        if (model instanceof ComputationGraph graph) {
            return graph.getLayers();
        }
        throw new IllegalArgumentException("model must be a MultiLayerNetwork or a ComputationGraph, found "
                + model.getClass().getName());
    }

    /**
     * Estimates Σ_S of each I-STAR layer and vertex with ζ &gt; 0 on given data and stores it in the network.
     *
     * <p>The network runs in inference mode; without gradients, penalties or listeners. If the data hold more than
     * {@code maxPoints} points, a random choice of minibatches is taken, the last of them cut by random rows. A point is
     * one unmasked time step (or example) of one layer, so that a vertex over L layers takes L points from each token.
     * The iterator is reset before and after.
     *
     * @param model a {@code MultiLayerNetwork} or a {@code ComputationGraph}
     * @param data data like those it is trained on; must be resettable
     * @param maxPoints most points for one Σ_S, at least 2; the paper uses 250 000
     * @param seed seed of the random choice
     * @throws IllegalArgumentException if {@code maxPoints} is below 2, the iterator cannot be reset or yields too few
     *     points, or an activation is not finite
     */
    public static void updateShrinkage(Model model, MultiDataSetIterator data, long maxPoints, long seed) {
        new ShrinkageUpdate(model, data, maxPoints, seed).run();
    }
}
