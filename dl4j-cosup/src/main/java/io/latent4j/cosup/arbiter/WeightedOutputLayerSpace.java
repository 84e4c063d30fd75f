/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.arbiter;

import io.latent4j.cosup.WeightedOutputLayer;
import java.util.Objects;
import org.deeplearning4j.arbiter.layers.BaseOutputLayerSpace;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.FixedValue;
import org.jspecify.annotations.Nullable;

/**
 * What the search spaces of both heads share: the weight of the loss, fixed or searched, beside the options that every
 * output layer has.
 *
 * @param <L> the layer's configuration
 */
public abstract class WeightedOutputLayerSpace<L extends WeightedOutputLayer> extends BaseOutputLayerSpace<L> {

    // The name of this field is the JSON format
    private @Nullable ParameterSpace<Double> lossWeight;

    /** For JSON. */
    WeightedOutputLayerSpace() {}

    WeightedOutputLayerSpace(Builder<?> builder) {
        super(builder);
        lossWeight = builder.lossWeight;
    }

    /** Hands a candidate's values, and what is fixed, to a layer's builder. */
    void setOptions(WeightedOutputLayer.Builder<?> layer, double[] values) {
        setLayerOptionsBuilder(layer, values);
        if (lossWeight != null) {
            layer.lossWeight(lossWeight.getValue(values));
        }
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof WeightedOutputLayerSpace<?> that
                && super.equals(that)
                && Objects.equals(lossWeight, that.lossWeight);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), lossWeight);
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
        return super.toString(delimiter) + delimiter + "lossWeight: " + lossWeight;
    }

    /**
     * What the builders share.
     *
     * @param <T> the builder itself
     */
    public abstract static class Builder<T extends Builder<T>> extends BaseOutputLayerSpace.Builder<T> {
        private @Nullable ParameterSpace<Double> lossWeight;

        Builder() {}

        @SuppressWarnings("unchecked")
        final T self() {
            return (T) this;
        }

        /**
         * Fixes the weight of the loss.
         *
         * @param lossWeight 0 to 1e30
         * @return this
         */
        public T lossWeight(double lossWeight) {
            return lossWeight(new FixedValue<>(lossWeight));
        }

        /**
         * Searches the weight of the loss.
         *
         * @param lossWeight space of such values: 0 to 1e30
         * @return this
         */
        public T lossWeight(ParameterSpace<Double> lossWeight) {
            this.lossWeight = lossWeight;
            return self();
        }
    }
}
