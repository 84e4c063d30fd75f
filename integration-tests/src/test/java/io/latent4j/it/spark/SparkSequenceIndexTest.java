/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.latent4j.contracts.InDouble;
import io.latent4j.contracts.Settings;
import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.Hit;
import io.latent4j.cosup.retrieval.LuceneSequenceIndex;
import io.latent4j.cosup.retrieval.SequenceEncoder;
import io.latent4j.cosup.retrieval.SequenceIndex;
import io.latent4j.cosup.retrieval.ShardedSequenceIndex;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaPairRDD;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;
import scala.Tuple2;

/** An index that Spark's workers build finds what the index of one machine finds. */
@Tag("spark")
@ExtendWith(InDouble.class)
@ParameterizedClass
@EnumSource
class SparkSequenceIndexTest extends OnLocalSpark {
    private static final int WIDTH = 8;

    @TempDir
    Path folder;

    private final ComputationGraph encoder = CoSupervision.sequenceEncoder(
            (ComputationGraph) Component.COSUPERVISION.network(Settings.training(new Sgd(0.1))));

    SparkSequenceIndexTest(Sparks.Serializer serializer) {
        super(serializer);
    }

    /** Random sequences of 1 to 6 tokens. */
    private static List<Tuple2<String, int[]>> sequences(int count, long seed) {
        Random random = new Random(seed);
        List<Tuple2<String, int[]>> sequences = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            sequences.add(new Tuple2<>(
                    "s" + i, random.ints(1 + random.nextInt(6), 0, 12).toArray()));
        }
        return sequences;
    }

    private static JavaPairRDD<String, int[]> rdd(List<Tuple2<String, int[]>> sequences, int partitions) {
        return JavaPairRDD.fromJavaRDD(spark.parallelize(sequences, partitions));
    }

    /** Hits of one machine with the same keys. */
    private List<List<Hit>> expected(List<Tuple2<String, int[]>> sequences) {
        try (ExactSequenceIndex index = new ExactSequenceIndex(WIDTH)) {
            new SequenceEncoder(encoder)
                    .index(
                            sequences.stream().map(Tuple2::_1).toList(),
                            sequences.stream().map(Tuple2::_2).toList(),
                            index);
            return index.search(queries(), 5);
        }
    }

    private INDArray queries() {
        return new SequenceEncoder(encoder)
                .encode(sequences(20, 77).stream().map(Tuple2::_2).toList());
    }

    private void assertFinds(List<List<Hit>> expected, SequenceIndex index) {
        List<List<Hit>> found = index.search(queries(), 5);
        for (int i = 0; i < expected.size(); i++) {
            for (int k = 0; k < 5; k++) {
                // Keys in FLOAT, and sequences that are alike to the last digit come in any order
                assertEquals(expected.get(i).get(k).score(), found.get(i).get(k).score(), 1e-6);
            }
        }
    }

    @Test
    void keysInTheDriversIndex() {
        List<Tuple2<String, int[]>> sequences = sequences(3000, 1);
        List<Tuple2<String, int[]>> twice = new ArrayList<>(sequences(100, 2)); // replaced by what comes later
        twice.addAll(sequences);
        try (ExactSequenceIndex index = new ExactSequenceIndex(WIDTH)) {
            SparkSequenceIndex.add(rdd(twice, 5), encoder, index);
            assertEquals(3000, index.size());
            assertFinds(expected(sequences), index);
        }
    }

    @Test
    void anIndexOnDiskForEachPartition() throws IOException {
        Path place = folder.resolve("index");
        LuceneSequenceIndex.Builder options =
                new LuceneSequenceIndex.Builder().dimension(WIDTH).candidates(2000);
        SparkSequenceIndex.build(rdd(sequences(1500, 3), 2), encoder, place, options);
        List<Tuple2<String, int[]>> sequences = sequences(2000, 4); // the first 1500 replaced
        SparkSequenceIndex.build(rdd(sequences, 4), encoder, place, options);
        assertFalse(Files.exists(folder.resolve("index.parts")), "partitions' indexes are deleted");
        try (LuceneSequenceIndex index = LuceneSequenceIndex.open(place, options)) {
            assertEquals(2000, index.size());
            assertFinds(expected(sequences), index);
        }
        List<Tuple2<String, int[]>> bad = List.of(new Tuple2<>("none", new int[0]));
        Exception e =
                assertThrows(Exception.class, () -> SparkSequenceIndex.build(rdd(bad, 1), encoder, place, options));
        assertEquals(SparkException.class, e.getClass());
        assertFalse(Files.exists(folder.resolve("index.parts")));
        try (LuceneSequenceIndex index = LuceneSequenceIndex.open(place, options)) {
            assertEquals(2000, index.size(), "as before");
        }
    }

    @Test
    void shardsOfTheirOwn() throws IOException {
        List<Tuple2<String, int[]>> sequences = sequences(1000, 5);
        LuceneSequenceIndex.Builder options =
                new LuceneSequenceIndex.Builder().dimension(WIDTH).candidates(2000);
        Path place = folder.resolve("shards");
        List<SequenceIndex> shards = new ArrayList<>();
        for (Path shard : SparkSequenceIndex.buildShards(rdd(sequences, 2), encoder, place, 3, options)) {
            shards.add(LuceneSequenceIndex.open(shard, options));
        }
        try (Stream<Path> left = Files.list(place);
                ShardedSequenceIndex index = new ShardedSequenceIndex(shards)) {
            assertEquals(3, left.count(), "shards and nothing else");
            assertEquals(1000, index.size());
            assertFinds(expected(sequences), index);
            index.add(List.of("s7"), queries().get(NDArrayIndex.interval(0, 1), NDArrayIndex.all()));
            shards.forEach(shard -> assertDoesNotThrow(((LuceneSequenceIndex) shard)::refresh));
            assertEquals(1000, index.size(), "replaced where it is");
        }
        assertThrows(
                FileAlreadyExistsException.class,
                () -> SparkSequenceIndex.buildShards(rdd(sequences, 2), encoder, place, 3, options));
        // More shards than sequences
        List<Path> few = SparkSequenceIndex.buildShards(
                rdd(sequences.subList(0, 2), 1), encoder, folder.resolve("few"), 5, options);
        assertEquals(5, few.size());
    }
}
