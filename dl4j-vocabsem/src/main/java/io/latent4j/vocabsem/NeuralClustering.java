/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import io.latent4j.vocabsem.layers.CalibrationParamInitializer;
import io.latent4j.vocabsem.layers.SemanticLayers;
import java.io.Serial;
import java.util.Collection;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationRReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Neural clustering (semantic calibration) as a layer: moves states towards the semantic basis of their label.
 *
 * <pre>{@code
 * λ(r) = LN( φ((r ⊙ CA(r))·H)·O ),  CA(r) = 2·φ(r·D)·U        D: d → d/16,  U: d/16 → d,  H: d → 2d,  O: 2d → d
 * }</pre>
 *
 * <p>Put it between the last layer of a frozen language model and a {@link SemanticLogits} layer; {@link
 * ClusteringAdaptation} does that and the training in one call. Input and output are feed-forward {@code [mb, d]} or
 * recurrent {@code [mb, d, T]} (NWC: {@code [mb, T, d]}) activations; each row or time step is calibrated by itself,
 * masked steps come out as zero and have no gradient. It has no biases: 33/8·d² parameters where 16 divides d. The
 * bottleneck is ⌊d/ratio⌋ wide, at least 1.
 *
 * <table>
 * <caption>Options</caption>
 * <tr><th>option</th><th>default</th><th>meaning</th></tr>
 * <tr><td>nIn</td><td>from the input type</td><td>d, at least 2; nOut is always the same</td></tr>
 * <tr><td>hiddenFactor</td><td>2</td><td>width of the MLP's hidden layer in multiples of d</td></tr>
 * <tr><td>bottleneckRatio</td><td>16</td><td>d over the width of the attention's bottleneck</td></tr>
 * <tr><td>activation</td><td>RELU</td><td>φ, inside the MLP and the bottleneck; not taken from the network's global
 * setting</td></tr>
 * <tr><td>residual</td><td>false</td><td>add r before LN</td></tr>
 * <tr><td>sigmoidGate</td><td>false</td><td>gate with σ(CA(r)) instead of CA(r)</td></tr>
 * <tr><td>layerNormAffine</td><td>false</td><td>LN with a trained gain and bias: 2d more parameters. Without them, as by
 * default, every λ(r) has mean 0 and variance 1; the paper's parameter count has no room for them</td></tr>
 * <tr><td>layerNormEpsilon</td><td>1e-5</td><td>ε of LN</td></tr>
 * <tr><td>initialIdentity</td><td>false</td><td>start as λ(r) = LN(r), see below</td></tr>
 * <tr><td>dataFormat</td><td>NCW</td><td>layout of recurrent activations; taken from the input type where there is
 * one</td></tr>
 * </table>
 *
 * <p>With {@code initialIdentity} the untrained layer is λ(r) = LN(c·r) for a c &gt; 0: the identity, but for ε, on
 * states of mean 0 and variance 1, whose clusters are then where the language model put them. How:
 *
 * <ul>
 *   <li>with a residual, O = 0 (c = 1);
 *   <li>with a sigmoid gate, U = 0, so the gate is 1/2, and H = [I, −I], O = 2·[I; −I]/s (c = 1), where φ(x) − φ(−x) =
 *       s·x (ReLU: s = 1);
 *   <li>otherwise D = [A, −A] with A from the weight initialisation and U constant, so the gate is the same positive
 *       number Σ_k |r·a_k|·const for all features (c, depending on r; 1 on average for standard normal r), and H = [I,
 *       −I], O = [I; −I]/s.
 * </ul>
 *
 * All other weights come from the weight initialisation. The last two need a hiddenFactor of at least 2 and an
 * activation with φ(x) − φ(−x) = s·x (ReLU, leaky ReLU, GELU, Swish, Softplus), the last also a bottleneck of at least 2
 * units.
 *
 * <p>Parameters: {@code "Wdown"} D, {@code "Wup"} U, {@code "Whidden"} H, {@code "Wout"} O, and with an affine LN
 * {@code "g"} and {@code "b"}. Weight initialisation, updaters, l1, l2, weight decay, constraints and weight noise act
 * on the four matrices as on the weights of a {@code DenseLayer}, bias options on {@code "b"}; the gain is never
 * regularized. Dropout applies to the input.
 *
 * <p>Source: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184, section on neural clustering.
 *
 * @see SemanticCalibration
 * @see ClusteringAdaptation
 */
public class NeuralClustering extends FeedForwardLayer {
    @Serial
    private static final long serialVersionUID = 1L;

    // The names of these fields are the JSON format

    /** Width of the MLP's hidden layer in multiples of d. */
    private int hiddenFactor = 2;
    /** d over the width of the attention's bottleneck. */
    private int bottleneckRatio = 16;
    /** Whether r is added before LN. */
    private boolean residual;
    /** Whether the gate is σ(CA(r)). */
    private boolean sigmoidGate;
    /** Whether LN has a trained gain and bias. */
    private boolean layerNormAffine;
    /** ε of LN. */
    private double layerNormEpsilon = SemanticCalibration.Options.DEFAULT_EPSILON;
    /** Whether the module starts as LN(r). */
    private boolean initialIdentity;
    /** Layout of recurrent activations. */
    private RNNFormat dataFormat = RNNFormat.NCW;

    /** For JSON. */
    protected NeuralClustering() {}

    /**
     * Creates the layer.
     *
     * @param builder the options
     * @throws IllegalArgumentException if nIn and nOut differ
     */
    protected NeuralClustering(Builder builder) {
        super(builder);
        hiddenFactor = builder.hiddenFactor;
        bottleneckRatio = builder.bottleneckRatio;
        residual = builder.residual;
        sigmoidGate = builder.sigmoidGate;
        layerNormAffine = builder.layerNormAffine;
        layerNormEpsilon = builder.layerNormEpsilon;
        initialIdentity = builder.initialIdentity;
        dataFormat = builder.dataFormat;
        if (nOut == 0) {
            nOut = nIn;
        } else if (nIn == 0) {
            nIn = nOut;
        }
        requireSameWidth();
        initializeConstraints(builder);
    }

    private void requireSameWidth() {
        if (nIn != nOut) {
            throw new IllegalArgumentException("NeuralClustering \"" + layerName
                    + "\" has as many outputs as inputs: nOut must equal nIn, found nIn " + nIn + " and nOut " + nOut);
        }
    }

    /**
     * Adapts a language model to a classification task with the options of the paper; for others see {@link
     * ClusteringAdaptation}.
     *
     * @param network the language model, its last layer the head; not changed
     * @param data texts with classes, read once
     * @param labels the classes and their words, as token ids of that head
     * @return a new network: frozen body, module, semantic logits
     * @throws IllegalArgumentException as {@link ClusteringAdaptation#adapt(MultiLayerNetwork, DataSetIterator,
     *     LabelWords)}
     */
    public static MultiLayerNetwork adapt(MultiLayerNetwork network, DataSetIterator data, LabelWords labels) {
        return new ClusteringAdaptation.Builder().build().adapt(network, data, labels);
    }

    /**
     * Adapts a language model to a classification task with the options of the paper; for others see {@link
     * ClusteringAdaptation}.
     *
     * @param graph the language model, its only output the head; not changed
     * @param data texts with classes, read once
     * @param labels the classes and their words, as token ids of that head
     * @return a new graph: frozen body, module, semantic logits
     * @throws IllegalArgumentException as {@link ClusteringAdaptation#adapt(ComputationGraph, MultiDataSetIterator,
     *     LabelWords)}
     */
    public static ComputationGraph adapt(ComputationGraph graph, MultiDataSetIterator data, LabelWords labels) {
        return new ClusteringAdaptation.Builder().build().adapt(graph, data, labels);
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> trainingListeners,
            int layerIndex,
            INDArray layerParamsView,
            boolean initializeParams,
            DataType networkDataType) {
        requireSameWidth();
        return SemanticLayers.neuralClustering(
                conf, trainingListeners, layerIndex, layerParamsView, initializeParams, networkDataType);
    }

    @Override
    public ParamInitializer initializer() {
        return CalibrationParamInitializer.getInstance();
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType inputType) {
        checkInputType(inputType);
        return inputType;
    }

    @Override
    public void setNIn(InputType inputType, boolean override) {
        checkInputType(inputType);
        if (inputType instanceof InputType.InputTypeRecurrent recurrent) {
            setDataFormat(recurrent.getFormat());
        }
        if (nIn <= 0 || override) {
            setNIn(width(inputType));
        }
    }

    @Override
    public @Nullable InputPreProcessor getPreProcessorForInputType(InputType inputType) {
        checkInputType(inputType);
        return null;
    }

    private static long width(InputType inputType) {
        return inputType instanceof InputType.InputTypeRecurrent recurrent
                ? recurrent.getSize()
                : inputType.arrayElementsPerExample();
    }

    private void checkInputType(@Nullable InputType inputType) {
        if (inputType == null
                || (inputType.getType() != InputType.Type.FF && inputType.getType() != InputType.Type.RNN)) {
            throw new IllegalStateException("NeuralClustering \"" + layerName
                    + "\" expects feed-forward or recurrent activations, found " + inputType);
        }
        if (nIn > 0 && width(inputType) != nIn) {
            throw new IllegalStateException("NeuralClustering \"" + layerName + "\" expects " + nIn
                    + " features, found " + width(inputType) + " in " + inputType);
        }
    }

    @Override
    public LayerMemoryReport getMemoryReport(InputType inputType) {
        long parameters = initializer().numParams(this);
        long perRow = nIn * (4L + 2L * hiddenFactor) + 2 * getBottleneckWidth();
        long rows = inputType.arrayElementsPerExample() / nIn;
        return new LayerMemoryReport.Builder(layerName, NeuralClustering.class, inputType, inputType)
                .standardMemory(parameters, iUpdater == null ? 0 : iUpdater.stateSize(parameters))
                .workingMemory(0, rows * perRow, 0, 2 * rows * perRow)
                .cacheMemory(MemoryReport.CACHE_MODE_ALL_ZEROS, MemoryReport.CACHE_MODE_ALL_ZEROS)
                .build();
    }

    /**
     * The width of the attention's bottleneck.
     *
     * @return ⌊d/ratio⌋, at least 1
     */
    public long getBottleneckWidth() {
        return Math.max(1, nIn / bottleneckRatio);
    }

    /**
     * The width of the MLP's hidden layer.
     *
     * @return hiddenFactor·d
     */
    public long getHiddenWidth() {
        return nIn * hiddenFactor;
    }

    /**
     * The options as the kernel wants them.
     *
     * @return the options
     */
    public SemanticCalibration.Options calibrationOptions() {
        return new SemanticCalibration.Options(activationFn, residual, sigmoidGate, layerNormEpsilon);
    }

    /**
     * Sets the number of features; for JSON and TransferLearning.
     *
     * @param nIn d, at least 2, or 0 for not known; nOut becomes the same
     * @throws IllegalArgumentException if d is 1 or negative
     */
    @Override
    public void setNIn(long nIn) {
        super.setNIn(requireWidth(nIn));
        super.setNOut(nIn);
    }

    /**
     * The factor of the hidden layer's width.
     *
     * @return hidden units per feature
     */
    public int getHiddenFactor() {
        return hiddenFactor;
    }

    /**
     * Sets the factor of the hidden layer's width; for JSON.
     *
     * @param hiddenFactor hidden units per feature, at least 1
     * @throws IllegalArgumentException if it is less than 1
     */
    @JsonProperty("hiddenFactor")
    public void setHiddenFactor(int hiddenFactor) {
        this.hiddenFactor = requirePositive("hiddenFactor", hiddenFactor);
    }

    /**
     * The ratio of the bottleneck.
     *
     * @return features per unit of the bottleneck
     */
    public int getBottleneckRatio() {
        return bottleneckRatio;
    }

    /**
     * Sets the ratio of the bottleneck; for JSON.
     *
     * @param bottleneckRatio features per unit of the bottleneck, at least 1
     * @throws IllegalArgumentException if it is less than 1
     */
    @JsonProperty("bottleneckRatio")
    public void setBottleneckRatio(int bottleneckRatio) {
        this.bottleneckRatio = requirePositive("bottleneckRatio", bottleneckRatio);
    }

    /**
     * Whether the state is added before LN.
     *
     * @return true with a residual
     */
    public boolean isResidual() {
        return residual;
    }

    /**
     * Sets whether the state is added before LN; for JSON.
     *
     * @param residual true for a residual
     */
    public void setResidual(boolean residual) {
        this.residual = residual;
    }

    /**
     * Whether the gate is a sigmoid.
     *
     * @return true for σ(CA(r))
     */
    public boolean isSigmoidGate() {
        return sigmoidGate;
    }

    /**
     * Sets whether the gate is a sigmoid; for JSON.
     *
     * @param sigmoidGate true for σ(CA(r)), false for CA(r)
     */
    public void setSigmoidGate(boolean sigmoidGate) {
        this.sigmoidGate = sigmoidGate;
    }

    /**
     * Whether LN has a gain and a bias.
     *
     * @return true if it has
     */
    public boolean isLayerNormAffine() {
        return layerNormAffine;
    }

    /**
     * Sets whether LN has a gain and a bias; for JSON.
     *
     * @param layerNormAffine true for a gain and a bias
     */
    public void setLayerNormAffine(boolean layerNormAffine) {
        this.layerNormAffine = layerNormAffine;
    }

    /**
     * ε of LN.
     *
     * @return ε
     */
    public double getLayerNormEpsilon() {
        return layerNormEpsilon;
    }

    /**
     * Sets ε of LN; for JSON.
     *
     * @param layerNormEpsilon ε, positive and finite
     * @throws IllegalArgumentException if it is not
     */
    @JsonProperty("layerNormEpsilon")
    public void setLayerNormEpsilon(double layerNormEpsilon) {
        this.layerNormEpsilon = requireEpsilon(layerNormEpsilon);
    }

    /**
     * Whether the untrained layer is λ(r) = LN(r).
     *
     * @return true if it starts as the identity on normalised states
     */
    public boolean isInitialIdentity() {
        return initialIdentity;
    }

    /**
     * Sets whether the untrained layer is λ(r) = LN(r); for JSON.
     *
     * @param initialIdentity true to start as the identity on normalised states
     */
    public void setInitialIdentity(boolean initialIdentity) {
        this.initialIdentity = initialIdentity;
    }

    /**
     * The layout of recurrent activations.
     *
     * @return NCW or NWC
     */
    public RNNFormat getDataFormat() {
        return dataFormat;
    }

    /**
     * Sets the layout of recurrent activations; for JSON.
     *
     * @param dataFormat NCW or NWC
     */
    @JsonProperty("dataFormat")
    public void setDataFormat(RNNFormat dataFormat) {
        this.dataFormat = Objects.requireNonNull(dataFormat, "dataFormat must be NCW or NWC, found null");
    }

    /**
     * Sets φ; for JSON.
     *
     * @param activationFn an activation without parameters and without randomness
     * @throws IllegalArgumentException if it has parameters or is random
     */
    @Override
    public void setActivationFn(IActivation activationFn) {
        super.setActivationFn(requireActivation(activationFn));
    }

    private static long requireWidth(long nIn) {
        if (nIn < 0 || nIn == 1) {
            throw new IllegalArgumentException("nIn must be at least 2, or 0 for not known, found " + nIn);
        }
        return nIn;
    }

    private static int requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be at least 1, found " + value);
        }
        return value;
    }

    private static double requireEpsilon(double epsilon) {
        return new SemanticCalibration.Options(new ActivationReLU(), false, false, epsilon).layerNormEpsilon();
    }

    private static IActivation requireActivation(IActivation activation) {
        Objects.requireNonNull(activation, "activation must not be null");
        if (activation.numParams(1) > 0 || activation instanceof ActivationRReLU) {
            throw new IllegalArgumentException(
                    "activation must have neither parameters nor randomness, found " + activation);
        }
        return activation;
    }

    @Override
    public NeuralClustering clone() {
        return (NeuralClustering) super.clone();
    }

    @Override
    @SuppressWarnings("EqualsGetClass") // as DL4J's own configurations
    public boolean equals(@Nullable Object o) {
        if (this == o) {
            return true;
        }
        if (o == null || getClass() != o.getClass() || !super.equals(o)) {
            return false;
        }
        NeuralClustering other = (NeuralClustering) o;
        return hiddenFactor == other.hiddenFactor
                && bottleneckRatio == other.bottleneckRatio
                && residual == other.residual
                && sigmoidGate == other.sigmoidGate
                && layerNormAffine == other.layerNormAffine
                && Double.compare(layerNormEpsilon, other.layerNormEpsilon) == 0
                && initialIdentity == other.initialIdentity
                && dataFormat == other.dataFormat;
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                super.hashCode(),
                hiddenFactor,
                bottleneckRatio,
                residual,
                sigmoidGate,
                layerNormAffine,
                layerNormEpsilon,
                initialIdentity,
                dataFormat);
    }

    @Override
    public String toString() {
        return "NeuralClustering(layerName=" + layerName + ", nIn=" + nIn + ", hiddenFactor=" + hiddenFactor
                + ", bottleneckRatio=" + bottleneckRatio + ", activation=" + activationFn + ", residual=" + residual
                + ", sigmoidGate=" + sigmoidGate + ", layerNormAffine=" + layerNormAffine + ", layerNormEpsilon="
                + layerNormEpsilon + ", initialIdentity=" + initialIdentity + ", dataFormat=" + dataFormat + ")";
    }

    /** Builder of {@link NeuralClustering}; see there for options and defaults. */
    @SuppressWarnings("unchecked") // build() narrows a type variable, as in all DL4J builders
    public static class Builder extends FeedForwardLayer.Builder<Builder> {
        private int hiddenFactor = 2;
        private int bottleneckRatio = 16;
        private boolean residual;
        private boolean sigmoidGate;
        private boolean layerNormAffine;
        private double layerNormEpsilon = SemanticCalibration.Options.DEFAULT_EPSILON;
        private boolean initialIdentity;
        private RNNFormat dataFormat = RNNFormat.NCW;

        /** Creates a builder with the defaults. */
        public Builder() {
            activationFn = new ActivationReLU();
        }

        /**
         * Sets d, the number of features in and out.
         *
         * @param nIn d, at least 2, or 0 for not known
         * @throws IllegalArgumentException if d is 1 or negative
         */
        @Override
        public void setNIn(long nIn) {
            super.setNIn(requireWidth(nIn));
        }

        /**
         * Sets φ, the activation inside the MLP and the bottleneck.
         *
         * @param activation φ; default ReLU
         * @return this
         * @throws IllegalArgumentException if it has parameters or is random
         */
        @Override
        public Builder activation(IActivation activation) {
            return super.activation(requireActivation(activation));
        }

        /**
         * Sets φ, the activation inside the MLP and the bottleneck.
         *
         * @param activation φ; default RELU
         * @return this
         * @throws IllegalArgumentException if it has parameters or is random
         */
        @Override
        public Builder activation(Activation activation) {
            return activation(activation.getActivationFunction());
        }

        /**
         * Sets the width of the MLP's hidden layer.
         *
         * @param hiddenFactor hidden units per feature, at least 1; default 2
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder hiddenFactor(int hiddenFactor) {
            this.hiddenFactor = requirePositive("hiddenFactor", hiddenFactor);
            return this;
        }

        /**
         * Sets the width of the attention's bottleneck.
         *
         * @param bottleneckRatio features per unit of the bottleneck, at least 1; default 16
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder bottleneckRatio(int bottleneckRatio) {
            this.bottleneckRatio = requirePositive("bottleneckRatio", bottleneckRatio);
            return this;
        }

        /**
         * Sets whether the state is added before LN.
         *
         * @param residual true for a residual; default false, the paper's form
         * @return this
         */
        public Builder residual(boolean residual) {
            this.residual = residual;
            return this;
        }

        /**
         * Sets whether the gate is a sigmoid.
         *
         * @param sigmoidGate true for σ(CA(r)); default false for CA(r), the paper's form
         * @return this
         */
        public Builder sigmoidGate(boolean sigmoidGate) {
            this.sigmoidGate = sigmoidGate;
            return this;
        }

        /**
         * Sets whether LN has a trained gain and bias.
         *
         * @param layerNormAffine true for a gain and a bias; default false
         * @return this
         */
        public Builder layerNormAffine(boolean layerNormAffine) {
            this.layerNormAffine = layerNormAffine;
            return this;
        }

        /**
         * Sets ε of LN.
         *
         * @param layerNormEpsilon ε, positive and finite; default 1e-5
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder layerNormEpsilon(double layerNormEpsilon) {
            this.layerNormEpsilon = requireEpsilon(layerNormEpsilon);
            return this;
        }

        /**
         * Sets whether the untrained layer is λ(r) = LN(r).
         *
         * @param initialIdentity true to start as the identity on normalised states; default false
         * @return this
         */
        public Builder initialIdentity(boolean initialIdentity) {
            this.initialIdentity = initialIdentity;
            return this;
        }

        /**
         * Sets the layout of recurrent activations, where no input type tells it.
         *
         * @param dataFormat NCW, the default, or NWC
         * @return this
         */
        public Builder dataFormat(RNNFormat dataFormat) {
            this.dataFormat = Objects.requireNonNull(dataFormat, "dataFormat must be NCW or NWC, found null");
            return this;
        }

        @Override
        public NeuralClustering build() {
            return new NeuralClustering(this);
        }
    }
}
