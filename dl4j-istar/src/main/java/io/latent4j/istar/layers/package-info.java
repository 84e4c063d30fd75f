/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Runtime halves of the layers and vertices in {@link io.latent4j.istar}: how they shape arrays, masks, workspaces and
 * minibatch scaling around the kernels. Nothing here is meant to be called by users; what is public is public because
 * another package of this module, or DL4J, must reach it.
 */
@NullMarked
package io.latent4j.istar.layers;

import org.jspecify.annotations.NullMarked;
