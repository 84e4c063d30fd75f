/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.util.MathUtils;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.WeightDecay;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/**
 * Adapts a language model to a classification task: freezes it, trains a {@link NeuralClustering} module on its states,
 * and returns body, module and {@link SemanticLogits} over the label words as one ordinary network.
 *
 * <pre>{@code
 * MultiLayerNetwork classifier = new ClusteringAdaptation.Builder()
 *         .scale(10)
 *         .build()
 *         .adapt(languageModel, trainingData, labelWords);
 * }</pre>
 *
 * <p>The data hold the language model's inputs, with masks where texts have different lengths, and one class per
 * example: one-hot {@code [N, K]} or indices {@code [N, 1]}. Of a time series counts the state of its last real token
 * ({@link LastStepPooling}). The states are read once, in inference mode, and kept: on the heap up to {@code
 * cacheMemory} bytes, beyond that in a temporary file where {@code cacheDirectory} says so. Training then never touches
 * the language model. The network that was given is not changed.
 *
 * <table>
 * <caption>Options</caption>
 * <tr><th>option</th><th>default</th><th>meaning</th></tr>
 * <tr><td>objective</td><td>CROSS_ENTROPY</td><td>or COSINE_DISTANCE to the gold basis alone</td></tr>
 * <tr><td>epochs, batchSize</td><td>100, 256</td><td>the paper's</td></tr>
 * <tr><td>updater</td><td>Adam(1e-4)</td><td>with weightDecay: AdamW, as in the authors' prototype</td></tr>
 * <tr><td>weightDecay</td><td>0.01</td><td>decoupled and multiplied by the learning rate; 0: none</td></tr>
 * <tr><td>similarity, scale</td><td>COSINE, 1</td><td>of the semantic logits</td></tr>
 * <tr><td>module</td><td>the paper's</td><td>the module's own options</td></tr>
 * <tr><td>seed</td><td>12345</td><td>of weights and shuffling</td></tr>
 * <tr><td>patience</td><td>none</td><td>stop after so many epochs without a lower validation loss, and keep the best
 * module; needs validation data</td></tr>
 * <tr><td>cacheMemory</td><td>half the JVM's heap</td><td>bytes for states</td></tr>
 * <tr><td>cacheDirectory</td><td>none</td><td>where states beyond that go</td></tr>
 * </table>
 *
 * <p>The learning rate of the paper's prototype suits a thousand updates and more; with few examples raise it or the
 * number of epochs.
 *
 * <p>Source: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184, section on neural clustering.
 *
 * @see SemanticLogits#replaceHead(MultiLayerNetwork, LabelWords) the same without a module to train
 */
public final class ClusteringAdaptation {

    /** What the module is trained for. */
    public enum Objective {
        /** Cross-entropy of the softmax over the labels' semantic logits. */
        CROSS_ENTROPY,
        /** 1 − cos to the gold label's basis; the other labels play no part. */
        COSINE_DISTANCE
    }

    /**
     * How an epoch went.
     *
     * @param epoch number of the epoch, from 1
     * @param trainingLoss mean over the epoch's minibatches, each before its update; with weight decay's share
     * @param validationLoss after the epoch; NaN without validation data
     * @param validationAccuracy share of validation examples whose basis is the nearest; NaN without validation data
     */
    public record Progress(int epoch, double trainingLoss, double validationLoss, double validationAccuracy) {}

    private final Builder options;

    private ClusteringAdaptation(Builder options) {
        this.options = options;
    }

    // ---- front door ------------------------------------------------------------------------------------------------

    /**
     * Adapts a network whose last layer is the language model's head: the labels' bases are taken from it.
     *
     * @param network the language model; not changed
     * @param data texts with classes, read once
     * @param labels the classes and their words, as token ids of that head
     * @return a new network: frozen body, module, semantic logits
     * @throws IllegalArgumentException if the last layer has no weights to take bases from, or as for {@link
     *     #adapt(MultiLayerNetwork, DataSetIterator, SemanticBases)}
     * @throws IllegalStateException as there
     */
    public MultiLayerNetwork adapt(MultiLayerNetwork network, DataSetIterator data, LabelWords labels) {
        return adapt(network, data, bases(TokenVectors.outputLayer(network), labels));
    }

    /**
     * Adapts a network.
     *
     * @param network the language model, of at least one layer and a head; not changed
     * @param data texts with classes, read once
     * @param labels the classes' bases, row c of class c
     * @return a new network: frozen body, module, semantic logits
     * @throws IllegalArgumentException if the data are empty, labels are not one class per example, a state is not finite
     *     or not as wide as the bases
     * @throws IllegalStateException if the states exceed cacheMemory and there is no cacheDirectory
     * @throws UncheckedIOException if the file of states can't be written
     */
    public MultiLayerNetwork adapt(MultiLayerNetwork network, DataSetIterator data, SemanticBases labels) {
        int last = network.getnLayers() - 1;
        if (last < 1) {
            throw new IllegalArgumentException("network must have a layer before its head, found only one layer");
        }
        org.deeplearning4j.nn.conf.layers.Layer old = unfrozen(network.getLayer(last));
        requireWidth(old, labels);
        TransferLearning.Builder builder = new TransferLearning.Builder(network)
                .fineTuneConfiguration(fineTuning(network.getDefaultConfiguration()))
                .setFeatureExtractor(last - 1)
                .removeOutputLayer();
        int module = last;
        if (isRecurrent(old)) {
            builder.addLayer(pooling(old, "lastStep"));
            module++;
        }
        InputPreProcessor preProcessor = network.getLayerWiseConfigurations().getInputPreProcess(last);
        if (preProcessor != null) {
            builder.setInputPreProcessor(last, preProcessor);
        }
        MultiLayerNetwork adapted = builder.addLayer(module(labels, "clustering"))
                .addLayer(head(labels, "semanticLogits"))
                .build();
        int states = module;
        // Without a mask for the labels, which DL4J would take for one of the features here
        Function<MultiDataSet, INDArray> reader = batch -> adapted.feedForward(
                        batch.getFeatures(0),
                        batch.getFeaturesMaskArrays() == null ? null : batch.getFeaturesMaskArray(0),
                        null)
                .get(states);
        run(
                new MultiDataSetIteratorAdapter(data),
                reader,
                labels,
                dataType(adapted.getLayerWiseConfigurations().getDataType()),
                adapted.getLayer(module),
                adapted.getLayer(module + 1));
        adapted.clear();
        return adapted;
    }

    /**
     * Adapts a graph whose only output is the language model's head: the labels' bases are taken from it.
     *
     * @param graph the language model; not changed
     * @param data texts with classes, read once
     * @param labels the classes and their words, as token ids of that head
     * @return a new graph: frozen body, module, semantic logits
     * @throws IllegalArgumentException as for {@link #adapt(ComputationGraph, MultiDataSetIterator, SemanticBases)}, or if
     *     the head has no weights to take bases from
     * @throws IllegalStateException as there
     */
    public ComputationGraph adapt(ComputationGraph graph, MultiDataSetIterator data, LabelWords labels) {
        return adapt(graph, data, bases(TokenVectors.outputLayer(graph), labels));
    }

    /**
     * Adapts a graph with one input whose only output is the language model's head.
     *
     * @param graph the language model; not changed
     * @param data texts with classes, read once
     * @param labels the classes and their words, as token ids of that head
     * @return a new graph: frozen body, module, semantic logits
     * @throws IllegalArgumentException as for {@link #adapt(ComputationGraph, MultiDataSetIterator, SemanticBases)}, or if
     *     the head has no weights to take bases from
     * @throws IllegalStateException as there
     */
    public ComputationGraph adapt(ComputationGraph graph, DataSetIterator data, LabelWords labels) {
        return adapt(graph, new MultiDataSetIteratorAdapter(data), labels);
    }

    /**
     * Adapts a graph.
     *
     * @param graph the language model with one output, its head; not changed
     * @param data texts with classes, read once
     * @param labels the classes' bases, row c of class c
     * @return a new graph: frozen body, module, semantic logits
     * @throws IllegalArgumentException if there is not exactly one output, it is no layer or directly on the inputs, the
     *     data are empty, labels are not one class per example, a state is not finite or not as wide as the bases
     * @throws IllegalStateException if the states exceed cacheMemory and there is no cacheDirectory
     * @throws UncheckedIOException if the file of states can't be written
     */
    public ComputationGraph adapt(ComputationGraph graph, MultiDataSetIterator data, SemanticBases labels) {
        List<String> outputs = graph.getConfiguration().getNetworkOutputs();
        if (outputs.size() != 1
                || !(graph.getConfiguration().getVertices().get(outputs.get(0)) instanceof LayerVertex vertex)) {
            throw new IllegalArgumentException("graph must have exactly one output, a layer, found " + outputs);
        }
        String name = outputs.get(0);
        String body = graph.getConfiguration().getVertexInputs().get(name).get(0);
        if (graph.getConfiguration().getNetworkInputs().contains(body)) {
            throw new IllegalArgumentException("graph must have a layer before its head, found the input " + body);
        }
        org.deeplearning4j.nn.conf.layers.Layer old = unfrozen(graph.getLayer(name));
        requireWidth(old, labels);
        String pooling = free(graph, "lastStep");
        String module = free(graph, "clustering");
        TransferLearning.GraphBuilder builder = new TransferLearning.GraphBuilder(graph)
                .fineTuneConfiguration(fineTuning(graph.getConfiguration().getDefaultConfiguration()))
                .setFeatureExtractor(body)
                .removeVertexKeepConnections(name);
        String states = body;
        InputPreProcessor preProcessor = vertex.getPreProcessor();
        if (isRecurrent(old)) {
            builder.addLayer(pooling, pooling(old, pooling), preProcessor, body);
            preProcessor = null;
            states = pooling;
        }
        ComputationGraph adapted = Heads.likeOriginal(
                builder.addLayer(module, module(labels, module), preProcessor, states)
                        .addLayer(name, head(labels, name), module)
                        .build(),
                graph,
                name);
        String source = states;
        Function<MultiDataSet, INDArray> reader = batch -> {
            adapted.setLayerMaskArrays(batch.getFeaturesMaskArrays(), null);
            try {
                return adapted.feedForward(batch.getFeatures(), false).get(source);
            } finally {
                adapted.clearLayerMaskArrays();
            }
        };
        run(
                data,
                reader,
                labels,
                dataType(adapted.getConfiguration().getDataType()),
                adapted.getLayer(module),
                adapted.getLayer(name));
        adapted.clear();
        return adapted;
    }

    // ---- the new network -------------------------------------------------------------------------------------------

    private static SemanticBases bases(TokenVectors head, LabelWords labels) {
        return SemanticBases.head(head).labels(labels).build();
    }

    private static org.deeplearning4j.nn.conf.layers.Layer unfrozen(Layer layer) {
        org.deeplearning4j.nn.conf.layers.Layer configuration = layer.conf().getLayer();
        while (configuration instanceof FrozenLayer frozen) {
            configuration = frozen.getLayer();
        }
        return configuration;
    }

    private static void requireWidth(org.deeplearning4j.nn.conf.layers.Layer head, SemanticBases labels) {
        if (head instanceof FeedForwardLayer layer && layer.getNIn() > 0 && layer.getNIn() != labels.features()) {
            throw new IllegalArgumentException("labels must be bases as wide as the body's states, " + layer.getNIn()
                    + ", found " + labels.features());
        }
    }

    private static boolean isRecurrent(org.deeplearning4j.nn.conf.layers.Layer head) {
        return head instanceof RnnOutputLayer || head instanceof RnnLossLayer || head instanceof RnnSemanticLogits;
    }

    private static LastStepPooling pooling(org.deeplearning4j.nn.conf.layers.Layer head, String name) {
        RNNFormat format = RNNFormat.NCW;
        if (head instanceof RnnOutputLayer output && output.getRnnDataFormat() != null) {
            format = output.getRnnDataFormat();
        } else if (head instanceof RnnLossLayer loss && loss.getRnnDataFormat() != null) {
            format = loss.getRnnDataFormat();
        } else if (head instanceof RnnSemanticLogits logits) {
            format = logits.getDataFormat();
        }
        return new LastStepPooling.Builder().name(name).dataFormat(format).build();
    }

    private static String free(ComputationGraph graph, String name) {
        String free = name;
        while (graph.getConfiguration().getVertices().containsKey(free)
                || graph.getConfiguration().getNetworkInputs().contains(free)) {
            free += "_";
        }
        return free;
    }

    private FineTuneConfiguration fineTuning(NeuralNetConfiguration conf) {
        return new FineTuneConfiguration.Builder()
                .seed(options.seed)
                .miniBatch(conf.isMiniBatch())
                .build();
    }

    private NeuralClustering module(SemanticBases labels, String name) {
        NeuralClustering module = options.module.clone();
        if (module.getNIn() > 0 && module.getNIn() != labels.features()) {
            throw new IllegalArgumentException("module must have as many features as the bases, " + labels.features()
                    + ", or leave nIn out, found nIn " + module.getNIn());
        }
        module.setNIn(labels.features());
        module.setLayerName(name);
        module.setIUpdater(options.updater.clone());
        if (options.weightDecay > 0) {
            module.setRegularization(new ArrayList<>(List.of(new WeightDecay(options.weightDecay, true))));
        }
        return module;
    }

    private SemanticLogits head(SemanticBases labels, String name) {
        return new SemanticLogits.Builder(new LossSparseMCXENT())
                .name(name)
                .bases(labels)
                .similarity(options.similarity)
                .scale(options.scale)
                .updater(options.updater.clone())
                .build();
    }

    /** HALF and BFLOAT16 models are trained in FLOAT. */
    private static DataType dataType(DataType network) {
        return network == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
    }

    // ---- states ----------------------------------------------------------------------------------------------------

    /** Reads data into a cache. */
    private static void fill(
            StateCache cache, MultiDataSetIterator data, Function<MultiDataSet, INDArray> reader, SemanticBases labels)
            throws IOException {
        if (!data.hasNext() && data.resetSupported()) {
            data.reset();
        }
        while (data.hasNext()) {
            MultiDataSet batch = data.next();
            INDArray given = batch.getLabels() == null ? null : batch.getLabels(0);
            add(cache, reader.apply(batch), given, labels);
        }
        requireSome(cache);
    }

    private static void requireSome(StateCache cache) {
        if (cache.size() == 0) {
            throw new IllegalArgumentException("data must hold at least one example, found none");
        }
    }

    private static void add(StateCache cache, INDArray states, @Nullable INDArray labels, SemanticBases bases)
            throws IOException {
        if (states.rank() != 2 || states.size(1) != bases.features()) {
            throw new IllegalArgumentException("states of the body must be as wide as the bases, [N, "
                    + bases.features() + "], found shape " + Arrays.toString(states.shape()));
        }
        double sum = states.castTo(DataType.DOUBLE).sumNumber().doubleValue();
        if (!Double.isFinite(sum)) {
            throw new IllegalArgumentException("states of the body must be finite, found a sum of " + sum
                    + " among examples " + cache.size() + " to " + (cache.size() + states.size(0) - 1));
        }
        cache.add(states, classes(labels, states.size(0), bases.size()));
    }

    /** One class per example, from one-hot rows or a column of indices. */
    static int[] classes(@Nullable INDArray labels, long examples, long classes) {
        String expected = "labels must give one class per example, one-hot [" + examples + ", " + classes
                + "] or indices [" + examples + ", 1], found ";
        if (labels == null || labels.rank() != 2 || labels.size(0) != examples) {
            throw new IllegalArgumentException(
                    expected + (labels == null ? "none" : "shape " + Arrays.toString(labels.shape())));
        }
        double[][] rows = labels.castTo(DataType.DOUBLE).toDoubleMatrix();
        int[] result = new int[rows.length];
        for (int i = 0; i < rows.length; i++) {
            double[] row = rows[i];
            if (row.length == classes && classes > 1) {
                int hot = 0;
                double sum = 0;
                for (int c = 0; c < row.length; c++) {
                    hot = row[c] > row[hot] ? c : hot;
                    sum += Math.abs(row[c]);
                }
                if (row[hot] != 1 || sum != 1) {
                    throw new IllegalArgumentException(expected + Arrays.toString(row) + " in row " + i);
                }
                result[i] = hot;
            } else if (row.length == 1 && row[0] == Math.rint(row[0]) && row[0] >= 0 && row[0] < classes) {
                result[i] = (int) row[0];
            } else {
                throw new IllegalArgumentException(expected + Arrays.toString(row) + " in row " + i);
            }
        }
        return result;
    }

    // ---- training --------------------------------------------------------------------------------------------------

    /** Trains module and head on cached states and puts their parameters into the layers given. */
    private void run(
            MultiDataSetIterator data,
            Function<MultiDataSet, INDArray> reader,
            SemanticBases labels,
            DataType type,
            Layer module,
            Layer head) {
        try (StateCache states = new StateCache(labels.features(), type, options.cacheMemory, options.cacheDirectory);
                StateCache held =
                        new StateCache(labels.features(), type, options.cacheMemory, options.cacheDirectory)) {
            fill(states, data, reader, labels);
            if (options.validation != null) {
                fill(held, options.validation, reader, labels);
            }
            MultiLayerNetwork trained = train(states, held, labels, type);
            trained.getLayer(0).paramTable().forEach((key, value) -> module.getParam(key)
                    .assign(value));
            if (options.objective == Objective.CROSS_ENTROPY) {
                trained.getLayer(1).paramTable().forEach((key, value) -> head.getParam(key)
                        .assign(value));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the file of states in " + options.cacheDirectory + " failed", e);
        }
    }

    private MultiLayerNetwork train(StateCache states, StateCache held, SemanticBases labels, DataType type) {
        MultiLayerNetwork network = trainee(labels, type);
        INDArray gold = labels.matrix().castTo(type);
        int[] order = new int[states.size()];
        Arrays.setAll(order, i -> i);
        Random random = new Random(options.seed);
        double best = Double.POSITIVE_INFINITY;
        int bestEpoch = 0;
        INDArray bestParams = null;
        for (int epoch = 1; epoch <= options.epochs; epoch++) {
            MathUtils.shuffleArray(order, random);
            double loss = 0;
            for (int from = 0; from < order.length; from += options.batchSize) {
                int[] batch = Arrays.copyOfRange(order, from, Math.min(order.length, from + options.batchSize));
                network.fit(data(states, batch, gold));
                loss += network.score() * batch.length / order.length;
            }
            network.incrementEpochCount();
            Progress progress = progress(epoch, loss, network, held, gold);
            options.progress.accept(progress);
            if (options.patience > 0) {
                if (progress.validationLoss() < best) {
                    best = progress.validationLoss();
                    bestEpoch = epoch;
                    bestParams = network.params().dup();
                } else if (epoch - bestEpoch >= options.patience) {
                    break;
                }
            }
        }
        if (bestParams != null) {
            network.setParams(bestParams);
        }
        return network;
    }

    /** Module and head alone, in a network of their own. */
    private MultiLayerNetwork trainee(SemanticBases labels, DataType type) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(options.seed)
                .dataType(type)
                .list()
                .layer(module(labels, "clustering"))
                .layer(
                        options.objective == Objective.CROSS_ENTROPY
                                ? head(labels, "semanticLogits")
                                : new LossLayer.Builder(new LossCosineDistance())
                                        .activation(Activation.IDENTITY)
                                        .build())
                .build());
        network.init();
        network.addListeners(options.listeners);
        return network;
    }

    private DataSet data(StateCache states, int[] batch, INDArray gold) {
        INDArray classes = states.labels(batch);
        boolean sparse = options.objective == Objective.CROSS_ENTROPY;
        return new DataSet(
                states.states(batch),
                sparse
                        ? classes
                        : Nd4j.pullRows(gold, 1, classes.reshape(batch.length).toIntVector()));
    }

    private Progress progress(
            int epoch, double trainingLoss, MultiLayerNetwork network, StateCache held, INDArray gold) {
        if (held.size() == 0) {
            return new Progress(epoch, trainingLoss, Double.NaN, Double.NaN);
        }
        double loss = 0;
        int right = 0;
        for (int from = 0; from < held.size(); from += options.batchSize) {
            int[] batch = new int[Math.min(options.batchSize, held.size() - from)];
            int first = from;
            Arrays.setAll(batch, i -> first + i);
            DataSet data = data(held, batch, gold);
            loss += network.score(data, false) * batch.length / held.size();
            INDArray calibrated =
                    network.feedForwardToLayer(0, data.getFeatures(), false).get(1);
            INDArray nearest = VocabularyLogits.of(calibrated, gold, options.similarity, 1)
                    .argMax(1)
                    .castTo(DataType.INT32);
            INDArray classes = held.labels(batch).reshape(batch.length);
            right += nearest.eq(classes).castTo(DataType.INT32).sumNumber().intValue();
        }
        return new Progress(epoch, trainingLoss, loss, (double) right / held.size());
    }

    /** Builder of {@link ClusteringAdaptation}; see there for options and defaults. */
    public static final class Builder implements Cloneable {
        private Objective objective = Objective.CROSS_ENTROPY;
        private int epochs = 100;
        private int batchSize = 256;
        private IUpdater updater = new Adam(1e-4);
        private double weightDecay = 0.01;
        private Similarity similarity = Similarity.COSINE;
        private double scale = 1;
        private NeuralClustering module = new NeuralClustering.Builder().build();
        private long seed = 12345;
        private @Nullable MultiDataSetIterator validation;
        private int patience;
        private long cacheMemory = Runtime.getRuntime().maxMemory() / 2;
        private @Nullable Path cacheDirectory;
        private Consumer<Progress> progress = p -> {};
        private TrainingListener[] listeners = {};

        /** Creates a builder with the defaults. */
        public Builder() {}

        /**
         * Sets what the module is trained for.
         *
         * @param objective default CROSS_ENTROPY
         * @return this
         */
        public Builder objective(Objective objective) {
            this.objective = Objects.requireNonNull(objective, "objective must not be null");
            return this;
        }

        /**
         * Sets the number of passes over the states.
         *
         * @param epochs at least 1; default 100
         * @return this
         * @throws IllegalArgumentException if it is less
         */
        public Builder epochs(int epochs) {
            this.epochs = requirePositive("epochs", epochs);
            return this;
        }

        /**
         * Sets the number of states per update.
         *
         * @param batchSize at least 1; default 256
         * @return this
         * @throws IllegalArgumentException if it is less
         */
        public Builder batchSize(int batchSize) {
            this.batchSize = requirePositive("batchSize", batchSize);
            return this;
        }

        /**
         * Sets the updater.
         *
         * @param updater default {@code Adam(1e-4)}; copied
         * @return this
         */
        public Builder updater(IUpdater updater) {
            this.updater =
                    Objects.requireNonNull(updater, "updater must not be null").clone();
            return this;
        }

        /**
         * Sets the decoupled weight decay, which is multiplied by the learning rate.
         *
         * @param weightDecay finite and not negative; default 0.01; 0: none
         * @return this
         * @throws IllegalArgumentException if it is negative or not finite
         */
        public Builder weightDecay(double weightDecay) {
            if (!(weightDecay >= 0) || Double.isInfinite(weightDecay)) {
                throw new IllegalArgumentException("weightDecay must be finite and >= 0, found " + weightDecay);
            }
            this.weightDecay = weightDecay;
            return this;
        }

        /**
         * Sets the similarity of the semantic logits.
         *
         * @param similarity default COSINE
         * @return this
         */
        public Builder similarity(Similarity similarity) {
            this.similarity = Objects.requireNonNull(similarity, "similarity must not be null");
            return this;
        }

        /**
         * Sets the scale of the semantic logits.
         *
         * @param scale 1e-30 to 1e30; default 1, the paper's
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder scale(double scale) {
            this.scale = LogitBlocks.requireScale(scale);
            return this;
        }

        /**
         * Sets the options of the module; its updater and weight decay are those of this builder.
         *
         * @param module default: the paper's module; copied
         * @return this
         */
        public Builder module(NeuralClustering.Builder module) {
            this.module = module.build();
            return this;
        }

        /**
         * Sets the seed of weights and shuffling.
         *
         * @param seed any number
         * @return this
         */
        public Builder seed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Sets data whose loss and accuracy are taken after each epoch; their states are read once.
         *
         * @param validation texts with classes, as the training data
         * @return this
         */
        public Builder validation(DataSetIterator validation) {
            Objects.requireNonNull(validation, "validation must not be null");
            return validation(new MultiDataSetIteratorAdapter(validation));
        }

        /**
         * Sets data whose loss and accuracy are taken after each epoch; their states are read once.
         *
         * @param validation texts with classes, as the training data
         * @return this
         */
        public Builder validation(MultiDataSetIterator validation) {
            this.validation = Objects.requireNonNull(validation, "validation must not be null");
            return this;
        }

        /**
         * Stops early: after so many epochs without a lower validation loss. The best module is kept.
         *
         * @param patience epochs, at least 1
         * @return this
         * @throws IllegalArgumentException if it is less
         */
        public Builder patience(int patience) {
            this.patience = requirePositive("patience", patience);
            return this;
        }

        /**
         * Sets how much of the heap the states of the training data, and again those of the validation data, may take.
         *
         * @param bytes not negative; default half the JVM's maximum
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder cacheMemory(long bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("cacheMemory must not be negative, found " + bytes);
            }
            this.cacheMemory = bytes;
            return this;
        }

        /**
         * Sets where states that exceed {@link #cacheMemory} go: into a temporary file, deleted after training.
         *
         * @param directory an existing directory
         * @return this
         */
        public Builder cacheDirectory(Path directory) {
            this.cacheDirectory = Objects.requireNonNull(directory, "cacheDirectory must not be null");
            return this;
        }

        /**
         * Sets what is told of each epoch.
         *
         * @param progress called after each epoch, in the thread that adapts
         * @return this
         */
        public Builder progress(Consumer<Progress> progress) {
            this.progress = Objects.requireNonNull(progress, "progress must not be null");
            return this;
        }

        /**
         * Sets DL4J listeners of the training of module and head, such as those of the training UI.
         *
         * @param listeners the listeners
         * @return this
         */
        public Builder listeners(TrainingListener... listeners) {
            this.listeners = listeners.clone();
            return this;
        }

        private static int requirePositive(String name, int value) {
            if (value < 1) {
                throw new IllegalArgumentException(name + " must be at least 1, found " + value);
            }
            return value;
        }

        /**
         * Makes the adaptation, to be used any number of times.
         *
         * @return the adaptation; later changes of this builder do not concern it
         * @throws IllegalStateException if patience is set without validation data
         */
        public ClusteringAdaptation build() {
            if (patience > 0 && validation == null) {
                throw new IllegalStateException(
                        "patience of " + patience + " epochs needs validation data, found none");
            }
            return new ClusteringAdaptation(clone());
        }

        @Override
        protected Builder clone() {
            try {
                return (Builder) super.clone();
            } catch (CloneNotSupportedException e) {
                throw new AssertionError(e);
            }
        }
    }
}
