/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.layers;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.api.TrainingConfig;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.BaseGraphVertex;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runtime half of {@link io.latent4j.istar.IStarVertex}.
 *
 * <p>A graph sums the penalties of its layers only, and takes the list of its layers while it is initialised. So this
 * vertex says that it has a layer, the one that holds penalty and Σ_S, while the list is taken and at no other time:
 * DL4J casts each vertex that has a layer to its own LayerVertex in summaries and transfer learning.
 */
@SuppressWarnings({"serial", "overrides"
}) // DL4J declares layers serializable but writes their configuration and parameters
final class IStarVertex extends BaseGraphVertex {
    private final IStarLayer layer;
    private INDArray @Nullable [] masks;

    IStarVertex(ComputationGraph graph, String name, int vertexIndex, IStarLayer layer, DataType dataType) {
        super(graph, name, vertexIndex, null, null, dataType);
        this.layer = layer;
    }

    @Override
    public boolean hasLayer() {
        return graph.getLayers() == null;
    }

    @Override
    public Layer getLayer() {
        return layer;
    }

    @Override
    public INDArray doForward(boolean training, LayerWorkspaceMgr workspaceMgr) {
        if (!canDoForward()) {
            throw new IllegalStateException("Cannot do forward pass: inputs of vertex \"" + vertexName + "\" not set");
        }
        // Without masks a graph does not tell its vertices, so the last minibatch's masks are still here
        boolean unmasked = masks == null || graph.getInputMaskArrays() == null;
        List<@Nullable INDArray> inputMasks =
                unmasked ? Collections.nCopies(inputs.length, null) : Arrays.asList(masks);
        layer.penalise(List.of(inputs), inputMasks, training, workspaceMgr);
        return layer.passOn(inputs[inputs.length - 1], training, workspaceMgr);
    }

    @Override
    public Pair<Gradient, INDArray[]> doBackward(boolean tbptt, LayerWorkspaceMgr workspaceMgr) {
        if (!canDoBackward()) {
            throw new IllegalStateException(
                    "Cannot do backward pass: inputs or epsilon of vertex \"" + vertexName + "\" not set");
        }
        List<INDArray> epsilons = new ArrayList<>(inputs.length);
        for (int i = 0; i < inputs.length - 1; i++) {
            epsilons.add(workspaceMgr.create(
                    ArrayType.ACTIVATION_GRAD,
                    epsilon.dataType(),
                    inputs[i].shape(),
                    PenaltyLayer.ordering(inputs[i])));
        }
        epsilons.add(workspaceMgr.dup(ArrayType.ACTIVATION_GRAD, epsilon, PenaltyLayer.ordering(epsilon)));
        layer.addPenaltyGradient(graph.batchSize(), epsilons, workspaceMgr);
        return new Pair<>(layer.parameterGradient(), epsilons.toArray(new INDArray[0]));
    }

    @Override
    public Pair<INDArray, MaskState> feedForwardMaskArrays(
            INDArray[] maskArrays, MaskState currentMaskState, int minibatchSize) {
        masks = maskArrays == null ? null : maskArrays.clone();
        return new Pair<>(maskArrays == null ? null : maskArrays[maskArrays.length - 1], currentMaskState);
    }

    @Override
    public Map<String, INDArray> paramTable(boolean backpropOnly) {
        return layer.paramTable(backpropOnly);
    }

    @Override
    public TrainingConfig getConfig() {
        return layer.getConfig();
    }

    @Override
    public INDArray params() {
        return layer.params();
    }

    @Override
    public INDArray getGradientsViewArray() {
        return layer.getGradientsViewArray();
    }

    @Override
    public void setBackpropGradientsViewArray(INDArray backpropGradientsViewArray) {
        layer.setBackpropGradientsViewArray(backpropGradientsViewArray);
    }

    @Override
    public String toString() {
        return "IStarVertex(id=" + vertexIndex + ",name=\"" + vertexName + "\",inputs=" + Arrays.toString(inputVertices)
                + ")";
    }
}
