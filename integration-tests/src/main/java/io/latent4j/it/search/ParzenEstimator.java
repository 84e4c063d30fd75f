/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import java.util.Arrays;
import java.util.List;
import org.apache.commons.math3.random.RandomGenerator;

/**
 * A density on some axes of the unit cube: a mixture of the uniform distribution and of one product of kernels per
 * observation, all with the same weight.
 *
 * <pre>p(x) = (Π u_d(x_d) + Σ_i Π_d k_d(x_d; x_id, h_id)) / (1 + n)</pre>
 */
final class ParzenEstimator {
    /** Optuna's, in units of the axis' length. */
    private static final double JOINT_BANDWIDTH = 0.2;
    /** Hyperopt's and Optuna's: no kernel is narrower than this. */
    private static final int FINEST = 100;

    private final List<Dimension> dimensions;
    private final Dimension.Kernel[][] kernels;

    /**
     * Estimates.
     *
     * @param dimensions the axes
     * @param observations numbers on them, one row each
     */
    ParzenEstimator(List<Dimension> dimensions, double[][] observations) {
        this.dimensions = dimensions;
        int n = observations.length;
        kernels = new Dimension.Kernel[n][dimensions.size()];
        for (int d = 0; d < dimensions.size(); d++) {
            int axis = d;
            Dimension dimension = dimensions.get(d);
            double[] centres = Arrays.stream(observations)
                    .mapToDouble(row -> dimension.canonical(row[axis]))
                    .toArray();
            double[] bandwidths = bandwidths(dimension, centres);
            for (int i = 0; i < n; i++) {
                kernels[i][d] = dimension.kernel(centres[i], bandwidths[i]);
            }
        }
    }

    private double[] bandwidths(Dimension dimension, double[] centres) {
        int n = centres.length;
        double[] bandwidths = new double[n];
        if (dimension instanceof Dimension.Categories) {
            Arrays.fill(bandwidths, 1.0 / (n + 1));
            return bandwidths;
        }
        if (dimensions.size() == 1) {
            bandwidths = Dimension.neighbourDistances(centres);
        } else {
            Arrays.fill(bandwidths, JOINT_BANDWIDTH * Math.pow(n, -1.0 / (dimensions.size() + 4)));
        }
        double narrowest = 1.0 / Math.min(FINEST, n + 2);
        return Arrays.stream(bandwidths).map(h -> Math.max(h, narrowest)).toArray();
    }

    double density(double[] x) {
        double sum = 1;
        for (int d = 0; d < x.length; d++) {
            sum *= dimensions.get(d).uniform(x[d]);
        }
        for (Dimension.Kernel[] product : kernels) {
            double density = 1;
            for (int d = 0; d < x.length; d++) {
                density *= product[d].density(x[d]);
            }
            sum += density;
        }
        return sum / (1 + kernels.length);
    }

    double[] sample(RandomGenerator random) {
        int component = random.nextInt(kernels.length + 1);
        double[] x = new double[dimensions.size()];
        for (int d = 0; d < x.length; d++) {
            x[d] = component == kernels.length
                    ? dimensions.get(d).canonical(random.nextDouble())
                    : kernels[component][d].sample(random);
        }
        return x;
    }
}
