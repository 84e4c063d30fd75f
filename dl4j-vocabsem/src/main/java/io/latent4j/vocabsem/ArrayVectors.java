/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** The rows or columns of an array. */
final class ArrayVectors extends TokenVectors {
    private final INDArray array;
    private final Layout layout;

    ArrayVectors(INDArray array, Layout layout) {
        if (array.rank() != 2 || array.isEmpty() || !array.dataType().isFPType()) {
            throw new IllegalArgumentException("matrix must be a floating point array " + layout.shape() + ", found "
                    + array.dataType() + ' ' + Arrays.toString(array.shape()));
        }
        requireSizes("matrix", array.size(0), array.size(1));
        this.array = array;
        this.layout = layout;
    }

    @Override
    public long tokens() {
        return array.size(layout == Layout.COLUMNS ? 1 : 0);
    }

    @Override
    public int features() {
        return (int) array.size(layout == Layout.COLUMNS ? 0 : 1);
    }

    @Override
    public DataType dataType() {
        return array.dataType();
    }

    @Override
    void read(long from, INDArray into) {
        if (layout == Layout.COLUMNS && HostRows.canOpen(array)) {
            HostRows rows = new HostRows(array);
            ColumnBlock.fill(into, () -> {
                HostRows own = rows.duplicate();
                return (feature, first, count, values) -> own.read(feature, (int) from + first, count, values);
            });
            return;
        }
        INDArrayIndex range = NDArrayIndex.interval(from, from + into.size(0));
        into.assign(
                layout == Layout.COLUMNS
                        ? array.get(NDArrayIndex.all(), range).transpose()
                        : array.get(range, NDArrayIndex.all()));
    }
}
