/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.arbiter;

import io.latent4j.vocabsem.SemanticLogitsConfiguration;
import io.latent4j.vocabsem.Similarity;
import java.util.Objects;
import org.deeplearning4j.arbiter.layers.BaseOutputLayerSpace;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.FixedValue;
import org.jspecify.annotations.Nullable;

/**
 * What the search spaces of the semantic logits' layers share: similarity, scale and what is trained, each fixed or
 * searched, and the bases.
 *
 * <p>The bases come from a file ({@code SemanticBases.save}): Arbiter sends every candidate through Java serialization,
 * where an array in memory would be lost. The file gives a candidate its number of inputs and outputs.
 *
 * @param <L> the layer's configuration
 */
public abstract class SemanticLogitsConfigurationSpace<L extends SemanticLogitsConfiguration>
        extends BaseOutputLayerSpace<L> {

    // The names of these fields are the JSON format
    private @Nullable ParameterSpace<Similarity> similarity;
    private @Nullable ParameterSpace<Double> scale;
    private @Nullable ParameterSpace<Boolean> trainableScale;
    private @Nullable ParameterSpace<Boolean> trainableBases;
    private @Nullable ParameterSpace<String> basesFile;

    /** For JSON. */
    SemanticLogitsConfigurationSpace() {}

    SemanticLogitsConfigurationSpace(Builder<?> builder) {
        super(builder);
        similarity = builder.similarity;
        scale = builder.scale;
        trainableScale = builder.trainableScale;
        trainableBases = builder.trainableBases;
        basesFile = builder.basesFile;
    }

    /** Hands a candidate's values, and what is fixed, to a layer's builder. */
    void setOptions(SemanticLogitsConfiguration.Builder<?> layer, double[] values) {
        setLayerOptionsBuilder(layer, values);
        if (similarity != null) {
            layer.similarity(similarity.getValue(values));
        }
        if (scale != null) {
            layer.scale(scale.getValue(values));
        }
        if (trainableScale != null) {
            layer.trainableScale(trainableScale.getValue(values));
        }
        if (trainableBases != null) {
            layer.trainableBases(trainableBases.getValue(values));
        }
        if (basesFile != null) {
            layer.basesFile(basesFile.getValue(values));
        }
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof SemanticLogitsConfigurationSpace<?> that
                && super.equals(that)
                && Objects.equals(similarity, that.similarity)
                && Objects.equals(scale, that.scale)
                && Objects.equals(trainableScale, that.trainableScale)
                && Objects.equals(trainableBases, that.trainableBases)
                && Objects.equals(basesFile, that.basesFile);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), similarity, scale, trainableScale, trainableBases, basesFile);
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
        return String.join(
                delimiter,
                super.toString(delimiter),
                "similarity: " + similarity,
                "scale: " + scale,
                "trainableScale: " + trainableScale,
                "trainableBases: " + trainableBases,
                "basesFile: " + basesFile);
    }

    /**
     * What the builders share.
     *
     * @param <T> the builder itself
     */
    public abstract static class Builder<T extends Builder<T>> extends BaseOutputLayerSpace.Builder<T> {
        private @Nullable ParameterSpace<Similarity> similarity;
        private @Nullable ParameterSpace<Double> scale;
        private @Nullable ParameterSpace<Boolean> trainableScale;
        private @Nullable ParameterSpace<Boolean> trainableBases;
        private @Nullable ParameterSpace<String> basesFile;

        Builder() {}

        @SuppressWarnings("unchecked")
        private T self() {
            return (T) this;
        }

        /**
         * Fixes the similarity of states and bases.
         *
         * @param similarity COSINE, EUCLIDEAN or DOT
         * @return this
         */
        public T similarity(Similarity similarity) {
            return similarity(new FixedValue<>(similarity));
        }

        /**
         * Searches the similarity of states and bases.
         *
         * @param similarity space of such values: COSINE, EUCLIDEAN or DOT
         * @return this
         */
        public T similarity(ParameterSpace<Similarity> similarity) {
            this.similarity = similarity;
            return self();
        }

        /**
         * Fixes the factor of the similarities.
         *
         * @param scale 1e-30 to 1e30
         * @return this
         */
        public T scale(double scale) {
            return scale(new FixedValue<>(scale));
        }

        /**
         * Searches the factor of the similarities.
         *
         * @param scale space of such values: 1e-30 to 1e30
         * @return this
         */
        public T scale(ParameterSpace<Double> scale) {
            this.scale = scale;
            return self();
        }

        /**
         * Fixes whether the scale is trained.
         *
         * @param trainableScale true to train it
         * @return this
         */
        public T trainableScale(boolean trainableScale) {
            return trainableScale(new FixedValue<>(trainableScale));
        }

        /**
         * Searches whether the scale is trained.
         *
         * @param trainableScale space of such values: true to train it
         * @return this
         */
        public T trainableScale(ParameterSpace<Boolean> trainableScale) {
            this.trainableScale = trainableScale;
            return self();
        }

        /**
         * Fixes whether the bases are trained.
         *
         * @param trainableBases true to train them
         * @return this
         */
        public T trainableBases(boolean trainableBases) {
            return trainableBases(new FixedValue<>(trainableBases));
        }

        /**
         * Searches whether the bases are trained.
         *
         * @param trainableBases space of such values: true to train them
         * @return this
         */
        public T trainableBases(ParameterSpace<Boolean> trainableBases) {
            this.trainableBases = trainableBases;
            return self();
        }

        /**
         * Fixes the file of bases, as {@code SemanticBases.save} writes it.
         *
         * @param basesFile its path
         * @return this
         */
        public T basesFile(String basesFile) {
            return basesFile(new FixedValue<>(basesFile));
        }

        /**
         * Searches the file of bases, as {@code SemanticBases.save} writes it.
         *
         * @param basesFile space of such values: its path
         * @return this
         */
        public T basesFile(ParameterSpace<String> basesFile) {
            this.basesFile = basesFile;
            return self();
        }
    }
}
