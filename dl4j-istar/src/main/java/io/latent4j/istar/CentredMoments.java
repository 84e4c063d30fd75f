/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Weighted mean and centred scatter matrix of the union of some clouds.
 *
 * <p>Products are taken of points less a constant c, and what c is off the mean comes out of the n² sums:
 * {@code Σw(x−μ)(x−μ)ᵀ = Σw(x−c)(x−c)ᵀ − W·δδᵀ} with δ = μ − c. Row-major matrices of points whose mean is not large
 * beside their variance are multiplied as they are, with c = 0. All others go through blocks of shifted rows, c being
 * the first block's mean; where that block was so unlike the rest that the correction would cancel digits, the pass is
 * repeated with c = μ.
 */
final class CentredMoments {
    /** Digits are lost once the squared offset of the shift is this many times the variance. */
    static final double OFFSET_LIMIT = 3;

    /** Rows whose variance tells beforehand whether the mean is too large for c = 0. */
    private static final int SAMPLE = 16;

    /** Clouds of fewer rows are multiplied at once. */
    private static final int SAMPLED_ROWS = 2048;

    /** Elements that are read from an array at once. */
    private static final int COPIED = 512;

    /** Rows that are summed in FLOAT before the sums are added in double. */
    private static final int SUMMED_ROWS = 4096;

    private final HostColumns columns;
    private final double[] mean;
    private final double[] offset;
    private final double weight;
    private final double scale;
    private final @Nullable INDArray ones;

    private CentredMoments(
            INDArray scatter, double[] mean, double[] offset, double weight, double scale, @Nullable INDArray ones) {
        this.columns = new HostColumns(scatter);
        this.mean = mean;
        this.offset = offset;
        this.weight = weight;
        this.scale = scale;
        this.ones = ones;
    }

    /**
     * Takes the moments.
     *
     * @param scatter 'f'-ordered matrix {@code [n, n]} that is overwritten, no view
     */
    static CentredMoments of(List<Points> clouds, DataType type, double scale, INDArray scatter) {
        double weight = clouds.stream().mapToDouble(Points::totalWeight).sum();
        INDArray shift = null;
        if (scale == 1 && clouds.stream().allMatch(cloud -> cloud.matrix(type) != null)) {
            INDArray ones =
                    ones(type, clouds.stream().mapToLong(Points::rows).max().orElseThrow());
            double[] mean = mean(clouds, type, weight, ones);
            if (!isLargeBesideSample(mean, clouds, type)) {
                double beta = 0;
                for (Points cloud : clouds) {
                    Blas.gram(cloud.matrix(type), beta, scatter);
                    beta = 1;
                }
                CentredMoments direct = new CentredMoments(scatter, mean, mean, weight, 1, ones);
                if (direct.keepsDigits()) {
                    return direct;
                }
            }
            shift = row(mean, type);
        }
        CentredMoments shifted = pass(clouds, type, scale, weight, shift, scatter);
        return shifted.keepsDigits() ? shifted : pass(clouds, type, scale, weight, row(shifted.mean, type), scatter);
    }

    /** The mean in the points' own scale; not a copy. */
    double[] mean() {
        return mean;
    }

    /** Whether the points were multiplied as they are. */
    boolean isDirect() {
        return ones != null;
    }

    /** As many ones as the longest cloud has points, if {@link #isDirect()}. */
    INDArray ones(long count) {
        return count == ones.length() ? ones : ones.get(NDArrayIndex.interval(0, count));
    }

    /** Reads the elements 0…j of column {@code j} of {@code Σw(x−μ)(x−μ)ᵀ/scale²}. */
    void read(int j, double[] into) {
        columns.read(j, j + 1, into);
        double factor = weight * offset[j];
        for (int i = 0; i <= j; i++) {
            into[i] -= factor * offset[i];
        }
    }

    /** ‖mean/scale‖². */
    double meanSquares() {
        double sum = 0;
        for (double component : mean) {
            sum += (component / scale) * (component / scale);
        }
        return sum;
    }

    /** Trace of the scatter. */
    double trace() {
        double trace = 0;
        for (int j = 0; j < offset.length; j++) {
            trace += columns.element(j, j) - weight * offset[j] * offset[j];
        }
        return trace;
    }

    private boolean keepsDigits() {
        double offsetSquares = 0;
        for (double component : offset) {
            offsetSquares += weight * component * component;
        }
        return !(offsetSquares > OFFSET_LIMIT * trace());
    }

    private static double[] mean(List<Points> clouds, DataType type, double weight, INDArray ones) {
        int n = (int) clouds.get(0).features();
        long blocks = clouds.stream()
                .mapToLong(cloud -> (cloud.rows() + SUMMED_ROWS - 1) / SUMMED_ROWS)
                .sum();
        INDArray sums = Nd4j.createUninitialized(type, new long[] {n, blocks}, 'f');
        int block = 0;
        for (Points cloud : clouds) {
            INDArray x = cloud.matrix(type);
            for (long from = 0; from < cloud.rows(); from += SUMMED_ROWS, block++) {
                long to = Math.min(cloud.rows(), from + SUMMED_ROWS);
                boolean whole = to - from == cloud.rows();
                Blas.columnSums(
                        whole && to == ones.length() ? ones : ones.get(NDArrayIndex.interval(0, to - from)),
                        whole ? x : Points.part(x, from, to),
                        1,
                        blocks == 1 ? sums : sums.getColumn(block));
            }
        }
        double[] mean = new double[n];
        sum(sums, mean);
        for (int j = 0; j < n; j++) {
            mean[j] /= weight;
        }
        return mean;
    }

    private static void sum(INDArray blockSums, double[] into) {
        HostColumns sums = new HostColumns(blockSums);
        double[] column = new double[into.length];
        for (int block = 0; block < blockSums.columns(); block++) {
            sums.read(block, into.length, column);
            for (int j = 0; j < into.length; j++) {
                into[j] += column[j];
            }
        }
    }

    /** Spares most of the products that would have to be repeated; where it errs, they are. */
    private static boolean isLargeBesideSample(double[] mean, List<Points> clouds, DataType type) {
        double meanSquares = 0;
        for (double component : mean) {
            meanSquares += component * component;
        }
        double variance = 0;
        long taken = 0;
        for (Points cloud : clouds) {
            if (cloud.rows() < SAMPLED_ROWS) {
                continue;
            }
            long step = cloud.rows() / SAMPLE;
            INDArray x = cloud.matrix(type);
            for (int i = 0; i < SAMPLE; i++, taken++) {
                variance += squaredDistance(x, x.offset() + (step / 2 + i * step) * mean.length, mean);
            }
        }
        // Few rows say little
        return taken > 0 && meanSquares > 2 * OFFSET_LIMIT * variance / taken;
    }

    /** Reads a row in parts so small that ND4J copies them in this thread: others would have to wait for BLAS' threads. */
    private static double squaredDistance(INDArray matrix, long start, double[] mean) {
        double sum = 0;
        for (int from = 0; from < mean.length; from += COPIED) {
            int count = Math.min(COPIED, mean.length - from);
            double[] part = Nd4j.create(matrix.data(), new long[] {count}, new long[] {1}, start + from, 'c')
                    .toDoubleVector();
            for (int j = 0; j < count; j++) {
                sum += (part[j] - mean[from + j]) * (part[j] - mean[from + j]);
            }
        }
        return sum;
    }

    /** One pass over blocks of shifted rows. */
    private static CentredMoments pass(
            List<Points> clouds,
            DataType type,
            double scale,
            double weight,
            @Nullable INDArray givenShift,
            INDArray scatter) {
        int n = (int) clouds.get(0).features();
        long blocks = clouds.stream().mapToLong(Points::blocks).sum();
        INDArray shift = givenShift;
        INDArray blockSums = Nd4j.create(type, new long[] {n, blocks}, 'f');
        long longest = clouds.stream().mapToLong(Points::maxBlockRows).max().orElseThrow();
        INDArray ones = ones(type, longest);
        double beta = 0;
        int index = 0;
        try (BlockBuffer buffer = new BlockBuffer(clouds, type)) {
            for (Points cloud : clouds) {
                for (long block = 0; block < cloud.blocks(); block++, index++) {
                    INDArray x = buffer.rows(cloud.blockRows(block));
                    INDArray weights = cloud.blockWeights(block);
                    INDArray row = weights == null
                            ? ones.get(NDArrayIndex.interval(0, x.rows()))
                            : weights.castTo(type).reshape('c', new long[] {x.rows()});
                    cloud.copyBlock(block, shift, x);
                    if (shift == null) {
                        double blockWeight =
                                weights == null ? x.rows() : row.sumNumber().doubleValue();
                        if (blockWeight == 0) {
                            continue;
                        }
                        shift = Nd4j.createUninitialized(type, new long[] {1, n}, 'c');
                        Blas.columnSums(row, x, 1 / blockWeight, shift);
                        x.sub(shift, x);
                    }
                    scale(x, null, 1 / scale);
                    Blas.columnSums(row, x, 1, blockSums.getColumn(index));
                    scale(x, weights == null ? null : Transforms.sqrt(weights.castTo(type), true), 1);
                    Blas.gram(x, beta, scatter);
                    beta = 1;
                }
            }
        }
        double[] offset = new double[n];
        sum(blockSums, offset);
        double[] mean = shift.toDoubleVector();
        for (int j = 0; j < n; j++) {
            offset[j] /= weight;
            mean[j] += offset[j] * scale;
        }
        return new CentredMoments(scatter, mean, offset, weight, scale, null);
    }

    private static INDArray ones(DataType type, long count) {
        double[] ones = new double[(int) count];
        Arrays.fill(ones, 1);
        return HostColumns.vector(ones, type);
    }

    /** A row {@code [1, n]}. */
    static INDArray row(double[] values, DataType type) {
        return HostColumns.vector(values, type).reshape(1, values.length);
    }

    /** Multiplies rows by their weights and all by a factor, in place. */
    static void scale(INDArray x, @Nullable INDArray rowWeights, double factor) {
        if (rowWeights != null) {
            x.mul(rowWeights.castTo(x.dataType()), x);
        }
        if (factor != 1) {
            x.muli(factor);
        }
    }

    /**
     * Gathers all points of some clouds, less about their mean, divided by the scale and multiplied by the roots of their
     * weights.
     *
     * @param into row-major matrix [N, n]
     * @return what else came to light
     */
    static Gathered gather(List<Points> clouds, double scale, double totalWeight, INDArray into) {
        DataType type = into.dataType();
        boolean weighted = clouds.stream().anyMatch(c -> c.blockWeights(0) != null);
        INDArray weights = Nd4j.ones(type, into.rows(), 1);
        long row = 0;
        for (Points cloud : clouds) {
            for (long block = 0; block < cloud.blocks(); block++) {
                long next = row + cloud.blockRows(block);
                cloud.copyBlock(block, null, into.get(NDArrayIndex.interval(row, next), NDArrayIndex.all()));
                INDArray blockWeights = cloud.blockWeights(block);
                if (blockWeights != null) {
                    weights.get(NDArrayIndex.interval(row, next), NDArrayIndex.all())
                            .assign(blockWeights);
                }
                row = next;
            }
        }
        INDArray mean = Nd4j.createUninitialized(type, new long[] {1, into.columns()}, 'c');
        Blas.columnSums(weights, into, 1 / totalWeight, mean);
        into.sub(mean, into);
        double norm = mean.div(scale).norm2Number().doubleValue();
        INDArray rootWeights = weighted ? Transforms.sqrt(weights, false) : null;
        scale(into, rootWeights, 1 / scale);
        return new Gathered(rootWeights, norm * norm);
    }

    /**
     * What gathering finds beside the points.
     *
     * @param rootWeights the roots of the weights as a column [N, 1], or null where all are 1
     * @param meanSquares ‖mean/scale‖²
     */
    record Gathered(@Nullable INDArray rootWeights, double meanSquares) {}
}
