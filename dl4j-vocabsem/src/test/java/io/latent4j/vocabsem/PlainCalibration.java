/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.util.function.DoubleUnaryOperator;

/** λ(r) of one state in loops, from the formula alone: what kernel, layer and graph builder are compared with. */
@SuppressWarnings("ArrayRecordComponent")
public record PlainCalibration(
        double[][] down,
        double[][] up,
        double[][] hidden,
        double[][] out,
        double[] gain,
        double[] bias,
        DoubleUnaryOperator activation,
        boolean residual,
        boolean sigmoidGate,
        double epsilon) {

    public double[] of(double[] r) {
        int d = r.length;
        // For one vector the average and the maximum over positions are the vector itself
        double[] average = bottleneck(r);
        double[] maximum = bottleneck(r);
        double[] attended = new double[d];
        for (int i = 0; i < d; i++) {
            double gate = average[i] + maximum[i];
            attended[i] = r[i] * (sigmoidGate ? 1 / (1 + Math.exp(-gate)) : gate);
        }
        double[] v = times(apply(times(attended, hidden)), out);
        double mean = 0;
        for (int i = 0; i < d; i++) {
            v[i] += residual ? r[i] : 0;
            mean += v[i] / d;
        }
        double variance = 0;
        for (double x : v) {
            variance += (x - mean) * (x - mean) / d;
        }
        for (int i = 0; i < d; i++) {
            v[i] = (v[i] - mean) / Math.sqrt(variance + epsilon);
            v[i] = gain == null ? v[i] : v[i] * gain[i] + bias[i];
        }
        return v;
    }

    public double[][] of(double[][] rows) {
        double[][] result = new double[rows.length][];
        for (int i = 0; i < rows.length; i++) {
            result[i] = of(rows[i]);
        }
        return result;
    }

    private double[] bottleneck(double[] r) {
        return times(apply(times(r, down)), up);
    }

    private double[] apply(double[] x) {
        double[] result = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            result[i] = activation.applyAsDouble(x[i]);
        }
        return result;
    }

    private static double[] times(double[] row, double[][] matrix) {
        double[] result = new double[matrix[0].length];
        for (int i = 0; i < row.length; i++) {
            for (int j = 0; j < result.length; j++) {
                result[j] += row[i] * matrix[i][j];
            }
        }
        return result;
    }
}
