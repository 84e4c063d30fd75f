/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import io.latent4j.vocabsem.NeuralClustering;
import io.latent4j.vocabsem.RnnSemanticLogits;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.BaseRecurrentLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.VertexIndices;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Reads the hidden states of DL4J networks in inference mode, each with the mask that applies to a layer's
 * <em>output</em>: DL4J itself keeps only the one for its input.
 */
final class NetworkStates {

    /** Takes in one layer's states of one batch. */
    interface Sink {
        void accept(String layer, LayerStates states);
    }

    private final List<String> wanted;
    private final long width;
    private final long vocabulary;
    private final RNNFormat dataFormat;
    private final Sink sink;

    /**
     * @param wanted names of layers; empty for all hidden ones of the width
     * @param vocabulary number of bases, to tell labels that are tokens
     */
    NetworkStates(List<String> wanted, long width, long vocabulary, RNNFormat dataFormat, Sink sink) {
        this.wanted = wanted;
        this.width = width;
        this.vocabulary = vocabulary;
        this.dataFormat = dataFormat;
        this.sink = sink;
    }

    void read(MultiLayerNetwork network, DataSetIterator data) {
        Map<String, Integer> indices = new LinkedHashMap<>();
        Set<String> hidden = new LinkedHashSet<>();
        Layer[] layers = network.getLayers();
        for (int i = 0; i < layers.length; i++) {
            String name = layers[i].conf().getLayer().getLayerName();
            indices.put(name == null ? "layer" + i : name, i);
            if (isHidden(layers[i])) {
                hidden.add(name == null ? "layer" + i : name);
            }
        }
        List<String> selected = selected(indices.keySet(), hidden);
        int last = selected.stream().mapToInt(indices::get).max().orElseThrow();
        RNNFormat labelsFormat = format(configuration(layers[layers.length - 1]));

        if (!data.hasNext() && data.resetSupported()) {
            data.reset();
        }
        int examples = 0;
        while (data.hasNext()) {
            DataSet batch = data.next();
            network.setInput(batch.getFeatures());
            INDArray[] masks = outputMasks(network, batch.getFeaturesMaskArray(), batch.numExamples());
            List<INDArray> activations = network.feedForwardToLayer(last, batch.getFeatures(), false);
            network.clearLayerMaskArrays();
            GoldTokens gold =
                    GoldTokens.ofLabels(batch.getLabels(), batch.getLabelsMaskArray(), labelsFormat, vocabulary);
            for (String name : selected) {
                int index = indices.get(name);
                accept(
                        name,
                        layers[index],
                        activations.get(index + 1),
                        masks[index],
                        gold,
                        batch.numExamples(),
                        examples);
            }
            examples += batch.numExamples();
        }
    }

    /** Hands the features mask from layer to layer, as the network does, and notes what comes out of each. */
    private static INDArray[] outputMasks(MultiLayerNetwork network, @Nullable INDArray featuresMask, int examples) {
        INDArray[] masks = new INDArray[network.getnLayers()];
        Pair<INDArray, MaskState> mask = new Pair<>(featuresMask, MaskState.Active);
        for (int i = 0; i < masks.length && mask != null && mask.getFirst() != null; i++) {
            InputPreProcessor preProcessor =
                    network.getLayerWiseConfigurations().getInputPreProcess(i);
            if (preProcessor != null) {
                mask = preProcessor.feedForwardMaskArray(mask.getFirst(), mask.getSecond(), examples);
            }
            if (mask != null) {
                mask = network.getLayer(i).feedForwardMaskArray(mask.getFirst(), mask.getSecond(), examples);
            }
            masks[i] = mask == null ? null : mask.getFirst();
        }
        return masks;
    }

    void read(ComputationGraph graph, MultiDataSetIterator data) {
        Set<String> names = new LinkedHashSet<>();
        Set<String> hidden = new LinkedHashSet<>();
        for (int index : graph.topologicalSortOrder()) {
            GraphVertex vertex = graph.getVertices()[index];
            names.add(vertex.getVertexName());
            if (vertex.hasLayer() && isHidden(vertex.getLayer())) {
                hidden.add(vertex.getVertexName());
            }
        }
        List<String> selected = selected(names, hidden);
        GraphVertex output =
                graph.getVertex(graph.getConfiguration().getNetworkOutputs().get(0));
        RNNFormat labelsFormat = output.hasLayer() ? format(configuration(output.getLayer())) : dataFormat;

        if (!data.hasNext() && data.resetSupported()) {
            data.reset();
        }
        int examples = 0;
        while (data.hasNext()) {
            MultiDataSet batch = data.next();
            INDArray[] features = batch.getFeatures();
            int size = (int) features[0].size(0);
            graph.setLayerMaskArrays(batch.getFeaturesMaskArrays(), null);
            Map<String, INDArray> activations = graph.feedForward(features, false);
            Map<String, INDArray> masks = outputMasks(graph, batch.getFeaturesMaskArrays(), size);
            graph.clearLayerMaskArrays();
            INDArray[] labels = batch.getLabels();
            INDArray[] labelsMasks = batch.getLabelsMaskArrays();
            GoldTokens gold = GoldTokens.ofLabels(
                    labels == null || labels.length == 0 ? null : labels[0],
                    labelsMasks == null || labelsMasks.length == 0 ? null : labelsMasks[0],
                    labelsFormat,
                    vocabulary);
            for (String name : selected) {
                GraphVertex vertex = graph.getVertex(name);
                accept(
                        name,
                        vertex.hasLayer() ? vertex.getLayer() : null,
                        activations.get(name),
                        masks.get(name),
                        gold,
                        size,
                        examples);
            }
            examples += size;
        }
    }

    /** Hands the features masks from vertex to vertex, as the graph does, and notes what comes out of each. */
    private static Map<String, INDArray> outputMasks(
            ComputationGraph graph, INDArray @Nullable [] featuresMasks, int examples) {
        Map<String, INDArray> masks = new HashMap<>();
        if (featuresMasks == null) {
            return masks;
        }
        Map<Integer, Pair<INDArray, MaskState>> outputs = new HashMap<>();
        for (int index : graph.topologicalSortOrder()) {
            GraphVertex vertex = graph.getVertices()[index];
            Pair<INDArray, MaskState> output;
            if (vertex.isInputVertex()) {
                output = new Pair<>(featuresMasks[index], MaskState.Active);
            } else {
                VertexIndices[] sources = vertex.getInputVertices();
                INDArray[] inputs = null;
                MaskState state = null;
                for (int i = 0; i < sources.length; i++) {
                    Pair<INDArray, MaskState> source = outputs.get(sources[i].getVertexIndex());
                    if (source != null) {
                        inputs = inputs == null ? new INDArray[sources.length] : inputs;
                        inputs[i] = source.getFirst();
                        state = state == null || state == MaskState.Passthrough ? source.getSecond() : state;
                    }
                }
                output = vertex.feedForwardMaskArrays(inputs, state, examples);
            }
            if (output != null) {
                outputs.put(index, output);
                masks.put(vertex.getVertexName(), output.getFirst());
            }
        }
        return masks;
    }

    private List<String> selected(Set<String> all, Set<String> hidden) {
        if (!all.containsAll(wanted)) {
            throw new IllegalArgumentException("layers must be among " + all + ", found " + wanted);
        }
        List<String> selected = wanted.isEmpty() ? new ArrayList<>(hidden) : wanted;
        if (selected.isEmpty()) {
            throw new IllegalArgumentException(
                    "network must have a hidden layer, found only " + all + "; name layers to read others");
        }
        return selected;
    }

    private void accept(
            String name,
            @Nullable Layer layer,
            INDArray activations,
            @Nullable INDArray mask,
            @Nullable GoldTokens gold,
            int examples,
            int first) {
        RNNFormat format = layer == null ? dataFormat : format(configuration(layer));
        if (wanted.isEmpty()) { // the default passes over other widths and over images
            boolean states = activations.rank() == 2 || activations.rank() == 3;
            int features = activations.rank() == 3 && format == RNNFormat.NWC ? 2 : 1;
            if (!states || activations.size(features) != width) {
                return;
            }
        }
        sink.accept(name, LayerStates.of(name, activations, format, mask, gold, examples, first));
    }

    /** Layers with parameters, as dropout or pooling would only repeat the states of the layer below. */
    private static boolean isHidden(Layer layer) {
        org.deeplearning4j.nn.conf.layers.Layer configuration = configuration(layer);
        return layer.numParams() > 0
                && !(layer instanceof IOutputLayer)
                && !(configuration instanceof EmbeddingLayer)
                && !(configuration instanceof EmbeddingSequenceLayer)
                && !(configuration instanceof BatchNormalization);
    }

    static org.deeplearning4j.nn.conf.layers.Layer configuration(Layer layer) {
        org.deeplearning4j.nn.conf.layers.Layer configuration = layer.conf().getLayer();
        while (configuration instanceof FrozenLayer frozen) {
            configuration = frozen.getLayer();
        }
        return configuration;
    }

    private RNNFormat format(org.deeplearning4j.nn.conf.layers.Layer layer) {
        if (layer instanceof BaseRecurrentLayer recurrent && recurrent.getRnnDataFormat() != null) {
            return recurrent.getRnnDataFormat();
        } else if (layer instanceof RnnOutputLayer output && output.getRnnDataFormat() != null) {
            return output.getRnnDataFormat();
        } else if (layer instanceof RnnSemanticLogits output) {
            return output.getDataFormat();
        } else if (layer instanceof NeuralClustering clustering) {
            return clustering.getDataFormat();
        } else if (layer instanceof Bidirectional bidirectional) {
            return format(bidirectional.getFwd());
        } else if (layer instanceof BaseWrapperLayer wrapper) {
            return format(wrapper.getUnderlying());
        }
        return dataFormat;
    }
}
