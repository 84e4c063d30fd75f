/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.nio.FloatBuffer;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The values of a row-major FLOAT matrix on the host, read and written some at a time, in double: for what one
 * pass in the cache does faster than several of ND4J's operations. An instance belongs to one thread.
 */
final class HostRows {
    /** Elements that fit the first cache with what is computed of them. */
    static final int CHUNK = 1024;

    /** What another thread is worth its start for. */
    private static final long ELEMENTS_PER_THREAD = 1 << 16;

    /** Something to do with the rows {@code [from, to)}. */
    interface Pass {
        void run(int from, int to);
    }

    private final FloatBuffer floats;
    private final int first;
    private final int width;
    private float[] narrow = new float[0];

    /**
     * Opens a matrix.
     *
     * @param matrix row-major, FLOAT, in the first 2³¹ bytes of its buffer
     */
    HostRows(INDArray matrix) {
        Nd4j.getAffinityManager().ensureLocation(matrix, AffinityManager.Location.HOST);
        floats = matrix.data().asNioFloat(); // of the whole buffer, of which the matrix may be a part
        first = (int) matrix.offset();
        width = (int) matrix.size(1);
    }

    /** Whether a matrix can be opened as it is, without copying it from a GPU. */
    static boolean canOpen(INDArray matrix) {
        return matrix.dataType() == DataType.FLOAT
                && Nd4j.getEnvironment().isCPU()
                && matrix.stride(0) == matrix.size(1)
                && matrix.stride(1) == 1
                && matrix.offset() + matrix.length() < Integer.MAX_VALUE / Float.BYTES;
    }

    private HostRows(HostRows other) {
        floats = other.floats.duplicate();
        first = other.first;
        width = other.width;
    }

    /** The same matrix for another thread. */
    HostRows duplicate() {
        return new HostRows(this);
    }

    /** Reads a row as it is. */
    void read(int row, float[] into) {
        floats.position(first + row * width).get(into, 0, width);
    }

    /** Writes a row as it is; {@link #written} ends the writing. */
    void write(int row, float[] values) {
        floats.position(first + row * width).put(values, 0, width);
    }

    /** Reads {@code count} elements of a row. */
    void read(int row, int from, int count, double[] into) {
        float[] values = narrow(count);
        floats.position(first + row * width + from).get(values, 0, count);
        for (int j = 0; j < count; j++) {
            into[j] = values[j];
        }
    }

    /** Writes {@code count} elements of a row; {@link #written} ends the writing. */
    void write(int row, int from, int count, double[] values) {
        float[] rounded = narrow(count);
        for (int j = 0; j < count; j++) {
            rounded[j] = (float) values[j];
        }
        floats.position(first + row * width + from).put(rounded, 0, count);
    }

    private float[] narrow(int count) {
        if (narrow.length < count) {
            narrow = new float[count];
        }
        return narrow;
    }

    /** Says that a matrix was written on the host. */
    static void written(INDArray matrix) {
        Nd4j.getAffinityManager().tagLocation(matrix, AffinityManager.Location.HOST);
    }

    /** Shares {@code rows} rows of {@code width} elements among threads, if there are enough of them. */
    static void share(int rows, int width, Pass pass) {
        long threads = Math.min(Runtime.getRuntime().availableProcessors(), rows * (long) width / ELEMENTS_PER_THREAD);
        if (threads < 2) {
            pass.run(0, rows);
            return;
        }
        IntStream.range(0, (int) threads)
                .parallel()
                .forEach(t -> pass.run((int) (rows * (long) t / threads), (int) (rows * (t + 1L) / threads)));
    }
}
