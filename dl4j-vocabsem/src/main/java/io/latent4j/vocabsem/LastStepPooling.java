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
import org.deeplearning4j.nn.conf.layers.NoParamLayer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * The state of the last real token: of each example's time series {@code [mb, d, T]} (NWC: {@code [mb, T, d]}) the last
 * step that the mask keeps, or the last of all without a mask, as {@code [mb, d]}.
 *
 * <p>When to use it: behind a body of any kind, frozen or not. DL4J's {@code LastTimeStep} must wrap a recurrent layer,
 * and its {@code LastTimeStepVertex} knows neither NWC nor a {@code MultiLayerNetwork}.
 *
 * <p>An example whose steps are all masked has no last token: an error.
 */
public class LastStepPooling extends NoParamLayer {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Layout of recurrent activations. */
    private RNNFormat dataFormat = RNNFormat.NCW;

    /** For JSON. */
    protected LastStepPooling() {}

    /**
     * Creates the layer.
     *
     * @param builder the options
     */
    protected LastStepPooling(Builder builder) {
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
        return SemanticLayers.lastStepPooling(conf, trainingListeners, layerIndex, networkDataType);
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType inputType) {
        return InputType.feedForward(recurrent(inputType).getSize());
    }

    @Override
    public void setNIn(InputType inputType, boolean override) {
        setDataFormat(recurrent(inputType).getFormat());
    }

    @Override
    public @Nullable InputPreProcessor getPreProcessorForInputType(InputType inputType) {
        recurrent(inputType);
        return null;
    }

    private InputType.InputTypeRecurrent recurrent(@Nullable InputType inputType) {
        if (inputType instanceof InputType.InputTypeRecurrent recurrent) {
            return recurrent;
        }
        throw new IllegalStateException(
                "LastStepPooling \"" + layerName + "\" expects recurrent activations, found " + inputType);
    }

    @Override
    public LayerMemoryReport getMemoryReport(InputType inputType) {
        return new LayerMemoryReport.Builder(layerName, LastStepPooling.class, inputType, getOutputType(-1, inputType))
                .standardMemory(0, 0)
                .workingMemory(0, 0, 0, 0)
                .cacheMemory(MemoryReport.CACHE_MODE_ALL_ZEROS, MemoryReport.CACHE_MODE_ALL_ZEROS)
                .build();
    }

    /**
     * The layout of the time series.
     *
     * @return NCW or NWC
     */
    public RNNFormat getDataFormat() {
        return dataFormat;
    }

    /**
     * Sets the layout of the time series; for JSON.
     *
     * @param dataFormat NCW or NWC
     */
    @JsonProperty("dataFormat")
    public void setDataFormat(RNNFormat dataFormat) {
        this.dataFormat = Objects.requireNonNull(dataFormat, "dataFormat must be NCW or NWC, found null");
    }

    @Override
    public LastStepPooling clone() {
        return (LastStepPooling) super.clone();
    }

    @Override
    @SuppressWarnings("EqualsGetClass") // as DL4J's own configurations
    public boolean equals(@Nullable Object o) {
        return this == o
                || (o != null
                        && getClass() == o.getClass()
                        && super.equals(o)
                        && dataFormat == ((LastStepPooling) o).dataFormat);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), dataFormat);
    }

    @Override
    public String toString() {
        return "LastStepPooling(layerName=" + layerName + ", dataFormat=" + dataFormat + ")";
    }

    /** Builder of {@link LastStepPooling}. */
    @SuppressWarnings("unchecked") // build() narrows a type variable, as in all DL4J builders
    public static class Builder extends org.deeplearning4j.nn.conf.layers.Layer.Builder<Builder> {
        private RNNFormat dataFormat = RNNFormat.NCW;

        /** Creates a builder with the defaults. */
        public Builder() {}

        /**
         * Sets the layout of the time series, where no input type tells it.
         *
         * @param dataFormat NCW, the default, or NWC
         * @return this
         */
        public Builder dataFormat(RNNFormat dataFormat) {
            this.dataFormat = Objects.requireNonNull(dataFormat, "dataFormat must be NCW or NWC, found null");
            return this;
        }

        @Override
        public LastStepPooling build() {
            return new LastStepPooling(this);
        }
    }
}
