/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.util.Random;

/** Seeded point clouds of known character. */
enum Clouds {
    ISOTROPIC,
    SCALED,
    OUTLIER_DIMENSION,
    RANK_DEFICIENT,
    FAR_FROM_ORIGIN;

    double[][] draw(int rows, int n, long seed) {
        Random random = new Random(seed);
        double[][] basis = new double[Math.max(1, n / 3)][n];
        for (double[] row : basis) {
            for (int j = 0; j < n; j++) {
                row[j] = random.nextGaussian();
            }
        }
        double[][] points = new double[rows][n];
        for (double[] point : points) {
            if (this == RANK_DEFICIENT) {
                for (double[] direction : basis) {
                    double weight = random.nextGaussian();
                    for (int j = 0; j < n; j++) {
                        point[j] += weight * direction[j];
                    }
                }
                continue;
            }
            for (int j = 0; j < n; j++) {
                double value = random.nextGaussian();
                point[j] = switch (this) {
                    case SCALED -> value * Math.pow(1 + j, -0.75);
                    case OUTLIER_DIMENSION -> j == n / 2 ? 30 + 20 * value : value;
                    case FAR_FROM_ORIGIN -> 100 + value;
                    default -> value;
                };
            }
        }
        return points;
    }

    /** The points as the nearest floats, so that float and double computations see the same data. */
    static double[][] asFloats(double[][] points, double scale) {
        double[][] rounded = new double[points.length][points[0].length];
        for (int i = 0; i < points.length; i++) {
            for (int j = 0; j < points[0].length; j++) {
                rounded[i][j] = (float) (points[i][j] * scale);
            }
        }
        return rounded;
    }
}
