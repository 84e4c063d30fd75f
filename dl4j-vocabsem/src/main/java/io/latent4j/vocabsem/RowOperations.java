/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.reduce3.Dot;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * What cosines ask of vectors, the rows of row-major matrices, beside products of matrices. With few bases ND4J's
 * operations on rows and columns take longer than those, so that what {@link HostRows} {@linkplain HostRows#canOpen can
 * open} is done there, in one pass each; DOUBLE and GPUs take ND4J's.
 */
final class RowOperations {
    private RowOperations() {}

    /** What one thread does with a row, which it is given a copy of. */
    private interface Step {
        void run(int i, float[] row);
    }

    private interface Steps {
        Step begin();
    }

    private static void forEach(INDArray matrix, Steps steps) {
        HostRows rows = new HostRows(matrix);
        int width = (int) matrix.size(1);
        HostRows.share((int) matrix.size(0), width, (from, to) -> {
            HostRows own = rows.duplicate();
            float[] row = new float[width];
            Step step = steps.begin();
            for (int i = from; i < to; i++) {
                own.read(i, row);
                step.run(i, row);
            }
        });
    }

    /** The same with what is made of the rows put to another matrix, or the same. */
    private static void forEach(INDArray from, INDArray to, Steps steps) {
        HostRows target = new HostRows(to);
        forEach(from, () -> {
            HostRows own = target.duplicate();
            Step step = steps.begin();
            return (i, row) -> {
                step.run(i, row);
                own.write(i, row);
            };
        });
        HostRows.written(to);
    }

    /** 1/‖x_i‖, and 0 for 0; {@code [N, 1]}. */
    static INDArray inverseNorms(INDArray x) {
        if (!HostRows.canOpen(x)) {
            INDArray norms = x.norm2(true, 1);
            INDArray squares = norms.mul(norms);
            Transforms.max(squares, Float.MIN_NORMAL, false);
            return norms.divi(squares);
        }
        float[] inverses = new float[(int) x.size(0)];
        forEach(x, () -> (i, row) -> inverses[i] = inverse(dot(row, row)));
        return column(inverses);
    }

    /** Sets {@code to} to x_i/‖x_i‖, and returns 1/‖x_i‖; 0 for 0. */
    static INDArray normalize(INDArray x, INDArray to) {
        if (!HostRows.canOpen(x) || !HostRows.canOpen(to)) {
            INDArray inverses = inverseNorms(x);
            x.muli(inverses, to);
            return inverses;
        }
        float[] inverses = new float[(int) x.size(0)];
        forEach(x, to, () -> (i, row) -> {
            inverses[i] = inverse(dot(row, row));
            multiply(row, inverses[i]);
        });
        return column(inverses);
    }

    private static float inverse(double square) {
        return (float) (Math.sqrt(square) / Math.max(square, Float.MIN_NORMAL));
    }

    private static void multiply(float[] row, float factor) {
        for (int j = 0; j < row.length; j++) {
            row[j] *= factor;
        }
    }

    /** Sets {@code to}, which may be x itself, to {@code factor_i·x_i}. */
    static INDArray multiply(INDArray x, INDArray factor, INDArray to) {
        if (!HostRows.canOpen(x) || !HostRows.canOpen(to)) {
            return x.muli(factor, to);
        }
        float[] factors = factor.toFloatVector();
        forEach(x, to, () -> (i, row) -> multiply(row, factors[i]));
        return to;
    }

    /**
     * Sets each row of a gradient to {@code factor_i·(g_i − share_i·(x_i·g_i)·x_i)}.
     *
     * @param share null: each 1
     * @param factor null: each 1
     * @return the sums x_i·g_i
     */
    static double[] project(INDArray gradient, INDArray x, @Nullable INDArray share, @Nullable INDArray factor) {
        if (!HostRows.canOpen(gradient) || !HostRows.canOpen(x)) {
            INDArray along = dots(gradient, x);
            double[] sums = along.toDoubleVector();
            gradient.subi(x.mulColumnVector(share == null ? along : along.muli(share)));
            if (factor != null) {
                gradient.muliColumnVector(factor);
            }
            return sums;
        }
        float[] shares = share == null ? null : share.toFloatVector();
        float[] factors = factor == null ? null : factor.toFloatVector();
        double[] sums = new double[(int) x.size(0)];
        HostRows target = new HostRows(gradient);
        forEach(x, () -> {
            HostRows own = target.duplicate();
            float[] g = new float[(int) x.size(1)];
            return (i, row) -> {
                own.read(i, g);
                sums[i] = dot(row, g);
                float part = (float) (shares == null ? sums[i] : sums[i] * shares[i]);
                float f = factors == null ? 1 : factors[i];
                for (int j = 0; j < g.length; j++) {
                    g[j] = f * (g[j] - part * row[j]);
                }
                own.write(i, g);
            };
        });
        HostRows.written(gradient);
        return sums;
    }

    /** Sum of products in double; four sums, as one is bound to the latency of an addition. */
    private static double dot(float[] a, float[] b) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int k = 0;
        for (; k + 3 < a.length; k += 4) {
            s0 += (double) a[k] * b[k];
            s1 += (double) a[k + 1] * b[k + 1];
            s2 += (double) a[k + 2] * b[k + 2];
            s3 += (double) a[k + 3] * b[k + 3];
        }
        for (; k < a.length; k++) {
            s0 += (double) a[k] * b[k];
        }
        return (s0 + s1) + (s2 + s3);
    }

    /** The sums x_i·y_i, {@code [N, 1]}. */
    static INDArray dots(INDArray x, INDArray y) {
        return Nd4j.getExecutioner().exec(new Dot(x, y, 1)).reshape(x.size(0), 1);
    }

    /** A column {@code [N, 1]}. */
    static INDArray column(float[] values) {
        return Nd4j.createFromArray(values).reshape(values.length, 1);
    }
}
