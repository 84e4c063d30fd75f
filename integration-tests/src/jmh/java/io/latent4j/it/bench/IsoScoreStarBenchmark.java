/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.istar.IsoScoreStar;
import io.latent4j.istar.Points;
import java.util.List;
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
 * IsoScore* with its gradient, beside the two matrix products that it can't do without.
 *
 * <pre>{@code
 * mvn -Pbench -pl integration-tests -am verify -DskipTests -Dmaven.javadoc.skip -Dbench.include=IsoScoreStarBenchmark
 * }</pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
        value = 1,
        jvmArgs = {"-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"})
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
public class IsoScoreStarBenchmark {

    /** Points × features. */
    @Param({"24576x768", "4096x768", "4096x256", "512x128", "64x768"})
    String shape = "";

    private INDArray points = Nd4j.empty();
    private INDArray small = Nd4j.empty();
    private INDArray large = Nd4j.empty();
    private boolean gram;

    @Setup
    public void setup() {
        String[] sizes = shape.split("x");
        long n = Long.parseLong(sizes[0]);
        long d = Long.parseLong(sizes[1]);
        gram = n < d;
        points = Nd4j.randn(DataType.FLOAT, n, d);
        small = Nd4j.create(DataType.FLOAT, new long[] {Math.min(n, d), Math.min(n, d)}, 'c');
        large = Nd4j.create(DataType.FLOAT, new long[] {n, d}, 'c');
    }

    /** As a training step takes them: the gradient is added to epsilons that exist, as the products' outputs do. */
    @Benchmark
    public double valueAndGradient() {
        IsoScoreStar.Evaluation evaluation =
                IsoScoreStar.evaluate("points", List.of(Points.rows(points)), null, 0, true);
        evaluation.addGradient(1, List.of(large));
        return evaluation.score();
    }

    @Benchmark
    public double value() {
        return IsoScoreStar.of(points);
    }

    /** XᵀX and X·M, or XXᵀ and K·X where there are fewer points than features. */
    @Benchmark
    public INDArray twoGemms() {
        Nd4j.gemm(points, points, small, !gram, gram, 1, 0);
        return gram
                ? Nd4j.gemm(small, points, large, false, false, 1, 0)
                : Nd4j.gemm(points, small, large, false, false, 1, 0);
    }
}
