/* SPDX-License-Identifier: Apache-2.0 */
<<<<<<< HEAD
/** Runtime halves of the layers of {@link io.latent4j.vocabsem}; made by DL4J from their configurations. */
=======
/**
 * Runtime halves of the layers in {@link io.latent4j.vocabsem}: how they shape arrays, masks and workspaces around the
 * kernels. Nothing here is meant to be called by users; what is public is public because another package of this module,
 * or DL4J, must reach it.
 */
>>>>>>> wt-cluster
@NullMarked
package io.latent4j.vocabsem.layers;

import org.jspecify.annotations.NullMarked;
