/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import io.latent4j.cosup.layers.CoSupervisionLayers;
import java.io.Serial;
import java.util.Objects;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.inputs.InvalidInputTypeException;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Makes one vector of the states of each sequence: that of the last real token (the default), their mean or their
 * maximum. Padding, which the features' mask tells, never enters.
 *
 * <table>
 * <caption>Shapes</caption>
 * <tr><th>array</th><th>shape</th></tr>
 * <tr><td>input</td><td>{@code [M, d, S]}, with NWC {@code [M, S, d]}</td></tr>
 * <tr><td>mask</td><td>{@code [M, S]}, the input's; without one all tokens are real</td></tr>
 * <tr><td>output</td><td>{@code [M, d]}</td></tr>
 * </table>
 *
 * <p>A sequence without any real token is an error (an {@code IllegalArgumentException} in the forward pass).
 *
 * <p>Relation to DL4J's {@code LastTimeStepVertex}: that one takes the mask from a network input by name and, where an
 * example is masked as a whole, the state of padding.
 *
 * <p>Source: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024, section 3: Emb_seq
 * takes the last state; the others are additions.
 */
public final class SequencePoolingVertex extends ParameterlessVertex {
    @Serial
    private static final long serialVersionUID = 1L;

    /** How to pool. */
    private Pooling pooling;
    /** Layout of the input; null for NCW. */
    private @Nullable RNNFormat dataFormat;

    /** Creates a vertex that takes the last real token's state; for JSON too. */
    public SequencePoolingVertex() {
        this(Pooling.LAST);
    }

    /**
     * Creates a vertex for NCW input.
     *
     * @param pooling how to pool
     */
    public SequencePoolingVertex(Pooling pooling) {
        this(pooling, null);
    }

    /**
     * Creates a vertex.
     *
     * @param pooling how to pool
     * @param dataFormat layout of the input; null for NCW. An input type, where the network has one, takes precedence
     */
    public SequencePoolingVertex(Pooling pooling, @Nullable RNNFormat dataFormat) {
        super(1, 1);
        this.pooling = Objects.requireNonNull(pooling, "pooling must be LAST, MEAN or MAX, found null");
        this.dataFormat = dataFormat;
    }

    /**
     * How the vertex pools.
     *
     * @return the pooling
     */
    public Pooling getPooling() {
        return pooling;
    }

    /**
     * Sets how the vertex pools; for JSON.
     *
     * @param pooling the pooling
     */
    @JsonProperty("pooling")
    public void setPooling(Pooling pooling) {
        this.pooling = Objects.requireNonNull(pooling, "pooling must be LAST, MEAN or MAX, found null");
    }

    /**
     * Layout of the input.
     *
     * @return NCW (the default) or NWC
     */
    public RNNFormat getDataFormat() {
        return dataFormat == null ? RNNFormat.NCW : dataFormat;
    }

    /**
     * Sets the layout of the input; for JSON.
     *
     * @param dataFormat NCW or NWC
     */
    public void setDataFormat(RNNFormat dataFormat) {
        this.dataFormat = dataFormat;
    }

    @Override
    public SequencePoolingVertex clone() {
        return new SequencePoolingVertex(pooling, dataFormat);
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof SequencePoolingVertex other
                && pooling == other.pooling
                && getDataFormat() == other.getDataFormat();
    }

    @Override
    public int hashCode() {
        return Objects.hash(pooling, getDataFormat());
    }

    @Override
    public String toString() {
        return "SequencePoolingVertex(pooling=" + pooling + ", dataFormat=" + getDataFormat() + ")";
    }

    @Override
    org.deeplearning4j.nn.graph.vertex.GraphVertex runtime(
            ComputationGraph graph, String name, int index, DataType type) {
        return CoSupervisionLayers.sequencePooling(graph, name, index, pooling, getDataFormat(), type);
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType... vertexInputs) throws InvalidInputTypeException {
        if (vertexInputs.length == 1 && vertexInputs[0] instanceof InputType.InputTypeRecurrent input) {
            dataFormat = input.getFormat();
            return InputType.feedForward(input.getSize());
        }
        throw new InvalidInputTypeException(
                "SequencePoolingVertex expects one recurrent input, found " + java.util.Arrays.toString(vertexInputs));
    }
}
