/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.samediff;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.Similarity;
import io.latent4j.cosup.generation.SameDiffLanguageModel;
import io.latent4j.cosup.samediff.CoSupervisionGraphs;
import io.latent4j.cosup.samediff.CoSupervisionLoss;
import io.latent4j.istar.samediff.IStarLoss;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.samediff.CalibrationModule;
import io.latent4j.vocabsem.samediff.SemanticGraphs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.samediff.frameworkimport.tensorflow.importer.TensorflowFrameworkImporter;

/** A frozen TensorFlow graph, imported, trains with the three methods; and what DL4J's importers get wrong. */
class TensorflowImportTest {
    private static final int V = TensorflowLm.V;
    private static final int D = TensorflowLm.D;
    private static final int T = TensorflowLm.T;
    /** No token twice in a text, nor in both. */
    private static final int[][] TOKENS = {{1, 4, 0, 9, 10, 3}, {2, 8, 5, 7, 6, 6}};

    private static final List<String> WEIGHTS = List.of(
            "query/kernel",
            "key/kernel",
            "value/kernel",
            "up/kernel",
            "up/bias",
            "down/kernel",
            "norm/gain",
            "norm/bias",
            "position");

    private final TensorflowLm lm = new TensorflowLm(3);

    @TempDir
    private Path folder;

    private Path file = Path.of("");

    @BeforeEach
    void write() throws Exception {
        file = Files.write(folder.resolve("model.pb"), lm.graph(true).toByteArray());
    }

    /** The older importer leaves its notes in the working directory. */
    @AfterEach
    void tidy() throws IOException {
        for (String notes : List.of("ops-added", "ops-imported", "ops-removed", "variables-added")) {
            Files.deleteIfExists(Path.of(notes + "-old.txt"));
        }
    }

    /** As DL4J imports it, with all weights trainable but the embedding. */
    private SameDiff imported() {
        SameDiff graph = SameDiff.importFrozenTF(file.toFile());
        graph.convertToVariables(WEIGHTS.stream().map(graph::getVariable).toList());
        return graph;
    }

    private static Map<String, INDArray> tokens() {
        return Map.of("tokens", Nd4j.createFromArray(TOKENS));
    }

    @Test
    void importedGraphComputesTheSame() {
        Map<String, INDArray> found = imported().output(tokens(), "hidden", "states", "logits");
        for (int n = 0; n < TOKENS.length; n++) {
            double[][][] expected = lm.outputs(TOKENS[n]);
            for (int t = 0; t < T; t++) {
                int row = n * T + t;
                assertArrayEquals(expected[0][t], row(found.get("hidden"), row, D), 1e-5);
                assertArrayEquals(expected[1][t], row(found.get("states"), row, D), 1e-5);
                assertArrayEquals(expected[2][t], row(found.get("logits"), row, V), 1e-5);
            }
        }
    }

    private static double[] row(INDArray array, int row, int width) {
        return array.reshape(-1, width).getRow(row).castTo(DataType.DOUBLE).toDoubleVector();
    }

    // ---- training --------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(doubles = {-2, 2})
    void isotropyTrains(double lambda) {
        SameDiff graph = imported();
        IStarLoss istar = new IStarLoss.Builder()
                .lambda(lambda)
                .add(graph.getVariable("hidden"), RNNFormat.NWC)
                .build();
        istar.isoScoreStar("isotropy");
        istar.penalty("penalty");
        SDVariable next = graph.placeHolder("next", DataType.INT32, -1, 1, T);
        CoSupervisionGraphs.nextToken("next_token", graph.getVariable("logits"), next, null)
                .add("loss", graph.getVariable("penalty"));
        train(graph, 15, List.of("tokens"), List.of("next"), tokens().get("tokens"), NEXT);
        double before = imported("isotropy", lambda);
        double after = graph.output(tokens(), "isotropy").get("isotropy").getDouble(0);
        assertTrue(lambda > 0 ? after > before + 0.02 : after < before - 0.02, after + " after " + before);
    }

    private static final INDArray NEXT =
            Nd4j.createFromArray(new int[][][] {{{4, 0, 9, 10, 3, 1}}, {{8, 5, 7, 6, 6, 2}}});

    private double imported(String isotropy, double lambda) {
        SameDiff graph = imported();
        new IStarLoss.Builder()
                .lambda(lambda)
                .add(graph.getVariable("hidden"), RNNFormat.NWC)
                .build()
                .isoScoreStar(isotropy);
        return graph.output(tokens(), isotropy).get(isotropy).getDouble(0);
    }

    @Test
    void semanticLogitsTrain() {
        SameDiff graph = imported();
        INDArray head = graph.getVariable("embedding").getArr();
        SemanticBases bases = SemanticBases.fromHeadRows(head);
        SDVariable mask = graph.constant("mask", Nd4j.ones(DataType.FLOAT, 2, T));
        SDVariable states = CoSupervisionGraphs.pool("prompts", graph.getVariable("states"), mask, Pooling.LAST);
        Nd4j.getRandom().setSeed(1);
        SDVariable calibrated =
                new CalibrationModule.Builder(graph, "clustering", D).build().calibrate("calibrated", states);
        SDVariable logits = SemanticGraphs.logits(
                "semantic",
                calibrated,
                graph.constant("bases", bases.matrix()),
                io.latent4j.vocabsem.Similarity.COSINE,
                10);
        SemanticGraphs.crossEntropy("loss", logits, graph.placeHolder("labels", DataType.INT32, -1), null);
        INDArray labels = Nd4j.createFromArray(7, 2);
        Map<String, INDArray> inputs = Map.of("tokens", tokens().get("tokens"), "labels", labels);
        double before = graph.output(inputs, "loss").get("loss").getDouble(0);
        train(graph, 40, List.of("tokens"), List.of("labels"), tokens().get("tokens"), labels);
        double after = graph.output(inputs, "loss").get("loss").getDouble(0);
        assertTrue(after < 0.5 * before, after + " after " + before);
    }

    @Test
    void coSupervisionTrainsASharedTower() {
        SameDiff graph = imported();
        // One tower reads texts and passages: the passages are the last rows of the batch
        SDVariable states = graph.getVariable("states");
        SDVariable isText = graph.constant("is_text", Nd4j.createFromArray(new int[] {0, 1, 2, 3, 4, 5}));
        SDVariable ends = graph.constant("ends", Nd4j.createFromArray(new int[] {2 * T - 1, 3 * T - 1}));
        SDVariable rows = states.reshape(-1, D);
        new CoSupervisionLoss.Builder("loss")
                .tokens(
                        CoSupervisionGraphs.select("text_logits", graph.getVariable("logits"), isText),
                        graph.placeHolder("next", DataType.INT32, -1, 1, T),
                        null)
                .sequences(
                        CoSupervisionGraphs.select("text_states", rows, isText),
                        CoSupervisionGraphs.select("keys", rows, ends),
                        graph.placeHolder("positives", DataType.INT32, -1, -1, T),
                        null)
                .lossWeight(1)
                .contrast(new Contrast(Similarity.COSINE, 0.2, false))
                .build();
        INDArray three = Nd4j.createFromArray(new int[][] {TOKENS[0], TOKENS[1], {5, 6, 7, 8, 9, 2}});
        INDArray next = Nd4j.createFromArray(new int[][][] {{{4, 0, 9, 10, 3, 1}}});
        INDArray positives = Nd4j.createFromArray(new int[][][] {{{-1, -1, 1, -1, -1, 0}}});
        Map<String, INDArray> inputs = Map.of("tokens", three, "next", next, "positives", positives);
        Map<String, INDArray> before = graph.output(inputs, "loss_nextToken", "loss_nextSequence");
        train(graph, 25, List.of("tokens"), List.of("next", "positives"), three, next, positives);
        Map<String, INDArray> after = graph.output(inputs, "loss_nextToken", "loss_nextSequence");
        for (String part : before.keySet()) {
            assertTrue(
                    after.get(part).getDouble(0) < 0.7 * before.get(part).getDouble(0),
                    () -> part + ": " + after.get(part) + " after " + before.get(part));
        }

        graph.reshape("text_scores", graph.getVariable("logits"), -1, T, V);
        SameDiffLanguageModel model = SameDiffLanguageModel.builder(graph, "tokens", "text_scores", "states")
                .build();
        INDArray expected = graph.output(tokens(), "states").get("states");
        INDArray found = model.append(TOKENS[0]).state();
        assertArrayEquals(row(expected, T - 1, D), row(found, 0, D), 1e-5);
    }

    private static void train(
            SameDiff graph, int steps, List<String> features, List<String> labels, INDArray... arrays) {
        graph.setLossVariables("loss");
        graph.setTrainingConfig(TrainingConfig.builder()
                .updater(new Adam(0.02))
                .dataSetFeatureMapping(features.toArray(String[]::new))
                .dataSetLabelMapping(labels.toArray(String[]::new))
                .build());
        MultiDataSet batch = new MultiDataSet(
                Arrays.copyOf(arrays, features.size()), Arrays.copyOfRange(arrays, features.size(), arrays.length));
        graph.fit(new SingletonMultiDataSetIterator(batch), steps);
    }

    // ---- what does not work ----------------------------------------------------------------------------------------

    /** SameDiff's gradient of a look-up keeps only one of the rows' shares: leave an imported embedding constant. */
    @Test
    void gradientOfALookUpIsWrongForRepeatedTokens() {
        SameDiff graph = imported();
        graph.convertToVariable(graph.getVariable("embedding"));
        graph.getVariable("embedded").sum().markAsLoss();
        graph.setLossVariables(graph.getLossVariables().get(0));
        INDArray gradient = graph.calculateGradients(tokens(), "embedding").get("embedding");
        assertEquals(1, gradient.getDouble(4, 0), 1e-6);
        assertEquals(1, gradient.getDouble(6, 0), 1e-6, "token 6 stands twice: 2 is right");
    }

    @Test
    void theOlderImporterLosesTheDepthOfOneHot() throws Exception {
        Files.write(file, lm.graph(false).toByteArray());
        SameDiff graph = imported();
        String message = assertThrows(RuntimeException.class, () -> graph.output(tokens(), "logits"))
                .getMessage();
        assertTrue(message.startsWith("Op onehot with name one_hot failed to execute"), message);
    }

    /** M2.1's newer importer is silently wrong: products of batches start from what is in memory, softmax is over rows. */
    @Test
    @Tag("slow") // it scans the class path
    void theNewerImporterMistakesBatchedProductsAndSoftmax() {
        SameDiff graph = new TensorflowFrameworkImporter().runImport(file.toString(), Map.of(), true);
        DynamicCustomOp product = (DynamicCustomOp) graph.getOpById("scores");
        assertArrayEquals(new double[] {1, 1}, product.tArgs(), "alpha and beta; beta = 0 is right");
        DynamicCustomOp softmax = (DynamicCustomOp) graph.getOpById("attention");
        assertArrayEquals(new long[] {1}, softmax.iArgs(), "dimension; -1 (or 2) is right");
        assertArrayEquals(new long[] {1, T}, graph.getVariable("tokens").getShape(), "the batch was of any size");
        assertArrayEquals(new long[] {-1, T}, imported().getVariable("tokens").getShape());
    }
}
