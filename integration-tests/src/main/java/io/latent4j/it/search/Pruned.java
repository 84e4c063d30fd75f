/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import java.io.Serializable;

/**
 * What {@code OptimizationResult.getModelSpecificResults()} of a stopped candidate is.
 *
 * @param step after how many steps it was stopped
 * @param score its score then
 */
public record Pruned(int step, double score) implements Serializable {}
