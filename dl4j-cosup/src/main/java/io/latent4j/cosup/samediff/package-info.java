/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Co-supervision for SameDiff graphs: the formulas of {@link io.latent4j.cosup.NextSequenceContrast} and of the two heads
 * as graph operations.
 */
@NullMarked
package io.latent4j.cosup.samediff;

import org.jspecify.annotations.NullMarked;
