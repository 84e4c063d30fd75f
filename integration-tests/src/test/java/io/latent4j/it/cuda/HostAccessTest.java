/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.cosup.CoSupervision;
import io.latent4j.istar.CosRegLayer;
import io.latent4j.istar.IStarLayer;
import io.latent4j.vocabsem.NeuralClustering;
import io.latent4j.vocabsem.RnnSemanticLogits;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticLogits;
import java.util.Map;
import java.util.Random;
import java.util.function.IntFunction;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/** A training step moves a fixed number of arrays and scalars between device and host, whatever its size. */
class HostAccessTest {
    private static final int WIDTH = 8;
    private static final int CLASSES = 5;
    private static final int STEPS = 6;
    private static final Settings SETTINGS = new Settings(DataType.FLOAT, true, WorkspaceMode.ENABLED, new Sgd(0.01));

    @BeforeAll
    static void install() {
        HostAccess.install();
    }

    /** A network, and minibatches of any number of examples for it. */
    enum Network {
        I_STAR(
                Models.chain(
                        SETTINGS,
                        InputType.feedForward(WIDTH),
                        dense(),
                        new IStarLayer.Builder().lambda(1).build(),
                        output()),
                n -> flat(n, true)),
        COS_REG(
                Models.chain(
                        SETTINGS, InputType.feedForward(WIDTH), dense(), new CosRegLayer.Builder().build(), output()),
                n -> flat(n, true)),
        SEMANTIC_LOGITS(
                Models.chain(
                        SETTINGS,
                        InputType.feedForward(WIDTH),
                        dense(),
                        new NeuralClustering.Builder().nOut(WIDTH).build(),
                        new SemanticLogits.Builder(new LossSparseMCXENT())
                                .bases(bases())
                                .trainableScale(true)
                                .build()),
                n -> flat(n, false)),
        RNN_SEMANTIC_LOGITS(
                Models.chain(
                        SETTINGS,
                        InputType.recurrent(WIDTH),
                        new LSTM.Builder().nOut(WIDTH).build(),
                        new IStarLayer.Builder().lambda(1).build(),
                        new RnnSemanticLogits.Builder(new LossSparseMCXENT())
                                .bases(bases())
                                .build()),
                HostAccessTest::sequences),
        CO_SUPERVISION(coSupervised(), HostAccessTest::texts);

        private final Model model;
        private final IntFunction<MultiDataSet> data;

        Network(Model model, IntFunction<MultiDataSet> data) {
            this.model = model;
            this.data = data;
        }
    }

    @ParameterizedTest
    @EnumSource(Network.class)
    void aStepsTransfersDoNotGrowWithTheMinibatch(Network network) {
        MultiDataSet small = network.data.apply(12);
        MultiDataSet large = network.data.apply(48);
        // Fills the key memory, and what is computed at first use
        for (int i = 0; i < 3; i++) {
            Models.fit(network.model, large);
            Models.fit(network.model, small);
        }
        Map<String, Integer> ofSmall = HostAccess.of(() -> Models.fit(network.model, small));
        Map<String, Integer> ofLarge = HostAccess.of(() -> Models.fit(network.model, large));
        assertEquals(ofSmall, ofLarge);
        // A sum is three nested calls of ND4J's; each place may want one twice, forwards and backwards
        assertTrue(ofSmall.values().stream().allMatch(calls -> calls <= 6), ofSmall::toString);
    }

    private static int calls(Map<String, Integer> byPlace) {
        return byPlace.values().stream().mapToInt(Integer::intValue).sum();
    }

    @Test
    void theCounterSeesReadsOfElements() {
        INDArray array = Nd4j.zeros(3);
        Map<String, Integer> once = HostAccess.of(() -> array.putScalar(0, array.getDouble(0) + 1));
        assertFalse(once.isEmpty());
        Map<String, Integer> often = HostAccess.of(() -> {
            for (int i = 0; i < 3; i++) {
                array.putScalar(i, array.getDouble(i) + 1);
            }
        });
        assertEquals(3 * calls(once), calls(often));
        assertEquals(Map.of(), HostAccess.of(() -> Nd4j.toFlattened(array, array)));
    }

    private static DenseLayer dense() {
        return new DenseLayer.Builder().nOut(WIDTH).activation(Activation.TANH).build();
    }

    private static OutputLayer output() {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .nOut(CLASSES)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static SemanticBases bases() {
        return SemanticBases.fromEmbedding(uniform(1, CLASSES, WIDTH));
    }

    private static INDArray uniform(long seed, long... shape) {
        long length = 1;
        for (long size : shape) {
            length *= size;
        }
        return Nd4j.createFromArray(new Random(seed).doubles(length, -1, 1).toArray())
                .castTo(DataType.FLOAT)
                .reshape('c', shape);
    }

    private static INDArray ids(long seed, int bound, long... shape) {
        long length = 1;
        for (long size : shape) {
            length *= size;
        }
        return Nd4j.createFromArray(new Random(seed).ints(length, 0, bound).toArray())
                .reshape('c', shape);
    }

    private static MultiDataSet flat(int examples, boolean oneHot) {
        INDArray labels = ids(2, CLASSES, examples, 1);
        if (oneHot) {
            INDArray classes = Nd4j.zeros(DataType.FLOAT, examples, CLASSES);
            for (int i = 0; i < examples; i++) {
                classes.putScalar(i, labels.getInt(i, 0), 1);
            }
            labels = classes;
        }
        return new MultiDataSet(uniform(3, examples, WIDTH), labels);
    }

    private static MultiDataSet sequences(int examples) {
        return new MultiDataSet(
                new INDArray[] {uniform(4, examples, WIDTH, STEPS)},
                new INDArray[] {ids(5, CLASSES, examples, 1, STEPS)},
                new INDArray[] {mask(examples)},
                new INDArray[] {mask(examples)});
    }

    private static INDArray mask(int examples) {
        INDArray mask = Nd4j.ones(DataType.FLOAT, examples, STEPS);
        mask.putScalar(0, STEPS - 1, 0);
        return mask;
    }

    private static ComputationGraph coSupervised() {
        int vocabulary = 7;
        ComputationGraph graph = new ComputationGraph(CoSupervision.heads(
                        SETTINGS.base()
                                .graphBuilder()
                                .addInputs("tokens", "passages")
                                .addLayer("words", words(vocabulary), "tokens")
                                .addLayer(
                                        "gen",
                                        new LSTM.Builder().nIn(3).nOut(WIDTH).build(),
                                        "words")
                                .addLayer("passageWords", words(vocabulary), "passages")
                                .addLayer(
                                        "emb",
                                        new LSTM.Builder().nIn(3).nOut(WIDTH).build(),
                                        "passageWords"),
                        new CoSupervision.Heads.Builder("gen", "emb", WIDTH, vocabulary)
                                .lossWeight(0.5)
                                .memorySize(16)
                                .build())
                .build());
        graph.init();
        return graph;
    }

    private static EmbeddingSequenceLayer words(int vocabulary) {
        return new EmbeddingSequenceLayer.Builder()
                .nIn(vocabulary)
                .nOut(3)
                .activation(Activation.IDENTITY)
                .build();
    }

    /** Each text asks for a passage of its own at its second step. */
    private static MultiDataSet texts(int examples) {
        INDArray positives = Nd4j.valueArrayOf(new long[] {examples, 1, STEPS}, -1, DataType.INT32);
        INDArray marks = Nd4j.zeros(DataType.FLOAT, examples, STEPS);
        INDArray passageIds = Nd4j.zeros(DataType.INT32, examples, 1);
        for (int i = 0; i < examples; i++) {
            positives.putScalar(i, 0, 1, i);
            marks.putScalar(i, 1, 1);
            passageIds.putScalar(i, 0, i);
        }
        return new MultiDataSet(
                new INDArray[] {ids(6, 7, examples, STEPS), ids(7, 7, examples, STEPS), passageIds},
                new INDArray[] {ids(8, 7, examples, 1, STEPS), positives},
                new INDArray[] {mask(examples), mask(examples), null},
                new INDArray[] {mask(examples), marks});
    }
}
