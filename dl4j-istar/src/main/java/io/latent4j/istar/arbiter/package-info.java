/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Search spaces for Arbiter, so that the strength of a regularizer is found like any other hyperparameter.
 *
 * <p>Needs {@code arbiter-deeplearning4j}, an optional dependency.
 */
@NullMarked
package io.latent4j.istar.arbiter;

import org.jspecify.annotations.NullMarked;
