/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** I-STAR inside ordinary DL4J training: attaching, Σ_S, what λ does, and what goes wrong loudly. */
class IStarTest {

    private static NeuralNetConfiguration.Builder base() {
        return new NeuralNetConfiguration.Builder()
                .seed(7)
                .activation(Activation.TANH)
                .updater(new Adam(1e-2));
    }

    private static OutputLayer output() {
        return new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                .nOut(2)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static DenseLayer dense(int n) {
        return new DenseLayer.Builder().nOut(n).build();
    }

    private static ComputationGraphConfiguration.GraphBuilder threeHidden() {
        return base().graphBuilder()
                .addInputs("in")
                .addLayer("a", dense(8), "in")
                .addLayer("b", dense(8), "a")
                .addLayer("drop", new DropoutLayer(0.9), "b")
                .addLayer("c", dense(8), "drop")
                .addLayer("out", output(), "c")
                .setOutputs("out")
                .setInputTypes(InputType.feedForward(5));
    }

    /** Two Gaussian classes along the diagonal. */
    private static DataSet twoClasses(int examples, long seed) {
        Nd4j.getRandom().setSeed(seed);
        INDArray features = Nd4j.randn(DataType.FLOAT, examples, 5);
        INDArray labels = Nd4j.zeros(DataType.FLOAT, examples, 2);
        for (int i = 0; i < examples; i++) {
            labels.putScalar(i, i % 2, 1);
            features.getRow(i).addi(i % 2 == 0 ? 0.7 : -0.7);
        }
        return new DataSet(features, labels);
    }

    private static ListDataSetIterator<DataSet> batches(DataSet all, int size) {
        return new ListDataSetIterator<>(all.asList(), size);
    }

    @Test
    void attachPutsOneUnionBehindTheLastHiddenLayer() {
        ComputationGraphConfiguration conf = IStar.attach(
                        threeHidden(), new IStarVertex.Builder().lambda(2).build())
                .build();
        assertEquals(List.of("a", "b", "c"), conf.getVertexInputs().get("istar-c"));
        assertEquals(List.of("istar-c"), conf.getVertexInputs().get("out"));
        assertEquals(List.of("drop"), conf.getVertexInputs().get("c"));
        ComputationGraph graph = new ComputationGraph(conf);
        graph.init();
        graph.fit(twoClasses(16, 1));
        ActivationPenalty penalty = IStar.penalties(graph).get(0);
        assertEquals("istar-c", penalty.name());
        assertEquals(2 * (1 - penalty.measure()), penalty.penalty(), 1e-12);

        ComputationGraphConfiguration named = IStar.attach(
                        threeHidden(), new IStarVertex.Builder().zeta(0.2).build(), "b", "a")
                .build();
        assertEquals(List.of("a", "b"), named.getVertexInputs().get("istar-b"));
        assertEquals(List.of("istar-b"), named.getVertexInputs().get("drop"));
        assertEquals(
                8,
                ((IStarVertex) named.getVertices().get("istar-b"))
                        .getRegularizer()
                        .getNIn());
    }

    @Test
    void attachedPenaltyIsThatOfTheUnion() {
        ComputationGraph graph =
                new ComputationGraph(IStar.attach(threeHidden(), new IStarVertex.Builder().build(), "a", "b")
                        .build());
        graph.init();
        DataSet data = twoClasses(20, 3);
        graph.score(data, false);
        var activations = graph.feedForward(data.getFeatures(), false);
        double expected = IsoScoreStar.of(Nd4j.vstack(activations.get("a"), activations.get("b")));
        assertEquals(expected, IStar.penalties(graph).get(0).measure(), 1e-6);
    }

    @Test
    void attachPutsALayerBehindEachHiddenLayerOfAChain() {
        MultiLayerConfiguration plain = base().list()
                .layer(new LSTM.Builder().nOut(6).build())
                .layer(new Bidirectional(new LSTM.Builder().nOut(5).build()))
                .layer(new DenseLayer.Builder().name("top").nOut(4).build())
                .layer(new RnnOutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                        .nOut(2)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.recurrent(3))
                .build();
        String before = plain.toJson();
        MultiLayerConfiguration conf = IStar.attach(
                plain, new IStarLayer.Builder().lambda(0.5).zeta(0.3).build());
        assertEquals(before, plain.toJson(), "the given configuration must not change");
        assertEquals(7, conf.getConfs().size());
        assertEquals(List.of(6L, 10L, 4L), List.of(nIn(conf, 1), nIn(conf, 3), nIn(conf, 5)));
        MultiLayerNetwork network = new MultiLayerNetwork(conf);
        network.init();
        network.setListeners(new ShrinkageListener(batches(sequences(12), 4)));
        network.fit(batches(sequences(12), 4), 2);
        assertEquals(3, IStar.penalties(network).size());
        assertTrue(network.params().sumNumber().doubleValue() != 0);

        assertEquals(
                5,
                IStar.attach(plain, new IStarLayer.Builder().build(), "top")
                        .getConfs()
                        .size());
    }

    private static long nIn(MultiLayerConfiguration conf, int layer) {
        return ((IStarLayer) conf.getConf(layer).getLayer()).getNIn();
    }

    private static DataSet sequences(int examples) {
        Nd4j.getRandom().setSeed(5);
        INDArray labels = Nd4j.zeros(examples, 2, 6);
        for (int i = 0; i < examples; i++) {
            for (int t = 0; t < 6; t++) {
                labels.putScalar(new int[] {i, (i + t) % 2, t}, 1);
            }
        }
        return new DataSet(Nd4j.randn(examples, 3, 6), labels);
    }

    @Test
    void attachNamesWhatItCannotAttachTo() {
        IStarVertex vertex = new IStarVertex.Builder().build();
        IStarLayer layer = new IStarLayer.Builder().build();
        assertMessage("found \"nope\"", () -> IStar.attach(threeHidden(), vertex, "nope"));
        assertMessage("nothing follows, found \"out\"", () -> IStar.attach(threeHidden(), vertex, "out"));
        assertMessage(
                "layers of one width, found {a=8, d=9}",
                () -> IStar.attach(
                        base().graphBuilder()
                                .addInputs("in")
                                .addLayer("a", dense(8), "in")
                                .addLayer("d", dense(9), "a")
                                .addLayer("out", output(), "d"),
                        vertex));
        assertMessage(
                "no hidden layer",
                () -> IStar.attach(base().graphBuilder().addInputs("in").addLayer("out", output(), "in"), vertex));
        MultiLayerConfiguration chain = base().list()
                .layer(dense(4))
                .layer(output())
                .setInputType(InputType.feedForward(3))
                .build();
        assertMessage("found \"nope\"", () -> IStar.attach(chain, layer, "nope"));
        assertMessage("must not name the last layer", () -> IStar.attach(chain, layer, "layer1"));
    }

    @Test
    void lambdaMovesIsotropyUpAndDown() {
        double[] lambdas = {-3, 0, 3};
        double[] scores = new double[3];
        DataSet data = twoClasses(64, 11);
        for (int i = 0; i < 3; i++) {
            ComputationGraph graph = new ComputationGraph(IStar.attach(
                            threeHidden(),
                            new IStarVertex.Builder().lambda(lambdas[i]).build())
                    .build());
            graph.init();
            graph.fit(batches(data, 32), 60);
            var activations = graph.feedForward(data.getFeatures(), false);
            scores[i] = IsoScoreStar.of(Nd4j.vstack(activations.get("a"), activations.get("b"), activations.get("c")));
        }
        assertTrue(scores[0] < scores[1] - 0.02 && scores[1] < scores[2] - 0.02, Arrays.toString(scores));
    }

    @Test
    void shrinkageListenerEstimatesTheCovarianceOfTheUnion() {
        DataSet data = twoClasses(50, 13);
        ComputationGraph graph = new ComputationGraph(
                IStar.attach(threeHidden(), new IStarVertex.Builder().zeta(0.4).build(), "a", "b")
                        .build());
        graph.init();
        var activations = graph.feedForward(data.getFeatures(), false);
        INDArray expected = new ShrinkageCovariance(8)
                .add(activations.get("a"))
                .add(activations.get("b"))
                .covariance();
        new ShrinkageListener(batches(data, 16)).onEpochStart(graph);
        INDArray found = graph.getParam("istar-b_S");
        assertTrue(found.castTo(DataType.DOUBLE).equalsWithEps(expected, 1e-6));
        graph.fit(data);
        assertEquals(1, IStar.penalties(graph).size());
        assertEquals(0, IStar.penalties(graph).get(0).skippedMinibatches());
    }

    @Test
    void shrinkageSampleIsBoundedSeededAndAnotherEachEpoch() {
        MultiLayerNetwork network = new MultiLayerNetwork(base().list()
                .layer(dense(4))
                .layer(new IStarLayer.Builder().name("i").zeta(0.5).build())
                .layer(output())
                .setInputType(InputType.feedForward(5))
                .build());
        network.init();
        DataSet data = twoClasses(400, 17);
        MultiDataSetIteratorAdapter iterator = new MultiDataSetIteratorAdapter(batches(data, 10));
        INDArray full = shrinkage(network, iterator, 400, 1);
        INDArray some = shrinkage(network, iterator, 55, 1);
        assertEquals(some, shrinkage(network, iterator, 55, 1), "same seed, same sample");
        assertNotEquals(some, shrinkage(network, iterator, 55, 2));
        // A covariance from 55 of 400 points is off by about 1/√55 of itself
        double error =
                some.sub(full).norm2Number().doubleValue() / full.norm2Number().doubleValue();
        assertTrue(error > 1e-3 && error < 0.6, "relative difference " + error);
        assertEquals(full, shrinkage(network, iterator, 100_000, 9));
    }

    private static INDArray shrinkage(
            MultiLayerNetwork network, MultiDataSetIteratorAdapter data, long maxPoints, long seed) {
        IStar.updateShrinkage(network, data, maxPoints, seed);
        return network.getParam("1_S").dup();
    }

    @Test
    void zetaWithoutShrinkageIsAnErrorBeforeAnythingChanges() {
        ComputationGraph graph = new ComputationGraph(
                IStar.attach(threeHidden(), new IStarVertex.Builder().zeta(0.4).build())
                        .build());
        graph.init();
        INDArray before = graph.params().dup();
        IllegalStateException e = assertThrows(IllegalStateException.class, () -> graph.fit(twoClasses(8, 1)));
        assertTrue(
                e.getMessage().contains("IStarLayer \"istar-c\" with zeta = 0.4 needs a shrinkage covariance"),
                e.getMessage());
        assertEquals(before, graph.params());
    }

    @Test
    void nonFiniteActivationsNameTheLayerAndLeaveParametersAlone() {
        MultiLayerNetwork network = new MultiLayerNetwork(base().list()
                .layer(dense(4))
                .layer(new IStarLayer.Builder().name("guard").build())
                .layer(output())
                .setInputType(InputType.feedForward(5))
                .build());
        network.init();
        INDArray before = network.params().dup();
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            DataSet data = twoClasses(8, 1);
            data.getFeatures().putScalar(3, 2, bad);
            if (Double.isInfinite(bad)) {
                // tanh maps infinity to 1; NaN comes from ∞ − ∞
                data.getFeatures().putScalar(3, 3, -bad);
            }
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> network.fit(data));
            assertTrue(e.getMessage().contains("activations into IStarLayer \"guard\" must be finite"), e.getMessage());
            assertEquals(before, network.params());
        }
        network.fit(twoClasses(8, 1));
        assertTrue(Double.isFinite(network.score()));
    }

    @Test
    void minibatchesWithoutVarianceAreCountedAndTrainOn() {
        MultiLayerNetwork network = new MultiLayerNetwork(base().list()
                .layer(dense(4))
                .layer(new IStarLayer.Builder().lambda(5).build())
                .layer(output())
                .setInputType(InputType.feedForward(5))
                .build());
        network.init();
        DataSet one = twoClasses(1, 3);
        network.fit(one);
        ActivationPenalty penalty = IStar.penalties(network).get(0);
        assertEquals(0, penalty.penalty());
        assertTrue(Double.isNaN(penalty.measure()));
        network.fit(new DataSet(Nd4j.ones(6, 5), twoClasses(6, 3).getLabels()));
        assertEquals(2, penalty.skippedMinibatches());
        network.fit(twoClasses(6, 3));
        assertEquals(2, penalty.skippedMinibatches());
        assertTrue(penalty.penalty() > 0);
        assertFalse(network.params().isNaN().any());
    }

    @Test
    void badOptionsAreNamedWhenTheyAreSet() {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            assertMessage("lambda must be finite", () -> new IStarLayer.Builder().lambda(bad));
            assertMessage("lambda must be finite", () -> new IStarVertex.Builder().lambda(bad));
            assertMessage("lambda must be finite", () -> new CosRegLayer.Builder().lambda(bad));
        }
        assertMessage("zeta must be in [0, 1], found -0.1", () -> new IStarLayer.Builder().zeta(-0.1));
        assertMessage("nIn must be at least 2", () -> new IStarLayer.Builder().nIn(1));
        assertMessage(
                "maxPoints must be at least 2, found 1",
                () -> new ShrinkageListener.Builder(batches(twoClasses(4, 1), 2)).maxPoints(1));
        Throwable image = assertThrows(Exception.class, () -> base().list()
                .layer(new ConvolutionLayer.Builder(3, 3).nOut(2).build())
                .layer(new IStarLayer.Builder().name("i").build())
                .layer(output())
                .setInputType(InputType.convolutional(8, 8, 1))
                .build());
        assertTrue(image.getMessage().contains("expects feed-forward or recurrent activations"), image.getMessage());
        Throwable narrow = assertThrows(Exception.class, () -> base().list()
                .layer(dense(1))
                .layer(new IStarLayer.Builder().build())
                .layer(output())
                .setInputType(InputType.feedForward(3))
                .build());
        assertTrue(narrow.getMessage().contains("at least 2 features, found 1"), narrow.getMessage());
        IStarLayer unknown = new IStarLayer.Builder().name("i").zeta(0.5).build();
        IllegalStateException e = assertThrows(
                IllegalStateException.class, () -> unknown.initializer().numParams(unknown));
        assertTrue(e.getMessage().contains("must know its number of features"), e.getMessage());
    }

    @Test
    void globalDropoutAndWeightDecayDoNotReachThePenaltyLayer() {
        MultiLayerNetwork network = new MultiLayerNetwork(base().l2(0.1)
                .dropOut(0.5)
                .list()
                .layer(dense(4))
                .layer(new IStarLayer.Builder().zeta(0.5).build())
                .layer(output())
                .setInputType(InputType.feedForward(5))
                .build());
        network.init();
        network.setListeners(new ShrinkageListener(batches(twoClasses(16, 1), 4)));
        network.fit(batches(twoClasses(16, 1), 8), 1);
        INDArray shrinkage = network.getParam("1_S").dup();
        network.fit(twoClasses(16, 1));
        assertEquals(shrinkage, network.getParam("1_S"));
        INDArray input = network.getLayer(0)
                .activate(
                        twoClasses(4, 1).getFeatures(),
                        false,
                        org.deeplearning4j.nn.workspace.LayerWorkspaceMgr.noWorkspaces());
        assertEquals(
                input,
                network.getLayer(1)
                        .activate(input, true, org.deeplearning4j.nn.workspace.LayerWorkspaceMgr.noWorkspaces()));
    }

    @Test
    void dropoutBehindThePenaltyLeavesItsPointsAlone() {
        MultiLayerNetwork network = new MultiLayerNetwork(base().list()
                .layer(dense(4))
                .layer(new IStarLayer.Builder().build())
                .layer(new DropoutLayer(0.5))
                .layer(output())
                .setInputType(InputType.feedForward(5))
                .build());
        network.init();
        INDArray features = twoClasses(16, 1).getFeatures();
        INDArray expected = network.feedForward(features, false).get(1).dup();
        assertEquals(expected, network.feedForward(features, true).get(1));

        ComputationGraph graph = new ComputationGraph(base().graphBuilder()
                .addInputs("in")
                .addLayer("hidden", dense(4), "in")
                .addVertex("istar", new IStarVertex.Builder().build(), "hidden")
                .addLayer("drop", new DropoutLayer(0.5), "istar")
                .addLayer("out", output(), "drop")
                .setOutputs("out")
                .setInputTypes(InputType.feedForward(5))
                .build());
        graph.init();
        expected = graph.feedForward(features, false).get("hidden").dup();
        assertEquals(expected, graph.feedForward(features, true).get("hidden"));
    }

    @Test
    void worksWithTransferLearningEarlyStoppingAndTruncatedBackpropagation() {
        MultiLayerNetwork network = new MultiLayerNetwork(base().list()
                .layer(new LSTM.Builder().nOut(6).build())
                .layer(new IStarLayer.Builder().zeta(0.3).build())
                .layer(new RnnOutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                        .nOut(2)
                        .activation(Activation.SOFTMAX)
                        .build())
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTLength(2)
                .setInputType(InputType.recurrent(3))
                .build());
        network.init();
        network.setListeners(new ShrinkageListener(batches(sequences(12), 4)));
        EarlyStoppingResult<MultiLayerNetwork> result = new EarlyStoppingTrainer(
                        new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                                .epochTerminationConditions(new MaxEpochsTerminationCondition(3))
                                .scoreCalculator(new DataSetLossCalculator(batches(sequences(12), 4), true))
                                .build(),
                        network,
                        batches(sequences(12), 4))
                .fit();
        assertEquals(3, result.getTotalEpochs());
        assertTrue(IStar.penalties(network).get(0).measure() > 0);
        INDArray step = network.rnnTimeStep(sequences(2).getFeatures());
        assertFalse(step.isNaN().any());

        INDArray shrinkage = network.getParam("1_S").dup();
        for (int frozen : new int[] {-1, 0, 1}) {
            TransferLearning.Builder transfer = new TransferLearning.Builder(network)
                    .fineTuneConfiguration(new FineTuneConfiguration.Builder()
                            .updater(new Adam(1e-2))
                            .l2(0.01)
                            .build())
                    .removeOutputLayer()
                    .addLayer(new RnnOutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                            .nIn(6)
                            .nOut(2)
                            .activation(Activation.SOFTMAX)
                            .build());
            MultiLayerNetwork tuned = (frozen < 0 ? transfer : transfer.setFeatureExtractor(frozen)).build();
            tuned.fit(sequences(6));
            assertEquals(shrinkage, tuned.getParam("1_S"));
            // DL4J's FrozenLayer drops the penalties of the layers it wraps
            assertEquals(frozen == 1 ? 0 : 1, IStar.penalties(tuned).size());
        }
        ComputationGraph graph = new ComputationGraph(
                IStar.attach(threeHidden(), new IStarVertex.Builder().build()).build());
        graph.init();
        graph.fit(twoClasses(8, 1));
        ComputationGraph tuned = new TransferLearning.GraphBuilder(graph)
                .fineTuneConfiguration(new FineTuneConfiguration.Builder()
                        .updater(new Adam(1e-2))
                        .build())
                .setFeatureExtractor("a")
                .build();
        tuned.fit(twoClasses(8, 1));
        assertEquals(1, IStar.penalties(tuned).size());
        assertTrue(IStar.penalties(tuned).get(0).penalty() > 0);
        assertTrue(tuned.summary(InputType.feedForward(5)).contains("istar-c"));
    }

    private static void assertMessage(String part, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(part), message);
    }
}
