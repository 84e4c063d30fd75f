/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * States with their labels, to be drawn from in any order: on the heap up to a budget, and from there on, if a directory
 * is given, in a mapped temporary file that goes with the cache.
 */
final class StateCache implements Closeable {
    private static final int SEGMENT_BYTES = 1 << 22;

    private final int features;
    private final DataType type;
    private final long memoryBytes;
    private final @Nullable Path directory;
    private final int rowsPerSegment;

    private final List<ByteBuffer> segments = new ArrayList<>();
    private int[] labels = new int[256];
    private int size;
    private @Nullable FileChannel file;
    private long fileBytes;

    /**
     * @param type FLOAT or DOUBLE
     * @param memoryBytes budget on the heap
     * @param directory where to put what exceeds it; null: nowhere
     */
    StateCache(long features, DataType type, long memoryBytes, @Nullable Path directory) {
        this.features = Math.toIntExact(features);
        this.type = type;
        this.memoryBytes = memoryBytes;
        this.directory = directory;
        this.rowsPerSegment = Math.max(1, SEGMENT_BYTES / (this.features * type.width()));
    }

    int size() {
        return size;
    }

    /** Bytes in the file, 0 if there is none. */
    long fileBytes() {
        return fileBytes;
    }

    /**
     * Adds states.
     *
     * @param states {@code [n, d]}
     * @throws IOException if the file can't be written
     * @throws IllegalStateException if the budget is exceeded and there is no directory
     */
    void add(INDArray states, int[] stateLabels) throws IOException {
        INDArray typed = states.castTo(type);
        for (int i = 0; i < stateLabels.length; i++) {
            if (size == segments.size() * rowsPerSegment) {
                segments.add(newSegment());
            }
            int row = size % rowsPerSegment;
            ByteBuffer segment = segments.get(segments.size() - 1);
            if (type == DataType.DOUBLE) {
                segment.asDoubleBuffer().put(row * features, typed.getRow(i).toDoubleVector());
            } else {
                segment.asFloatBuffer().put(row * features, typed.getRow(i).toFloatVector());
            }
            if (size == labels.length) {
                labels = Arrays.copyOf(labels, 2 * size);
            }
            labels[size++] = stateLabels[i];
        }
    }

    private ByteBuffer newSegment() throws IOException {
        int bytes = rowsPerSegment * features * type.width();
        if ((segments.size() + 1L) * bytes <= memoryBytes) {
            return ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
        }
        if (directory == null) {
            throw new IllegalStateException("cacheMemory of " + memoryBytes + " bytes does not suffice for more than "
                    + size + " states of " + features + " features: raise it, or set cacheDirectory");
        }
        if (file == null) {
            file = FileChannel.open(
                    Files.createTempFile(directory, "latent4j-states", ".bin"),
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.DELETE_ON_CLOSE);
        }
        ByteBuffer segment =
                file.map(FileChannel.MapMode.READ_WRITE, fileBytes, bytes).order(ByteOrder.nativeOrder());
        fileBytes += bytes;
        return segment;
    }

    /** The states of some examples, {@code [examples, d]}. */
    INDArray states(int[] examples) {
        long[] shape = {examples.length, features};
        if (type == DataType.DOUBLE) {
            double[] values = new double[examples.length * features];
            for (int i = 0; i < examples.length; i++) {
                segment(examples[i])
                        .asDoubleBuffer()
                        .get(examples[i] % rowsPerSegment * features, values, i * features, features);
            }
            return Nd4j.createFromArray(values).reshape(shape);
        }
        float[] values = new float[examples.length * features];
        for (int i = 0; i < examples.length; i++) {
            segment(examples[i])
                    .asFloatBuffer()
                    .get(examples[i] % rowsPerSegment * features, values, i * features, features);
        }
        return Nd4j.createFromArray(values).reshape(shape);
    }

    private ByteBuffer segment(int example) {
        return segments.get(example / rowsPerSegment);
    }

    /** The labels of some examples, INT {@code [examples, 1]}. */
    INDArray labels(int[] examples) {
        int[] drawn = new int[examples.length];
        for (int i = 0; i < examples.length; i++) {
            drawn[i] = labels[examples[i]];
        }
        return Nd4j.createFromArray(drawn).reshape(drawn.length, 1);
    }

    @Override
    public void close() throws IOException {
        segments.clear();
        if (file != null) {
            file.close();
        }
    }
}
