/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.Hit;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;

/**
 * The ten largest inner products of queries with all of many vectors of 256 dimensions. Peers: product and topk in
 * PyTorch, all scores at once and in blocks. {@code bash integration-tests/bench/run --only ExactSearch}
 */
@Measurement(iterations = 7)
public class ExactSearchBenchmark extends PeerBenchmark {
    private static final int WIDTH = 256;

    /** Vectors × queries. */
    @Param("100000x64")
    public String size = "";

    private int count;
    private INDArray queries = Nd4j.empty();
    private ExactSequenceIndex index = new ExactSequenceIndex(WIDTH);

    @Override
    void prepare() throws IOException {
        int[] sizes = numbers(size);
        count = sizes[0];
        queries = Embeddings.LATENT.make(1, sizes[1], WIDTH);
        try (INDArray vectors = Embeddings.LATENT.make(1, count, WIDTH)) {
            index.add(Embeddings.ids(count), vectors);
            peer().give("vectors", vectors);
        }
        peer().give("queries", queries);
        peerCase("retrieval.exact", Map.of());
        rate("queries/s", queries.rows());
    }

    @Override
    double call() {
        double sum = 0;
        for (List<Hit> hits : index.search(queries, 10)) {
            for (Hit hit : hits) {
                sum += hit.score();
            }
        }
        return sum;
    }

    @Override
    double flops() {
        return 2.0 * queries.length() * count;
    }

    @Override
    double bytes() {
        return 4.0 * count * WIDTH;
    }
}
