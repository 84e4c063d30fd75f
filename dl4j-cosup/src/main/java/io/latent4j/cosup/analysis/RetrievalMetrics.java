/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.analysis;

import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * How well passages were retrieved: recall@k, precision@k and mean reciprocal rank, each the mean over queries.
 *
 * <pre>{@code
 * List<List<String>> ranked = index.search(queries, 10).stream()
 *         .map(hits -> hits.stream().map(Hit::id).toList())
 *         .toList();
 * RetrievalMetrics metrics = RetrievalMetrics.of(ranked, gold, 1, 10);
 * }</pre>
 *
 * <p>With R the relevant passages of a query and L(k) the first k of its ranking:
 *
 * <pre>{@code
 * recall@k = |R ∩ L(k)| / |R|      precision@k = |R ∩ L(k)| / |L(k)|      reciprocal rank = 1 / rank of the first in R
 * }</pre>
 *
 * <p>With a single relevant passage recall@k is the share of queries that find it among the first k. |L(k)| is k, or the
 * length of a shorter ranking; precision@1 is what Lee et al. call the precision of the retrieved passages, as one is
 * retrieved at each [Ret]. What is not in the ranking has reciprocal rank 0, so rankings that are cut at k give MRR@k.
 *
 * <p>References: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024, section 4;
 * C. Manning et al., "Introduction to Information Retrieval", 2008, chapter 8.
 *
 * @param queries number of queries
 * @param meanReciprocalRank in [0, 1]; NaN without queries
 * @param recall k to recall@k in [0, 1], ascending; NaN without queries
 * @param precision k to precision@k in [0, 1], ascending; NaN without queries
 */
public record RetrievalMetrics(
        long queries,
        double meanReciprocalRank,
        SortedMap<Integer, Double> recall,
        SortedMap<Integer, Double> precision) {

    /**
     * Takes unmodifiable copies.
     *
     * @param queries number of queries
     * @param meanReciprocalRank in [0, 1]
     * @param recall k to recall@k
     * @param precision k to precision@k
     */
    public RetrievalMetrics {
        recall = Collections.unmodifiableSortedMap(new TreeMap<>(recall));
        precision = Collections.unmodifiableSortedMap(new TreeMap<>(precision));
    }

    /**
     * Measures rankings.
     *
     * @param ranked for each query the passages found, best first, each once
     * @param relevant for each query its relevant passages, at least one
     * @param cutoffs the k to measure at, positive and ascending
     * @param <T> what identifies a passage
     * @return the figures
     * @throws IllegalArgumentException if the lists are of different length, there are no queries, a query has no relevant
     *     passage, a ranking names a passage twice, or the cut-offs are not positive and ascending
     */
    public static <T> RetrievalMetrics of(
            List<? extends List<? extends T>> ranked,
            List<? extends Collection<? extends T>> relevant,
            int... cutoffs) {
        if (ranked.size() != relevant.size() || ranked.isEmpty()) {
            throw new IllegalArgumentException("ranked and relevant must hold an entry for each of at least one query,"
                    + " found " + ranked.size() + " and " + relevant.size());
        }
        RankTally tally = new RankTally(cutoffs);
        for (int query = 0; query < ranked.size(); query++) {
            List<? extends T> ranking = ranked.get(query);
            Set<T> gold = new HashSet<>(relevant.get(query));
            if (gold.isEmpty()) {
                throw new IllegalArgumentException(
                        "relevant must name at least one passage per query, found none for query " + query);
            }
            if (new HashSet<>(ranking).size() < ranking.size()) {
                throw new IllegalArgumentException(
                        "ranked must name a passage once, found one twice for query " + query + ": " + ranking);
            }
            int[] ranks = IntStream.range(0, ranking.size())
                    .filter(i -> gold.contains(ranking.get(i)))
                    .map(i -> i + 1)
                    .toArray();
            tally.add(ranks, gold.size(), ranking.size());
        }
        return tally.metrics();
    }

    /**
     * recall@k of one of the cut-offs.
     *
     * @param k a cut-off
     * @return in [0, 1]
     * @throws IllegalArgumentException if it was not measured at k
     */
    public double recallAt(int k) {
        return at(recall, k);
    }

    /**
     * precision@k of one of the cut-offs.
     *
     * @param k a cut-off
     * @return in [0, 1]
     * @throws IllegalArgumentException if it was not measured at k
     */
    public double precisionAt(int k) {
        return at(precision, k);
    }

    private static double at(SortedMap<Integer, Double> values, int k) {
        Double value = values.get(k);
        if (value == null) {
            throw new IllegalArgumentException("k must be one of the cut-offs " + values.keySet() + ", found " + k);
        }
        return value;
    }

    /**
     * The figures in a line.
     *
     * @return such as {@code queries 12, MRR 0.5000, recall@1 0.2500, precision@1 0.2500}
     */
    public String toText() {
        return String.format(Locale.ROOT, "queries %d, MRR %.4f", queries, meanReciprocalRank)
                + text("recall", recall)
                + text("precision", precision);
    }

    private static String text(String name, Map<Integer, Double> values) {
        return values.entrySet().stream()
                .map(value -> String.format(Locale.ROOT, ", %s@%d %.4f", name, value.getKey(), value.getValue()))
                .collect(Collectors.joining());
    }
}
