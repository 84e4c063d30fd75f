/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.arbiter;

import io.latent4j.cosup.NextSequenceOutputLayer;
import io.latent4j.cosup.Similarity;
import java.util.Objects;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.FixedValue;
import org.deeplearning4j.arbiter.util.LeafUtils;
import org.jspecify.annotations.Nullable;

/**
 * Arbiter's view of {@link NextSequenceOutputLayer}: weight, similarity, temperature and direction, each fixed or
 * searched, in a {@code ComputationGraphSpace}.
 *
 * <pre>{@code
 * new NextSequenceOutputLayerSpace.Builder()
 *         .lossWeight(new ContinuousParameterSpace(0, 0.1))
 *         .similarity(Similarity.COSINE)
 *         .temperature(new ContinuousParameterSpace(0.01, 0.5))
 *         .build()
 * }</pre>
 *
 * <p>The memory's size is fixed here: it must be that of the {@code NextSequenceVertex} before the layer, and Arbiter
 * can't search vertices. {@link CoSupervisionSpace} searches both together.
 *
 * <p>Source of the method: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024,
 * section 3.
 */
public final class NextSequenceOutputLayerSpace extends WeightedOutputLayerSpace<NextSequenceOutputLayer> {

    // The names of these fields are the JSON format
    private @Nullable ParameterSpace<Similarity> similarity;
    private @Nullable ParameterSpace<Double> temperature;
    private @Nullable ParameterSpace<Boolean> symmetric;
    private int memorySize;

    /** For JSON. */
    private NextSequenceOutputLayerSpace() {}

    private NextSequenceOutputLayerSpace(Builder builder) {
        super(builder);
        similarity = builder.similarity;
        temperature = builder.temperature;
        symmetric = builder.symmetric;
        memorySize = builder.memorySize;
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
    public NextSequenceOutputLayer getValue(double[] values) {
        NextSequenceOutputLayer.Builder layer = new NextSequenceOutputLayer.Builder();
        setOptions(layer, values);
        if (similarity != null) {
            layer.similarity(similarity.getValue(values));
        }
        if (temperature != null) {
            layer.temperature(temperature.getValue(values));
        }
        if (symmetric != null) {
            layer.symmetric(symmetric.getValue(values));
        }
        return layer.memorySize(memorySize).build();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof NextSequenceOutputLayerSpace that
                && super.equals(that)
                && Objects.equals(similarity, that.similarity)
                && Objects.equals(temperature, that.temperature)
                && Objects.equals(symmetric, that.symmetric)
                && memorySize == that.memorySize;
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), similarity, temperature, symmetric, memorySize);
    }

    @Override
    protected String toString(String delimiter) {
        return String.join(
                delimiter,
                super.toString(delimiter),
                "similarity: " + similarity,
                "temperature: " + temperature,
                "symmetric: " + symmetric,
                "memorySize: " + memorySize);
    }

    /** Builder of {@link NextSequenceOutputLayerSpace}; what is not set keeps the layer's default. */
    @SuppressWarnings("unchecked") // build() narrows a type variable, as in all of Arbiter's builders
    public static final class Builder extends WeightedOutputLayerSpace.Builder<Builder> {
        private @Nullable ParameterSpace<Similarity> similarity;
        private @Nullable ParameterSpace<Double> temperature;
        private @Nullable ParameterSpace<Boolean> symmetric;
        private int memorySize;

        /** Creates a builder with nothing set. */
        public Builder() {}

        /**
         * Fixes the similarity of queries and keys.
         *
         * @param similarity DOT or COSINE
         * @return this
         */
        public Builder similarity(Similarity similarity) {
            return similarity(new FixedValue<>(similarity));
        }

        /**
         * Searches the similarity of queries and keys.
         *
         * @param similarity space of such values: DOT or COSINE
         * @return this
         */
        public Builder similarity(ParameterSpace<Similarity> similarity) {
            this.similarity = similarity;
            return this;
        }

        /**
         * Fixes the divisor of the similarities.
         *
         * @param temperature 1e-30 to 1e30
         * @return this
         */
        public Builder temperature(double temperature) {
            return temperature(new FixedValue<>(temperature));
        }

        /**
         * Searches the divisor of the similarities.
         *
         * @param temperature space of such values: 1e-30 to 1e30
         * @return this
         */
        public Builder temperature(ParameterSpace<Double> temperature) {
            this.temperature = temperature;
            return this;
        }

        /**
         * Fixes whether keys are contrasted with queries as well.
         *
         * @param symmetric true if they are
         * @return this
         */
        public Builder symmetric(boolean symmetric) {
            return symmetric(new FixedValue<>(symmetric));
        }

        /**
         * Searches whether keys are contrasted with queries as well.
         *
         * @param symmetric space of such values: true if they are
         * @return this
         */
        public Builder symmetric(ParameterSpace<Boolean> symmetric) {
            this.symmetric = symmetric;
            return this;
        }

        /**
         * Sets the rows that the vertex before the layer keeps for keys of a memory.
         *
         * @param memorySize that of the {@code NextSequenceVertex}
         * @return this
         */
        public Builder memorySize(int memorySize) {
            this.memorySize = memorySize;
            return this;
        }

        @Override
        @SuppressWarnings("unchecked") // Arbiter leaves the type of what is built to the caller
        public NextSequenceOutputLayerSpace build() {
            return new NextSequenceOutputLayerSpace(this);
        }
    }
}
