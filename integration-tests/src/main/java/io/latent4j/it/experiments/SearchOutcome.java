/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

/**
 * How far one search was when it had used some of its budget.
 *
 * @param problem what was searched
 * @param method how
 * @param seed of the search
 * @param budget evaluations, or epochs of training
 * @param candidates candidates begun by then
 * @param best the best score by then
 * @param test accuracy of that candidate on test texts; NaN where there are none
 */
record SearchOutcome(String problem, String method, long seed, int budget, int candidates, double best, double test) {}
