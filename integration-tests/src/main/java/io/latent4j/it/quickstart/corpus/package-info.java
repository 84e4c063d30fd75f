/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Labelled text for the experiments: the Javadoc of published libraries, or a file that the user brings.
 */
@NullMarked
package io.latent4j.it.quickstart.corpus;

import org.jspecify.annotations.NullMarked;
