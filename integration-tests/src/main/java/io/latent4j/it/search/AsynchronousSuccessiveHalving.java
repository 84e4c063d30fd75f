/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Asynchronous successive halving (ASHA): only the best 1/η of the candidates that have reached a rung go on.
 *
 * <p>The rungs are at r, rη, rη², … steps, with minimum resource r and reduction factor η. A candidate that reaches a rung
 * goes on if its score is among the best max(1, ⌊n/η⌋) of the n scores seen there so far, its own included; no candidate
 * waits for others. This is the form without resuming: what was stopped isn't continued when later scores turn out to be
 * worse. The candidate whose score is the best at every rung is never stopped.
 *
 * <p>Reference: Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar: A System for Massively Parallel
 * Hyperparameter Tuning. MLSys 2020, section 3.2.
 */
public final class AsynchronousSuccessiveHalving implements CandidatePruner {
    private final double sign;
    private final int minResource;
    private final int reductionFactor;
    private final int minCandidates;
    private final Map<Integer, List<Double>> rungs = new HashMap<>();

    /**
     * A pruner that may stop candidates from the second one on.
     *
     * @param minimize whether lower scores are better
     * @param minResource r, steps until the first rung, 1 or more: the warm-up that each candidate gets
     * @param reductionFactor η, 2 or more; 3 or 4 are usual
     * @throws IllegalArgumentException if one is less
     */
    public AsynchronousSuccessiveHalving(boolean minimize, int minResource, int reductionFactor) {
        this(minimize, minResource, reductionFactor, 2);
    }

    /**
     * A pruner.
     *
     * @param minimize whether lower scores are better
     * @param minResource r, steps until the first rung, 1 or more: the warm-up that each candidate gets
     * @param reductionFactor η, 2 or more; 3 or 4 are usual
     * @param minCandidates scores that a rung must have, the candidate's included, before it stops one; 1 or more
     * @throws IllegalArgumentException if one is less
     */
    public AsynchronousSuccessiveHalving(boolean minimize, int minResource, int reductionFactor, int minCandidates) {
        this.sign = minimize ? 1 : -1;
        this.minResource = atLeast(1, "minResource", minResource);
        this.reductionFactor = atLeast(2, "reductionFactor", reductionFactor);
        this.minCandidates = atLeast(1, "minCandidates", minCandidates);
    }

    @Override
    public boolean decidesAt(int step) {
        long rung = minResource;
        while (rung < step) {
            rung *= reductionFactor;
        }
        return rung == step;
    }

    @Override
    public synchronized boolean prune(int candidate, int step, double score) {
        List<Double> rung = rungs.computeIfAbsent(step, s -> new ArrayList<>());
        rung.add(sign * score);
        long better = rung.stream()
                .filter(other -> Double.compare(other, sign * score) < 0)
                .count(); // NaN is last
        return rung.size() >= minCandidates && better >= Math.max(1, rung.size() / reductionFactor);
    }

    @Override
    public void completed(int candidate) {}

    static int atLeast(int least, String name, int value) {
        if (value < least) {
            throw new IllegalArgumentException(name + ": expected " + least + " or more, found " + value);
        }
        return value;
    }
}
