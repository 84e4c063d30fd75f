/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import io.latent4j.cosup.layers.CoSupervisionLayers;
import java.io.Serial;
import java.util.Arrays;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.inputs.InvalidInputTypeException;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Puts batches of sequences, each with its own number and length, into one batch, padded with zeros and masked, so that
 * one stack of layers serves as language model and as sequence encoder: weights are shared because the layers are the
 * same. A {@link SequenceUnstackVertex} per batch takes the states apart again.
 *
 * <table>
 * <caption>Shapes</caption>
 * <tr><th>array</th><th>shape</th></tr>
 * <tr><td>inputs</td><td>token ids {@code [N_i, T_i]} or activations {@code [N_i, n, T_i]}</td></tr>
 * <tr><td>output</td><td>{@code [Σ N_i, max T_i]} or {@code [Σ N_i, n, max T_i]}</td></tr>
 * <tr><td>masks</td><td>{@code [N_i, T_i]}, of all inputs or of none; the output's {@code [Σ N_i, max T_i]}</td></tr>
 * </table>
 *
 * <p>Without masks shorter batches are padded all the same, which causal layers do not notice; others want masks.
 *
 * <p>Relation to DL4J's {@code StackVertex}: that one takes inputs of the same size only. DL4J's preprocessor between
 * feed-forward and recurrent layers goes by the network's minibatch size, which a stacked batch has not, so recurrent
 * layers only may stand between the two vertices.
 */
public final class SequenceStackVertex extends ParameterlessVertex {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Creates a vertex. */
    public SequenceStackVertex() {
        super(1, Integer.MAX_VALUE);
    }

    @Override
    public SequenceStackVertex clone() {
        return new SequenceStackVertex();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof SequenceStackVertex;
    }

    @Override
    public int hashCode() {
        return SequenceStackVertex.class.hashCode();
    }

    @Override
    public String toString() {
        return "SequenceStackVertex()";
    }

    @Override
    org.deeplearning4j.nn.graph.vertex.GraphVertex runtime(
            ComputationGraph graph, String name, int index, DataType type) {
        return CoSupervisionLayers.sequenceStack(graph, name, index, type);
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType... vertexInputs) throws InvalidInputTypeException {
        for (InputType input : vertexInputs) {
            if (input.getType() != vertexInputs[0].getType() || size(input) != size(vertexInputs[0])) {
                throw new InvalidInputTypeException("SequenceStackVertex expects inputs of one kind and width, found "
                        + Arrays.toString(vertexInputs));
            }
        }
        return vertexInputs[0] instanceof InputType.InputTypeRecurrent recurrent
                ? InputType.recurrent(recurrent.getSize(), longest(vertexInputs), recurrent.getFormat())
                : vertexInputs[0];
    }

    /** The length of the longest input, as DL4J writes an unknown length where one of them is not known. */
    private static long longest(InputType... inputs) {
        long longest = 0;
        for (InputType input : inputs) {
            long length = ((InputType.InputTypeRecurrent) input).getTimeSeriesLength();
            if (length <= 0) {
                return length;
            }
            longest = Math.max(longest, length);
        }
        return longest;
    }

    private static long size(InputType input) {
        return input instanceof InputType.InputTypeRecurrent recurrent
                ? recurrent.getSize()
                : input.arrayElementsPerExample();
    }
}
