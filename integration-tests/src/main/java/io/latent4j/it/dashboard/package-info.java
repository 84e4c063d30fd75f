/* SPDX-License-Identifier: Apache-2.0 */
/** A page that shows how a search with Arbiter is getting on. */
@NullMarked
package io.latent4j.it.dashboard;

import org.jspecify.annotations.NullMarked;
