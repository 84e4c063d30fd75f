/* SPDX-License-Identifier: Apache-2.0 */
/** Runtime halves of the layers of {@link io.latent4j.vocabsem}; made by DL4J from their configurations. */
@NullMarked
package io.latent4j.vocabsem.layers;

import org.jspecify.annotations.NullMarked;
