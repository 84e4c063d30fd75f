/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

/**
 * One method, measured once.
 *
 * @param lm name of the language model
 * @param task name of the task
 * @param method the method
 * @param shots training texts per class; {@link #ALL} for all there are, {@link #NONE} without training
 * @param seed what decided sample, weights and order
 * @param trainTexts training texts
 * @param testTexts test texts
 * @param score accuracy and macro-F1 on the test texts
 * @param adaptSeconds time to get ready, from cached states
 * @param predictSeconds time for all test texts, from cached states
 */
record Outcome(
        String lm,
        String task,
        Method method,
        int shots,
        long seed,
        int trainTexts,
        int testTexts,
        Score score,
        double adaptSeconds,
        double predictSeconds) {
    static final int ALL = 0;
    static final int NONE = -1;

    /** Name of a number of shots. */
    static String name(int shots) {
        return shots == ALL ? "all" : shots == NONE ? "none" : String.valueOf(shots);
    }
}
