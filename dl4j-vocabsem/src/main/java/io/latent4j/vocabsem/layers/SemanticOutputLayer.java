/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.layers;

import io.latent4j.vocabsem.SemanticLogitsConfiguration;
import io.latent4j.vocabsem.Similarity;
import io.latent4j.vocabsem.SparseCrossEntropy;
import io.latent4j.vocabsem.VocabularyLogits;
import java.util.Arrays;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.BaseOutputLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/**
 * What the runtime halves of semantic logits share:
 * time steps become rows, the kernels do the rest.
 *
 * <p>DL4J asks for the gradient and then for the score of the same minibatch. Sparse cross-entropy finds both in one
 * pass, so that score is kept until it is asked for.
 *
 * @param <C> the configuration
 */
@SuppressWarnings("serial") // DL4J declares layers serializable but writes their configuration and parameters
abstract class SemanticOutputLayer<C extends SemanticLogitsConfiguration> extends BaseOutputLayer<C> {
    /** Layout of time series, null where the input is a matrix. */
    private final @Nullable RNNFormat format;

    /** Sum of the losses that the last gradient pass found, until the input changes or it is asked for. */
    private double lossOfGradientPass = Double.NaN;

    private boolean basesSeen;

    SemanticOutputLayer(NeuralNetConfiguration conf, DataType dataType, @Nullable RNNFormat format) {
        super(conf, dataType);
        this.format = format;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaceMgr) {
        INDArray states;
        try (MemoryWorkspace ws = workspaceMgr.notifyScopeBorrowed(ArrayType.FF_WORKING_MEM)) {
            states = states(training, workspaceMgr);
        }
        INDArray bases = bases(training, workspaceMgr);
        INDArray logits = workspaceMgr.createUninitialized(
                ArrayType.ACTIVATIONS, computeType(bases), new long[] {states.size(0), bases.size(0)}, 'c');
        try (MemoryWorkspace ws = workspaceMgr.notifyScopeBorrowed(ArrayType.FF_WORKING_MEM)) {
            VocabularyLogits.of(states, bases, layerConf().getSimilarity(), scale(), logits);
        }
        INDArray output = layerConf().getActivationFn().getActivation(logits, training);
        INDArray mask = rowMask(output.dataType());
        if (mask != null) {
            if (mask.isColumnVector()) {
                output.muliColumnVector(mask);
            } else {
                output.muli(mask);
            }
        }
        if (output.dataType() != dataType) {
            output = workspaceMgr.leverageTo(ArrayType.ACTIVATIONS, output.castTo(dataType));
        }
        return timeSeries(output);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(@Nullable INDArray epsilon, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(true);
        requireLabels();
        INDArray bases = bases(true, workspaceMgr);
        Gradient gradients = new DefaultGradient();
        gradientViews.forEach(gradients::setGradientFor);
        INDArray statesGradient;
        try (MemoryWorkspace ws = workspaceMgr.notifyScopeBorrowed(ArrayType.BP_WORKING_MEM)) {
            INDArray basesGradient = null;
            INDArray basesGradientView = null;
            if (layerConf().isTrainableBases()) {
                basesGradientView = gradientViews
                        .get(SemanticLogitsParamInitializer.BASES_KEY)
                        .transpose();
                basesGradient = basesGradientView.dataType() == computeType(bases)
                        ? basesGradientView
                        : Nd4j.createUninitialized(computeType(bases), basesGradientView.shape(), 'c');
            }
            INDArray states = states(true, workspaceMgr);
            double logScale;
            if (isSparseCrossEntropy()) {
                SparseCrossEntropy.Result result = SparseCrossEntropy.withGradients(
                        states,
                        bases,
                        layerConf().getSimilarity(),
                        scale(),
                        labels,
                        rowMask(computeType(bases)),
                        clip(),
                        basesGradient);
                lossOfGradientPass = result.losses().sumNumber().doubleValue();
                statesGradient = result.states();
                logScale = result.logScale();
            } else {
                INDArray logits = VocabularyLogits.of(states, bases, layerConf().getSimilarity(), scale());
                // Losses may overwrite what they are given
                INDArray lent = layerConf().getSimilarity() == Similarity.EUCLIDEAN ? logits.dup() : logits;
                INDArray delta = layerConf()
                        .getLossFn()
                        .computeGradient(rows(labels), lent, layerConf().getActivationFn(), rowMask(logits.dataType()));
                VocabularyLogits.Gradients result = VocabularyLogits.gradients(
                        states, bases, layerConf().getSimilarity(), scale(), logits, delta, basesGradient);
                statesGradient = result.states();
                logScale = result.logScale();
            }
            if (basesGradient != basesGradientView) {
                basesGradientView.assign(basesGradient);
            }
            if (layerConf().isTrainableScale()) {
                gradientViews.get(SemanticLogitsParamInitializer.LOG_SCALE_KEY).assign(logScale);
            }
        }
        // Time steps apart, as recurrent layers read them
        INDArray epsilonNext =
                workspaceMgr.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, input.shape(), 'f');
        if (format == null) {
            epsilonNext.assign(statesGradient);
        } else {
            TimeSteps.put(statesGradient, epsilonNext, format);
        }
        return new Pair<>(gradients, backpropDropOutIfPresent(epsilonNext));
    }

    @Override
    public double computeScore(double fullNetRegTerm, boolean training, LayerWorkspaceMgr workspaceMgr) {
        double loss = lossOfGradientPass;
        if (!training || Double.isNaN(loss)) {
            assertInputSet(false);
            requireLabels();
            try (MemoryWorkspace ws = workspaceMgr.notifyScopeBorrowed(ArrayType.FF_WORKING_MEM)) {
                if (isSparseCrossEntropy()) {
                    loss = sparseLosses(training, workspaceMgr).sumNumber().doubleValue();
                } else {
                    INDArray logits = preOutput2d(training, workspaceMgr);
                    loss = layerConf()
                            .getLossFn()
                            .computeScore(
                                    rows(labels),
                                    logits,
                                    layerConf().getActivationFn(),
                                    rowMask(logits.dataType()),
                                    false);
                }
            }
        }
        lossOfGradientPass = Double.NaN;
        score = (conf().isMiniBatch() ? loss / getInputMiniBatchSize() : loss) + fullNetRegTerm;
        return score;
    }

    @Override
    public INDArray computeScoreForExamples(double fullNetRegTerm, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(false);
        requireLabels();
        INDArray losses;
        if (isSparseCrossEntropy()) {
            losses = sparseLosses(false, workspaceMgr);
        } else {
            INDArray logits = preOutput2d(false, workspaceMgr);
            losses = layerConf()
                    .getLossFn()
                    .computeScoreArray(rows(labels), logits, layerConf().getActivationFn(), rowMask(logits.dataType()));
        }
        if (format != null) {
            losses = losses.reshape(input.size(0), steps()).sum(true, 1);
        }
        return workspaceMgr.leverageTo(ArrayType.ACTIVATIONS, losses.addi(fullNetRegTerm));
    }

    private INDArray sparseLosses(boolean training, LayerWorkspaceMgr workspaceMgr) {
        INDArray bases = bases(training, workspaceMgr);
        return SparseCrossEntropy.of(
                        states(training, workspaceMgr),
                        bases,
                        layerConf().getSimilarity(),
                        scale(),
                        labels,
                        rowMask(computeType(bases)),
                        clip())
                .losses();
    }

    @Override
    protected INDArray preOutput2d(boolean training, LayerWorkspaceMgr workspaceMgr) {
        return VocabularyLogits.of(
                states(training, workspaceMgr),
                bases(training, workspaceMgr),
                layerConf().getSimilarity(),
                scale());
    }

    @Override
    protected INDArray getLabels2d(LayerWorkspaceMgr workspaceMgr, ArrayType arrayType) {
        return rows(labels);
    }

    /** The input after dropout as rows, [N·T, d]. */
    private INDArray states(boolean training, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(false);
        int rank = format == null ? 2 : 3;
        long features = layerConf().getNIn();
        if (input.rank() != rank || input.size(format == RNNFormat.NWC ? 2 : 1) != features) {
            String expected = format == null
                    ? "[N, " + features + "]"
                    : format == RNNFormat.NWC ? "[N, T, " + features + "]" : "[N, " + features + ", T]";
            throw new IllegalArgumentException("input must have shape " + expected + ", found "
                    + Arrays.toString(input.shape()) + " " + layerId());
        }
        applyDropOutIfNecessary(training, workspaceMgr);
        return rows(input);
    }

    /** Time steps as rows, those of one example together. */
    private INDArray rows(INDArray array) {
        return format == null || array.rank() != 3 ? array : TimeSteps.rows(array, format, array.dataType());
    }

    /** Rows as time steps. */
    private INDArray timeSeries(INDArray rows) {
        if (format == null) {
            return rows;
        }
        INDArray featuresLast = rows.reshape(input.size(0), steps(), rows.size(1));
        return format == RNNFormat.NWC ? featuresLast : featuresLast.permute(0, 2, 1);
    }

    private long steps() {
        return input.size(format == RNNFormat.NWC ? 1 : 2);
    }

    /** The mask with one row per row of states, or null. */
    private @Nullable INDArray rowMask(DataType type) {
        if (maskArray == null) {
            return null;
        }
        if (format == null) {
            return maskArray.castTo(type);
        }
        return maskArray.rank() == 3
                ? TimeSteps.rows(maskArray, format, type)
                : TimeSteps.mask(maskArray, input, format, type);
    }

    private INDArray bases(boolean training, LayerWorkspaceMgr workspaceMgr) {
        INDArray bases = layerConf().isTrainableBases()
                ? getParamWithNoise(SemanticLogitsParamInitializer.BASES_KEY, training, workspaceMgr)
                : getParam(SemanticLogitsParamInitializer.BASES_KEY);
        if (!basesSeen) {
            if (bases.amaxNumber().doubleValue() == 0) {
                throw new IllegalStateException("the bases have not been set: give the layer's builder bases or a"
                        + " basesFile, or load the network's parameters " + layerId());
            }
            basesSeen = true;
        }
        return bases.transpose();
    }

    private double scale() {
        return layerConf().isTrainableScale()
                ? Math.exp(
                        getParam(SemanticLogitsParamInitializer.LOG_SCALE_KEY).getDouble(0))
                : layerConf().getScale();
    }

    private static DataType computeType(INDArray bases) {
        return bases.dataType() == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
    }

    private boolean isSparseCrossEntropy() {
        // A subclass may have another formula; class weights and masks per output are left to the loss
        return layerConf().getLossFn().getClass() == LossSparseMCXENT.class
                && ((LossSparseMCXENT) layerConf().getLossFn()).getWeights() == null
                && layerConf().getActivationFn() instanceof ActivationSoftmax
                && (maskArray == null || maskArray.rank() == 2)
                && labels.length() == rowCount();
    }

    private long rowCount() {
        return format == null ? input.size(0) : input.size(0) * steps();
    }

    private double clip() {
        return ((LossSparseMCXENT) layerConf().getLossFn()).getSoftmaxClipEps();
    }

    private void requireLabels() {
        if (labels == null) {
            throw new IllegalStateException("labels have not been set " + layerId());
        }
        if (format != null && labels.rank() == 3 && labels.size(format == RNNFormat.NWC ? 1 : 2) != steps()) {
            throw new IllegalArgumentException("labels must have the input's " + steps() + " time steps, found shape "
                    + Arrays.toString(labels.shape()) + " " + layerId());
        }
    }

    @Override
    public void setInput(INDArray input, LayerWorkspaceMgr workspaceMgr) {
        super.setInput(input, workspaceMgr);
        lossOfGradientPass = Double.NaN;
    }

    @Override
    public void setLabels(INDArray labels) {
        super.setLabels(labels);
        lossOfGradientPass = Double.NaN;
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
    public @Nullable Pair<INDArray, MaskState> feedForwardMaskArray(
            @Nullable INDArray maskArray, @Nullable MaskState currentMaskState, int minibatchSize) {
        if (format == null) {
            return super.feedForwardMaskArray(maskArray, currentMaskState, minibatchSize);
        }
        // As in RnnOutputLayer: only the labels' mask counts, and nothing follows this layer
        return null;
    }

    @Override
    public void clear() {
        super.clear();
        lossOfGradientPass = Double.NaN;
    }

    @Override
    public Type type() {
        return format == null ? Type.FEED_FORWARD : Type.RECURRENT;
    }
}
