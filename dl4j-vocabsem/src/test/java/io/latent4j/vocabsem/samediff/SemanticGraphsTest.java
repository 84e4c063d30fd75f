/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.samediff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.vocabsem.LossCosineDistance;
import io.latent4j.vocabsem.SemanticCalibration;
import io.latent4j.vocabsem.SemanticCalibration.Evaluation;
import io.latent4j.vocabsem.SemanticCalibration.Options;
import io.latent4j.vocabsem.SemanticCalibration.Weights;
import io.latent4j.vocabsem.Similarity;
import io.latent4j.vocabsem.SparseCrossEntropy;
import io.latent4j.vocabsem.VocabularyLogits;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SemanticGraphsTest {
    private static final int N = 6;
    private static final int K = 5;
    private static final int D = 8;

    private final INDArray states = random(N, D, 1);
    private final INDArray bases = random(K, D, 2);
    private final INDArray labels = Nd4j.createFromArray(0, 4, 2, 2, 1, 0);
    private final INDArray mask = Nd4j.createFromArray(1.0, 1, 0, 1, 0, 1);

    private static INDArray random(int rows, int columns, int seed) {
        Nd4j.getRandom().setSeed(seed);
        return Nd4j.randn(DataType.DOUBLE, rows, columns);
    }

    // ---- logits ----------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(Similarity.class)
    void logitsAndTheirGradientsEqualTheKernels(Similarity similarity) {
        states.getRow(3).assign(bases.getRow(1)); // distance 0
        INDArray epsilon = random(N, K, 3);
        INDArray expected = VocabularyLogits.of(states, bases, similarity, 3);
        INDArray expectedBases = Nd4j.create(DataType.DOUBLE, K, D);
        INDArray expectedStates = VocabularyLogits.gradients(
                        states, bases, similarity, 3, expected.dup(), epsilon.dup(), expectedBases)
                .states();

        SameDiff sd = SameDiff.create();
        SDVariable logits =
                SemanticGraphs.logits("logits", sd.var("states", states), sd.var("bases", bases), similarity, 3);
        assertEquals("logits", logits.name());
        logits.mul(sd.constant(epsilon)).sum().markAsLoss();
        // A distance of 0 is known to the root of rounding
        double tolerance = similarity == Similarity.EUCLIDEAN ? 1e-6 : 1e-12;
        assertTrue(expected.equalsWithEps(logits.eval(), tolerance));
        Map<String, INDArray> gradients = sd.calculateGradients(Map.of(), "states", "bases");
        if (similarity != Similarity.EUCLIDEAN) {
            assertTrue(expectedStates.equalsWithEps(gradients.get("states"), 1e-11));
            assertTrue(expectedBases.equalsWithEps(gradients.get("bases"), 1e-11));
        } else {
            // The gradient of a distance that rounding keeps from 0 has no direction, but is bounded
            for (int i = 0; i < N; i++) {
                if (i != 3) {
                    assertTrue(expectedStates
                            .getRow(i)
                            .equalsWithEps(gradients.get("states").getRow(i), 1e-11));
                }
            }
            assertTrue(Double.isFinite(gradients.get("states").sumNumber().doubleValue()));
        }
    }

    @ParameterizedTest
    @EnumSource(Similarity.class)
    void zeroVectorsAreSafe(Similarity similarity) {
        INDArray zeroState = states.dup();
        zeroState.getRow(0).assign(0);
        INDArray zeroBasis = bases.dup();
        zeroBasis.getRow(2).assign(0);
        SameDiff sd = SameDiff.create();
        SDVariable logits =
                SemanticGraphs.logits("logits", sd.var("states", zeroState), sd.var("bases", zeroBasis), similarity, 2);
        logits.sum().markAsLoss();
        assertTrue(VocabularyLogits.of(zeroState, zeroBasis, similarity, 2).equalsWithEps(logits.eval(), 1e-12));
        Map<String, INDArray> gradients = sd.calculateGradients(Map.of(), "states", "bases");
        assertTrue(Double.isFinite(gradients.get("states").sumNumber().doubleValue()));
        assertTrue(Double.isFinite(gradients.get("bases").sumNumber().doubleValue()));
        if (similarity == Similarity.COSINE) {
            assertEquals(0, gradients.get("states").getRow(0).amaxNumber().doubleValue());
            assertEquals(0, gradients.get("bases").getRow(2).amaxNumber().doubleValue());
        }
    }

    @ParameterizedTest
    @EnumSource(Similarity.class)
    void singleStatesAndSingleBasesGetTheirGradients(Similarity similarity) {
        for (int n : new int[] {1, N}) {
            INDArray r = random(n, D, 21);
            INDArray s = random(n == 1 ? K : 1, D, 22);
            INDArray epsilon = random(n, (int) s.size(0), 23);
            INDArray logits = VocabularyLogits.of(r, s, similarity, 3);
            INDArray expectedBases = Nd4j.create(DataType.DOUBLE, s.size(0), D);
            INDArray expectedStates = VocabularyLogits.gradients(
                            r, s, similarity, 3, logits, epsilon.dup(), expectedBases)
                    .states();
            SameDiff sd = SameDiff.create();
            SemanticGraphs.logits("logits", sd.var("states", r), sd.var("bases", s), similarity, 3)
                    .mul(sd.constant(epsilon))
                    .sum()
                    .markAsLoss();
            Map<String, INDArray> gradients = sd.calculateGradients(Map.of(), "states", "bases");
            assertClose(expectedStates, gradients.get("states"));
            assertClose(expectedBases, gradients.get("bases"));
        }
    }

    // ---- losses ----------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({"false, DOUBLE, 1e-11", "true, DOUBLE, 1e-11", "true, FLOAT, 1e-5"})
    void crossEntropyEqualsTheKernels(boolean masked, DataType type, double tolerance) {
        double total = masked ? 4 : N;
        INDArray weights = masked ? mask : null;
        SparseCrossEntropy.Result expected = SparseCrossEntropy.withGradients(
                states, bases, Similarity.COSINE, 20, labels.reshape(N, 1), weights, 0, null);

        SameDiff sd = SameDiff.create();
        SDVariable logits = SemanticGraphs.logits(
                "logits",
                sd.var("states", states.castTo(type)),
                sd.constant("bases", bases.castTo(type)),
                Similarity.COSINE,
                20);
        SDVariable loss = SemanticGraphs.crossEntropy(
                "loss", logits, sd.constant("labels", labels), masked ? sd.constant("mask", mask) : null);
        loss.markAsLoss();
        assertEquals(
                expected.losses().sumNumber().doubleValue() / total, loss.eval().getDouble(0), tolerance);
        INDArray gradient =
                sd.calculateGradients(Map.of(), "states").get("states").castTo(DataType.DOUBLE);
        assertTrue(expected.states().div(total).equalsWithEps(gradient, tolerance));
    }

    @Test
    void crossEntropyOfLargeLogitsIsExact() {
        SameDiff sd = SameDiff.create();
        INDArray large = Nd4j.createFromArray(new double[][] {{1000, 0, -1000}, {-1000, 1000, 1000}});
        SDVariable loss = SemanticGraphs.crossEntropy(
                "loss", sd.var("logits", large), sd.constant(Nd4j.createFromArray(0, 2)), null);
        loss.markAsLoss();
        assertEquals(Math.log(2) / 2, loss.eval().getDouble(0), 1e-12);
        INDArray gradient = sd.calculateGradients(Map.of(), "logits").get("logits");
        assertTrue(Nd4j.createFromArray(new double[][] {{0, 0, 0}, {0, 0.25, -0.25}})
                .equalsWithEps(gradient, 1e-12));
    }

    @ParameterizedTest
    @CsvSource({"false", "true"})
    void cosineDistanceEqualsTheLayersLoss(boolean masked) {
        INDArray gold = random(N, D, 4);
        states.getRow(5).assign(0);
        LossCosineDistance loss = new LossCosineDistance();
        var identity = Activation.IDENTITY.getActivationFunction();
        INDArray column = masked ? mask.reshape(N, 1) : null;
        double total = masked ? 4 : N;

        SameDiff sd = SameDiff.create();
        SDVariable found = SemanticGraphs.cosineDistance(
                "loss", sd.var("states", states), sd.constant(gold), masked ? sd.constant(mask) : null);
        found.markAsLoss();
        assertEquals(
                loss.computeScore(gold, states, identity, column, false) / total,
                found.eval().getDouble(0),
                1e-12);
        INDArray gradient = sd.calculateGradients(Map.of(), "states").get("states");
        assertTrue(
                loss.computeGradient(gold, states, identity, column).div(total).equalsWithEps(gradient, 1e-12));
    }

    @Test
    void nothingButMaskedRowsCostNothing() {
        SameDiff sd = SameDiff.create();
        SDVariable none = sd.constant(Nd4j.zeros(DataType.DOUBLE, N));
        SDVariable loss = SemanticGraphs.cosineDistance("loss", sd.var("states", states), sd.constant(states), none);
        loss.markAsLoss();
        assertEquals(0, loss.eval().getDouble(0));
        assertEquals(
                0,
                sd.calculateGradients(Map.of(), "states")
                        .get("states")
                        .amaxNumber()
                        .doubleValue());
    }

    // ---- module ----------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({
        "false, false, false, 2, 4",
        "true, false, true, 2, 4",
        "false, true, true, 3, 8",
        "true, true, false, 1, 2"
    })
    void moduleEqualsTheKernel(boolean residual, boolean sigmoid, boolean affine, int hiddenFactor, int ratio) {
        Weights weights = new Weights(
                random(D, D / ratio, 5),
                random(D / ratio, D, 6),
                random(D, hiddenFactor * D, 7),
                random(hiddenFactor * D, D, 8),
                affine ? random(1, D, 9) : null,
                affine ? random(1, D, 10) : null);
        Weights gradients = new Weights(
                weights.down().like(),
                weights.up().like(),
                weights.hidden().like(),
                weights.out().like(),
                affine ? weights.gain().like() : null,
                affine ? weights.bias().like() : null);
        INDArray epsilon = random(N, D, 11);
        Options options = new Options(Activation.RELU.getActivationFunction(), residual, sigmoid, 1e-4);
        Evaluation expected = SemanticCalibration.evaluate(states, weights, options);

        SameDiff sd = SameDiff.create();
        SDVariable found = new CalibrationModule.Builder(sd, "module", D)
                .residual(residual)
                .sigmoidGate(sigmoid)
                .layerNormAffine(affine)
                .hiddenFactor(hiddenFactor)
                .bottleneckRatio(ratio)
                .layerNormEpsilon(1e-4)
                .dataType(DataType.DOUBLE)
                .weights(weights)
                .build()
                .calibrate("calibrated", sd.var("states", states));
        found.mul(sd.constant(epsilon)).sum().markAsLoss();
        assertTrue(expected.output().equalsWithEps(found.eval(), 1e-12));
        INDArray expectedStates = expected.backpropagate(epsilon, gradients);
        Map<String, INDArray> map = sd.calculateGradients(
                Map.of(), "states", "module_Wdown", "module_Wup", "module_Whidden", "module_Wout");
        assertClose(expectedStates, map.get("states"));
        assertClose(gradients.down(), map.get("module_Wdown"));
        assertClose(gradients.up(), map.get("module_Wup"));
        assertClose(gradients.hidden(), map.get("module_Whidden"));
        assertClose(gradients.out(), map.get("module_Wout"));
        if (affine) {
            map = sd.calculateGradients(Map.of(), "module_g", "module_b");
            assertClose(gradients.gain(), map.get("module_g"));
            assertClose(gradients.bias(), map.get("module_b"));
        }
    }

    @Test
    void moduleOfASingleStateGetsItsGradient() {
        INDArray one = random(1, D, 24);
        INDArray epsilon = random(1, D, 25);
        Weights weights =
                new Weights(random(D, 2, 26), random(2, D, 27), random(D, 2 * D, 28), random(2 * D, D, 29), null, null);
        Weights gradients = new Weights(
                weights.down().like(),
                weights.up().like(),
                weights.hidden().like(),
                weights.out().like(),
                null,
                null);
        INDArray expected = SemanticCalibration.evaluate(
                        one, weights, new Options(Activation.RELU.getActivationFunction(), false, false, 1e-4))
                .backpropagate(epsilon, gradients);
        SameDiff sd = SameDiff.create();
        new CalibrationModule.Builder(sd, "module", D)
                .bottleneckRatio(4)
                .layerNormEpsilon(1e-4)
                .dataType(DataType.DOUBLE)
                .weights(weights)
                .build()
                .calibrate("calibrated", sd.var("state", one))
                .mul(sd.constant(epsilon))
                .sum()
                .markAsLoss();
        Map<String, INDArray> found = sd.calculateGradients(Map.of(), "state", "module_Wout");
        assertClose(expected, found.get("state"));
        assertClose(gradients.out(), found.get("module_Wout"));
    }

    private static void assertClose(INDArray expected, INDArray found) {
        double size = Math.max(1, expected.amaxNumber().doubleValue());
        assertTrue(expected.equalsWithEps(found, 1e-10 * size), () -> expected + "\n" + found);
    }

    @Test
    void freshModuleIsDrawnAndSharesItsVariables() {
        SameDiff sd = SameDiff.create();
        CalibrationModule module = new CalibrationModule.Builder(sd, "m", 16)
                .layerNormAffine(true)
                .activation(x -> sd.math.tanh(x))
                .build();
        assertEquals(
                33 * 16 * 16 / 8 + 2 * 16,
                sd.variables().stream().mapToLong(v -> v.getArr().length()).sum());
        INDArray input = Nd4j.randn(DataType.FLOAT, 3, 16);
        SDVariable x = sd.constant("x", input);
        SDVariable one = module.calibrate("one", x);
        SDVariable two = module.calibrate("two", x);
        assertEquals(one.eval(), two.eval());
        assertTrue(one.eval().std(1).minNumber().doubleValue() > 0.9, "a layer norm comes last");
    }

    // ---- bad input -------------------------------------------------------------------------------------------------

    @Test
    void badOptionsAreRefused() {
        SameDiff sd = SameDiff.create();
        SDVariable x = sd.var("x", states);
        for (double scale : new double[] {0, -1, Double.NaN, 1 / 0.0}) {
            assertMessage("scale must be positive", () -> SemanticGraphs.logits("l", x, x, Similarity.DOT, scale));
        }
        assertMessage("features must be at least 2", () -> new CalibrationModule.Builder(sd, "m", 1));
        CalibrationModule.Builder builder = new CalibrationModule.Builder(sd, "m", D);
        assertMessage("hiddenFactor must be at least 1", () -> builder.hiddenFactor(0));
        assertMessage("bottleneckRatio must be at least 1", () -> builder.bottleneckRatio(0));
        assertMessage("layerNormEpsilon must be positive", () -> builder.layerNormEpsilon(0));
        assertMessage("dataType must be a floating point type", () -> builder.dataType(DataType.INT32));
        assertMessage("weights must be those of 8 features", () -> builder.weights(
                        new Weights(random(D, 3, 1), random(3, D, 1), random(D, D, 1), random(D, D, 1), null, null))
                .build());
    }

    private static void assertMessage(String expected, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(expected), message);
    }
}
