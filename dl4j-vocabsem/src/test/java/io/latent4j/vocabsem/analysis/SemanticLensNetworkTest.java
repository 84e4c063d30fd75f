/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.vocabsem.LabelWords;
import io.latent4j.vocabsem.RnnSemanticLogits;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.analysis.LensReport.Gold;
import io.latent4j.vocabsem.analysis.LensReport.HeadCheck;
import io.latent4j.vocabsem.analysis.LensReport.LayerReading;
import io.latent4j.vocabsem.analysis.LensReport.Position;
import io.latent4j.vocabsem.analysis.LensReport.Reading;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/** Networks whose hidden layers are set by hand: the first copies its input, the second turns it by 90°. */
class SemanticLensNetworkTest {

    private static final int WIDTH = 4;
    private static final int TOKENS = 9;
    private static final int TIME = 5;
    private static DataType before = DataType.FLOAT;

    @BeforeAll
    static void inDouble() {
        before = Nd4j.dataType();
        Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    }

    @AfterAll
    static void restore() {
        Nd4j.setDefaultDataTypes(before, before);
    }

    private static SimpleRnn rnn(String name, RNNFormat format) {
        return new SimpleRnn.Builder()
                .name(name)
                .nIn(WIDTH)
                .nOut(WIDTH)
                .dataFormat(format)
                .activation(Activation.IDENTITY)
                .build();
    }

    private static RnnOutputLayer output(RNNFormat format, boolean sparse) {
        return new RnnOutputLayer.Builder(sparse ? new LossSparseMCXENT() : new LossMCXENT())
                .name("head")
                .nIn(WIDTH)
                .nOut(TOKENS)
                .dataFormat(format)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static MultiLayerNetwork network(@Nullable InputType input, Layer... layers) {
        NeuralNetConfiguration.ListBuilder list = builder().list();
        for (Layer layer : layers) {
            list.layer(layer);
        }
        MultiLayerNetwork network = new MultiLayerNetwork((input == null ? list : list.setInputType(input)).build());
        network.init();
        return network;
    }

    private static NeuralNetConfiguration.Builder builder() {
        return new NeuralNetConfiguration.Builder().seed(5).dataType(DataType.DOUBLE);
    }

    private static MultiLayerNetwork byHand(RNNFormat format) {
        MultiLayerNetwork network = network(null, rnn("copies", format), rnn("turns", format), output(format, true));
        byHand(network.paramTable(), "0_", "1_");
        return network;
    }

    /** Into the parameters themselves. */
    private static void byHand(Map<String, INDArray> parameters, String copies, String turns) {
        parameters.get(copies + "RW").assign(0);
        parameters.get(turns + "RW").assign(0);
        parameters.get(copies + "W").assign(Nd4j.eye(WIDTH));
        parameters.get(turns + "W").assign(turn());
    }

    /** (a, b, c, d) to (−b, a, −d, c). */
    private static INDArray turn() {
        return Nd4j.createFromArray(new double[][] {{0, 1, 0, 0}, {-1, 0, 0, 0}, {0, 0, 0, 1}, {0, 0, -1, 0}});
    }

    private static INDArray turned(INDArray states) {
        INDArray turned = states.dup('c');
        for (int k = 0; k < WIDTH; k++) {
            INDArray source = states.get(NDArrayIndex.all(), NDArrayIndex.point(k ^ 1), NDArrayIndex.all());
            turned.get(NDArrayIndex.all(), NDArrayIndex.point(k), NDArrayIndex.all())
                    .assign(k % 2 == 0 ? source.neg() : source);
        }
        return turned;
    }

    /** Features NCW, sparse labels, masks of 5, 2 and 4 steps. */
    private static DataSet batch(int examples, long seed) {
        Nd4j.getRandom().setSeed(seed);
        INDArray features = Nd4j.randn(DataType.DOUBLE, examples, WIDTH, TIME);
        INDArray mask = Nd4j.ones(DataType.DOUBLE, examples, TIME);
        INDArray labels = Nd4j.create(DataType.INT, examples, 1, TIME);
        for (int example = 0; example < examples; example++) {
            for (int step = 0; step < TIME; step++) {
                labels.putScalar(new int[] {example, 0, step}, (3 * example + 2 * step) % TOKENS);
                mask.putScalar(example, step, step < List.of(5, 2, 4).get(example % 3) ? 1 : 0);
            }
        }
        return new DataSet(features, labels, mask, mask.dup());
    }

    private static INDArray oneHot(INDArray ids) {
        INDArray labels = Nd4j.zeros(DataType.DOUBLE, ids.size(0), TOKENS, TIME);
        for (int example = 0; example < ids.size(0); example++) {
            for (int step = 0; step < TIME; step++) {
                labels.putScalar(new int[] {example, ids.getInt(example, 0, step), step}, 1);
            }
        }
        return labels;
    }

    private static SemanticLens.Builder lens(INDArray head) {
        return SemanticLens.builder(SemanticBases.fromHead(head)).topK(3);
    }

    /** What the lens says of the states that the layers must have. */
    private static List<LayerReading> expected(SemanticLens lens, DataSet data) {
        Map<String, INDArray> states = new LinkedHashMap<>();
        states.put("copies", data.getFeatures());
        states.put("turns", turned(data.getFeatures()));
        return lens.read(states, data.getLabels().reshape(-1, TIME), data.getFeaturesMaskArray())
                .layers();
    }

    @Test
    void layersOfNetworkAndGraphAreReadWithoutMaskedSteps() {
        MultiLayerNetwork network = byHand(RNNFormat.NCW);
        ComputationGraph graph = new ComputationGraph(builder()
                .graphBuilder()
                .addInputs("in")
                .addLayer("copies", rnn("copies", RNNFormat.NCW), "in")
                .addLayer("turns", rnn("turns", RNNFormat.NCW), "copies")
                .addLayer("head", output(RNNFormat.NCW, true), "turns")
                .setOutputs("head")
                .build());
        graph.init();
        byHand(graph.paramTable(), "copies_", "turns_");
        graph.setParam("head_W", network.getParam("2_W"));
        DataSet data = batch(6, 1);
        SemanticLens lens = lens(network.getParam("2_W")).build();
        List<LayerReading> expected = expected(lens, data);
        assertEquals(22, expected.get(0).readings().size());
        INDArray parameters = network.params().dup();

        LensReport report = lens.read(network, new ExistingDataSetIterator(List.of(data)));
        assertEquals(expected, report.layers());
        assertEquals(HeadCheck.State.MATCH, report.head().state());
        assertEquals(parameters, network.params());

        LensReport ofGraph = lens.read(graph, new ExistingDataSetIterator(List.of(data)));
        assertEquals(report, ofGraph);
    }

    @Test
    void examplesAreCountedOverBatches() {
        MultiLayerNetwork network = byHand(RNNFormat.NCW);
        DataSet all = batch(6, 2);
        List<DataSet> batches = all.batchBy(4);
        SemanticLens lens = lens(network.getParam("2_W")).build();
        ExistingDataSetIterator iterator = new ExistingDataSetIterator(batches);
        assertEquals(expected(lens, all), lens.read(network, iterator).layers());
        // at its end, the iterator is reset
        assertEquals(expected(lens, all), lens.read(network, iterator).layers());
    }

    @Test
    void labelsMayBeDistributions() {
        MultiLayerNetwork network =
                network(null, rnn("copies", RNNFormat.NCW), rnn("turns", RNNFormat.NCW), output(RNNFormat.NCW, false));
        byHand(network.paramTable(), "0_", "1_");
        DataSet data = batch(6, 3);
        SemanticLens lens = lens(network.getParam("2_W")).build();
        List<LayerReading> expected = expected(lens, data);
        data.setLabels(oneHot(data.getLabels()).muli(0.9).addi(0.01));
        assertEquals(
                expected,
                lens.read(network, new ExistingDataSetIterator(List.of(data))).layers());
    }

    @Test
    void stepsThatTheLabelsMaskLeavesOutHaveNoGoldToken() {
        MultiLayerNetwork network = byHand(RNNFormat.NCW);
        DataSet data = batch(3, 4);
        data.getLabelsMaskArray().putScalar(0, 2, 0);
        LensReport report =
                lens(network.getParam("2_W")).build().read(network, new ExistingDataSetIterator(List.of(data)));
        for (Reading reading : report.layer("turns").readings()) {
            boolean masked = reading.position().equals(new Position(0, 2));
            assertEquals(masked, reading.gold() == null, reading.position().toString());
        }
        assertEquals(11, report.summaries().get(0).positions());
        assertEquals(10, report.summaries().get(0).rank().n());

        // no labels, or labels that are no tokens
        data.setLabels(Nd4j.zeros(DataType.DOUBLE, 3, 2, TIME));
        LensReport without =
                lens(network.getParam("2_W")).build().read(network, new ExistingDataSetIterator(List.of(data)));
        assertTrue(without.layer("turns").readings().stream().allMatch(reading -> reading.gold() == null));
    }

    @Test
    void featuresLastLayout() {
        MultiLayerNetwork network = byHand(RNNFormat.NWC);
        DataSet data = batch(6, 5);
        SemanticLens lens = lens(network.getParam("2_W")).build();
        List<LayerReading> expected = expected(lens, data);
        DataSet nwc = new DataSet(
                data.getFeatures().permute(0, 2, 1).dup('c'),
                data.getLabels().permute(0, 2, 1).dup('c'),
                data.getFeaturesMaskArray(),
                data.getLabelsMaskArray());
        assertEquals(
                expected,
                lens.read(network, new ExistingDataSetIterator(List.of(nwc))).layers());
    }

    @Test
    void denseLayersOnStepsAndLastSteps() {
        DenseLayer dense = new DenseLayer.Builder()
                .name("dense")
                .nIn(WIDTH)
                .nOut(WIDTH)
                .activation(Activation.IDENTITY)
                .build();
        MultiLayerNetwork network = network(
                InputType.recurrent(WIDTH, TIME),
                rnn("copies", RNNFormat.NCW),
                dense,
                rnn("turns", RNNFormat.NCW),
                output(RNNFormat.NCW, true));
        byHand(network.paramTable(), "0_", "2_");
        network.getParam("1_W").assign(Nd4j.eye(WIDTH));
        DataSet data = batch(6, 6);
        SemanticLens lens = lens(network.getParam("3_W")).build();
        List<LayerReading> expected = expected(lens, data);
        LensReport report = lens.read(network, new ExistingDataSetIterator(List.of(data)));
        assertEquals(expected.get(0), report.layer("copies"));
        assertEquals(expected.get(0).readings(), report.layer("dense").readings());
        assertEquals(expected.get(1), report.layer("turns"));

        MultiLayerNetwork last = network(
                null,
                new LastTimeStep(rnn("last", RNNFormat.NCW)),
                new OutputLayer.Builder(LossFunction.SPARSE_MCXENT)
                        .nIn(WIDTH)
                        .nOut(TOKENS)
                        .activation(Activation.SOFTMAX)
                        .build());
        last.getParam("0_RW").assign(0);
        last.getParam("0_W").assign(Nd4j.eye(WIDTH));
        DataSet single = new DataSet(
                data.getFeatures(),
                Nd4j.createFromArray(1, 2, 3, 4, 5, 6).reshape(6, 1),
                data.getFeaturesMaskArray(),
                null);
        SemanticLens lastLens = lens(last.getParam("1_W")).build();
        LensReport ofLast = lastLens.read(last, new ExistingDataSetIterator(List.of(single)));
        List<Reading> readings = ofLast.layers().get(0).readings();
        assertEquals(6, readings.size());
        LensReport ofSteps =
                lastLens.read(Map.of("x", data.getFeatures()), single.getLabels(), data.getFeaturesMaskArray());
        for (int example = 0; example < 6; example++) {
            Position lastStep = new Position(example, List.of(4, 1, 3).get(example % 3));
            Reading atLastStep = ofSteps.trajectory(lastStep).get(0);
            assertEquals(
                    new Position(example, Position.NO_STEP),
                    readings.get(example).position());
            assertEquals(atLastStep.nearest(), readings.get(example).nearest());
            Gold gold = readings.get(example).gold();
            assertEquals(1 + example, gold.token());
            assertEquals(atLastStep.gold(), gold);
        }
    }

    @Test
    void layersOfOtherWidthsAndEmbeddingsAreLeftOutUnlessNamed() {
        MultiLayerNetwork network = network(
                null,
                new EmbeddingSequenceLayer.Builder()
                        .name("words")
                        .nIn(TOKENS)
                        .nOut(WIDTH)
                        .build(),
                new SimpleRnn.Builder().name("wide").nIn(WIDTH).nOut(7).build(),
                new FrozenLayer(new SimpleRnn.Builder()
                        .name("narrow")
                        .nIn(7)
                        .nOut(WIDTH)
                        .build()),
                output(RNNFormat.NCW, true));
        INDArray words = Nd4j.createFromArray(new double[] {1, 2, 8, 4, 0, 6, 7, 3, 5, 2})
                .reshape(2, 1, TIME);
        DataSet data = new DataSet(words, words.castTo(DataType.INT));
        INDArray head = network.getParam("3_W");
        LensReport byDefault = lens(head).build().read(network, new ExistingDataSetIterator(List.of(data)));
        assertEquals(1, byDefault.layers().size());
        assertEquals(HeadCheck.State.MATCH, byDefault.head().state());
        LensReport named = lens(head).layers("words").build().read(network, new ExistingDataSetIterator(List.of(data)));
        assertEquals("words", named.layers().get(0).name());

        // the embedding's own rows as bases: each word is nearest to itself
        SemanticBases rows = SemanticBases.fromEmbedding(network.getParam("0_W"));
        LensReport inner = SemanticLens.builder(rows)
                .layers("words")
                .build()
                .read(network, new ExistingDataSetIterator(List.of(data)));
        assertEquals(1, inner.summaries().get(0).accuracy());
        assertEquals(0, inner.summaries().get(0).cosineDistance().mean(), 1e-12);
        assertEquals(HeadCheck.State.MATCH, inner.head().state());

        assertRejected(
                "layers must be among [words, wide, ",
                () -> lens(head).layers("other").build().read(network, new ExistingDataSetIterator(List.of(data))));
        assertRejected(
                "States of layer wide must have the bases' width 4",
                () -> lens(head).layers("wide").build().read(network, new ExistingDataSetIterator(List.of(data))));
    }

    @Test
    void anotherHeadIsReported() {
        MultiLayerNetwork network = byHand(RNNFormat.NCW);
        List<DataSet> data = List.of(batch(3, 1));
        INDArray head = network.getParam("2_W").dup();
        SemanticLens lens = lens(head).build();
        network.getParam("2_W").putScalar(1, 2, 0.125);
        LensReport trained = lens.read(network, new ExistingDataSetIterator(data));
        assertEquals(HeadCheck.State.MISMATCH, trained.head().state());
        assertTrue(trained.toTable().contains(trained.head().detail()), trained.toTable());
        // another number of tokens
        data.get(0).setLabels(null);
        INDArray seven = head.get(NDArrayIndex.all(), NDArrayIndex.interval(0, 7));
        LensReport fewer = lens(seven).build().read(network, new ExistingDataSetIterator(data));
        assertEquals(HeadCheck.State.MISMATCH, fewer.head().state());
    }

    @Test
    void aHeadOfSemanticLogitsIsComparedWithTheBasesThemselves() {
        INDArray head = byHand(RNNFormat.NCW).getParam("2_W").dup();
        SemanticBases bases = SemanticBases.fromHead(head);
        MultiLayerNetwork network = network(
                null,
                rnn("copies", RNNFormat.NCW),
                new RnnSemanticLogits.Builder(new LossSparseMCXENT())
                        .bases(bases)
                        .dataFormat(RNNFormat.NCW)
                        .build());
        ExistingDataSetIterator data = new ExistingDataSetIterator(List.of(batch(3, 1)));
        assertEquals(
                HeadCheck.State.MATCH,
                SemanticLens.builder(bases).build().read(network, data).head().state());
        // bases made from what is the head of an ordinary language model by DOT
        SemanticBases ofBases = SemanticBases.fromHeadRows(bases.matrix());
        assertEquals(
                HeadCheck.State.MATCH,
                SemanticLens.builder(ofBases).build().read(network, data).head().state());
        LensReport other = lens(head.mul(2)).build().read(network, data);
        assertEquals(HeadCheck.State.MISMATCH, other.head().state());
        SemanticBases classes = bases.forLabels(
                LabelWords.builder().label("a", 1).label("b", 2, 3).build());
        DataSet unlabelled = batch(3, 1);
        unlabelled.setLabels(null);
        LensReport labels =
                SemanticLens.builder(classes).build().read(network, new ExistingDataSetIterator(List.of(unlabelled)));
        assertEquals(HeadCheck.State.UNKNOWN, labels.head().state());
    }

    private static void assertRejected(String start, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.startsWith(start), message);
    }

    @Test
    void rejectsBadInput() {
        MultiLayerNetwork network = byHand(RNNFormat.NCW);
        SemanticLens lens = lens(network.getParam("2_W")).build();
        DataSet data = batch(3, 1);
        data.getLabels().putScalar(new int[] {0, 0, 1}, TOKENS);
        assertRejected(
                "gold tokens must be ids below the number of bases 9",
                () -> lens.read(network, new ExistingDataSetIterator(List.of(data))));
        DataSet masked = batch(3, 1);
        masked.getFeaturesMaskArray().assign(0);
        assertRejected(
                "data must hold unmasked states",
                () -> lens.read(network, new ExistingDataSetIterator(List.of(masked))));
        assertRejected(
                "data must hold unmasked states",
                () -> lens.read(network, new ExistingDataSetIterator(new ArrayList<>())));
        MultiLayerNetwork headOnly = network(null, output(RNNFormat.NCW, true));
        assertRejected(
                "network must have a hidden layer",
                () -> lens.read(headOnly, new ExistingDataSetIterator(List.of(batch(3, 1)))));
        Stream.of(Double.NaN, Double.NEGATIVE_INFINITY).forEach(bad -> {
            DataSet broken = batch(3, 1);
            broken.getFeatures().putScalar(new int[] {0, 0, 0}, bad);
            assertRejected(
                    "States of layer copies must be finite",
                    () -> lens.read(network, new ExistingDataSetIterator(List.of(broken))));
        });
    }
}
