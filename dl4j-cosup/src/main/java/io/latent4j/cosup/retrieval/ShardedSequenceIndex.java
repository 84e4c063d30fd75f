/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import io.latent4j.cosup.Similarity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Several indexes searched as one: each sequence is in one of them, a search asks all of them at once and keeps the best.
 *
 * <pre>{@code
 * List<LuceneSequenceIndex> shards = new ArrayList<>();
 * for (Path disk : disks) {
 *     shards.add(LuceneSequenceIndex.open(disk, options));
 * }
 * SequenceIndex index = new ShardedSequenceIndex(shards);
 * }</pre>
 *
 * <p>When to use it: where one index would be too large to build at a time, to hold on a disk or in memory, or to search
 * fast enough. The k best of all are among the k best of each shard, so that shards which search exactly make an index
 * which does; a search takes as long as the slowest shard where there are processors enough, and compares k hits per
 * shard. Of equal scores the earlier shard's come first.
 *
 * <p>A sequence belongs to the shard {@link #shardOf(String, int)} of its id. Shards may be filled elsewhere, one job
 * each, if they keep to that; this class neither commits nor saves what it holds.
 *
 * <p>Searches and filters run in {@link java.util.concurrent.ForkJoinPool#commonPool()}.
 */
public final class ShardedSequenceIndex implements SequenceIndex {
    private static final Comparator<Hit> BEST_FIRST =
            Comparator.comparingDouble(Hit::score).reversed();

    private final List<SequenceIndex> shards;

    /**
     * Joins indexes, which {@link #close()} will close.
     *
     * @param shards at least one, all of the same dimension and similarity
     * @throws IllegalArgumentException if there is none, or dimensions or similarities differ
     */
    public ShardedSequenceIndex(List<? extends SequenceIndex> shards) {
        this.shards = List.copyOf(shards);
        if (this.shards.isEmpty()) {
            throw new IllegalArgumentException("shards must be at least 1, found 0");
        }
        for (SequenceIndex shard : this.shards) {
            if (shard.dimension() != dimension() || shard.similarity() != similarity()) {
                throw new IllegalArgumentException("shards must be alike: expected dimension " + dimension() + " and "
                        + similarity() + ", found " + shard.dimension() + " and " + shard.similarity());
            }
        }
    }

    /**
     * The shard that a sequence belongs to, the same in every JVM.
     *
     * @param id the sequence's id
     * @param shards number of shards, at least 1
     * @return the shard's position, in [0, shards)
     */
    public static int shardOf(String id, int shards) {
        // Ids that count upwards differ in their last digits only: spread them over all bits
        return Math.floorMod((id.hashCode() * 0x9E3779B9) >>> 8, shards);
    }

    @Override
    public int dimension() {
        return shards.get(0).dimension();
    }

    @Override
    public Similarity similarity() {
        return shards.get(0).similarity();
    }

    @Override
    public long size() {
        return shards.stream().mapToLong(SequenceIndex::size).sum();
    }

    @Override
    public void add(List<String> ids, INDArray vectors) {
        Vectors.requireAddable(ids, vectors, dimension());
        Vectors.forEachChunk(
                "vectors", vectors, Similarity.DOT, (from, values) -> {}); // all finite, before one is added
        try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            for (int shard = 0; shard < shards.size(); shard++) {
                int number = shard;
                int[] rows = IntStream.range(0, ids.size())
                        .filter(row -> shardOf(ids.get(row), shards.size()) == number)
                        .toArray();
                if (rows.length > 0) {
                    shards.get(shard).add(Arrays.stream(rows).mapToObj(ids::get).toList(), vectors.getRows(rows));
                }
            }
        }
    }

    @Override
    public List<List<Hit>> search(INDArray queries, int k, IntFunction<? extends @Nullable Predicate<String>> filter) {
        Vectors.requireSearchable(queries, k, dimension(), size(), "");
        List<List<List<Hit>>> found = shards.parallelStream()
                .filter(shard -> shard.size() > 0)
                .map(shard -> shard.search(queries, k, filter))
                .toList();
        List<List<Hit>> best = new ArrayList<>();
        for (int query = 0; query < queries.size(0); query++) {
            List<Hit> hits = new ArrayList<>();
            for (List<List<Hit>> ofShard : found) {
                hits.addAll(ofShard.get(query));
            }
            hits.sort(BEST_FIRST);
            best.add(Collections.unmodifiableList(hits.subList(0, Math.min(k, hits.size()))));
        }
        return best;
    }

    /** Closes all shards. */
    @Override
    public void close() {
        RuntimeException problem = null;
        for (SequenceIndex shard : shards) {
            try {
                shard.close();
            } catch (RuntimeException e) {
                if (problem != null) {
                    e.addSuppressed(problem);
                }
                problem = e;
            }
        }
        if (problem != null) {
            throw problem;
        }
    }
}
