/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.Similarity;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

class ShardedSequenceIndexTest extends SequenceIndexContract {
    @Override
    SequenceIndex newIndex(int dimension, Similarity similarity) {
        return new ShardedSequenceIndex(Stream.generate(() -> new ExactSequenceIndex(dimension, similarity))
                .limit(3)
                .toList());
    }

    @Override
    void publish(SequenceIndex index) {
        // What is added is there at once
    }

    @Test
    void shardsFillEvenlyAndTogetherHoldAll() {
        List<ExactSequenceIndex> shards =
                Stream.generate(() -> new ExactSequenceIndex(D)).limit(4).toList();
        try (ShardedSequenceIndex index = new ShardedSequenceIndex(shards)) {
            index.add(ids(4000), Nd4j.createFromArray(random(4000, D, 1)));
            assertEquals(4000, index.size());
            for (ExactSequenceIndex shard : shards) {
                // 1000 expected; the deviation of a fair draw is 27
                assertTrue(Math.abs(shard.size() - 1000) < 5 * 27, () -> shard.size() + " sequences in a shard");
            }
        }
    }

    @Test
    void shardsFilledElsewhereAreFoundAndReplaced() {
        double[][] vectors = random(60, D, 2);
        List<ExactSequenceIndex> shards =
                Stream.generate(() -> new ExactSequenceIndex(D)).limit(3).toList();
        IntStream.range(0, 60).forEach(i -> shards.get(ShardedSequenceIndex.shardOf("p" + i, 3))
                .add(List.of("p" + i), Nd4j.createFromArray(new double[][] {vectors[i]})));
        try (ShardedSequenceIndex index = new ShardedSequenceIndex(shards)) {
            double[][] query = random(1, D, 3);
            assertHits(
                    expected(Similarity.DOT, vectors, query[0], 5, id -> true),
                    index.search(Nd4j.createFromArray(query), 5).get(0));
            index.add(List.of("p7"), Nd4j.createFromArray(query).mul(100));
            assertEquals(60, index.size());
            assertEquals(
                    "p7",
                    index.search(Nd4j.createFromArray(query), 1).get(0).get(0).id());
        }
    }

    @Test
    void unlikeOrNoShardsAreRefused() {
        assertMessage("shards must be at least 1, found 0", () -> new ShardedSequenceIndex(List.of()));
        assertMessage(
                "shards must be alike: expected dimension 3 and DOT, found 4 and DOT",
                () -> new ShardedSequenceIndex(List.of(new ExactSequenceIndex(3), new ExactSequenceIndex(4))));
        assertMessage(
                "shards must be alike: expected dimension 3 and DOT, found 3 and COSINE",
                () -> new ShardedSequenceIndex(
                        List.of(new ExactSequenceIndex(3), new ExactSequenceIndex(3, Similarity.COSINE))));
    }

    @Test
    void aShardThatFailsFailsTheSearch() {
        List<ExactSequenceIndex> shards =
                Stream.generate(() -> new ExactSequenceIndex(D)).limit(2).toList();
        ShardedSequenceIndex index = new ShardedSequenceIndex(shards);
        index.add(ids(20), Nd4j.createFromArray(random(20, D, 4)));
        IllegalStateException problem = assertThrows(
                IllegalStateException.class,
                () -> index.search(Nd4j.createFromArray(random(1, D, 5)), 1, row -> id -> {
                    throw new IllegalStateException("no answer");
                }));
        assertContains("no answer", problem);
        index.close();
    }
}
