/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.cosup.CoSupervision;
import io.latent4j.istar.IStar;
import io.latent4j.istar.IStarLayer;
import io.latent4j.vocabsem.NeuralClustering;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticLogits;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Small networks with this project's components, one per way they are used, and data for them. */
@SuppressWarnings("ImmutableEnumChecker")
public enum SmallNetworks {
    /** A classifier whose states are regularized, with a shrinkage covariance. */
    ISTAR(settings -> {
        MultiLayerNetwork network = Models.chain(
                settings,
                InputType.feedForward(SmallNetworks.FEATURES),
                dense(),
                new IStarLayer.Builder().name("istar").lambda(0.5).zeta(0.3).build(),
                new OutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(SmallNetworks.CLASSES)
                        .activation(Activation.SOFTMAX)
                        .build());
        return withShrinkage(network);
    }),
    /** A classifier with neural clustering and semantic logits. */
    VOCABSEM(settings -> Models.chain(
            settings, InputType.feedForward(SmallNetworks.FEATURES), dense(), clustering(), semanticLogits())),
    /** All three of them. */
    ISTAR_AND_VOCABSEM(settings -> withShrinkage(Models.chain(
            settings,
            InputType.feedForward(SmallNetworks.FEATURES),
            dense(),
            new IStarLayer.Builder().name("istar").lambda(0.5).zeta(0.3).build(),
            clustering(),
            semanticLogits()))),
    /** A co-supervised graph without a memory. */
    COSUP(settings -> cosup(settings, 0)),
    /** A co-supervised graph with a memory of 16 keys. */
    COSUP_MEMORY(settings -> cosup(settings, 16));

    private static final int FEATURES = 6;
    private static final int STATE = 8;
    private static final int CLASSES = 3;
    private static final int VOCABULARY = 9;

    private final Function<Settings, Model> networks;

    SmallNetworks(Function<Settings, Model> networks) {
        this.networks = networks;
    }

    /** A new initialised network, the same for the same settings. */
    public Model build(Settings settings) {
        return networks.apply(settings);
    }

    /** The layers whose activations are states. */
    public String[] states() {
        return isGraph() ? new String[] {"gen", "emb"} : new String[] {"states"};
    }

    public boolean isGraph() {
        return this == COSUP || this == COSUP_MEMORY;
    }

    /** A random minibatch, the same for the same seed. */
    public MultiDataSet batch(DataType type, long seed) {
        return isGraph() ? texts(type, seed) : points(type, seed).toMultiDataSet();
    }

    /** Minibatches of consecutive seeds. */
    public List<MultiDataSet> batches(DataType type, long firstSeed, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> batch(type, firstSeed + i))
                .toList();
    }

    private static DenseLayer dense() {
        return new DenseLayer.Builder().name("states").nOut(STATE).build();
    }

    private static NeuralClustering clustering() {
        return new NeuralClustering.Builder()
                .name("clustering")
                .bottleneckRatio(4)
                .build();
    }

    private static SemanticLogits semanticLogits() {
        INDArray words = points(DataType.DOUBLE, 99, CLASSES, STATE);
        return new SemanticLogits.Builder()
                .name("logits")
                .bases(SemanticBases.fromEmbedding(words))
                .scale(4)
                .trainableScale(true)
                .build();
    }

    private static MultiLayerNetwork withShrinkage(MultiLayerNetwork network) {
        DataType type = network.getLayerWiseConfigurations().getDataType();
        IStar.updateShrinkage(network, new Minibatches(List.of(ISTAR.batch(type, 7))), 1000, 1);
        return network;
    }

    private static ComputationGraph cosup(Settings settings, int memory) {
        GraphBuilder towers = settings.base()
                .graphBuilder()
                .addInputs(CoSupervision.TOKENS, CoSupervision.PASSAGES)
                .addLayer("words", words(), CoSupervision.TOKENS)
                .addLayer("gen", lstm(), "words")
                .addLayer("passageWords", words(), CoSupervision.PASSAGES)
                .addLayer("emb", lstm(), "passageWords");
        ComputationGraph graph = new ComputationGraph(CoSupervision.heads(
                        towers,
                        new CoSupervision.Heads.Builder("gen", "emb", STATE, VOCABULARY)
                                .lossWeight(0.5)
                                .memorySize(memory)
                                .build())
                .build());
        graph.init();
        return graph;
    }

    private static EmbeddingSequenceLayer words() {
        return new EmbeddingSequenceLayer.Builder()
                .nIn(VOCABULARY)
                .nOut(5)
                .activation(Activation.IDENTITY)
                .weightInit(WeightInit.NORMAL)
                .build();
    }

    private static LSTM lstm() {
        return new LSTM.Builder().nIn(5).nOut(STATE).build();
    }

    private static INDArray points(DataType type, long seed, int rows, int columns) {
        Random random = new Random(seed);
        double[] values = random.doubles((long) rows * columns, -1, 1).toArray();
        return Nd4j.createFromArray(values).reshape(rows, columns).castTo(type);
    }

    /** 12 points; their class is that of their largest value among the first three. */
    private static DataSet points(DataType type, long seed) {
        INDArray features = points(type, seed, 12, FEATURES);
        INDArray labels = Nd4j.zeros(type, 12, CLASSES);
        for (int row = 0; row < 12; row++) {
            double[] values = features.getRow(row).castTo(DataType.DOUBLE).toDoubleVector();
            int largest = IntStream.range(0, CLASSES)
                    .reduce((a, b) -> values[b] > values[a] ? b : a)
                    .orElseThrow();
            labels.putScalar(row, largest, 1);
        }
        return new DataSet(features, labels);
    }

    /** 4 texts of 6 tokens, the last of them padded, with a [Ret] each; 4 passages of up to 3 tokens. */
    private static MultiDataSet texts(DataType type, long seed) {
        Random random = new Random(seed);
        int[][] tokens = tokens(random, 4, 6);
        int[][] passages = tokens(random, 4, 3);
        INDArray next = Nd4j.createFromArray(tokens(random, 4, 6)).reshape(4, 1, 6);
        INDArray tokensMask = Nd4j.ones(type, 4, 6);
        tokensMask.putScalar(3, 5, 0);
        INDArray passagesMask = Nd4j.ones(type, 4, 3);
        passagesMask.putScalar(1, 2, 0);
        INDArray positives = Nd4j.valueArrayOf(new long[] {4, 1, 6}, -1, DataType.INT32);
        INDArray positions = Nd4j.zeros(type, 4, 6);
        for (int text = 0; text < 4; text++) {
            int step = random.nextInt(5);
            positives.putScalar(text, 0, step, (text + seed) % 4);
            positions.putScalar(text, step, 1);
        }
        long[] ids = IntStream.range(0, 4).mapToLong(i -> 4 * seed + i).toArray();
        return new org.nd4j.linalg.dataset.MultiDataSet(
                new INDArray[] {
                    Nd4j.createFromArray(tokens),
                    Nd4j.createFromArray(passages),
                    Nd4j.createFromArray(ids).reshape(4, 1)
                },
                new INDArray[] {next, positives},
                new INDArray[] {tokensMask, passagesMask, null},
                new INDArray[] {tokensMask.dup(), positions});
    }

    private static int[][] tokens(Random random, int rows, int steps) {
        int[][] tokens = new int[rows][steps];
        for (int[] row : tokens) {
            Arrays.setAll(row, i -> random.nextInt(VOCABULARY));
        }
        return tokens;
    }
}
