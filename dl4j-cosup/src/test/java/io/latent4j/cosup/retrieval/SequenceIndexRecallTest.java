/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.Similarity;
import io.latent4j.cosup.retrieval.LuceneSequenceIndex.Builder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The graph of neighbours at full size, with its default options, against comparison with every vector. */
@Tag("slow")
class SequenceIndexRecallTest {
    private static final int N = 100_000;
    private static final int D = 256;
    private static final int QUERIES = 200;
    private static final int TOPICS = 1000;
    private static final int LATENT = 32;

    /**
     * What encoders of text give: few directions matter (32 of 256), texts gather around topics, and all directions have
     * some noise.
     */
    private static INDArray embeddings(int count, long seed) {
        Random structure = new Random(1);
        float[][] topics = gaussian(TOPICS, LATENT, structure);
        float[][] directions = gaussian(LATENT, D, structure);
        Random random = new Random(seed);
        float[][] latent = gaussian(count, LATENT, random);
        for (float[] row : latent) {
            float[] topic = topics[random.nextInt(TOPICS)];
            for (int i = 0; i < LATENT; i++) {
                row[i] += topic[i];
            }
        }
        INDArray noise = Nd4j.createFromArray(gaussian(count, D, random));
        return Nd4j.createFromArray(latent)
                .mmul(Nd4j.createFromArray(directions))
                .addi(noise);
    }

    private static float[][] gaussian(int rows, int columns, Random random) {
        float[][] values = new float[rows][columns];
        for (float[] row : values) {
            for (int i = 0; i < columns; i++) {
                row[i] = (float) random.nextGaussian();
            }
        }
        return values;
    }

    @Test
    void findsNineteenOfTwentyNeighbours(@TempDir Path folder) throws IOException {
        INDArray vectors = embeddings(N, 2);
        INDArray queries = embeddings(QUERIES, 3);
        List<String> ids = IntStream.range(0, N).mapToObj(i -> "p" + i).toList();
        List<List<Hit>> expected;
        try (ExactSequenceIndex exact = new ExactSequenceIndex(D)) {
            exact.add(ids, vectors);
            expected = exact.search(queries, 10);
        }
        try (LuceneSequenceIndex index =
                LuceneSequenceIndex.open(folder, new Builder().dimension(D).similarity(Similarity.DOT))) {
            index.add(ids, vectors);
            index.commit();
        }
        try (LuceneSequenceIndex index = LuceneSequenceIndex.open(folder)) {
            assertEquals(N, index.size());
            List<List<Hit>> found = index.search(queries, 10);
            int common = 0;
            for (int i = 0; i < QUERIES; i++) {
                Set<String> both = new HashSet<>(SequenceIndexContract.foundIds(expected.get(i)));
                both.retainAll(SequenceIndexContract.foundIds(found.get(i)));
                common += both.size();
            }
            double recall = common / (10.0 * QUERIES);
            assertTrue(recall >= 0.95, "recall@10 must be at least 0.95, found " + recall);
        }
    }
}
