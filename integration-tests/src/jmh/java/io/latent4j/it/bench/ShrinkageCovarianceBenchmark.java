/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.istar.ShrinkageCovariance;
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
 * The streaming covariance of 65 536 points of 768 features in batches of 2 048, beside the same batches' XᵀX alone.
 *
 * <pre>{@code
 * mvn -Pbench -pl integration-tests -am verify -DskipTests -Dmaven.javadoc.skip -Dbench.include=ShrinkageCovarianceBenchmark
 * }</pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
        value = 1,
        jvmArgs = {"-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"})
@Warmup(iterations = 1, time = 3)
@Measurement(iterations = 2, time = 3)
public class ShrinkageCovarianceBenchmark {
    private static final int BATCHES = 32;
    private static final int FEATURES = 768;

    private INDArray batch = Nd4j.empty();
    private INDArray product = Nd4j.empty();

    @Setup
    public void setup() {
        batch = Nd4j.randn(DataType.FLOAT, 2048, FEATURES);
        product = Nd4j.create(DataType.FLOAT, new long[] {FEATURES, FEATURES}, 'c');
    }

    @Benchmark
    public INDArray stream() {
        ShrinkageCovariance covariance = new ShrinkageCovariance(FEATURES);
        for (int i = 0; i < BATCHES; i++) {
            covariance.add(batch);
        }
        return covariance.covariance();
    }

    @Benchmark
    public INDArray gemms() {
        for (int i = 0; i < BATCHES; i++) {
            Nd4j.gemm(batch, batch, product, true, false, 1, 1);
        }
        return product;
    }
}
