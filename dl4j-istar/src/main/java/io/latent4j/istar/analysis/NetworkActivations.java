/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import io.latent4j.istar.PenaltyLayerConfiguration;
import io.latent4j.istar.analysis.IsotropyReport.Options;
import java.util.ArrayList;
import java.util.HashMap;
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
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
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
 * Reads the hidden activations of DL4J networks in inference mode, each with the mask that applies to a layer's
 * <em>output</em>: DL4J itself keeps only the one for its input.
 */
final class NetworkActivations {

    private NetworkActivations() {}

    /** Hands the points of the chosen layers to a collector; the names of these layers. */
    static List<String> read(
            MultiLayerNetwork network, DataSetIterator data, Options options, IsotropyStatistics collector) {
        Layer[] layers = network.getLayers();
        Map<String, Integer> indexByName = new HashMap<>();
        List<String> names = new ArrayList<>();
        for (int i = 0; i < layers.length; i++) {
            String name = layers[i].conf().getLayer().getLayerName();
            names.add(name == null ? "layer" + i : name);
            indexByName.put(names.get(i), i);
        }
        options.requireKnown(new LinkedHashSet<>(names));
        List<String> selected = options.layers().isEmpty()
                ? names.stream()
                        .filter(name -> isHidden(layers[indexByName.get(name)]))
                        .toList()
                : options.layers();
        requireLayers(selected);
        int last = selected.stream().mapToInt(indexByName::get).max().orElseThrow();

        if (!data.hasNext() && data.resetSupported()) {
            data.reset();
        }
        while (data.hasNext()) {
            DataSet batch = data.next();
            network.setInput(batch.getFeatures());
            INDArray[] masks = outputMasks(network, batch.getFeaturesMaskArray(), batch.numExamples());
            List<INDArray> activations = network.feedForwardToLayer(last, batch.getFeatures(), false);
            network.clearLayerMaskArrays();
            for (String name : selected) {
                int index = indexByName.get(name);
                add(collector, options, name, layers[index], activations.get(index + 1), masks[index]);
            }
        }
        return selected;
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

    /** Hands the points of the chosen vertices to a collector; the names of these vertices. */
    static List<String> read(
            ComputationGraph graph, MultiDataSetIterator data, Options options, IsotropyStatistics collector) {
        GraphVertex[] vertices = graph.getVertices();
        int[] order = graph.topologicalSortOrder();
        Set<String> names = new LinkedHashSet<>();
        List<String> selected = new ArrayList<>();
        for (int index : order) {
            GraphVertex vertex = vertices[index];
            names.add(vertex.getVertexName());
            if (vertex.hasLayer() && isHidden(vertex.getLayer())) {
                selected.add(vertex.getVertexName());
            }
        }
        options.requireKnown(names);
        List<String> analysed = options.layers().isEmpty() ? selected : options.layers();
        requireLayers(analysed);

        if (!data.hasNext() && data.resetSupported()) {
            data.reset();
        }
        while (data.hasNext()) {
            MultiDataSet batch = data.next();
            graph.setLayerMaskArrays(batch.getFeaturesMaskArrays(), null);
            Map<String, INDArray> activations = graph.feedForward(batch.getFeatures(), false);
            Map<String, INDArray> masks = outputMasks(graph, batch.getFeaturesMaskArrays(), batch.getFeatures(0));
            graph.clearLayerMaskArrays();
            for (String name : analysed) {
                GraphVertex vertex = graph.getVertex(name);
                add(
                        collector,
                        options,
                        name,
                        vertex.hasLayer() ? vertex.getLayer() : null,
                        activations.get(name),
                        masks.get(name));
            }
        }
        return analysed;
    }

    /** Hands the features masks from vertex to vertex, as the graph does, and notes what comes out of each. */
    private static Map<String, INDArray> outputMasks(
            ComputationGraph graph, INDArray @Nullable [] featuresMasks, INDArray features) {
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
                output = vertex.feedForwardMaskArrays(inputs, state, (int) features.size(0));
            }
            if (output != null) {
                outputs.put(index, output);
                masks.put(vertex.getVertexName(), output.getFirst());
            }
        }
        return masks;
    }

    private static void add(
            IsotropyStatistics collector,
            Options options,
            String name,
            @Nullable Layer layer,
            INDArray activations,
            @Nullable INDArray mask) {
        boolean points = activations.rank() == 2 || activations.rank() == 3;
        if (points || !options.layers().isEmpty()) { // the default passes over layers of images
            RNNFormat format =
                    layer == null ? options.dataFormat() : format(configuration(layer), options.dataFormat());
            collector.add(name, activations, mask, format);
        }
    }

    private static void requireLayers(List<String> selected) {
        if (selected.isEmpty()) {
            throw new IllegalArgumentException("network must have a hidden layer to analyse, found none; "
                    + "name layers in the options to analyse others");
        }
    }

    /** Layers with parameters, as dropout or pooling would only repeat the points of the layer below. */
    private static boolean isHidden(Layer layer) {
        org.deeplearning4j.nn.conf.layers.Layer configuration = configuration(layer);
        return layer.numParams() > 0
                && !(layer instanceof IOutputLayer)
                && !(configuration instanceof EmbeddingLayer)
                && !(configuration instanceof EmbeddingSequenceLayer)
                && !(configuration instanceof BatchNormalization)
                && !(configuration instanceof PenaltyLayerConfiguration);
    }

    private static org.deeplearning4j.nn.conf.layers.Layer configuration(Layer layer) {
        org.deeplearning4j.nn.conf.layers.Layer configuration = layer.conf().getLayer();
        while (configuration instanceof FrozenLayer frozen) {
            configuration = frozen.getLayer();
        }
        return configuration;
    }

    private static RNNFormat format(org.deeplearning4j.nn.conf.layers.Layer layer, RNNFormat otherwise) {
        if (layer instanceof BaseRecurrentLayer recurrent) {
            return recurrent.getRnnDataFormat();
        } else if (layer instanceof Convolution1DLayer convolution) {
            return convolution.getRnnDataFormat();
        } else if (layer instanceof Bidirectional bidirectional) {
            return format(bidirectional.getFwd(), otherwise);
        } else if (layer instanceof TimeDistributed timeDistributed) {
            return timeDistributed.getRnnDataFormat();
        } else if (layer instanceof PenaltyLayerConfiguration penalty) {
            return penalty.getDataFormat();
        } else if (layer instanceof BaseWrapperLayer wrapper) {
            return format(wrapper.getUnderlying(), otherwise);
        }
        return otherwise;
    }
}
