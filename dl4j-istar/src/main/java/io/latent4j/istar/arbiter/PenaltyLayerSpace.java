/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.arbiter;

import io.latent4j.istar.PenaltyLayerConfiguration;
import java.util.Objects;
import org.deeplearning4j.arbiter.layers.LayerSpace;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.FixedValue;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.jspecify.annotations.Nullable;

/**
 * What the search spaces of the penalty layers share: λ and the treatment of padding, each fixed or searched, and the
 * fixed layout and width.
 *
 * <p>What is not set keeps the layer's own default. A value outside its range, fixed or drawn, ends in the layer's own
 * exception when the candidate's configuration is made. Give every search a {@code MaxTimeCondition}: Arbiter doesn't
 * count candidates whose configuration failed.
 *
 * @param <L> the layer's configuration
 */
public abstract class PenaltyLayerSpace<L extends PenaltyLayerConfiguration> extends LayerSpace<L> {

    // The names of these fields are the JSON format
    private @Nullable ParameterSpace<Double> lambda;
    private @Nullable ParameterSpace<Boolean> maskPadding;
    private @Nullable RNNFormat dataFormat;
    private @Nullable Long nIn;

    /** For JSON. */
    PenaltyLayerSpace() {}

    PenaltyLayerSpace(Builder<?> builder) {
        super(builder);
        lambda = builder.lambda;
        maskPadding = builder.maskPadding;
        dataFormat = builder.dataFormat;
        nIn = builder.nIn;
    }

    /** Hands a candidate's values, and what is fixed, to a layer's builder. */
    void setOptions(PenaltyLayerConfiguration.Builder<?> layer, double[] values) {
        if (lambda != null) {
            layer.lambda(lambda.getValue(values));
        }
        if (maskPadding != null) {
            layer.maskPadding(maskPadding.getValue(values));
        }
        if (dataFormat != null) {
            layer.dataFormat(dataFormat);
        }
        if (nIn != null) {
            layer.nIn(nIn);
        }
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof PenaltyLayerSpace<?> that
                && super.equals(that)
                && Objects.equals(lambda, that.lambda)
                && Objects.equals(maskPadding, that.maskPadding)
                && dataFormat == that.dataFormat
                && Objects.equals(nIn, that.nIn);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), lambda, maskPadding, dataFormat, nIn);
    }

    @Override
    protected boolean canEqual(Object other) {
        return other != null && getClass() == other.getClass();
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + "(" + toString(", ") + ")";
    }

    @Override
    protected String toString(String delimiter) {
        return String.join(
                delimiter,
                "lambda: " + lambda,
                "maskPadding: " + maskPadding,
                "dataFormat: " + dataFormat,
                "nIn: " + nIn);
    }

    /**
     * What the builders share.
     *
     * @param <T> the builder itself
     */
    public abstract static class Builder<T extends Builder<T>> extends LayerSpace.Builder<T> {
        private @Nullable ParameterSpace<Double> lambda;
        private @Nullable ParameterSpace<Boolean> maskPadding;
        private @Nullable RNNFormat dataFormat;
        private @Nullable Long nIn;

        Builder() {}

        @SuppressWarnings("unchecked")
        private T self() {
            return (T) this;
        }

        /**
         * Fixes λ, the weight of the penalty.
         *
         * @param lambda λ, at most 1e30 in magnitude
         * @return this
         */
        public T lambda(double lambda) {
            return lambda(new FixedValue<>(lambda));
        }

        /**
         * Searches λ, the weight of the penalty.
         *
         * @param lambda space of finite values
         * @return this
         */
        public T lambda(ParameterSpace<Double> lambda) {
            this.lambda = lambda;
            return self();
        }

        /**
         * Fixes whether masked time steps are left out of the penalty.
         *
         * @param maskPadding true to leave them out
         * @return this
         */
        public T maskPadding(boolean maskPadding) {
            return maskPadding(new FixedValue<>(maskPadding));
        }

        /**
         * Searches whether masked time steps are left out of the penalty.
         *
         * @param maskPadding space of the two values
         * @return this
         */
        public T maskPadding(ParameterSpace<Boolean> maskPadding) {
            this.maskPadding = maskPadding;
            return self();
        }

        /**
         * Sets the layout of recurrent activations. An input type, where the network has one, takes precedence.
         *
         * @param dataFormat NCW or NWC
         * @return this
         */
        public T dataFormat(RNNFormat dataFormat) {
            this.dataFormat = dataFormat;
            return self();
        }

        /**
         * Sets the number of features, where no input type tells it.
         *
         * @param nIn n ≥ 2, or 0 for not known
         * @return this
         */
        public T nIn(long nIn) {
            this.nIn = nIn;
            return self();
        }

        /**
         * Not supported, like the two {@code dropOut} methods that end here: the layer passes its input through
         * unchanged, and Arbiter can't read back the JSON it writes for dropout.
         *
         * @param dropOut not used
         * @return never
         * @throws UnsupportedOperationException always
         */
        @Override
        public T iDropOut(ParameterSpace<IDropout> dropOut) {
            throw new UnsupportedOperationException("dropOut must be set on the layer before, for this one passes its"
                    + " input through unchanged, found " + dropOut);
        }
    }
}
