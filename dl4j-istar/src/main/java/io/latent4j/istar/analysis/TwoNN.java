/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * TwoNN, an estimator of the intrinsic dimension: of how many dimensions the manifold is on which the points lie,
 * however many coordinates they have.
 *
 * <p>For each point let r₁ and r₂ be the Euclidean distances to its nearest and second nearest other point, and
 * μ = r₂/r₁. On a d-dimensional manifold sampled with locally constant density, μ follows the Pareto law
 * F(μ) = 1 − μ<sup>−d</sup>, so −ln(1−F) is a straight line through the origin in ln μ with slope d. The estimate is the
 * least-squares slope through the origin
 *
 * <pre>{@code d = Σᵢ xᵢ·yᵢ / Σᵢ xᵢ²    with xᵢ = ln μ₍ᵢ₎,  yᵢ = −ln(1 − i/M),  i = 1 … K}</pre>
 *
 * over the ratios in ascending order μ₍₁₎ ≤ μ₍₂₎ ≤ …, where
 *
 * <ul>
 *   <li>M is the number of points with r₁ &gt; 0. A point that has an exact duplicate has no ratio and is dropped; it
 *       still is a neighbour of other points.
 *   <li>K = min(⌊M·(1 − discardFraction)⌋, M − 1). The largest ratios are left out of the fit since they are the noisy
 *       ones; the very last one never takes part because there 1 − F = 0. Leaving them out changes neither M nor F of
 *       the others.
 * </ul>
 *
 * <p>Distances come from matrix products in double precision on centred points, a block of rows at a time; the distances
 * of the few nearest candidates of each point are then computed again from the coordinate differences, so that
 * cancellation spoils neither the distance of near duplicates nor the recognition of exact ones. A rounding bound tells
 * for which points candidates might have been missed; for those all distances are computed from differences. Time is
 * O(N²·n). Memory beside the points themselves is one copy of them in double precision and a working block of at most
 * some 64 MB, never the N×N distances: 20 000 points are no problem.
 *
 * <p>The estimate refers to the scale of the nearest neighbours. It falls below the true value when the dimension is high
 * and points are few (about −10 % at d = 10 and 2 000 points, because of the boundary), so compare it only between
 * samples of equal size.
 *
 * <p>Reference: E. Facco, M. d'Errico, A. Rodriguez and A. Laio, "Estimating the intrinsic dimension of datasets by a
 * minimal neighborhood information", Scientific Reports 7, 12140 (2017), section "Algorithm".
 */
public final class TwoNN {

    /** Share of the largest ratios that the paper leaves out of the fit. */
    public static final double DEFAULT_DISCARD_FRACTION = 0.1;

    /** Nearest neighbours by matrix product that are measured again exactly. */
    private static final int CANDIDATES = 8;

    /** Doubles in one block of distances or of gathered rows: 32 MB. */
    private static final int BLOCK_ELEMENTS = 1 << 22;

    private TwoNN() {}

    /**
     * Intrinsic dimension of a set of points with the paper's discard fraction of 0.1.
     *
     * @param points points as rows [N, n], N ≥ 3, any floating point type; unchanged
     * @return the estimated dimension, &gt; 0
     * @throws IllegalArgumentException if the points are no matrix, fewer than 3 or not all finite, if fewer than two of
     *     them have no exact duplicate, or if nearest and second nearest neighbour are equally far for every point of the
     *     fit
     */
    public static double of(INDArray points) {
        return of(points, DEFAULT_DISCARD_FRACTION);
    }

    /**
     * Intrinsic dimension of a set of points.
     *
     * @param points points as rows [N, n], N ≥ 3, any floating point type; unchanged
     * @param discardFraction share of the largest ratios μ left out of the fit, in [0, 1)
     * @return the estimated dimension, &gt; 0
     * @throws IllegalArgumentException if {@code discardFraction} is outside [0, 1) or leaves nothing to fit; if the
     *     points are no matrix, fewer than 3 or not all finite, if fewer than two of them have no exact duplicate, or if
     *     nearest and second nearest neighbour are equally far for every point of the fit
     */
    public static double of(INDArray points, double discardFraction) {
        checkDiscardFraction(discardFraction);
        if (points.rank() != 2) {
            throw new IllegalArgumentException(
                    "points must be a matrix [N, n], found shape " + Arrays.toString(points.shape()));
        }
        if (points.rows() < 3) {
            throw new IllegalArgumentException("points must have at least 3 rows, found " + points.rows());
        }
        double[] logRatios = sortedLogRatios(points);
        if (logRatios.length < 2) {
            throw new IllegalArgumentException("points must hold at least 2 rows without an exact duplicate, found "
                    + logRatios.length + " among " + points.rows());
        }
        double dimension = slope(logRatios, discardFraction);
        if (Double.isNaN(dimension)) {
            throw new IllegalArgumentException("points have no intrinsic dimension: of " + logRatios.length
                    + " ratios r2/r1, " + fitted(logRatios.length, discardFraction) + " remain after discardFraction "
                    + discardFraction + " and every one of these is 1");
        }
        return dimension;
    }

    static void checkDiscardFraction(double discardFraction) {
        if (!(discardFraction >= 0 && discardFraction < 1)) {
            throw new IllegalArgumentException("discardFraction must be in [0, 1), found " + discardFraction);
        }
    }

    /** As {@link #of(INDArray, double)}, but NaN where the data allow no estimate. */
    static double ofOrNaN(INDArray points, double discardFraction) {
        return points.rows() < 3 ? Double.NaN : slope(sortedLogRatios(points), discardFraction);
    }

    /** The least-squares slope, NaN if no ratio takes part or all that do are 1. */
    private static double slope(double[] sortedLogRatios, double discardFraction) {
        int total = sortedLogRatios.length;
        int fitted = fitted(total, discardFraction);
        double xy = 0;
        double xx = 0;
        for (int i = 0; i < fitted; i++) {
            double x = sortedLogRatios[i];
            double y = -Math.log1p(-(i + 1.0) / total);
            xy += x * y;
            xx += x * x;
        }
        return xy / xx;
    }

    private static int fitted(int total, double discardFraction) {
        return Math.max(0, Math.min((int) (total * (1 - discardFraction)), total - 1));
    }

    /** ln(r₂/r₁) of every point without an exact duplicate, ascending. */
    private static double[] sortedLogRatios(INDArray points) {
        int count = points.rows();
        int width = points.columns();
        INDArray scaled =
                Nd4j.createUninitialized(DataType.DOUBLE, count, width).assign(points);
        // Distances don't change, but the products below no longer drown in the mean
        scaled.subiRowVector(scaled.mean(0));
        if (!Double.isFinite(scaled.sumNumber().doubleValue())) { // amax would pass over a NaN
            throw new IllegalArgumentException("points must be finite, found NaN or infinite values");
        }
        double scale = scaled.amaxNumber().doubleValue();
        if (scale == 0) {
            return new double[0]; // one single point, many times
        }
        scaled.divi(scale); // no square overflows or vanishes

        double[] norms = scaled.norm2(1).toDoubleVector();
        // The relative rounding error of ‖x‖² + ‖y‖² − 2x·y, as a share of ‖x‖² + ‖y‖²
        double rounding = 2 * (width + 16) * Math.ulp(1.0);
        double[] lowerSquares = new double[count];
        for (int i = 0; i < count; i++) {
            lowerSquares[i] = (1 - rounding) * norms[i] * norms[i];
        }

        int candidates = Math.min(CANDIDATES, count - 1);
        int blockRows = Math.max(1, BLOCK_ELEMENTS / Math.max(count, candidates * width));
        double[] logRatios = new double[count];
        int valid = 0;
        for (int from = 0; from < count; from += blockRows) {
            int rows = Math.min(blockRows, count - from);
            INDArray block = scaled.get(NDArrayIndex.interval(from, from + rows), NDArrayIndex.all());
            INDArray product = Nd4j.createUninitialized(DataType.DOUBLE, rows, count);
            Nd4j.gemm(block, scaled, product, false, true, 1.0, 0.0);
            Neighbours nearest = new Neighbours(rows, candidates);
            nearest.select(values(product), lowerSquares, from);

            double[] own = gather(points, range(from, rows));
            double[] others = gather(points, nearest.index);
            for (int row = 0; row < rows; row++) {
                double[] two = {Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY};
                for (int k = row * candidates; k < (row + 1) * candidates; k++) {
                    keepTwo(two, squaredDistance(own, row * width, others, k * width, width, scale));
                }
                double norm = norms[from + row];
                double reach = norm + Math.sqrt(two[1]);
                boolean sure = candidates == count - 1
                        || two[0] == 0
                        || nearest.bound[(row + 1) * candidates - 1] >= two[1]
                        || rounding * (norm * norm + reach * reach) <= 1e-8 * two[0];
                if (!sure) {
                    two = exhaustive(points, from + row, scale, blockRows);
                }
                if (two[0] > 0) {
                    logRatios[valid++] = 0.5 * Math.log(two[1] / two[0]);
                }
            }
        }
        double[] result = Arrays.copyOf(logRatios, valid);
        Arrays.sort(result);
        return result;
    }

    /** The candidates of a block of points: index and lower bound of the squared distance, ascending by the bound. */
    private static final class Neighbours {
        final int candidates;
        final int[] index;
        final double[] bound;

        Neighbours(int rows, int candidates) {
            this.candidates = candidates;
            index = new int[rows * candidates];
            bound = new double[rows * candidates];
            Arrays.fill(bound, Double.POSITIVE_INFINITY);
        }

        void select(double[] products, double[] lowerSquares, int firstPoint) {
            int count = lowerSquares.length;
            for (int row = 0; row < index.length / candidates; row++) {
                int last = (row + 1) * candidates - 1;
                int self = firstPoint + row;
                double ownSquare = lowerSquares[self];
                for (int j = 0, p = row * count; j < count; j++, p++) {
                    double lower = ownSquare + lowerSquares[j] - 2 * products[p];
                    if (lower < bound[last] && j != self) {
                        insert(row * candidates, last, j, lower);
                    }
                }
            }
        }

        private void insert(int first, int last, int point, double lower) {
            int k = last;
            for (; k > first && bound[k - 1] > lower; k--) {
                bound[k] = bound[k - 1];
                index[k] = index[k - 1];
            }
            bound[k] = lower;
            index[k] = point;
        }
    }

    /** The two smallest squared distances of one point to all others, from coordinate differences. */
    private static double[] exhaustive(INDArray points, int point, double scale, int blockRows) {
        int width = points.columns();
        double[] own = gather(points, point);
        double[] two = {Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY};
        for (int from = 0; from < points.rows(); from += blockRows) {
            int rows = Math.min(blockRows, points.rows() - from);
            double[] others = gather(points, range(from, rows));
            for (int row = 0; row < rows; row++) {
                if (from + row != point) {
                    keepTwo(two, squaredDistance(own, 0, others, row * width, width, scale));
                }
            }
        }
        return two;
    }

    private static void keepTwo(double[] two, double value) {
        if (value < two[0]) {
            two[1] = two[0];
            two[0] = value;
        } else if (value < two[1]) {
            two[1] = value;
        }
    }

    private static double squaredDistance(double[] a, int offsetA, double[] b, int offsetB, int width, double scale) {
        double sum = 0;
        for (int k = 0; k < width; k++) {
            double difference = (a[offsetA + k] - b[offsetB + k]) / scale;
            sum += difference * difference;
        }
        return sum;
    }

    private static int[] range(int from, int length) {
        int[] range = new int[length];
        Arrays.setAll(range, i -> from + i);
        return range;
    }

    /** The given rows, one after the other, in double precision. */
    static double[] gather(INDArray points, int... rows) {
        return values(Nd4j.pullRows(points, 1, rows, 'c').castTo(DataType.DOUBLE));
    }

    /** The elements of a freshly made double array in 'c' order; a bulk copy, unlike {@code toDoubleVector}. */
    private static double[] values(INDArray array) {
        double[] values = new double[Math.toIntExact(array.length())];
        array.data().asNioDouble().get(values);
        return values;
    }
}
