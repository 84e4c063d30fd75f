/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.vocabsem.SemanticCalibration.Evaluation;
import io.latent4j.vocabsem.SemanticCalibration.Options;
import io.latent4j.vocabsem.SemanticCalibration.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SemanticCalibrationTest {
    private static final int D = 6;
    private static final int N = 5;

    /** One combination of options, with the activation as a plain function. */
    record Case(Options options, DoubleUnaryOperator activation, boolean affine, char order) {}

    static Stream<Case> cases() {
        List<Case> cases = new ArrayList<>();
        for (boolean residual : new boolean[] {false, true}) {
            for (boolean sigmoid : new boolean[] {false, true}) {
                for (boolean affine : new boolean[] {false, true}) {
                    cases.add(new Case(
                            new Options(Activation.RELU.getActivationFunction(), residual, sigmoid, 1e-5),
                            x -> Math.max(0, x),
                            affine,
                            affine ? 'f' : 'c'));
                }
            }
        }
        cases.add(new Case(
                new Options(Activation.TANH.getActivationFunction(), false, false, 0.1), Math::tanh, true, 'f'));
        cases.add(new Case(
                new Options(Activation.SOFTPLUS.getActivationFunction(), true, true, 1e-5),
                x -> Math.log1p(Math.exp(x)),
                false,
                'f'));
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void valueAgreesWithTheFormula(Case c) {
        Weights weights = weights(c, DataType.DOUBLE);
        INDArray states = random(new Random(3), N, D, 'c');
        double[][] expected = plain(c, weights).of(states.toDoubleMatrix());
        assertClose(expected, SemanticCalibration.of(states, weights, c.options()), 1e-12);
        INDArray single =
                SemanticCalibration.of(states.castTo(DataType.FLOAT), weights(c, DataType.FLOAT), c.options());
        assertEquals(DataType.FLOAT, single.dataType());
        assertClose(expected, single.castTo(DataType.DOUBLE), 2e-5);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void gradientsAgreeWithFiniteDifferencesOfTheFormula(Case c) {
        Weights weights = weights(c, DataType.DOUBLE);
        INDArray states = random(new Random(3), N, D, 'c');
        INDArray epsilon = random(new Random(4), N, D, 'f');
        INDArray before = epsilon.dup();
        Weights gradients = like(weights);
        Evaluation evaluation = SemanticCalibration.evaluate(states, weights, c.options());
        INDArray dStates = evaluation.backpropagate(epsilon, gradients);
        assertEquals(before, epsilon, "the incoming gradient must not change");

        assertDifferences(c, weights, states, epsilon, states, dStates);
        assertDifferences(c, weights, states, epsilon, weights.down(), gradients.down());
        assertDifferences(c, weights, states, epsilon, weights.up(), gradients.up());
        assertDifferences(c, weights, states, epsilon, weights.hidden(), gradients.hidden());
        assertDifferences(c, weights, states, epsilon, weights.out(), gradients.out());
        if (c.affine()) {
            assertDifferences(c, weights, states, epsilon, weights.gain(), gradients.gain());
            assertDifferences(c, weights, states, epsilon, weights.bias(), gradients.bias());
        }
    }

    private static void assertDifferences(
            Case c, Weights weights, INDArray states, INDArray epsilon, INDArray varied, INDArray gradient) {
        double h = 1e-5;
        assertEquals(varied.length(), gradient.length());
        for (int i = 0; i < varied.size(0); i++) {
            for (int j = 0; j < varied.size(1); j++) {
                double value = varied.getDouble(i, j);
                varied.putScalar(i, j, value + h);
                double plus = loss(c, weights, states, epsilon);
                varied.putScalar(i, j, value - h);
                double minus = loss(c, weights, states, epsilon);
                varied.putScalar(i, j, value);
                double expected = (plus - minus) / (2 * h);
                assertEquals(expected, gradient.getDouble(i, j), 1e-6 * (1 + Math.abs(expected)));
            }
        }
    }

    private static double loss(Case c, Weights weights, INDArray states, INDArray epsilon) {
        double[][] output = plain(c, weights).of(states.toDoubleMatrix());
        double loss = 0;
        for (int i = 0; i < output.length; i++) {
            for (int j = 0; j < D; j++) {
                loss += output[i][j] * epsilon.getDouble(i, j);
            }
        }
        return loss;
    }

    @Test
    void zeroAndConstantStatesAreFinite() {
        for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
            for (boolean residual : new boolean[] {false, true}) {
                Case c = new Case(
                        new Options(Activation.RELU.getActivationFunction(), residual, false, 1e-5),
                        x -> Math.max(0, x),
                        false,
                        'f');
                INDArray states = Nd4j.zeros(type, 3, D);
                states.getRow(1).assign(2);
                states.getRow(2).assign(-1e-30);
                Weights weights = weights(c, type);
                Weights gradients = like(weights);
                Evaluation evaluation = SemanticCalibration.evaluate(states, weights, c.options());
                assertEquals(0, evaluation.output().getRow(0).amaxNumber().doubleValue());
                assertFinite(evaluation.output());
                assertFinite(evaluation.backpropagate(Nd4j.ones(type, 3, D), gradients));
                for (INDArray gradient :
                        List.of(gradients.down(), gradients.up(), gradients.hidden(), gradients.out())) {
                    assertFinite(gradient);
                }
            }
        }
    }

    @Test
    void constantVectorBeforeLayerNormBecomesZero() {
        // Equal columns of O make v constant: variance 0
        Weights weights = new Weights(
                Nd4j.ones(DataType.DOUBLE, D, 1),
                Nd4j.ones(DataType.DOUBLE, 1, D),
                Nd4j.ones(DataType.DOUBLE, D, 3),
                Nd4j.ones(DataType.DOUBLE, 3, D),
                null,
                null);
        INDArray states = random(new Random(1), N, D, 'c');
        Weights gradients = like(weights);
        Evaluation evaluation = SemanticCalibration.evaluate(states, weights, Options.PAPER);
        assertEquals(0, evaluation.output().amaxNumber().doubleValue(), 1e-10);
        assertFinite(evaluation.backpropagate(random(new Random(2), N, D, 'c'), gradients));
        assertFinite(gradients.out());
    }

    @Test
    void unfitArraysAreRefused() {
        Weights fit = weights(cases().findFirst().orElseThrow(), DataType.DOUBLE);
        assertMessage(
                "states must have shape [N, 6]",
                () -> SemanticCalibration.of(Nd4j.zeros(DataType.DOUBLE, 2, 5), fit, Options.PAPER));
        assertMessage(
                "states must have shape [N, 6]",
                () -> SemanticCalibration.of(Nd4j.zeros(DataType.DOUBLE, 2, 6, 3), fit, Options.PAPER));
        assertMessage(
                "up must have shape [2, 6], found [3, 6]",
                () -> new Weights(fit.down(), Nd4j.zeros(DataType.DOUBLE, 3, 6), fit.hidden(), fit.out(), null, null));
        assertMessage(
                "hidden must have shape",
                () -> new Weights(fit.down(), fit.up(), Nd4j.zeros(DataType.DOUBLE, 7, 12), fit.out(), null, null));
        assertMessage(
                "out must have shape", () -> new Weights(fit.down(), fit.up(), fit.hidden(), fit.hidden(), null, null));
        assertMessage(
                "gain and bias must both",
                () -> new Weights(
                        fit.down(), fit.up(), fit.hidden(), fit.out(), Nd4j.ones(DataType.DOUBLE, 1, 6), null));
        assertMessage(
                "length 6",
                () -> new Weights(
                        fit.down(),
                        fit.up(),
                        fit.hidden(),
                        fit.out(),
                        Nd4j.ones(DataType.DOUBLE, 1, 5),
                        Nd4j.ones(DataType.DOUBLE, 1, 5)));
        for (double epsilon : new double[] {0, -1, Double.NaN, 1 / 0.0}) {
            assertMessage(
                    "layerNormEpsilon must be positive and finite",
                    () -> new Options(Activation.RELU.getActivationFunction(), false, false, epsilon));
        }
    }

    private static void assertMessage(String expected, org.junit.jupiter.api.function.Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(expected), message);
    }

    // ---- data ------------------------------------------------------------------------------------------------------

    private static Weights weights(Case c, DataType type) {
        Random random = new Random(7);
        char order = c.order();
        return new Weights(
                random(random, D, 2, order).castTo(type),
                random(random, 2, D, order).castTo(type),
                random(random, D, 2 * D, order).castTo(type),
                random(random, 2 * D, D, order).castTo(type),
                c.affine() ? random(random, 1, D, order).castTo(type) : null,
                c.affine() ? random(random, 1, D, order).castTo(type) : null);
    }

    private static Weights like(Weights weights) {
        return new Weights(
                nan(weights.down()),
                nan(weights.up()),
                nan(weights.hidden()),
                nan(weights.out()),
                weights.gain() == null ? null : nan(weights.gain()),
                weights.bias() == null ? null : nan(weights.bias()));
    }

    /** A view in a larger buffer, in the same order, with a value that must be overwritten. */
    private static INDArray nan(INDArray model) {
        INDArray flat = Nd4j.valueArrayOf(new long[] {model.length() + 3}, Double.NaN, model.dataType());
        return flat.get(org.nd4j.linalg.indexing.NDArrayIndex.interval(3, 3 + model.length()))
                .reshape(model.ordering(), model.shape());
    }

    private static PlainCalibration plain(Case c, Weights weights) {
        return new PlainCalibration(
                weights.down().toDoubleMatrix(),
                weights.up().toDoubleMatrix(),
                weights.hidden().toDoubleMatrix(),
                weights.out().toDoubleMatrix(),
                weights.gain() == null ? null : weights.gain().toDoubleVector(),
                weights.bias() == null ? null : weights.bias().toDoubleVector(),
                c.activation(),
                c.options().residual(),
                c.options().sigmoidGate(),
                c.options().layerNormEpsilon());
    }

    private static INDArray random(Random random, int rows, int columns, char order) {
        INDArray matrix = Nd4j.createUninitialized(DataType.DOUBLE, new long[] {rows, columns}, order);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                matrix.putScalar(i, j, random.nextGaussian());
            }
        }
        return matrix;
    }

    private static void assertClose(double[][] expected, INDArray found, double tolerance) {
        for (int i = 0; i < expected.length; i++) {
            for (int j = 0; j < expected[i].length; j++) {
                assertEquals(expected[i][j], found.getDouble(i, j), tolerance);
            }
        }
    }

    private static void assertFinite(INDArray array) {
        for (double x :
                array.dup().reshape(array.length()).castTo(DataType.DOUBLE).toDoubleVector()) {
            assertTrue(Double.isFinite(x), array::toString);
        }
    }
}
