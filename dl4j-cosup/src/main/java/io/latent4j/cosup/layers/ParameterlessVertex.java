/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.layers;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.BaseGraphVertex;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A vertex without layer and parameters. */
@SuppressWarnings("serial") // DL4J declares vertices serializable but writes their configuration
abstract class ParameterlessVertex extends BaseGraphVertex {
    ParameterlessVertex(ComputationGraph graph, String name, int index, DataType dataType) {
        super(graph, name, index, null, null, dataType);
    }

    @Override
    public final boolean hasLayer() {
        return false;
    }

    @Override
    public final @Nullable Layer getLayer() {
        return null;
    }

    @Override
    public final void setBackpropGradientsViewArray(@Nullable INDArray gradients) {
        if (gradients != null) {
            throw new IllegalArgumentException("vertex \"" + vertexName + "\" has no parameters, found a view of "
                    + gradients.length() + " gradients");
        }
    }

    final void requireInputs() {
        if (!canDoForward()) {
            throw new IllegalStateException("Cannot do forward pass: inputs of vertex \"" + vertexName + "\" not set");
        }
    }

    final void requireEpsilon() {
        if (!canDoBackward()) {
            throw new IllegalStateException(
                    "Cannot do backward pass: inputs or epsilon of vertex \"" + vertexName + "\" not set");
        }
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + "(id=" + vertexIndex + ",name=\"" + vertexName + "\")";
    }
}
