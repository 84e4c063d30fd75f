/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.vocabsem.Similarity;
import io.latent4j.vocabsem.analysis.ClusterQuality.Options;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class ClusterQualityTest {

    /** Blobs around random directions, the labels in turn. */
    private static double[][] blobs(int points, int classes, int width, double noise, long seed) {
        Random random = new Random(seed);
        double[][] centres = new double[classes][width];
        Arrays.stream(centres).forEach(centre -> Arrays.setAll(centre, k -> random.nextGaussian()));
        double[][] rows = new double[points][width];
        for (int i = 0; i < points; i++) {
            double[] centre = centres[i % classes];
            Arrays.setAll(rows[i], k -> centre[k] + noise * random.nextGaussian());
        }
        return rows;
    }

    private static int[] inTurn(int points, int classes) {
        return IntStream.range(0, points).map(i -> 7 - i % classes).toArray();
    }

    /** By the definition, pair by pair. */
    private static double plainSilhouette(double[][] rows, int[] labels, Similarity similarity) {
        double sum = 0;
        for (int i = 0; i < rows.length; i++) {
            double inside = 0;
            double outside = Double.POSITIVE_INFINITY;
            int own = labels[i];
            long ownSize = Arrays.stream(labels).filter(l -> l == own).count();
            for (int label : Arrays.stream(labels).distinct().toArray()) {
                double total = 0;
                long size = 0;
                for (int j = 0; j < rows.length; j++) {
                    if (labels[j] == label && j != i) {
                        total += distance(rows[i], rows[j], similarity);
                        size++;
                    }
                }
                if (label == own) {
                    inside = total / size;
                } else {
                    outside = Math.min(outside, total / size);
                }
            }
            sum += ownSize == 1 ? 0 : (outside - inside) / Math.max(inside, outside);
        }
        return sum / rows.length;
    }

    private static double distance(double[] x, double[] y, Similarity similarity) {
        double xx = 0;
        double yy = 0;
        double xy = 0;
        double dd = 0;
        for (int k = 0; k < x.length; k++) {
            xx += x[k] * x[k];
            yy += y[k] * y[k];
            xy += x[k] * y[k];
            dd += (x[k] - y[k]) * (x[k] - y[k]);
        }
        return similarity == Similarity.EUCLIDEAN ? Math.sqrt(dd) : 1 - xy / Math.sqrt(xx * yy);
    }

    @Test
    void adjustedRandIndexByHand() {
        // one pair together in both; 2 and 1 pairs of 6: E = 1/3, (1 − 1/3)/(3/2 − 1/3) = 4/7
        assertEquals(4 / 7.0, ClusterQuality.adjustedRandIndex(new int[] {0, 0, 1, 1}, new int[] {0, 0, 1, 2}), 1e-15);
        // no pair together in both; 2 and 2 pairs: E = 2/3, (0 − 2/3)/(2 − 2/3) = −1/2
        assertEquals(-0.5, ClusterQuality.adjustedRandIndex(new int[] {0, 0, 1, 1}, new int[] {0, 1, 0, 1}), 1e-15);
        assertEquals(1, ClusterQuality.adjustedRandIndex(new int[] {3, 3, -1, 8}, new int[] {0, 0, 1, 2}));
        assertEquals(1, ClusterQuality.adjustedRandIndex(new int[] {5, 5, 5}, new int[] {0, 0, 0}));
        assertEquals(1, ClusterQuality.adjustedRandIndex(new int[] {1, 2, 3}, new int[] {3, 1, 2}));
        assertEquals(0, ClusterQuality.adjustedRandIndex(new int[] {1, 1, 1, 1}, new int[] {1, 2, 1, 2}));
        // sizes whose pair counts leave the range of int
        int[] halves = IntStream.range(0, 200_000).map(i -> i / 100_000).toArray();
        assertEquals(1, ClusterQuality.adjustedRandIndex(halves, halves));
    }

    @Test
    void silhouetteByHand() {
        INDArray states = Nd4j.createFromArray(new double[][] {{0}, {1}, {10}, {12}});
        double expected = ((11 - 1) / 11.0 + (10 - 1) / 10.0 + (9.5 - 2) / 9.5 + (11.5 - 2) / 11.5) / 4;
        int[] labels = {4, 4, 2, 2};
        assertEquals(expected, ClusterQuality.silhouette(states, labels, Similarity.EUCLIDEAN), 1e-12);
        // alone in its class: 0
        double alone = (9 / 10.0 + 8 / 9.0 + 0) / 3;
        INDArray three = Nd4j.createFromArray(new float[][] {{0}, {1}, {10}});
        assertEquals(alone, ClusterQuality.silhouette(three, new int[] {1, 1, 0}, Similarity.EUCLIDEAN), 1e-12);
        // all states equal: no distance is larger than another
        assertEquals(0, ClusterQuality.silhouette(Nd4j.ones(4, 2), labels, Similarity.EUCLIDEAN), 1e-12);
    }

    @ParameterizedTest
    @EnumSource(names = {"COSINE", "EUCLIDEAN"})
    void silhouetteEqualsTheDefinitionAcrossBlocks(Similarity similarity) {
        double[][] rows = blobs(1500, 3, 6, 1.0, 3);
        int[] labels = inTurn(1500, 3);
        labels[17] = 99;
        assertEquals(
                plainSilhouette(rows, labels, similarity),
                ClusterQuality.silhouette(Nd4j.createFromArray(rows), labels, similarity),
                1e-10);
        // a view in 'f' order with an offset
        INDArray larger = Nd4j.rand(DataType.DOUBLE, 6, 1501).transpose();
        INDArray view = larger.get(NDArrayIndex.interval(1, 1501), NDArrayIndex.all());
        view.assign(Nd4j.createFromArray(rows));
        assertEquals(
                plainSilhouette(rows, labels, similarity), ClusterQuality.silhouette(view, labels, similarity), 1e-10);
    }

    @Test
    void cosinesIgnoreLengths() {
        double[][] rows = blobs(60, 3, 4, 0.5, 5);
        int[] labels = inTurn(60, 3);
        double expected = plainSilhouette(rows, labels, Similarity.COSINE);
        Random random = new Random(1);
        for (double[] row : rows) {
            double factor = Math.exp(200 * random.nextGaussian()); // squares would leave the range of double
            Arrays.setAll(row, k -> row[k] * factor);
        }
        assertEquals(expected, ClusterQuality.silhouette(Nd4j.createFromArray(rows), labels, Similarity.COSINE), 1e-10);
        // a zero state has cosine 0 with every other
        INDArray withZero = Nd4j.createFromArray(new double[][] {{0, 0}, {1, 0}, {0, 2}, {0, 5}});
        assertEquals(
                (0.0 + 0.0 + 1 + 1) / 4,
                ClusterQuality.silhouette(withZero, new int[] {0, 0, 1, 1}, Similarity.COSINE),
                1e-12);
    }

    @ParameterizedTest
    @EnumSource(names = {"COSINE", "EUCLIDEAN"})
    void clustersOfSeparatedBlobsAreTheLabels(Similarity similarity) {
        Options options = Options.builder().similarity(similarity).build();
        int[] labels = inTurn(300, 5);
        INDArray states = Nd4j.createFromArray(blobs(300, 5, 8, 0.05, 2)).castTo(DataType.FLOAT);
        INDArray before = states.dup();
        ClusterQuality quality = ClusterQuality.of(states, labels, options);
        assertEquals(before, states);
        assertEquals(300, quality.points());
        assertEquals(5, quality.classes());
        assertEquals(1, quality.adjustedRandIndex());
        assertTrue(quality.silhouette() > 0.8, "silhouette " + quality.silhouette());
        assertEquals(quality, ClusterQuality.of(states, labels, options));

        int[] unrelated = new Random(4).ints(300, 0, 5).toArray();
        ClusterQuality random = ClusterQuality.of(states, unrelated, options);
        assertEquals(0, random.adjustedRandIndex(), 0.05);
        assertEquals(quality.options(), random.options());
        assertNotEquals(quality, random);
    }

    @Test
    void kMeansKeepsTheRunOfLeastInertia() {
        // Five far groups: single runs end in a local optimum now and then, the best of twenty doesn't
        int[] labels = inTurn(200, 5);
        double[][] rows = blobs(200, 5, 2, 0.01, 8);
        for (int seed = 0; seed < 20; seed++) {
            Options options = Options.builder()
                    .similarity(Similarity.EUCLIDEAN)
                    .trials(20)
                    .seed(seed)
                    .build();
            assertEquals(
                    1,
                    ClusterQuality.of(Nd4j.createFromArray(rows), labels, options)
                            .adjustedRandIndex());
        }
    }

    @Test
    void largeInputIsSampled() {
        Options options = Options.builder().maxPoints(150).seed(3).build();
        INDArray states = Nd4j.createFromArray(blobs(900, 3, 8, 0.05, 2));
        ClusterQuality quality = ClusterQuality.of(states, inTurn(900, 3), options);
        assertEquals(150, quality.points());
        assertEquals(1, quality.adjustedRandIndex());
        assertEquals(quality, ClusterQuality.of(states, inTurn(900, 3), options));
    }

    @Test
    void equalStatesAreNoReasonToFail() {
        ClusterQuality quality = ClusterQuality.of(Nd4j.zeros(10, 3), inTurn(10, 3), Options.defaults());
        assertEquals(0, quality.silhouette());
        assertTrue(quality.adjustedRandIndex() <= 1);
    }

    @Test
    void comparisonAsTableAndCsv() {
        int[] labels = inTurn(60, 2);
        INDArray before = Nd4j.createFromArray(blobs(60, 2, 4, 5, 2));
        INDArray after = Nd4j.createFromArray(blobs(60, 2, 7, 0.01, 2));
        ClusterComparison comparison = ClusterComparison.of(before, after, labels, Options.defaults());
        assertTrue(comparison.after().silhouette() > comparison.before().silhouette());
        String[] csv = comparison.toCsv().split("\n", -1);
        assertEquals("states,points,classes,silhouette,adjusted_rand_index", csv[0]);
        assertEquals(
                "before,60,2," + comparison.before().silhouette() + ","
                        + comparison.before().adjustedRandIndex(),
                csv[1]);
        assertEquals("after,60,2," + comparison.after().silhouette() + ",1.0", csv[2]);
        assertEquals(4, csv.length);
        String[] table = comparison.toTable().split("\n", -1);
        assertEquals("states  points  classes  silhouette  adjusted Rand index", table[0]);
        assertTrue(table[2].startsWith("after       60        2      "), table[2]);
        assertTrue(table[2].endsWith("1.0000"), table[2]);
        assertTrue(table[3].contains("COSINE"), table[3]);
    }

    private static void assertRejected(String start, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.startsWith(start), message);
    }

    @Test
    void rejectsBadInput() {
        Options defaults = Options.defaults();
        INDArray states = Nd4j.rand(4, 3);
        int[] labels = {0, 0, 1, 1};
        assertRejected("labels must be as many as the 4", () -> ClusterQuality.of(states, new int[3], defaults));
        assertRejected("labels must hold at least 2", () -> ClusterQuality.of(states, new int[4], defaults));
        assertRejected("states must be a matrix", () -> ClusterQuality.of(Nd4j.rand(4, 3, 2), labels, defaults));
        INDArray notFinite = states.dup().putScalar(2, 1, Double.NaN);
        assertRejected("states must be finite", () -> ClusterQuality.of(notFinite, labels, defaults));
        assertRejected(
                "labels must hold at least 2", () -> ClusterQuality.silhouette(states, new int[4], Similarity.COSINE));
        assertRejected(
                "similarity must be COSINE or EUCLIDEAN",
                () -> ClusterQuality.silhouette(states, labels, Similarity.DOT));
        assertRejected(
                "first and second must be of one length",
                () -> ClusterQuality.adjustedRandIndex(new int[3], new int[4]));
        assertRejected(
                "similarity must be",
                () -> Options.builder().similarity(Similarity.DOT).build());
        assertRejected(
                "maxPoints must be >= 2, found 1",
                () -> Options.builder().maxPoints(1).build());
        assertRejected(
                "trials must be >= 1, found 0",
                () -> Options.builder().trials(0).build());
        assertRejected(
                "maxIterations must be >= 1, found 0",
                () -> Options.builder().maxIterations(0).build());
        assertRejected(
                "before and after must be matrices with the same number of rows",
                () -> ClusterComparison.of(states, Nd4j.rand(5, 3), labels, defaults));
    }
}
