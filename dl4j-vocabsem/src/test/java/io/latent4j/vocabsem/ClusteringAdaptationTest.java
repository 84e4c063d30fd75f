/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.vocabsem.ClusteringAdaptation.Objective;
import io.latent4j.vocabsem.ClusteringAdaptation.Progress;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class ClusteringAdaptationTest {
    private static final int VOCABULARY = 12;
    private static final int WIDTH = 32;
    private static final LabelWords LABELS =
            LabelWords.builder().label("a", 3).label("b", 7).label("c", 10).build();

    /** Kinds of language model, of random weights: their states tell the last tokens all the same. */
    enum Kind {
        RECURRENT,
        RECURRENT_NWC,
        FOLDED,
        FLAT,
        GRAPH_RECURRENT,
        GRAPH_FOLDED,
        GRAPH_FLAT;

        boolean isFlat() {
            return this == FLAT || this == GRAPH_FLAT;
        }

        RNNFormat format() {
            return this == RECURRENT_NWC ? RNNFormat.NWC : RNNFormat.NCW;
        }

        Model model(DataType type) {
            Settings settings = new Settings(type, true, WorkspaceMode.ENABLED, new Adam(1e-3));
            InputType input =
                    isFlat() ? InputType.feedForward(VOCABULARY) : InputType.recurrent(VOCABULARY, 6, format());
            LSTM lstm = new LSTM.Builder().nOut(WIDTH).dataFormat(format()).build();
            DenseLayer dense = new DenseLayer.Builder().nOut(WIDTH).build();
            RnnOutputLayer head = new RnnOutputLayer.Builder(LossFunction.MCXENT)
                    .nOut(VOCABULARY)
                    .activation(Activation.SOFTMAX)
                    .dataFormat(format())
                    .build();
            OutputLayer flatHead = new OutputLayer.Builder(LossFunction.MCXENT)
                    .nOut(VOCABULARY)
                    .activation(Activation.SOFTMAX)
                    .build();
            return switch (this) {
                case RECURRENT, RECURRENT_NWC -> Models.chain(settings, input, lstm, head);
                case FOLDED -> Models.chain(settings, input, lstm, dense, head);
                case FLAT -> Models.chain(settings, input, dense, flatHead);
                case GRAPH_RECURRENT ->
                    Models.graph(
                            settings, input, b -> b.addLayer("h", lstm, "in").addLayer("out", head, "h"));
                case GRAPH_FOLDED ->
                    Models.graph(settings, input, b -> b.addLayer("h", lstm, "in")
                            .addLayer("clustering", dense, "h") // a name that the new layer must not take
                            .addLayer("out", head, "clustering"));
                case GRAPH_FLAT ->
                    Models.graph(
                            settings, input, b -> b.addLayer("h", dense, "in").addLayer("out", flatHead, "h"));
            };
        }

        /** Texts of 3 to 6 tokens; the last one, which is one of three, is the class. */
        DataSetIterator data(DataType type, int examples, int seed) {
            Random random = new Random(seed);
            List<DataSet> list = new ArrayList<>();
            for (int from = 0; from < examples; from += 16) {
                INDArray features = Nd4j.zeros(type, 16, VOCABULARY, 6);
                INDArray mask = Nd4j.zeros(type, 16, 6);
                INDArray labels = Nd4j.zeros(type, 16, 3);
                for (int i = 0; i < 16; i++) {
                    int length = 3 + random.nextInt(4);
                    int token = 0;
                    for (int t = 0; t < 6; t++) {
                        if (t < length) {
                            token = t == length - 1 ? random.nextInt(3) : random.nextInt(VOCABULARY);
                        }
                        mask.putScalar(i, t, t < length ? 1 : 0);
                        // Padding holds tokens too: the state must not come from there
                        features.putScalar(new int[] {i, t < length ? token : random.nextInt(VOCABULARY), t}, 1);
                    }
                    labels.putScalar(i, token, 1);
                    if (isFlat()) {
                        features.putScalar(new int[] {i, token, 0}, 2);
                    }
                }
                if (isFlat()) {
                    list.add(new DataSet(features.tensorAlongDimension(0, 0, 1).dup(), labels));
                } else {
                    INDArray ordered = format() == RNNFormat.NWC
                            ? features.permute(0, 2, 1).dup('c')
                            : features;
                    list.add(new DataSet(ordered, labels, mask, null));
                }
            }
            return new ExistingDataSetIterator(list);
        }
    }

    private static ClusteringAdaptation.Builder quick() {
        return new ClusteringAdaptation.Builder()
                .epochs(25)
                .batchSize(32)
                .updater(new Adam(1e-2))
                // So narrow a bottleneck would otherwise start with all units silent for many states
                .module(new NeuralClustering.Builder().initialIdentity(true))
                .scale(10);
    }

    private static Model adapt(ClusteringAdaptation adaptation, Model model, DataSetIterator data) {
        return model instanceof MultiLayerNetwork network
                ? adaptation.adapt(network, data, LABELS)
                : adaptation.adapt((ComputationGraph) model, data, LABELS);
    }

    private static double accuracy(Model model, DataSetIterator data) {
        data.reset();
        int right = 0;
        int all = 0;
        while (data.hasNext()) {
            DataSet batch = data.next();
            INDArray found = Models.output(model, batch, false).argMax(1);
            INDArray expected = batch.getLabels().argMax(1);
            right += found.eq(expected).castTo(DataType.INT32).sumNumber().intValue();
            all += batch.numExamples();
        }
        return (double) right / all;
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void frozenModelLearnsTheTask(Kind kind, @TempDir Path folder) throws Exception {
        Model model = kind.model(DataType.FLOAT);
        INDArray before = model.params().dup();
        Model adapted = adapt(quick().build(), model, kind.data(DataType.FLOAT, 160, 1));
        DataSetIterator test = kind.data(DataType.FLOAT, 96, 2);
        double accuracy = accuracy(adapted, test);
        assertTrue(accuracy > 0.85, () -> "accuracy " + accuracy);

        assertEquals(before, model.params(), "the given model must not change");
        assertTrue(Models.updaterState(adapted) != null);
        adapted.paramTable().forEach((key, value) -> {
            if (model.paramTable().containsKey(key) && !key.endsWith("out_W") && !isHead(model, key)) {
                assertEquals(model.paramTable().get(key), value, key + " of the body must be as before");
            }
        });
        Object bodyLayer = adapted instanceof MultiLayerNetwork network
                ? network.getLayer(0)
                : ((ComputationGraph) adapted).getLayer("h");
        assertInstanceOf(FrozenLayer.class, bodyLayer);
        Object given = model instanceof MultiLayerNetwork network
                ? network.getLayer(0)
                : ((ComputationGraph) model).getLayer("h");
        assertTrue(!(given instanceof FrozenLayer));

        // An ordinary network: it is saved, read back and trained on
        File file = folder.resolve("adapted.zip").toFile();
        org.deeplearning4j.util.ModelSerializer.writeModel(adapted, file, true);
        Model loaded = Models.load(adapted, file);
        test.reset();
        DataSet batch = test.next();
        assertEquals(Models.output(adapted, batch, false), Models.output(loaded, batch, false));
        INDArray params = loaded.params().dup();
        DataSet sparse = new DataSet(
                batch.getFeatures(),
                batch.getLabels().argMax(1).castTo(DataType.INT32).reshape(16, 1),
                batch.getFeaturesMaskArray(),
                null);
        Models.fit(loaded, sparse);
        assertNotEquals(params, loaded.params());
        loaded.paramTable().forEach((key, value) -> {
            if (!key.contains("Wdown") && !key.contains("Wup") && !key.contains("Whidden") && !key.contains("Wout")) {
                assertEquals(adapted.paramTable().get(key), value, key + " is frozen");
            }
        });
    }

    private static boolean isHead(Model model, String key) {
        return model instanceof MultiLayerNetwork network && key.startsWith((network.getnLayers() - 1) + "_");
    }

    @Test
    void statesAreThoseOfTheLastRealToken() {
        MultiLayerNetwork model = (MultiLayerNetwork) Kind.RECURRENT.model(DataType.DOUBLE);
        DataSetIterator data = Kind.RECURRENT.data(DataType.DOUBLE, 16, 1);
        MultiLayerNetwork adapted = quick().epochs(1).build().adapt(model, data, LABELS);
        data.reset();
        DataSet batch = data.next();
        INDArray pooled = adapted.feedForward(batch.getFeatures(), batch.getFeaturesMaskArray(), null)
                .get(2);
        for (int i = 0; i < 16; i++) {
            int length = batch.getFeaturesMaskArray().getRow(i).sumNumber().intValue();
            INDArray text = batch.getFeatures()
                    .get(
                            org.nd4j.linalg.indexing.NDArrayIndex.interval(i, i + 1),
                            org.nd4j.linalg.indexing.NDArrayIndex.all(),
                            org.nd4j.linalg.indexing.NDArrayIndex.interval(0, length))
                    .dup();
            INDArray expected = model.feedForward(text).get(1).tensorAlongDimension(length - 1, 0, 1);
            assertTrue(expected.reshape(WIDTH).equalsWithEps(pooled.getRow(i), 1e-12));
        }
    }

    @ParameterizedTest
    @EnumSource(Objective.class)
    void bothObjectivesMoveStatesToTheirBases(Objective objective) {
        List<Progress> epochs = new ArrayList<>();
        Model model = Kind.FLAT.model(DataType.FLOAT);
        Model adapted = adapt(
                quick().objective(objective)
                        .validation(Kind.FLAT.data(DataType.FLOAT, 48, 2))
                        .progress(epochs::add)
                        .build(),
                model,
                Kind.FLAT.data(DataType.FLOAT, 160, 1));
        assertEquals(25, epochs.size());
        Progress first = epochs.get(0);
        Progress last = epochs.get(24);
        assertEquals(1, first.epoch());
        assertEquals(25, last.epoch());
        // 0.55 to 0.73 with 8 seeds and either objective, as the first epoch learns already
        assertTrue(last.trainingLoss() < 0.85 * first.trainingLoss(), () -> first + " " + last);
        assertTrue(Double.isFinite(last.validationLoss()));
        assertTrue(last.validationAccuracy() >= first.validationAccuracy(), () -> first + " " + last);
        assertEquals(accuracy(adapted, Kind.FLAT.data(DataType.FLOAT, 48, 2)), last.validationAccuracy(), 1e-9);
        assertTrue(last.validationAccuracy() > 0.7, last::toString);
    }

    @Test
    void statesOnDiskGiveTheSameNetwork(@TempDir Path folder) throws Exception {
        ClusteringAdaptation.Builder options = quick().epochs(3);
        Model inMemory = adapt(
                options.build(), Kind.RECURRENT.model(DataType.FLOAT), Kind.RECURRENT.data(DataType.FLOAT, 64, 1));
        Model onDisk = adapt(
                options.cacheMemory(0).cacheDirectory(folder).build(),
                Kind.RECURRENT.model(DataType.FLOAT),
                Kind.RECURRENT.data(DataType.FLOAT, 64, 1));
        assertEquals(inMemory.params(), onDisk.params());
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(0, left.count(), "the file goes with the cache");
        }
    }

    @Test
    void cacheGivesBackWhatWasPutIn(@TempDir Path folder) throws Exception {
        for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
            int d = 3000; // 349 or 174 rows per segment
            try (StateCache cache = new StateCache(d, type, 1 << 23, folder)) {
                Nd4j.getRandom().setSeed(1);
                INDArray states = Nd4j.rand(type, 1500, d);
                int[] labels = new Random(1).ints(1500, 0, 9).toArray();
                for (int from = 0; from < 1500; from += 500) {
                    cache.add(
                            states.get(org.nd4j.linalg.indexing.NDArrayIndex.interval(from, from + 500)),
                            java.util.Arrays.copyOfRange(labels, from, from + 500));
                }
                assertEquals(1500, cache.size());
                assertTrue(cache.fileBytes() > 0);
                int[] drawn = {1499, 0, 700, 349, 348, 174, 173, 700};
                INDArray found = cache.states(drawn);
                for (int i = 0; i < drawn.length; i++) {
                    assertEquals(states.getRow(drawn[i]), found.getRow(i));
                    assertEquals(labels[drawn[i]], cache.labels(drawn).getInt(i, 0));
                }
            }
        }
    }

    @Test
    void sameSeedSameNetworkAndCallbacksAreCalled() {
        AtomicInteger updates = new AtomicInteger();
        ClusteringAdaptation adaptation = quick().epochs(3)
                .listeners(new BaseTrainingListener() {
                    @Override
                    public void iterationDone(Model model, int iteration, int epoch) {
                        updates.incrementAndGet();
                    }
                })
                .build();
        Model model = Kind.FLAT.model(DataType.FLOAT);
        Model one = adapt(adaptation, model, Kind.FLAT.data(DataType.FLOAT, 80, 1));
        Model two = adapt(adaptation, model, Kind.FLAT.data(DataType.FLOAT, 80, 1));
        assertEquals(one.params(), two.params());
        assertEquals(2 * 3 * 3, updates.get(), "batches of 32, 32 and 16");
        Model other = adapt(quick().epochs(3).seed(2).build(), model, Kind.FLAT.data(DataType.FLOAT, 80, 1));
        assertNotEquals(one.params(), other.params());
    }

    @Test
    void earlyStoppingKeepsTheBestModule() {
        List<Progress> epochs = new ArrayList<>();
        // Labels that nothing tells: the validation loss soon rises
        DataSetIterator noise = Kind.FLAT.data(DataType.FLOAT, 48, 2);
        List<DataSet> shuffled = new ArrayList<>();
        while (noise.hasNext()) {
            DataSet batch = noise.next();
            INDArray labels = Nd4j.zeros(DataType.FLOAT, 16, 3);
            for (int i = 0; i < 16; i++) {
                labels.putScalar(i, (i * 7 + 1) % 3, 1);
            }
            shuffled.add(new DataSet(batch.getFeatures(), labels));
        }
        DataSetIterator validation = new ExistingDataSetIterator(shuffled);
        ClusteringAdaptation adaptation =
                quick().validation(validation).patience(4).progress(epochs::add).build();
        Model adapted = adapt(adaptation, Kind.FLAT.model(DataType.FLOAT), Kind.FLAT.data(DataType.FLOAT, 160, 1));
        assertTrue(epochs.size() < 25, () -> "epochs " + epochs.size());
        Progress best = epochs.get(epochs.size() - 5);
        for (Progress epoch : epochs) {
            assertTrue(best.validationLoss() <= epoch.validationLoss());
        }
        assertEquals(best.validationAccuracy(), accuracy(adapted, validation), 1e-9);
    }

    @Test
    void halfPrecisionModelsAreTrainedInFloat() {
        Model model = Kind.FLAT.model(DataType.FLOAT);
        MultiLayerNetwork half = ((MultiLayerNetwork) model).convertDataType(DataType.FLOAT16);
        MultiLayerNetwork adapted = quick().build().adapt(half, Kind.FLAT.data(DataType.FLOAT16, 160, 1), LABELS);
        assertEquals(DataType.FLOAT16, adapted.params().dataType());
        assertTrue(accuracy(adapted, Kind.FLAT.data(DataType.FLOAT16, 48, 2)) > 0.8);
    }

    @Test
    void theShortWayIsThePaper() {
        MultiLayerNetwork model = (MultiLayerNetwork) Kind.FLAT.model(DataType.FLOAT);
        MultiLayerNetwork expected =
                new ClusteringAdaptation.Builder().build().adapt(model, Kind.FLAT.data(DataType.FLOAT, 32, 1), LABELS);
        MultiLayerNetwork found = NeuralClustering.adapt(model, Kind.FLAT.data(DataType.FLOAT, 32, 1), LABELS);
        assertEquals(expected.params(), found.params());
        ComputationGraph graph = (ComputationGraph) Kind.GRAPH_FLAT.model(DataType.FLOAT);
        ComputationGraph adapted = NeuralClustering.adapt(
                graph, new MultiDataSetIteratorAdapter(Kind.GRAPH_FLAT.data(DataType.FLOAT, 32, 1)), LABELS);
        assertEquals(3, adapted.outputSingle(Nd4j.zeros(1, VOCABULARY)).length());
    }

    // ---- labels, bad input -----------------------------------------------------------------------------------------

    @Test
    void labelsAreOneHotOrIndices() {
        assertArrayEquals(
                new int[] {2, 0},
                ClusteringAdaptation.classes(Nd4j.createFromArray(new float[][] {{0, 0, 1}, {1, 0, 0}}), 2, 3));
        assertArrayEquals(
                new int[] {2, 0},
                ClusteringAdaptation.classes(Nd4j.createFromArray(2, 0).reshape(2, 1), 2, 3));
        for (INDArray bad : new INDArray[] {
            Nd4j.createFromArray(new float[][] {{0.5f, 0.5f, 0}, {1, 0, 0}}),
            Nd4j.createFromArray(new float[][] {{0, 0, 0}, {1, 0, 0}}),
            Nd4j.createFromArray(new float[][] {{0, 1}, {1, 0}}),
            Nd4j.createFromArray(3, 0).reshape(2, 1),
            Nd4j.createFromArray(-1, 0).reshape(2, 1),
            Nd4j.zeros(2, 3, 4),
            Nd4j.zeros(1, 3)
        }) {
            assertMessage("labels must give one class per example", () -> ClusteringAdaptation.classes(bad, 2, 3));
        }
        assertMessage("found none", () -> ClusteringAdaptation.classes(null, 2, 3));
    }

    @Test
    void badInputIsRefused() {
        MultiLayerNetwork model = (MultiLayerNetwork) Kind.FLAT.model(DataType.FLOAT);
        assertMessage("data must hold at least one example", () -> quick().build()
                .adapt(model, Kind.FLAT.data(DataType.FLOAT, 0, 1), LABELS));
        assertMessage("states of the body must be finite", () -> quick().build()
                .adapt(
                        model,
                        new ExistingDataSetIterator(List.of(new DataSet(
                                Nd4j.valueArrayOf(new long[] {1, VOCABULARY}, Double.NaN, DataType.FLOAT),
                                Nd4j.createFromArray(new float[][] {{1, 0, 0}})))),
                        LABELS));
        SemanticBases narrow = SemanticBases.fromHeadRows(Nd4j.rand(DataType.FLOAT, 3, 3));
        assertMessage("labels must be bases as wide as the body", () -> quick().build()
                .adapt(model, Kind.FLAT.data(DataType.FLOAT, 16, 1), narrow));
        assertMessage("module must have as many features", () -> quick().module(new NeuralClustering.Builder().nIn(8))
                .build()
                .adapt(model, Kind.FLAT.data(DataType.FLOAT, 16, 1), LABELS));
        MultiLayerNetwork headOnly = Models.chain(
                Settings.training(new Adam(1e-3)),
                InputType.feedForward(4),
                new OutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(12)
                        .activation(Activation.SOFTMAX)
                        .build());
        assertMessage("network must have a layer before its head", () -> quick().build()
                .adapt(headOnly, Kind.FLAT.data(DataType.DOUBLE, 16, 1), LABELS));
        String message = assertThrows(IllegalStateException.class, () -> quick().cacheMemory(10)
                        .build()
                        .adapt(model, Kind.FLAT.data(DataType.FLOAT, 16, 1), LABELS))
                .getMessage();
        assertTrue(message.contains("cacheMemory of 10 bytes") && message.contains("cacheDirectory"), message);

        assertMessage("epochs must be at least 1, found 0", () -> quick().epochs(0));
        assertMessage("batchSize must be at least 1", () -> quick().batchSize(-1));
        assertMessage("weightDecay must be finite and >= 0", () -> quick().weightDecay(-0.1));
        assertMessage("scale", () -> quick().scale(0));
        assertMessage("patience must be at least 1", () -> quick().patience(0));
        assertMessage("cacheMemory must not be negative", () -> quick().cacheMemory(-1));
        assertTrue(assertThrows(
                        IllegalStateException.class, () -> quick().patience(2).build())
                .getMessage()
                .contains("needs validation data"));
    }

    private static void assertMessage(String expected, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(expected), message);
    }
}
