/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class KnnPromptingTest {
    private static final int WIDTH = 5;
    private static final int VOCABULARY = 40;
    private static final int ANCHORS = 60;
    private static final int QUERIES = 25;
    private static final int CLASSES = 3;

    private final Random random = new Random(4);
    private final INDArray head = matrix(WIDTH, VOCABULARY);
    private final States anchors =
            new States(matrix(ANCHORS, WIDTH), random.ints(ANCHORS, 0, CLASSES).toArray(), CLASSES);
    private final INDArray queries = matrix(QUERIES, WIDTH);

    @Test
    void divergencesAreThoseOfTheDistributions() {
        INDArray found = new KnnPrompting(anchors, head).divergences(queries, head);
        for (int q = 0; q < QUERIES; q++) {
            for (int a = 0; a < ANCHORS; a++) {
                // Floats: logits of size 10 are right to about 1e-6
                assertEquals(divergence(a, q), found.getDouble(q, a), 2e-5);
            }
        }
    }

    @Test
    void predictsTheMajorityOfTheNearest() {
        KnnPrompting neighbours = new KnnPrompting(anchors, head);
        for (int k : new int[] {1, 3, 7}) {
            int[] expected = new int[QUERIES];
            for (int q = 0; q < QUERIES; q++) {
                int query = q;
                int[] nearest = IntStream.range(0, ANCHORS)
                        .boxed()
                        .sorted(Comparator.comparingDouble(a -> divergence(a, query)))
                        .limit(k)
                        .mapToInt(a -> anchors.labels()[a])
                        .toArray();
                expected[q] = majority(nearest);
            }
            assertArrayEquals(expected, neighbours.predict(queries, k), "k = " + k);
        }
    }

    @Test
    void findsAnchorsAgain() {
        assertArrayEquals(anchors.labels(), new KnnPrompting(anchors, head).predict(anchors.states(), 1));
    }

    @Test
    void blocksChangeNothing() {
        // 200 tokens of 30 000 columns: two blocks of distributions
        INDArray wide = matrix(WIDTH, 30_000);
        States many = new States(matrix(200, WIDTH), new int[200], 1);
        INDArray whole = new KnnPrompting(many, wide).divergences(queries, wide);
        INDArray last = new KnnPrompting(many.rows(new int[] {199}), wide).divergences(queries, wide);
        for (int q = 0; q < QUERIES; q++) {
            assertEquals(last.getDouble(q, 0), whole.getDouble(q, 199), 1e-4);
        }
    }

    @Test
    void refusesMoreNeighboursThanThereAre() {
        KnnPrompting neighbours = new KnnPrompting(anchors, head);
        Exception problem = assertThrows(IllegalArgumentException.class, () -> neighbours.predict(queries, 61));
        assertEquals("k: expected 1..60, found 61", problem.getMessage());
    }

    /** Σ p ln(p / q), term by term in double. */
    private double divergence(int anchor, int query) {
        double[] p = distribution(anchors.states(), anchor);
        double[] q = distribution(queries, query);
        double sum = 0;
        for (int v = 0; v < VOCABULARY; v++) {
            sum += p[v] * Math.log(p[v] / q[v]);
        }
        return sum;
    }

    private double[] distribution(INDArray states, int row) {
        double[] p = new double[VOCABULARY];
        double total = 0;
        for (int v = 0; v < VOCABULARY; v++) {
            double logit = 0;
            for (int i = 0; i < WIDTH; i++) {
                logit += states.getDouble(row, i) * head.getDouble(i, v);
            }
            p[v] = Math.exp(logit);
            total += p[v];
        }
        for (int v = 0; v < VOCABULARY; v++) {
            p[v] /= total;
        }
        return p;
    }

    /** Most votes; of several such classes the one that has them first, from the nearest on. */
    private static int majority(int[] nearest) {
        int[] votes = new int[CLASSES];
        for (int c : nearest) {
            votes[c]++;
        }
        int most = IntStream.of(votes).max().orElseThrow();
        int[] counted = new int[CLASSES];
        for (int c : nearest) {
            if (++counted[c] == most) {
                return c;
            }
        }
        throw new AssertionError("no neighbours");
    }

    private INDArray matrix(int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Nd4j.createFromArray(values).reshape('c', rows, columns);
    }
}
