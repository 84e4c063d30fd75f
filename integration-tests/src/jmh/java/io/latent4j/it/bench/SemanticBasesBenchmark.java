/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.vocabsem.SemanticBases;
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
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The bases of all tokens of a FLOAT head as large as GPT-2's, 768 × 50 257, beside the two matrix products in DOUBLE
 * that they need at least: the Gram matrix, and the head times a d × d matrix.
 *
 * <pre>{@code
 * mvn -Pbench -pl integration-tests -am verify -Dmaven.test.skip -Dmaven.javadoc.skip -Dbench.include=SemanticBasesBenchmark
 * }</pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
        value = 1,
        jvmArgs = {
            "-Xmx2g",
            "-Dorg.bytedeco.javacpp.maxbytes=8g",
            "-Dorg.bytedeco.javacpp.maxphysicalbytes=10g",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        })
@Warmup(iterations = 2)
@Measurement(iterations = 5)
public class SemanticBasesBenchmark {
    private static final int VOCABULARY = 50_257;
    private static final int WIDTH = 768;

    /** Only what a benchmark asks for is made. */
    @State(Scope.Thread)
    public static class Head {
        final INDArray head = Nd4j.randn(DataType.FLOAT, WIDTH, VOCABULARY);
    }

    @State(Scope.Thread)
    public static class Products {
        final INDArray rows = Nd4j.createUninitialized(DataType.DOUBLE, new long[] {VOCABULARY, WIDTH}, 'c');
        final INDArray gram = Nd4j.createUninitialized(DataType.DOUBLE, new long[] {WIDTH, WIDTH}, 'c');
        final INDArray product = Nd4j.createUninitialized(DataType.DOUBLE, new long[] {VOCABULARY, WIDTH}, 'c');

        @Setup
        public void setup() {
            rows.assign(Nd4j.randn(DataType.FLOAT, VOCABULARY, WIDTH));
        }
    }

    @Benchmark
    public SemanticBases allBases(Head state) {
        return SemanticBases.fromHead(state.head);
    }

    @Benchmark
    public INDArray twoProducts(Products state) {
        Nd4j.gemm(state.rows, state.rows, state.gram, true, false, 1, 0);
        return Nd4j.gemm(state.rows, state.gram, state.product, false, false, 1, 0);
    }
}
