/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.arbiter;

import io.latent4j.vocabsem.RnnSemanticLogits;
import java.util.Objects;
import org.deeplearning4j.arbiter.util.LeafUtils;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;

/**
 * Arbiter's view of {@link RnnSemanticLogits}: each option fixed or searched, in a {@code MultiLayerSpace} or a {@code
 * ComputationGraphSpace}.
 *
 * <pre>{@code
 * new RnnSemanticLogitsSpace.Builder()
 *         .basesFile("labels.bases")
 *         .scale(new ContinuousParameterSpace(1, 30))
 *         .build()
 * }</pre>
 *
 * <p>Source of the method: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184, section on semantic logits.
 *
 * @see SemanticLogitsConfigurationSpace
 */
public final class RnnSemanticLogitsSpace extends SemanticLogitsConfigurationSpace<RnnSemanticLogits> {

    private @Nullable RNNFormat dataFormat;

    /** For JSON. */
    private RnnSemanticLogitsSpace() {}

    private RnnSemanticLogitsSpace(Builder builder) {
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
    public RnnSemanticLogits getValue(double[] values) {
        RnnSemanticLogits.Builder layer = new RnnSemanticLogits.Builder();
        setOptions(layer, values);
        if (dataFormat != null) {
            layer.dataFormat(dataFormat);
        }
        return layer.build();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return super.equals(o) && dataFormat == ((RnnSemanticLogitsSpace) o).dataFormat;
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), dataFormat);
    }

    @Override
    protected String toString(String delimiter) {
        return super.toString(delimiter) + delimiter + "dataFormat: " + dataFormat;
    }

    /** Builder of {@link RnnSemanticLogitsSpace}; what is not set keeps the layer's default. */
    @SuppressWarnings("unchecked") // build() narrows a type variable, as in all of Arbiter's builders
    public static final class Builder extends SemanticLogitsConfigurationSpace.Builder<Builder> {
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
        public RnnSemanticLogitsSpace build() {
            return new RnnSemanticLogitsSpace(this);
        }
    }
}
