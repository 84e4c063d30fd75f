/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import io.latent4j.cosup.Similarity;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Vectors of sequences under their ids, searched for those most similar to a query.
 *
 * <p>Vectors are kept as FLOAT. With {@link Similarity#DOT} the most similar vector is the one with the largest inner
 * product, as in training by the paper's loss; with {@link Similarity#COSINE} a zero vector has similarity 0 to all.
 *
 * <p>Implementations may be searched by several threads at once, also while one adds.
 *
 * <p>Source: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024, section on
 * inference.
 */
public interface SequenceIndex extends AutoCloseable {
    /**
     * Length of the vectors.
     *
     * @return d
     */
    int dimension();

    /**
     * How vectors and queries are compared.
     *
     * @return the similarity
     */
    Similarity similarity();

    /**
     * Number of sequences that a search looks at.
     *
     * @return the number
     */
    long size();

    /**
     * Adds sequences. One whose id is there already is replaced; of equal ids in the list the last counts. Arguments are
     * checked before anything is added.
     *
     * @param ids one id per row
     * @param vectors {@code [n, d]}, finite, of any floating point type; copied
     * @throws IllegalArgumentException if ids and rows are not equally many, an id is null, the vectors have another
     *     length than d, or one of them holds NaN or what is infinite in FLOAT
     * @throws IllegalStateException if the index is closed or only open for reading
     */
    void add(List<String> ids, INDArray vectors);

    /**
     * Finds the sequences most similar to each query.
     *
     * @param queries {@code [P, d]}, finite, of any floating point type
     * @param k number of hits asked for, at least 1
     * @return for each query its hits, best first: k of them, or all sequences where the index holds fewer
     * @throws IllegalArgumentException if k is less than 1, the queries have another length than d, or one of them holds
     *     NaN or what is infinite in FLOAT
     * @throws IllegalStateException if the index is empty or closed
     */
    default List<List<Hit>> search(INDArray queries, int k) {
        return search(queries, k, row -> null);
    }

    /**
     * Finds the sequences most similar to each query among those which the query's filter accepts.
     *
     * @param queries {@code [P, d]}, finite, of any floating point type
     * @param k number of hits asked for, at least 1
     * @param filter gives for a row of the queries the filter of ids; null: all. Filters must always answer the same
     * @return for each query its hits, best first: k of them, or all that are accepted where these are fewer
     * @throws IllegalArgumentException if k is less than 1, the queries have another length than d, or one of them holds
     *     NaN or what is infinite in FLOAT
     * @throws IllegalStateException if the index is empty or closed
     */
    List<List<Hit>> search(INDArray queries, int k, IntFunction<? extends @Nullable Predicate<String>> filter);

    /** Frees what the index holds. Closing twice does nothing. */
    @Override
    void close();
}
