/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.layers;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.NextSequenceContrast;
import java.util.Arrays;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Runtime half of {@link io.latent4j.cosup.NextTokenOutputLayer}. */
@SuppressWarnings("serial") // DL4J declares layers serializable but writes their configuration and parameters
final class NextTokenOutputLayer extends WeightedOutputLayer<io.latent4j.cosup.NextTokenOutputLayer> {
    NextTokenOutputLayer(NeuralNetConfiguration conf, DataType dataType) {
        super(conf, dataType);
    }

    @Override
    Targets targets() {
        INDArray tokens = labels.rank() == 3 && isNwc() ? labels.permute(0, 2, 1) : labels;
        if (tokens.size(0) != input.size(0) || tokens.length() != input.size(0) * steps()) {
            throw new IllegalArgumentException("labels must be token ids of shape [" + input.size(0) + ", "
                    + (isNwc() ? steps() + ", 1" : "1, " + steps()) + "], found "
                    + Arrays.toString(labels.shape()) + " " + layerId());
        }
        return Targets.read(tokens, maskArray, steps(), layerConf().getNOut(), "token ids");
    }

    @Override
    NextSequenceContrast.Result losses(Targets targets, boolean training, LayerWorkspaceMgr workspaceMgr) {
        return NextSequenceContrast.of(
                targets.of(states()), vocabulary(training, workspaceMgr), targets.pairing(), Contrast.PAPER);
    }

    @Override
    NextSequenceContrast.Result train(
            Targets targets, double factor, INDArray epsilon, LayerWorkspaceMgr workspaceMgr) {
        INDArray vocabulary = vocabulary(true, workspaceMgr);
        INDArray view = gradientViews.get(DefaultParamInitializer.WEIGHT_KEY).transpose();
        boolean direct = view.dataType() == DataType.FLOAT || view.dataType() == DataType.DOUBLE;
        INDArray states = states();
        NextSequenceContrast.Result result = NextSequenceContrast.withGradients(
                targets.of(states), vocabulary, targets.pairing(), Contrast.PAPER, factor, direct ? view : null);
        if (!direct) {
            view.assign(result.keys());
        }
        INDArray gradient = result.queries();
        if (targets.rows().length < states.size(0)) {
            INDArray all = Nd4j.create(gradient.dataType(), states.shape(), 'c');
            targets.spread(gradient, all);
            gradient = all;
        }
        epsilon.assign(timeSeries(gradient));
        return result;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(false);
        applyDropOutIfNecessary(training, workspaceMgr);
        INDArray vocabulary = vocabulary(training, workspaceMgr);
        INDArray states;
        try (MemoryWorkspace ws = workspaceMgr.notifyScopeBorrowed(ArrayType.FF_WORKING_MEM)) {
            states = states();
        }
        INDArray output = workspaceMgr.createUninitialized(
                ArrayType.ACTIVATIONS, dataType, new long[] {states.size(0), vocabulary.size(0)}, 'c');
        Nd4j.gemm(states, vocabulary, output, false, true, 1, 0);
        return timeSeries(layerConf().getActivationFn().getActivation(output, training));
    }

    @Override
    protected INDArray preOutput2d(boolean training, LayerWorkspaceMgr workspaceMgr) {
        return Nd4j.gemm(states(), vocabulary(training, workspaceMgr), false, true);
    }

    /** The output matrix with a row per token, {@code [V, d]}. */
    private INDArray vocabulary(boolean training, LayerWorkspaceMgr workspaceMgr) {
        return getParamWithNoise(DefaultParamInitializer.WEIGHT_KEY, training, workspaceMgr)
                .transpose();
    }

    /** The input as rows, {@code [N·T, d]}. */
    private INDArray states() {
        long features = layerConf().getNIn();
        if (input.rank() != 3 || input.size(isNwc() ? 2 : 1) != features) {
            throw new IllegalArgumentException("input must have shape "
                    + (isNwc() ? "[N, T, " + features + "]" : "[N, " + features + ", T]") + ", found "
                    + Arrays.toString(input.shape()) + " " + layerId());
        }
        return TimeSteps.rows(input, layerConf().getDataFormat());
    }

    /** Rows as time steps. */
    private INDArray timeSeries(INDArray rows) {
        INDArray featuresLast = rows.reshape('c', input.size(0), steps(), rows.size(1));
        return isNwc() ? featuresLast : featuresLast.permute(0, 2, 1);
    }

    private boolean isNwc() {
        return layerConf().getDataFormat() == RNNFormat.NWC;
    }

    private long steps() {
        return input.size(isNwc() ? 1 : 2);
    }

    @Override
    public @Nullable Pair<INDArray, MaskState> feedForwardMaskArray(
            @Nullable INDArray maskArray, @Nullable MaskState currentMaskState, int minibatchSize) {
        // As in RnnOutputLayer: only the labels' mask counts, and nothing follows this layer
        return null;
    }

    @Override
    public Type type() {
        return Type.RECURRENT;
    }
}
