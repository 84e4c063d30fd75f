/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class CandidatePrunerTest {
    @Test
    void rungsAreAtPowersOfTheReductionFactor() {
        CandidatePruner asha = new AsynchronousSuccessiveHalving(true, 2, 3);
        assertEquals(
                List.of(2, 6, 18, 54),
                IntStream.rangeClosed(1, 100).filter(asha::decidesAt).boxed().toList());
    }

    @Test
    void onlyTheBestShareOfARungGoesOn() {
        CandidatePruner asha = new AsynchronousSuccessiveHalving(true, 1, 3);
        assertFalse(asha.prune(0, 1, 5)); // alone
        assertTrue(asha.prune(1, 1, 6)); // max(1, 2/3) = 1 goes on
        assertFalse(asha.prune(2, 1, 4));
        assertTrue(asha.prune(3, 1, 4.5)); // 1 of 4
        assertTrue(asha.prune(4, 1, Double.NaN));
        assertFalse(asha.prune(5, 1, 4.2)); // 2 of 6: 4 and 4.2
        assertFalse(asha.prune(6, 1, 4)); // as good as the best
        assertFalse(asha.prune(0, 3, 100)); // another rung
    }

    @Test
    void aRungWithTooFewScoresStopsNobody() {
        CandidatePruner asha = new AsynchronousSuccessiveHalving(false, 1, 2, 4);
        assertFalse(asha.prune(0, 1, 0.9));
        assertFalse(asha.prune(1, 1, 0.1));
        assertFalse(asha.prune(2, 1, 0.2));
        assertTrue(asha.prune(3, 1, 0.15));
    }

    @Test
    void theBestAtEveryRungIsNeverStopped() {
        Random random = new Random(1);
        List<Integer> order = new ArrayList<>(IntStream.range(0, 50).boxed().toList());
        for (int round = 0; round < 100; round++) {
            Collections.shuffle(order, random);
            CandidatePruner asha = new AsynchronousSuccessiveHalving(false, 1, 4);
            int steps = 0;
            for (int quality : order) {
                for (int step = 1; step <= 64; step++) {
                    steps++;
                    boolean stopped = asha.decidesAt(step) && asha.prune(quality, step, quality + step);
                    if (stopped) {
                        assertTrue(quality < 49, "the best was stopped at step " + step);
                        break;
                    }
                }
            }
            assertTrue(steps < 50 * 64 / 2, "steps: " + steps);
        }
    }

    @Test
    void worseThanTheMedianOfCompletedCandidatesIsStopped() {
        CandidatePruner median = new MedianStopping(true, 2, 3);
        assertFalse(median.decidesAt(1));
        assertTrue(median.decidesAt(2));
        for (int candidate = 0; candidate < 3; candidate++) { // too few completed ones to stop any of them
            assertFalse(median.prune(candidate, 2, 2 * candidate + 2));
            assertFalse(median.prune(candidate, 3, 2 * candidate + 1));
            median.completed(candidate);
        }
        // Medians of means: 4 at step 2, 3.5 at step 3
        assertFalse(median.prune(3, 2, 4));
        assertTrue(median.prune(3, 3, 9)); // its best is 4
        assertTrue(median.prune(4, 2, 4.1));
        assertFalse(median.prune(5, 2, 3));
        assertFalse(median.prune(5, 3, 9)); // its best is 3
        assertTrue(median.prune(6, 2, Double.NaN));
        assertFalse(median.prune(0, 3, 100)); // compared with two others only
    }

    @Test
    void medianStoppingDecidesInIntervals() {
        CandidatePruner median = new MedianStopping(false, 5, 1, 10);
        assertEquals(
                List.of(5, 15, 25),
                IntStream.rangeClosed(1, 30).filter(median::decidesAt).boxed().toList());
        median.prune(0, 5, 0.8);
        median.completed(0);
        assertTrue(median.prune(1, 5, 0.7));
        assertFalse(median.prune(2, 5, 0.9));
    }

    @Test
    void badArgumentsAreNamed() {
        assertMessage("minResource: expected 1 or more, found 0", () -> new AsynchronousSuccessiveHalving(true, 0, 2));
        assertMessage(
                "reductionFactor: expected 2 or more, found 1", () -> new AsynchronousSuccessiveHalving(true, 1, 1));
        assertMessage(
                "minCandidates: expected 1 or more, found 0", () -> new AsynchronousSuccessiveHalving(true, 1, 2, 0));
        assertMessage("warmUp: expected 1 or more, found 0", () -> new MedianStopping(true, 0, 1));
        assertMessage("minCandidates: expected 1 or more, found 0", () -> new MedianStopping(true, 1, 0));
        assertMessage("interval: expected 1 or more, found 0", () -> new MedianStopping(true, 1, 1, 0));
    }

    private static void assertMessage(String expected, Executable executable) {
        assertEquals(
                expected,
                assertThrows(IllegalArgumentException.class, executable).getMessage());
    }
}
