/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import io.latent4j.cosup.layers.CoSupervisionLayers;
import java.io.Serial;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.inputs.InvalidInputTypeException;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Takes one batch out of the states of several that a {@link SequenceStackVertex} put together.
 *
 * <table>
 * <caption>Shapes</caption>
 * <tr><th>array</th><th>shape</th></tr>
 * <tr><td>input 0, stacked states</td><td>{@code [Σ N_i, n, T]} (NCW)</td></tr>
 * <tr><td>inputs 1, 2, …: what the stack vertex was given, in its order</td><td>{@code [N_i, T_i]} or
 *     {@code [N_i, n, T_i]}; only their sizes and masks count</td></tr>
 * <tr><td>output</td><td>{@code [N_part, n, T_part]}, with the mask of that input</td></tr>
 * </table>
 */
public final class SequenceUnstackVertex extends ParameterlessVertex {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Which batch to take. */
    private int part;

    /** For JSON. */
    SequenceUnstackVertex() {
        this(0);
    }

    /**
     * Creates a vertex.
     *
     * @param part which batch to take: 0 for the stack vertex's first input
     * @throws IllegalArgumentException if it is negative
     */
    public SequenceUnstackVertex(int part) {
        super(2, Integer.MAX_VALUE);
        setPart(part);
    }

    /**
     * Which batch the vertex takes.
     *
     * @return the number of the stack vertex's input, from 0
     */
    public int getPart() {
        return part;
    }

    /**
     * Sets which batch the vertex takes; for JSON.
     *
     * @param part number of the stack vertex's input, from 0
     * @throws IllegalArgumentException if it is negative
     */
    public void setPart(int part) {
        if (part < 0) {
            throw new IllegalArgumentException("part must be at least 0, found " + part);
        }
        this.part = part;
    }

    @Override
    public SequenceUnstackVertex clone() {
        return new SequenceUnstackVertex(part);
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof SequenceUnstackVertex other && part == other.part;
    }

    @Override
    public int hashCode() {
        return 31 * SequenceUnstackVertex.class.hashCode() + part;
    }

    @Override
    public String toString() {
        return "SequenceUnstackVertex(part=" + part + ")";
    }

    @Override
    org.deeplearning4j.nn.graph.vertex.GraphVertex runtime(
            ComputationGraph graph, String name, int index, DataType type) {
        return CoSupervisionLayers.sequenceUnstack(graph, name, index, part, type);
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType... vertexInputs) throws InvalidInputTypeException {
        if (vertexInputs.length < part + 2) {
            throw new InvalidInputTypeException("SequenceUnstackVertex of part " + part
                    + " expects the stacked states and the " + (part + 1)
                    + " or more inputs of the stack vertex, found " + vertexInputs.length + " inputs");
        }
        if (!(vertexInputs[0] instanceof InputType.InputTypeRecurrent states)) {
            return vertexInputs[0];
        }
        return vertexInputs[1 + part] instanceof InputType.InputTypeRecurrent own
                ? InputType.recurrent(states.getSize(), own.getTimeSeriesLength(), states.getFormat())
                : InputType.recurrent(states.getSize(), states.getFormat());
    }
}
