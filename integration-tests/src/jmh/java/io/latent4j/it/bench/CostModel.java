/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.util.List;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.QRDecomposition;
import org.apache.commons.math3.linear.SingularMatrixException;
import org.apache.commons.math3.stat.StatUtils;

/**
 * Milliseconds as a sum of costs with weights that are not negative, fitted to measurements so that the relative errors'
 * squares are least.
 *
 * @param weights one per cost
 */
record CostModel(double[] weights) {
    /**
     * A measurement.
     *
     * @param costs what it took: 1 for the call itself, operations, bytes, …
     * @param ms how long it took
     */
    record Point(double[] costs, double ms) {}

    /** The best of the least squares solutions with some of the costs left out, among those without negative weights. */
    static CostModel fit(List<Point> points) {
        int count = points.get(0).costs().length;
        double[] best = new double[count];
        double least = Double.POSITIVE_INFINITY;
        for (int subset = 1; subset < 1 << count; subset++) {
            int chosen = subset;
            int[] used = IntStream.range(0, count)
                    .filter(i -> (chosen >> i & 1) == 1)
                    .toArray();
            double[] weights = solve(points, used);
            if (weights.length == 0 || IntStream.of(used).anyMatch(i -> weights[i] < 0)) {
                continue;
            }
            CostModel model = new CostModel(weights);
            double error = points.stream()
                    .mapToDouble(p -> Math.pow(model.relativeError(p), 2))
                    .sum();
            if (error < least) {
                least = error;
                best = weights;
            }
        }
        if (least == Double.POSITIVE_INFINITY) {
            throw new IllegalArgumentException("no weights fit the " + points.size() + " measurements");
        }
        return new CostModel(best);
    }

    /** Empty where the costs do not determine the weights. */
    private static double[] solve(List<Point> points, int[] used) {
        if (points.size() < used.length) {
            return new double[0];
        }
        double[][] rows = new double[points.size()][used.length];
        double[] ones = new double[points.size()];
        double[] scales = new double[used.length];
        for (int column = 0; column < used.length; column++) {
            int cost = used[column];
            scales[column] = points.stream()
                    .mapToDouble(p -> Math.abs(p.costs()[cost] / p.ms()))
                    .max()
                    .orElseThrow();
        }
        for (int row = 0; row < rows.length; row++) {
            Point point = points.get(row);
            ones[row] = 1;
            for (int column = 0; column < used.length; column++) {
                rows[row][column] = point.costs()[used[column]] / point.ms() / scales[column];
            }
        }
        try {
            double[] solution = new QRDecomposition(new Array2DRowRealMatrix(rows, false), 1e-9)
                    .getSolver()
                    .solve(new ArrayRealVector(ones, false))
                    .toArray();
            double[] weights = new double[points.get(0).costs().length];
            for (int column = 0; column < used.length; column++) {
                weights[used[column]] = solution[column] / scales[column];
            }
            return weights;
        } catch (SingularMatrixException e) {
            return new double[0];
        }
    }

    double ms(double[] costs) {
        double sum = 0;
        for (int i = 0; i < costs.length; i++) {
            sum += weights[i] * costs[i];
        }
        return sum;
    }

    /** What the model says beside what was measured, less 1. */
    double relativeError(Point point) {
        return ms(point.costs()) / point.ms() - 1;
    }

    /** Median of the relative errors' sizes. */
    double medianError(List<Point> points) {
        return StatUtils.percentile(
                points.stream().mapToDouble(p -> Math.abs(relativeError(p))).toArray(), 50);
    }
}
