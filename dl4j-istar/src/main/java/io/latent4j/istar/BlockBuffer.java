/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** A row-major matrix that holds any one block of some clouds. */
final class BlockBuffer implements AutoCloseable {
    private final INDArray buffer;

    BlockBuffer(List<Points> clouds, DataType type) {
        long rows = clouds.stream().mapToLong(Points::maxBlockRows).max().orElseThrow();
        this.buffer =
                Nd4j.createUninitialized(type, new long[] {rows, clouds.get(0).features()}, 'c');
    }

    /** The first {@code count} rows, uninitialized. */
    INDArray rows(long count) {
        return count == buffer.rows() ? buffer : buffer.get(NDArrayIndex.interval(0, count), NDArrayIndex.all());
    }

    /** Frees the memory at once where no workspace owns it. */
    @Override
    public void close() {
        if (buffer.closeable()) {
            buffer.close();
        }
    }
}
