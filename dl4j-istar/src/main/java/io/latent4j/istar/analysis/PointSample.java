/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import java.io.Serial;
import java.io.Serializable;
import java.util.Collection;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A uniform random sample, without replacement, of at most {@code capacity} rows of a stream of unknown length in bounded
 * memory: each row draws a random number, the rows with the smallest numbers are kept (bottom-k sampling: Cohen and
 * Kaplan, "Summarizing data using bottom-k sketches", PODC 2007). Samples of several streams are merged by keeping the
 * smallest numbers of both.
 *
 * <p>Which rows are kept depends on the seed and on the order of rows only, not on how they are cut into batches. Two
 * streams of equal length with one seed keep rows at the same positions: layers are compared on the same tokens.
 */
final class PointSample implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    /** How far SplittableRandom's state moves with each number. */
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    private final int capacity;
    private final long seed;
    /** Where the kept rows are, by the numbers that they drew. */
    private TreeMap<Long, Integer> slots = new TreeMap<>();

    private @Nullable INDArray kept;
    private long seen;

    PointSample(int capacity, long seed) {
        this.capacity = capacity;
        this.seed = seed;
    }

    /** Offers the rows of a matrix [m, n]; they are copied. */
    void add(INDArray rows) {
        if (kept == null) {
            kept = Nd4j.createUninitialized(rows.dataType(), capacity, rows.columns());
        }
        // A SplittableRandom can't be stored; one made for a position goes on as the stream's own would
        SplittableRandom random = new SplittableRandom(seed + seen * GAMMA);
        Map<Integer, Integer> rowOfSlot = new TreeMap<>(); // a later row of this batch replaces an earlier one
        for (int row = 0; row < rows.rows(); row++) {
            long number = random.nextLong();
            if (slots.size() < capacity) {
                rowOfSlot.put(slots.size(), row);
                slots.put(number, slots.size());
            } else if (number < slots.lastKey()) {
                int slot = slots.pollLastEntry().getValue();
                rowOfSlot.put(slot, row);
                slots.put(number, slot);
            }
        }
        seen += rows.rows();
        if (!rowOfSlot.isEmpty()) {
            INDArray chosen = Nd4j.pullRows(rows, 1, toArray(rowOfSlot.values()), 'c');
            INDArray target = Nd4j.createFromArray(toArray(rowOfSlot.keySet()));
            Nd4j.exec(DynamicCustomOp.builder("scatter_upd")
                    .addInputs(kept, target, chosen)
                    .addOutputs(kept)
                    .build());
        }
    }

    /** Takes in the sample of a stream with another seed; which is left unchanged. */
    void merge(PointSample other) {
        if (other.kept == null) {
            return;
        }
        int own = slots.size();
        TreeMap<Long, Integer> rowOfNumber = new TreeMap<>(slots);
        other.slots.forEach((number, slot) -> rowOfNumber.putIfAbsent(number, own + slot));
        while (rowOfNumber.size() > capacity) {
            rowOfNumber.pollLastEntry();
        }
        INDArray rows = kept == null ? other.points() : Nd4j.vstack(points(), other.points());
        INDArray merged = Nd4j.createUninitialized(rows.dataType(), capacity, rows.columns());
        merged.get(NDArrayIndex.interval(0, rowOfNumber.size()), NDArrayIndex.all())
                .assign(Nd4j.pullRows(rows, 1, toArray(rowOfNumber.values()), 'c'));
        kept = merged;
        // In the order of the numbers, whichever sample was merged into which
        slots = new TreeMap<>();
        rowOfNumber.keySet().forEach(number -> slots.put(number, slots.size()));
        seen += other.seen;
    }

    private static int[] toArray(Collection<Integer> numbers) {
        return numbers.stream().mapToInt(Integer::intValue).toArray();
    }

    /** The sampled rows [min(capacity, seen), n], in order of arrival while not more than {@code capacity} were seen. */
    INDArray points() {
        if (kept == null) {
            throw new IllegalStateException("No point has been added");
        }
        return kept.get(NDArrayIndex.interval(0, slots.size()), NDArrayIndex.all());
    }

    long seen() {
        return seen;
    }
}
