/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class LossCosineDistanceTest {
    private final LossCosineDistance loss = new LossCosineDistance();

    private static double plain(double[] gold, double[] state) {
        double dot = 0;
        double gg = 0;
        double ss = 0;
        for (int i = 0; i < gold.length; i++) {
            dot += gold[i] * state[i];
            gg += gold[i] * gold[i];
            ss += state[i] * state[i];
        }
        return gg == 0 || ss == 0 ? 1 : 1 - dot / Math.sqrt(gg * ss);
    }

    @Test
    void valueAndGradientAgreeWithTheFormula() {
        Nd4j.getRandom().setSeed(4);
        INDArray gold = Nd4j.randn(DataType.DOUBLE, 5, 4).muli(3);
        INDArray normal = Nd4j.randn(DataType.DOUBLE, 5, 4);
        INDArray mask = Nd4j.createFromArray(1.0, 0.5, 0, 1, 1).reshape(5, 1);
        for (Activation function : new Activation[] {Activation.IDENTITY, Activation.TANH}) {
            IActivation activation = function.getActivationFunction();
            // Small enough to show a bound on norms; tanh of that would be all rounding
            double size = function == Activation.IDENTITY ? 1e-7 : 1;
            INDArray states = normal.mul(size);
            INDArray before = states.dup();
            INDArray gradient = loss.computeGradient(gold, states.dup(), activation, mask);
            assertEquals(before, states);
            INDArray each = loss.computeScoreArray(gold, states, activation, mask);
            double sum = 0;
            for (int i = 0; i < 5; i++) {
                double[] state =
                        activation.getActivation(states.getRow(i).dup(), false).toDoubleVector();
                double expected = mask.getDouble(i) * plain(gold.getRow(i).toDoubleVector(), state);
                assertEquals(expected, each.getDouble(i), 1e-12);
                sum += expected;
            }
            assertEquals(sum, loss.computeScore(gold, states, activation, mask, false), 1e-12);
            assertEquals(sum / 5, loss.computeScore(gold, states, activation, mask, true), 1e-12);
            var both = loss.computeGradientAndScore(gold, states.dup(), activation, mask, true);
            assertEquals(sum / 5, both.getFirst(), 1e-12);
            assertEquals(gradient, both.getSecond());
            double h = 1e-5 * size;
            for (int i = 0; i < states.length(); i++) {
                INDArray plus = states.dup();
                plus.reshape(20).putScalar(i, states.reshape(20).getDouble(i) + h);
                INDArray minus = states.dup();
                minus.reshape(20).putScalar(i, states.reshape(20).getDouble(i) - h);
                double expected = (loss.computeScore(gold, plus, activation, mask, false)
                                - loss.computeScore(gold, minus, activation, mask, false))
                        / (2 * h);
                // Gradients are of the order of 1/‖r‖
                assertEquals(expected, gradient.reshape(20).getDouble(i), 1e-8 / size);
            }
        }
    }

    @Test
    void zeroVectorsHaveLossOneAndNoGradient() {
        INDArray gold = Nd4j.createFromArray(new double[][] {{1, 2}, {0, 0}, {0, 0}});
        INDArray states = Nd4j.createFromArray(new double[][] {{0, 0}, {1, 2}, {0, 0}});
        IActivation identity = Activation.IDENTITY.getActivationFunction();
        assertEquals(Nd4j.ones(DataType.DOUBLE, 3, 1), loss.computeScoreArray(gold, states, identity, null));
        assertEquals(Nd4j.zeros(DataType.DOUBLE, 3, 2), loss.computeGradient(gold, states, identity, null));
    }

    @Test
    void survivesJsonAndRefusesUnfitArrays() {
        var network = Models.chain(
                Settings.gradientCheck(true),
                InputType.feedForward(4),
                new NeuralClustering.Builder().build(),
                new LossLayer.Builder(loss).activation(Activation.IDENTITY).build());
        MultiLayerConfiguration conf = network.getLayerWiseConfigurations();
        assertEquals(conf, MultiLayerConfiguration.fromJson(conf.toJson()));
        IActivation identity = Activation.IDENTITY.getActivationFunction();
        String message = assertThrows(
                        IllegalArgumentException.class,
                        () -> loss.computeScoreArray(Nd4j.ones(2, 3), Nd4j.ones(2, 4), identity, null))
                .getMessage();
        assertTrue(message.contains("shape [2, 4], found [2, 3]"), message);
        message = assertThrows(
                        IllegalArgumentException.class,
                        () -> loss.computeGradient(Nd4j.ones(2, 4), Nd4j.ones(2, 4), identity, Nd4j.ones(2, 4)))
                .getMessage();
        assertTrue(message.contains("mask must have one element"), message);
    }
}
