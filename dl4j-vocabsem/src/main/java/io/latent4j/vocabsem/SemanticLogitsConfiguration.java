/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import io.latent4j.vocabsem.layers.SemanticLogitsParamInitializer;
import java.io.IOException;
import java.io.Serial;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.shade.jackson.annotation.JsonIgnore;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * What the configurations of {@link SemanticLogits} and {@link RnnSemanticLogits} share: output layers whose logits are
 * similarities to semantic bases.
 *
 * <p>The bases are the layer's parameter {@code W}, {@code [nIn, nOut]} with column c = basis c, as in DL4J's output
 * layers; so they are saved, cloned and sent to workers with the network. A configuration holds no arrays: one that was
 * read from JSON, and not with a network, knows its bases only by {@link Builder#basesFile(String)}. Frozen bases (the
 * default) have no updater state, and no weight decay, noise or constraint touches them.
 */
public abstract class SemanticLogitsConfiguration extends BaseOutputLayer {
    @Serial
    private static final long serialVersionUID = 1L;

    // The names of these fields are the JSON format

    /** Similarity of states and bases. */
    private Similarity similarity = Similarity.COSINE;
    /** Factor of the similarities. */
    private double scale = 1;
    /** Whether the scale is trained. */
    private boolean trainableScale;
    /** Whether the bases are trained. */
    private boolean trainableBases;
    /** File that initialises the bases, or null. */
    private @Nullable String basesFile;

    @JsonIgnore
    @SuppressWarnings("serial")
    private transient @Nullable SemanticBases bases;

    /** For JSON. */
    protected SemanticLogitsConfiguration() {}

    /**
     * Creates the layer.
     *
     * @param builder the options
     */
    protected SemanticLogitsConfiguration(Builder<?> builder) {
        super(builder);
        hasBias = false;
        similarity = builder.similarity;
        scale = builder.scale;
        trainableScale = builder.trainableScale;
        trainableBases = builder.trainableBases;
        basesFile = builder.basesFile;
        bases = builder.bases;
        if (bases == null && basesFile != null) {
            bases = read(basesFile);
        }
        if (bases != null) {
            requireEqual("nIn", nIn, "features of the bases", bases.features());
            requireEqual("nOut", nOut, "number of bases", bases.size());
            nIn = bases.features();
            nOut = bases.size();
        }
        initializeConstraints(builder);
    }

    private static void requireEqual(String name, long set, String what, long expected) {
        if (set > 0 && set != expected) {
            throw new IllegalArgumentException(
                    name + " must be the " + what + ", " + expected + ", or be left out, found " + set);
        }
    }

    private static SemanticBases read(String file) {
        try {
            return SemanticBases.load(Path.of(file));
        } catch (IOException e) {
            throw new UncheckedIOException("basesFile \"" + file + "\" cannot be read: " + e.getMessage(), e);
        }
    }

    /** The width of an input must be that of the bases, whatever DL4J would override. */
    void checkWidth(long width) {
        if (bases != null && width > 0 && width != bases.features()) {
            throw new IllegalStateException(getClass().getSimpleName() + " \"" + getLayerName() + "\": its input has "
                    + width + " features, its bases have " + bases.features());
        }
    }

    @Override
    public void setNIn(InputType inputType, boolean override) {
        super.setNIn(inputType, override);
        if (inputType.getType() == InputType.Type.FF || inputType.getType() == InputType.Type.CNNFlat) {
            checkWidth(inputType.arrayElementsPerExample());
        }
    }

    /**
     * The bases that initialise the layer's parameter: those given to the builder, else those of the bases' file.
     *
     * @return the bases, or null where the configuration knows none
     * @throws UncheckedIOException if there is a file of bases that cannot be read
     */
    public @Nullable SemanticBases initialBases() {
        if (bases == null && basesFile != null) {
            bases = read(basesFile);
        }
        return bases;
    }

    @Override
    public ParamInitializer initializer() {
        return SemanticLogitsParamInitializer.getInstance();
    }

    @Override
    public IUpdater getUpdaterByParam(String paramName) {
        return isFrozen(paramName) ? new NoOp() : super.getUpdaterByParam(paramName);
    }

    @Override
    public @Nullable List<Regularization> getRegularizationByParam(String paramName) {
        boolean weights = SemanticLogitsParamInitializer.BASES_KEY.equals(paramName) && trainableBases;
        return weights ? super.getRegularizationByParam(paramName) : null;
    }

    private boolean isFrozen(String paramName) {
        return SemanticLogitsParamInitializer.BASES_KEY.equals(paramName) && !trainableBases;
    }

    @Override
    public LayerMemoryReport getMemoryReport(InputType inputType) {
        InputType output = getOutputType(-1, inputType);
        long trained = (trainableBases ? nIn * nOut : 0) + (trainableScale ? 1 : 0);
        return new LayerMemoryReport.Builder(getLayerName(), getClass(), inputType, output)
                .standardMemory(
                        initializer().numParams(this),
                        trained == 0 ? 0 : getIUpdater().stateSize(trained))
                // States in row order, and the logits
                .workingMemory(
                        0,
                        inputType.arrayElementsPerExample(),
                        0,
                        inputType.arrayElementsPerExample() + output.arrayElementsPerExample())
                .cacheMemory(MemoryReport.CACHE_MODE_ALL_ZEROS, MemoryReport.CACHE_MODE_ALL_ZEROS)
                .build();
    }

    /**
     * The similarity of states and bases.
     *
     * @return COSINE, EUCLIDEAN or DOT
     */
    public Similarity getSimilarity() {
        return similarity;
    }

    /**
     * Sets the similarity; for JSON and search spaces.
     *
     * @param similarity COSINE, EUCLIDEAN or DOT
     */
    @JsonProperty("similarity")
    public void setSimilarity(Similarity similarity) {
        this.similarity = requireSimilarity(similarity);
    }

    /**
     * The factor of the similarities, or where it starts from if it is trained.
     *
     * @return the scale
     */
    public double getScale() {
        return scale;
    }

    /**
     * Sets the factor of the similarities; for JSON and search spaces.
     *
     * @param scale 1e-30 to 1e30
     * @throws IllegalArgumentException if it is not
     */
    @JsonProperty("scale")
    public void setScale(double scale) {
        this.scale = LogitBlocks.requireScale(scale);
    }

    /**
     * Whether the scale is trained.
     *
     * @return true if it is
     */
    public boolean isTrainableScale() {
        return trainableScale;
    }

    /**
     * Sets whether the scale is trained; for JSON and search spaces.
     *
     * @param trainableScale true to train it
     */
    public void setTrainableScale(boolean trainableScale) {
        this.trainableScale = trainableScale;
    }

    /**
     * Whether the bases are trained.
     *
     * @return true if they are
     */
    public boolean isTrainableBases() {
        return trainableBases;
    }

    /**
     * Sets whether the bases are trained; for JSON and search spaces.
     *
     * @param trainableBases true to train them
     */
    public void setTrainableBases(boolean trainableBases) {
        this.trainableBases = trainableBases;
    }

    /**
     * The file that initialises the bases.
     *
     * @return its path, or null
     */
    public @Nullable String getBasesFile() {
        return basesFile;
    }

    /**
     * Sets the file that initialises the bases; for JSON and search spaces.
     *
     * @param basesFile a path as for {@link SemanticBases#load}, or null
     */
    public void setBasesFile(@Nullable String basesFile) {
        this.basesFile = basesFile;
    }

    private static Similarity requireSimilarity(@Nullable Similarity similarity) {
        return Objects.requireNonNull(similarity, "similarity must be COSINE, EUCLIDEAN or DOT, found null");
    }

    @Override
    @SuppressWarnings("EqualsGetClass") // the two layers are never equal
    public boolean equals(@Nullable Object o) {
        if (this == o) {
            return true;
        }
        if (o == null || getClass() != o.getClass() || !super.equals(o)) {
            return false;
        }
        SemanticLogitsConfiguration other = (SemanticLogitsConfiguration) o;
        return similarity == other.similarity
                && Double.compare(scale, other.scale) == 0
                && trainableScale == other.trainableScale
                && trainableBases == other.trainableBases
                && Objects.equals(basesFile, other.basesFile);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), similarity, scale, trainableScale, trainableBases, basesFile);
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + "(" + super.toString() + ", similarity=" + similarity + ", scale=" + scale
                + ", trainableScale=" + trainableScale + ", trainableBases=" + trainableBases + ", basesFile="
                + basesFile + ")";
    }

    /**
     * What the builders share.
     *
     * @param <T> the builder itself
     */
    public abstract static class Builder<T extends Builder<T>> extends BaseOutputLayer.Builder<T> {
        private Similarity similarity = Similarity.COSINE;
        private double scale = 1;
        private boolean trainableScale;
        private boolean trainableBases;
        private @Nullable String basesFile;
        private @Nullable SemanticBases bases;

        /** Creates a builder: cosine, scale 1, frozen bases, cross-entropy of a softmax. */
        protected Builder() {
            setActivationFn(new ActivationSoftmax());
        }

        /**
         * Creates a builder with a loss.
         *
         * @param lossFunction the loss
         */
        protected Builder(LossFunction lossFunction) {
            this(lossFunction.getILossFunction());
        }

        /**
         * Creates a builder with a loss.
         *
         * @param lossFunction the loss
         */
        protected Builder(ILossFunction lossFunction) {
            this();
            lossFunction(lossFunction);
        }

        @SuppressWarnings("unchecked")
        private T self() {
            return (T) this;
        }

        /**
         * Sets the bases, one per output: the vocabulary's, or those of labels
         * ({@link SemanticBases#forLabels(LabelWords)}). They set nIn and nOut. The configuration refers to them for as
         * long as it lives, and does not write them to JSON.
         *
         * @param bases K bases of d features
         * @return this
         */
        public T bases(SemanticBases bases) {
            this.bases = Objects.requireNonNull(bases, "bases must not be null");
            return self();
        }

        /**
         * Sets a file of bases, which {@link SemanticBases#save} wrote, to take the bases from where
         * {@link #bases(SemanticBases)} gives none. Unlike the bases, its path is part of the JSON.
         *
         * @param basesFile path of the file
         * @return this
         */
        public T basesFile(String basesFile) {
            this.basesFile = Objects.requireNonNull(basesFile, "basesFile must not be null");
            return self();
        }

        /**
         * Sets the similarity.
         *
         * @param similarity COSINE (the default), EUCLIDEAN or DOT
         * @return this
         */
        public T similarity(Similarity similarity) {
            this.similarity = requireSimilarity(similarity);
            return self();
        }

        /**
         * Sets the factor of the similarities. With COSINE and the paper's scale of 1 the cross-entropy over K outputs
         * cannot fall under ln(1 + (K−1)e⁻²).
         *
         * @param scale 1e-30 to 1e30; default 1
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public T scale(double scale) {
            this.scale = LogitBlocks.requireScale(scale);
            return self();
        }

        /**
         * Sets whether the scale is trained; it then stays positive, since its logarithm is the parameter.
         *
         * @param trainableScale default false
         * @return this
         */
        public T trainableScale(boolean trainableScale) {
            this.trainableScale = trainableScale;
            return self();
        }

        /**
         * Sets whether the bases are trained.
         *
         * @param trainableBases default false
         * @return this
         */
        public T trainableBases(boolean trainableBases) {
            this.trainableBases = trainableBases;
            return self();
        }

        /**
         * Not supported: similarities have no bias.
         *
         * @param hasBias must be false
         * @return this
         * @throws IllegalArgumentException if true
         */
        @Override
        public T hasBias(boolean hasBias) {
            if (hasBias) {
                throw new IllegalArgumentException("hasBias must be false, semantic logits have no bias, found true");
            }
            return self();
        }
    }
}
