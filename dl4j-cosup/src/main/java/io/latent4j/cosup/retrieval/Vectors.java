/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import io.latent4j.cosup.Similarity;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Rows of arrays as they enter an index or a search: checked, in FLOAT and, for cosines, of length 1. */
final class Vectors {
    private static final int CHUNK_ELEMENTS = 1 << 20;

    private Vectors() {}

    /** Checks everything about the arguments of {@link SequenceIndex#add} that does not need the values. */
    static void requireAddable(List<String> ids, INDArray vectors, int dimension) {
        requireRows("vectors", vectors, dimension);
        if (ids.size() != vectors.size(0)) {
            throw new IllegalArgumentException(
                    "ids must be one for each of " + vectors.size(0) + " vectors, found " + ids.size());
        }
        for (int i = 0; i < ids.size(); i++) {
            if (ids.get(i) == null) {
                throw new IllegalArgumentException("ids must not be null, found null at " + i);
            }
        }
    }

    /** Checks everything about the arguments of {@link SequenceIndex#search} that does not need the values. */
    static void requireSearchable(INDArray queries, int k, int dimension, long size, String hint) {
        requireRows("queries", queries, dimension);
        if (k < 1) {
            throw new IllegalArgumentException("k must be at least 1, found " + k);
        }
        if (size == 0) {
            throw new IllegalStateException("the index must hold a sequence to be searched, found none" + hint);
        }
    }

    static int requireDimension(int dimension) {
        if (dimension < 1) {
            throw new IllegalArgumentException("dimension must be at least 1, found " + dimension);
        }
        return dimension;
    }

    private static void requireRows(String name, INDArray rows, int dimension) {
        if (rows.rank() != 2 || rows.size(1) != dimension || !rows.dataType().isFPType()) {
            throw new IllegalArgumentException(name + " must be a floating point matrix with " + dimension
                    + " columns, found " + rows.dataType() + " of shape " + Arrays.toString(rows.shape()));
        }
    }

    /** Rows of a matrix in chunks, so that no second copy of a large one is made. */
    interface Visitor {
        /**
         * @param from the first of the rows
         * @param values the rows one after the other
         */
        void visit(long from, float[] values);
    }

    /** All rows as the index compares them, after all of them were found to be finite. */
    static void forEachChunk(String name, INDArray matrix, Similarity similarity, Visitor visitor) {
        long step = Math.max(1, CHUNK_ELEMENTS / matrix.size(1));
        if (matrix.size(0) > step) {
            visitChunks(name, matrix, Similarity.DOT, step, (from, values) -> {});
        }
        visitChunks(name, matrix, similarity, step, visitor);
    }

    private static void visitChunks(String name, INDArray matrix, Similarity similarity, long step, Visitor visitor) {
        for (long from = 0; from < matrix.size(0); from += step) {
            visitor.visit(from, read(name, matrix, from, Math.min(matrix.size(0), from + step), similarity));
        }
    }

    /** Some rows of a matrix, one after the other, as the index compares them. */
    static float[] read(String name, INDArray matrix, long from, long to, Similarity similarity) {
        float[] values = new float[(int) ((to - from) * matrix.size(1))];
        try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            INDArray rows = matrix.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
            try (INDArray copy = rows.castTo(DataType.FLOAT).dup('c')) {
                hostValues(copy).get(values);
            }
        }
        int dimension = (int) matrix.size(1);
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                long row = from + i / dimension;
                throw new IllegalArgumentException(name + " must be finite in FLOAT, found "
                        + matrix.getDouble(row, i % dimension) + " in row " + row + ", column " + i % dimension);
            }
        }
        if (similarity == Similarity.COSINE) {
            for (int start = 0; start < values.length; start += dimension) {
                normalise(values, start, dimension);
            }
        }
        return values;
    }

    /** The values of a 'c'-ordered FLOAT matrix that begins its buffer, on the host. */
    static FloatBuffer hostValues(INDArray matrix) {
        Nd4j.getAffinityManager().ensureLocation(matrix, AffinityManager.Location.HOST);
        return matrix.data().asNioFloat();
    }

    /** Scales a vector to length 1; leaves a zero vector so. In double, which no square of a float leaves. */
    private static void normalise(float[] values, int start, int dimension) {
        double squares = 0;
        for (int i = start; i < start + dimension; i++) {
            squares += (double) values[i] * values[i];
        }
        if (squares > 0) {
            double scale = 1 / Math.sqrt(squares);
            for (int i = start; i < start + dimension; i++) {
                values[i] = (float) (values[i] * scale);
            }
        }
    }
}
