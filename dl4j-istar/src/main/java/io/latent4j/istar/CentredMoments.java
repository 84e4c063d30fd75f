/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Weighted mean and centred scatter matrix of the union of some clouds, in one pass over blocks of rows.
 *
 * <p>The points are shifted by the first block's mean before they are squared, and the scatter is corrected for what
 * that mean is off: {@code Σw(x−μ)(x−μ)ᵀ = Σw(x−c)(x−c)ᵀ − W·δδᵀ} with δ = μ − c. Where the first block was so
 * unlike the rest that the correction would cancel digits, the pass is repeated with c = μ.
 *
 * @param mean row {@code [1, n]} in the points' own scale
 * @param scatter upper triangle of {@code Σw(x−μ)(x−μ)ᵀ/scale²}, 'f'-ordered {@code [n, n]}
 */
record CentredMoments(INDArray mean, INDArray scatter) {

    /** Digits are lost once the squared offset of the shift is this many times the variance. */
    private static final double OFFSET_LIMIT = 3;

    static CentredMoments of(List<Points> clouds, DataType type, double scale) {
        double weight = clouds.stream().mapToDouble(Points::totalWeight).sum();
        INDArray shift = null;
        for (int attempt = 0; ; attempt++) {
            Pass pass = new Pass(clouds, type, scale, shift);
            boolean last = attempt == 1;
            if (pass.correct(weight) || last) {
                return new CentredMoments(pass.mean, pass.scatter);
            }
            shift = pass.mean;
        }
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
     * Gathers all points of some clouds, centred, divided by the scale and multiplied by the roots of their weights.
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
        double meanSquares = 0;
        // The second round takes away what rounding left of a large mean
        for (int round = 0; round < 2; round++) {
            Nd4j.gemm(weights.reshape(1, into.rows()), into, mean, false, false, 1 / totalWeight, 0);
            into.sub(mean, into);
            meanSquares += squares(mean, scale);
        }
        INDArray rootWeights = weighted ? Transforms.sqrt(weights, false) : null;
        scale(into, rootWeights, 1 / scale);
        return new Gathered(rootWeights, meanSquares);
    }

    /**
     * What gathering finds beside the points.
     *
     * @param rootWeights the roots of the weights as a column [N, 1], or null where all are 1
     * @param meanSquares ‖mean/scale‖²
     */
    record Gathered(@Nullable INDArray rootWeights, double meanSquares) {}

    /** ‖mean/scale‖². */
    double meanSquares(double scale) {
        return squares(mean, scale);
    }

    private static double squares(INDArray row, double scale) {
        double norm = row.div(scale).norm2Number().doubleValue();
        return norm * norm;
    }

    /** One pass with a given shift, or with the first block's mean. */
    private static final class Pass {
        private final INDArray scatter;
        private final INDArray blockSums;
        private final double scale;
        private @Nullable INDArray shift;
        private INDArray mean;

        Pass(List<Points> clouds, DataType type, double scale, @Nullable INDArray givenShift) {
            long n = clouds.get(0).features();
            long blocks = clouds.stream().mapToLong(Points::blocks).sum();
            this.scale = scale;
            this.shift = givenShift;
            this.scatter = Nd4j.createUninitialized(type, new long[] {n, n}, 'f');
            this.blockSums = Nd4j.zeros(type, blocks, n);
            BlockBuffer buffer = new BlockBuffer(clouds, type);
            long longest = clouds.stream().mapToLong(Points::maxBlockRows).max().orElseThrow();
            INDArray ones = Nd4j.ones(type, 1, longest);
            double beta = 0;
            int index = 0;
            for (Points cloud : clouds) {
                for (long block = 0; block < cloud.blocks(); block++, index++) {
                    INDArray x = buffer.rows(cloud.blockRows(block));
                    INDArray weights = cloud.blockWeights(block);
                    INDArray row = weights == null
                            ? ones.get(NDArrayIndex.all(), NDArrayIndex.interval(0, x.rows()))
                            : weights.castTo(type).reshape(1, x.rows());
                    cloud.copyBlock(block, shift, x);
                    if (shift == null) {
                        double blockWeight =
                                weights == null ? x.rows() : row.sumNumber().doubleValue();
                        if (blockWeight == 0) {
                            continue;
                        }
                        shift = Nd4j.createUninitialized(type, new long[] {1, n}, 'c');
                        Nd4j.gemm(row, x, shift, false, false, 1 / blockWeight, 0);
                        x.sub(shift, x);
                    }
                    scale(x, null, 1 / scale);
                    Nd4j.gemm(row, x, blockSums.getRow(index, true), false, false, 1, 0);
                    scale(x, weights == null ? null : Transforms.sqrt(weights.castTo(type), true), 1);
                    RankUpdate.gram(x, beta, scatter);
                    beta = 1;
                }
            }
            buffer.close();
            this.mean = shift;
        }

        /** Takes the shift's offset out of mean and scatter; false if that costs digits. */
        boolean correct(double weight) {
            int n = scatter.rows();
            double[] offset = new double[n];
            HostColumns sums = new HostColumns(blockSums.transpose());
            double[] row = new double[n];
            for (int block = 0; block < blockSums.rows(); block++) {
                sums.read(block, n, row);
                for (int i = 0; i < n; i++) {
                    offset[i] += row[i] / weight;
                }
            }
            double offsetSquares = 0;
            double variance = 0;
            HostColumns columns = new HostColumns(scatter);
            double[] column = new double[n];
            for (int j = 0; j < n; j++) {
                columns.read(j, j + 1, column);
                for (int i = 0; i <= j; i++) {
                    column[i] -= weight * offset[i] * offset[j];
                }
                variance += column[j];
                offsetSquares += weight * offset[j] * offset[j];
                columns.write(j, j + 1, column);
            }
            columns.written();
            mean = mean.add(Nd4j.createFromArray(offset)
                    .muli(scale)
                    .castTo(mean.dataType())
                    .reshape(1, n));
            return !(offsetSquares > OFFSET_LIMIT * variance);
        }
    }
}
