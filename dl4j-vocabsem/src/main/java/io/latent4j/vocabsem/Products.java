/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.nio.DoubleBuffer;
import java.util.Arrays;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Matrix products in double that are not taken on trust: some OpenBLAS kernels of M2.1 give wrong results in double on
 * newer CPUs. A product C = A·B is checked against plain sums by C·x = A·(B·x) with a random x, which costs a row's share
 * of the product itself and leaves no wrong C undetected.
 */
final class Products {
    private static final double TOLERANCE = 1e-9;

    private Products() {}

    /** A·B for two 'c'-ordered DOUBLE matrices, either transposed where so said. */
    static INDArray of(INDArray a, INDArray b, boolean transposeA, boolean transposeB) {
        long[] shape = {a.size(transposeA ? 1 : 0), b.size(transposeB ? 0 : 1)};
        INDArray product = Nd4j.createUninitialized(DataType.DOUBLE, shape, 'c');
        add(a, b, product, transposeA, transposeB, 1, 0, true);
        return product;
    }

    /**
     * Sets C to {@code alpha·A·B + beta·C}.
     *
     * @param check whether to check the result; once for each shape is enough, as the same shape takes the same way
     * @throws IllegalStateException if the result is wrong
     */
    static void add(
            INDArray a,
            INDArray b,
            INDArray c,
            boolean transposeA,
            boolean transposeB,
            double alpha,
            double beta,
            boolean check) {
        if (!check) {
            Nd4j.gemm(a, b, c, transposeA, transposeB, alpha, beta);
            return;
        }
        double[] x = new Random(a.length()).doubles(c.size(1), -1, 1).toArray();
        double[] before = beta == 0 ? new double[(int) c.size(0)] : times(c, false, x);
        Nd4j.gemm(a, b, c, transposeA, transposeB, alpha, beta);
        double[] inner = times(b, transposeB, x);
        double[] expected = times(a, transposeA, inner);
        double scale = Math.abs(alpha) * a.norm2Number().doubleValue() * norm(inner) + Math.abs(beta) * norm(before);
        for (int i = 0; i < expected.length; i++) {
            expected[i] = alpha * expected[i] + beta * before[i];
        }
        requireProduct(c, x, expected, scale);
    }

    /**
     * Adds XᵀX to the upper triangle of C.
     *
     * @param x 'c'-ordered DOUBLE matrix [k, n]
     * @param c 'f'-ordered DOUBLE matrix [n, n]; what stands below its diagonal is left undefined
     * @param check as for {@link #add}
     * @throws IllegalStateException if the result is wrong
     */
    static void addGram(INDArray x, INDArray c, boolean check) {
        if (!check) {
            RankUpdate.addGram(x, c);
            return;
        }
        double[] y = new Random(x.length()).doubles(c.size(1), -1, 1).toArray();
        double[] before = timesUpper(c, y);
        RankUpdate.addGram(x, c);
        double[] inner = times(x, false, y);
        double[] expected = times(x, true, inner);
        double scale = x.norm2Number().doubleValue() * norm(inner) + norm(before);
        addScaled(1, before, expected, expected.length);
        requireEqual(timesUpper(c, y), expected, scale, c);
    }

    /** Checks that C·x is the given vector, within 1e-9 of the scale. */
    static void requireProduct(INDArray c, double[] x, double[] expected, double scale) {
        requireEqual(times(c, false, x), expected, scale, c);
    }

    private static void requireEqual(double[] difference, double[] expected, double scale, INDArray c) {
        addScaled(-1, expected, difference, difference.length);
        if (!(norm(difference) <= TOLERANCE * scale)) {
            throw new IllegalStateException("the backend's matrix product in double is wrong: " + norm(difference)
                    + " away from the sums of Java, of size " + scale + ", in a result of shape "
                    + Arrays.toString(c.shape())
                    + "; with OpenBLAS set the environment variable OPENBLAS_CORETYPE to Haswell or SkylakeX");
        }
    }

    /** A·x or Aᵀ·x for a 'c'-ordered DOUBLE matrix that begins its buffer. */
    static double[] times(INDArray matrix, boolean transpose, double[] x) {
        DoubleBuffer values = hostValues(matrix);
        double[] row = new double[(int) matrix.size(1)];
        int rows = (int) matrix.size(0);
        double[] y = new double[transpose ? row.length : rows];
        for (int i = 0; i < rows; i++) {
            values.get(row);
            if (transpose) {
                addScaled(x[i], row, y, y.length);
            } else {
                y[i] = dot(row, x, row.length);
            }
        }
        return y;
    }

    /** C·x of a symmetric 'f'-ordered matrix whose upper triangle is given. */
    private static double[] timesUpper(INDArray c, double[] x) {
        DoubleBuffer values = hostValues(c);
        double[] y = new double[x.length];
        double[] column = new double[x.length];
        for (int i = 0; i < y.length; i++) {
            values.get(i * y.length, column, 0, i + 1);
            y[i] += dot(column, x, i + 1);
            addScaled(x[i], column, y, i);
        }
        return y;
    }

    /** The upper triangle of an 'f'-ordered DOUBLE matrix [n, n]: its columns as rows, up to the diagonal. */
    static double[][] lowerRows(INDArray c) {
        DoubleBuffer values = hostValues(c);
        double[][] rows = new double[(int) c.size(0)][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = new double[i + 1];
            values.get(i * rows.length, rows[i]);
        }
        return rows;
    }

    /** The rows of a 'c'-ordered DOUBLE matrix that begins its buffer. */
    static double[][] rows(INDArray matrix) {
        DoubleBuffer values = hostValues(matrix);
        double[][] rows = new double[(int) matrix.size(0)][(int) matrix.size(1)];
        for (double[] row : rows) {
            values.get(row);
        }
        return rows;
    }

    /** The values of a 'c'-ordered DOUBLE matrix that begins its buffer, on the host. */
    static DoubleBuffer hostValues(INDArray matrix) {
        Nd4j.getAffinityManager().ensureLocation(matrix, AffinityManager.Location.HOST);
        return matrix.data().asNioDouble();
    }

    /** ‖x‖₂, without overflow or underflow of its square. */
    static double norm(double[] x) {
        double largest = 0;
        for (double value : x) {
            largest = Math.max(largest, Math.abs(value));
        }
        if (largest == 0 || !Double.isFinite(largest)) {
            return largest;
        }
        double sum = 0;
        for (double value : x) {
            double ratio = value / largest;
            sum += ratio * ratio;
        }
        return largest * Math.sqrt(sum);
    }

    /** Sum of products; four sums, as one is bound to the latency of an addition. */
    static double dot(double[] a, double[] b, int length) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int k = 0;
        for (; k + 3 < length; k += 4) {
            s0 += a[k] * b[k];
            s1 += a[k + 1] * b[k + 1];
            s2 += a[k + 2] * b[k + 2];
            s3 += a[k + 3] * b[k + 3];
        }
        for (; k < length; k++) {
            s0 += a[k] * b[k];
        }
        return (s0 + s1) + (s2 + s3);
    }

    /** Adds {@code factor·x} to the first elements of {@code to}. */
    static void addScaled(double factor, double[] x, double[] to, int length) {
        for (int k = 0; k < length; k++) {
            to[k] += factor * x[k];
        }
    }
}
