/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The quickstart: trains text classifiers without and with I-STAR on real text and writes a report about what happened.
 */
@NullMarked
package io.latent4j.it.quickstart;

import org.jspecify.annotations.NullMarked;
