/* SPDX-License-Identifier: Apache-2.0 */
/** Runtime halves of the layers and vertices of {@link io.latent4j.cosup}; made by DL4J, not for direct use. */
@NullMarked
package io.latent4j.cosup.layers;

import org.jspecify.annotations.NullMarked;
