/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import io.latent4j.cosup.retrieval.Hit;
import io.latent4j.cosup.retrieval.SequenceIndex;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Hard negatives by search: the passages that a model takes for each retrieval's own, but aren't. Empty until the first
 * {@link #refresh}, which is called between passes with what the model makes of passages and queries by then:
 *
 * <pre>{@code
 * MinedNegatives mined = new MinedNegatives(4);
 * CoSupervisionIterator batches =
 *     CoSupervisionIterator.builder(data, encoder).hardNegatives(mined).build();
 * graph.fit(batches);
 * mined.refresh(index, data.instances(), queries);   // keys and queries of the model trained so far
 * batches.reset();
 * graph.fit(batches);
 * }</pre>
 *
 * <p>What is retrieved may be a good passage all the same (a false negative): the more so the more passages a collection
 * has on one thing. Batches see one state of the table, even if a refresh comes while a prefetching iterator works.
 *
 * @serial exclude
 */
public final class MinedNegatives implements RelatedPassages {
    private static final long serialVersionUID = 1L;

    private final int perRetrieval;
    private volatile HashMap<Retrieval, List<String>> found = new HashMap<>();

    private record Retrieval(Instance instance, int segment) implements Serializable {}

    /**
     * Creates an empty table.
     *
     * @param perRetrieval negatives for each retrieval, at least 1
     * @throws IllegalArgumentException if it isn't positive
     */
    public MinedNegatives(int perRetrieval) {
        if (perRetrieval < 1) {
            throw new IllegalArgumentException("perRetrieval must be at least 1, found " + perRetrieval);
        }
        this.perRetrieval = perRetrieval;
    }

    /**
     * Replaces the table by a new search; the one before is kept if something is wrong.
     *
     * @param index keys of the passages under their ids
     * @param instances the instances
     * @param queries {@code [P, d]}, a row for each segment with a passage, in the order of the instances and their
     *     segments
     * @throws IllegalArgumentException if there are not as many rows as segments with a passage, or the queries don't fit
     *     the index
     * @throws IllegalStateException if the index is empty or closed
     */
    public void refresh(SequenceIndex index, List<Instance> instances, INDArray queries) {
        List<Retrieval> retrievals = new ArrayList<>();
        for (Instance instance : instances) {
            for (int segment = 0; segment < instance.segments().size(); segment++) {
                if (instance.segments().get(segment).passageId() != null) {
                    retrievals.add(new Retrieval(instance, segment));
                }
            }
        }
        if (queries.rank() != 2 || queries.size(0) != retrievals.size()) {
            throw new IllegalArgumentException("queries must have a row for each of " + retrievals.size()
                    + " segments with a passage, found shape " + Arrays.toString(queries.shape()));
        }
        HashMap<Retrieval, List<String>> table = new HashMap<>();
        if (!retrievals.isEmpty()) {
            List<List<Hit>> hits = index.search(queries, perRetrieval + 1); // one may be its own
            for (int row = 0; row < hits.size(); row++) {
                Retrieval retrieval = retrievals.get(row);
                String own =
                        retrieval.instance.segments().get(retrieval.segment).passageId();
                table.put(
                        retrieval,
                        hits.get(row).stream()
                                .map(Hit::id)
                                .filter(id -> !id.equals(own))
                                .limit(perRetrieval)
                                .toList());
            }
        }
        found = table;
    }

    @Override
    public List<String> of(Instance instance, int segment) {
        Map<Retrieval, List<String>> table = found;
        return table.getOrDefault(new Retrieval(instance, segment), List.of());
    }
}
