/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.io.Serial;
import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.nn.params.EmptyParamInitializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * What the configurations of {@link IStarLayer} and {@link CosRegLayer} share: layers which pass their input on
 * unchanged and add a penalty on it to the loss.
 */
public abstract class PenaltyLayerConfiguration extends Layer {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Leaves gradients room in the range of FLOAT. */
    private static final double MAX_LAMBDA = 1e30;

    /** λ, the weight of the penalty. */
    private double lambda = 1;

    /** Whether masked steps are left out. */
    private boolean maskPadding = true;

    /** Layout of recurrent activations. */
    private RNNFormat dataFormat = RNNFormat.NCW;

    /** Number of features, 0 if not known. */
    private long nIn;

    /** For JSON. */
    protected PenaltyLayerConfiguration() {}

    /**
     * Creates the layer.
     *
     * @param builder the options
     */
    protected PenaltyLayerConfiguration(Builder<?> builder) {
        super(builder);
        this.lambda = builder.lambda;
        this.maskPadding = builder.maskPadding;
        this.dataFormat = builder.dataFormat;
        this.nIn = builder.nIn;
        this.iDropout = null;
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType inputType) {
        checkInputType(inputType);
        return inputType;
    }

    @Override
    public void setNIn(InputType inputType, boolean override) {
        checkInputType(inputType);
        if (inputType instanceof InputType.InputTypeRecurrent recurrent) {
            setDataFormat(recurrent.getFormat());
        }
        if (nIn <= 0 || override) {
            setNIn(width(inputType));
        }
    }

    /** The number of features of a feed-forward or recurrent input. */
    static long width(InputType inputType) {
        return inputType instanceof InputType.InputTypeRecurrent recurrent
                ? recurrent.getSize()
                : inputType.arrayElementsPerExample();
    }

    private void checkInputType(@Nullable InputType inputType) {
        if (inputType == null
                || (inputType.getType() != InputType.Type.FF && inputType.getType() != InputType.Type.RNN)) {
            throw new IllegalStateException(getClass().getSimpleName() + " \"" + getLayerName()
                    + "\" expects feed-forward or recurrent activations, found " + inputType);
        }
        long width = width(inputType);
        if (width == 1) {
            throw new IllegalStateException(getClass().getSimpleName() + " \"" + getLayerName()
                    + "\" expects at least 2 features, found 1 in " + inputType);
        }
    }

    @Override
    public @Nullable InputPreProcessor getPreProcessorForInputType(InputType inputType) {
        checkInputType(inputType);
        return null;
    }

    @Override
    public ParamInitializer initializer() {
        return EmptyParamInitializer.getInstance();
    }

    @Override
    public @Nullable List<Regularization> getRegularizationByParam(String paramName) {
        return null;
    }

    @Override
    public boolean isPretrainParam(String paramName) {
        throw new UnsupportedOperationException(getClass().getSimpleName() + " does not contain parameters");
    }

    @Override
    public GradientNormalization getGradientNormalization() {
        return GradientNormalization.None;
    }

    @Override
    public double getGradientNormalizationThreshold() {
        return 0;
    }

    /**
     * Ignored: a network's global dropout must not be applied a second time to activations that only pass through.
     *
     * @param iDropout ignored
     */
    @Override
    public void setIDropout(@Nullable IDropout iDropout) {
        // See Javadoc
    }

    @Override
    public LayerMemoryReport getMemoryReport(InputType inputType) {
        long n = width(inputType);
        return new LayerMemoryReport.Builder(getLayerName(), getClass(), inputType, inputType)
                .standardMemory(initializer().numParams(this), 0)
                // The covariance, and what the layer adds to the epsilons in training
                .workingMemory(0, 0, n * n, inputType.arrayElementsPerExample())
                .cacheMemory(MemoryReport.CACHE_MODE_ALL_ZEROS, MemoryReport.CACHE_MODE_ALL_ZEROS)
                .build();
    }

    /**
     * The weight of the penalty.
     *
     * @return λ
     */
    public double getLambda() {
        return lambda;
    }

    /**
     * Sets the weight of the penalty; for JSON and search spaces.
     *
     * @param lambda λ, at most 1e30 in magnitude
     * @throws IllegalArgumentException if λ is not finite
     */
    @JsonProperty("lambda")
    public void setLambda(double lambda) {
        this.lambda = requireLambda(lambda);
    }

    /**
     * Whether masked steps are left out.
     *
     * @return true if masked steps are left out
     */
    public boolean isMaskPadding() {
        return maskPadding;
    }

    /**
     * Sets whether masked steps are left out; for JSON and search spaces.
     *
     * @param maskPadding true to leave them out
     */
    public void setMaskPadding(boolean maskPadding) {
        this.maskPadding = maskPadding;
    }

    /**
     * The layout of recurrent activations.
     *
     * @return NCW or NWC
     */
    public RNNFormat getDataFormat() {
        return dataFormat;
    }

    /**
     * Sets the layout of recurrent activations; for JSON and search spaces.
     *
     * @param dataFormat NCW or NWC
     */
    @JsonProperty("dataFormat")
    public void setDataFormat(RNNFormat dataFormat) {
        this.dataFormat = Objects.requireNonNull(dataFormat, "dataFormat must be NCW or NWC, found null");
    }

    /**
     * The number of features.
     *
     * @return n, or 0 where it is not known
     */
    public long getNIn() {
        return nIn;
    }

    /**
     * Sets the number of features; for JSON and configuration.
     *
     * @param nIn n ≥ 2, or 0 for not known
     * @throws IllegalArgumentException if n is negative or 1
     */
    @JsonProperty("nin") // as Jackson calls it after the getter
    public void setNIn(long nIn) {
        this.nIn = requireNIn(nIn);
    }

    private static double requireLambda(double lambda) {
        if (!(Math.abs(lambda) <= MAX_LAMBDA)) {
            throw new IllegalArgumentException(
                    "lambda must be finite and at most " + MAX_LAMBDA + " in magnitude, found " + lambda);
        }
        return lambda;
    }

    private static long requireNIn(long nIn) {
        if (nIn < 0 || nIn == 1) {
            throw new IllegalArgumentException("nIn must be at least 2, or 0 for not known, found " + nIn);
        }
        return nIn;
    }

    /**
     * The shared options as text, for {@code toString}.
     *
     * @return {@code name=value} pairs
     */
    String options() {
        return "layerName=" + getLayerName() + ", lambda=" + lambda + ", maskPadding=" + maskPadding + ", dataFormat="
                + dataFormat + ", nIn=" + nIn;
    }

    @Override
    @SuppressWarnings("EqualsGetClass") // two kinds of penalty are never equal
    public boolean equals(@Nullable Object o) {
        if (this == o) {
            return true;
        }
        if (o == null || getClass() != o.getClass() || !super.equals(o)) {
            return false;
        }
        PenaltyLayerConfiguration other = (PenaltyLayerConfiguration) o;
        return Double.compare(lambda, other.lambda) == 0
                && maskPadding == other.maskPadding
                && dataFormat == other.dataFormat
                && nIn == other.nIn;
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), lambda, maskPadding, dataFormat, nIn);
    }

    /**
     * What the builders share.
     *
     * @param <T> the builder itself
     */
    public abstract static class Builder<T extends Builder<T>> extends Layer.Builder<T> {
        private double lambda = 1;
        private boolean maskPadding = true;
        private RNNFormat dataFormat = RNNFormat.NCW;
        private long nIn;

        /** Creates a builder with the defaults. */
        protected Builder() {}

        @SuppressWarnings("unchecked")
        private T self() {
            return (T) this;
        }

        /**
         * Sets λ, the weight of the penalty.
         *
         * @param lambda λ, at most 1e30 in magnitude; default 1; 0 switches the layer off
         * @return this
         * @throws IllegalArgumentException if λ is not finite
         */
        public T lambda(double lambda) {
            this.lambda = requireLambda(lambda);
            return self();
        }

        /**
         * Sets whether masked time steps are left out of the penalty.
         *
         * @param maskPadding true, the default, to leave them out
         * @return this
         */
        public T maskPadding(boolean maskPadding) {
            this.maskPadding = maskPadding;
            return self();
        }

        /**
         * Sets the layout of recurrent activations. An input type, where the network has one, takes precedence.
         *
         * @param dataFormat NCW, the default, or NWC
         * @return this
         */
        public T dataFormat(RNNFormat dataFormat) {
            this.dataFormat = Objects.requireNonNull(dataFormat, "dataFormat must be NCW or NWC, found null");
            return self();
        }

        /**
         * Sets the number of features, where no input type tells it.
         *
         * @param nIn n ≥ 2, or 0 for not known
         * @return this
         * @throws IllegalArgumentException if n is negative or 1
         */
        public T nIn(long nIn) {
            this.nIn = requireNIn(nIn);
            return self();
        }
    }
}
