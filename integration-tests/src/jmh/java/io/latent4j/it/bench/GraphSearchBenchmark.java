/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.Hit;
import io.latent4j.cosup.retrieval.LuceneSequenceIndex;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;

/**
 * The ten best of many vectors of 256 dimensions by following Lucene's graph of neighbours, one query after the other in
 * one thread, for several numbers of candidates; and how many of the true ten are among them. The graph is built once
 * for all of them. Peer: exact search in PyTorch. {@code bash integration-tests/bench/run --only GraphSearch}
 */
@Measurement(iterations = 5)
public class GraphSearchBenchmark extends PeerBenchmark {
    private static final int WIDTH = 256;
    private static final int QUERIES = 64;
    private static final int QUERIES_OF_RECALL = 512;

    /** Vectors, their kind, candidates. */
    @Param("100000 latent, 200 candidates")
    public String size = "";

    private INDArray queries = Nd4j.empty();
    private LuceneSequenceIndex index;

    @Override
    void prepare() throws IOException {
        String[] parts = size.split("[ ,]+");
        int count = Integer.parseInt(parts[0]);
        Embeddings kind = Embeddings.valueOf(parts[1].toUpperCase(Locale.ROOT));
        INDArray vectors = kind.make(1, count, WIDTH);
        INDArray all = kind.make(1, QUERIES_OF_RECALL, WIDTH);
        queries = all.get(NDArrayIndex.interval(0, QUERIES), NDArrayIndex.all()).dup('c');
        peer().give("vectors", vectors);
        peer().give("queries", queries);
        peerCase("retrieval.beside_approximate", Map.of());
        limit("exact, one by one", 3);
        List<String> ids = Embeddings.ids(count);
        Path folder = scratch().resolve("graph-" + count + "-" + kind);
        fact("built/s", count / build(folder, ids, vectors));
        index = LuceneSequenceIndex.open(
                folder,
                new LuceneSequenceIndex.Builder()
                        .candidates(Integer.parseInt(parts[2]))
                        .readOnly(true));
        try (ExactSequenceIndex exact = new ExactSequenceIndex(WIDTH)) {
            exact.add(ids, vectors);
            fact("recall@10", recall(exact.search(all, 10), index.search(all, 10)));
        }
        rate("queries/s", QUERIES);
    }

    /** Where the first size has not built it yet; how many seconds it took. */
    private static double build(Path folder, List<String> ids, INDArray vectors) throws IOException {
        Path seconds = folder.resolveSibling(folder.getFileName() + ".seconds");
        if (!Files.exists(seconds)) {
            long start = System.nanoTime();
            try (LuceneSequenceIndex building =
                    LuceneSequenceIndex.open(folder, new LuceneSequenceIndex.Builder().dimension(WIDTH))) {
                building.add(ids, vectors);
                building.commit();
            }
            Files.writeString(seconds, Double.toString((System.nanoTime() - start) / 1e9));
        }
        return Double.parseDouble(Files.readString(seconds));
    }

    private static double recall(List<List<Hit>> expected, List<List<Hit>> found) {
        int common = 0;
        for (int i = 0; i < expected.size(); i++) {
            List<String> right = expected.get(i).stream().map(Hit::id).toList();
            common += (int)
                    found.get(i).stream().map(Hit::id).filter(right::contains).count();
        }
        return common / (10.0 * expected.size());
    }

    @Override
    double call() {
        double sum = 0;
        for (List<Hit> hits : index.search(queries, 10)) {
            sum += hits.get(0).score();
        }
        return sum;
    }
}
