/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.layers;

import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.KeyMemory;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Runtime half of {@link io.latent4j.cosup.NextSequenceVertex}. */
@SuppressWarnings("serial") // DL4J declares vertices serializable but writes their configuration
final class NextSequenceVertex extends ParameterlessVertex implements CoSupervision.Remembering {
    private final KeyMemory memory;

    NextSequenceVertex(ComputationGraph graph, String name, int index, KeyMemory memory, DataType dataType) {
        super(graph, name, index, dataType);
        this.memory = memory;
    }

    @Override
    public KeyMemory memory() {
        return memory;
    }

    @Override
    public INDArray doForward(boolean training, LayerWorkspaceMgr workspaceMgr) {
        requireInputs();
        INDArray states = inputs[0];
        INDArray keys = inputs[1];
        if (states.rank() != 2 && states.rank() != 3 || keys.rank() != 2 || keys.size(1) != states.size(1)) {
            throw new IllegalArgumentException("vertex \"" + vertexName
                    + "\" expects states [N, d, T] or [N, d] and keys [M, d], found shapes "
                    + Arrays.toString(states.shape()) + " and " + Arrays.toString(keys.shape()));
        }
        long d = keys.size(1);
        long count = stateRows();
        long own = count + keys.size(0);
        INDArray rows =
                workspaceMgr.create(ArrayType.ACTIVATIONS, dataType, new long[] {own + memory.capacity(), d}, 'c');
        states(rows).assign(featuresLast(states));
        part(rows, count, own).assign(keys);
        if (training && memory.size() > 0) {
            memory.copyTo(part(rows, own, rows.size(0)), ids() == null ? Set.of() : known(ids()));
        }
        return rows;
    }

    @Override
    public Pair<Gradient, INDArray[]> doBackward(boolean tbptt, LayerWorkspaceMgr workspaceMgr) {
        requireEpsilon();
        INDArray[] epsilons = new INDArray[inputs.length];
        // 'f': recurrent layers read time steps apart
        epsilons[0] = workspaceMgr.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, inputs[0].shape(), 'f');
        featuresLast(epsilons[0]).assign(states(epsilon));
        long count = stateRows();
        epsilons[1] = workspaceMgr.dup(ArrayType.ACTIVATION_GRAD, part(epsilon, count, count + inputs[1].size(0)), 'f');
        memory.add(inputs[1], ids());
        return new Pair<>(null, epsilons);
    }

    private long stateRows() {
        return inputs[0].rank() == 3 ? inputs[0].size(0) * inputs[0].size(2) : inputs[0].size(0);
    }

    private static INDArray featuresLast(INDArray states) {
        return states.rank() == 3 ? TimeSteps.featuresLast(states, RNNFormat.NCW) : states;
    }

    /** The rows of states, in the shape of the states with the features last; a view of row-major rows. */
    private INDArray states(INDArray rows) {
        INDArray part = part(rows, 0, stateRows());
        return inputs[0].rank() == 3 ? part.reshape('c', inputs[0].size(0), inputs[0].size(2), rows.size(1)) : part;
    }

    private static INDArray part(INDArray rows, long from, long to) {
        return rows.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
    }

    /** What sequence each key is of, or null. */
    private long @Nullable [] ids() {
        if (inputs.length < 3) {
            return null;
        }
        if (inputs[2].length() != inputs[1].size(0)) {
            throw new IllegalArgumentException("vertex \"" + vertexName + "\" expects ids of shape ["
                    + inputs[1].size(0) + ", 1], found " + Arrays.toString(inputs[2].shape()));
        }
        return inputs[2].castTo(DataType.INT64).reshape(inputs[2].length()).toLongVector();
    }

    private static Set<Long> known(long[] ids) {
        return LongStream.of(ids).filter(id -> id >= 0).boxed().collect(Collectors.toSet());
    }

    @Override
    public Pair<INDArray, MaskState> feedForwardMaskArrays(
            INDArray[] maskArrays, MaskState currentMaskState, int minibatchSize) {
        return new Pair<>(null, currentMaskState);
    }
}
