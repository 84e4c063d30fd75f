/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TopHitsTest {
    private static final int BLOCK = 700;

    /** Few different values, so that many are equal; some are no numbers. */
    private static float score(Random random) {
        int choice = random.nextInt(50);
        return choice == 0 ? Float.NaN : choice == 1 ? Float.NEGATIVE_INFINITY : random.nextInt(40) - 20;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 10, 129, 1000, 5000})
    void keepsWhatSortingPutsFirst(int k) {
        Random random = new Random(k);
        float[] all = new float[3 * BLOCK + 5];
        for (int i = 0; i < all.length; i++) {
            all[i] = score(random);
        }
        IntPredicate odd = row -> row % 2 == 1;
        for (IntPredicate accepted : new IntPredicate[] {null, odd}) {
            TopHits hits = new TopHits(k);
            for (int from = 0; from < all.length; from += BLOCK) {
                int count = Math.min(BLOCK, all.length - from);
                float[] block = new float[BLOCK];
                System.arraycopy(all, from, block, 0, count);
                hits.offer(block, count, from, accepted);
            }
            List<String> expected = IntStream.range(0, all.length)
                    .filter(row -> !Float.isNaN(all[row]) && (accepted == null || accepted.test(row)))
                    .boxed()
                    .sorted(Comparator.comparing((Integer row) -> -all[row]).thenComparing(row -> row))
                    .limit(k)
                    .map(String::valueOf)
                    .toList();
            assertEquals(
                    expected, hits.best(String::valueOf).stream().map(Hit::id).toList());
        }
    }
}
