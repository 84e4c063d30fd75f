/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

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
 * memory (reservoir sampling: Vitter, "Random sampling with a reservoir", ACM TOMS 11(1), 1985, Algorithm R).
 *
 * <p>Which rows are kept depends on the seed and on the order of rows only, not on how they are cut into batches. Two
 * streams of equal length with one seed keep rows at the same positions: layers are compared on the same tokens.
 */
final class PointSample {

    private final int capacity;
    private final SplittableRandom random;
    private @Nullable INDArray kept;
    private long seen;

    PointSample(int capacity, long seed) {
        this.capacity = capacity;
        random = new SplittableRandom(seed);
    }

    /** Offers the rows of a matrix [m, n]; they are copied. */
    void add(INDArray rows) {
        if (kept == null) {
            kept = Nd4j.createUninitialized(rows.dataType(), capacity, rows.columns());
        }
        Map<Integer, Integer> rowOfSlot = new TreeMap<>(); // a later row of this batch replaces an earlier one
        for (int row = 0; row < rows.rows(); row++) {
            seen++;
            long slot = seen <= capacity ? seen - 1 : random.nextLong(seen);
            if (slot < capacity) {
                rowOfSlot.put((int) slot, row);
            }
        }
        if (!rowOfSlot.isEmpty()) {
            INDArray chosen = Nd4j.pullRows(rows, 1, toArray(rowOfSlot.values()), 'c');
            INDArray slots = Nd4j.createFromArray(toArray(rowOfSlot.keySet()));
            Nd4j.exec(DynamicCustomOp.builder("scatter_upd")
                    .addInputs(kept, slots, chosen)
                    .addOutputs(kept)
                    .build());
        }
    }

    private static int[] toArray(Collection<Integer> numbers) {
        return numbers.stream().mapToInt(Integer::intValue).toArray();
    }

    /** The sampled rows [min(capacity, seen), n], in order of arrival while not more than {@code capacity} were seen. */
    INDArray points() {
        if (kept == null) {
            throw new IllegalStateException("No point has been added");
        }
        return kept.get(NDArrayIndex.interval(0, Math.min(capacity, seen)), NDArrayIndex.all());
    }

    long seen() {
        return seen;
    }
}
