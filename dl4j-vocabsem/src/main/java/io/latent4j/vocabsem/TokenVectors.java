/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * One vector of d features per vocabulary token: the columns of an LM head W (d×V) or the rows of an embedding matrix
 * (V×d), wherever they lie. They are read in blocks of rows, in double, so that neither a transposed nor a wider copy of
 * the whole is ever made.
 */
public abstract class TokenVectors {

    /** For the sources in this package. */
    TokenVectors() {}

    /**
     * The columns of a matrix, as an LM head or an output layer's "W" has them.
     *
     * @param matrix floating point array {@code [d, V]}; read when bases are built, not copied
     * @return its V columns
     * @throws IllegalArgumentException if the array is no floating point matrix or is empty
     */
    public static TokenVectors columnsOf(INDArray matrix) {
        return new OfArray(requireMatrix(matrix, "d, V"), true);
    }

    /**
     * The rows of a matrix, as an embedding or a linear layer of PyTorch has them.
     *
     * @param matrix floating point array {@code [V, d]}; read when bases are built, not copied
     * @return its V rows
     * @throws IllegalArgumentException if the array is no floating point matrix or is empty
     */
    public static TokenVectors rowsOf(INDArray matrix) {
        return new OfArray(requireMatrix(matrix, "V, d"), false);
    }

    /**
     * The number of tokens.
     *
     * @return V
     */
    public abstract long tokens();

    /**
     * The length of each vector.
     *
     * @return d
     */
    public abstract int features();

    /**
     * The type of the values where they lie.
     *
     * @return a floating point type
     */
    public abstract DataType dataType();

    /**
     * Reads the vectors of consecutive tokens.
     *
     * @param from first token
     * @param into 'c'-ordered DOUBLE matrix {@code [count, d]} that begins its buffer
     */
    abstract void read(long from, INDArray into);

    @Override
    public String toString() {
        return "TokenVectors{tokens=" + tokens() + ", features=" + features() + ", type=" + dataType() + '}';
    }

    private static INDArray requireMatrix(INDArray matrix, String shape) {
        if (matrix == null
                || matrix.rank() != 2
                || matrix.isEmpty()
                || !matrix.dataType().isFPType()) {
            throw new IllegalArgumentException("matrix must be a floating point array [" + shape + "], found "
                    + (matrix == null ? "null" : matrix.dataType() + " " + Arrays.toString(matrix.shape())));
        }
        if (matrix.size(0) > Integer.MAX_VALUE || matrix.size(1) > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "matrix must have sizes below 2^31, found " + Arrays.toString(matrix.shape()));
        }
        return matrix;
    }

    /** An array's rows or columns. */
    private static final class OfArray extends TokenVectors {
        private final INDArray array;
        private final boolean columns;

        OfArray(INDArray array, boolean columns) {
            this.array = array;
            this.columns = columns;
        }

        @Override
        public long tokens() {
            return array.size(columns ? 1 : 0);
        }

        @Override
        public int features() {
            return (int) array.size(columns ? 0 : 1);
        }

        @Override
        public DataType dataType() {
            return array.dataType();
        }

        @Override
        void read(long from, INDArray into) {
            var range = NDArrayIndex.interval(from, from + into.size(0));
            INDArray view =
                    columns ? array.get(NDArrayIndex.all(), range).transpose() : array.get(range, NDArrayIndex.all());
            into.assign(view);
        }
    }
}
