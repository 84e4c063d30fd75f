/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Search spaces for Arbiter, so that the options of neural clustering and semantic logits are found like any other
 * hyperparameter.
 *
 * <p>Needs {@code arbiter-deeplearning4j}, an optional dependency. What is not set keeps the layer's default; a value
 * outside its range, fixed or drawn, ends in the layer's own exception when the candidate's configuration is made. Give
 * every search a {@code MaxTimeCondition}: Arbiter doesn't count candidates whose configuration failed. Arbiter 1.0.0-beta7
 * can't read back the JSON it writes for {@code dropOut}.
 */
@NullMarked
package io.latent4j.vocabsem.arbiter;

import org.jspecify.annotations.NullMarked;
