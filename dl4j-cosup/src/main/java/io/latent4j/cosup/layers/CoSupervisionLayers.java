/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.layers;

import io.latent4j.cosup.KeyMemory;
import io.latent4j.cosup.Pooling;
import java.util.Collection;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Makes the runtime halves for the configurations of {@link io.latent4j.cosup}; parameters as in DL4J's {@code instantiate}. */
public final class CoSupervisionLayers {
    private CoSupervisionLayers() {}

    /**
     * Makes the runtime half of a {@link io.latent4j.cosup.NextTokenOutputLayer}.
     *
     * @param conf the network's configuration of this layer
     * @param listeners listeners, may be null
     * @param index the layer's index
     * @param paramsView view of the layer's parameters
     * @param initialize whether to initialise the parameters
     * @param dataType the network's type
     * @return the layer
     */
    public static Layer nextToken(
            NeuralNetConfiguration conf,
            @Nullable Collection<TrainingListener> listeners,
            int index,
            INDArray paramsView,
            boolean initialize,
            DataType dataType) {
        NextTokenOutputLayer layer = new NextTokenOutputLayer(conf, dataType);
        layer.setListeners(listeners);
        layer.setIndex(index);
        layer.setParamsViewArray(paramsView);
        layer.setParamTable(layer.conf().getLayer().initializer().init(layer.conf(), paramsView, initialize));
        return layer;
    }

    /**
     * Makes the runtime half of a {@link io.latent4j.cosup.NextSequenceOutputLayer}.
     *
     * @param conf the network's configuration of this layer
     * @param listeners listeners, may be null
     * @param index the layer's index
     * @param dataType the network's type
     * @return the layer
     */
    public static Layer nextSequence(
            NeuralNetConfiguration conf,
            @Nullable Collection<TrainingListener> listeners,
            int index,
            DataType dataType) {
        NextSequenceOutputLayer layer = new NextSequenceOutputLayer(conf, dataType);
        layer.setListeners(listeners);
        layer.setIndex(index);
        layer.setParamTable(layer.conf().getLayer().initializer().init(layer.conf(), null, false));
        return layer;
    }

    /**
     * Makes the runtime half of a {@link io.latent4j.cosup.NextSequenceVertex}, with an empty memory.
     *
     * @param graph the network
     * @param name name of the vertex
     * @param index its index
     * @param memorySize capacity of its memory
     * @param dataType the network's type
     * @return the vertex
     */
    public static GraphVertex nextSequenceVertex(
            ComputationGraph graph, String name, int index, int memorySize, DataType dataType) {
        return new NextSequenceVertex(graph, name, index, new KeyMemory(memorySize), dataType);
    }

    /**
     * Makes the runtime half of a {@link io.latent4j.cosup.SequencePoolingVertex}.
     *
     * @param graph the network
     * @param name name of the vertex
     * @param index its index
     * @param pooling how to pool
     * @param format layout of the input
     * @param dataType the network's type
     * @return the vertex
     */
    public static GraphVertex sequencePooling(
            ComputationGraph graph, String name, int index, Pooling pooling, RNNFormat format, DataType dataType) {
        return new SequencePoolingVertex(graph, name, index, pooling, format, dataType);
    }

    /**
     * Makes the runtime half of a {@link io.latent4j.cosup.SequenceStackVertex}.
     *
     * @param graph the network
     * @param name name of the vertex
     * @param index its index
     * @param dataType the network's type
     * @return the vertex
     */
    public static GraphVertex sequenceStack(ComputationGraph graph, String name, int index, DataType dataType) {
        return new SequenceStackVertex(graph, name, index, dataType);
    }

    /**
     * Makes the runtime half of a {@link io.latent4j.cosup.SequenceUnstackVertex}.
     *
     * @param graph the network
     * @param name name of the vertex
     * @param index its index
     * @param part which batch to take
     * @param dataType the network's type
     * @return the vertex
     */
    public static GraphVertex sequenceUnstack(
            ComputationGraph graph, String name, int index, int part, DataType dataType) {
        return new SequenceUnstackVertex(graph, name, index, part, dataType);
    }
}
