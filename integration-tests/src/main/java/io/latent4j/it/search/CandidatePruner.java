/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

/**
 * Decides during training which candidates of a search are stopped, by comparing them with others after the same amount
 * of training.
 *
 * <p>Training is counted in steps, which are epochs or minibatches, as {@link PruningTaskCreator} says. One pruner serves
 * all candidates of one search, whichever threads they run in.
 */
public interface CandidatePruner {
    /**
     * Whether a decision is due: scores cost time, so they are asked for only then.
     *
     * @param step steps done, from 1 on
     * @return whether {@link #prune} is to be called
     */
    boolean decidesAt(int step);

    /**
     * Records a score and decides.
     *
     * @param candidate its index
     * @param step steps done
     * @param score its score; NaN is worse than all others
     * @return whether the candidate is to be stopped
     */
    boolean prune(int candidate, int step, double score);

    /**
     * Is told of each candidate that was trained to its end.
     *
     * @param candidate its index
     */
    void completed(int candidate);
}
