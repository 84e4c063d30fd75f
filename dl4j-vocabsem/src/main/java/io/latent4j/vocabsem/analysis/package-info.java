/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Looking into a model through its vocabulary: which tokens each layer's states are near to, and how well states part
 * by label.
 */
@NullMarked
package io.latent4j.vocabsem.analysis;

import org.jspecify.annotations.NullMarked;
