/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.layers;

import io.latent4j.istar.ActivationPenalty;
import io.latent4j.istar.PenaltyLayerConfiguration;
import io.latent4j.istar.Points;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.AbstractLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A layer that passes its input on and adds a penalty R on it to the loss.
 *
 * <p>Scaling: DL4J's losses are sums over examples, divided by the minibatch size N in the score and, by the updater, in
 * the gradients. R belongs to the minibatch as a whole, so it enters the score as it is and the epsilons as N·dR/dx
 * (unless the network was built with {@code miniBatch(false)}, which divides no gradient).
 *
 * @param <C> the configuration
 */
@SuppressWarnings("serial") // DL4J declares layers serializable but writes their configuration and parameters
abstract class PenaltyLayer<C extends PenaltyLayerConfiguration> extends AbstractLayer<C> implements ActivationPenalty {
    private static final Logger log = LoggerFactory.getLogger(PenaltyLayer.class);

    private int minibatchSize;
    private double measure = Double.NaN;
    private double penalty;
    private long skipped;

    PenaltyLayer(NeuralNetConfiguration conf, DataType dataType) {
        super(conf, dataType);
    }

    /**
     * Evaluates the measure and keeps what its gradient needs.
     *
     * @return the measure, or NaN where it is undefined
     */
    abstract double evaluate(List<Points> points);

    /** R as a function of a defined measure. */
    abstract double penaltyOf(double measure);

    /** Adds {@code factor·dR/dx} for the points of the last evaluation. */
    abstract void addPenaltyGradient(double factor, List<INDArray> epsilons);

    /** Forgets what the gradient needed. */
    abstract void forget();

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(false);
        // Recurrent layers pass masks on as inactive, since later layers need not apply them; padding it is all the
        // same
        penalise(List.of(input), Collections.singletonList(maskArray), training, workspaceMgr);
        return passOn(input, training, workspaceMgr);
    }

    /** The activations, a copy where the gradient needs them: dropout in the following layer changes its input in place. */
    INDArray passOn(INDArray activations, boolean training, LayerWorkspaceMgr workspaceMgr) {
        return training && layerConf().getLambda() != 0
                ? workspaceMgr.dup(ArrayType.ACTIVATIONS, activations, activations.ordering())
                : workspaceMgr.leverageTo(ArrayType.ACTIVATIONS, activations);
    }

    /** Takes the penalty on the union of some activations, if this pass wants one. */
    void penalise(
            List<INDArray> activations,
            List<@Nullable INDArray> masks,
            boolean training,
            LayerWorkspaceMgr workspaceMgr) {
        if (layerConf().getLambda() == 0 || !(training || ScoringPass.isActive())) {
            return;
        }
        // What the gradient needs must live as long as the activations do
        try (MemoryWorkspace ws = workspaceMgr.notifyScopeBorrowed(ArrayType.ACTIVATIONS)) {
            measure = evaluate(points(activations, masks));
        }
        if (Double.isNaN(measure)) {
            penalty = 0;
            if (skipped++ == 0) {
                log.warn(
                        "{}: no penalty for a minibatch with fewer than two different unmasked points; "
                                + "further ones are counted silently",
                        name());
            }
        } else {
            penalty = penaltyOf(measure);
        }
    }

    /** The activations as points, without the masked ones if the configuration says so. */
    List<Points> points(List<INDArray> activations, List<@Nullable INDArray> masks) {
        List<Points> points = new ArrayList<>(activations.size());
        for (int i = 0; i < activations.size(); i++) {
            INDArray mask = layerConf().isMaskPadding() ? masks.get(i) : null;
            points.add(points(activations.get(i), mask));
        }
        return points;
    }

    private Points points(INDArray activations, @Nullable INDArray mask) {
        if (activations.rank() == 3) {
            boolean featuresLast = layerConf().getDataFormat() == RNNFormat.NWC;
            long steps = activations.size(featuresLast ? 1 : 2);
            boolean perExample = mask != null && mask.length() == activations.size(0) && steps > 1;
            INDArray perStep = perExample ? mask.reshape(mask.length(), 1).broadcast(mask.length(), steps) : mask;
            return Points.timeSteps(activations, featuresLast, perStep);
        }
        if (activations.rank() == 2) {
            return Points.rows(activations, mask);
        }
        throw new IllegalStateException(
                name() + " expects activations of rank 2 or 3, found shape " + Arrays.toString(activations.shape()));
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(true);
        INDArray epsilonNext = workspaceMgr.dup(ArrayType.ACTIVATION_GRAD, epsilon, ordering(epsilon));
        addPenaltyGradient(getInputMiniBatchSize(), List.of(epsilonNext), workspaceMgr);
        return new Pair<>(parameterGradient(), epsilonNext);
    }

    /** Time steps apart, as recurrent layers read them; rows together, as the kernel writes them. */
    static char ordering(INDArray epsilon) {
        return epsilon.rank() == 2 ? 'c' : 'f';
    }

    /** Adds the penalty's share to the epsilons of its inputs. */
    void addPenaltyGradient(int examples, List<INDArray> epsilons, LayerWorkspaceMgr workspaceMgr) {
        if (layerConf().getLambda() == 0 || Double.isNaN(measure)) {
            return;
        }
        try (MemoryWorkspace ws = workspaceMgr.notifyScopeBorrowed(ArrayType.BP_WORKING_MEM)) {
            addPenaltyGradient(conf.isMiniBatch() ? examples : 1, epsilons);
        }
        forget();
    }

    /** Gradients of the layer's own parameters: none are trained. */
    Gradient parameterGradient() {
        return new DefaultGradient();
    }

    @Override
    public double calcRegularizationScore(boolean backpropParamsOnly) {
        return penalty;
    }

    @Override
    public String name() {
        String name = layerConf().getLayerName();
        return name == null ? "[" + index + "]" : name;
    }

    @Override
    public double measure() {
        return measure;
    }

    @Override
    public double penalty() {
        return penalty;
    }

    @Override
    public long skippedMinibatches() {
        return skipped;
    }

    @Override
    public void setInputMiniBatchSize(int size) {
        minibatchSize = size;
    }

    @Override
    public int getInputMiniBatchSize() {
        // MultiLayerNetwork sets it before each pass, ComputationGraph never does
        return minibatchSize > 0 ? minibatchSize : super.getInputMiniBatchSize();
    }

    @Override
    public boolean isPretrainLayer() {
        return false;
    }

    @Override
    public void clearNoiseWeightParams() {
        // No weights, no noise
    }

    @Override
    public Gradient gradient() {
        return parameterGradient();
    }

    @Override
    public void clear() {
        super.clear();
        forget();
    }
}
