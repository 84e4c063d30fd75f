/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.layers;

import io.latent4j.cosup.Pooling;
import java.util.Arrays;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.util.MaskedReductionUtil;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Runtime half of {@link io.latent4j.cosup.SequencePoolingVertex}. The maximum is DL4J's masked reduction; mean and last
 * token are sums over time steps weighted per sequence.
 */
@SuppressWarnings("serial") // DL4J declares vertices serializable but writes their configuration
final class SequencePoolingVertex extends ParameterlessVertex {
    private final Pooling pooling;
    private final RNNFormat format;
    private @Nullable INDArray mask;
    /** Of the last forward pass. */
    private double[][] weights = {};

    SequencePoolingVertex(
            ComputationGraph graph, String name, int index, Pooling pooling, RNNFormat format, DataType dataType) {
        super(graph, name, index, dataType);
        this.pooling = pooling;
        this.format = format;
    }

    /** The states as {@code [M, d, S]}, a view. */
    private INDArray featuresFirst(INDArray states) {
        return format == RNNFormat.NWC ? states.permute(0, 2, 1) : states;
    }

    @Override
    public INDArray doForward(boolean training, LayerWorkspaceMgr workspaceMgr) {
        requireInputs();
        if (inputs[0].rank() != 3) {
            throw new IllegalArgumentException("vertex \"" + vertexName + "\" expects states [M, d, S], found shape "
                    + Arrays.toString(inputs[0].shape()));
        }
        INDArray states = featuresFirst(inputs[0]);
        INDArray pooled =
                workspaceMgr.create(ArrayType.ACTIVATIONS, dataType, new long[] {states.size(0), states.size(1)}, 'f');
        try (MemoryWorkspace ws = workspaceMgr.notifyScopeBorrowed(ArrayType.FF_WORKING_MEM)) {
            weights = weights(states);
            if (pooling == Pooling.MAX) {
                return pooled.assign(MaskedReductionUtil.maskedPoolingTimeSeries(
                        PoolingType.MAX, states, Nd4j.createFromArray(weights), 2, dataType));
            }
            for (int step = 0; step < states.size(2); step++) {
                INDArray column = column(step);
                if (column != null) {
                    pooled.addi(step(states, step).mulColumnVector(column));
                }
            }
        }
        return pooled;
    }

    @Override
    public Pair<Gradient, INDArray[]> doBackward(boolean tbptt, LayerWorkspaceMgr workspaceMgr) {
        requireEpsilon();
        INDArray states = featuresFirst(inputs[0]);
        // 'f': recurrent layers read time steps apart
        INDArray next = workspaceMgr.create(ArrayType.ACTIVATION_GRAD, dataType, inputs[0].shape(), 'f');
        INDArray gradient = featuresFirst(next);
        if (pooling == Pooling.MAX) {
            gradient.assign(MaskedReductionUtil.maskedPoolingEpsilonTimeSeries(
                    PoolingType.MAX, states, Nd4j.createFromArray(weights), epsilon, 2));
        } else {
            for (int step = 0; step < states.size(2); step++) {
                INDArray column = column(step);
                if (column != null) {
                    step(gradient, step).assign(epsilon.mulColumnVector(column));
                }
            }
        }
        return new Pair<>(null, new INDArray[] {next});
    }

    private static INDArray step(INDArray states, long step) {
        return states.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(step));
    }

    /** The weights of one step, null where all are 0. */
    private @Nullable INDArray column(int step) {
        double[] column = Arrays.stream(weights).mapToDouble(row -> row[step]).toArray();
        return Arrays.stream(column).allMatch(weight -> weight == 0)
                ? null
                : Nd4j.createFromArray(column).castTo(dataType).reshape(new long[] {column.length, 1});
    }

    /** {@code [M, S]}: 0 for the tokens that do not enter; for sums the weights of the others. */
    private double[][] weights(INDArray states) {
        int sequences = (int) states.size(0);
        int steps = (int) states.size(2);
        // Without masks a graph does not tell its vertices, so the last minibatch's mask is still here
        INDArray current = graph.getInputMaskArrays() == null ? null : mask;
        if (current != null && (current.length() != (long) sequences * steps || current.size(0) != sequences)) {
            throw new IllegalArgumentException("vertex \"" + vertexName + "\" expects a mask of shape [" + sequences
                    + ", " + steps + "], found " + Arrays.toString(current.shape()));
        }
        // Read at once: a matrix of Java comes row by row
        double[] flat = current == null
                ? null
                : current.dup('c').reshape(current.length()).toDoubleVector();
        double[][] found = new double[sequences][steps];
        for (int i = 0; i < sequences; i++) {
            if (flat == null) {
                Arrays.fill(found[i], 1);
            } else {
                System.arraycopy(flat, i * steps, found[i], 0, steps);
            }
            int last = steps - 1;
            while (last >= 0 && found[i][last] == 0) {
                last--;
            }
            if (last < 0) {
                throw new IllegalArgumentException("mask of vertex \"" + vertexName
                        + "\" must keep at least one token of each sequence, found none in sequence " + i);
            }
            if (pooling == Pooling.LAST) {
                found[i] = new double[steps];
                found[i][last] = 1;
            } else {
                double count =
                        Arrays.stream(found[i]).filter(weight -> weight != 0).count();
                double each = pooling == Pooling.MEAN ? 1 / count : 1;
                found[i] = Arrays.stream(found[i])
                        .map(weight -> weight == 0 ? 0 : each)
                        .toArray();
            }
        }
        return found;
    }

    @Override
    public Pair<INDArray, MaskState> feedForwardMaskArrays(
            INDArray @Nullable [] maskArrays, MaskState currentMaskState, int minibatchSize) {
        mask = maskArrays == null ? null : maskArrays[0];
        return new Pair<>(null, currentMaskState);
    }
}
