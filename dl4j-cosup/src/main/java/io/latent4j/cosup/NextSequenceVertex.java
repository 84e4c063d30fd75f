/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import io.latent4j.cosup.layers.CoSupervisionLayers;
import java.io.Serial;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.inputs.InvalidInputTypeException;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Brings the states of a language model and the keys of a sequence encoder into one matrix for a
 * {@link NextSequenceOutputLayer}, with room for the keys of a {@link KeyMemory}.
 *
 * <table>
 * <caption>Shapes</caption>
 * <tr><th>array</th><th>shape</th></tr>
 * <tr><td>input 0, states</td><td>{@code [N, d, T]}, or {@code [N, d]} (then T = 1)</td></tr>
 * <tr><td>input 1, keys</td><td>{@code [M, d]}; M need not be N</td></tr>
 * <tr><td>input 2, optional: what sequence each key is of</td><td>{@code [M, 1]}, whole numbers; negative: of none</td></tr>
 * <tr><td>output</td><td>{@code [N·T + M + C, d]}: row n·T + t is the state of example n at step t</td></tr>
 * </table>
 *
 * <p>In training the last C rows hold the memory's keys but those of the batch's own sequences (all, without input 2),
 * then zeros; elsewhere zeros. The batch's keys enter the memory when the gradient has been taken.
 */
public final class NextSequenceVertex extends ParameterlessVertex {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Capacity of the memory. */
    private int memorySize;

    /** Creates a vertex without a memory; for JSON too. */
    public NextSequenceVertex() {
        this(0);
    }

    /**
     * Creates a vertex with a memory.
     *
     * @param memorySize number C of keys remembered at most; 0 for none
     * @throws IllegalArgumentException if it is negative
     */
    public NextSequenceVertex(int memorySize) {
        super(2, 3);
        this.memorySize = KeyMemory.requireCapacity(memorySize);
    }

    /**
     * Number of keys remembered at most.
     *
     * @return C ≥ 0
     */
    public int getMemorySize() {
        return memorySize;
    }

    /**
     * Sets the number of keys remembered at most; for JSON.
     *
     * @param memorySize C
     * @throws IllegalArgumentException if it is negative
     */
    @JsonProperty("memorySize")
    public void setMemorySize(int memorySize) {
        this.memorySize = KeyMemory.requireCapacity(memorySize);
    }

    @Override
    public NextSequenceVertex clone() {
        return new NextSequenceVertex(memorySize);
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof NextSequenceVertex other && memorySize == other.memorySize;
    }

    @Override
    public int hashCode() {
        return 31 * NextSequenceVertex.class.hashCode() + memorySize;
    }

    @Override
    public String toString() {
        return "NextSequenceVertex(memorySize=" + memorySize + ")";
    }

    @Override
    org.deeplearning4j.nn.graph.vertex.GraphVertex runtime(
            ComputationGraph graph, String name, int index, DataType type) {
        return CoSupervisionLayers.nextSequenceVertex(graph, name, index, memorySize, type);
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType... vertexInputs) throws InvalidInputTypeException {
        if (vertexInputs.length < minVertexInputs() || vertexInputs.length > maxVertexInputs()) {
            throw new InvalidInputTypeException(
                    "NextSequenceVertex expects states, keys and perhaps ids as inputs, found " + vertexInputs.length);
        }
        long states = vertexInputs[0] instanceof InputType.InputTypeRecurrent recurrent
                ? recurrent.getSize()
                : vertexInputs[0].arrayElementsPerExample();
        if (vertexInputs[1].getType() != InputType.Type.FF) {
            throw new InvalidInputTypeException("NextSequenceVertex expects one key per sequence as second input (pool"
                    + " the sequence encoder's states), found " + vertexInputs[1]);
        }
        long keys = vertexInputs[1].arrayElementsPerExample();
        if (states != keys) {
            throw new InvalidInputTypeException(
                    "NextSequenceVertex expects states and keys of one width, found " + states + " and " + keys);
        }
        return InputType.feedForward(states);
    }

    @Override
    long kept(InputType output) {
        return memorySize * output.arrayElementsPerExample();
    }
}
