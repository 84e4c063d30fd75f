/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.arbiter;

import io.latent4j.istar.IStarLayer;
import java.util.Objects;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.FixedValue;
import org.deeplearning4j.arbiter.util.LeafUtils;
import org.jspecify.annotations.Nullable;

/**
 * Arbiter's view of {@link IStarLayer}: λ, ζ and the treatment of padding, each fixed or searched, in a {@code
 * MultiLayerSpace} or a {@code ComputationGraphSpace}.
 *
 * <pre>{@code
 * new MultiLayerSpace.Builder()
 *         .addLayer(new DenseLayerSpace.Builder().nOut(64).build())
 *         .addLayer(new IStarLayerSpace.Builder()
 *                 .lambda(new ContinuousParameterSpace(-5, 5))
 *                 .build())
 * }</pre>
 *
 * <p>The grid of the paper: λ ∈ {±1, ±3, ±5}, ζ ∈ {0.2, 0.4, 0.6, 0.8}. A candidate with ζ &gt; 0 needs a {@code
 * ShrinkageListener}, which Arbiter attaches through its task creator's {@code TaskListener}.
 *
 * <p>Source of the method: W. Rudman and C. Eickhoff, "Stable Anisotropic Regularization", ICLR 2024, arXiv 2305.19358,
 * section 4.
 *
 * @see PenaltyLayerSpace
 */
public final class IStarLayerSpace extends PenaltyLayerSpace<IStarLayer> {

    // The name of this field is the JSON format
    private @Nullable ParameterSpace<Double> zeta;

    /** For JSON. */
    private IStarLayerSpace() {}

    private IStarLayerSpace(Builder builder) {
        super(builder);
        zeta = builder.zeta;
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
    public IStarLayer getValue(double[] values) {
        IStarLayer.Builder layer = new IStarLayer.Builder();
        setOptions(layer, values);
        if (zeta != null) {
            layer.zeta(zeta.getValue(values));
        }
        return layer.build();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return super.equals(o) && Objects.equals(zeta, ((IStarLayerSpace) o).zeta);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), zeta);
    }

    @Override
    protected String toString(String delimiter) {
        return super.toString(delimiter) + delimiter + "zeta: " + zeta;
    }

    /** Builder of {@link IStarLayerSpace}; what is not set keeps the layer's default. */
    @SuppressWarnings("unchecked") // build() narrows a type variable, as in all of Arbiter's builders
    public static final class Builder extends PenaltyLayerSpace.Builder<Builder> {
        private @Nullable ParameterSpace<Double> zeta;

        /** Creates a builder with nothing set. */
        public Builder() {}

        /**
         * Fixes ζ, the weight of the shrinkage covariance.
         *
         * @param zeta ζ in [0, 1]
         * @return this
         */
        public Builder zeta(double zeta) {
            return zeta(new FixedValue<>(zeta));
        }

        /**
         * Searches ζ, the weight of the shrinkage covariance.
         *
         * @param zeta space of values in [0, 1]
         * @return this
         */
        public Builder zeta(ParameterSpace<Double> zeta) {
            this.zeta = zeta;
            return this;
        }

        @Override
        @SuppressWarnings("unchecked") // Arbiter leaves the type of what is built to the caller
        public IStarLayerSpace build() {
            return new IStarLayerSpace(this);
        }
    }
}
