/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.it.search.ParameterList;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.distribution.LogUniformDistribution;
import org.deeplearning4j.arbiter.optimize.parameter.BooleanSpace;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.integer.IntegerParameterSpace;

/**
 * A function with a known minimum.
 *
 * @param name name in tables
 * @param space a new space for each search
 * @param value of a point
 * @param minimum its least value
 */
record SearchFunction(
        String name, Supplier<ParameterList> space, ToDoubleFunction<List<Object>> value, double minimum) {
    private static final double[] HARTMANN_WEIGHTS = {1, 1.2, 3, 3.2};
    private static final double[][] HARTMANN_SCALES = {
        {10, 3, 17, 3.5, 1.7, 8}, {0.05, 10, 17, 0.1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, 0.05, 10, 0.1, 14}
    };
    private static final double[][] HARTMANN_CENTRES = {
        {0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
        {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
        {0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
        {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381}
    };

    static final List<SearchFunction> ALL = List.of(
            new SearchFunction(
                    "Branin",
                    () -> ParameterList.of(new ContinuousParameterSpace(-5, 10), new ContinuousParameterSpace(0, 15)),
                    SearchFunction::branin,
                    0.39788735772973816),
            new SearchFunction("Hartmann 6", () -> continuous(6, 0, 1), SearchFunction::hartmann, -3.322368011415515),
            new SearchFunction("Rosenbrock 4", () -> continuous(4, -2, 2), SearchFunction::rosenbrock, 0),
            new SearchFunction(
                    "mixed",
                    () -> ParameterList.of(
                            new ContinuousParameterSpace(new LogUniformDistribution(1e-5, 1)),
                            new DiscreteParameterSpace<>("sgd", "nesterovs", "adam"),
                            new DiscreteParameterSpace<>("tanh", "sigmoid", "relu", "elu", "identity"),
                            new IntegerParameterSpace(1, 128),
                            new IntegerParameterSpace(1, 8),
                            new ContinuousParameterSpace(0, 1),
                            new BooleanSpace()),
                    SearchFunction::mixed,
                    0));

    private static ParameterList continuous(int dimensions, double from, double to) {
        return new ParameterList(IntStream.range(0, dimensions)
                .<ParameterSpace<?>>mapToObj(i -> new ContinuousParameterSpace(from, to))
                .toList());
    }

    private static double branin(List<Object> x) {
        double x1 = (double) x.get(0);
        double x2 = (double) x.get(1);
        double valley = x2 - 5.1 / (4 * Math.PI * Math.PI) * x1 * x1 + 5 / Math.PI * x1 - 6;
        return valley * valley + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x1) + 10;
    }

    private static double hartmann(List<Object> x) {
        double sum = 0;
        for (int i = 0; i < HARTMANN_WEIGHTS.length; i++) {
            double distance = 0;
            for (int d = 0; d < x.size(); d++) {
                distance += HARTMANN_SCALES[i][d] * Math.pow((double) x.get(d) - HARTMANN_CENTRES[i][d], 2);
            }
            sum -= HARTMANN_WEIGHTS[i] * Math.exp(-distance);
        }
        return sum;
    }

    private static double rosenbrock(List<Object> x) {
        double sum = 0;
        for (int d = 0; d + 1 < x.size(); d++) {
            double a = (double) x.get(d);
            double b = (double) x.get(d + 1);
            sum += 100 * Math.pow(b - a * a, 2) + Math.pow(1 - a, 2);
        }
        return sum;
    }

    /** In the likeness of a network's error: the best learning rate depends on the updater. */
    private static double mixed(List<Object> x) {
        String updater = (String) x.get(1);
        double bestRate = updater.equals("adam") ? -3 : updater.equals("nesterovs") ? -1.5 : -1;
        double cost = updater.equals("adam") ? 0 : updater.equals("nesterovs") ? 0.2 : 0.5;
        cost += 0.3 * List.of("relu", "elu", "tanh", "sigmoid", "identity").indexOf((String) x.get(2));
        return cost
                + Math.pow(Math.log10((double) x.get(0)) - bestRate, 2)
                + Math.pow(((int) x.get(3) - 96) / 32.0, 2)
                + Math.pow((int) x.get(4) - 3, 2) / 4.0
                + 4 * Math.pow((double) x.get(5) - 0.2, 2)
                + ((boolean) x.get(6) ? 0 : 0.5);
    }
}
