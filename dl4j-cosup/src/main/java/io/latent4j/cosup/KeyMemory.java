/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import java.io.Serial;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.shape.Gather;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A bounded memory of the keys of past minibatches, first in, first out: more negatives than one minibatch has, which
 * stand in for the keys that the paper gathers from other workers. Its keys get no gradient.
 *
 * <p>A {@link NextSequenceVertex} has its own memory, {@link CoSupervision#keyMemory} gives it out. The memory is no part
 * of a network's configuration, parameters or saved file: a clone, a restored network or a worker's copy starts with an
 * empty one. To go on exactly, write the memory beside the network (it is {@link Serializable}) and
 * {@linkplain #restore restore} it. Only training fills it. Not for concurrent use.
 */
public final class KeyMemory implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    /** What keys have that nobody gave an id. */
    private static final long NO_ID = -1;

    /** Keys held at most. */
    private final int capacity;
    /** Keys, a ring of capacity rows; null before the first. */
    private @Nullable INDArray keys;
    /** What sequence each key is of. */
    private final long[] ids;
    /** Row of the next key. */
    private int next;
    /** Keys held. */
    private int size;

    /**
     * Creates an empty memory.
     *
     * @param capacity keys held at most; 0 for a memory that stays empty
     * @throws IllegalArgumentException if it is negative
     */
    public KeyMemory(int capacity) {
        this.capacity = requireCapacity(capacity);
        this.ids = new long[capacity];
    }

    /** Far more keys than any search over all of them at every step is good for; larger sizes are mistakes. */
    private static final int MAX_CAPACITY = 1 << 24;

    static int requireCapacity(int capacity) {
        if (capacity < 0 || capacity > MAX_CAPACITY) {
            throw new IllegalArgumentException("memorySize must be from 0 to " + MAX_CAPACITY + ", found " + capacity);
        }
        return capacity;
    }

    /**
     * Keys held at most.
     *
     * @return the capacity
     */
    public int capacity() {
        return capacity;
    }

    /**
     * Keys held.
     *
     * @return between 0 and the capacity
     */
    public int size() {
        return size;
    }

    /**
     * Takes copies of keys; the oldest give way. Keys of another width or type than those held replace them all.
     *
     * @param added {@code [M, d]}
     * @param sequences what sequence each key is of, null where that is not known
     * @throws IllegalArgumentException if the keys are no matrix or there is not one id for each
     */
    public void add(INDArray added, long @Nullable [] sequences) {
        if (added.rank() != 2) {
            throw new IllegalArgumentException(
                    "keys must be a matrix [M, d], found shape " + Arrays.toString(added.shape()));
        }
        if (sequences != null && sequences.length != added.size(0)) {
            throw new IllegalArgumentException(
                    "ids must be as many as the " + added.size(0) + " keys, found " + sequences.length);
        }
        if (capacity == 0) {
            return;
        }
        try (MemoryWorkspace ws = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            if (keys == null || keys.size(1) != added.size(1) || keys.dataType() != added.dataType()) {
                clear();
                keys = Nd4j.create(added.dataType(), new long[] {capacity, added.size(1)}, 'c');
            }
            int count = (int) added.size(0);
            for (int from = Math.max(0, count - capacity); from < count; ) {
                int rows = Math.min(count - from, capacity - next);
                keys.get(NDArrayIndex.interval(next, next + rows), NDArrayIndex.all())
                        .assign(added.get(NDArrayIndex.interval(from, from + rows), NDArrayIndex.all()));
                for (int i = 0; i < rows; i++) {
                    ids[next + i] = sequences == null ? NO_ID : sequences[from + i];
                }
                from += rows;
                next = (next + rows) % capacity;
                size = Math.min(capacity, size + rows);
            }
        }
    }

    /**
     * Copies the keys that are none of some sequences to the first rows of an array.
     *
     * @param target {@code [capacity, d]}; its other rows are left as they are
     * @param sequences ids of sequences to leave out
     * @return the number of keys copied; 0 where the memory holds keys of another width
     */
    public int copyTo(INDArray target, Set<Long> sequences) {
        if (keys == null || size == 0 || keys.size(1) != target.size(1)) {
            return 0;
        }
        int oldest = size < capacity ? 0 : next;
        long[] rows = IntStream.range(0, size)
                .map(i -> (oldest + i) % capacity)
                .filter(row -> ids[row] == NO_ID || !sequences.contains(ids[row]))
                .asLongStream()
                .toArray();
        if (rows.length > 0) {
            target.get(NDArrayIndex.interval(0, rows.length), NDArrayIndex.all())
                    .assign(Nd4j.exec(new Gather(keys, Nd4j.createFromArray(rows), 0))[0]);
        }
        return rows.length;
    }

    /** Forgets all keys. */
    public void clear() {
        keys = null;
        next = 0;
        size = 0;
    }

    /**
     * Takes over what another memory holds.
     *
     * @param other a memory; its oldest keys are left out where it holds more than this one can
     */
    public void restore(KeyMemory other) {
        clear();
        if (other.keys != null && other.size > 0) {
            int oldest = other.size < other.capacity ? 0 : other.next;
            long[] rows = LongStream.range(0, other.size)
                    .map(i -> (oldest + i) % other.capacity)
                    .toArray();
            long[] sequences =
                    Arrays.stream(rows).map(row -> other.ids[(int) row]).toArray();
            add(Nd4j.exec(new Gather(other.keys, Nd4j.createFromArray(rows), 0))[0], sequences);
        }
    }
}
