/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.layers;

import java.util.Arrays;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runtime half of {@link io.latent4j.cosup.SequenceUnstackVertex}. */
@SuppressWarnings("serial") // DL4J declares vertices serializable but writes their configuration
final class SequenceUnstackVertex extends ParameterlessVertex {
    private final int part;

    SequenceUnstackVertex(ComputationGraph graph, String name, int index, int part, DataType dataType) {
        super(graph, name, index, dataType);
        this.part = part;
    }

    /** The batch's place in the stacked states. */
    private INDArray place(INDArray stacked) {
        long from = 0;
        for (int i = 0; i < part; i++) {
            from += inputs[1 + i].size(0);
        }
        return SequenceStackVertex.part(stacked, from, inputs[1 + part]);
    }

    @Override
    public INDArray doForward(boolean training, LayerWorkspaceMgr workspaceMgr) {
        requireInputs();
        long rows = Arrays.stream(inputs, 1, inputs.length)
                .mapToLong(input -> input.size(0))
                .sum();
        if (inputs[0].rank() != 3 || inputs[0].size(0) != rows) {
            throw new IllegalArgumentException("vertex \"" + vertexName + "\" expects stacked states [" + rows
                    + ", n, T], found shape " + Arrays.toString(inputs[0].shape()));
        }
        return workspaceMgr.dup(ArrayType.ACTIVATIONS, place(inputs[0]), 'f');
    }

    @Override
    public Pair<Gradient, INDArray[]> doBackward(boolean tbptt, LayerWorkspaceMgr workspaceMgr) {
        requireEpsilon();
        INDArray[] epsilons = new INDArray[inputs.length];
        // 'f': recurrent layers read time steps apart
        epsilons[0] = workspaceMgr.create(ArrayType.ACTIVATION_GRAD, dataType, inputs[0].shape(), 'f');
        place(epsilons[0]).assign(epsilon);
        return new Pair<>(null, epsilons);
    }

    @Override
    public Pair<INDArray, MaskState> feedForwardMaskArrays(
            INDArray @Nullable [] maskArrays, MaskState currentMaskState, int minibatchSize) {
        if (maskArrays != null && maskArrays.length < part + 2) {
            throw new IllegalArgumentException("vertex \"" + vertexName + "\" of part " + part
                    + " expects the stacked states and the " + (part + 1)
                    + " or more inputs of the stack vertex, found "
                    + maskArrays.length + " inputs");
        }
        INDArray mask = maskArrays == null ? null : maskArrays[1 + part];
        return new Pair<>(mask, mask == null ? currentMaskState : MaskState.Active);
    }
}
