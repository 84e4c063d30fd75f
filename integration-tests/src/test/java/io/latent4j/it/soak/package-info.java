/* SPDX-License-Identifier: Apache-2.0 */
/** Long runs, several threads, and training that is broken off. */
@NullMarked
package io.latent4j.it.soak;

import org.jspecify.annotations.NullMarked;
