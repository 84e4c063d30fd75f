/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.layers;

import java.util.Collection;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Makes the runtime halves for the configurations of {@link io.latent4j.vocabsem}. */
public final class SemanticLayers {
    private SemanticLayers() {}

    /**
     * Makes the runtime half of a {@link io.latent4j.vocabsem.SemanticLogits}; parameters as in DL4J's {@code instantiate}.
     *
     * @param conf the network's configuration of this layer
     * @param listeners listeners, may be null
     * @param index the layer's index
     * @param paramsView view of the layer's parameters
     * @param initialize whether to initialise the parameters
     * @param dataType the network's type
     * @return the layer
     */
    public static Layer semanticLogits(
            NeuralNetConfiguration conf,
            @Nullable Collection<TrainingListener> listeners,
            int index,
            INDArray paramsView,
            boolean initialize,
            DataType dataType) {
        return complete(new SemanticLogits(conf, dataType), listeners, index, paramsView, initialize);
    }

    /**
     * Makes the runtime half of a {@link io.latent4j.vocabsem.RnnSemanticLogits}; parameters as in DL4J's {@code instantiate}.
     *
     * @param conf the network's configuration of this layer
     * @param listeners listeners, may be null
     * @param index the layer's index
     * @param paramsView view of the layer's parameters
     * @param initialize whether to initialise the parameters
     * @param dataType the network's type
     * @return the layer
     */
    public static Layer rnnSemanticLogits(
            NeuralNetConfiguration conf,
            @Nullable Collection<TrainingListener> listeners,
            int index,
            INDArray paramsView,
            boolean initialize,
            DataType dataType) {
        return complete(new RnnSemanticLogits(conf, dataType), listeners, index, paramsView, initialize);
    }

    /**
     * Makes the runtime half of a {@link io.latent4j.vocabsem.NeuralClustering}; parameters as in DL4J's {@code
     * instantiate}.
     *
     * @param conf the network's configuration of this layer
     * @param listeners listeners, may be null
     * @param index the layer's index
     * @param paramsView view of the layer's parameters
     * @param initialize whether to initialise the parameters
     * @param dataType the network's type
     * @return the layer
     */
    public static Layer neuralClustering(
            NeuralNetConfiguration conf,
            @Nullable Collection<TrainingListener> listeners,
            int index,
            INDArray paramsView,
            boolean initialize,
            DataType dataType) {
        return complete(new NeuralClustering(conf, dataType), listeners, index, paramsView, initialize);
    }

    /**
     * Makes the runtime half of a {@link io.latent4j.vocabsem.LastStepPooling}; parameters as in DL4J's {@code
     * instantiate}.
     *
     * @param conf the network's configuration of this layer
     * @param listeners listeners, may be null
     * @param index the layer's index
     * @param dataType the network's type
     * @return the layer
     */
    public static Layer lastStepPooling(
            NeuralNetConfiguration conf,
            @Nullable Collection<TrainingListener> listeners,
            int index,
            DataType dataType) {
        LastStepPooling layer = new LastStepPooling(conf, dataType);
        layer.setListeners(listeners);
        layer.setIndex(index);
        return layer;
    }

    private static Layer complete(
            BaseLayer<?> layer,
            @Nullable Collection<TrainingListener> listeners,
            int index,
            INDArray paramsView,
            boolean initialize) {
        layer.setListeners(listeners);
        layer.setIndex(index);
        layer.setParamsViewArray(paramsView);
        layer.setParamTable(layer.conf().getLayer().initializer().init(layer.conf(), paramsView, initialize));
        return layer;
    }
}
