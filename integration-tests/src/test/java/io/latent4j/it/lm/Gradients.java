/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Collection;
import java.util.Map;
import java.util.Random;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Finite differences of a SameDiff graph's loss. */
final class Gradients {
    private static final double STEP = 1e-5;

    private Gradients() {}

    /**
     * Compares some entries of each variable's gradient with central differences.
     *
     * @param graph in DOUBLE, with one loss variable
     * @param draws entries of each variable
     */
    static void check(SameDiff graph, Map<String, INDArray> inputs, Collection<String> variables, int draws) {
        Map<String, INDArray> gradients = graph.calculateGradients(inputs, variables);
        String loss = graph.getLossVariables().get(0);
        Random random = new Random(1);
        for (String variable : variables) {
            INDArray values = graph.getVariable(variable).getArr();
            for (int draw = 0; draw < draws; draw++) {
                long i = random.nextInt((int) values.length());
                double value = values.getDouble(i);
                values.putScalar(i, value + STEP);
                double above = graph.output(inputs, loss).get(loss).getDouble(0);
                values.putScalar(i, value - STEP);
                double below = graph.output(inputs, loss).get(loss).getDouble(0);
                values.putScalar(i, value);
                double expected = (above - below) / (2 * STEP);
                double found = gradients.get(variable).getDouble(i);
                assertEquals(expected, found, 1e-8 + 1e-6 * Math.abs(expected), variable + "[" + i + "]");
            }
        }
    }
}
