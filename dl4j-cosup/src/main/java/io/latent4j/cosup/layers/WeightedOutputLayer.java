/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.layers;

import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.NextSequenceContrast;
import java.util.Map;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.BaseOutputLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What the runtime halves of the two heads share: the loss is a mean over the positions with targets, times a weight.
 *
 * <p>DL4J divides gradients by the minibatch's size N (where it is told to), so those of a mean are handed on N-fold. It
 * asks for the gradient and then for the score of the same minibatch; one pass finds both, so the score is kept.
 *
 * @param <C> the configuration
 */
@SuppressWarnings("serial") // DL4J declares layers serializable but writes their configuration and parameters
abstract class WeightedOutputLayer<C extends io.latent4j.cosup.WeightedOutputLayer> extends BaseOutputLayer<C>
        implements CoSupervision.Head {
    /** Loss that the last gradient pass found, until the input changes. */
    private double lossOfGradientPass = Double.NaN;

    private double lastLoss = Double.NaN;
    private double lastWeight = Double.NaN;

    WeightedOutputLayer(NeuralNetConfiguration conf, DataType dataType) {
        super(conf, dataType);
    }

    /** The positions with targets. */
    abstract Targets targets();

    /** Losses of at least one target. */
    abstract NextSequenceContrast.Result losses(Targets targets, boolean training, LayerWorkspaceMgr workspaceMgr);

    /**
     * Losses of at least one target and the gradients of their mean, times a factor.
     *
     * @param epsilon zeros of the input's shape; takes the input's gradient
     */
    abstract NextSequenceContrast.Result train(
            Targets targets, double factor, INDArray epsilon, LayerWorkspaceMgr workspaceMgr);

    @Override
    public Pair<Gradient, INDArray> backpropGradient(@Nullable INDArray epsilon, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(true);
        requireLabels();
        Gradient gradients = new DefaultGradient();
        Map<String, INDArray> views = gradientViews;
        if (views != null) {
            views.forEach(gradients::setGradientFor);
        }
        // 'f': recurrent layers read time steps apart
        INDArray epsilonNext = workspaceMgr.create(ArrayType.ACTIVATION_GRAD, dataType, input.shape(), 'f');
        applyDropOutIfNecessary(true, workspaceMgr);
        try (MemoryWorkspace ws = workspaceMgr.notifyScopeBorrowed(ArrayType.BP_WORKING_MEM)) {
            Targets targets = targets();
            double weight = weight();
            if (targets.none() || weight == 0) {
                // The score finds the loss
                if (views != null) {
                    views.values().forEach(view -> view.assign(0));
                }
            } else {
                double factor = conf().isMiniBatch() ? weight * labels.size(0) : weight;
                lossOfGradientPass =
                        train(targets, factor, epsilonNext, workspaceMgr).loss();
            }
        }
        return new Pair<>(gradients, backpropDropOutIfPresent(epsilonNext));
    }

    @Override
    public double computeScore(double fullNetRegTerm, boolean training, LayerWorkspaceMgr workspaceMgr) {
        double loss = lossOfGradientPass;
        if (!training || Double.isNaN(loss)) {
            assertInputSet(false);
            requireLabels();
            applyDropOutIfNecessary(training, workspaceMgr);
            try (MemoryWorkspace ws = workspaceMgr.notifyScopeBorrowed(ArrayType.FF_WORKING_MEM)) {
                Targets targets = targets();
                loss = targets.none()
                        ? 0
                        : losses(targets, training, workspaceMgr).loss();
            }
        }
        lossOfGradientPass = Double.NaN;
        lastLoss = loss;
        lastWeight = weight();
        score = lastWeight * loss + fullNetRegTerm;
        return score;
    }

    /** Each example's share: the shares' mean is the score. */
    @Override
    public INDArray computeScoreForExamples(double fullNetRegTerm, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(false);
        requireLabels();
        Targets targets = targets();
        long examples = labels.size(0);
        INDArray shares;
        if (targets.none()) {
            shares = Nd4j.zeros(dataType, examples, 1);
        } else {
            INDArray losses = losses(targets, false, workspaceMgr).losses();
            shares = targets.perExample(losses, examples, dataType).muli(weight() * examples / losses.length());
        }
        return workspaceMgr.leverageTo(ArrayType.ACTIVATIONS, shares.addi(fullNetRegTerm));
    }

    private double weight() {
        return layerConf().lossWeightAt(getIterationCount(), getEpochCount());
    }

    @Override
    public double lastLoss() {
        return lastLoss;
    }

    @Override
    public double lastWeight() {
        return lastWeight;
    }

    private void requireLabels() {
        if (labels == null) {
            throw new IllegalStateException("labels have not been set " + layerId());
        }
    }

    @Override
    protected INDArray getLabels2d(LayerWorkspaceMgr workspaceMgr, ArrayType arrayType) {
        throw new UnsupportedOperationException("labels of this layer are no matrix " + layerId());
    }

    @Override
    public void setInput(INDArray input, LayerWorkspaceMgr workspaceMgr) {
        super.setInput(input, workspaceMgr);
        lossOfGradientPass = Double.NaN;
    }

    @Override
    public void setLabels(INDArray labels) {
        if (labels != this.labels) {
            lossOfGradientPass = Double.NaN;
        }
        super.setLabels(labels);
    }

    @Override
    public void setMaskArray(@Nullable INDArray maskArray) {
        // A graph sets the same mask again between gradient and score
        if (maskArray != this.maskArray) {
            lossOfGradientPass = Double.NaN;
        }
        super.setMaskArray(maskArray);
    }

    @Override
    public void clear() {
        super.clear();
        lossOfGradientPass = Double.NaN;
    }
}
