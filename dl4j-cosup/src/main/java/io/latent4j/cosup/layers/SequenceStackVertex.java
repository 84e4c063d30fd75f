/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.layers;

import java.util.Arrays;
import java.util.Objects;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Runtime half of {@link io.latent4j.cosup.SequenceStackVertex}. */
@SuppressWarnings("serial") // DL4J declares vertices serializable but writes their configuration
final class SequenceStackVertex extends ParameterlessVertex {
    SequenceStackVertex(ComputationGraph graph, String name, int index, DataType dataType) {
        super(graph, name, index, dataType);
    }

    /** Number of time steps of token ids or activations. */
    static long steps(INDArray sequences) {
        return sequences.size(-1);
    }

    /** The place of a batch in a stack, a view. */
    static INDArray part(INDArray stacked, long from, INDArray batch) {
        INDArrayIndex examples = NDArrayIndex.interval(from, from + batch.size(0));
        INDArrayIndex time = NDArrayIndex.interval(0, steps(batch));
        return stacked.rank() == 2 ? stacked.get(examples, time) : stacked.get(examples, NDArrayIndex.all(), time);
    }

    /** Shape of the stack of some batches. */
    private long[] stackedShape() {
        long[] shape = inputs[0].shape().clone();
        int last = shape.length - 1;
        for (int i = 1; i < inputs.length; i++) {
            INDArray input = inputs[i];
            if (input.rank() != shape.length || shape.length == 3 && input.size(1) != shape[1]) {
                throw new IllegalArgumentException("vertex \"" + vertexName
                        + "\" expects inputs of one rank and width, found shapes " + Arrays.toString(inputs[0].shape())
                        + " and " + Arrays.toString(input.shape()));
            }
            shape[0] += input.size(0);
            shape[last] = Math.max(shape[last], steps(input));
        }
        return shape;
    }

    @Override
    public INDArray doForward(boolean training, LayerWorkspaceMgr workspaceMgr) {
        requireInputs();
        INDArray stacked = workspaceMgr.create(ArrayType.ACTIVATIONS, inputs[0].dataType(), stackedShape(), 'c');
        long from = 0;
        for (INDArray input : inputs) {
            part(stacked, from, input).assign(input);
            from += input.size(0);
        }
        return stacked;
    }

    @Override
    public Pair<Gradient, INDArray[]> doBackward(boolean tbptt, LayerWorkspaceMgr workspaceMgr) {
        INDArray[] epsilons = new INDArray[inputs.length];
        // Embedding layers have no gradient for token ids
        if (epsilon != null) {
            long from = 0;
            for (int i = 0; i < inputs.length; i++) {
                epsilons[i] = workspaceMgr.dup(ArrayType.ACTIVATION_GRAD, part(epsilon, from, inputs[i]), 'f');
                from += inputs[i].size(0);
            }
        }
        return new Pair<>(null, epsilons);
    }

    @Override
    public Pair<INDArray, MaskState> feedForwardMaskArrays(
            INDArray @Nullable [] maskArrays, MaskState currentMaskState, int minibatchSize) {
        if (maskArrays == null || Arrays.stream(maskArrays).allMatch(Objects::isNull)) {
            return new Pair<>(null, currentMaskState);
        }
        // Inputs are not there yet when a graph hands on masks
        if (Arrays.stream(maskArrays).anyMatch(Objects::isNull)) {
            throw new IllegalArgumentException("vertex \"" + vertexName
                    + "\" expects masks for all of its inputs or for none, found none for some");
        }
        long count = 0;
        long steps = 0;
        for (INDArray mask : maskArrays) {
            count += mask.size(0);
            steps = Math.max(steps, steps(mask));
        }
        INDArray stacked = Nd4j.create(dataType, new long[] {count, steps}, 'c');
        long from = 0;
        for (INDArray mask : maskArrays) {
            part(stacked, from, mask).assign(mask);
            from += mask.size(0);
        }
        return new Pair<>(stacked, MaskState.Active);
    }
}
