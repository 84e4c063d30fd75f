/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.io.Serial;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A streaming estimator of mean and covariance, with which the shrinkage covariance Σ_S of I-STAR is taken over more
 * points than fit into memory.
 *
 * <p>Each added array is one block; blocks and estimators are merged by Chan's update
 *
 * <pre>{@code
 * W = Wₐ + W_b     δ = μ_b − μₐ     μ = μₐ + δ·W_b/W     S = Sₐ + S_b + δδᵀ·WₐW_b/W     Σ = S/(W−1)
 * }</pre>
 *
 * in double, so that nothing is cancelled however large the mean. Memory: O(n²), whatever the number of points.
 * {@link #merge} is commutative and associative up to rounding, so that workers may each fill an estimator of their own
 * and reduce them in any order. Instances are serializable and not thread-safe.
 *
 * <p>Source: T. Chan, G. Golub and R. LeVeque, "Algorithms for computing the sample variance", The American
 * Statistician 37 (1983); the role of Σ_S: Rudman and Eickhoff, arXiv 2305.19358, section 3.
 */
public final class ShrinkageCovariance implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    /**
     * How far a covariance may be from symmetric and positive semi-definite, relative to its Frobenius norm: what
     * sums in FLOAT leave, whatever the type that they are kept in.
     */
    private static final double TOLERANCE = 1e-5;

    /** The same for types of 8 or 11 significant bits. */
    private static final double NARROW_TOLERANCE = 1e-2;

    /** Number of dimensions n. */
    private final int features;

    /** W, the number of points seen. */
    private double weight;

    /** Mean of the points seen. */
    private final double[] mean;

    /** Packed upper triangle of Σw(x−μ)(x−μ)ᵀ, column by column. */
    private final double[] scatter;

    /** What one block's products are taken in. */
    private transient @Nullable INDArray products;

    /**
     * Creates an estimator that has seen nothing.
     *
     * @param features number of dimensions n, 1 to 46 340
     * @throws IllegalArgumentException if {@code features} is outside that range
     */
    public ShrinkageCovariance(long features) {
        if (features < 1 || features > 46_340) {
            throw new IllegalArgumentException("features must be in [1, 46340], found " + features);
        }
        this.features = (int) features;
        this.mean = new double[this.features];
        this.scatter = new double[packed(this.features)];
    }

    /** Elements before column {@code j} of a packed upper triangle. */
    private static int packed(int j) {
        return (int) ((long) j * (j + 1) / 2);
    }

    /**
     * Adds the rows of a matrix.
     *
     * @param points array {@code [N, n]}, any N ≥ 1
     * @return this
     * @throws IllegalArgumentException if the shape is unfit or a value is not finite; the estimate is then unchanged
     */
    public ShrinkageCovariance add(INDArray points) {
        return add(Points.rows(points));
    }

    /**
     * Adds points in any layout, with or without weights.
     *
     * @param points points of n dimensions; without weight they change nothing
     * @return this
     * @throws IllegalArgumentException if the dimension is unfit or a value is not finite; the estimate is then
     *     unchanged
     */
    public ShrinkageCovariance add(Points points) {
        requireFeatures(points.features());
        double addedWeight = points.totalWeight();
        if (addedWeight == 0) {
            return this;
        }
        DataType type = points.dataType();
        INDArray taken = products;
        if (taken == null || taken.dataType() != type) {
            taken = Nd4j.createUninitializedDetached(type, 'f', features, features);
            products = taken;
        }
        CentredMoments moments = CentredMoments.of(List.of(points), type, 1, taken);
        if (!Double.isFinite(moments.trace())) {
            throw new IllegalArgumentException(
                    Double.isFinite(points.maxAbsolute())
                            ? "points must have squares in the range of " + points.dataType() + ", found magnitude "
                                    + points.maxAbsolute()
                            : "points must be finite, found NaN or infinity");
        }
        combine(addedWeight, moments.mean(), moments::read);
        return this;
    }

    /**
     * Adds all that another estimator has seen.
     *
     * @param other an estimator of the same dimension; left unchanged
     * @return this
     * @throws IllegalArgumentException if the dimensions differ
     */
    public ShrinkageCovariance merge(ShrinkageCovariance other) {
        requireFeatures(other.features);
        combine(other.weight, other.mean, (j, column) -> System.arraycopy(other.scatter, packed(j), column, 0, j + 1));
        return this;
    }

    private void requireFeatures(long found) {
        if (found != features) {
            throw new IllegalArgumentException("points must have " + features + " dimensions, found " + found);
        }
    }

    /** The upper columns of a scatter matrix. */
    private interface Columns {
        void read(int j, double[] into);
    }

    private void combine(double addedWeight, double[] addedMean, Columns addedScatter) {
        if (addedWeight == 0) {
            return;
        }
        double total = weight + addedWeight;
        double[] delta = new double[features];
        for (int j = 0; j < features; j++) {
            delta[j] = addedMean[j] - mean[j];
        }
        double between = weight * (addedWeight / total);
        double[] added = new double[features];
        for (int j = 0; j < features; j++) {
            addedScatter.read(j, added);
            int offset = packed(j);
            double factor = between * delta[j];
            for (int i = 0; i <= j; i++) {
                scatter[offset + i] += added[i] + factor * delta[i];
            }
        }
        for (int j = 0; j < features; j++) {
            mean[j] += delta[j] * (addedWeight / total);
        }
        weight = total;
    }

    /**
     * The number of dimensions.
     *
     * @return n
     */
    public int features() {
        return features;
    }

    /**
     * The number of points seen: the sum of their weights, rounded.
     *
     * @return the count
     */
    public long count() {
        return Math.round(weight);
    }

    /**
     * The mean of the points seen.
     *
     * @return DOUBLE row {@code [1, n]}; zeros before the first point
     */
    public INDArray mean() {
        return Nd4j.createFromArray(mean).reshape(1, features);
    }

    /**
     * The sample covariance of the points seen, denominator N−1.
     *
     * @return symmetric DOUBLE matrix {@code [n, n]}
     * @throws IllegalStateException if fewer than two points have been seen
     */
    public INDArray covariance() {
        if (!(weight > 1)) {
            throw new IllegalStateException("a covariance needs at least 2 points, found " + count());
        }
        INDArray covariance = Nd4j.createUninitialized(DataType.DOUBLE, new long[] {features, features}, 'f');
        HostColumns columns = new HostColumns(covariance);
        double[] column = new double[features];
        for (int j = 0; j < features; j++) {
            for (int i = 0; i < features; i++) {
                column[i] = scatter[packed(Math.max(i, j)) + Math.min(i, j)] / (weight - 1);
            }
            columns.write(j, features, column);
        }
        columns.written();
        return covariance;
    }

    @Override
    public String toString() {
        return "ShrinkageCovariance{features=" + features + ", count=" + count() + '}';
    }

    /**
     * Checks that a matrix can be a covariance: square, finite, symmetric and positive semi-definite within the
     * tolerance of 1e-5 of its Frobenius norm (1e-2 in HALF and BFLOAT16), which sums in FLOAT need.
     *
     * @param name the argument's name, for the error message
     * @param matrix the matrix
     * @param features expected number of dimensions n
     * @throws IllegalArgumentException if it is none
     */
    public static void requireCovariance(String name, INDArray matrix, long features) {
        requireSquare(name, matrix, features);
        double tolerance = matrix.dataType() == DataType.DOUBLE || matrix.dataType() == DataType.FLOAT
                ? TOLERANCE
                : NARROW_TOLERANCE;
        int n = (int) features;
        double[][] columns = new double[n][n];
        HostColumns source = new HostColumns(matrix);
        double squares = 0;
        for (int j = 0; j < n; j++) {
            source.read(j, n, columns[j]);
            for (double value : columns[j]) {
                if (!Double.isFinite(value)) {
                    throw new IllegalArgumentException(name + " must be finite, found " + value + " in column " + j);
                }
                squares += value * value;
            }
        }
        double slack = tolerance * Math.sqrt(squares);
        for (int j = 0; j < n; j++) {
            if (columns[j][j] < 0) {
                throw new IllegalArgumentException(
                        name + " must have variances >= 0, found " + columns[j][j] + " at [" + j + ", " + j + "]");
            }
            for (int i = 0; i < j; i++) {
                if (Math.abs(columns[j][i] - columns[i][j]) > slack) {
                    throw new IllegalArgumentException(name + " must be symmetric, found " + columns[j][i] + " at [" + i
                            + ", " + j + "] and " + columns[i][j] + " at [" + j + ", " + i + "]");
                }
            }
        }
        requirePositiveSemiDefinite(name, columns, slack);
    }

    /**
     * Checks a covariance's shape.
     *
     * @param name the argument's name, for the error message
     * @param matrix the matrix
     * @param features expected number of dimensions n
     * @throws IllegalArgumentException if the shape is not {@code [n, n]}
     */
    static void requireSquare(String name, INDArray matrix, long features) {
        if (matrix.rank() != 2 || matrix.size(0) != features || matrix.size(1) != features) {
            throw new IllegalArgumentException(name + " must have shape [" + features + ", " + features + "], found "
                    + Arrays.toString(matrix.shape()));
        }
    }

    /**
     * Factorizes {@code matrix + slack·I} (Cholesky, row by row in place), which exists if no eigenvalue lies below
     * −slack.
     */
    private static void requirePositiveSemiDefinite(String name, double[][] a, double slack) {
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j <= i; j++) {
                double[] rowI = a[i];
                double[] rowJ = a[j];
                double sum = rowI[j];
                for (int k = 0; k < j; k++) {
                    sum -= rowI[k] * rowJ[k];
                }
                if (i > j) {
                    rowI[j] = rowJ[j] > 0 ? sum / rowJ[j] : 0;
                    continue;
                }
                double pivot = sum + slack;
                if (pivot < 0) {
                    throw new IllegalArgumentException(name
                            + " must be positive semi-definite, found an eigenvalue below " + -slack + " (pivot "
                            + pivot + " at dimension " + i + ")");
                }
                rowI[i] = Math.sqrt(pivot);
            }
        }
    }
}
