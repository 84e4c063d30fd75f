/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import io.latent4j.istar.layers.PenaltyLayers;
import java.io.Serial;
import java.util.Collection;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Cosine regularization as a layer: passes its input on unchanged and adds {@code λ·CosReg}, the mean cosine between
 * different points of it, to the network's loss.
 *
 * <p>The baseline that I-STAR is compared with; the paper applies it to the last hidden layer with λ = 1, the default.
 * All else is as in {@link IStarLayer}: one penalty per minibatch, part of the score, free at inference, masked steps
 * left out.
 *
 * <p>Source: Rudman and Eickhoff, arXiv 2305.19358, section 4, after Gao et al., ICLR 2019.
 *
 * @see CosineRegularizer
 */
public class CosRegLayer extends PenaltyLayerConfiguration {
    @Serial
    private static final long serialVersionUID = 1L;

    /** For JSON. */
    protected CosRegLayer() {}

    /**
     * Creates the layer.
     *
     * @param builder the options
     */
    protected CosRegLayer(Builder builder) {
        super(builder);
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> trainingListeners,
            int layerIndex,
            INDArray layerParamsView,
            boolean initializeParams,
            DataType networkDataType) {
        return PenaltyLayers.cosReg(conf, trainingListeners, layerIndex, networkDataType);
    }

    @Override
    public CosRegLayer clone() {
        return (CosRegLayer) super.clone();
    }

    @Override
    public String toString() {
        return "CosRegLayer(" + options() + ")";
    }

    /** Builder of {@link CosRegLayer}; see there for options and defaults. */
    @SuppressWarnings("unchecked") // build() narrows a type variable, as in all DL4J builders
    public static class Builder extends PenaltyLayerConfiguration.Builder<Builder> {
        /** Creates a builder with the defaults. */
        public Builder() {}

        @Override
        public CosRegLayer build() {
            return new CosRegLayer(this);
        }
    }
}
