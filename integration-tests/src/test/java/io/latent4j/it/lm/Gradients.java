/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Collection;
import java.util.Map;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Finite differences of a SameDiff graph's loss. */
final class Gradients {
    private static final double STEP = 1e-6;

    private Gradients() {}

    /**
     * Compares each variable's gradient with central differences in a random direction, which all of its entries share.
     *
     * @param graph in DOUBLE, with one loss variable
     */
    static void check(SameDiff graph, Map<String, INDArray> inputs, Collection<String> variables) {
        Map<String, INDArray> gradients = graph.calculateGradients(inputs, variables);
        String loss = graph.getLossVariables().get(0);
        Nd4j.getRandom().setSeed(1);
        for (String variable : variables) {
            INDArray values = graph.getVariable(variable).getArr();
            INDArray before = values.dup();
            INDArray direction = Nd4j.randn(DataType.DOUBLE, values.shape());
            values.assign(before.add(direction.mul(STEP)));
            double above = graph.output(inputs, loss).get(loss).getDouble(0);
            values.assign(before.sub(direction.mul(STEP)));
            double below = graph.output(inputs, loss).get(loss).getDouble(0);
            values.assign(before);
            double expected = (above - below) / (2 * STEP);
            double found = gradients.get(variable).mul(direction).sumNumber().doubleValue();
            // The loss is known to about 1e-15, its third derivative along the direction enters by the step's square
            assertEquals(expected, found, 1e-8 + 1e-6 * Math.abs(expected), variable);
        }
    }
}
