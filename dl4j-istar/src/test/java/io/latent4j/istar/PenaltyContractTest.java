/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.latent4j.contracts.Contracts;
import io.latent4j.contracts.InDouble;
import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.istar.Networks.Penalty;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;

/** The contracts of docs and architecture, each over every kind of place that a penalty can stand in. */
@ExtendWith(InDouble.class)
class PenaltyContractTest {
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
                String what = kind + " " + penalty + " examples " + examples + " masked " + masked + " miniBatch "
                        + miniBatch;
                Contracts.gradientsAgree(model, data, shrinkage, what);
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

        assertEquals(Models.output(without, data, false), Models.output(with, data, false));
        for (ActivationPenalty found : IStar.penalties(with)) {
            assertTrue(Double.isNaN(found.measure()), "output() must not pay for a penalty");
        }
        for (boolean training : new boolean[] {false, true}) {
            double difference = Models.score(with, data, training) - Models.score(without, data, training);
            double expected = IStar.penalties(with).stream()
                    .mapToDouble(ActivationPenalty::penalty)
                    .sum();
            assertNotEquals(0, expected);
            assertEquals(expected, difference, 1e-12);
        }
        double sum = IStar.penalties(with).stream()
                .mapToDouble(ActivationPenalty::penalty)
                .sum();
        INDArray examples = Models.scoreExamples(with, data, true).sub(Models.scoreExamples(with, data, false));
        for (double added : examples.reshape(examples.length()).toDoubleVector()) {
            assertEquals(sum, added, 1e-12);
        }
    }

    @ParameterizedTest
    @MethodSource("networksAndPenalties")
    void maskedEqualsTruncated(Networks kind, Penalty penalty) {
        assumeFalse(!kind.recurrent || kind == Networks.RECURRENT_NWC, "needs time steps along the last dimension");
        Model model = kind.build(Settings.gradientCheck(true), penalty);
        Contracts.maskedEqualsTruncated(model, kind.data(DataType.DOUBLE, 5, 6, false), 4);
    }

    @ParameterizedTest
    @MethodSource("networksAndPenalties")
    void aMinibatchWithoutMasksForgetsThem(Networks kind, Penalty penalty) {
        assumeTrue(kind.recurrent, "needs time steps");
        Model model = kind.build(Settings.gradientCheck(true), penalty);
        DataSet plain = kind.data(DataType.DOUBLE, 5, 6, false);
        INDArray expected = Models.gradient(model, plain);
        Models.fit(model, kind.data(DataType.DOUBLE, 6, 4, true));
        Model fresh = kind.build(Settings.gradientCheck(true), penalty);
        model.setParams(fresh.params());
        assertEquals(expected, Models.gradient(model, plain));
    }

    @ParameterizedTest
    @MethodSource("networksAndPenalties")
    void workspacesMakeNoDifference(Networks kind, Penalty penalty) {
        DataSet data = kind.data(DataType.DOUBLE, 6, 4, kind.recurrent);
        Contracts.workspacesMakeNoDifference(settings -> kind.build(settings, penalty), data);
    }

    @ParameterizedTest
    @MethodSource("networksAndPenalties")
    void nothingIsLostOnTheWayToDiskAndBack(Networks kind, Penalty penalty, @TempDir Path folder) throws Exception {
        DataSet data = kind.data(DataType.DOUBLE, 6, 4, kind.recurrent);
        Contracts.nothingIsLost(kind.build(Settings.training(new RmsProp(1e-2)), penalty), data, folder);
    }

    @ParameterizedTest
    @EnumSource(Networks.class)
    void shrinkageIsAParameterThatTrainingLeavesAlone(Networks kind) {
        DataSet data = kind.data(DataType.DOUBLE, 6, 4, kind.recurrent);
        Model model = kind.build(Settings.training(new Adam(1e-2)), Penalty.iStar(1, 0.5));
        Model plain = kind.build(Settings.training(new Adam(1e-2)), Penalty.iStar(1, 0));
        List<String> keys = model.paramTable().keySet().stream()
                .filter(k -> k.endsWith("_S"))
                .toList();
        assertFalse(keys.isEmpty());
        assertTrue(plain.paramTable().keySet().stream().noneMatch(k -> k.endsWith("_S")));
        List<INDArray> before =
                keys.stream().map(k -> model.paramTable().get(k).dup()).toList();
        for (int i = 0; i < 3; i++) {
            Models.fit(model, data);
        }
        for (int i = 0; i < keys.size(); i++) {
            assertEquals(before.get(i), model.paramTable().get(keys.get(i)));
        }
        assertEquals(
                Models.updaterState(plain).length(), Models.updaterState(model).length(), "no updater state for Σ_S");
        long added = before.stream().mapToLong(INDArray::length).sum();
        assertEquals(plain.numParams() + added, model.numParams());
        assertEquals(model.numParams(), model.params().length());
        assertTrue(Models.summary(model).contains("Total Parameters"));
    }

    @ParameterizedTest
    @MethodSource("networksAndPenalties")
    void floatTrainingFollowsDoubleTraining(Networks kind, Penalty penalty) {
        Contracts.floatFollowsDouble(
                settings -> kind.build(settings, penalty), kind.data(DataType.DOUBLE, 6, 4, kind.recurrent));
    }
}
