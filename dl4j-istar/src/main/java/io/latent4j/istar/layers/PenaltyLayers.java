/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.layers;

import java.util.Collection;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Makes the runtime halves for the configurations of {@link io.latent4j.istar}. */
public final class PenaltyLayers {
    private PenaltyLayers() {}

    /**
     * Makes the runtime half of an {@link io.latent4j.istar.IStarLayer}; parameters as in DL4J's {@code instantiate}.
     *
     * @param conf the network's configuration of this layer
     * @param listeners listeners, may be null
     * @param index the layer's index
     * @param paramsView view of the layer's parameters, null if it has none
     * @param initialize whether to initialise the parameters
     * @param dataType the network's type
     * @return the layer
     */
    public static Layer iStar(
            NeuralNetConfiguration conf,
            @Nullable Collection<TrainingListener> listeners,
            int index,
            @Nullable INDArray paramsView,
            boolean initialize,
            DataType dataType) {
        IStarLayer layer = new IStarLayer(conf, dataType);
        layer.setListeners(listeners);
        layer.setIndex(index);
        if (paramsView != null && layer.layerConf().initializer().numParams(conf) > 0) {
            layer.setParamsViewArray(paramsView);
            layer.setParamTable(layer.layerConf().initializer().init(conf, paramsView, initialize));
        }
        return layer;
    }

    /**
     * Makes the runtime half of a {@link io.latent4j.istar.CosRegLayer}; parameters as in DL4J's {@code instantiate}.
     *
     * @param conf the network's configuration of this layer
     * @param listeners listeners, may be null
     * @param index the layer's index
     * @param dataType the network's type
     * @return the layer
     */
    public static Layer cosReg(
            NeuralNetConfiguration conf,
            @Nullable Collection<TrainingListener> listeners,
            int index,
            DataType dataType) {
        CosRegLayer layer = new CosRegLayer(conf, dataType);
        layer.setListeners(listeners);
        layer.setIndex(index);
        return layer;
    }

    /**
     * Makes the runtime half of an {@link io.latent4j.istar.IStarVertex}; parameters as in DL4J's {@code instantiate}.
     *
     * @param regularizer the vertex's options
     * @param graph the graph
     * @param name the vertex's name
     * @param index the vertex's index
     * @param paramsView view of the vertex's parameters, null if it has none
     * @param initialize whether to initialise the parameters
     * @param dataType the network's type
     * @return the vertex
     */
    public static GraphVertex iStarVertex(
            io.latent4j.istar.IStarLayer regularizer,
            ComputationGraph graph,
            String name,
            int index,
            @Nullable INDArray paramsView,
            boolean initialize,
            DataType dataType) {
        io.latent4j.istar.IStarLayer named = regularizer.clone();
        named.setLayerName(name);
        NeuralNetConfiguration conf =
                graph.getConfiguration().getDefaultConfiguration().clone();
        conf.clearVariables();
        conf.setLayer(named);
        IStarLayer layer = (IStarLayer) iStar(conf, null, index, paramsView, initialize, dataType);
        return new IStarVertex(graph, name, index, layer, dataType);
    }
}
