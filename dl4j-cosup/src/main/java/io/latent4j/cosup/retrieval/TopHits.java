/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The k best of a stream of scored rows: a heap whose root is the worst of those kept. Of equal scores that of the
 * smaller row is better.
 */
final class TopHits {
    /** Maxima that go on side by side. */
    private static final int LANES = 128;

    private final int capacity;
    private final float[] lanes = new float[LANES];
    private float[] scores;
    private int[] rows;
    private int size;

    /** @param capacity k; memory grows with what is kept, so that it may be any number */
    TopHits(int capacity) {
        this.capacity = capacity;
        int initial = Math.min(capacity, 16);
        scores = new float[initial];
        rows = new int[initial];
    }

    /**
     * Offers the scores of a block of rows, which all come after those offered before.
     *
     * @param block scores; NaN is never kept
     * @param firstRow row of the first score
     * @param accepted asked only for rows that are good enough; null accepts all
     */
    void offer(float[] block, int count, int firstRow, @Nullable IntPredicate accepted) {
        // A vectorised pass finds where anything can be good enough, as after the first block hardly anything is
        Arrays.fill(lanes, Float.NEGATIVE_INFINITY);
        for (int from = 0; from < count; from += LANES) {
            int last = Math.min(LANES, count - from);
            for (int i = 0; i < last; i++) {
                lanes[i] = Math.max(lanes[i], block[from + i]);
            }
        }
        for (int lane = 0; lane < Math.min(LANES, count); lane++) {
            // Holds for a lane with a NaN too
            if (size == capacity && lanes[lane] < scores[0]) {
                continue;
            }
            for (int i = lane; i < count; i += LANES) {
                if (isGoodEnough(block[i], firstRow + i) && (accepted == null || accepted.test(firstRow + i))) {
                    insert(block[i], firstRow + i);
                }
            }
        }
    }

    private boolean isGoodEnough(float score, int row) {
        return !Float.isNaN(score) && (size < capacity || !isWorse(score, row, 0));
    }

    private void insert(float score, int row) {
        if (size < capacity) {
            if (size == scores.length) {
                int larger = (int) Math.min(capacity, 2L * size);
                scores = Arrays.copyOf(scores, larger);
                rows = Arrays.copyOf(rows, larger);
            }
            int place = size++;
            while (place > 0 && isWorse(score, row, (place - 1) / 2)) {
                move((place - 1) / 2, place);
                place = (place - 1) / 2;
            }
            put(score, row, place);
        } else {
            int place = 0;
            for (int child = 1; child < size; child = 2 * place + 1) {
                if (child + 1 < size && isWorse(scores[child + 1], rows[child + 1], child)) {
                    child++;
                }
                if (isWorse(score, row, child)) {
                    break;
                }
                move(child, place);
                place = child;
            }
            put(score, row, place);
        }
    }

    private boolean isWorse(float score, int row, int place) {
        return score < scores[place] || (score == scores[place] && row > rows[place]);
    }

    private void move(int from, int to) {
        put(scores[from], rows[from], to);
    }

    private void put(float score, int row, int place) {
        scores[place] = score;
        rows[place] = row;
    }

    /** What was kept, best first. */
    List<Hit> best(IntFunction<String> ids) {
        return IntStream.range(0, size)
                .boxed()
                .sorted((a, b) -> scores[a] != scores[b]
                        ? Float.compare(scores[b], scores[a])
                        : Integer.compare(rows[a], rows[b]))
                .map(place -> new Hit(ids.apply(rows[place]), scores[place]))
                .toList();
    }
}
