/* SPDX-License-Identifier: Apache-2.0 */
/** What Arbiter's searches lack: Bayesian generation of candidates, and early stopping of those that fall behind. */
@NullMarked
package io.latent4j.it.search;

import org.jspecify.annotations.NullMarked;
