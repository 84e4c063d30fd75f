/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import java.io.Serial;
import java.io.Serializable;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * How queries and keys are contrasted: by which similarity, with which temperature, in one direction or in both. No record,
 * since Kryo, which may carry configurations to Spark's workers, can't read one.
 */
public final class Contrast implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    /** The paper's contrast: dot product, temperature 1, queries against keys only. */
    public static final Contrast PAPER = new Contrast(Similarity.DOT, 1, false);

    /** The similarity whose softmax over the keys is taken. */
    @JsonProperty("similarity")
    private final Similarity similarity;

    /** The divisor of the similarities. */
    @JsonProperty("temperature")
    private final double temperature;

    /** Whether keys are contrasted with the queries as well. */
    @JsonProperty("symmetric")
    private final boolean symmetric;

    /**
     * Checks the options.
     *
     * @param similarity the similarity whose softmax over the keys is taken
     * @param temperature divisor of the similarities, 1e-30 to 1e30
     * @param symmetric whether keys are contrasted with the queries as well, each direction counting one half
     * @throws IllegalArgumentException if the temperature is outside that range
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
     * The similarity whose softmax over the keys is taken.
     *
     * @return the similarity
     */
    public Similarity similarity() {
        return similarity;
    }

    /**
     * The divisor of the similarities.
     *
     * @return a positive number
     */
    public double temperature() {
        return temperature;
    }

    /**
     * Whether keys are contrasted with the queries as well.
     *
     * @return true if both directions count, one half each
     */
    public boolean symmetric() {
        return symmetric;
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
     * @param value the temperature, 1e-30 to 1e30
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

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof Contrast other
                && similarity == other.similarity
                && Double.compare(temperature, other.temperature) == 0
                && symmetric == other.symmetric;
    }

    @Override
    public int hashCode() {
        return Objects.hash(similarity, temperature, symmetric);
    }

    @Override
    public String toString() {
        return "Contrast[similarity=" + similarity + ", temperature=" + temperature + ", symmetric=" + symmetric + "]";
    }
}
