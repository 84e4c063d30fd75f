/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Contracts;
import io.latent4j.contracts.InDouble;
import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;
import org.nd4j.linalg.ops.transforms.Transforms;

/** What users do with the layers. */
@ExtendWith(InDouble.class)
class SemanticLogitsTest {
    private static final int D = 5;
    private static final int VOCABULARY = 30;

    @BeforeEach
    void seed() {
        Nd4j.getRandom().setSeed(11);
    }

    private static SemanticBases bases(int count) {
        return SemanticBases.fromEmbedding(Nd4j.create(VocabularyLogitsTest.random(count, D, 3)));
    }

    private static MultiLayerNetwork network(Settings settings, Layer head) {
        return Models.chain(
                settings,
                InputType.feedForward(3),
                new DenseLayer.Builder().nOut(D).build(),
                head);
    }

    private static Settings adam() {
        return Settings.training(new Adam(1e-2));
    }

    private static LabelWords words() {
        return LabelWords.builder()
                .label("good", 4)
                .label("bad", 17)
                .label("odd", 29)
                .build();
    }

    /** Independent of SemanticBases: the rows of the pseudo-inverse by the normal equations of a small head. */
    private static INDArray expectedLogits(INDArray states, INDArray head, int... tokens) {
        org.apache.commons.math3.linear.RealMatrix w =
                new org.apache.commons.math3.linear.Array2DRowRealMatrix(head.toDoubleMatrix());
        org.apache.commons.math3.linear.RealMatrix inverse =
                new org.apache.commons.math3.linear.SingularValueDecomposition(w)
                        .getSolver()
                        .getInverse();
        INDArray logits = Nd4j.create(DataType.DOUBLE, states.size(0), tokens.length);
        for (int i = 0; i < states.size(0); i++) {
            for (int c = 0; c < tokens.length; c++) {
                logits.putScalar(
                        i, c, Transforms.cosineSim(states.getRow(i), Nd4j.createFromArray(inverse.getRow(tokens[c]))));
            }
        }
        return logits;
    }

    @Test
    void replaceHeadKeepsTheBodyAndReadsTheBasesFromTheOldHead() {
        MultiLayerNetwork lm = network(
                adam(),
                new OutputLayer.Builder()
                        .nOut(VOCABULARY)
                        .activation(Activation.SOFTMAX)
                        .build());
        INDArray x = Nd4j.randn(7, 3);
        INDArray states = lm.feedForward(x).get(1);
        INDArray body = lm.paramTable().get("0_W").dup();

        MultiLayerNetwork replaced = SemanticLogits.replaceHead(lm, words());

        assertEquals(body, replaced.paramTable().get("0_W"));
        INDArray expected = expectedLogits(states, lm.paramTable().get("1_W"), 4, 17, 29);
        assertTrue(replaced.output(x).equalsWithEps(Nd4j.nn().softmax(expected, 1), 1e-10));
        // Adam of the old head, but frozen bases: only the body learns
        replaced.fit(
                new DataSet(x, Nd4j.eye(3).get(org.nd4j.linalg.indexing.NDArrayIndex.indices(0, 1, 2, 0, 1, 2, 0))));
        assertNotEquals(body, replaced.paramTable().get("0_W"));
        assertEquals(lm.getOutputLayer().conf().getLayer().getUpdaterByParam("W"), new Adam(1e-2));
        assertEquals(VOCABULARY, lm.output(x).size(1), "the old network must stay as it was");
    }

    @Test
    void replaceHeadWorksOnGraphsAndTimeSeries() {
        for (RNNFormat format : RNNFormat.values()) {
            InputType input = InputType.recurrent(3, 4, format);
            Layer body = new LSTM.Builder().nOut(D).dataFormat(format).build();
            Layer head = new RnnOutputLayer.Builder()
                    .nOut(VOCABULARY)
                    .activation(Activation.SOFTMAX)
                    .dataFormat(format)
                    .build();
            MultiLayerNetwork chain = Models.chain(adam(), input, body, head);
            ComputationGraph graph = Models.graph(
                    adam(), input, b -> b.addLayer("h", body.clone(), "in").addLayer("out", head.clone(), "h"));
            graph.setParams(chain.params());
            INDArray x = format == RNNFormat.NCW ? Nd4j.randn(2, 3, 4) : Nd4j.randn(2, 4, 3);

            MultiLayerNetwork chainReplaced = SemanticLogits.replaceHead(chain, words());
            ComputationGraph graphReplaced = SemanticLogits.replaceHead(graph, words());

            INDArray found = chainReplaced.output(x);
            INDArray foundOfGraph = graphReplaced.outputSingle(x);
            assertEquals(found, foundOfGraph);
            INDArray states = chain.feedForward(x).get(1);
            INDArray rows = (format == RNNFormat.NCW ? states.permute(0, 2, 1) : states)
                    .dup('c')
                    .reshape(8, D);
            INDArray expected =
                    Nd4j.nn().softmax(expectedLogits(rows, chain.paramTable().get("1_W"), 4, 17, 29), 1);
            INDArray foundRows = (format == RNNFormat.NCW ? found.permute(0, 2, 1) : found)
                    .dup('c')
                    .reshape(8, 3);
            assertTrue(foundRows.equalsWithEps(expected, 1e-10));
        }
    }

    @Test
    void aHeadOfOnesOwnReplacesTheOldOne() {
        MultiLayerNetwork lm = network(
                adam(),
                new OutputLayer.Builder()
                        .nOut(VOCABULARY)
                        .activation(Activation.SOFTMAX)
                        .build());
        SemanticLogits head = new SemanticLogits.Builder()
                .bases(bases(4))
                .similarity(Similarity.EUCLIDEAN)
                .scale(3)
                .updater(new Sgd(0.5))
                .build();
        MultiLayerNetwork replaced = SemanticLogits.replaceHead(lm, head);
        SemanticLogits found = assertInstanceOf(
                SemanticLogits.class, replaced.getOutputLayer().conf().getLayer());
        assertEquals(3, found.getScale());
        assertEquals(new Sgd(0.5), found.getIUpdater());
        assertNull(head.getLayerName());
        SemanticLogits narrow = new SemanticLogits.Builder()
                .bases(SemanticBases.fromEmbedding(Nd4j.eye(2)))
                .build();
        assertMessage("its input has 5 features, its bases have 2", () -> SemanticLogits.replaceHead(lm, narrow));
    }

    @Test
    void transferLearningKeepsBases() {
        MultiLayerNetwork network =
                network(adam(), new SemanticLogits.Builder().bases(bases(4)).build());
        MultiLayerNetwork frozen = new TransferLearning.Builder(network)
                .fineTuneConfiguration(new FineTuneConfiguration.Builder()
                        .updater(new Sgd(0.1))
                        .build())
                .setFeatureExtractor(0)
                .build();
        INDArray x = Nd4j.randn(6, 3);
        assertEquals(network.output(x), frozen.output(x));
        frozen.fit(new DataSet(x, Nd4j.eye(4).get(org.nd4j.linalg.indexing.NDArrayIndex.indices(0, 1, 2, 3, 0, 1))));
        assertEquals(network.params(), frozen.params(), "nothing is left to train");
    }

    @Test
    void aTrainedScaleFindsItsWay() {
        MultiLayerNetwork network = network(
                Settings.training(new Adam(0.1)),
                new SemanticLogits.Builder(new LossSparseMCXENT())
                        .bases(bases(3))
                        .trainableScale(true)
                        .build());
        INDArray x = Nd4j.randn(3, 3);
        DataSet data = new DataSet(x, Nd4j.createFromArray(0, 1, 2).reshape(3, 1));
        for (int i = 0; i < 300; i++) {
            network.fit(data);
        }
        // Below what scale 1 can reach for three classes
        assertTrue(network.score(data) < Math.log(1 + 2 * Math.exp(-2)), () -> "score " + network.score(data));
        assertTrue(Math.exp(network.paramTable().get("1_logScale").getDouble(0)) > 2);
    }

    @Test
    void otherLossesActivationsAndClassWeightsAreTheLosssOwnAffair() {
        INDArray x = Nd4j.randn(4, 3);
        INDArray weights = Nd4j.createFromArray(1.0, 2.0, 0.5).reshape(1, 3);
        MultiLayerNetwork sparse = network(
                Settings.gradientCheck(true),
                new SemanticLogits.Builder(new LossSparseMCXENT(weights))
                        .bases(bases(3))
                        .build());
        MultiLayerNetwork dense = network(
                Settings.gradientCheck(true),
                new SemanticLogits.Builder(new LossMCXENT(weights))
                        .bases(bases(3))
                        .build());
        DataSet ids = new DataSet(x, Nd4j.createFromArray(0, 1, 2, 1).reshape(4, 1));
        DataSet oneHot = new DataSet(x, Nd4j.eye(3).get(org.nd4j.linalg.indexing.NDArrayIndex.indices(0, 1, 2, 1)));
        assertTrue(Models.gradient(sparse, ids).equalsWithEps(Models.gradient(dense, oneHot), 1e-12));
        assertEquals(dense.score(), sparse.score(), 1e-12);

        MultiLayerNetwork sigmoid = network(
                Settings.gradientCheck(true),
                new SemanticLogits.Builder(new LossBinaryXENT())
                        .activation(Activation.SIGMOID)
                        .bases(bases(3))
                        .trainableBases(true)
                        .build());
        INDArray perOutput =
                Nd4j.createFromArray(1.0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1).reshape(4, 3);
        Contracts.gradientsAgree(
                sigmoid,
                new DataSet(x, oneHot.getLabels(), null, perOutput),
                java.util.Set.of(),
                "binary cross-entropy with a mask per output");
    }

    @Test
    void dropoutIsAppliedInTrainingOnly() {
        MultiLayerNetwork network = network(
                adam(),
                new SemanticLogits.Builder(new LossSparseMCXENT())
                        .bases(bases(3))
                        .dropOut(0.5)
                        .build());
        INDArray x = Nd4j.randn(16, 3);
        assertEquals(network.output(x, false), network.output(x, false));
        assertNotEquals(network.output(x, true), network.output(x, true));
        network.fit(new DataSet(x, Nd4j.zeros(DataType.INT, 16, 1)));
        assertTrue(Double.isFinite(network.score()));
    }

    @Test
    void truncatedBackpropagationAndSingleStepsWork() {
        MultiLayerNetwork network = new MultiLayerNetwork(adam().base()
                .list()
                .layer(new LSTM.Builder().nOut(D).build())
                .layer(new RnnSemanticLogits.Builder(new LossSparseMCXENT())
                        .bases(bases(4))
                        .scale(5)
                        .trainableBases(true)
                        .build())
                .setInputType(InputType.recurrent(3))
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTLength(2)
                .build());
        network.init();
        INDArray x = Nd4j.randn(6, 3, 5);
        INDArray mask = Nd4j.ones(6, 5);
        mask.putScalar(5, 4, 0);
        INDArray ids = Nd4j.arange(30).castTo(DataType.INT32).reshape(6, 1, 5);
        ids = ids.sub(ids.div(4).mul(4));
        ids.putScalar(new int[] {5, 0, 4}, -1); // masked, so any value will do
        DataSet data = new DataSet(x, ids, mask, mask);
        double start = network.score(data);
        for (int i = 0; i < 60; i++) {
            network.fit(data);
        }
        assertTrue(network.score(data) < 0.7 * start, () -> start + " -> " + network.score(data));
        INDArray whole = network.output(x);
        network.rnnClearPreviousState();
        for (int t = 0; t < 5; t++) {
            INDArray step = network.rnnTimeStep(x.get(
                    org.nd4j.linalg.indexing.NDArrayIndex.all(),
                    org.nd4j.linalg.indexing.NDArrayIndex.all(),
                    org.nd4j.linalg.indexing.NDArrayIndex.interval(t, t + 1)));
            assertTrue(step.slice(0, 2).equalsWithEps(whole.slice(t, 2), 1e-12));
        }
    }

    @Test
    void halfPrecisionNetworksRun() {
        MultiLayerNetwork network = network(
                new Settings(DataType.HALF, true, WorkspaceMode.ENABLED, new Sgd(0.1)),
                new SemanticLogits.Builder(new LossSparseMCXENT())
                        .bases(bases(3))
                        .trainableBases(true)
                        .build());
        INDArray x = Nd4j.randn(6, 3).castTo(DataType.HALF);
        DataSet data = new DataSet(x, Nd4j.createFromArray(0, 1, 2, 0, 1, 2).reshape(6, 1));
        double start = network.score(data);
        for (int i = 0; i < 20; i++) {
            network.fit(data);
        }
        assertEquals(DataType.HALF, network.output(x).dataType());
        assertTrue(network.score(data) < start);
    }

    /** As large as GPT-2's vocabulary. */
    @Test
    @Tag("slow")
    void aLargeVocabularySurvivesSavingAndLoading(@TempDir Path folder) throws IOException {
        Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
        int vocabulary = 50_257;
        int d = 64;
        SemanticBases bases = SemanticBases.fromHead(Nd4j.randn(DataType.FLOAT, d, vocabulary));
        MultiLayerNetwork network = Models.chain(
                new Settings(DataType.FLOAT, true, WorkspaceMode.ENABLED, new Adam(1e-3)),
                InputType.recurrent(8),
                new LSTM.Builder().nOut(d).build(),
                new RnnSemanticLogits.Builder(new LossSparseMCXENT())
                        .bases(bases)
                        .build());
        INDArray x = Nd4j.randn(DataType.FLOAT, 2, 8, 5);
        INDArray ids =
                Nd4j.createFromArray(3, 50_256, 7, 0, 11, 12, 13, 14, 15, 16).reshape(2, 1, 5);
        network.fit(new DataSet(x, ids));
        File file = folder.resolve("network.zip").toFile();
        network.save(file, true);
        MultiLayerNetwork loaded = MultiLayerNetwork.load(file, true);
        assertEquals(network.output(x), loaded.output(x));
        assertEquals(bases.matrix(), loaded.paramTable().get("1_W").transpose());
        // The bases' own bytes compress little, and no updater state of theirs comes on top
        assertTrue(Files.size(file.toPath()) < 4L * vocabulary * d * 3 / 2);
    }

    /** All the memory that a training step works in stays below half of a positions × vocabulary matrix. */
    @Test
    @Tag("slow")
    void noTemporaryIsAsLargeAsPositionsTimesVocabulary() {
        Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
        int vocabulary = 50_257;
        int examples = 8;
        int steps = 128;
        for (boolean trainable : new boolean[] {false, true}) {
            Nd4j.getWorkspaceManager().destroyAllWorkspacesForCurrentThread();
            MultiLayerNetwork network = Models.chain(
                    new Settings(DataType.FLOAT, true, WorkspaceMode.ENABLED, new Sgd(0.1)),
                    InputType.recurrent(16),
                    new RnnSemanticLogits.Builder(new LossSparseMCXENT())
                            .bases(SemanticBases.fromEmbedding(Nd4j.randn(DataType.FLOAT, vocabulary, 16)))
                            .trainableBases(trainable)
                            .build());
            DataSet data = new DataSet(
                    Nd4j.randn(DataType.FLOAT, examples, 16, steps),
                    Nd4j.arange(examples * steps).castTo(DataType.INT32).reshape(examples, 1, steps));
            for (int i = 0; i < 3; i++) {
                network.fit(data);
            }
            long bytes = Nd4j.getWorkspaceManager().getAllWorkspacesForCurrentThread().stream()
                    .mapToLong(org.nd4j.linalg.api.memory.MemoryWorkspace::getCurrentSize)
                    .sum();
            long matrix = 4L * examples * steps * vocabulary;
            assertTrue(bytes > 0 && bytes < matrix / 2, bytes + " bytes beside a matrix of " + matrix);
        }
    }

    @Test
    void aFileOfBasesIsPartOfTheJsonAndItsBasesAreNot(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("labels.bases");
        bases(4).save(file);
        MultiLayerNetwork network = network(
                adam(), new SemanticLogits.Builder().basesFile(file.toString()).build());
        assertEquals(bases(4).matrix(), network.paramTable().get("1_W").transpose());
        String json = network.getLayerWiseConfigurations().toJson();
        assertTrue(json.length() < 10_000, json);
        MultiLayerNetwork fresh = new MultiLayerNetwork(MultiLayerConfiguration.fromJson(json));
        fresh.init();
        assertEquals(network.params(), fresh.params());
        Files.delete(file);
        MultiLayerNetwork lost = new MultiLayerNetwork(MultiLayerConfiguration.fromJson(json));
        assertThrows(UncheckedIOException.class, lost::init);
        lost = new MultiLayerNetwork(MultiLayerConfiguration.fromJson(json));
        lost.init(network.params(), true);
        assertEquals(network.output(Nd4j.ones(1, 3)), lost.output(Nd4j.ones(1, 3)));
    }

    @Test
    void basesThatWereNeverSetAreAnErrorThatSaysHow() {
        String json = network(
                        adam(), new SemanticLogits.Builder().bases(bases(4)).build())
                .getLayerWiseConfigurations()
                .toJson();
        MultiLayerNetwork empty = new MultiLayerNetwork(MultiLayerConfiguration.fromJson(json));
        empty.init();
        INDArray before = empty.params().dup();
        String message = assertThrows(IllegalStateException.class, () -> empty.output(Nd4j.ones(1, 3)))
                .getMessage();
        assertTrue(message.contains("the bases have not been set: give the layer's builder bases"), message);
        assertThrows(IllegalStateException.class, () -> empty.fit(new DataSet(Nd4j.ones(1, 3), Nd4j.ones(1, 4))));
        assertEquals(before, empty.params());
        empty.setParam("1_W", bases(4).matrix().transpose());
        assertEquals(4, empty.output(Nd4j.ones(1, 3)).size(1));
    }

    @Test
    void trainableBasesMayStartAtRandom() {
        MultiLayerNetwork network = network(
                adam(),
                new SemanticLogits.Builder().nOut(4).trainableBases(true).build());
        assertTrue(network.paramTable().get("1_W").norm2Number().doubleValue() > 0.1);
        assertEquals(4, network.output(Nd4j.ones(1, 3)).size(1));
    }

    @Test
    void badSettingsAreNamed() {
        SemanticLogits.Builder builder = new SemanticLogits.Builder();
        assertMessage("scale must be positive, from 1e-30 to 1e30, found 0.0", () -> builder.scale(0));
        assertMessage("scale must be positive, from 1e-30 to 1e30, found NaN", () -> builder.scale(Double.NaN));
        assertMessage("hasBias must be false", () -> builder.hasBias(true));
        assertMessage(
                "nOut must be the number of bases, 4, or be left out, found 5",
                () -> new SemanticLogits.Builder().nOut(5).bases(bases(4)).build());
        assertMessage(
                "nIn must be the features of the bases, 5, or be left out, found 6",
                () -> new RnnSemanticLogits.Builder().nIn(6).bases(bases(4)).build());
        assertMessage(
                "its input has 7 features, its bases have 5",
                () -> Models.chain(
                        adam(),
                        InputType.feedForward(7),
                        new SemanticLogits.Builder().bases(bases(4)).build()));
        MultiLayerNetwork network = network(
                adam(),
                new SemanticLogits.Builder(new LossSparseMCXENT())
                        .bases(bases(4))
                        .build());
        INDArray params = network.params().dup();
        assertMessage(
                "labels must be token ids in [0, 4), found 4 for state 1",
                () -> network.fit(
                        new DataSet(Nd4j.ones(2, 3), Nd4j.createFromArray(0, 4).reshape(2, 1))));
        assertEquals(params, network.params());
        assertFalse(network.params().isNaN().any());
    }

    private static void assertMessage(String part, Executable call) {
        String message = assertThrows(RuntimeException.class, call).getMessage();
        assertTrue(message.contains(part), message);
    }

    @Test
    void summariesAndMemoryReportsKnowTheLayer() {
        MultiLayerNetwork network =
                network(adam(), new SemanticLogits.Builder().bases(bases(4)).build());
        assertTrue(network.summary().contains("SemanticLogits"), network.summary());
        assertTrue(network.memoryInfo(8, InputType.feedForward(3)).contains("SemanticLogits"));
        assertEquals(
                List.of("W"),
                network.getOutputLayer()
                        .conf()
                        .getLayer()
                        .initializer()
                        .paramKeys(network.getOutputLayer().conf().getLayer()));
    }
}
