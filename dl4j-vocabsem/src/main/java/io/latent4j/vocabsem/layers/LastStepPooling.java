/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.layers;

import java.util.Arrays;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.AbstractLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runtime half of {@link io.latent4j.vocabsem.LastStepPooling}. */
@SuppressWarnings("serial") // DL4J declares layers serializable but writes their configuration and parameters
final class LastStepPooling extends AbstractLayer<io.latent4j.vocabsem.LastStepPooling> {

    LastStepPooling(NeuralNetConfiguration conf, DataType dataType) {
        super(conf, dataType);
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(false);
        if (input.rank() != 3) {
            throw new DL4JInvalidInputException("Input must be a time series of rank 3, found shape "
                    + Arrays.toString(input.shape()) + " " + layerId());
        }
        applyDropOutIfNecessary(training, workspaceMgr);
        INDArray steps = TimeSteps.featuresLast(input, layerConf().getDataFormat());
        INDArray out = workspaceMgr.createUninitialized(
                ArrayType.ACTIVATIONS, input.dataType(), new long[] {steps.size(0), steps.size(2)}, 'c');
        int[] last = TimeSteps.last(maskArray, steps.size(0), steps.size(1));
        for (int i = 0; i < last.length; i++) {
            out.putRow(i, TimeSteps.step(steps, i, last[i]));
        }
        return out;
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(true);
        INDArray epsilonNext = workspaceMgr.create(ArrayType.ACTIVATION_GRAD, epsilon.dataType(), input.shape(), 'f');
        INDArray steps = TimeSteps.featuresLast(epsilonNext, layerConf().getDataFormat());
        int[] last = TimeSteps.last(maskArray, steps.size(0), steps.size(1));
        for (int i = 0; i < last.length; i++) {
            TimeSteps.step(steps, i, last[i]).assign(epsilon.getRow(i));
        }
        return new Pair<>(new DefaultGradient(), backpropDropOutIfPresent(epsilonNext));
    }

    @Override
    public Pair<INDArray, MaskState> feedForwardMaskArray(
            INDArray maskArray, MaskState currentMaskState, int minibatchSize) {
        setMaskArray(maskArray);
        return new Pair<>(null, currentMaskState);
    }

    @Override
    public boolean isPretrainLayer() {
        return false;
    }

    @Override
    public void clearNoiseWeightParams() {
        // No weights, no noise
    }
}
