/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Measuring how a network uses its representation space: isotropy, intrinsic dimension, cosines, outlier dimensions.
 * Numbers ({@link io.latent4j.istar.analysis.IsotropyReport}) are kept apart from pictures
 * ({@link io.latent4j.istar.analysis.IsotropyPlots}), which alone need the optional XChart library.
 */
@NullMarked
package io.latent4j.istar.analysis;

import org.jspecify.annotations.NullMarked;
