/* SPDX-License-Identifier: Apache-2.0 */
/** Tests of searches. */
@NullMarked
package io.latent4j.it.search;

import org.jspecify.annotations.NullMarked;
