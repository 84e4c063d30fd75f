/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.recurrent.RnnOutputLayer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.util.TimeSeriesUtils;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.custom.SoftMax;
import org.nd4j.linalg.factory.Nd4j;

/** Runtime half of {@link NextTokenOutput}; FLOAT. */
final class NextTokenRuntime extends RnnOutputLayer {
    private static final long serialVersionUID = 1L;

    /** Σ loss of the batch that the last gradients came from; NaN when there is none or it has been told. */
    private double batchLoss = Double.NaN;

    NextTokenRuntime(NeuralNetConfiguration conf, DataType type) {
        super(conf, type);
        if (type != DataType.FLOAT) {
            throw new IllegalArgumentException("data type: expected FLOAT, found " + type);
        }
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray states = states(workspaces, ArrayType.BP_WORKING_MEM);
        INDArray weights = getParam(DefaultParamInitializer.WEIGHT_KEY);
        INDArray delta = logits(states, workspaces, ArrayType.BP_WORKING_MEM);
        batchLoss = lossAndGradient(delta, targets());

        INDArray weightGradient = gradientViews.get(DefaultParamInitializer.WEIGHT_KEY);
        // Transposed views with flags: operands of one memory order are multiplied without copies
        Nd4j.gemm(states, delta.transpose(), weightGradient, true, true, 1, 0);
        Gradient gradient = new DefaultGradient();
        gradient.setGradientFor(DefaultParamInitializer.WEIGHT_KEY, weightGradient);
        INDArray below = workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, DataType.FLOAT, states.shape(), 'f');
        Nd4j.gemm(delta.transpose(), weights, below, true, true, 1, 0);
        return new Pair<>(
                gradient, TimeSeriesUtils.reshape2dTo3d(below, input.size(0), workspaces, ArrayType.ACTIVATION_GRAD));
    }

    @Override
    public double computeScore(double regularization, boolean training, LayerWorkspaceMgr workspaces) {
        double loss = batchLoss;
        batchLoss = Double.NaN;
        if (Double.isNaN(loss) || !training) {
            INDArray states = states(workspaces, ArrayType.FF_WORKING_MEM);
            loss = lossAndGradient(logits(states, workspaces, ArrayType.FF_WORKING_MEM), targets());
        }
        score = loss / (conf().isMiniBatch() ? getInputMiniBatchSize() : 1) + regularization;
        return score;
    }

    private INDArray states(LayerWorkspaceMgr workspaces, ArrayType memory) {
        INDArray states = TimeSeriesUtils.reshape3dTo2d(input, workspaces, memory);
        return states.ordering() == 'f' && !states.isView() ? states : workspaces.dup(memory, states, 'f');
    }

    private INDArray logits(INDArray states, LayerWorkspaceMgr workspaces, ArrayType memory) {
        INDArray weights = getParam(DefaultParamInitializer.WEIGHT_KEY);
        INDArray logits = workspaces.createUninitialized(
                memory, DataType.FLOAT, new long[] {states.size(0), weights.size(1)}, 'c');
        return Nd4j.gemm(states, weights, logits, false, false, 1, 0);
    }

    private int[] targets() {
        if (maskArray != null) {
            throw new IllegalStateException(
                    "labels mask: expected none, found shape " + Arrays.toString(maskArray.shape()));
        }
        if (labels == null || labels.rank() != 3 || labels.size(1) != 1 || labels.size(2) != input.size(2)) {
            throw new IllegalStateException("labels: expected token ids [" + input.size(0) + ", 1, " + input.size(2)
                    + "], found " + (labels == null ? "none" : Arrays.toString(labels.shape())));
        }
        return TimeSeriesUtils.reshape3dTo2d(labels)
                .castTo(DataType.INT32)
                .dup('c')
                .data()
                .asInt();
    }

    /**
     * Σ −ln softmax(z) of the target, over rows z of the logits; puts the gradient, softmax(z) − one-hot, in place of z.
     *
     * @param logits [rows, V], 'c' order
     */
    static double lossAndGradient(INDArray logits, int[] targets) {
        int rows = targets.length;
        int columns = Math.toIntExact(logits.size(1));
        for (int target : targets) {
            if (target < 0 || target >= columns) {
                throw new IllegalArgumentException(
                        "labels: expected token ids in 0.." + (columns - 1) + ", found " + target);
            }
        }
        Nd4j.exec(new SoftMax(logits, logits, 1));
        FloatBuffer probabilities = logits.data().asNioFloat();
        double loss = 0;
        for (int i = 0; i < rows; i++) {
            int gold = i * columns + targets[i];
            loss -= Math.log(Math.max(probabilities.get(gold), Float.MIN_NORMAL));
            probabilities.put(gold, probabilities.get(gold) - 1);
        }
        return loss;
    }
}
