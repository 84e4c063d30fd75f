/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.apache.commons.math3.stat.correlation.Covariance;
import org.jspecify.annotations.Nullable;

/** Algorithm 1 of arXiv 2305.19358 word for word, in float64 with a singular value decomposition: the tests' reference. */
final class PublishedIsoScore {
    private PublishedIsoScore() {}

    static double of(double[][] points, double @Nullable [][] shrinkage, double zeta) {
        RealMatrix mixed = new Covariance(points, true).getCovarianceMatrix().scalarMultiply(1 - zeta);
        if (shrinkage != null) {
            mixed = mixed.add(new Array2DRowRealMatrix(shrinkage).scalarMultiply(zeta));
        }
        return ofCovariance(mixed.getData());
    }

    static double ofCovariance(double[][] covariance) {
        int n = covariance.length;
        double[] sigma = new SingularValueDecomposition(new Array2DRowRealMatrix(covariance)).getSingularValues();
        double norm = 0;
        for (double s : sigma) {
            norm += s * s;
        }
        norm = Math.sqrt(norm);
        double distance = 0;
        for (double s : sigma) {
            double normalised = Math.sqrt(n) * s / norm;
            distance += (normalised - 1) * (normalised - 1);
        }
        double defect = Math.sqrt(distance) / Math.sqrt(2 * (n - Math.sqrt(n)));
        double inner = n - defect * defect * (n - Math.sqrt(n));
        return (inner * inner - n) / ((double) n * (n - 1));
    }

    /** Central differences of {@link #of} in every coordinate, with a step relative to the data's spread. */
    static double[][] gradient(double[][] points, double @Nullable [][] shrinkage, double zeta, double step) {
        double[][] gradient = new double[points.length][points[0].length];
        for (int i = 0; i < points.length; i++) {
            for (int j = 0; j < points[0].length; j++) {
                double old = points[i][j];
                points[i][j] = old + step;
                double up = of(points, shrinkage, zeta);
                points[i][j] = old - step;
                double down = of(points, shrinkage, zeta);
                points[i][j] = old;
                gradient[i][j] = (up - down) / (2 * step);
            }
        }
        return gradient;
    }
}
