/* SPDX-License-Identifier: Apache-2.0 */
/** I-STAR for SameDiff graphs: the formula of {@link io.latent4j.istar.IsoScoreStar} as graph operations. */
@NullMarked
package io.latent4j.istar.samediff;

import org.jspecify.annotations.NullMarked;
