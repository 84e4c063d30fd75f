/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.KeyMemory;
import io.latent4j.cosup.NextSequenceContrast;
import io.latent4j.cosup.Pairing;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;

/**
 * The next-sequence contrast of B queries with their B keys and B hard negatives of 768 features, loss and both
 * gradients, without and with a memory of 8192 past keys, which get none; in a workspace, as DL4J's layers call it.
 * Peers: cross-entropy with automatic differentiation, and the gradients written out, in PyTorch.
 * {@code bash integration-tests/bench/run --only NextSequenceContrast}
 */
@Measurement(iterations = 5)
public class NextSequenceContrastBenchmark extends PeerBenchmark {
    private static final int WIDTH = 768;

    /** Queries × own keys, + the memory's. */
    @Param("512x1024")
    public String size = "";

    private int own;
    private int remembered;
    private INDArray queries = Nd4j.empty();
    private INDArray keys = Nd4j.empty();
    private KeyMemory memory = new KeyMemory(0);
    private Pairing pairing = Pairing.diagonal(1);

    @Override
    void prepare() throws IOException {
        int[] sizes = numbers(size);
        int count = sizes[0];
        own = sizes[1];
        remembered = sizes.length == 2 ? 0 : sizes[2];
        queries = Nd4j.randn(DataType.FLOAT, count, WIDTH).muli(0.1);
        keys = Nd4j.randn(DataType.FLOAT, own + remembered, WIDTH).muli(0.1);
        peer().give("queries", queries);
        peer().give("keys", rows(0, own).dup('c'));
        if (remembered > 0) {
            INDArray past = rows(own, own + remembered).dup('c');
            peer().give("memory", past);
            memory = new KeyMemory(remembered);
            memory.add(past, null);
        }
        pairing = Pairing.diagonal(count).withOwnKeys(own);
        peerCase("contrast.loss_and_gradients", Map.of());
        INDArray scores = Nd4j.create(DataType.FLOAT, new long[] {count, own + remembered}, 'c');
        INDArray errors = Nd4j.create(DataType.FLOAT, new long[] {count, own}, 'c');
        INDArray queriesGradient = queries.ulike();
        INDArray keysGradient = Nd4j.create(DataType.FLOAT, new long[] {own, WIDTH}, 'c');
        yardstick("three ND4J GEMMs", () -> {
            Nd4j.gemm(queries, keys, scores, false, true, 1, 0);
            Nd4j.gemm(scores, keys, queriesGradient, false, false, 1, 0);
            Nd4j.gemm(errors, queries, keysGradient, true, false, 1, 0);
            return 0;
        });
    }

    private INDArray rows(int from, int to) {
        return keys.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
    }

    @Override
    double call() {
        try (MemoryWorkspace ignored = workspace()) {
            if (remembered > 0) {
                memory.copyTo(rows(own, own + remembered), Set.of());
            }
            NextSequenceContrast.Result result =
                    NextSequenceContrast.withGradients(queries, keys, pairing, Contrast.PAPER);
            return result.loss()
                    + 10
                            * queries.rows()
                            * (result.queries().getDouble(0, 0) + result.keys().getDouble(1, 1));
        }
    }

    @Override
    double tolerance() {
        return 1e-4;
    }

    @Override
    double flops() {
        // Scores and the gradient of the queries with all keys, the gradient of the own keys
        return 2.0 * queries.rows() * WIDTH * (2.0 * keys.rows() + own);
    }

    @Override
    double bytes() {
        // Queries and keys are read, scores written and read, gradients written
        return 4.0
                * (2.0 * queries.length() + keys.length() + (double) own * WIDTH + 2.0 * queries.rows() * keys.rows());
    }
}
