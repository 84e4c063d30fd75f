/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class NextSequenceContrastTest {
    private static final int[][] SEVERAL = {{1}, {0, 3}, {4}, {2, 5, 1}, {1}};

    /** A loss whose terms are written down one by one, in plain arrays. */
    private static final class Reference {
        final double[][] q;
        final double[][] k;
        final int[][] positives;
        final boolean[][] counts;
        final Contrast contrast;

        Reference(INDArray queries, INDArray keys, int[][] positives, boolean[][] counts, Contrast contrast) {
            q = queries.castTo(DataType.DOUBLE).toDoubleMatrix();
            k = keys.castTo(DataType.DOUBLE).toDoubleMatrix();
            this.positives = positives;
            this.counts = counts;
            this.contrast = contrast;
        }

        double score(int i, int j) {
            double dot = 0;
            double a = 0;
            double b = 0;
            for (int f = 0; f < q[i].length; f++) {
                dot += q[i][f] * k[j][f];
                a += q[i][f] * q[i][f];
                b += k[j][f] * k[j][f];
            }
            if (contrast.similarity() == Similarity.COSINE) {
                dot = a == 0 || b == 0 ? 0 : dot / Math.sqrt(a * b);
            }
            return dot / contrast.temperature();
        }

        boolean positive(int i, int j) {
            return Arrays.stream(positives[i]).anyMatch(p -> p == j);
        }

        double loss() {
            double forward = IntStream.range(0, q.length)
                    .mapToDouble(i -> IntStream.of(positives[i])
                                    .mapToDouble(p -> logSum(i, -1) - score(i, p))
                                    .sum()
                            / positives[i].length)
                    .average()
                    .orElseThrow();
            if (!contrast.symmetric()) {
                return forward;
            }
            double backward = IntStream.range(0, k.length)
                    .filter(j -> IntStream.range(0, q.length).anyMatch(i -> positive(i, j)))
                    .mapToDouble(j -> IntStream.range(0, q.length)
                            .filter(i -> positive(i, j))
                            .mapToDouble(i -> logSum(-1, j) - score(i, j))
                            .average()
                            .orElseThrow())
                    .average()
                    .orElseThrow();
            return (forward + backward) / 2;
        }

        private double logSum(int row, int column) {
            double[] scores = row >= 0
                    ? IntStream.range(0, k.length)
                            .filter(j -> counts[row][j])
                            .mapToDouble(j -> score(row, j))
                            .toArray()
                    : IntStream.range(0, q.length)
                            .filter(i -> counts[i][column])
                            .mapToDouble(i -> score(i, column))
                            .toArray();
            double max = Arrays.stream(scores).max().orElseThrow();
            return max
                    + Math.log(Arrays.stream(scores).map(s -> Math.exp(s - max)).sum());
        }

        /** Central differences of fourth order: error about 1e-11 here, from truncation and from rounding. */
        double[][] gradient(double[][] of, int rows) {
            double[][] gradient = new double[rows][of[0].length];
            double step = 3e-4;
            for (int i = 0; i < rows; i++) {
                for (int f = 0; f < of[i].length; f++) {
                    gradient[i][f] = (8 * difference(of[i], f, step) - difference(of[i], f, 2 * step)) / (12 * step);
                }
            }
            return gradient;
        }

        private double difference(double[] vector, int feature, double step) {
            double was = vector[feature];
            vector[feature] = was + step;
            double up = loss();
            vector[feature] = was - step;
            double down = loss();
            vector[feature] = was;
            return up - down;
        }
    }

    private static boolean[][] all(int queries, int keys) {
        boolean[][] all = new boolean[queries][keys];
        for (boolean[] row : all) {
            Arrays.fill(row, true);
        }
        return all;
    }

    private static INDArray random(long seed, long... shape) {
        Random random = new Random(seed);
        double[] values = random.doubles(Arrays.stream(shape).reduce(1, (a, b) -> a * b), -1.5, 1.5)
                .toArray();
        return Nd4j.createFromArray(values).reshape(shape);
    }

    private static void assertClose(double[][] expected, INDArray found, double tolerance) {
        double[][] values = found.toDoubleMatrix();
        for (int i = 0; i < expected.length; i++) {
            for (int f = 0; f < expected[i].length; f++) {
                int row = i;
                int column = f;
                assertEquals(expected[i][f], values[i][f], tolerance, () -> "[" + row + ", " + column + "]");
            }
        }
    }

    private static void agrees(INDArray queries, INDArray keys, Pairing pairing, Reference reference, int own) {
        NextSequenceContrast.Result found =
                NextSequenceContrast.withGradients(queries, keys, pairing, reference.contrast);
        double expected = reference.loss();
        assertEquals(expected, found.loss(), 1e-12);
        assertEquals(
                expected,
                NextSequenceContrast.of(queries, keys, pairing, reference.contrast)
                        .loss(),
                1e-12);
        assertEquals(expected, found.losses().meanNumber().doubleValue(), 1e-12);
        assertClose(reference.gradient(reference.q, reference.q.length), found.queries(), 1e-10);
        assertClose(reference.gradient(reference.k, own), found.keys(), 1e-10);
        assertEquals(own, found.keys().size(0));
    }

    @ParameterizedTest
    @EnumSource
    void agreesWithPlainSums(Similarity similarity) {
        for (boolean symmetric : new boolean[] {false, true}) {
            for (double temperature : new double[] {1, 0.3}) {
                Contrast contrast = new Contrast(similarity, temperature, symmetric);
                INDArray queries = random(1, 5, 3);
                INDArray keys = random(2, 7, 3);
                agrees(
                        queries,
                        keys,
                        Pairing.of(SEVERAL),
                        new Reference(queries, keys, SEVERAL, all(5, 7), contrast),
                        7);
                // Keys from elsewhere get no gradient, a positive among them too
                agrees(
                        queries,
                        keys,
                        Pairing.of(SEVERAL).withOwnKeys(4),
                        new Reference(queries, keys, SEVERAL, all(5, 7), contrast),
                        4);
                // Keys 1, 6 and 0, 2 are the same sequence
                boolean[][] counts = all(5, 7);
                counts[0][6] = false;
                counts[1][2] = false;
                counts[3][6] = false;
                counts[3][0] = false;
                counts[4][6] = false;
                agrees(
                        queries,
                        keys,
                        Pairing.of(SEVERAL).withoutDuplicates(new long[] {8, 9, 8, 3, 4, 5, 9}),
                        new Reference(queries, keys, SEVERAL, counts, contrast),
                        7);
                INDArray mask = Nd4j.ones(DataType.DOUBLE, 5, 7);
                for (int i = 0; i < 5; i++) {
                    for (int j = 0; j < 7; j++) {
                        mask.putScalar(i, j, counts[i][j] ? 1 : 0);
                    }
                }
                agrees(
                        queries,
                        keys,
                        Pairing.of(SEVERAL).withMask(mask),
                        new Reference(queries, keys, SEVERAL, counts, contrast),
                        7);
            }
        }
    }

    @Test
    void aloneTheyArePairedInOrder() {
        INDArray queries = random(3, 4, 6);
        INDArray keys = random(4, 5, 6);
        Reference reference = new Reference(queries, keys, new int[][] {{0}, {1}, {2}, {3}}, all(4, 5), Contrast.PAPER);
        assertEquals(reference.loss(), NextSequenceContrast.of(queries, keys), 1e-12);
        assertEquals(
                reference.loss(),
                NextSequenceContrast.withGradients(queries, keys).loss(),
                1e-12);
    }

    @Test
    void blocksMakeNoDifference() {
        // 64 MB hold two rows of 2^22 DOUBLE scores
        int width = 1 << 22;
        INDArray queries = random(5, 5, 2);
        INDArray keys = Nd4j.rand(DataType.DOUBLE, width, 2);
        NextSequenceContrast.Result found =
                NextSequenceContrast.withGradients(queries, keys, Pairing.of(3, 2, 1, 0, width - 1), Contrast.PAPER);
        INDArray sum = Nd4j.zeros(DataType.DOUBLE, width, 2);
        double loss = 0;
        int[] positives = {3, 2, 1, 0, width - 1};
        for (int i = 0; i < 5; i++) {
            NextSequenceContrast.Result one = NextSequenceContrast.withGradients(
                    queries.getRow(i, true), keys, Pairing.of(positives[i]), Contrast.PAPER);
            loss += one.loss() / 5;
            sum.addi(one.keys().divi(5));
        }
        assertEquals(loss, found.loss(), 1e-12);
        assertTrue(found.keys().equalsWithEps(sum, 1e-15));
    }

    @Test
    void floatAgreesWithDouble() {
        INDArray queries = random(6, 40, 32);
        INDArray keys = random(7, 60, 32);
        NextSequenceContrast.Result expected = NextSequenceContrast.withGradients(queries, keys);
        NextSequenceContrast.Result found =
                NextSequenceContrast.withGradients(queries.castTo(DataType.FLOAT), keys.castTo(DataType.FLOAT));
        assertEquals(expected.loss(), found.loss(), 1e-5 * expected.loss());
        assertTrue(found.queries().castTo(DataType.DOUBLE).equalsWithEps(expected.queries(), 1e-6));
        assertTrue(found.keys().castTo(DataType.DOUBLE).equalsWithEps(expected.keys(), 1e-6));
    }

    /** FLOAT on the CPU goes another way than DOUBLE; the last are three blocks. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "3, 127, 127", "5, 129, 7", "40, 1025, 1000", "300, 3000, 600", "4100, 8200, 8000"})
    void floatAgreesWithDoubleAtAnySize(int count, int width, int own) {
        INDArray queries = random(20 + count, count, 4).muli(5);
        INDArray keys = Nd4j.rand(DataType.DOUBLE, width, 4).subi(0.5).muli(2);
        long[] ids = new long[width];
        Arrays.setAll(ids, j -> j % Math.max(1, width - 3));
        int[][] positives = new int[count][];
        Arrays.setAll(
                positives,
                i -> i % 2 == 0 || width < 3
                        ? new int[] {(int) (i * 7L % own)}
                        : new int[] {i * 5 % width, (i * 5 + 1) % width, width - 2});
        Pairing pairing = Pairing.of(distinct(positives)).withoutDuplicates(ids).withOwnKeys(own);
        NextSequenceContrast.Result expected =
                NextSequenceContrast.withGradients(queries, keys, pairing, Contrast.PAPER);
        NextSequenceContrast.Result found = NextSequenceContrast.withGradients(
                queries.castTo(DataType.FLOAT), keys.castTo(DataType.FLOAT), pairing, Contrast.PAPER);
        // Sums that are taken one by one, over the keys in a softmax and over the queries in a product, and products of
        // 4 elements whose sum is at most 30, twice
        double relative = (width + count + 2 * 5 * 30) * 0x1p-24;
        assertEquals(expected.loss(), found.loss(), relative);
        assertTrue(found.losses().castTo(DataType.DOUBLE).equalsWithEps(expected.losses(), relative));
        // Elements of keys are at most 1, of queries 7.5
        assertTrue(found.queries().castTo(DataType.DOUBLE).equalsWithEps(expected.queries(), relative / count));
        assertTrue(found.keys().castTo(DataType.DOUBLE).equalsWithEps(expected.keys(), 7.5 * relative));
    }

    private static int[][] distinct(int[][] positives) {
        return Arrays.stream(positives)
                .map(row -> Arrays.stream(row).distinct().toArray())
                .toArray(int[][]::new);
    }

    @Test
    void softmaxOfARowIsExactToFloatsDigits() {
        Random random = new Random(30);
        for (int width : new int[] {2, 128, 1500}) {
            float[] scores = new float[width];
            for (int j = 0; j < width; j++) {
                // From the same to hopelessly far apart
                scores[j] = (float) (random.nextGaussian() * Math.exp(random.nextInt(5)));
            }
            FloatBuffer row = FloatBuffer.wrap(scores.clone());
            double loss = new HostSoftmax(width).errors(row, 0, new int[] {1}, new int[0]);
            double largest =
                    IntStream.range(0, width).mapToDouble(j -> scores[j]).max().orElseThrow();
            double sum = IntStream.range(0, width)
                    .mapToDouble(j -> Math.exp(scores[j] - largest))
                    .sum();
            assertEquals(largest - scores[1] + Math.log(sum), loss, 3e-7 * Math.max(1, loss));
            for (int j = 0; j < width; j++) {
                double expected = Math.exp(scores[j] - largest) / sum - (j == 1 ? 1 : 0);
                assertEquals(expected, row.get(j), 4e-7 * Math.abs(expected) + (j == 1 ? 1e-7 : 1e-26));
                assertTrue(Math.abs(row.get(j)) >= Float.MIN_NORMAL || row.get(j) == 0, "denormal");
            }
        }
    }

    @Test
    void scoresFarApartStayFinite() {
        // p = exp(−2000) and exp(−200) are 0 in FLOAT, the losses are not
        INDArray queries = Nd4j.createFromArray(new float[][] {{1000, 0}, {0, 100}});
        INDArray keys = Nd4j.createFromArray(new float[][] {{-1, 1}, {1, -1}});
        NextSequenceContrast.Result found = NextSequenceContrast.withGradients(queries, keys);
        assertEquals((2000 + 200) / 2.0, found.loss(), 1e-3);
        assertEquals(
                Nd4j.createFromArray(new float[][] {{1, -1}, {-1, 1}}),
                found.queries(),
                "gradient of each is key of the likeliest less that of the positive");
    }

    @Test
    void factorScalesGradientsOnly() {
        INDArray queries = random(8, 4, 3);
        INDArray keys = random(9, 4, 3);
        NextSequenceContrast.Result one = NextSequenceContrast.withGradients(queries, keys);
        INDArray keysGradient = Nd4j.createUninitialized(DataType.DOUBLE, 4, 3);
        NextSequenceContrast.Result three =
                NextSequenceContrast.withGradients(queries, keys, Pairing.diagonal(4), Contrast.PAPER, 3, keysGradient);
        assertEquals(one.loss(), three.loss(), 0);
        assertTrue(three.queries().equalsWithEps(one.queries().mul(3), 1e-15));
        assertTrue(keysGradient.equalsWithEps(one.keys().mul(3), 1e-15));
    }

    @Test
    void anyLayoutIsRead() {
        INDArray queries = random(10, 4, 3);
        INDArray keys = random(11, 6, 3);
        double expected = NextSequenceContrast.of(queries, keys);
        assertEquals(expected, NextSequenceContrast.of(queries.dup('f'), keys.dup('f')), 1e-13);
        INDArray wide = Nd4j.hstack(keys, keys);
        assertEquals(
                expected,
                NextSequenceContrast.of(
                        queries,
                        wide.get(
                                org.nd4j.linalg.indexing.NDArrayIndex.all(),
                                org.nd4j.linalg.indexing.NDArrayIndex.interval(0, 3))),
                1e-13);
    }

    @Test
    void aSingleKeyCostsNothing() {
        NextSequenceContrast.Result found = NextSequenceContrast.withGradients(random(12, 1, 3), random(13, 1, 3));
        assertEquals(0, found.loss(), 0);
        assertEquals(0, found.queries().amaxNumber().doubleValue(), 0);
        assertEquals(0, found.keys().amaxNumber().doubleValue(), 0);
    }

    @Test
    void zeroVectorsHaveCosineZero() {
        INDArray queries = Nd4j.zeros(DataType.DOUBLE, 1, 3);
        INDArray keys = random(14, 4, 3);
        NextSequenceContrast.Result found = NextSequenceContrast.withGradients(
                queries, keys, Pairing.of(2), Contrast.PAPER.withSimilarity(Similarity.COSINE));
        assertEquals(Math.log(4), found.loss(), 1e-12);
        assertEquals(0, found.queries().amaxNumber().doubleValue(), 0);
        assertEquals(0, found.keys().amaxNumber().doubleValue(), 1e-15);
    }

    private static void rejects(String message, Runnable action) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, action::run);
        assertTrue(e.getMessage().contains(message), e::getMessage);
    }

    @Test
    void badInputIsNamed() {
        INDArray queries = random(15, 3, 4);
        INDArray keys = random(16, 5, 4);
        rejects("d = 4", () -> NextSequenceContrast.of(random(17, 3, 2), keys));
        rejects("keys must be a matrix", () -> NextSequenceContrast.of(queries, random(17, 3, 2, 2)));
        rejects("[0, 5), found 5", () -> NextSequenceContrast.of(queries, keys, Pairing.of(1, 2, 5), Contrast.PAPER));
        rejects("[0, 5), found -1", () -> NextSequenceContrast.of(queries, keys, Pairing.of(1, 2, -1), Contrast.PAPER));
        rejects("3 queries, found 2", () -> NextSequenceContrast.of(queries, keys, Pairing.of(1, 2), Contrast.PAPER));
        rejects("none for query 1", () -> Pairing.of(new int[][] {{1}, {}}));
        rejects("different keys", () -> Pairing.of(new int[][] {{1, 1}}));
        rejects(
                "temperature must be positive, from 1e-30 to 1e30, found 0.0",
                () -> new Contrast(Similarity.DOT, 0, false));
        rejects("found NaN", () -> new Contrast(Similarity.DOT, Double.NaN, false));
        rejects("must not be negative, found -1", () -> Pairing.diagonal(2).withOwnKeys(-1));
        rejects("finite", () -> NextSequenceContrast.of(queries.div(0), keys));
        INDArray mask = Nd4j.zeros(3, 5);
        rejects("not be 0 for a positive", () -> Pairing.diagonal(3).withMask(mask));
        rejects(
                "keysGradient must have shape [5, 4]",
                () -> NextSequenceContrast.withGradients(
                        queries, keys, Pairing.diagonal(3), Contrast.PAPER, 1, Nd4j.zeros(DataType.DOUBLE, 3, 4)));
    }
}
