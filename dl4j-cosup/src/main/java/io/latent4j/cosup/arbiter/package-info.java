/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Search spaces for Arbiter, so that the options of co-supervision are found like any other hyperparameter.
 *
 * <p>{@link io.latent4j.cosup.arbiter.CoSupervisionSpace} searches all of them: both heads, the memory and the pooling.
 * {@link io.latent4j.cosup.arbiter.NextTokenOutputLayerSpace} and {@link
 * io.latent4j.cosup.arbiter.NextSequenceOutputLayerSpace} are for graphs put together by hand; there the options of
 * vertices are fixed, as Arbiter can't search them.
 *
 * <p>Needs {@code arbiter-deeplearning4j}, an optional dependency. What is not set keeps its default; a value outside its
 * range, fixed or drawn, ends in an exception when the candidate's configuration is made. Give every search a {@code
 * MaxTimeCondition}: Arbiter doesn't count candidates whose configuration failed. Compare candidates by a measure, as
 * {@link io.latent4j.cosup.arbiter.RetrievalScoreFunction} does, not by their loss: a loss with a smaller λ is smaller, no
 * matter how good the model is. Arbiter 1.0.0-beta7 can't read back the JSON it writes for layers that are not searched
 * ({@code FixedLayerSpace}) and for {@code dropOut}.
 */
@NullMarked
package io.latent4j.cosup.arbiter;

import org.jspecify.annotations.NullMarked;
