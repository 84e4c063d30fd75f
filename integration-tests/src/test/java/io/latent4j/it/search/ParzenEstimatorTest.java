/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.commons.math3.analysis.integration.IterativeLegendreGaussIntegrator;
import org.apache.commons.math3.distribution.BinomialDistribution;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.apache.commons.math3.random.MersenneTwister;
import org.apache.commons.math3.stat.inference.KolmogorovSmirnovTest;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.distribution.LogUniformDistribution;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;
import org.deeplearning4j.arbiter.optimize.parameter.BooleanSpace;
import org.deeplearning4j.arbiter.optimize.parameter.FixedValue;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.integer.IntegerParameterSpace;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ParzenEstimatorTest {
    private static final List<Dimension> INTERVAL = List.of(new Dimension.Interval());

    @ParameterizedTest
    @CsvSource({"0.5, 1", "0, 0.3", "1, 0.01", "0.2, 0.05"})
    void truncatedNormalDensityIsTheNormalOneOverItsProbabilityInside(double mean, double deviation) {
        Dimension.TruncatedNormal truncated = new Dimension.TruncatedNormal(mean, deviation);
        NormalDistribution normal = new NormalDistribution(mean, deviation);
        double inside = normal.cumulativeProbability(1) - normal.cumulativeProbability(0);
        for (double u = 0; u <= 1; u += 0.125) {
            assertEquals(normal.density(u) / inside, truncated.density(u), 1e-12 * (1 + normal.density(u)));
        }
        assertEquals(1, truncated.probability(0, 1), 1e-12);
    }

    @Test
    void mixtureIntegratesToOne() {
        double[][] observations = {{0.02}, {0.1}, {0.11}, {0.6}, {1}};
        ParzenEstimator mixture = new ParzenEstimator(INTERVAL, observations);
        assertEquals(1, integral(u -> mixture.density(new double[] {u})), 1e-6);
    }

    @Test
    void mixtureIsTheMeanOfUniformAndKernels() {
        // Distances to the farther neighbour, 0, 0.5 and 1 counted: 0.3 (to 0.5), 0.4 (to 0.5)
        ParzenEstimator mixture = new ParzenEstimator(INTERVAL, new double[][] {{0.2}, {0.9}});
        double expected = (1 + truncated(0.4, 0.2, 0.3) + truncated(0.4, 0.9, 0.4)) / 3;
        assertEquals(expected, mixture.density(new double[] {0.4}), 1e-12);
    }

    @Test
    void bandwidthIsTheDistanceToTheFartherNeighbour() {
        assertArrayEquals(
                new double[] {0.3, 0.2, 0.5}, Dimension.neighbourDistances(new double[] {0.3, 0.5, 1}), 1e-15);
    }

    @Test
    void jointMixtureHasProductsOfKernels() {
        ParzenEstimator mixture = new ParzenEstimator(
                List.of(new Dimension.Interval(), new Dimension.Interval()), new double[][] {{0.2, 0.9}, {0.7, 0.4}});
        double width = Math.max(0.2 * Math.pow(2, -1.0 / 6), 1.0 / 4);
        double expected = (1
                        + truncated(0.3, 0.2, width) * truncated(0.5, 0.9, width)
                        + truncated(0.3, 0.7, width) * truncated(0.5, 0.4, width))
                / 3;
        assertEquals(expected, mixture.density(new double[] {0.3, 0.5}), 1e-12);
        double integral = integral(x -> integral(y -> mixture.density(new double[] {x, y})));
        assertEquals(1, integral, 1e-5);
    }

    @Test
    void categoriesAreCountedOverAPriorOfOneObservation() {
        List<Dimension> dimension = List.of(new Dimension.Categories(3, false));
        ParzenEstimator mixture = new ParzenEstimator(dimension, new double[][] {{0.1}, {0.2}, {0.9}});
        // Weight 1/4 for each value: own value (1 + 1/4) / (7/4) = 5/7, others 1/7
        assertEquals((1 / 3.0 + 2 * 5 / 7.0 + 1 / 7.0) / 4, mixture.density(new double[] {0.3}), 1e-12);
        assertEquals((1 / 3.0 + 3 * 1 / 7.0) / 4, mixture.density(new double[] {0.5}), 1e-12);
        assertEquals((1 / 3.0 + 5 / 7.0 + 2 * 1 / 7.0) / 4, mixture.density(new double[] {1}), 1e-12);
    }

    @Test
    void probabilitiesOfIntegersSumToOne() {
        IntegerParameterSpace space = new IntegerParameterSpace(new BinomialDistribution(6, 0.3));
        List<Dimension> dimension = Dimension.of(initialized(space));
        ParzenEstimator mixture = new ParzenEstimator(dimension, new double[][] {{0.1}, {0.5}});
        BinomialDistribution binomial = new BinomialDistribution(6, 0.3);
        double sum = 0;
        for (int k = 0; k <= 6; k++) {
            double inside = binomial.cumulativeProbability(k) - binomial.probability(k) / 2;
            assertEquals(inside, dimension.get(0).canonical(inside + binomial.probability(k) / 4), 1e-9);
            assertEquals(binomial.probability(k), dimension.get(0).uniform(inside), 1e-9);
            sum += mixture.density(new double[] {inside});
        }
        assertEquals(1, sum, 1e-8);
    }

    @Test
    void cellsAreTheValuesOfArbiter() {
        DiscreteParameterSpace<String> discrete = new DiscreteParameterSpace<>("a", "b", "c", "d", "e", "f", "g");
        BooleanSpace bool = new BooleanSpace();
        IntegerParameterSpace integer = new IntegerParameterSpace(-3, 17);
        List<? extends ParameterSpace<?>> leaves = initialized(discrete, bool, integer);
        List<Dimension> dimensions = Dimension.of(leaves);
        MersenneTwister random = new MersenneTwister(5);
        for (int i = 0; i < 500; i++) {
            double u = i < 43 ? i / 42.0 : random.nextDouble(); // edges among them
            for (int d = 0; d < 3; d++) {
                double[] cube = {0.5, 0.5, 0.5};
                cube[d] = u;
                Object expected = leaves.get(d).getValue(cube);
                cube[d] = dimensions.get(d).canonical(u);
                assertEquals(expected, leaves.get(d).getValue(cube), "u = " + u);
            }
        }
    }

    @Test
    void fixedValuesHaveNoDimension() {
        List<Dimension> dimensions = Dimension.of(initialized(
                new FixedValue<>(3),
                new ContinuousParameterSpace(new LogUniformDistribution(1e-4, 1)),
                new BooleanSpace()));
        assertEquals(List.of(new Dimension.Interval(), new Dimension.Categories(2, true)), dimensions);
    }

    @Test
    void samplesFollowTheDensity() {
        ParzenEstimator mixture = new ParzenEstimator(INTERVAL, new double[][] {{0}, {0.05}, {0.7}});
        MersenneTwister random = new MersenneTwister(3);
        double[] sample = IntStream.range(0, 2000)
                .mapToDouble(i -> mixture.sample(random)[0])
                .toArray();
        double[] reference = byInversion(mixture, 2000);
        // Fixed seed; a wrong component weight or bandwidth gives less than 1e-6
        assertTrue(new KolmogorovSmirnovTest().kolmogorovSmirnovTest(sample, reference) > 0.05);

        List<Dimension> categories = List.of(new Dimension.Categories(4, false));
        ParzenEstimator weighted = new ParzenEstimator(categories, new double[][] {{0.1}, {0.1}, {0.6}});
        double[] counts = new double[4];
        for (int i = 0; i < 20_000; i++) {
            counts[(int) (4 * weighted.sample(random)[0])] += 1 / 20_000.0;
        }
        for (int k = 0; k < 4; k++) { // five standard deviations of a frequency
            assertEquals(weighted.density(new double[] {(k + 0.5) / 4}), counts[k], 5 * 0.5 / Math.sqrt(20_000));
        }
    }

    /** Evenly spaced quantiles. */
    private static double[] byInversion(ParzenEstimator mixture, int n) {
        int cells = 200_000;
        double[] quantiles = new double[n];
        double cumulated = 0;
        int next = 0;
        for (int c = 0; c < cells && next < n; c++) {
            cumulated += mixture.density(new double[] {(c + 0.5) / cells}) / cells;
            while (next < n && cumulated >= (next + 0.5) / n) {
                quantiles[next++] = (c + 0.5) / cells;
            }
        }
        return quantiles;
    }

    private static double truncated(double u, double mean, double deviation) {
        NormalDistribution normal = new NormalDistribution(mean, deviation);
        return normal.density(u) / normal.probability(0, 1);
    }

    private static double integral(org.apache.commons.math3.analysis.UnivariateFunction density) {
        return new IterativeLegendreGaussIntegrator(16, 1e-9, 1e-9).integrate(100_000, density, 0, 1);
    }

    private static List<? extends ParameterSpace<?>> initialized(ParameterSpace<?>... leaves) {
        ParameterList list = ParameterList.of(leaves);
        assertEquals(list, new RandomSearchGenerator(list).getParameterSpace()); // sets the indices
        return Arrays.asList(leaves);
    }
}
