/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import io.latent4j.cosup.layers.CoSupervisionLayers;
import java.io.Serial;
import java.util.Collection;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.nn.params.EmptyParamInitializer;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * The next-sequence head: the contrast of a language model's states where it says [Ret] with the keys of the sequences
 * that a sequence encoder was given; both towers are trained.
 *
 * <pre>{@code
 * L_NSP = λ · mean over the [Ret] positions of L_i        (see NextSequenceContrast)
 * }</pre>
 *
 * <p>The layer has no parameters. Its input comes from a {@link NextSequenceVertex}, which puts the states of one tower
 * and the keys of the other into one matrix:
 *
 * <table>
 * <caption>Shapes</caption>
 * <tr><th>array</th><th>shape</th></tr>
 * <tr><td>input</td><td>{@code [N·T + M + C, d]}: states (row n·T + t), the batch's keys, room for C keys of a memory</td></tr>
 * <tr><td>output</td><td>the input</td></tr>
 * <tr><td>labels</td><td>{@code [N, K, T]} (or {@code [N, K]}, where states have no time): at a [Ret] position the numbers
 *     of its positives among the M keys, at most K; negative elsewhere</td></tr>
 * <tr><td>labels' mask</td><td>{@code [N, T]}, optional: 0 leaves a position out</td></tr>
 * </table>
 *
 * <p>A position without any positive is no [Ret] position. A minibatch without [Ret] positions has loss 0 and gradient 0.
 * One key alone makes a loss of 0, of which the layer warns once. {@link CoSupervision#heads} builds layer and vertices
 * around it.
 *
 * <p>Not for truncated backpropagation through time, which would cut passages and positions of different lengths alike.
 *
 * <p>Source: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024, section 3.
 */
public final class NextSequenceOutputLayer extends WeightedOutputLayer {
    @Serial
    private static final long serialVersionUID = 1L;

    /** The paper's weight of the next-sequence loss. */
    public static final double DEFAULT_LOSS_WEIGHT = 0.01;

    /** Room for keys of a memory. */
    private int memorySize;

    /** For JSON. */
    NextSequenceOutputLayer() {}

    private NextSequenceOutputLayer(Builder builder) {
        super(builder, new LossNextSequence(builder.contrast));
        memorySize = builder.memorySize;
        if (nOut <= 0) {
            nOut = nIn;
        }
        if (nIn != nOut) {
            throw new IllegalArgumentException(
                    "nOut must be nIn, " + nIn + ", or be left out: the output is the input, found " + nOut);
        }
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> trainingListeners,
            int layerIndex,
            INDArray layerParamsView,
            boolean initializeParams,
            DataType networkDataType) {
        if (!(getLossFn() instanceof LossNextSequence)) {
            throw new IllegalStateException("NextSequenceOutputLayer \"" + getLayerName()
                    + "\" must have a LossNextSequence as its loss, found " + getLossFn());
        }
        requireActivation();
        return CoSupervisionLayers.nextSequence(conf, trainingListeners, layerIndex, networkDataType);
    }

    @Override
    public ParamInitializer initializer() {
        return EmptyParamInitializer.getInstance();
    }

    private long width(@Nullable InputType inputType) {
        if (inputType != null && inputType.getType() == InputType.Type.FF) {
            return inputType.arrayElementsPerExample();
        }
        throw new IllegalStateException("NextSequenceOutputLayer \"" + getLayerName()
                + "\" expects the rows of a NextSequenceVertex, found " + inputType);
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType inputType) {
        return InputType.feedForward(width(inputType));
    }

    @Override
    public void setNIn(InputType inputType, boolean override) {
        if (nIn <= 0 || override) {
            nIn = width(inputType);
            nOut = nIn;
        }
    }

    @Override
    public @Nullable InputPreProcessor getPreProcessorForInputType(InputType inputType) {
        width(inputType);
        return null;
    }

    @Override
    public LayerMemoryReport getMemoryReport(InputType inputType) {
        return new LayerMemoryReport.Builder(getLayerName(), getClass(), inputType, inputType)
                .standardMemory(0, 0)
                // Queries, keys and their gradients; the scores' block does not grow with the minibatch
                .workingMemory(0, 0, 0, 2 * inputType.arrayElementsPerExample())
                .cacheMemory(MemoryReport.CACHE_MODE_ALL_ZEROS, MemoryReport.CACHE_MODE_ALL_ZEROS)
                .build();
    }

    /**
     * How queries and keys are contrasted.
     *
     * @return similarity, temperature and direction
     */
    public Contrast contrast() {
        return ((LossNextSequence) getLossFn()).getContrast();
    }

    /**
     * Sets how queries and keys are contrasted; for search spaces.
     *
     * @param contrast similarity, temperature and direction
     */
    public void contrast(Contrast contrast) {
        setLossFn(new LossNextSequence(contrast));
    }

    /**
     * Rows that the vertex before this layer keeps for keys of a memory.
     *
     * @return C ≥ 0
     */
    public int getMemorySize() {
        return memorySize;
    }

    /**
     * Sets the rows that the vertex before this layer keeps for keys of a memory; for JSON and search spaces.
     *
     * @param memorySize that of the {@link NextSequenceVertex}
     * @throws IllegalArgumentException if it is negative
     */
    @JsonProperty("memorySize")
    public void setMemorySize(int memorySize) {
        this.memorySize = KeyMemory.requireCapacity(memorySize);
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return super.equals(o) && memorySize == ((NextSequenceOutputLayer) o).memorySize;
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), memorySize);
    }

    /** Builds a {@link NextSequenceOutputLayer}. */
    public static final class Builder extends WeightedOutputLayer.Builder<Builder> {
        private Contrast contrast = Contrast.PAPER;
        private int memorySize;

        /** Creates a builder with the paper's options: weight 0.01, dot product, temperature 1, one direction. */
        public Builder() {
            super(DEFAULT_LOSS_WEIGHT);
            setActivationFn(new ActivationIdentity());
        }

        /**
         * Sets similarity, temperature and direction at once.
         *
         * @param contrast how queries and keys are contrasted
         * @return this
         */
        public Builder contrast(Contrast contrast) {
            this.contrast = Objects.requireNonNull(contrast, "contrast must be given, found null");
            return this;
        }

        /**
         * Sets the similarity.
         *
         * @param similarity DOT, the default, or COSINE
         * @return this
         */
        public Builder similarity(Similarity similarity) {
            return contrast(contrast.withSimilarity(similarity));
        }

        /**
         * Sets the divisor of the similarities. COSINE wants one well below 1, such as 0.05.
         *
         * @param temperature 1e-30 to 1e30; default 1
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder temperature(double temperature) {
            return contrast(contrast.withTemperature(temperature));
        }

        /**
         * Sets whether keys are contrasted with queries as well.
         *
         * @param symmetric default false
         * @return this
         */
        public Builder symmetric(boolean symmetric) {
            return contrast(contrast.withSymmetric(symmetric));
        }

        /**
         * Sets the rows that the vertex before this layer keeps for keys of a memory.
         *
         * @param memorySize that of the {@link NextSequenceVertex}; default 0
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder memorySize(int memorySize) {
            this.memorySize = KeyMemory.requireCapacity(memorySize);
            return this;
        }

        @Override
        @SuppressWarnings("unchecked")
        public NextSequenceOutputLayer build() {
            return new NextSequenceOutputLayer(this);
        }
    }
}
