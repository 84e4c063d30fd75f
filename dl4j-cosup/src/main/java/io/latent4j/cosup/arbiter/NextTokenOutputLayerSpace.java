/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.arbiter;

import io.latent4j.cosup.NextTokenOutputLayer;
import java.util.Objects;
import org.deeplearning4j.arbiter.util.LeafUtils;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;

/**
 * Arbiter's view of {@link NextTokenOutputLayer}: each option fixed or searched, in a {@code ComputationGraphSpace} or a
 * {@code MultiLayerSpace}.
 *
 * <p>Source of the method: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024,
 * section 3.
 *
 * @see CoSupervisionSpace
 */
public final class NextTokenOutputLayerSpace extends WeightedOutputLayerSpace<NextTokenOutputLayer> {

    // The name of this field is the JSON format
    private @Nullable RNNFormat dataFormat;

    /** For JSON. */
    private NextTokenOutputLayerSpace() {}

    private NextTokenOutputLayerSpace(Builder builder) {
        super(builder);
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
    public NextTokenOutputLayer getValue(double[] values) {
        NextTokenOutputLayer.Builder layer = new NextTokenOutputLayer.Builder();
        setOptions(layer, values);
        if (dataFormat != null) {
            layer.dataFormat(dataFormat);
        }
        return layer.build();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return super.equals(o) && dataFormat == ((NextTokenOutputLayerSpace) o).dataFormat;
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), dataFormat);
    }

    @Override
    protected String toString(String delimiter) {
        return super.toString(delimiter) + delimiter + "dataFormat: " + dataFormat;
    }

    /** Builder of {@link NextTokenOutputLayerSpace}; what is not set keeps the layer's default. */
    @SuppressWarnings("unchecked") // build() narrows a type variable, as in all of Arbiter's builders
    public static final class Builder extends WeightedOutputLayerSpace.Builder<Builder> {
        private @Nullable RNNFormat dataFormat;

        /** Creates a builder with nothing set. */
        public Builder() {}

        /**
         * Sets the layout of the time series. An input type, where the network has one, takes precedence.
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
        public NextTokenOutputLayerSpace build() {
            return new NextTokenOutputLayerSpace(this);
        }
    }
}
