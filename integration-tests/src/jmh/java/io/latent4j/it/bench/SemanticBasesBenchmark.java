/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.TokenVectors;
import java.io.IOException;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The bases of all tokens of a head that lies in memory, one row per token. Peers: {@code torch.linalg.pinv} and the
 * normal equations, in float64 as their accuracy demands, and in float32. {@code bash integration-tests/bench/run --only
 * SemanticBases}
 */
@Warmup(iterations = 0)
@Measurement(iterations = 5)
public class SemanticBasesBenchmark extends PeerBenchmark {
    /** Features × tokens. */
    @Param("768x50257")
    public String size = "";

    private INDArray rows = Nd4j.empty();

    @Override
    void prepare() throws IOException {
        int[] sizes = numbers(size);
        rows = head(sizes[1], sizes[0]);
        peer().give("head", rows);
        peerCase("vocabulary.bases", Map.of());
        limit("torch.linalg.pinv", 2);
        limit("normal equations, float32", 3);
    }

    /** Features of different weight, so that the condition is about 30. */
    static INDArray head(long tokens, long features) {
        INDArray head = Nd4j.randn(DataType.FLOAT, tokens, features);
        return head.muliRowVector(Nd4j.linspace(DataType.FLOAT, 0.2, -0.19 / features, features));
    }

    @Override
    double call() {
        SemanticBases bases = SemanticBases.head(TokenVectors.rowsOf(rows)).build();
        return check(bases);
    }

    /** Sum of squares of some bases; releases them all. */
    static double check(SemanticBases bases) {
        double sum = 0;
        for (int i = 0; i < 8; i++) {
            double norm = bases.of((int) (bases.size() / 8 * i)).norm2Number().doubleValue();
            sum += norm * norm;
        }
        bases.matrix().close();
        return sum;
    }

    @Override
    double flops() {
        // The symmetric Gram matrix, its inverse, and the head times that
        double d = rows.columns();
        return 3 * rows.rows() * d * d + d * d * d;
    }

    @Override
    double bytes() {
        return 3 * 4.0 * rows.length();
    }
}
