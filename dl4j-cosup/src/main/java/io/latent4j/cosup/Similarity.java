/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

/** How alike a query and a key are. */
public enum Similarity {
    /** {@code q·k}, the paper's. */
    DOT,
    /** {@code q·k / (‖q‖·‖k‖)}; 0 where either is zero. */
    COSINE
}
