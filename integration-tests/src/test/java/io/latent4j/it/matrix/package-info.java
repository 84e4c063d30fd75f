/* SPDX-License-Identifier: Apache-2.0 */
/** Every component against every contract, as docs/contracts.md shows it, and the models of earlier versions. */
@NullMarked
package io.latent4j.it.matrix;

import org.jspecify.annotations.NullMarked;
