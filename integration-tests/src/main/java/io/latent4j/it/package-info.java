/* SPDX-License-Identifier: Apache-2.0 */
/** What the quickstart and the experiments share. */
@NullMarked
package io.latent4j.it;

import org.jspecify.annotations.NullMarked;
