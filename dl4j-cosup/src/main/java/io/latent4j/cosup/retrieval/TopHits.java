/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The k best of a stream of scored rows: a heap whose root is the worst of those kept. Of equal scores the row that was
 * offered first is better.
 */
final class TopHits {
    private final int capacity;
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
        int i = 0;
        for (; i < count && size < capacity; i++) {
            if (!Float.isNaN(block[i]) && (accepted == null || accepted.test(firstRow + i))) {
                insert(block[i], firstRow + i);
            }
        }
        if (i == count) {
            return;
        }
        float threshold = scores[0];
        for (; i < count; i++) {
            // Most rows end here, in a loop of nothing else
            if (block[i] > threshold && (accepted == null || accepted.test(firstRow + i))) {
                insert(block[i], firstRow + i);
                threshold = scores[0];
            }
        }
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
