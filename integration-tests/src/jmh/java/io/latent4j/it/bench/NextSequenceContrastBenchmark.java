/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.NextSequenceContrast;
import io.latent4j.cosup.Pairing;
import java.util.concurrent.TimeUnit;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The next-sequence contrast of P queries with M keys of 768 features, loss and both gradients, beside the three matrix
 * products that it needs.
 *
 * <pre>{@code
 * mvn -Pbench -pl integration-tests -am verify -Dmaven.test.skip -Dmaven.javadoc.skip -Dbench.include=NextSequenceContrast
 * }</pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
        value = 1,
        jvmArgs = {"-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"})
@Warmup(iterations = 1, time = 5)
@Measurement(iterations = 1, time = 15)
public class NextSequenceContrastBenchmark {
    private static final int WIDTH = 768;

    /** Queries and keys. */
    @Param({"64x128", "512x1024", "4096x8192"})
    public String size;

    private INDArray queries = Nd4j.empty();
    private INDArray keys = Nd4j.empty();
    private INDArray scores = Nd4j.empty();
    private INDArray queriesGradient = Nd4j.empty();
    private INDArray keysGradient = Nd4j.empty();
    private Pairing pairing = Pairing.diagonal(1);

    @Setup
    public void setup() {
        int count = Integer.parseInt(size.substring(0, size.indexOf('x')));
        int candidates = Integer.parseInt(size.substring(size.indexOf('x') + 1));
        queries = Nd4j.randn(DataType.FLOAT, count, WIDTH).muli(0.1);
        keys = Nd4j.randn(DataType.FLOAT, candidates, WIDTH).muli(0.1);
        scores = Nd4j.create(DataType.FLOAT, count, candidates);
        queriesGradient = queries.ulike();
        keysGradient = keys.ulike();
        pairing = Pairing.diagonal(count);
    }

    @Benchmark
    public double products() {
        Nd4j.gemm(queries, keys, scores, false, true, 1, 0);
        Nd4j.gemm(scores, keys, queriesGradient, false, false, 1, 0);
        Nd4j.gemm(scores, queries, keysGradient, true, false, 1, 0);
        return keysGradient.getDouble(0);
    }

    @Benchmark
    public double contrast() {
        return NextSequenceContrast.withGradients(queries, keys, pairing, Contrast.PAPER, 1, keysGradient)
                .loss();
    }
}
