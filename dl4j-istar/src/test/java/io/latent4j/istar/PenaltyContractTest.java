/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.latent4j.istar.Networks.Penalty;
import io.latent4j.istar.Networks.Settings;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;

/** The contracts of docs and architecture, each over every kind of place that a penalty can stand in. */
class PenaltyContractTest {
    private DataType before;

    @BeforeEach
    void computeInDouble() {
        before = Nd4j.defaultFloatingPointType();
        Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    }

    @AfterEach
    void restoreType() {
        Nd4j.setDefaultDataTypes(before, before);
    }

    /** Every network with every penalty that fits it. */
    static Stream<Object[]> networksAndPenalties() {
        return Stream.of(Networks.values())
                .flatMap(network -> Stream.of(Penalty.iStar(1.5, 0), Penalty.iStar(-0.7, 0.4), Penalty.cosReg(2))
                        .filter(penalty -> !network.isUnion() || penalty.layer() instanceof IStarLayer)
                        .map(penalty -> new Object[] {network, penalty}));
    }

    @ParameterizedTest
    @MethodSource("networksAndPenalties")
    void gradientsAgreeWithFiniteDifferences(Networks kind, Penalty penalty) {
        for (int examples : new int[] {1, 2, 7, 16}) {
            boolean masked = kind.recurrent && (examples == 2 || examples == 7);
            // miniBatch(false) and steps folded into rows: DL4J itself then unfolds them as one example
            boolean both = examples == 7 && kind != Networks.RECURRENT_THEN_DENSE;
            for (boolean miniBatch : both ? new boolean[] {true, false} : new boolean[] {true}) {
                Model model = kind.build(Settings.gradientCheck(miniBatch), penalty);
                DataSet data = kind.data(DataType.DOUBLE, examples, 3, masked);
                Set<String> shrinkage = model.paramTable().keySet().stream()
                        .filter(key -> key.endsWith("_S"))
                        .collect(Collectors.toSet());
                boolean passed;
                if (model instanceof MultiLayerNetwork network) {
                    passed = GradientCheckUtil.checkGradients(new GradientCheckUtil.MLNConfig()
                            .net(network)
                            .input(data.getFeatures())
                            .labels(data.getLabels())
                            .inputMask(data.getFeaturesMaskArray())
                            .labelMask(data.getLabelsMaskArray())
                            .excludeParams(shrinkage)
                            .subset(true)
                            .maxPerParam(3)
                            .print(GradientCheckUtil.PrintMode.FAILURES_ONLY));
                } else {
                    passed = GradientCheckUtil.checkGradients(new GradientCheckUtil.GraphConfig()
                            .net((ComputationGraph) model)
                            .inputs(new INDArray[] {data.getFeatures()})
                            .labels(new INDArray[] {data.getLabels()})
                            .inputMask(masked ? new INDArray[] {data.getFeaturesMaskArray()} : null)
                            .labelMask(masked ? new INDArray[] {data.getLabelsMaskArray()} : null)
                            .excludeParams(shrinkage)
                            .subset(true)
                            .maxPerParam(3)
                            .print(GradientCheckUtil.PrintMode.FAILURES_ONLY));
                }
                assertTrue(
                        passed,
                        kind + " " + penalty + " examples " + examples + " masked " + masked + " miniBatch "
                                + miniBatch);
                boolean undefined = examples == 1 && !kind.recurrent;
                for (ActivationPenalty found : IStar.penalties(model)) {
                    // A union over layers has a point from each even of one example
                    assertTrue(found.penalty() != 0 || (undefined && !kind.isUnion()), "the penalty took no part");
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("networksAndPenalties")
    void scoresHoldThePenaltyAndOutputsDoNotFeelIt(Networks kind, Penalty penalty) {
        // scoreExamples of a recurrent graph leaks a workspace in DL4J itself
        Settings settings = new Settings(DataType.DOUBLE, true, WorkspaceMode.NONE, new NoOp());
        Model with = kind.build(settings, penalty);
        Penalty off = penalty.layer() instanceof IStarLayer i ? Penalty.iStar(0, i.getZeta()) : Penalty.cosReg(0);
        Model without = kind.build(settings, off);
        DataSet data = kind.data(DataType.DOUBLE, 6, 4, kind.recurrent);

        assertEquals(Networks.output(without, data, false), Networks.output(with, data, false));
        for (ActivationPenalty found : IStar.penalties(with)) {
            assertTrue(Double.isNaN(found.measure()), "output() must not pay for a penalty");
        }
        for (boolean training : new boolean[] {false, true}) {
            double difference = Networks.score(with, data, training) - Networks.score(without, data, training);
            double expected = IStar.penalties(with).stream()
                    .mapToDouble(ActivationPenalty::penalty)
                    .sum();
            assertNotEquals(0, expected);
            assertEquals(expected, difference, 1e-12);
        }
        double sum = IStar.penalties(with).stream()
                .mapToDouble(ActivationPenalty::penalty)
                .sum();
        INDArray examples = Networks.scoreExamples(with, data, true).sub(Networks.scoreExamples(with, data, false));
        for (double added : examples.reshape(examples.length()).toDoubleVector()) {
            assertEquals(sum, added, 1e-12);
        }
    }

    @ParameterizedTest
    @MethodSource("networksAndPenalties")
    void maskedEqualsTruncated(Networks kind, Penalty penalty) {
        assumeFalse(!kind.recurrent || kind == Networks.RECURRENT_NWC, "needs time steps along the last dimension");
        Model model = kind.build(Settings.gradientCheck(true), penalty);
        DataSet longer = kind.data(DataType.DOUBLE, 5, 6, false);
        INDArray mask = Nd4j.ones(DataType.DOUBLE, 5, 6);
        mask.get(org.nd4j.linalg.indexing.NDArrayIndex.all(), org.nd4j.linalg.indexing.NDArrayIndex.interval(4, 6))
                .assign(0);
        longer.setFeaturesMaskArray(mask);
        longer.setLabelsMaskArray(mask);
        org.nd4j.linalg.indexing.INDArrayIndex all = org.nd4j.linalg.indexing.NDArrayIndex.all();
        org.nd4j.linalg.indexing.INDArrayIndex kept = org.nd4j.linalg.indexing.NDArrayIndex.interval(0, 4);
        DataSet shorter = new DataSet(
                longer.getFeatures().get(all, all, kept).dup(),
                longer.getLabels().get(all, all, kept).dup());
        INDArray expected = Networks.gradient(model, shorter);
        double score = model.score();
        List<Double> penalties =
                IStar.penalties(model).stream().map(ActivationPenalty::penalty).toList();
        INDArray found = Networks.gradient(model, longer);
        assertEquals(score, model.score(), 1e-12);
        assertTrue(found.equalsWithEps(expected, 1e-11));
        for (int i = 0; i < penalties.size(); i++) {
            assertEquals(penalties.get(i), IStar.penalties(model).get(i).penalty(), 1e-13);
        }
    }

    @ParameterizedTest
    @MethodSource("networksAndPenalties")
    void workspacesMakeNoDifference(Networks kind, Penalty penalty) {
        DataSet data = kind.data(DataType.DOUBLE, 6, 4, kind.recurrent);
        Model enabled = kind.build(new Settings(DataType.DOUBLE, true, WorkspaceMode.ENABLED, new Adam(1e-2)), penalty);
        Model none = kind.build(new Settings(DataType.DOUBLE, true, WorkspaceMode.NONE, new Adam(1e-2)), penalty);
        for (int i = 0; i < 4; i++) {
            Networks.fit(enabled, data);
            Networks.fit(none, data);
        }
        assertTrue(enabled.params().equalsWithEps(none.params(), 1e-12));
        assertEquals(enabled.score(), none.score(), 1e-12);
    }

    @ParameterizedTest
    @MethodSource("networksAndPenalties")
    void nothingIsLostOnTheWayToDiskAndBack(Networks kind, Penalty penalty, @TempDir Path folder) throws Exception {
        // Not Adam: a graph's JSON loses the iteration count that Adam's step depends on
        DataSet data = kind.data(DataType.DOUBLE, 6, 4, kind.recurrent);
        Model model =
                kind.build(new Settings(DataType.DOUBLE, true, WorkspaceMode.ENABLED, new RmsProp(1e-2)), penalty);
        Networks.fit(model, data);
        File file = folder.resolve("model.zip").toFile();
        ModelSerializer.writeModel(model, file, true);
        List<Model> copies;
        if (model instanceof MultiLayerNetwork network) {
            MultiLayerConfiguration conf = network.getLayerWiseConfigurations();
            assertEquals(conf, MultiLayerConfiguration.fromJson(conf.toJson()));
            assertEquals(conf, MultiLayerConfiguration.fromYaml(conf.toYaml()));
            assertEquals(conf, conf.clone());
            assertEquals(conf, javaSerialized(conf));
            copies = List.of(MultiLayerNetwork.load(file, true), network.clone());
        } else {
            ComputationGraph graph = (ComputationGraph) model;
            ComputationGraphConfiguration conf = graph.getConfiguration();
            // A running graph's configuration also holds a topological order and counters that JSON leaves out
            assertEquals(
                    conf.getVertices(),
                    ComputationGraphConfiguration.fromJson(conf.toJson()).getVertices());
            assertEquals(
                    conf.getVertices(),
                    ComputationGraphConfiguration.fromYaml(conf.toYaml()).getVertices());
            assertEquals(conf.getVertices(), conf.clone().getVertices());
            assertEquals(conf.getVertices(), javaSerialized(conf).getVertices());
            copies = List.of(ComputationGraph.load(file, true), graph.clone());
        }
        double score = Networks.score(model, data, false);
        Networks.fit(model, data);
        for (Model copy : copies) {
            assertEquals(score, Networks.score(copy, data, false), 1e-13);
            // The next step shows whether the updater's state came along
            Networks.fit(copy, data);
            assertEquals(model.params(), copy.params());
        }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Serializable> T javaSerialized(T object) throws IOException, ClassNotFoundException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(object);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return (T) in.readObject();
        }
    }

    @ParameterizedTest
    @EnumSource(Networks.class)
    void shrinkageIsAParameterThatTrainingLeavesAlone(Networks kind) {
        DataSet data = kind.data(DataType.DOUBLE, 6, 4, kind.recurrent);
        Model model = kind.build(
                new Settings(DataType.DOUBLE, true, WorkspaceMode.ENABLED, new Adam(1e-2)), Penalty.iStar(1, 0.5));
        Model plain = kind.build(
                new Settings(DataType.DOUBLE, true, WorkspaceMode.ENABLED, new Adam(1e-2)), Penalty.iStar(1, 0));
        List<String> keys = model.paramTable().keySet().stream()
                .filter(k -> k.endsWith("_S"))
                .toList();
        assertFalse(keys.isEmpty());
        assertTrue(plain.paramTable().keySet().stream().noneMatch(k -> k.endsWith("_S")));
        List<INDArray> before =
                keys.stream().map(k -> model.paramTable().get(k).dup()).toList();
        for (int i = 0; i < 3; i++) {
            Networks.fit(model, data);
        }
        for (int i = 0; i < keys.size(); i++) {
            assertEquals(before.get(i), model.paramTable().get(keys.get(i)));
        }
        assertEquals(updaterState(plain).length(), updaterState(model).length(), "no updater state for Σ_S");
        long added = before.stream().mapToLong(INDArray::length).sum();
        assertEquals(plain.numParams() + added, model.numParams());
        assertEquals(model.numParams(), model.params().length());
        assertTrue(summary(model).contains("Total Parameters"));
    }

    private static String summary(Model model) {
        return model instanceof MultiLayerNetwork network ? network.summary() : ((ComputationGraph) model).summary();
    }

    private static INDArray updaterState(Model model) {
        return model instanceof MultiLayerNetwork network
                ? network.getUpdater().getStateViewArray()
                : ((ComputationGraph) model).getUpdater().getStateViewArray();
    }

    @ParameterizedTest
    @MethodSource("networksAndPenalties")
    void floatTrainingFollowsDoubleTraining(Networks kind, Penalty penalty) {
        Model single = kind.build(new Settings(DataType.FLOAT, true, WorkspaceMode.ENABLED, new NoOp()), penalty);
        Model twice = kind.build(Settings.gradientCheck(true), penalty);
        twice.setParams(single.params().castTo(DataType.DOUBLE));
        DataSet data = kind.data(DataType.FLOAT, 6, 4, kind.recurrent);
        DataSet same = new DataSet(
                data.getFeatures().castTo(DataType.DOUBLE),
                data.getLabels().castTo(DataType.DOUBLE),
                data.getFeaturesMaskArray() == null
                        ? null
                        : data.getFeaturesMaskArray().castTo(DataType.DOUBLE),
                data.getLabelsMaskArray() == null
                        ? null
                        : data.getLabelsMaskArray().castTo(DataType.DOUBLE));
        INDArray expected = Networks.gradient(twice, same);
        INDArray found = Networks.gradient(single, data).castTo(DataType.DOUBLE);
        double error = found.sub(expected).norm2Number().doubleValue()
                / expected.norm2Number().doubleValue();
        assertTrue(error < 1e-4, () -> "relative gradient error " + error);
        assertEquals(twice.score(), single.score(), 1e-4 * Math.abs(twice.score()));
    }
}
