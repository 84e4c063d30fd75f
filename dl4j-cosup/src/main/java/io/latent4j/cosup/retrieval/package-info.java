/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Indexes of sequence embeddings: which of many passages are most similar to a query.
 *
 * <p>{@link io.latent4j.cosup.retrieval.ExactSequenceIndex} compares with every vector and lives in memory; {@link
 * io.latent4j.cosup.retrieval.LuceneSequenceIndex} follows a graph of neighbours, lives on disk and needs {@code
 * lucene-core}, an optional dependency.
 */
@NullMarked
package io.latent4j.cosup.retrieval;

import org.jspecify.annotations.NullMarked;
