/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import static io.latent4j.it.search.AsynchronousSuccessiveHalving.atLeast;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.commons.math3.stat.descriptive.rank.Median;

/**
 * The median stopping rule: stops a candidate whose best score so far is worse than the median of what others had by
 * then.
 *
 * <p>What a candidate had by step s is the mean of its scores up to s; the others are those that were trained to their
 * end. Scores that aren't finite are left out of means; a candidate that has no finite one is stopped.
 *
 * <p>Reference: Golovin, Solnik, Moitra, Kochanski, Karro, Sculley: Google Vizier: A Service for Black-Box Optimization.
 * KDD 2017, section 3.2.2.
 */
public final class MedianStopping implements CandidatePruner {
    private final double sign;
    private final int warmUp;
    private final int interval;
    private final int minCandidates;
    private final Map<Integer, TreeMap<Integer, Double>> curves = new HashMap<>();
    private final Set<Integer> completed = new HashSet<>();

    /**
     * A pruner that decides after every step.
     *
     * @param minimize whether lower scores are better
     * @param warmUp steps until the first decision, 1 or more
     * @param minCandidates completed candidates that there have to be before one is stopped, 1 or more
     * @throws IllegalArgumentException if one is less
     */
    public MedianStopping(boolean minimize, int warmUp, int minCandidates) {
        this(minimize, warmUp, minCandidates, 1);
    }

    /**
     * A pruner.
     *
     * @param minimize whether lower scores are better
     * @param warmUp steps until the first decision, 1 or more
     * @param minCandidates completed candidates that there have to be before one is stopped, 1 or more
     * @param interval steps from one decision to the next, 1 or more
     * @throws IllegalArgumentException if one is less
     */
    public MedianStopping(boolean minimize, int warmUp, int minCandidates, int interval) {
        this.sign = minimize ? 1 : -1;
        this.warmUp = atLeast(1, "warmUp", warmUp);
        this.minCandidates = atLeast(1, "minCandidates", minCandidates);
        this.interval = atLeast(1, "interval", interval);
    }

    @Override
    public boolean decidesAt(int step) {
        return step >= warmUp && (step - warmUp) % interval == 0;
    }

    @Override
    public synchronized boolean prune(int candidate, int step, double score) {
        TreeMap<Integer, Double> curve = curves.computeIfAbsent(candidate, c -> new TreeMap<>());
        if (Double.isFinite(score)) {
            curve.put(step, sign * score);
        }
        double[] others = completed.stream()
                .filter(other -> other != candidate)
                .mapToDouble(other -> curves.getOrDefault(other, new TreeMap<>()).headMap(step, true).values().stream()
                        .mapToDouble(Double::doubleValue)
                        .average()
                        .orElse(Double.NaN))
                .filter(Double::isFinite)
                .toArray();
        double best =
                curve.values().stream().mapToDouble(Double::doubleValue).min().orElse(Double.POSITIVE_INFINITY);
        return others.length >= minCandidates && best > new Median().evaluate(others);
    }

    @Override
    public synchronized void completed(int candidate) {
        completed.add(candidate);
    }
}
