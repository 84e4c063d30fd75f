/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Watching the latent space while a network trains: {@link io.latent4j.it.ui.LatentListener} measures it at the end of
 * each epoch, for a CSV file, for DL4J's statistics storage and, through {@link io.latent4j.it.ui.LatentModule}, for
 * DL4J's training UI.
 */
@NullMarked
package io.latent4j.it.ui;

import org.jspecify.annotations.NullMarked;
