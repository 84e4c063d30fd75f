/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * What came of a candidate.
 *
 * @param parameters its place in the unit cube, as Arbiter's {@code Candidate.getFlatParameters}
 * @param score its score; null, NaN or infinite if it failed
 */
public record Observation(List<Double> parameters, @Nullable Double score) {
    /**
     * Copies the parameters.
     *
     * @throws IllegalArgumentException if a parameter isn't between 0 and 1
     */
    @JsonCreator
    public Observation(
            @JsonProperty("parameters") List<Double> parameters, @JsonProperty("score") @Nullable Double score) {
        for (double parameter : parameters) {
            if (!(parameter >= 0 && parameter <= 1)) {
                throw new IllegalArgumentException("parameters: expected numbers from 0 to 1, found " + parameters);
            }
        }
        this.parameters = List.copyOf(parameters);
        this.score = score;
    }

    boolean failed() {
        return score == null || !Double.isFinite(score);
    }
}
