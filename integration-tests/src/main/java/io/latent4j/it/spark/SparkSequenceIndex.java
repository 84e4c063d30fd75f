/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import io.latent4j.cosup.retrieval.LuceneSequenceIndex;
import io.latent4j.cosup.retrieval.SequenceEncoder;
import io.latent4j.cosup.retrieval.SequenceIndex;
import io.latent4j.cosup.retrieval.ShardedSequenceIndex;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.commons.io.FileUtils;
import org.apache.spark.Partitioner;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.storage.StorageLevel;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import scala.Tuple2;

/**
 * Indexes of sequences that Spark holds: workers encode their partitions, and either send the keys or build an index of
 * their own which is joined with the others.
 *
 * <pre>{@code
 * // some hundred thousand sequences, searched in the driver's memory
 * ExactSequenceIndex index = new ExactSequenceIndex(256);
 * SparkSequenceIndex.add(passages, CoSupervision.sequenceEncoder(graph), index);
 *
 * // more of them, on a disk that all machines see
 * SparkSequenceIndex.build(passages, CoSupervision.sequenceEncoder(graph), folder,
 *         new LuceneSequenceIndex.Builder().dimension(256));
 * }</pre>
 *
 * <p>{@link #buildShards} is for what no single machine holds. Keys are those of one machine up to the rounding that
 * follows from which sequences are padded together. Of equal ids the last counts, in the order of the RDD.
 */
public final class SparkSequenceIndex {
    /** Sequences that are encoded and sent together. */
    private static final int CHUNK = 1024;

    private SparkSequenceIndex() {}

    /**
     * Encodes on the workers and adds to an index of the driver, in the order of the RDD. The driver holds the keys of one
     * partition at a time beside the index.
     *
     * @param sequences ids and token ids, at least one each
     * @param encoder a graph with one input, token ids, and keys as its first output
     * @param index takes vectors of the encoder's width
     * @throws IllegalArgumentException if the encoder has several inputs, or as the index says
     */
    public static void add(JavaPairRDD<String, int[]> sequences, ComputationGraph encoder, SequenceIndex index) {
        Broadcast<PortableNetwork> broadcast = broadcast(sequences, encoder);
        JavaRDD<Tuple2<String[], float[]>> keys = sequences
                .mapPartitions(
                        partition -> new Chunks(partition, broadcast.value().restore()))
                .persist(StorageLevel.MEMORY_AND_DISK());
        try {
            keys.count(); // all partitions at once: what follows asks for one after the other
            keys.toLocalIterator().forEachRemaining(chunk -> {
                String[] ids = chunk._1();
                try (INDArray vectors = Nd4j.createFromArray(chunk._2()).reshape(ids.length, -1)) {
                    index.add(List.of(ids), vectors);
                }
            });
        } finally {
            keys.unpersist();
            broadcast.destroy();
        }
    }

    /**
     * Builds an index on disk: one per partition, on the workers, which then are joined without building their graphs anew.
     *
     * @param sequences ids and token ids, at least one each
     * @param encoder a graph with one input, token ids, and keys as its first output
     * @param folder the index's folder, on a disk that driver and workers see at the same path; existing sequences of an
     *     index there are kept, or replaced where their ids are the same
     * @param options the options, with the dimension where the index is new
     * @throws IllegalArgumentException if the encoder has several inputs, or the options don't go with the index
     * @throws IOException if the index can't be read or written; what it held before is intact
     */
    public static void build(
            JavaPairRDD<String, int[]> sequences,
            ComputationGraph encoder,
            Path folder,
            LuceneSequenceIndex.Builder options)
            throws IOException {
        Broadcast<PortableNetwork> broadcast = broadcast(sequences, encoder);
        try (LuceneSequenceIndex index = LuceneSequenceIndex.open(folder, options)) {
            Path parts = folder.resolveSibling(folder.getFileName() + ".parts").toAbsolutePath();
            try {
                for (String part : buildParts(sequences, broadcast, parts.toString(), false, options)) {
                    index.addAll(Path.of(part));
                }
                index.commit();
            } finally {
                FileUtils.deleteDirectory(parts.toFile());
            }
        } finally {
            broadcast.destroy();
        }
    }

    /**
     * Builds the shards of an index that no single machine holds, each on a worker and none joined with another. Opened,
     * in this order, they are a {@link ShardedSequenceIndex}:
     *
     * <pre>{@code
     * List<SequenceIndex> shards = new ArrayList<>();
     * for (Path shard : SparkSequenceIndex.buildShards(passages, encoder, folder, 100, options)) {
     *     shards.add(LuceneSequenceIndex.open(shard));
     * }
     * SequenceIndex index = new ShardedSequenceIndex(shards);
     * }</pre>
     *
     * <p>Sequences are shuffled to the shards of their ids, so that of equal ids any may count.
     *
     * @param sequences ids and token ids, at least one each
     * @param encoder a graph with one input, token ids, and keys as its first output
     * @param folder a new folder for the shards, on a disk that driver and workers see at the same path
     * @param shards how many, at least 1
     * @param options the options, with the dimension
     * @return the shards' folders
     * @throws IllegalArgumentException if the encoder has several inputs, there are no shards, or the options don't do
     * @throws IOException if the folder exists or can't be written
     */
    public static List<Path> buildShards(
            JavaPairRDD<String, int[]> sequences,
            ComputationGraph encoder,
            Path folder,
            int shards,
            LuceneSequenceIndex.Builder options)
            throws IOException {
        if (shards < 1) {
            throw new IllegalArgumentException("shards must be at least 1, found " + shards);
        }
        Files.createDirectory(folder);
        Broadcast<PortableNetwork> broadcast = broadcast(sequences, encoder);
        try {
            List<Path> built = new ArrayList<>();
            for (String part : buildParts(
                    sequences.partitionBy(new ByShard(shards)),
                    broadcast,
                    folder.toAbsolutePath().toString(),
                    true,
                    options)) {
                built.add(Files.move(Path.of(part), folder.resolve("shard-" + built.size())));
            }
            return built;
        } catch (IOException | RuntimeException e) {
            FileUtils.deleteQuietly(folder.toFile());
            throw e;
        } finally {
            broadcast.destroy();
        }
    }

    /** Sends each id to its shard. */
    private static final class ByShard extends Partitioner {
        private static final long serialVersionUID = 1;

        /** Number of shards. */
        private final int shards;

        ByShard(int shards) {
            this.shards = shards;
        }

        @Override
        public int numPartitions() {
            return shards;
        }

        @Override
        public int getPartition(Object id) {
            return ShardedSequenceIndex.shardOf((String) id, shards);
        }
    }

    /** One index per partition; their folders, in the order of the partitions. */
    private static List<String> buildParts(
            JavaPairRDD<String, int[]> sequences,
            Broadcast<PortableNetwork> encoder,
            String folder,
            boolean emptyOnesToo,
            LuceneSequenceIndex.Builder options) {
        byte[] shared = PortableNetwork.bytes(options);
        return sequences
                .mapPartitions(partition -> {
                    if (!partition.hasNext() && !emptyOnesToo) {
                        return List.<String>of().iterator();
                    }
                    // A task that is tried again must not meet what the failed one left
                    TaskContext task = TaskContext.get();
                    Path part = Path.of(folder, task.partitionId() + "-" + task.taskAttemptId());
                    try (LuceneSequenceIndex own = LuceneSequenceIndex.open(part, PortableNetwork.object(shared))) {
                        new Chunks(partition, encoder.value().restore()).forEachRemaining(chunk -> {
                            try (INDArray vectors =
                                    Nd4j.createFromArray(chunk._2()).reshape(chunk._1().length, -1)) {
                                own.add(List.of(chunk._1()), vectors);
                            }
                        });
                        own.commit();
                    }
                    return List.of(part.toString()).iterator();
                })
                .collect();
    }

    private static Broadcast<PortableNetwork> broadcast(JavaPairRDD<?, ?> data, ComputationGraph encoder) {
        new SequenceEncoder(encoder); // refuses what can't encode before a job is started
        return JavaSparkContext.fromSparkContext(data.context()).broadcast(new PortableNetwork(encoder));
    }

    /** The keys of a partition, some at a time. */
    private static final class Chunks implements Iterator<Tuple2<String[], float[]>> {
        private final Iterator<Tuple2<String, int[]>> sequences;
        private final SequenceEncoder encoder;

        Chunks(Iterator<Tuple2<String, int[]>> sequences, org.deeplearning4j.nn.api.Model encoder) {
            this.sequences = sequences;
            this.encoder = new SequenceEncoder((ComputationGraph) encoder);
        }

        @Override
        public boolean hasNext() {
            return sequences.hasNext();
        }

        @Override
        public Tuple2<String[], float[]> next() {
            List<String> ids = new ArrayList<>();
            List<int[]> tokens = new ArrayList<>();
            while (sequences.hasNext() && ids.size() < CHUNK) {
                Tuple2<String, int[]> sequence = sequences.next();
                ids.add(sequence._1());
                tokens.add(sequence._2());
            }
            try (INDArray keys = encoder.encode(tokens)) {
                return new Tuple2<>(
                        ids.toArray(new String[0]), keys.reshape(keys.length()).toFloatVector());
            }
        }
    }
}
