/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.istar.IStar;
import io.latent4j.istar.IStarLayer;
import io.latent4j.istar.IStarVertex;
import io.latent4j.istar.analysis.IsotropyReport.LayerIsotropy;
import io.latent4j.istar.analysis.IsotropyReport.Options;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.datasets.iterator.IteratorMultiDataSetIterator;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Reports on networks against activations gathered by hand, step by unmasked step. */
class IsotropyReportNetworkTest {

    private static final Options DEFAULTS = Options.defaults();
    private static final int TIME = 11;

    private static NeuralNetConfiguration.Builder configuration(DataType type, WorkspaceMode mode) {
        return new NeuralNetConfiguration.Builder()
                .seed(5)
                .dataType(type)
                .trainingWorkspaceMode(mode)
                .inferenceWorkspaceMode(mode)
                .dropOut(0.5); // would show if the pass were a training pass
    }

    private static MultiLayerNetwork network(
            NeuralNetConfiguration.Builder builder, @Nullable InputType input, Layer... layers) {
        NeuralNetConfiguration.ListBuilder list = builder.list();
        for (Layer layer : layers) {
            list.layer(layer);
        }
        MultiLayerNetwork network = new MultiLayerNetwork((input == null ? list : list.setInputType(input)).build());
        network.init();
        return network;
    }

    private static RnnOutputLayer rnnOutput() {
        return new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nOut(3)
                .name("out")
                .build();
    }

    private static OutputLayer output() {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nOut(3)
                .name("out")
                .build();
    }

    /** Batches of 7, 7 and 4 sequences of 2 to 11 steps, NCW. */
    private static List<DataSet> sequences(DataType type, int width) {
        Random random = new Random(1);
        List<DataSet> batches = new ArrayList<>();
        for (int size : new int[] {7, 7, 4}) {
            INDArray features = Nd4j.create(type, size, width, TIME);
            INDArray mask = Nd4j.zeros(type, size, TIME);
            for (int example = 0; example < size; example++) {
                int length = 2 + random.nextInt(TIME - 1);
                for (int t = 0; t < length; t++) {
                    mask.putScalar(example, t, 1);
                    for (int k = 0; k < width; k++) {
                        features.putScalar(new int[] {example, k, t}, random.nextGaussian());
                    }
                }
            }
            batches.add(new DataSet(features, Nd4j.zeros(type, size, 3, TIME), mask, mask));
        }
        return batches;
    }

    private static DataSetIterator iterator(List<DataSet> batches) {
        return new ExistingDataSetIterator(batches);
    }

    /** Activations of a layer over all batches, taken with DL4J's own call, and of these the unmasked steps. */
    private static double[][] steps(MultiLayerNetwork network, int layer, List<DataSet> batches) {
        return Reference.concat(batches.stream()
                .map(batch -> Reference.steps(
                        network.feedForward(batch.getFeatures(), batch.getFeaturesMaskArray(), null)
                                .get(layer + 1),
                        batch.getFeaturesMaskArray()))
                .toArray(double[][][]::new));
    }

    private static List<String> names(IsotropyReport report) {
        return report.layers().stream().map(LayerIsotropy::name).toList();
    }

    @ParameterizedTest
    @CsvSource({"DOUBLE,ENABLED,1e-11", "FLOAT,ENABLED,1e-5", "FLOAT,NONE,1e-5"})
    void recurrentNetworkWithMasks(DataType type, WorkspaceMode mode, double tolerance) {
        MultiLayerNetwork network = network(
                configuration(type, mode),
                InputType.recurrent(4, TIME),
                new LSTM.Builder().nOut(6).name("lower").build(),
                new LSTM.Builder().nOut(6).name("upper").build(),
                rnnOutput());
        List<DataSet> batches = sequences(type, 4);
        INDArray parameters = network.params().dup();
        IsotropyReport report = IsotropyReport.of(network, iterator(batches), DEFAULTS);

        assertEquals(List.of("lower", "upper"), names(report));
        double[][] lower = steps(network, 0, batches);
        double[][] upper = steps(network, 1, batches);
        Reference.assertEntry(lower, report.layer("lower"), 10_000, tolerance);
        Reference.assertEntry(upper, report.layer("upper"), 10_000, tolerance);
        Reference.assertEntry(Reference.concat(lower, upper), report.union().orElseThrow(), 10_000, tolerance);

        assertEquals(parameters, network.params());
        assertNull(network.getLayer(0).getMaskArray());
        assertEquals(report, IsotropyReport.of(network, iterator(batches), DEFAULTS));
    }

    @Test
    void iteratorsAreRewoundWhenAtTheirEnd() {
        MultiLayerNetwork network = network(
                configuration(DataType.FLOAT, WorkspaceMode.ENABLED),
                InputType.recurrent(4, TIME),
                new LSTM.Builder().nOut(6).name("lstm").build(),
                rnnOutput());
        DataSetIterator data = iterator(sequences(DataType.FLOAT, 4));
        IsotropyReport first = IsotropyReport.of(network, data, DEFAULTS);
        assertEquals(first, IsotropyReport.of(network, data, DEFAULTS));
    }

    @Test
    void maskEndsWhereTimeEnds() {
        MultiLayerNetwork network = network(
                configuration(DataType.DOUBLE, WorkspaceMode.ENABLED),
                InputType.recurrent(4, TIME),
                new Bidirectional(
                        Bidirectional.Mode.CONCAT, new LSTM.Builder().nOut(3).build()),
                new LastTimeStep(new LSTM.Builder().nOut(5).build()),
                new DenseLayer.Builder().nOut(5).activation(Activation.TANH).build(),
                output());
        List<DataSet> batches = sequences(DataType.DOUBLE, 4);
        IsotropyReport report = IsotropyReport.of(network, iterator(batches), DEFAULTS);
        assertEquals(List.of("layer0", "layer1", "layer2"), names(report));
        Reference.assertEntry(steps(network, 0, batches), report.layer("layer0"), 10_000, 1e-11);
        for (int layer = 1; layer <= 2; layer++) {
            final int index = layer;
            double[][] rows = Reference.concat(batches.stream()
                    .map(b -> network.feedForward(b.getFeatures(), b.getFeaturesMaskArray(), null)
                            .get(index + 1)
                            .toDoubleMatrix())
                    .toArray(double[][][]::new));
            assertEquals(18, rows.length);
            // DL4J's LastTimeStep gives FLOAT activations whatever the network's type
            Reference.assertEntry(rows, report.layer("layer" + layer), 10_000, 1e-5);
        }
    }

    /** A dense layer behind a preprocessor sees time steps as rows of a matrix, and their mask as a column. */
    @Test
    void denseLayerOverTimeSteps() {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration(DataType.DOUBLE, WorkspaceMode.ENABLED)
                .list()
                .layer(new LSTM.Builder().nIn(4).nOut(6).name("lstm").build())
                .layer(new DenseLayer.Builder()
                        .nIn(6)
                        .nOut(5)
                        .activation(Activation.TANH)
                        .name("dense")
                        .build())
                .layer(new RnnOutputLayer.Builder(LossFunction.MSE)
                        .nIn(5)
                        .nOut(3)
                        .build())
                .inputPreProcessor(1, new RnnToFeedForwardPreProcessor())
                .inputPreProcessor(2, new FeedForwardToRnnPreProcessor())
                .build());
        network.init();
        List<DataSet> batches = sequences(DataType.DOUBLE, 4);
        IsotropyReport report = IsotropyReport.of(network, iterator(batches), DEFAULTS);
        INDArray weights = network.getLayer(1).getParam("W");
        double[][] inputs = steps(network, 0, batches);
        double[][] expected =
                Transforms.tanh(Nd4j.createFromArray(inputs).mmul(weights)).toDoubleMatrix(); // the bias is 0
        Reference.assertEntry(expected, report.layer("dense"), 10_000, 1e-11);
    }

    @Test
    void channelsLastNetwork() {
        MultiLayerNetwork network = network(
                configuration(DataType.DOUBLE, WorkspaceMode.ENABLED),
                InputType.recurrent(12, TIME, RNNFormat.NWC),
                new LSTM.Builder()
                        .nOut(4)
                        .dataFormat(RNNFormat.NWC)
                        .name("lstm")
                        .build(),
                new RnnOutputLayer.Builder(LossFunction.MSE)
                        .nOut(3)
                        .dataFormat(RNNFormat.NWC)
                        .build());
        List<DataSet> ncw = sequences(DataType.DOUBLE, 12);
        List<DataSet> nwc = ncw.stream()
                .map(d -> new DataSet(
                        d.getFeatures().permute(0, 2, 1).dup(), d.getLabels(), d.getFeaturesMaskArray(), null))
                .toList();
        double[][] expected = Reference.concat(nwc.stream()
                .map(d -> Reference.steps(
                        network.feedForward(d.getFeatures(), d.getFeaturesMaskArray(), null)
                                .get(1)
                                .permute(0, 2, 1),
                        d.getFeaturesMaskArray()))
                .toArray(double[][][]::new));
        Reference.assertEntry(
                expected, IsotropyReport.of(network, iterator(nwc), DEFAULTS).layer("lstm"), 10_000, 1e-11);
    }

    @Test
    void namedLayersAndEmbeddings() {
        MultiLayerNetwork embedding = network(
                configuration(DataType.FLOAT, WorkspaceMode.ENABLED),
                null,
                new EmbeddingSequenceLayer.Builder()
                        .nIn(20)
                        .nOut(5)
                        .inputLength(TIME)
                        .name("embedding")
                        .build(),
                new LSTM.Builder().nIn(5).nOut(6).name("lstm").build(),
                new RnnOutputLayer.Builder(LossFunction.MSE)
                        .nIn(6)
                        .nOut(3)
                        .name("out")
                        .build());
        INDArray tokens = Nd4j.rand(DataType.FLOAT, 9, 1, TIME).muli(20);
        List<DataSet> batch = List.of(new DataSet(Transforms.floor(tokens), Nd4j.zeros(9, 3, TIME)));
        assertEquals(List.of("lstm"), names(IsotropyReport.of(embedding, iterator(batch), DEFAULTS)));
        IsotropyReport named = IsotropyReport.of(
                embedding,
                iterator(batch),
                Options.builder().layers("out", "embedding").build());
        assertEquals(List.of("out", "embedding"), names(named));
        assertEquals(9 * TIME, named.layer("embedding").points());
        assertEquals(5, named.layer("embedding").width());
        assertEquals(3, named.layer("out").width());
        assertEquals(List.of(), named.unions());
    }

    @Test
    void imagesArePassedOverUnlessNamed() {
        MultiLayerNetwork network = network(
                configuration(DataType.FLOAT, WorkspaceMode.ENABLED),
                InputType.convolutional(6, 6, 1),
                new ConvolutionLayer.Builder(3, 3).nOut(2).name("cnn").build(),
                new DenseLayer.Builder().nOut(7).name("dense").build(),
                new DropoutLayer.Builder(0.5).name("dropout").build(),
                output());
        List<DataSet> batch = List.of(new DataSet(Nd4j.rand(DataType.FLOAT, 12, 1, 6, 6), Nd4j.zeros(12, 3)));
        assertEquals(List.of("dense"), names(IsotropyReport.of(network, iterator(batch), DEFAULTS)));
        assertMessage(
                "layer cnn must have rank 2 or 3, found shape [12, 2, 4, 4]",
                () -> IsotropyReport.of(
                        network,
                        iterator(batch),
                        Options.builder().layers("cnn").build()));
    }

    private static ComputationGraph graph(DataType type) {
        ComputationGraph graph = new ComputationGraph(configuration(type, WorkspaceMode.ENABLED)
                .graphBuilder()
                .addInputs("left", "right")
                .addLayer("leftLstm", new LSTM.Builder().nIn(4).nOut(6).build(), "left")
                .addLayer("rightLstm", new LSTM.Builder().nIn(4).nOut(6).build(), "right")
                .addVertex("merged", new MergeVertex(), "leftLstm", "rightLstm")
                .addVertex("last", new LastTimeStepVertex("left"), "leftLstm")
                .addLayer("dense", new DenseLayer.Builder().nIn(6).nOut(6).build(), "last")
                .addLayer(
                        "steps",
                        new RnnOutputLayer.Builder(LossFunction.MSE)
                                .nIn(12)
                                .nOut(3)
                                .build(),
                        "merged")
                .addLayer(
                        "whole",
                        new OutputLayer.Builder(LossFunction.MSE).nIn(6).nOut(3).build(),
                        "dense")
                .setOutputs("steps", "whole")
                .build());
        graph.init();
        return graph;
    }

    @ParameterizedTest
    @CsvSource({"DOUBLE,1e-11", "FLOAT,1e-5"})
    void graphOfTwoMaskedInputs(DataType type, double tolerance) {
        ComputationGraph graph = graph(type);
        List<DataSet> left = sequences(type, 4);
        List<DataSet> right = left.stream()
                .map(d -> new DataSet(
                        d.getFeatures().mul(2).subi(1),
                        d.getLabels(),
                        Nd4j.ones(type, d.numExamples(), TIME).subi(d.getFeaturesMaskArray()), // the other steps
                        null))
                .toList();
        List<MultiDataSet> batches = new ArrayList<>();
        List<Map<String, INDArray>> activations = new ArrayList<>();
        for (int i = 0; i < left.size(); i++) {
            INDArray[] features = {left.get(i).getFeatures(), right.get(i).getFeatures()};
            INDArray[] masks = {left.get(i).getFeaturesMaskArray(), right.get(i).getFeaturesMaskArray()};
            batches.add(new org.nd4j.linalg.dataset.MultiDataSet(
                    features, new INDArray[] {left.get(i).getLabels()}, masks, null));
            graph.setLayerMaskArrays(masks, null);
            activations.add(graph.feedForward(features, false));
            graph.clearLayerMaskArrays();
        }
        IsotropyReport report =
                IsotropyReport.of(graph, new IteratorMultiDataSetIterator(batches.iterator(), 7), DEFAULTS);
        assertEquals(List.of("leftLstm", "rightLstm", "dense"), names(report));
        double[][] lefts = steps(activations, "leftLstm", left);
        double[][] rights = steps(activations, "rightLstm", right);
        double[][] dense = Reference.concat(activations.stream()
                .map(map -> map.get("dense").castTo(DataType.DOUBLE).toDoubleMatrix())
                .toArray(double[][][]::new));
        Reference.assertEntry(lefts, report.layer("leftLstm"), 10_000, tolerance);
        Reference.assertEntry(rights, report.layer("rightLstm"), 10_000, tolerance);
        Reference.assertEntry(dense, report.layer("dense"), 10_000, tolerance);
        Reference.assertEntry(
                Reference.concat(lefts, rights, dense), report.union().orElseThrow(), 10_000, tolerance);
        assertNull(graph.getInputMaskArrays());

        // Any vertex by name; where masks meet, a step of either counts
        IsotropyReport merged = IsotropyReport.of(
                graph,
                new IteratorMultiDataSetIterator(batches.iterator(), 7),
                Options.builder().layers("merged").build());
        assertEquals(18 * TIME, merged.layer("merged").points());
        assertEquals(12, merged.layer("merged").width());
    }

    private static double[][] steps(List<Map<String, INDArray>> activations, String vertex, List<DataSet> batches) {
        double[][][] parts = new double[batches.size()][][];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = Reference.steps(
                    activations.get(i).get(vertex), batches.get(i).getFeaturesMaskArray());
        }
        return Reference.concat(parts);
    }

    @Test
    void graphAndNetworkAgreeOnTheSameLayers() {
        MultiLayerNetwork network = network(
                configuration(DataType.DOUBLE, WorkspaceMode.ENABLED),
                InputType.recurrent(4, TIME),
                new LSTM.Builder().nOut(6).name("lower").build(),
                new FrozenLayer(new LSTM.Builder().nOut(6).name("upper").build()),
                rnnOutput());
        List<DataSet> batches = sequences(DataType.DOUBLE, 4);
        IsotropyReport expected = IsotropyReport.of(network, iterator(batches), DEFAULTS);
        IsotropyReport actual = IsotropyReport.of(network.toComputationGraph(), iterator(batches), DEFAULTS);
        assertEquals(2, expected.layers().size());
        for (int i = 0; i < 2; i++) {
            assertEquals(
                    expected.layers().get(i).dimensions(),
                    actual.layers().get(i).dimensions());
            assertEquals(
                    expected.layers().get(i).intrinsicDimension(),
                    actual.layers().get(i).intrinsicDimension());
        }
    }

    @Test
    void regularizersAreNotHiddenLayers() {
        MultiLayerConfiguration plain = configuration(DataType.DOUBLE, WorkspaceMode.ENABLED)
                .list()
                .layer(new LSTM.Builder().nIn(4).nOut(6).name("lower").build())
                .layer(new BatchNormalization.Builder().nIn(6).nOut(6).build())
                .layer(new LSTM.Builder().nIn(6).nOut(6).name("upper").build())
                .layer(new RnnOutputLayer.Builder(LossFunction.MSE)
                        .nIn(6)
                        .nOut(3)
                        .build())
                .inputPreProcessor(1, new RnnToFeedForwardPreProcessor())
                .inputPreProcessor(2, new FeedForwardToRnnPreProcessor())
                .build();
        MultiLayerConfiguration attached =
                IStar.attach(plain, new IStarLayer.Builder().lambda(1).build(), "lower", "upper");
        List<DataSet> batches = sequences(DataType.DOUBLE, 4);
        MultiLayerNetwork without = new MultiLayerNetwork(plain);
        without.init();
        MultiLayerNetwork with = new MultiLayerNetwork(attached);
        with.init();
        for (String name : List.of("lower", "upper")) {
            with.getLayer(name).setParams(without.getLayer(name).params());
        }
        IsotropyReport report = IsotropyReport.of(with, iterator(batches), DEFAULTS);
        assertEquals(List.of("lower", "upper"), names(report));
        assertEquals(IsotropyReport.of(without, iterator(batches), DEFAULTS), report);
        // by name they are there, and pass on what they see
        IsotropyReport named = IsotropyReport.of(
                with, iterator(batches), Options.builder().layers("istar-lower").build());
        assertEquals(
                report.layer("lower").dimensions(), named.layer("istar-lower").dimensions());
    }

    @Test
    void regularizingVerticesAreNotHiddenLayers() {
        ComputationGraph graph = new ComputationGraph(IStar.attach(
                        configuration(DataType.DOUBLE, WorkspaceMode.ENABLED)
                                .graphBuilder()
                                .addInputs("in")
                                .addLayer(
                                        "lower",
                                        new LSTM.Builder().nIn(4).nOut(6).build(),
                                        "in")
                                .addLayer(
                                        "upper",
                                        new LSTM.Builder().nIn(6).nOut(6).build(),
                                        "lower")
                                .addLayer(
                                        "out",
                                        new RnnOutputLayer.Builder(LossFunction.MSE)
                                                .nIn(6)
                                                .nOut(3)
                                                .build(),
                                        "upper")
                                .setOutputs("out"),
                        new IStarVertex.Builder().lambda(1).build())
                .build());
        graph.init();
        List<DataSet> batches = sequences(DataType.DOUBLE, 4);
        assertEquals(List.of("lower", "upper"), names(IsotropyReport.of(graph, iterator(batches), DEFAULTS)));
        IsotropyReport named = IsotropyReport.of(
                graph,
                iterator(batches),
                Options.builder().layers("upper", "istar-upper").build());
        assertEquals(
                named.layer("upper").dimensions(), named.layer("istar-upper").dimensions());
    }

    @Test
    void rejectsBadInput() {
        MultiLayerNetwork network = network(
                configuration(DataType.FLOAT, WorkspaceMode.ENABLED),
                InputType.feedForward(4),
                new DenseLayer.Builder()
                        .nOut(5)
                        .activation(Activation.IDENTITY)
                        .name("dense")
                        .build(),
                output());
        List<DataSet> batch = List.of(new DataSet(Nd4j.rand(DataType.FLOAT, 6, 4), Nd4j.zeros(6, 3)));
        assertMessage(
                "layers must be among [dense, out], found [other]",
                () -> IsotropyReport.of(
                        network,
                        iterator(batch),
                        Options.builder().layers("other").build()));
        assertMessage(
                "data must hold unmasked points", () -> IsotropyReport.of(network, iterator(List.of()), DEFAULTS));
        assertMessage(
                "layers must be among [left, right,",
                () -> IsotropyReport.of(
                        graph(DataType.FLOAT),
                        iterator(batch),
                        Options.builder().layers("other").build()));
        MultiLayerNetwork outputOnly =
                network(configuration(DataType.FLOAT, WorkspaceMode.ENABLED), InputType.feedForward(4), output());
        assertMessage(
                "network must have a hidden layer to analyse",
                () -> IsotropyReport.of(outputOnly, iterator(batch), DEFAULTS));
        network.getLayer(0).getParam("W").putScalar(0, 0, Double.NaN);
        assertMessage(
                "Activations of layer dense: points must be finite",
                () -> IsotropyReport.of(network, iterator(batch), DEFAULTS));
    }

    private static void assertMessage(String part, Executable executable) {
        String message =
                assertThrows(IllegalArgumentException.class, executable).getMessage();
        assertTrue(message.contains(part), message);
    }
}
