/* SPDX-License-Identifier: Apache-2.0 */
/** Bad input of all kinds, generated: it is refused clearly or does no harm. */
@NullMarked
package io.latent4j.it.badinput;

import org.jspecify.annotations.NullMarked;
