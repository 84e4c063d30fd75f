/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** A row-major matrix that holds any one block of some clouds; its memory is taken at first use. */
final class BlockBuffer implements AutoCloseable {
    private final List<Points> clouds;
    private final DataType type;
    private @Nullable INDArray buffer;

    BlockBuffer(List<Points> clouds, DataType type) {
        this.clouds = clouds;
        this.type = type;
    }

    /** The first {@code count} rows, uninitialized. */
    INDArray rows(long count) {
        if (buffer == null) {
            long rows = clouds.stream().mapToLong(Points::maxBlockRows).max().orElseThrow();
            buffer = Nd4j.createUninitialized(
                    type, new long[] {rows, clouds.get(0).features()}, 'c');
        }
        return count == buffer.rows() ? buffer : buffer.get(NDArrayIndex.interval(0, count), NDArrayIndex.all());
    }

    @Override
    public void close() {
        free(buffer);
    }

    /** Frees memory at once where no workspace owns it. */
    static void free(@Nullable INDArray array) {
        if (array != null && array.closeable()) {
            array.close();
        }
    }
}
