/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.istar.IsoScoreStar;
import io.latent4j.istar.Points;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Param;

/**
 * IsoScore* of N points of n dimensions with its gradient, as a training step takes them: the gradient is added to
 * epsilons that exist, in a workspace, as DL4J's layers call it. Peers: the published algorithm (singular values of the
 * covariance, automatic differentiation) and the closed form with its gradient written out in PyTorch.
 * {@code bash integration-tests/bench/run --only IsoScoreStar}
 */
public class IsoScoreStarBenchmark extends PeerBenchmark {
    /** Points × features. */
    @Param("4096x768")
    public String size = "";

    private INDArray points = Nd4j.empty();
    private INDArray epsilon = Nd4j.empty();

    @Override
    void prepare() throws IOException {
        int[] sizes = numbers(size);
        long count = sizes[0];
        long width = sizes[1];
        points = Nd4j.randn(DataType.FLOAT, count, width);
        // Some directions matter more than others
        points.muliRowVector(Nd4j.linspace(DataType.FLOAT, 0.5, 1.0 / width, width));
        epsilon = Nd4j.create(DataType.FLOAT, new long[] {count, width}, 'c');
        peer().give("points", points);
        peerCase("isotropy.value_and_gradient", Map.of("arms", arms()));
        limit("published (SVD)", count * width >= 1 << 24 ? 1 : width >= 768 ? 3 : 9);
        INDArray small = Nd4j.create(DataType.FLOAT, new long[] {Math.min(count, width), Math.min(count, width)}, 'c');
        INDArray large = epsilon.ulike();
        boolean gram = count < width;
        yardstick("two ND4J GEMMs", () -> {
            Nd4j.gemm(points, points, small, !gram, gram, 1, 0);
            if (gram) {
                Nd4j.gemm(small, points, large, false, false, 1, 0);
            } else {
                Nd4j.gemm(points, small, large, false, false, 1, 0);
            }
            return 0;
        });
    }

    /** The peer's arms. */
    Set<String> arms() {
        return Set.of("published (SVD)", "closed form", "closed form, autograd");
    }

    @Override
    double call() {
        try (MemoryWorkspace ignored = workspace()) {
            IsoScoreStar.Evaluation evaluation =
                    IsoScoreStar.evaluate("points", List.of(Points.rows(points)), null, 0, true);
            evaluation.addGradient(1, List.of(epsilon));
            return evaluation.score();
        }
    }

    @Override
    double flops() {
        double count = points.rows();
        double width = points.columns();
        double less = Math.min(count, width);
        // One symmetric product, one full
        return 3 * count * width * less;
    }

    @Override
    double bytes() {
        // Points are read for the moments and for the gradient, which is read and written
        return 4.0 * 4 * points.length();
    }
}
