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

    /** Writes the first {@code count} elements of column {@code j}. */
    void write(int j, int count, double[] from) {
        if (doubles != null) {
            doubles.position(j * rows).put(from, 0, count);
        } else if (floats != null) {
            for (int i = 0; i < count; i++) {
                column[i] = (float) from[i];
            }
            floats.position(j * rows).put(column, 0, count);
        }
    }

    /** Copies the upper triangle of a square matrix below its diagonal, tile by tile for the cache's sake. */
    void mirrorUpperTriangle() {
        int tile = 32;
        for (int left = 0; left < rows; left += tile) {
            for (int top = 0; top <= left; top += tile) {
                for (int j = left; j < Math.min(rows, left + tile); j++) {
                    int bottom = Math.min(j, top + tile);
                    if (doubles != null) {
                        for (int i = top; i < bottom; i++) {
                            doubles.put(i * rows + j, doubles.get(j * rows + i));
                        }
                    } else if (floats != null) {
                        for (int i = top; i < bottom; i++) {
                            floats.put(i * rows + j, floats.get(j * rows + i));
                        }
                    }
                }
            }
        }
    }

    /** Tells the backend that the host's copy is the valid one; to be called after the last write. */
    void written() {
        Nd4j.getAffinityManager().tagLocation(matrix, AffinityManager.Location.HOST);
    }
}
