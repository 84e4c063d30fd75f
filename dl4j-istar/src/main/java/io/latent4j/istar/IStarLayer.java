/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import io.latent4j.istar.layers.PenaltyLayers;
import io.latent4j.istar.layers.ShrinkageParamInitializer;
import java.io.Serial;
import java.util.Collection;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * I-STAR as a layer: passes its input on unchanged and adds {@code λ·(1 − IsoScore*)} of it to the network's loss.
 *
 * <p>Put it behind any layer with feed-forward {@code [mb, n]} or recurrent {@code [mb, n, T]} activations. A positive λ
 * makes these activations more isotropic, a negative one less. The penalty is taken once per minibatch, over all
 * examples and time steps; it is part of {@code score()} in training and scoring, as weight decay is, and costs nothing
 * in {@code output()}.
 *
 * <table>
 * <caption>Options</caption>
 * <tr><th>option</th><th>default</th><th>meaning</th></tr>
 * <tr><td>lambda</td><td>1</td><td>λ, any finite number; the paper's grid is ±1, ±3, ±5; 0 switches the layer off</td></tr>
 * <tr><td>zeta</td><td>0</td><td>ζ in [0, 1], weight of the shrinkage covariance Σ_S; the paper uses 0.2 to 0.8.
 * Needs a {@link ShrinkageListener}</td></tr>
 * <tr><td>maskPadding</td><td>true</td><td>leave masked time steps out</td></tr>
 * <tr><td>dataFormat</td><td>NCW</td><td>layout of recurrent activations; taken from the input type where there is
 * one</td></tr>
 * <tr><td>nIn</td><td>from the input type</td><td>n; needed only if ζ &gt; 0</td></tr>
 * </table>
 *
 * <p>If ζ &gt; 0 the layer has one parameter, Σ_S {@code [n, n]}, named {@code "S"}: saved with the network, never
 * trained, without updater state. There is no start value that would suit data of unknown scale (an identity would
 * swamp small activations and vanish beside large ones), so training before Σ_S is set is an error.
 *
 * <p>In a {@code ComputationGraph} the number of rows that the layer sees must be the number of examples: behind a
 * {@code StackVertex}, or behind a preprocessor that folds time steps into rows, use {@link IStarVertex}, which knows
 * the minibatch size and also forms the paper's union over several layers.
 *
 * <p>Source: Rudman and Eickhoff, "Stable Anisotropic Regularization", ICLR 2024, arXiv 2305.19358, section 4.
 *
 * @see IStar#attach
 * @see IStarVertex
 * @see CosRegLayer
 */
public class IStarLayer extends PenaltyLayerConfiguration {
    @Serial
    private static final long serialVersionUID = 1L;

    /** ζ, the weight of the shrinkage covariance. */
    private double zeta;

    /** For JSON. */
    protected IStarLayer() {}

    /**
     * Creates the layer.
     *
     * @param builder the options
     */
    protected IStarLayer(Builder builder) {
        super(builder);
        this.zeta = builder.zeta;
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> trainingListeners,
            int layerIndex,
            INDArray layerParamsView,
            boolean initializeParams,
            DataType networkDataType) {
        return PenaltyLayers.iStar(
                conf, trainingListeners, layerIndex, layerParamsView, initializeParams, networkDataType);
    }

    @Override
    public ParamInitializer initializer() {
        return ShrinkageParamInitializer.getInstance();
    }

    @Override
    public IUpdater getUpdaterByParam(String paramName) {
        return new NoOp();
    }

    @Override
    public boolean isPretrainParam(String paramName) {
        return false;
    }

    /**
     * The shrinkage weight.
     *
     * @return ζ in [0, 1]
     */
    public double getZeta() {
        return zeta;
    }

    /**
     * Sets the shrinkage weight; for JSON and search spaces.
     *
     * @param zeta ζ in [0, 1]
     * @throws IllegalArgumentException if ζ is not in [0, 1]
     */
    @JsonProperty("zeta")
    public void setZeta(double zeta) {
        this.zeta = IsoScoreStar.requireZeta(zeta);
    }

    @Override
    public IStarLayer clone() {
        return (IStarLayer) super.clone();
    }

    @Override
    public boolean equals(Object o) {
        return super.equals(o) && Double.compare(zeta, ((IStarLayer) o).zeta) == 0;
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), zeta);
    }

    @Override
    public String toString() {
        return "IStarLayer(zeta=" + zeta + ", " + options() + ")";
    }

    /** Builder of {@link IStarLayer}; see there for options and defaults. */
    @SuppressWarnings("unchecked") // build() narrows a type variable, as in all DL4J builders
    public static class Builder extends PenaltyLayerConfiguration.Builder<Builder> {
        private double zeta;

        /** Creates a builder with the defaults. */
        public Builder() {}

        /**
         * Sets ζ, the weight of the shrinkage covariance.
         *
         * @param zeta ζ in [0, 1]; 0, the default, uses the minibatch alone
         * @return this
         * @throws IllegalArgumentException if ζ is not in [0, 1]
         */
        public Builder zeta(double zeta) {
            this.zeta = IsoScoreStar.requireZeta(zeta);
            return this;
        }

        @Override
        public IStarLayer build() {
            return new IStarLayer(this);
        }
    }
}
