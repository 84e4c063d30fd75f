/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.layers;

import io.latent4j.vocabsem.SemanticCalibration;
import io.latent4j.vocabsem.SemanticCalibration.Evaluation;
import io.latent4j.vocabsem.SemanticCalibration.Weights;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runtime half of {@link io.latent4j.vocabsem.NeuralClustering}. */
@SuppressWarnings("serial") // DL4J declares layers serializable but writes their configuration and parameters
final class NeuralClustering extends BaseLayer<io.latent4j.vocabsem.NeuralClustering> {

    /** Of the last training pass, until its gradient is taken. */
    private @Nullable Evaluation evaluation;

    NeuralClustering(NeuralNetConfiguration conf, DataType dataType) {
        super(conf, dataType);
    }

    /** HALF and BFLOAT16 have no BLAS on the CPU. */
    private DataType computeType() {
        return dataType == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
    }

    private RNNFormat format() {
        return layerConf().getDataFormat();
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(false);
        requireFeatures();
        applyDropOutIfNecessary(training, workspaceMgr);
        INDArray out = workspaceMgr.createUninitialized(
                ArrayType.ACTIVATIONS, dataType, input.shape(), input.rank() == 3 ? 'f' : 'c');
        Map<String, INDArray> parameters = noisy(training, workspaceMgr);
        // What the gradient needs must live as long as the activations do
        ArrayType scope = training ? ArrayType.ACTIVATIONS : ArrayType.FF_WORKING_MEM;
        try (MemoryWorkspace ws = workspaceMgr.notifyScopeBorrowed(scope)) {
            Evaluation forward = evaluate(parameters);
            evaluation = training ? forward : null;
            INDArray mask = TimeSteps.mask(maskArray, input, format(), computeType());
            INDArray rows = mask == null ? forward.output() : forward.output().mulColumnVector(mask);
            // A copy in any case: later layers may change their input in place
            return TimeSteps.put(rows, out, format());
        }
    }

    private Evaluation evaluate(Map<String, INDArray> parameters) {
        return SemanticCalibration.evaluate(
                TimeSteps.rows(input, format(), computeType()),
                weights(key -> parameters.get(key).castTo(computeType())),
                layerConf().calibrationOptions());
    }

    /** Before any workspace is borrowed: weight noise borrows one itself. */
    private Map<String, INDArray> noisy(boolean training, LayerWorkspaceMgr workspaceMgr) {
        Map<String, INDArray> noisy = new HashMap<>();
        for (String key : params.keySet()) {
            noisy.put(key, getParamWithNoise(key, training, workspaceMgr));
        }
        return noisy;
    }

    private Weights weights(Function<String, INDArray> table) {
        boolean affine = layerConf().isLayerNormAffine();
        return new Weights(
                table.apply(CalibrationParamInitializer.DOWN_KEY),
                table.apply(CalibrationParamInitializer.UP_KEY),
                table.apply(CalibrationParamInitializer.HIDDEN_KEY),
                table.apply(CalibrationParamInitializer.OUT_KEY),
                affine ? table.apply(CalibrationParamInitializer.GAIN_KEY) : null,
                affine ? table.apply(CalibrationParamInitializer.BIAS_KEY) : null);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(true);
        // In the order that recurrent layers read
        INDArray epsilonNext = workspaceMgr.createUninitialized(
                ArrayType.ACTIVATION_GRAD, epsilon.dataType(), input.shape(), input.rank() == 3 ? 'f' : 'c');
        Gradient gradient = new DefaultGradient();
        Map<String, INDArray> parameters = noisy(true, workspaceMgr);
        try (MemoryWorkspace ws = workspaceMgr.notifyScopeBorrowed(ArrayType.BP_WORKING_MEM)) {
            Evaluation forward = evaluation == null ? evaluate(parameters) : evaluation;
            INDArray rows = TimeSteps.rows(epsilon, format(), computeType());
            INDArray mask = TimeSteps.mask(maskArray, input, format(), computeType());
            if (mask != null) {
                rows = rows.mulColumnVector(mask);
            }
            Weights gradients = weights(key -> gradientViews.get(key).castTo(computeType()));
            TimeSteps.put(forward.backpropagate(rows, gradients), epsilonNext, format());
            weights(key -> {
                INDArray view = gradientViews.get(key);
                gradient.gradientForVariable().put(key, view);
                return view;
            });
            if (computeType() != dataType) {
                copyBack(gradients);
            }
        }
        evaluation = null;
        weightNoiseParams.clear();
        return new Pair<>(gradient, backpropDropOutIfPresent(epsilonNext));
    }

    private void copyBack(Weights gradients) {
        Weights views = weights(gradientViews::get);
        views.down().assign(gradients.down());
        views.up().assign(gradients.up());
        views.hidden().assign(gradients.hidden());
        views.out().assign(gradients.out());
        if (views.gain() != null && views.bias() != null) {
            views.gain().assign(gradients.gain());
            views.bias().assign(gradients.bias());
        }
    }

    private void requireFeatures() {
        long d = layerConf().getNIn();
        boolean fits = (input.rank() == 2 || input.rank() == 3)
                && TimeSteps.featuresLast(input, format()).size(-1) == d;
        if (!fits) {
            String expected = format() == RNNFormat.NCW ? "[mb, " + d + ", T]" : "[mb, T, " + d + "]";
            throw new DL4JInvalidInputException("Input must have shape [mb, " + d + "] or " + expected + ", found "
                    + Arrays.toString(input.shape()) + " " + layerId());
        }
    }

    @Override
    public boolean isPretrainLayer() {
        return false;
    }

    @Override
    public void clearNoiseWeightParams() {
        weightNoiseParams.clear();
    }

    @Override
    public void clear() {
        super.clear();
        evaluation = null;
    }
}
