/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

/**
 * A sequence that was found.
 *
 * @param id the id it was added with
 * @param score its similarity to the query, in the precision of FLOAT
 */
public record Hit(String id, double score) {}
