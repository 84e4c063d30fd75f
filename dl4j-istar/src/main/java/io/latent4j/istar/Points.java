/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A cloud of points inside an activation array, with optional weights: the one way in which arrays of any layout reach
 * the kernels of this package.
 *
 * <p>Nothing is copied when points are described. The kernels read row-major FLOAT and DOUBLE matrices without weights
 * where they are, and all others in blocks of rows, each block copied once into a small row-major buffer, so their memory
 * does not grow with the number of points.
 *
 * <table>
 * <caption>Layouts</caption>
 * <tr><th>array</th><th>one point is</th><th>weights</th></tr>
 * <tr><td>{@code [N, n]}</td><td>a row</td><td>{@code [N]} or {@code [N, 1]}</td></tr>
 * <tr><td>{@code [mb, n, T]} (NCW)</td><td>one time step of one example</td><td>{@code [mb, T]}</td></tr>
 * <tr><td>{@code [mb, T, n]} (NWC)</td><td>one time step of one example</td><td>{@code [mb, T]}</td></tr>
 * </table>
 *
 * <p>A weight counts how often a point occurs: 0 leaves it out (a DL4J mask is such an array of 0 and 1), 2 counts it
 * twice. Weighted results equal those of the array in which each row is repeated that often.
 */
public final class Points {
    /** Elements that one block's buffer holds at most, unless a single example is larger: 2 MB of float. */
    private static final long BLOCK_ELEMENTS = 1L << 19;

    /** A rank-k update needs about this many rows to run near the machine's GEMM rate. */
    private static final long MIN_BLOCK_ROWS = 2048;

    private final INDArray array;
    /** What puts an array's features last and the axis first along which its memory is cut; null: nothing. */
    private final int @Nullable [] permutation;
    /** View of shape [N, n], [mb, T, n] or [T, mb, n]. */
    private final INDArray featuresLast;
    /** Row-major column [N, 1] in the type of the computation, or null where every point counts once. */
    private final @Nullable INDArray weights;

    private final double totalWeight;

    private Points(INDArray array, int @Nullable [] permutation, @Nullable INDArray weights) {
        this.array = array;
        this.permutation = permutation;
        this.featuresLast = view(array);
        if (featuresLast.isEmpty()) {
            throw new IllegalArgumentException(
                    "points must not be empty, found shape " + Arrays.toString(array.shape()));
        }
        if (!array.dataType().isFPType()) {
            throw new IllegalArgumentException("points must be of a floating point type, found " + array.dataType());
        }
        if (weights == null) {
            this.weights = null;
            this.totalWeight = rows();
            return;
        }
        if (weights.length() != rows()) {
            throw new IllegalArgumentException("weights must have one element per point: expected " + rows()
                    + " for points of shape " + Arrays.toString(array.shape()) + ", found shape "
                    + Arrays.toString(weights.shape()));
        }
        INDArray asDouble = weights.castTo(DataType.DOUBLE);
        double sum = asDouble.sumNumber().doubleValue();
        double min = asDouble.minNumber().doubleValue();
        if (!(min >= 0) || !Double.isFinite(sum)) {
            throw new IllegalArgumentException(
                    "weights must be finite and >= 0, found minimum " + min + " and sum " + sum);
        }
        boolean allOnes = sum == rows() && min == 1.0;
        this.weights = allOnes ? null : weights.castTo(dataType()).dup('c').reshape('c', rows(), 1);
        this.totalWeight = sum;
    }

    /**
     * Points that are the rows of a matrix.
     *
     * @param points array {@code [N, n]}, FLOAT, DOUBLE, HALF or BFLOAT16
     * @return the described points
     * @throws IllegalArgumentException if the rank is not 2, the array is empty or not of a floating point type
     */
    public static Points rows(INDArray points) {
        return rows(points, null);
    }

    /**
     * Weighted points that are the rows of a matrix.
     *
     * @param points array {@code [N, n]}, FLOAT, DOUBLE, HALF or BFLOAT16
     * @param weights {@code N} weights, finite and not negative; null: each point counts once
     * @return the described points
     * @throws IllegalArgumentException if the rank is not 2, the array is empty or not of a floating point type, or
     *     weights are of another length, negative or not finite
     */
    public static Points rows(INDArray points, @Nullable INDArray weights) {
        requireRank(points, 2);
        return new Points(points, null, weights);
    }

    /**
     * Points that are the time steps of a recurrent activation array.
     *
     * @param activations array {@code [mb, n, T]}, or {@code [mb, T, n]} if {@code featuresLast}
     * @param featuresLast false for DL4J's NCW layout, true for NWC
     * @param mask {@code [mb, T]} weights, usually DL4J's 0/1 mask; null: each step counts once
     * @return the described points
     * @throws IllegalArgumentException if the rank is not 3, the array is empty or not of a floating point type, or the
     *     mask is of another shape, negative or not finite
     */
    public static Points timeSteps(INDArray activations, boolean featuresLast, @Nullable INDArray mask) {
        requireRank(activations, 3);
        long steps = activations.size(featuresLast ? 1 : 2);
        if (mask != null && !(mask.rank() == 2 && mask.size(0) == activations.size(0) && mask.size(1) == steps)) {
            throw new IllegalArgumentException("mask must have shape [" + activations.size(0) + ", " + steps
                    + "] for activations of shape " + Arrays.toString(activations.shape()) + ", found "
                    + Arrays.toString(mask.shape()));
        }
        if (featuresLast) {
            return new Points(activations, null, mask);
        }
        // DL4J's recurrent layers keep time steps apart and the examples of one together: copies of such slabs are
        // several times as fast in this order of the rows
        return activations.stride(0) < activations.stride(2)
                ? new Points(activations, new int[] {2, 0, 1}, mask == null ? null : mask.transpose())
                : new Points(activations, new int[] {0, 2, 1}, mask);
    }

    private INDArray view(INDArray likeArray) {
        return permutation == null ? likeArray : likeArray.permute(permutation);
    }

    private static void requireRank(INDArray array, int rank) {
        if (array.rank() != rank) {
            throw new IllegalArgumentException(
                    "points must have rank " + rank + ", found shape " + Arrays.toString(array.shape()));
        }
    }

    /**
     * The number of points, those of weight 0 included.
     *
     * @return N, or mb·T
     */
    public long rows() {
        return featuresLast.length() / features();
    }

    /**
     * The number of dimensions.
     *
     * @return n
     */
    public long features() {
        return featuresLast.size(-1);
    }

    /**
     * The sum of the weights: the number of points where none are given.
     *
     * @return the total weight
     */
    public double totalWeight() {
        return totalWeight;
    }

    /**
     * The array as it was given.
     *
     * @return the array, not a copy
     */
    public INDArray array() {
        return array;
    }

    /**
     * The type in which the kernels compute on these points.
     *
     * @return DOUBLE for a DOUBLE array, FLOAT for all other types
     */
    DataType dataType() {
        return array.dataType() == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
    }

    /** Examples (or steps) of one block: the leading dimension is cut, so that each block is one strided copy. */
    private long examplesPerBlock() {
        long rowsPerExample = rows() / featuresLast.size(0);
        long blockRows = Math.max(MIN_BLOCK_ROWS, BLOCK_ELEMENTS / features());
        return Math.min(featuresLast.size(0), Math.max(1, blockRows / rowsPerExample));
    }

    long blocks() {
        return (featuresLast.size(0) + examplesPerBlock() - 1) / examplesPerBlock();
    }

    long maxBlockRows() {
        return examplesPerBlock() * (rows() / featuresLast.size(0));
    }

    private long firstRow(long block) {
        return block * maxBlockRows();
    }

    /** Rows of the given block. */
    long blockRows(long block) {
        return Math.min(rows(), firstRow(block) + maxBlockRows()) - firstRow(block);
    }

    private INDArray blockView(INDArray featuresLastArray, long block) {
        if (blocks() == 1) {
            return featuresLastArray;
        }
        long from = block * examplesPerBlock();
        return part(featuresLastArray, from, Math.min(featuresLastArray.size(0), from + examplesPerBlock()));
    }

    /** View of a range of the leading dimension. ND4J's own {@code get} loses the data of some views of views. */
    static INDArray part(INDArray array, long from, long to) {
        long[] shape = array.shape().clone();
        shape[0] = to - from;
        return Nd4j.create(
                array.data(), shape, array.stride(), array.offset() + from * array.stride(0), array.ordering());
    }

    /**
     * Copies a block, less a constant row, into a row-major matrix.
     *
     * @param shift row {@code [1, n]} to subtract, or null
     * @param buffer {@code 'c'}-ordered matrix {@code [blockRows(block), n]} of any floating point type
     */
    void copyBlock(long block, @Nullable INDArray shift, INDArray buffer) {
        INDArray view = blockView(featuresLast, block);
        if (shift != null && view.rank() == 2 && view.dataType() == buffer.dataType()) {
            view.sub(shift, buffer);
            return;
        }
        buffer.reshape('c', view.shape()).assign(view);
        if (shift != null) {
            buffer.sub(shift, buffer);
        }
    }

    /** Weights of a block as a column {@code [blockRows(block), 1]}, or null where all are 1. */
    @Nullable
    INDArray blockWeights(long block) {
        if (weights == null || blocks() == 1) {
            return weights;
        }
        long from = firstRow(block);
        return weights.get(NDArrayIndex.interval(from, from + blockRows(block)), NDArrayIndex.all());
    }

    /** The points as a row-major matrix [N, n] of the type without copying, or null if they have weights or aren't one. */
    @Nullable
    INDArray matrix(DataType type) {
        return weights == null ? matrixOf(array, type) : null;
    }

    /** A view of an array shaped like these points' array as a row-major matrix [N, n] of the type, or null. */
    @Nullable
    INDArray matrixOf(INDArray target, DataType type) {
        long n = features();
        if (target.dataType() != type
                || target.ordering() != 'c'
                || permutation != null
                || target.stride(-1) != 1
                || target.stride(-2) != n
                || (target.rank() == 3 && target.stride(0) != n * target.size(1))) {
            return null;
        }
        return target.rank() == 2 ? target : target.reshape('c', rows(), n);
    }

    /** The rows of a block in a matrix of all rows. */
    INDArray rowsOf(INDArray matrix, long block) {
        return blocks() == 1 ? matrix : part(matrix, firstRow(block), firstRow(block) + blockRows(block));
    }

    /** View of the block in an array shaped like these points' array, features last. */
    private INDArray blockOf(INDArray target, long block) {
        return blockView(view(target), block);
    }

    /** Copies a block of an array shaped like these points' array into a row-major matrix. */
    void takeBlock(long block, INDArray target, INDArray buffer) {
        INDArray view = blockOf(target, block);
        buffer.reshape('c', view.shape()).assign(view);
    }

    /** Puts a row-major block to its place in an array shaped like these points' array. */
    void putBlock(long block, INDArray rowMajor, INDArray target) {
        INDArray view = blockOf(target, block);
        view.assign(rowMajor.reshape('c', view.shape()));
    }

    /** Adds a row-major block to its place in an array shaped like these points' array; the block is used up. */
    void addBlock(long block, INDArray rowMajor, INDArray target) {
        // Copies between layouts are fast, sums are not
        rowMajor.addi(
                blockOf(target, block).castTo(rowMajor.dataType()).dup('c').reshape('c', rowMajor.shape()));
        putBlock(block, rowMajor, target);
    }

    /** The same points, each kept with the given probability. */
    Points sample(double probability, Random random) {
        float[] drawn = new float[Math.toIntExact(rows())];
        for (int i = 0; i < drawn.length; i++) {
            drawn[i] = random.nextDouble() < probability ? 1 : 0;
        }
        INDArray kept = Nd4j.createFromArray(drawn).castTo(dataType()).reshape(drawn.length, 1);
        return new Points(array, permutation, weights == null ? kept : kept.mul(weights));
    }

    /** Largest absolute value, NaN where the array holds one. */
    double maxAbsolute() {
        INDArray a = array.dataType() == DataType.DOUBLE ? array : array.castTo(DataType.FLOAT);
        // amax ignores NaN, a sum does not
        double sum = a.sumNumber().doubleValue();
        return Double.isNaN(sum) ? Double.NaN : a.amaxNumber().doubleValue();
    }

    @Override
    public String toString() {
        return "Points{shape=" + Arrays.toString(array.shape()) + ", type=" + array.dataType()
                + (weights == null ? "" : ", total weight=" + totalWeight) + '}';
    }
}
