/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.ui;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Contracts;
import io.latent4j.contracts.Settings;
import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.CoSupervisionListener;
import io.latent4j.cosup.analysis.RetrievalEvaluation;
import io.latent4j.istar.IsoScoreStar;
import io.latent4j.it.Minibatches;
import io.latent4j.it.SmallNetworks;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.deeplearning4j.core.storage.Persistable;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.ui.model.stats.StatsListener;
import org.deeplearning4j.ui.model.storage.InMemoryStatsStorage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class LatentListenerTest {
    private static final int EPOCHS = 3;

    private static Settings settings() {
        return Settings.training(new Adam(1e-2));
    }

    private static void fit(Model model, List<MultiDataSet> batches, int epochs) {
        if (model instanceof MultiLayerNetwork network) {
            network.fit(Minibatches.single(batches), epochs);
        } else {
            ((ComputationGraph) model).fit(new Minibatches(batches), epochs);
        }
    }

    /** All parts that a network has. */
    private static LatentListener.Builder all(SmallNetworks kind, List<MultiDataSet> heldOut) {
        LatentListener.Builder builder = new LatentListener.Builder();
        return kind.isGraph()
                ? builder.isoScoreStar(new Minibatches(heldOut), kind.states())
                        .losses()
                        .retrieval(new Minibatches(heldOut), new RetrievalEvaluation(1, 2))
                : builder.isoScoreStar(Minibatches.single(heldOut), kind.states());
    }

    @ParameterizedTest
    @EnumSource
    void trainingGoesAsWithoutIt(SmallNetworks kind, @TempDir Path folder) {
        List<MultiDataSet> training = kind.batches(DataType.DOUBLE, 1, 4);
        List<MultiDataSet> heldOut = kind.batches(DataType.DOUBLE, 101, 2);
        Model alone = kind.build(settings());
        fit(alone, training, EPOCHS);

        Model watched = kind.build(settings());
        InMemoryStatsStorage storage = new InMemoryStatsStorage();
        watched.setListeners(
                new StatsListener(storage),
                all(kind, heldOut)
                        .storage(storage)
                        .csv(folder.resolve("latent.csv"))
                        .build());
        fit(watched, training, EPOCHS);

        assertEquals(alone.params(), watched.params());
        assertEquals(alone.score(), watched.score());
        assertFalse(Nd4j.getWorkspaceManager().anyWorkspaceActiveForCurrentThread());
    }

    @Test
    void recordsWhatTheModulesMeasure(@TempDir Path folder) throws IOException {
        SmallNetworks kind = SmallNetworks.COSUP_MEMORY;
        List<MultiDataSet> training = kind.batches(DataType.DOUBLE, 1, 3);
        List<MultiDataSet> heldOut = kind.batches(DataType.DOUBLE, 101, 2);
        Path csv = folder.resolve("latent.csv");
        InMemoryStatsStorage storage = new InMemoryStatsStorage();
        LatentListener latent = all(kind, heldOut)
                .csv(csv)
                .storage(storage)
                .session("a session")
                .build();
        CoSupervisionListener losses = new CoSupervisionListener(1);
        ComputationGraph graph = (ComputationGraph) kind.build(settings());
        graph.setListeners(latent, losses);
        fit(graph, training, EPOCHS);

        List<LatentReport> reports = latent.reports();
        assertEquals(
                List.of(
                        "isoScoreStar/gen",
                        "isoScoreStar/emb",
                        "nextTokenLoss",
                        "nextSequenceLoss",
                        "recallAt1",
                        "recallAt2",
                        "meanReciprocalRank"),
                List.copyOf(reports.get(0).values().keySet()));
        assertEquals(
                List.of(0, 1, 2, 3), reports.stream().map(LatentReport::epoch).toList());
        assertEquals(
                List.of(0, 3, 6, 9),
                reports.stream().map(LatentReport::iteration).toList());

        // Losses: means over the epoch's minibatches
        assertEquals(Double.NaN, reports.get(0).values().get("nextTokenLoss"));
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            int of = epoch;
            List<CoSupervision.Losses> parts = losses.entries().stream()
                    .filter(entry -> entry.epoch() == of)
                    .map(CoSupervisionListener.Entry::losses)
                    .toList();
            assertEquals(3, parts.size());
            Map<String, Double> values = reports.get(epoch + 1).values();
            assertEquals(
                    parts.stream()
                            .mapToDouble(CoSupervision.Losses::nextToken)
                            .average()
                            .orElseThrow(),
                    values.get("nextTokenLoss"),
                    1e-12);
            assertEquals(
                    parts.stream()
                            .mapToDouble(CoSupervision.Losses::nextSequence)
                            .average()
                            .orElseThrow(),
                    values.get("nextSequenceLoss"),
                    1e-12);
        }

        // Retrieval: what DL4J's own evaluation of the trained graph says
        RetrievalEvaluation retrieval = new RetrievalEvaluation(1, 2).memorySize(16);
        graph.evaluate(new Minibatches(heldOut), Map.of(1, new IEvaluation<?>[] {retrieval}));
        Map<String, Double> last = reports.get(EPOCHS).values();
        assertEquals(8, retrieval.metrics().queries());
        assertEquals(retrieval.metrics().recallAt(1), last.get("recallAt1"));
        assertEquals(retrieval.metrics().recallAt(2), last.get("recallAt2"));
        assertEquals(retrieval.metrics().meanReciprocalRank(), last.get("meanReciprocalRank"));

        // The file holds the same, with every digit
        try (CSVParser lines = CSVParser.parse(
                csv,
                StandardCharsets.UTF_8,
                CSVFormat.RFC4180
                        .builder()
                        .setHeader()
                        .setSkipHeaderRecord(true)
                        .build())) {
            List<CSVRecord> rows = lines.getRecords();
            assertEquals(EPOCHS + 1, rows.size());
            for (int i = 0; i < rows.size(); i++) {
                CSVRecord row = rows.get(i);
                assertEquals("a session", row.get("session"));
                assertEquals(i, Integer.parseInt(row.get("epoch")));
                assertEquals(3 * i, Integer.parseInt(row.get("iteration")));
                reports.get(i)
                        .values()
                        .forEach((name, value) -> assertEquals(value, Double.parseDouble(row.get(name))));
            }
        }

        // So does the storage
        String worker = reports.get(0).getWorkerID();
        assertEquals(List.of("a session"), storage.listSessionIDs());
        assertEquals(List.of(LatentReport.TYPE_ID), storage.listTypeIDsForSession("a session"));
        assertEquals(reports, storage.getAllUpdatesAfter("a session", LatentReport.TYPE_ID, worker, 0));
        assertEquals(
                LatentReport.class.getName(),
                storage.getStorageMetaData("a session", LatentReport.TYPE_ID).getUpdateTypeClass());
    }

    @Test
    void isoScoreStarIsOverTheUnmaskedStates() {
        SmallNetworks kind = SmallNetworks.COSUP;
        MultiDataSet heldOut = kind.batch(DataType.DOUBLE, 101);
        LatentListener latent =
                new LatentListener.Builder().isoScoreStar(heldOut, "gen").build();
        ComputationGraph graph = (ComputationGraph) kind.build(settings());
        graph.setListeners(latent);
        fit(graph, kind.batches(DataType.DOUBLE, 1, 2), 1);

        graph.setLayerMaskArrays(heldOut.getFeaturesMaskArrays(), null);
        var states = graph.feedForward(heldOut.getFeatures(), false)
                .get("gen")
                .permute(0, 2, 1)
                .dup('c')
                .reshape(24, 8);
        graph.clearLayerMaskArrays();
        // The last step of the last text is padded
        assertEquals(
                IsoScoreStar.of(states.get(NDArrayIndex.interval(0, 23), NDArrayIndex.all())),
                latent.reports().get(1).values().get("isoScoreStar/gen"),
                1e-9);
    }

    @Test
    void worksWithTruncatedBackpropagationAndWithoutWorkspaces() {
        for (WorkspaceMode mode : WorkspaceMode.values()) {
            List<MultiLayerNetwork> networks = new ArrayList<>();
            LatentListener latent = null;
            Nd4j.getRandom().setSeed(3);
            DataSet data = new DataSet(Nd4j.randn(DataType.DOUBLE, 4, 3, 6), Nd4j.rand(DataType.DOUBLE, 4, 2, 6));
            for (boolean watched : new boolean[] {false, true}) {
                MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                        .seed(1)
                        .dataType(DataType.DOUBLE)
                        .updater(new Adam(1e-2))
                        .trainingWorkspaceMode(mode)
                        .inferenceWorkspaceMode(mode)
                        .list()
                        .layer(new LSTM.Builder().nIn(3).nOut(4).build())
                        .layer(new RnnOutputLayer.Builder(LossFunction.MSE)
                                .activation(Activation.IDENTITY)
                                .nIn(4)
                                .nOut(2)
                                .build())
                        .backpropType(BackpropType.TruncatedBPTT)
                        .tBPTTLength(2)
                        .build());
                network.init();
                if (watched) {
                    latent = new LatentListener.Builder()
                            .isoScoreStar(data, "layer0")
                            .build();
                    network.setListeners(latent);
                }
                network.fit(Minibatches.single(List.of(data.toMultiDataSet())), EPOCHS);
                networks.add(network);
            }
            assertEquals(networks.get(0).params(), networks.get(1).params());
            assertEquals(EPOCHS + 1, latent.reports().size());
            assertTrue(
                    latent.reports().stream().allMatch(report -> report.values().get("isoScoreStar/layer0") > 0));
        }
    }

    @Test
    void appendsToItsOwnFilesOnly(@TempDir Path folder) throws IOException {
        Path csv = folder.resolve("latent.csv");
        SmallNetworks kind = SmallNetworks.ISTAR;
        for (String session : new String[] {"first", "second, with a comma"}) {
            Model network = kind.build(settings());
            network.setListeners(all(kind, kind.batches(DataType.DOUBLE, 101, 2))
                    .csv(csv)
                    .session(session)
                    .build());
            fit(network, kind.batches(DataType.DOUBLE, 1, 2), 1);
        }
        List<String> lines = Files.readAllLines(csv);
        assertEquals("session,epoch,iteration,isoScoreStar/states", lines.get(0));
        assertEquals(5, lines.size());
        assertTrue(lines.get(2).startsWith("first,1,2,0."), lines.get(2));
        assertTrue(lines.get(4).startsWith("\"second, with a comma\",1,2,0."), lines.get(4));

        LatentListener.Builder other = new LatentListener.Builder().losses().csv(csv);
        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, other::build);
        assertEquals(
                "csv " + csv
                        + " must have the header [session, epoch, iteration, nextTokenLoss, nextSequenceLoss] to be"
                        + " appended to, found [session, epoch, iteration, isoScoreStar/states]",
                refused.getMessage());
        assertEquals(lines, Files.readAllLines(csv));
    }

    @Test
    void whatDoesNotFitIsRefusedBeforeTraining() {
        LatentListener.Builder empty = new LatentListener.Builder();
        assertThrows(IllegalArgumentException.class, empty::build);
        MultiDataSet heldOut = SmallNetworks.ISTAR.batch(DataType.DOUBLE, 101);
        assertThrows(IllegalArgumentException.class, () -> empty.isoScoreStar(heldOut));
        for (TrainingListener listener : List.of(
                new LatentListener.Builder().losses().build(),
                new LatentListener.Builder()
                        .retrieval(new Minibatches(List.of(heldOut)), new RetrievalEvaluation())
                        .build(),
                new LatentListener.Builder()
                        .isoScoreStar(Minibatches.single(List.of(heldOut)), "no such layer")
                        .build())) {
            Model network = SmallNetworks.ISTAR.build(settings());
            var before = network.params().dup();
            network.setListeners(listener);
            List<MultiDataSet> training = SmallNetworks.ISTAR.batches(DataType.DOUBLE, 1, 2);
            IllegalArgumentException refused =
                    assertThrows(IllegalArgumentException.class, () -> fit(network, training, 1));
            assertTrue(
                    refused.getMessage().contains("CoSupervision")
                            || refused.getMessage().contains("no such layer"),
                    refused.getMessage());
            assertEquals(before, network.params());
        }
    }

    @Test
    void aReportIsReadBack() throws IOException {
        Map<String, Double> values = new LinkedHashMap<>();
        values.put("isoScoreStar/größe", 0.1 + 0.2);
        values.put("nextTokenLoss", Double.NaN);
        values.put("recallAt1", Double.POSITIVE_INFINITY);
        LatentReport report = new LatentReport("session", "worker", 123456789012L, 4, 56, values);
        LatentReport decoded = new LatentReport();
        decoded.decode(report.encode());
        assertEquals(report, decoded);
        assertEquals(List.copyOf(values.keySet()), List.copyOf(decoded.values().keySet()));
        assertEquals(report, Contracts.javaSerialized(report));

        ByteBuffer buffer = ByteBuffer.allocate(report.encodingLengthBytes());
        report.encode(buffer);
        assertFalse(buffer.hasRemaining());
        buffer.flip();
        LatentReport fromBuffer = new LatentReport();
        fromBuffer.decode(buffer);
        assertEquals(report, fromBuffer);

        LatentReport unchanged = new LatentReport();
        byte[] cut = Arrays.copyOf(report.encode(), 20);
        assertThrows(UncheckedIOException.class, () -> unchanged.decode(cut));
        assertEquals(new LatentReport(), unchanged);
        assertArrayEquals(report.encode(), decoded.encode());
    }

    /** Epochs may be shorter than the clock's tick; storages would keep the last one only. */
    @Test
    void everyEpochHasItsOwnTime() {
        InMemoryStatsStorage storage = new InMemoryStatsStorage();
        SmallNetworks kind = SmallNetworks.ISTAR;
        LatentListener latent = all(kind, kind.batches(DataType.DOUBLE, 101, 1))
                .storage(storage)
                .build();
        Model network = kind.build(settings());
        IntStream.range(0, 50).forEach(i -> latent.onEpochEnd(network));
        List<Persistable> updates = storage.getAllUpdatesAfter(
                latent.session(), LatentReport.TYPE_ID, latent.reports().get(0).getWorkerID(), 0);
        assertEquals(latent.reports(), updates);
        assertEquals(50, updates.size());
        assertNull(storage.getStaticInfo("another session", LatentReport.TYPE_ID, ""));
    }
}
