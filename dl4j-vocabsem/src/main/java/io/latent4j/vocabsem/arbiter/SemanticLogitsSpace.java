/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.arbiter;

import io.latent4j.vocabsem.SemanticLogits;
import org.deeplearning4j.arbiter.util.LeafUtils;

/**
 * Arbiter's view of {@link SemanticLogits}: each option fixed or searched, in a {@code MultiLayerSpace} or a {@code
 * ComputationGraphSpace}.
 *
 * <pre>{@code
 * new SemanticLogitsSpace.Builder()
 *         .basesFile("labels.bases")
 *         .scale(new ContinuousParameterSpace(1, 30))
 *         .build()
 * }</pre>
 *
 * <p>Source of the method: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184, section on semantic logits.
 *
 * @see SemanticLogitsConfigurationSpace
 */
public final class SemanticLogitsSpace extends SemanticLogitsConfigurationSpace<SemanticLogits> {

    /** For JSON. */
    private SemanticLogitsSpace() {}

    private SemanticLogitsSpace(Builder builder) {
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
    public SemanticLogits getValue(double[] values) {
        SemanticLogits.Builder layer = new SemanticLogits.Builder();
        setOptions(layer, values);

        return layer.build();
    }

    /** Builder of {@link SemanticLogitsSpace}; what is not set keeps the layer's default. */
    @SuppressWarnings("unchecked") // build() narrows a type variable, as in all of Arbiter's builders
    public static final class Builder extends SemanticLogitsConfigurationSpace.Builder<Builder> {

        /** Creates a builder with nothing set. */
        public Builder() {}

        @Override
        @SuppressWarnings("unchecked") // Arbiter leaves the type of what is built to the caller
        public SemanticLogitsSpace build() {
            return new SemanticLogitsSpace(this);
        }
    }
}
