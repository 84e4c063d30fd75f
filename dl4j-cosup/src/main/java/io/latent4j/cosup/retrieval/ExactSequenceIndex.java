/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import io.latent4j.cosup.Similarity;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Compares queries with every vector, in memory: matrix products of query and vector blocks, of which the k best are
 * kept.
 *
 * <pre>{@code
 * SequenceIndex index = new ExactSequenceIndex(256);
 * index.add(ids, sequenceEncoder.outputSingle(passages));
 * List<Hit> hits = index.search(query, 5).get(0);
 * }</pre>
 *
 * <p>When to use it: up to some hundred thousand sequences, many queries at once, or as the reference for an approximate
 * index. A search costs the matrix product of queries and vectors, {@code 2·P·n·d} operations; beside the vectors it
 * holds a block of 256 by 4096 scores and the hits. What is added can be found at once. Of equal scores the sequence
 * that was added first comes first; a replaced sequence keeps its place. Holds at most 2³¹−1 sequences.
 *
 * <p>Source: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024, section on
 * inference, which searches exactly.
 *
 * @see LuceneSequenceIndex
 */
public final class ExactSequenceIndex implements SequenceIndex {
    private static final int BLOCK_ROWS = 4096;
    private static final int FIRST_ROWS = 64;
    private static final int QUERY_ROWS = 256;
    private static final int FEW_QUERIES = 4;

    private final int dimension;
    private final Similarity similarity;
    private final ReadWriteLock lock = new ReentrantReadWriteLock();

    private final List<String> ids = new ArrayList<>();
    private final Map<String, Integer> rows = new HashMap<>();
    /** FLOAT, 'c' order; all but the last have BLOCK_ROWS rows. */
    private final List<INDArray> blocks = new ArrayList<>();

    private boolean closed;

    /**
     * Creates an empty index for inner products.
     *
     * @param dimension d, at least 1
     * @throws IllegalArgumentException if it is less
     */
    public ExactSequenceIndex(int dimension) {
        this(dimension, Similarity.DOT);
    }

    /**
     * Creates an empty index.
     *
     * @param dimension d, at least 1
     * @param similarity how vectors and queries are compared
     * @throws IllegalArgumentException if the dimension is less
     */
    public ExactSequenceIndex(int dimension, Similarity similarity) {
        this.dimension = Vectors.requireDimension(dimension);
        this.similarity = Objects.requireNonNull(similarity, "similarity must be DOT or COSINE, found null");
    }

    @Override
    public int dimension() {
        return dimension;
    }

    @Override
    public Similarity similarity() {
        return similarity;
    }

    @Override
    public long size() {
        lock.readLock().lock();
        try {
            return ids.size();
        } finally {
            lock.readLock().unlock();
        }
    }

    // ---- adding ----------------------------------------------------------------------------------------------------

    @Override
    public void add(List<String> ids, INDArray vectors) {
        Vectors.requireAddable(ids, vectors, dimension);
        lock.writeLock().lock();
        try {
            requireOpen();
            Vectors.forEachChunk("vectors", vectors, similarity, (from, values) -> {
                int count = values.length / dimension;
                put(ids.subList((int) from, (int) from + count), values);
            });
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** Writes rows to their places, in runs of neighbouring ones. */
    private void put(List<String> newIds, float[] values) {
        try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces();
                INDArray chunk = Nd4j.createFromArray(values).reshape('c', newIds.size(), dimension)) {
            long unknown = newIds.stream()
                    .filter(id -> !rows.containsKey(id))
                    .distinct()
                    .count();
            reserve(ids.size() + unknown);
            int[] places = newIds.stream().mapToInt(this::place).toArray();
            for (int from = 0; from < places.length; ) {
                int to = from + 1;
                while (to < places.length && places[to] == places[to - 1] + 1 && places[to] % BLOCK_ROWS != 0) {
                    to++;
                }
                int row = places[from] % BLOCK_ROWS;
                INDArray block = blocks.get(places[from] / BLOCK_ROWS);
                interval(block, row, row + to - from).assign(interval(chunk, from, to));
                from = to;
            }
        }
    }

    /** Where a sequence is, or is to be. */
    private int place(String id) {
        Integer known = rows.putIfAbsent(id, ids.size());
        if (known != null) {
            return known;
        }
        ids.add(id);
        return ids.size() - 1;
    }

    /** Allocates what so many rows need. */
    private void reserve(long count) {
        if (count > Integer.MAX_VALUE) {
            throw new IllegalStateException("the index can hold at most 2147483647 sequences, found " + count);
        }
        for (int number = Math.max(0, blocks.size() - 1); (long) number * BLOCK_ROWS < count; number++) {
            int needed = (int) Math.min(BLOCK_ROWS, count - (long) number * BLOCK_ROWS);
            if (number == blocks.size()) {
                blocks.add(allocate(Math.max(FIRST_ROWS, needed)));
            } else if (blocks.get(number).size(0) < needed) {
                INDArray old = blocks.get(number);
                int rowCount = (int) old.size(0);
                INDArray larger = allocate(Math.max(2 * rowCount, needed));
                interval(larger, 0, rowCount).assign(old);
                blocks.set(number, larger);
                old.close();
            }
        }
    }

    private INDArray allocate(int rows) {
        return Nd4j.createUninitialized(DataType.FLOAT, new long[] {Math.min(BLOCK_ROWS, rows), dimension}, 'c');
    }

    private static INDArray interval(INDArray matrix, int from, int to) {
        return from == 0 && to == matrix.size(0)
                ? matrix
                : matrix.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
    }

    // ---- searching -------------------------------------------------------------------------------------------------

    @Override
    public List<List<Hit>> search(INDArray queries, int k, IntFunction<? extends @Nullable Predicate<String>> filter) {
        Objects.requireNonNull(filter, "filter must not be null");
        lock.readLock().lock();
        try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            requireOpen();
            Vectors.requireSearchable(queries, k, dimension, ids.size(), "");
            List<List<Hit>> hits = new ArrayList<>();
            for (int from = 0; from < queries.size(0); from += QUERY_ROWS) {
                int to = (int) Math.min(queries.size(0), from + QUERY_ROWS);
                float[] values = Vectors.read("queries", queries, from, to, similarity);
                try (INDArray batch = Nd4j.createFromArray(values).reshape('c', to - from, dimension)) {
                    hits.addAll(search(batch, from, Math.min(k, ids.size()), filter));
                }
            }
            return hits;
        } finally {
            lock.readLock().unlock();
        }
    }

    private List<List<Hit>> search(
            INDArray batch, int firstQuery, int k, IntFunction<? extends @Nullable Predicate<String>> filter) {
        int count = (int) batch.size(0);
        TopHits[] best = new TopHits[count];
        IntPredicate[] accepted = new IntPredicate[count];
        for (int i = 0; i < count; i++) {
            best[i] = new TopHits(k);
            Predicate<String> ofQuery = filter.apply(firstQuery + i);
            accepted[i] = ofQuery == null ? null : row -> ofQuery.test(ids.get(row));
        }
        int blockRows = Math.min(BLOCK_ROWS, ids.size());
        // One buffer for all blocks: fresh memory costs as much as half of the products
        try (INDArray buffer = Nd4j.createUninitialized(DataType.FLOAT, (long) count * blockRows)) {
            float[] scores = new float[blockRows];
            for (int number = 0; number < blocks.size(); number++) {
                int firstRow = number * BLOCK_ROWS;
                int rowCount = Math.min(BLOCK_ROWS, ids.size() - firstRow);
                score(batch, interval(blocks.get(number), 0, rowCount), buffer);
                FloatBuffer values = Vectors.hostValues(buffer);
                for (int i = 0; i < count; i++) {
                    values.get(i * rowCount, scores, 0, rowCount);
                    best[i].offer(scores, rowCount, firstRow, accepted[i]);
                }
            }
        }
        List<List<Hit>> hits = new ArrayList<>();
        for (TopHits ofQuery : best) {
            hits.add(ofQuery.best(ids::get));
        }
        return hits;
    }

    /** Products of each query with all rows. A product of matrices rearranges them first, which few queries aren't worth. */
    private static void score(INDArray batch, INDArray rows, INDArray buffer) {
        long queries = batch.size(0);
        long count = rows.size(0);
        if (queries < FEW_QUERIES) {
            for (long i = 0; i < queries; i++) {
                rows.mmul(batch.getRow(i), buffer.get(NDArrayIndex.interval(i * count, (i + 1) * count)));
            }
        } else {
            INDArray products =
                    buffer.get(NDArrayIndex.interval(0, queries * count)).reshape('c', queries, count);
            Nd4j.gemm(batch, rows, products, false, true, 1, 0);
        }
    }

    // ---- persistence -----------------------------------------------------------------------------------------------

    /**
     * Writes the index to a file, which is there completely or not at all.
     *
     * <p>Format, big-endian: the 8 bytes {@code L4JINDEX}, version 1 (int), the similarity (byte; 0 DOT, 1 COSINE), d
     * (int), the number of sequences (int), their ids (each the int length of its UTF-8 bytes and these), their vectors
     * (d floats each, of length 1 for cosines), and the SHA-256 digest of all of that.
     *
     * @param file the file; replaced where it exists
     * @throws IOException if it can't be written
     * @throws IllegalStateException if the index is closed
     */
    public void save(Path file) throws IOException {
        lock.readLock().lock();
        try {
            requireOpen();
            IndexFile.write(this, file);
        } finally {
            lock.readLock().unlock();
        }
    }

    /**
     * Reads an index from a file.
     *
     * @param file a file that {@link #save} wrote
     * @return the index
     * @throws IOException if the file can't be read, is no index, or was truncated or altered
     */
    public static ExactSequenceIndex load(Path file) throws IOException {
        return IndexFile.read(file);
    }

    /** For the file: the ids in the order of their rows. */
    List<String> ids() {
        return ids;
    }

    /** For the file: vectors from a row on, as many as stand in one block. */
    float[] vectors(int from) {
        int row = from % BLOCK_ROWS;
        int end = Math.min(BLOCK_ROWS, row + ids.size() - from);
        return Vectors.read("vectors", blocks.get(from / BLOCK_ROWS), row, end, Similarity.DOT);
    }

    /** For the file: takes vectors as they were stored. */
    void restore(List<String> storedIds, float[] values) {
        put(storedIds, values);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the index must be open, found a closed one");
        }
    }

    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            closed = true;
            blocks.forEach(INDArray::close);
            blocks.clear();
            ids.clear();
            rows.clear();
        } finally {
            lock.writeLock().unlock();
        }
    }
}
