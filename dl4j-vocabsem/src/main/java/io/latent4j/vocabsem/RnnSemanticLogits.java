/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import io.latent4j.vocabsem.layers.SemanticLayers;
import java.io.Serial;
import java.util.Collection;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.InputTypeUtil;
import org.deeplearning4j.nn.conf.layers.LayerValidation;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * {@link SemanticLogits} at every time step.
 *
 * <table>
 * <caption>Shapes (NCW; with NWC the last two dimensions change places)</caption>
 * <tr><th>array</th><th>shape</th></tr>
 * <tr><td>input r</td><td>{@code [N, nIn, T]}</td></tr>
 * <tr><td>output</td><td>{@code [N, nOut, T]}</td></tr>
 * <tr><td>labels</td><td>{@code [N, nOut, T]}, or with {@code LossSparseMCXENT} integers {@code [N, 1, T]}</td></tr>
 * <tr><td>labels' mask</td><td>{@code [N, T]}: 0 leaves a step out</td></tr>
 * </table>
 *
 * <p>Source: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184.
 */
public final class RnnSemanticLogits extends SemanticLogitsConfiguration {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Layout of activations and labels, null for NCW. */
    private @Nullable RNNFormat dataFormat;

    /** For JSON. */
    RnnSemanticLogits() {}

    private RnnSemanticLogits(Builder builder) {
        super(builder);
        dataFormat = builder.dataFormat;
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> trainingListeners,
            int layerIndex,
            INDArray layerParamsView,
            boolean initializeParams,
            DataType networkDataType) {
        LayerValidation.assertNInNOutSet("RnnSemanticLogits", getLayerName(), layerIndex, getNIn(), getNOut());
        return SemanticLayers.rnnSemanticLogits(
                conf, trainingListeners, layerIndex, layerParamsView, initializeParams, networkDataType);
    }

    private InputType.InputTypeRecurrent recurrent(@Nullable InputType inputType) {
        if (inputType instanceof InputType.InputTypeRecurrent recurrent) {
            return recurrent;
        }
        throw new IllegalStateException(
                "RnnSemanticLogits \"" + getLayerName() + "\" expects recurrent activations, found " + inputType);
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
        checkWidth(input.getSize());
    }

    @Override
    public InputPreProcessor getPreProcessorForInputType(InputType inputType) {
        return InputTypeUtil.getPreprocessorForInputTypeRnnLayers(inputType, getDataFormat(), getLayerName());
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
        return super.equals(o) && getDataFormat() == ((RnnSemanticLogits) o).getDataFormat();
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), getDataFormat());
    }

    /** Builds a {@link RnnSemanticLogits}. */
    public static final class Builder extends SemanticLogitsConfiguration.Builder<Builder> {
        private @Nullable RNNFormat dataFormat;

        /** Creates a builder: cosine, scale 1, frozen bases, cross-entropy of a softmax. */
        public Builder() {}

        /**
         * Creates a builder with a loss.
         *
         * @param lossFunction the loss
         */
        public Builder(LossFunction lossFunction) {
            super(lossFunction);
        }

        /**
         * Creates a builder with a loss.
         *
         * @param lossFunction the loss
         */
        public Builder(ILossFunction lossFunction) {
            super(lossFunction);
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
        public RnnSemanticLogits build() {
            return new RnnSemanticLogits(this);
        }
    }
}
