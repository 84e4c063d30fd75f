/* SPDX-License-Identifier: Apache-2.0 */
/** Searches with Arbiter that go on where an earlier process stopped. */
@NullMarked
package io.latent4j.it.resume;

import org.jspecify.annotations.NullMarked;
