/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.arbiter;

import io.latent4j.istar.CosRegLayer;
import org.deeplearning4j.arbiter.util.LeafUtils;

/**
 * Arbiter's view of {@link CosRegLayer}: λ and the treatment of padding, each fixed or searched.
 *
 * <p>Source of the method: W. Rudman and C. Eickhoff, "Stable Anisotropic Regularization", ICLR 2024, arXiv 2305.19358,
 * section 4.
 *
 * @see PenaltyLayerSpace
 */
public final class CosRegLayerSpace extends PenaltyLayerSpace<CosRegLayer> {

    /** For JSON. */
    private CosRegLayerSpace() {}

    private CosRegLayerSpace(Builder builder) {
        super(builder);
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
    public CosRegLayer getValue(double[] values) {
        CosRegLayer.Builder layer = new CosRegLayer.Builder();
        setOptions(layer, values);
        return layer.build();
    }

    /** Builder of {@link CosRegLayerSpace}; what is not set keeps the layer's default. */
    @SuppressWarnings("unchecked") // build() narrows a type variable, as in all of Arbiter's builders
    public static final class Builder extends PenaltyLayerSpace.Builder<Builder> {

        /** Creates a builder with nothing set. */
        public Builder() {}

        @Override
        @SuppressWarnings("unchecked") // Arbiter leaves the type of what is built to the caller
        public CosRegLayerSpace build() {
            return new CosRegLayerSpace(this);
        }
    }
}
