/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.shape.Gather;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Vectors of length 1 to search among. */
enum Embeddings {
    /**
     * What encoders of text give: few directions matter (32), texts gather around topics, and all directions have some
     * noise.
     */
    LATENT,
    /** The hardest case for a graph of neighbours: no direction and no place differs from another. */
    ISOTROPIC;

    private static final int LATENT_WIDTH = 32;
    private static final int TOPICS = 1000;
    private static final int BLOCK = 8192;

    /** The same seed gives the same structure: topics and directions. */
    INDArray make(long structure, int count, int width) {
        INDArray all = Nd4j.createUninitialized(DataType.FLOAT, new long[] {count, width}, 'c');
        Nd4j.getRandom().setSeed(structure);
        INDArray topics = Nd4j.randn(DataType.FLOAT, TOPICS, LATENT_WIDTH);
        INDArray directions = Nd4j.randn(DataType.FLOAT, LATENT_WIDTH, width);
        Nd4j.getRandom().setSeed(structure + count);
        for (int from = 0; from < count; from += BLOCK) {
            INDArray block = all.get(NDArrayIndex.interval(from, Math.min(count, from + BLOCK)), NDArrayIndex.all());
            block.assign(Nd4j.randn(DataType.FLOAT, block.shape()));
            if (this == LATENT) {
                int first = from;
                INDArray topic = Nd4j.createFromArray(LongStream.range(first, first + block.rows())
                        .map(i -> i * 7919 % TOPICS)
                        .toArray());
                INDArray latent = Nd4j.exec(new Gather(topics, topic, 0))[0];
                latent.addi(Nd4j.randn(DataType.FLOAT, latent.shape()));
                Nd4j.gemm(latent, directions, block, false, false, 1, 1);
            }
            block.muliColumnVector(block.norm2(true, 1).rdivi(1));
        }
        return all;
    }

    static List<String> ids(int count) {
        return IntStream.range(0, count).mapToObj(Integer::toString).toList();
    }
}
