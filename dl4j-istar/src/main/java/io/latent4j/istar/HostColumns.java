/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The columns of a column-major matrix, read and written from the host a column at a time and in double: the few O(n²)
 * sums that must not lose digits are taken here, while the O(N·n²) work stays in BLAS.
 */
final class HostColumns {
    private final INDArray matrix;
    private final int rows;
    private final @Nullable FloatBuffer floats;
    private final @Nullable DoubleBuffer doubles;
    private final float[] column;

    /**
     * @param matrix FLOAT or DOUBLE matrix, 'f'-ordered, not a view; anything else is copied, so that it can be read
     *     but not written
     */
    HostColumns(INDArray matrix) {
        boolean direct = matrix.ordering() == 'f'
                && matrix.offset() == 0
                && matrix.elementWiseStride() == 1
                && (matrix.dataType() == DataType.FLOAT || matrix.dataType() == DataType.DOUBLE);
        if (direct) {
            this.matrix = matrix;
        } else {
            DataType type = matrix.dataType() == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
            this.matrix = matrix.castTo(type).dup('f');
        }
        this.rows = this.matrix.rows();
        Nd4j.getAffinityManager().ensureLocation(this.matrix, AffinityManager.Location.HOST);
        boolean isDouble = this.matrix.dataType() == DataType.DOUBLE;
        this.doubles = isDouble ? this.matrix.data().asNioDouble() : null;
        this.floats = isDouble ? null : this.matrix.data().asNioFloat();
        this.column = new float[isDouble ? 0 : rows];
    }

    /**
     * Makes a vector without an operation of ND4J: its threads would have to wait for a core until BLAS' threads stop
     * looking for more work, which takes longer than all else that is done here.
     */
    static INDArray vector(double[] values, DataType type) {
        if (type == DataType.DOUBLE) {
            return Nd4j.createFromArray(values);
        }
        float[] narrow = new float[values.length];
        for (int i = 0; i < narrow.length; i++) {
            narrow[i] = (float) values[i];
        }
        return Nd4j.createFromArray(narrow);
    }

    /** Reads the first {@code count} elements of column {@code j}. */
    void read(int j, int count, double[] into) {
        if (doubles != null) {
            doubles.position(j * rows).get(into, 0, count);
        } else if (floats != null) {
            floats.position(j * rows).get(column, 0, count);
            for (int i = 0; i < count; i++) {
                into[i] = column[i];
            }
        }
    }

    /** Reads one element of column {@code j}. */
    double element(int i, int j) {
        return doubles != null ? doubles.get(j * rows + i) : floats.get(j * rows + i);
    }

    /** Writes the first {@code count} elements of column {@code j}. */
    void write(int j, int count, double[] from) {
        write(j, 0, count, from, 0);
    }

    private void write(int j, int row, int count, double[] from, int first) {
        if (doubles != null) {
            doubles.position(j * rows + row).put(from, first, count);
        } else if (floats != null) {
            for (int i = 0; i < count; i++) {
                column[i] = (float) from[first + i];
            }
            floats.position(j * rows + row).put(column, 0, count);
        }
    }

    /** Copies the upper triangle of a square matrix below its diagonal, a panel of columns at a time. */
    void mirrorUpperTriangle() {
        int width = 32;
        double[] source = new double[rows];
        double[] panel = new double[rows * width];
        for (int left = 0; left < rows; left += width) {
            int right = Math.min(rows, left + width);
            for (int j = left; j < right; j++) {
                read(j, j + 1, source);
                for (int i = 0, to = j - left; i <= j; i++, to += width) {
                    panel[to] = source[i];
                }
            }
            // What stands above the diagonal in these columns stands side by side in the columns of its rows
            for (int i = 0; i < right; i++) {
                int first = Math.max(left, i + 1);
                write(i, first, right - first, panel, i * width + first - left);
            }
        }
    }

    /** Tells the backend that the host's copy is the valid one; to be called after the last write. */
    void written() {
        Nd4j.getAffinityManager().tagLocation(matrix, AffinityManager.Location.HOST);
    }
}
