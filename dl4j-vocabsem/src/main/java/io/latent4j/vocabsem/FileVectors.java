/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.bytedeco.javacpp.indexer.Bfloat16Indexer;
import org.bytedeco.javacpp.indexer.HalfIndexer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The rows or columns of a matrix in a file, which is mapped into memory, not read into it. */
final class FileVectors extends TokenVectors {
    /** Segments of 1 GiB, as a mapping is bound to 2 GiB. */
    static final int SEGMENT_BITS = 30;

    private final ByteBuffer[] segments;
    private final int segmentBits;
    private final long rows;
    private final long columns;
    private final DataType type;
    private final Layout layout;

    /**
     * Maps a row-major matrix, whose extent the caller has checked.
     *
     * @param file the file, not to be changed as long as this is in use
     * @param offset where its values begin
     * @param rows the matrix' rows
     * @param columns the matrix' columns
     * @param type DOUBLE, FLOAT, HALF or BFLOAT16
     * @param order byte order of the values
     * @param layout what the tokens are
     * @param segmentBits logarithm of the size of the mapped segments, at least 3, so that no value is cut in two
     */
    FileVectors(
            Path file,
            long offset,
            long rows,
            long columns,
            DataType type,
            ByteOrder order,
            Layout layout,
            int segmentBits)
            throws IOException {
        requireSizes(file.toString(), rows, columns);
        this.rows = rows;
        this.columns = columns;
        this.type = type;
        this.layout = layout;
        this.segmentBits = segmentBits;
        long bytes = rows * columns * type.width();
        long segmentSize = 1L << segmentBits;
        this.segments = new ByteBuffer[(int) ((bytes + segmentSize - 1) >>> segmentBits)];
        try (FileChannel channel = FileChannel.open(file)) {
            for (int i = 0; i < segments.length; i++) {
                long start = (long) i << segmentBits;
                segments[i] = channel.map(
                                FileChannel.MapMode.READ_ONLY, offset + start, Math.min(segmentSize, bytes - start))
                        .order(order);
            }
        }
    }

    @Override
    public long tokens() {
        return layout == Layout.COLUMNS ? columns : rows;
    }

    @Override
    public int features() {
        return (int) (layout == Layout.COLUMNS ? rows : columns);
    }

    @Override
    public DataType dataType() {
        return type;
    }

    @Override
    void read(long from, INDArray into) {
        int d = features();
        if (layout == Layout.COLUMNS) {
            ColumnBlock.fill(
                    into,
                    () -> (feature, first, count, values) -> run(feature * columns + from + first, count, values));
            return;
        }
        DoubleBuffer values = into.data().asNioDouble();
        HostRows.share((int) into.size(0), d, (first, last) -> {
            double[] row = new double[d];
            for (int i = first; i < last; i++) {
                run((from + i) * d, d, row);
                values.put(i * d, row);
            }
        });
        HostRows.written(into);
    }

    /** Reads values that follow each other in the file. */
    private void run(long index, int length, double[] into) {
        long segmentSize = 1L << segmentBits;
        int done = 0;
        while (done < length) {
            long offset = (index + done) * type.width();
            int position = (int) (offset & (segmentSize - 1));
            int count = (int) Math.min(length - done, (segmentSize - position) / type.width());
            convert(segments[(int) (offset >>> segmentBits)], position, count, into, done);
            done += count;
        }
    }

    private void convert(ByteBuffer segment, int position, int count, double[] into, int at) {
        switch (type) {
            case DOUBLE -> {
                for (int i = 0; i < count; i++) {
                    into[at + i] = segment.getDouble(position + 8 * i);
                }
            }
            case FLOAT -> {
                for (int i = 0; i < count; i++) {
                    into[at + i] = segment.getFloat(position + 4 * i);
                }
            }
            case HALF -> {
                for (int i = 0; i < count; i++) {
                    into[at + i] = HalfIndexer.toFloat(segment.getShort(position + 2 * i));
                }
            }
            case BFLOAT16 -> {
                for (int i = 0; i < count; i++) {
                    into[at + i] = Bfloat16Indexer.toFloat(segment.getShort(position + 2 * i));
                }
            }
            default -> throw new IllegalStateException("no reader for " + type);
        }
    }
}
