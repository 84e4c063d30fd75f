/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class RetrievalMetricsTest {

    @Test
    void closedForm() {
        RetrievalMetrics metrics = RetrievalMetrics.of(
                List.of(List.of("a", "b", "c", "d"), List.of("b", "a"), List.of("x", "y"), List.<String>of()),
                List.of(Set.of("c"), Set.of("b", "a", "z"), Set.of("q"), Set.of("q")),
                1,
                3);
        // ranks: 3 of 1 relevant; 1 and 2 of 3 relevant; none; none
        assertEquals(4, metrics.queries());
        assertEquals((1 / 3.0 + 1) / 4, metrics.meanReciprocalRank(), 1e-15);
        assertEquals((1 / 3.0) / 4, metrics.recallAt(1), 1e-15);
        assertEquals((1 + 2 / 3.0) / 4, metrics.recallAt(3), 1e-15);
        assertEquals(1 / 4.0, metrics.precisionAt(1), 1e-15);
        assertEquals((1 / 3.0 + 2 / 2.0) / 4, metrics.precisionAt(3), 1e-15);
        assertEquals(
                "queries 4, MRR 0.3333, recall@1 0.0833, recall@3 0.4167, precision@1 0.2500, precision@3 0.3333",
                metrics.toText());
    }

    /** A single relevant passage at a random rank of n: recall@k → k/n, MRR → H(n)/n. */
    @Test
    void randomRankings() {
        int n = 20;
        int queries = 20_000;
        Random random = new Random(7);
        List<List<Integer>> ranked = IntStream.range(0, queries)
                .mapToObj(q -> {
                    List<Integer> ranking = IntStream.range(0, n).boxed().collect(Collectors.toList());
                    Collections.shuffle(ranking, random);
                    return ranking;
                })
                .toList();
        RetrievalMetrics metrics = RetrievalMetrics.of(ranked, Collections.nCopies(queries, Set.of(3)), 5);
        double harmonic = IntStream.rangeClosed(1, n).mapToDouble(i -> 1.0 / i).sum();
        // four standard errors of a share of 1/4, and of a mean of values in [0, 1] with sd < 0.25
        assertEquals(5.0 / n, metrics.recallAt(5), 4 * Math.sqrt(0.25 * 0.75 / queries));
        assertEquals(harmonic / n, metrics.meanReciprocalRank(), 4 * 0.25 / Math.sqrt(queries));
    }

    @Test
    void isImmutable() {
        TreeMap<Integer, Double> recall = new TreeMap<>();
        RetrievalMetrics metrics = new RetrievalMetrics(1, 0, recall, recall);
        recall.put(1, 1.0);
        assertTrue(metrics.recall().isEmpty());
        assertThrows(
                UnsupportedOperationException.class, () -> metrics.precision().put(1, 1.0));
    }

    @Test
    void refusesWhatCannotBeMeasured() {
        List<List<String>> ranked = List.of(List.of("a", "a"));
        assertMessage("names", () -> RetrievalMetrics.of(List.of(), List.of(), 1), "found 0 and 0");
        assertMessage("one twice", () -> RetrievalMetrics.of(ranked, List.of(Set.of("a")), 1), "query 0");
        assertMessage(
                "none relevant", () -> RetrievalMetrics.of(ranked, List.of(Set.of()), 1), "found none for query 0");
        for (int[] cutoffs : new int[][] {{}, {0}, {3, 3}, {5, 1}}) {
            assertMessage("cutoffs", () -> RetrievalMetrics.of(ranked, List.of(Set.of("a")), cutoffs), "cutoffs must");
        }
        RetrievalMetrics metrics = RetrievalMetrics.of(List.of(List.of("a")), List.of(Set.of("a")), 1, 10);
        assertMessage("another k", () -> metrics.recallAt(5), "[1, 10], found 5");
    }

    private static void assertMessage(String what, Executable call, String part) {
        String message =
                assertThrows(IllegalArgumentException.class, call, what).getMessage();
        assertTrue(message.contains(part), message);
    }
}
