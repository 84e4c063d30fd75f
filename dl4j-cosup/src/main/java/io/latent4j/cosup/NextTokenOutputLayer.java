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
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.InputTypeUtil;
import org.deeplearning4j.nn.conf.layers.LayerValidation;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/**
 * The next-token head of a language model: softmax of {@code h·W}, trained on the mean cross-entropy of the positions
 * that have a target.
 *
 * <pre>{@code
 * L_NTP = w · mean over positions with a target of −ln softmax(h_t·W)[token_{t+1}]
 * }</pre>
 *
 * <table>
 * <caption>Shapes (NCW; with NWC the last two dimensions change places)</caption>
 * <tr><th>array</th><th>shape</th></tr>
 * <tr><td>input h</td><td>{@code [N, nIn, T]}</td></tr>
 * <tr><td>parameter W</td><td>{@code [nIn, nOut]}, nOut = size of the vocabulary; there is no bias</td></tr>
 * <tr><td>output</td><td>probabilities {@code [N, nOut, T]}</td></tr>
 * <tr><td>labels</td><td>token ids {@code [N, 1, T]} or {@code [N, T]} of any type; negative: no target</td></tr>
 * <tr><td>labels' mask</td><td>{@code [N, T]}: 0 leaves a position out (prompt, padding)</td></tr>
 * </table>
 *
 * <p>Only positions with a target are computed in training, and logits are held for a block of them at a time. A
 * minibatch without any target has loss 0 and gradient 0. The layer is the contrast of {@link NextSequenceContrast} with
 * the vocabulary as keys.
 *
 * <p>Relation to DL4J's {@code RnnOutputLayer} with {@code LossSparseMCXENT}: the same loss, but as a mean over positions,
 * as the paper's weight λ of the next-sequence loss presumes, where DL4J sums over time.
 *
 * <p>Source: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024, section 3.
 */
public final class NextTokenOutputLayer extends WeightedOutputLayer {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Layout of activations and labels, null for NCW. */
    private @Nullable RNNFormat dataFormat;

    /** For JSON. */
    NextTokenOutputLayer() {}

    private NextTokenOutputLayer(Builder builder) {
        super(builder, new LossSparseMCXENT());
        dataFormat = builder.dataFormat;
        initializeConstraints(builder);
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> trainingListeners,
            int layerIndex,
            INDArray layerParamsView,
            boolean initializeParams,
            DataType networkDataType) {
        LayerValidation.assertNInNOutSet("NextTokenOutputLayer", getLayerName(), layerIndex, getNIn(), getNOut());
        if (!(getLossFn() instanceof LossSparseMCXENT)) {
            throw new IllegalStateException("NextTokenOutputLayer \"" + getLayerName()
                    + "\" must have a LossSparseMCXENT as its loss, found " + getLossFn());
        }
        requireActivation();
        return CoSupervisionLayers.nextToken(
                conf, trainingListeners, layerIndex, layerParamsView, initializeParams, networkDataType);
    }

    @Override
    public ParamInitializer initializer() {
        return DefaultParamInitializer.getInstance();
    }

    private InputType.InputTypeRecurrent recurrent(@Nullable InputType inputType) {
        if (inputType instanceof InputType.InputTypeRecurrent recurrent) {
            return recurrent;
        }
        throw new IllegalStateException(
                "NextTokenOutputLayer \"" + getLayerName() + "\" expects recurrent activations, found " + inputType);
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType inputType) {
        InputType.InputTypeRecurrent input = recurrent(inputType);
        return InputType.recurrent(nOut, input.getTimeSeriesLength(), input.getFormat());
    }

    @Override
    public void setNIn(InputType inputType, boolean override) {
        InputType.InputTypeRecurrent input = recurrent(inputType);
        if (dataFormat == null || override) {
            dataFormat = input.getFormat();
        }
        if (nIn <= 0 || override) {
            nIn = input.getSize();
        }
    }

    @Override
    public InputPreProcessor getPreProcessorForInputType(InputType inputType) {
        return InputTypeUtil.getPreprocessorForInputTypeRnnLayers(inputType, getDataFormat(), getLayerName());
    }

    @Override
    public LayerMemoryReport getMemoryReport(InputType inputType) {
        InputType output = getOutputType(-1, inputType);
        long parameters = initializer().numParams(this);
        return new LayerMemoryReport.Builder(getLayerName(), getClass(), inputType, output)
                .standardMemory(parameters, getIUpdater().stateSize(parameters))
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
     * The layout of activations and labels.
     *
     * @return NCW (the default) or NWC
     */
    public RNNFormat getDataFormat() {
        return dataFormat == null ? RNNFormat.NCW : dataFormat;
    }

    /**
     * Sets the layout of activations and labels; for JSON.
     *
     * @param dataFormat NCW or NWC
     */
    public void setDataFormat(RNNFormat dataFormat) {
        this.dataFormat = dataFormat;
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return super.equals(o) && getDataFormat() == ((NextTokenOutputLayer) o).getDataFormat();
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), getDataFormat());
    }

    /** Builds a {@link NextTokenOutputLayer}. */
    public static final class Builder extends WeightedOutputLayer.Builder<Builder> {
        private @Nullable RNNFormat dataFormat;

        /** Creates a builder: weight 1. */
        public Builder() {
            super(1);
            setActivationFn(new ActivationSoftmax());
        }

        /**
         * Sets the layout of activations and labels. An input type, where the network has one, takes precedence.
         *
         * @param dataFormat NCW, the default, or NWC
         * @return this
         */
        public Builder dataFormat(RNNFormat dataFormat) {
            this.dataFormat = Objects.requireNonNull(dataFormat, "dataFormat must be NCW or NWC, found null");
            return this;
        }

        @Override
        @SuppressWarnings("unchecked")
        public NextTokenOutputLayer build() {
            return new NextTokenOutputLayer(this);
        }
    }
}
