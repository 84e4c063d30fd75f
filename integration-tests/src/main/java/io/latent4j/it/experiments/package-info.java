/* SPDX-License-Identifier: Apache-2.0 */
/** Experiments on real tasks: the methods against the baselines that their papers name. */
@NullMarked
package io.latent4j.it.experiments;

import org.jspecify.annotations.NullMarked;
