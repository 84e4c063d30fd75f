/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.arbiter;

import io.latent4j.vocabsem.NeuralClustering;
import java.util.Objects;
import org.deeplearning4j.arbiter.layers.FeedForwardLayerSpace;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.FixedValue;
import org.deeplearning4j.arbiter.util.LeafUtils;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;

/**
 * Arbiter's view of {@link NeuralClustering}: each option fixed or searched, in a {@code MultiLayerSpace} or a {@code
 * ComputationGraphSpace}, beside those that every layer with weights has.
 *
 * <pre>{@code
 * new NeuralClusteringSpace.Builder()
 *         .residual(new DiscreteParameterSpace<>(true, false))
 *         .hiddenFactor(new IntegerParameterSpace(1, 4))
 *         .build()
 * }</pre>
 *
 * <p>Source of the method: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184, section on neural clustering.
 */
public final class NeuralClusteringSpace extends FeedForwardLayerSpace<NeuralClustering> {

    // The names of these fields are the JSON format
    private @Nullable ParameterSpace<Integer> hiddenFactor;
    private @Nullable ParameterSpace<Integer> bottleneckRatio;
    private @Nullable ParameterSpace<Boolean> residual;
    private @Nullable ParameterSpace<Boolean> sigmoidGate;
    private @Nullable ParameterSpace<Boolean> layerNormAffine;
    private @Nullable ParameterSpace<Double> layerNormEpsilon;
    private @Nullable ParameterSpace<Boolean> initialIdentity;
    private @Nullable RNNFormat dataFormat;

    /** For JSON. */
    private NeuralClusteringSpace() {}

    private NeuralClusteringSpace(Builder builder) {
        super(builder);
        hiddenFactor = builder.hiddenFactor;
        bottleneckRatio = builder.bottleneckRatio;
        residual = builder.residual;
        sigmoidGate = builder.sigmoidGate;
        layerNormAffine = builder.layerNormAffine;
        layerNormEpsilon = builder.layerNormEpsilon;
        initialIdentity = builder.initialIdentity;
        dataFormat = builder.dataFormat;
        numParameters = LeafUtils.countUniqueParameters(collectLeaves());
    }

    /**
     * Makes the layer's configuration from a candidate's values.
     *
     * @param values the candidate, each in [0, 1]
     * @return a new configuration
     * @throws IllegalArgumentException if a value is outside the layer's range
     */
    @Override
    public NeuralClustering getValue(double[] values) {
        NeuralClustering.Builder layer = new NeuralClustering.Builder();
        setLayerOptionsBuilder(layer, values);
        if (hiddenFactor != null) {
            layer.hiddenFactor(hiddenFactor.getValue(values));
        }
        if (bottleneckRatio != null) {
            layer.bottleneckRatio(bottleneckRatio.getValue(values));
        }
        if (residual != null) {
            layer.residual(residual.getValue(values));
        }
        if (sigmoidGate != null) {
            layer.sigmoidGate(sigmoidGate.getValue(values));
        }
        if (layerNormAffine != null) {
            layer.layerNormAffine(layerNormAffine.getValue(values));
        }
        if (layerNormEpsilon != null) {
            layer.layerNormEpsilon(layerNormEpsilon.getValue(values));
        }
        if (initialIdentity != null) {
            layer.initialIdentity(initialIdentity.getValue(values));
        }
        if (dataFormat != null) {
            layer.dataFormat(dataFormat);
        }
        return layer.build();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof NeuralClusteringSpace that
                && super.equals(that)
                && Objects.equals(hiddenFactor, that.hiddenFactor)
                && Objects.equals(bottleneckRatio, that.bottleneckRatio)
                && Objects.equals(residual, that.residual)
                && Objects.equals(sigmoidGate, that.sigmoidGate)
                && Objects.equals(layerNormAffine, that.layerNormAffine)
                && Objects.equals(layerNormEpsilon, that.layerNormEpsilon)
                && Objects.equals(initialIdentity, that.initialIdentity)
                && dataFormat == that.dataFormat;
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                super.hashCode(),
                hiddenFactor,
                bottleneckRatio,
                residual,
                sigmoidGate,
                layerNormAffine,
                layerNormEpsilon,
                initialIdentity,
                dataFormat);
    }

    @Override
    protected boolean canEqual(Object other) {
        return other instanceof NeuralClusteringSpace;
    }

    @Override
    public String toString() {
        return "NeuralClusteringSpace(" + toString(", ") + ")";
    }

    @Override
    protected String toString(String delimiter) {
        return String.join(
                delimiter,
                super.toString(delimiter),
                "hiddenFactor: " + hiddenFactor,
                "bottleneckRatio: " + bottleneckRatio,
                "residual: " + residual,
                "sigmoidGate: " + sigmoidGate,
                "layerNormAffine: " + layerNormAffine,
                "layerNormEpsilon: " + layerNormEpsilon,
                "initialIdentity: " + initialIdentity,
                "dataFormat: " + dataFormat);
    }

    /** Builder of {@link NeuralClusteringSpace}; what is not set keeps the layer's default. */
    @SuppressWarnings("unchecked") // build() narrows a type variable, as in all of Arbiter's builders
    public static final class Builder extends FeedForwardLayerSpace.Builder<Builder> {
        private @Nullable ParameterSpace<Integer> hiddenFactor;
        private @Nullable ParameterSpace<Integer> bottleneckRatio;
        private @Nullable ParameterSpace<Boolean> residual;
        private @Nullable ParameterSpace<Boolean> sigmoidGate;
        private @Nullable ParameterSpace<Boolean> layerNormAffine;
        private @Nullable ParameterSpace<Double> layerNormEpsilon;
        private @Nullable ParameterSpace<Boolean> initialIdentity;
        private @Nullable RNNFormat dataFormat;

        /** Creates a builder with nothing set. */
        public Builder() {}

        /**
         * Fixes the width of the MLP's hidden layer.
         *
         * @param hiddenFactor hidden units per feature, at least 1
         * @return this
         */
        public Builder hiddenFactor(int hiddenFactor) {
            return hiddenFactor(new FixedValue<>(hiddenFactor));
        }

        /**
         * Searches the width of the MLP's hidden layer.
         *
         * @param hiddenFactor space of such values: hidden units per feature, at least 1
         * @return this
         */
        public Builder hiddenFactor(ParameterSpace<Integer> hiddenFactor) {
            this.hiddenFactor = hiddenFactor;
            return this;
        }

        /**
         * Fixes the width of the attention's bottleneck.
         *
         * @param bottleneckRatio features per unit of the bottleneck, at least 1
         * @return this
         */
        public Builder bottleneckRatio(int bottleneckRatio) {
            return bottleneckRatio(new FixedValue<>(bottleneckRatio));
        }

        /**
         * Searches the width of the attention's bottleneck.
         *
         * @param bottleneckRatio space of such values: features per unit of the bottleneck, at least 1
         * @return this
         */
        public Builder bottleneckRatio(ParameterSpace<Integer> bottleneckRatio) {
            this.bottleneckRatio = bottleneckRatio;
            return this;
        }

        /**
         * Fixes whether the state is added before LN.
         *
         * @param residual true for a residual
         * @return this
         */
        public Builder residual(boolean residual) {
            return residual(new FixedValue<>(residual));
        }

        /**
         * Searches whether the state is added before LN.
         *
         * @param residual space of such values: true for a residual
         * @return this
         */
        public Builder residual(ParameterSpace<Boolean> residual) {
            this.residual = residual;
            return this;
        }

        /**
         * Fixes whether the gate is σ(CA(r)).
         *
         * @param sigmoidGate true for a sigmoid
         * @return this
         */
        public Builder sigmoidGate(boolean sigmoidGate) {
            return sigmoidGate(new FixedValue<>(sigmoidGate));
        }

        /**
         * Searches whether the gate is σ(CA(r)).
         *
         * @param sigmoidGate space of such values: true for a sigmoid
         * @return this
         */
        public Builder sigmoidGate(ParameterSpace<Boolean> sigmoidGate) {
            this.sigmoidGate = sigmoidGate;
            return this;
        }

        /**
         * Fixes whether LN has a gain and a bias.
         *
         * @param layerNormAffine true if it has
         * @return this
         */
        public Builder layerNormAffine(boolean layerNormAffine) {
            return layerNormAffine(new FixedValue<>(layerNormAffine));
        }

        /**
         * Searches whether LN has a gain and a bias.
         *
         * @param layerNormAffine space of such values: true if it has
         * @return this
         */
        public Builder layerNormAffine(ParameterSpace<Boolean> layerNormAffine) {
            this.layerNormAffine = layerNormAffine;
            return this;
        }

        /**
         * Fixes ε of LN.
         *
         * @param layerNormEpsilon positive and finite
         * @return this
         */
        public Builder layerNormEpsilon(double layerNormEpsilon) {
            return layerNormEpsilon(new FixedValue<>(layerNormEpsilon));
        }

        /**
         * Searches ε of LN.
         *
         * @param layerNormEpsilon space of such values: positive and finite
         * @return this
         */
        public Builder layerNormEpsilon(ParameterSpace<Double> layerNormEpsilon) {
            this.layerNormEpsilon = layerNormEpsilon;
            return this;
        }

        /**
         * Fixes whether the untrained layer is λ(r) = LN(r).
         *
         * @param initialIdentity true to start as the identity on normalised states
         * @return this
         */
        public Builder initialIdentity(boolean initialIdentity) {
            return initialIdentity(new FixedValue<>(initialIdentity));
        }

        /**
         * Searches whether the untrained layer is λ(r) = LN(r).
         *
         * @param initialIdentity space of such values: true to start as the identity on normalised states
         * @return this
         */
        public Builder initialIdentity(ParameterSpace<Boolean> initialIdentity) {
            this.initialIdentity = initialIdentity;
            return this;
        }

        /**
         * Sets the layout of recurrent activations. An input type, where the network has one, takes precedence.
         *
         * @param dataFormat NCW or NWC
         * @return this
         */
        public Builder dataFormat(RNNFormat dataFormat) {
            this.dataFormat = dataFormat;
            return this;
        }

        @Override
        @SuppressWarnings("unchecked") // Arbiter leaves the type of what is built to the caller
        public NeuralClusteringSpace build() {
            return new NeuralClusteringSpace(this);
        }
    }
}
