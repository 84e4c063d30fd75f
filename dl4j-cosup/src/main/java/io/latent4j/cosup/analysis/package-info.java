/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Measuring co-supervised models: how well they retrieve, answer, stay with what they retrieved, and predict tokens.
 */
@NullMarked
package io.latent4j.cosup.analysis;

import org.jspecify.annotations.NullMarked;
