/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.analysis;

import java.io.Serializable;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;

/** Sums over queries, from which the retrieval figures follow: one per cut-off where they depend on one. */
final class RankTally implements Serializable {
    private static final long serialVersionUID = 1L;

    private int[] cutoffs;
    private long queries;
    private double reciprocalRanks;
    private double[] recalls;
    private double[] precisions;

    /** For JSON only. */
    @SuppressWarnings("unused")
    private RankTally() {
        this(1);
    }

    /** @throws IllegalArgumentException if there is none, one is below 1, or they don't ascend */
    RankTally(int... cutoffs) {
        for (int i = 0; i < cutoffs.length; i++) {
            if (cutoffs[i] < 1 || i > 0 && cutoffs[i] <= cutoffs[i - 1]) {
                throw new IllegalArgumentException(
                        "cutoffs must be positive and ascending, found " + Arrays.toString(cutoffs));
            }
        }
        if (cutoffs.length == 0) {
            throw new IllegalArgumentException("cutoffs must name at least one k, found none");
        }
        this.cutoffs = cutoffs.clone();
        recalls = new double[cutoffs.length];
        precisions = new double[cutoffs.length];
    }

    /**
     * Counts a query.
     *
     * @param ranks ranks, from 1, of the relevant passages that were ranked, ascending
     * @param relevant number of relevant passages, ranked or not
     * @param ranked number of passages in the ranking
     */
    void add(int[] ranks, int relevant, int ranked) {
        queries++;
        reciprocalRanks += ranks.length == 0 ? 0 : 1.0 / ranks[0];
        for (int i = 0; i < cutoffs.length; i++) {
            int cutoff = cutoffs[i];
            double found = Arrays.stream(ranks).filter(rank -> rank <= cutoff).count();
            recalls[i] += found / relevant;
            precisions[i] += ranked == 0 ? 0 : found / Math.min(cutoff, ranked);
        }
    }

    /** @throws IllegalArgumentException if the other one has other cut-offs */
    void merge(RankTally other) {
        if (!Arrays.equals(cutoffs, other.cutoffs)) {
            throw new IllegalArgumentException("other must have cut-offs " + Arrays.toString(cutoffs) + ", found "
                    + Arrays.toString(other.cutoffs));
        }
        queries += other.queries;
        reciprocalRanks += other.reciprocalRanks;
        for (int i = 0; i < cutoffs.length; i++) {
            recalls[i] += other.recalls[i];
            precisions[i] += other.precisions[i];
        }
    }

    RankTally empty() {
        return new RankTally(cutoffs);
    }

    RetrievalMetrics metrics() {
        SortedMap<Integer, Double> recall = new TreeMap<>();
        SortedMap<Integer, Double> precision = new TreeMap<>();
        for (int i = 0; i < cutoffs.length; i++) {
            recall.put(cutoffs[i], recalls[i] / queries);
            precision.put(cutoffs[i], precisions[i] / queries);
        }
        return new RetrievalMetrics(queries, reciprocalRanks / queries, recall, precision);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RankTally tally
                && Arrays.equals(cutoffs, tally.cutoffs)
                && queries == tally.queries
                && reciprocalRanks == tally.reciprocalRanks
                && Arrays.equals(recalls, tally.recalls)
                && Arrays.equals(precisions, tally.precisions);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(cutoffs) + 31 * Long.hashCode(queries);
    }
}
