/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import java.io.Serializable;
import java.util.Objects;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * How queries and keys are contrasted.
 *
 * @param similarity the similarity whose softmax over the keys is taken
 * @param temperature divisor of the similarities, positive and finite
 * @param symmetric whether keys are contrasted with the queries as well, each direction counting one half
 * @serial exclude
 */
public record Contrast(Similarity similarity, double temperature, boolean symmetric) implements Serializable {
    /** The paper's contrast: dot product, temperature 1, queries against keys only. */
    public static final Contrast PAPER = new Contrast(Similarity.DOT, 1, false);

    /**
     * Checks the options.
     *
     * @param similarity the similarity
     * @param temperature the temperature
     * @param symmetric whether both directions count
     * @throws IllegalArgumentException if the temperature is not positive and finite
     */
    @JsonCreator
    public Contrast(
            @JsonProperty("similarity") Similarity similarity,
            @JsonProperty("temperature") double temperature,
            @JsonProperty("symmetric") boolean symmetric) {
        this.similarity = Objects.requireNonNull(similarity, "similarity must be DOT or COSINE, found null");
        // Its reciprocal must leave scores room in the range of FLOAT
        if (!(temperature >= 1e-30 && temperature <= 1e30)) {
            throw new IllegalArgumentException(
                    "temperature must be positive, from 1e-30 to 1e30, found " + temperature);
        }
        this.temperature = temperature;
        this.symmetric = symmetric;
    }

    /**
     * The same with another similarity.
     *
     * @param value the similarity
     * @return a new contrast
     */
    public Contrast withSimilarity(Similarity value) {
        return new Contrast(value, temperature, symmetric);
    }

    /**
     * The same with another temperature.
     *
     * @param value the temperature, positive and finite
     * @return a new contrast
     * @throws IllegalArgumentException if it is not
     */
    public Contrast withTemperature(double value) {
        return new Contrast(similarity, value, symmetric);
    }

    /**
     * The same in one direction or in both.
     *
     * @param value true for both
     * @return a new contrast
     */
    public Contrast withSymmetric(boolean value) {
        return new Contrast(similarity, temperature, value);
    }
}
