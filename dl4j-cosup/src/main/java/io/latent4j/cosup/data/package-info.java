/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Instances for token–sequence co-supervision: records, readers, tokenizers and {@link
 * io.latent4j.cosup.data.CoSupervisionIterator}, which turns them into minibatches.
 *
 * <p>Format and masks: Lee et al., arXiv 2403.09024.
 */
@NullMarked
package io.latent4j.cosup.data;

import org.jspecify.annotations.NullMarked;
