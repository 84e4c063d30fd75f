/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.jspecify.annotations.Nullable;

/** Finds the heads and embeddings of DL4J networks. */
final class NetworkVectors {
    private NetworkVectors() {}

    /** The columns of an output layer's or the rows of an embedding layer's "W". */
    static TokenVectors of(@Nullable Layer layer) {
        Layer inner = unwrap(layer);
        if (inner != null && inner.conf().getLayer() instanceof BaseOutputLayer) {
            return TokenVectors.columnsOf(inner.getParam(DefaultParamInitializer.WEIGHT_KEY));
        }
        if (isEmbedding(inner)) {
            return TokenVectors.rowsOf(inner.getParam(DefaultParamInitializer.WEIGHT_KEY));
        }
        throw new IllegalArgumentException(
                "layer must be an output layer with parameters or an embedding layer, found " + describe(inner));
    }

    static TokenVectors outputLayer(MultiLayerNetwork network) {
        return head(network.getOutputLayer());
    }

    static TokenVectors outputLayer(ComputationGraph graph) {
        List<String> outputs = graph.getConfiguration().getNetworkOutputs();
        if (outputs.size() != 1) {
            throw new IllegalArgumentException("a graph of several outputs needs the name of one of " + outputs);
        }
        return outputLayer(graph, outputs.get(0));
    }

    static TokenVectors outputLayer(ComputationGraph graph, String name) {
        List<String> outputs = graph.getConfiguration().getNetworkOutputs();
        if (!outputs.contains(name)) {
            throw new IllegalArgumentException(
                    "name must be one of the graph's outputs " + outputs + ", found " + name);
        }
        return head(graph.getLayer(name));
    }

    static TokenVectors embeddingLayer(Layer[] layers) {
        List<Layer> embeddings = Arrays.stream(layers)
                .map(NetworkVectors::unwrap)
                .filter(NetworkVectors::isEmbedding)
                .toList();
        if (embeddings.size() != 1) {
            throw new IllegalArgumentException("network must have one embedding layer, found "
                    + embeddings.stream().map(NetworkVectors::describe).toList());
        }
        return of(embeddings.get(0));
    }

    private static TokenVectors head(@Nullable Layer layer) {
        Layer inner = unwrap(layer);
        if (inner == null || !(inner.conf().getLayer() instanceof BaseOutputLayer)) {
            throw new IllegalArgumentException(
                    "the output must be a layer with a head, such as OutputLayer or RnnOutputLayer, found "
                            + describe(inner));
        }
        return of(inner);
    }

    private static boolean isEmbedding(@Nullable Layer layer) {
        return layer != null
                && (layer.conf().getLayer() instanceof EmbeddingLayer
                        || layer.conf().getLayer() instanceof EmbeddingSequenceLayer);
    }

    /** What frozen and other wrapped layers hold. */
    private static @Nullable Layer unwrap(@Nullable Layer layer) {
        return layer instanceof BaseWrapperLayer wrapper ? unwrap(wrapper.getUnderlying()) : layer;
    }

    private static String describe(@Nullable Layer layer) {
        if (layer == null) {
            return "no layer";
        }
        var conf = layer.conf().getLayer();
        return conf.getClass().getSimpleName() + " \"" + conf.getLayerName() + '"';
    }
}
