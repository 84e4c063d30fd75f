/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.istar.ShrinkageCovariance;
import java.io.IOException;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The pass over 250 000 points before an epoch: mean and covariance of a stream of batches, which come round again
 * after some 100 MB. Peers: batches centred and merged by Chan's update, and plain sums of x and xᵀx, which lose digits
 * where the mean is large. {@code bash integration-tests/bench/run --only ShrinkageCovariance}
 */
@Warmup(iterations = 0)
@Measurement(iterations = 5)
public class ShrinkageCovarianceBenchmark extends PeerBenchmark {
    /** Points × features in batches of rows. */
    @Param("250000x768x4096")
    public String size = "";

    private INDArray[] batches = {};
    private long count;
    private long width;

    @Override
    void prepare() throws IOException {
        int[] sizes = numbers(size);
        count = sizes[0];
        width = sizes[1];
        long rows = sizes[2];
        long distinct = Math.max(1, Math.min(count / rows, (25L << 20) / (rows * width)));
        INDArray data = Nd4j.randn(DataType.FLOAT, distinct * rows, width);
        data.addiRowVector(Nd4j.linspace(DataType.FLOAT, 0, 1.0 / width, width));
        batches = new INDArray[(int) distinct];
        for (int i = 0; i < distinct; i++) {
            batches[i] = data.get(NDArrayIndex.interval(i * rows, (i + 1) * rows), NDArrayIndex.all());
        }
        peer().give("data", data);
        peerCase("isotropy.covariance_stream", Map.of("count", count, "rows", rows));
    }

    @Override
    double call() {
        ShrinkageCovariance covariance = new ShrinkageCovariance(width);
        long left = count;
        for (int i = 0; left > 0; i++) {
            INDArray batch = batches[i % batches.length];
            covariance.add(
                    left >= batch.rows() ? batch : batch.get(NDArrayIndex.interval(0, left), NDArrayIndex.all()));
            left -= batch.rows();
        }
        return Nd4j.diag(covariance.covariance()).sumNumber().doubleValue();
    }

    @Override
    double flops() {
        return (double) count * width * width;
    }

    @Override
    double bytes() {
        return 4.0 * count * width;
    }
}
