/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Kernels against plain loops in double and central differences of them. */
class VocabularyLogitsTest {
    private static final double SCALE = 1.7;
    private static final int D = 6;

    private final double[][] states = random(9, D, 1);
    private final double[][] bases = random(5, D, 2);
    private final int[] labels = {0, 1, 2, 3, 4, 0, 1, 2, -1};
    private final double[] weights = {1, 0.5, 1, 0, 2, 1, 1, 1, 0};

    static double[][] random(int rows, int columns, long seed) {
        Random random = new Random(seed);
        double[][] x = new double[rows][columns];
        for (double[] row : x) {
            for (int j = 0; j < columns; j++) {
                row[j] = random.nextGaussian();
            }
        }
        return x;
    }

    private static double[][] differences(double[][] at, ToDoubleFunction<double[][]> f) {
        double h = 1e-6;
        double[][] gradient = new double[at.length][at[0].length];
        for (int i = 0; i < at.length; i++) {
            for (int j = 0; j < at[0].length; j++) {
                double before = at[i][j];
                at[i][j] = before + h;
                double up = f.applyAsDouble(at);
                at[i][j] = before - h;
                double down = f.applyAsDouble(at);
                at[i][j] = before;
                gradient[i][j] = (up - down) / (2 * h);
            }
        }
        return gradient;
    }

    private static void assertClose(double[][] expected, INDArray found, double tolerance) {
        INDArray difference = Nd4j.create(expected).sub(found.castTo(DataType.DOUBLE));
        double error = difference.amaxNumber().doubleValue();
        assertTrue(error <= tolerance, () -> "largest difference " + error);
    }

    @ParameterizedTest
    @EnumSource(Similarity.class)
    void valuesAreThoseOfPlainLoops(Similarity similarity) {
        double[][] expected = PlainLogits.of(states, bases, similarity, SCALE);
        assertClose(expected, VocabularyLogits.of(Nd4j.create(states), Nd4j.create(bases), similarity, SCALE), 1e-14);
        INDArray columnMajor =
                Nd4j.create(bases).castTo(DataType.FLOAT).transpose().dup('f');
        INDArray single = VocabularyLogits.of(
                Nd4j.create(states).castTo(DataType.FLOAT).dup('f'), columnMajor.transpose(), similarity, SCALE);
        assertEquals(DataType.FLOAT, single.dataType());
        assertClose(expected, single, 1e-5);
    }

    @ParameterizedTest
    @EnumSource(Similarity.class)
    void gradientsAreThoseOfCentralDifferences(Similarity similarity) {
        double[][] epsilon = random(states.length, bases.length, 3);
        ToDoubleFunction<double[][]> sum = logits -> {
            double s = 0;
            for (int i = 0; i < logits.length; i++) {
                for (int j = 0; j < logits[0].length; j++) {
                    s += epsilon[i][j] * logits[i][j];
                }
            }
            return s;
        };
        INDArray x = Nd4j.create(states);
        INDArray b = Nd4j.create(bases);
        INDArray basesGradient = Nd4j.create(DataType.DOUBLE, bases.length, D);
        VocabularyLogits.Gradients found = VocabularyLogits.gradients(
                x,
                b,
                similarity,
                SCALE,
                VocabularyLogits.of(x, b, similarity, SCALE),
                Nd4j.create(epsilon),
                basesGradient);
        assertClose(
                differences(states, s -> sum.applyAsDouble(PlainLogits.of(s, bases, similarity, SCALE))),
                found.states(),
                1e-7);
        assertClose(
                differences(bases, s -> sum.applyAsDouble(PlainLogits.of(states, s, similarity, SCALE))),
                basesGradient,
                1e-7);
        double up = sum.applyAsDouble(PlainLogits.of(states, bases, similarity, SCALE * Math.exp(1e-6)));
        double down = sum.applyAsDouble(PlainLogits.of(states, bases, similarity, SCALE * Math.exp(-1e-6)));
        assertEquals((up - down) / 2e-6, found.logScale(), 1e-7);
    }

    @ParameterizedTest
    @EnumSource(Similarity.class)
    void crossEntropyAndItsGradientsAreThoseOfCentralDifferences(Similarity similarity) {
        INDArray ids = Nd4j.createFromArray(labels).reshape(9, 1);
        INDArray rowWeights = Nd4j.create(weights).reshape(9, 1);
        INDArray basesGradient = Nd4j.create(DataType.DOUBLE, bases.length, D);
        SparseCrossEntropy.Result found = SparseCrossEntropy.withGradients(
                Nd4j.create(states), Nd4j.create(bases), similarity, SCALE, ids, rowWeights, 1e-10, basesGradient);
        double expected = PlainLogits.crossEntropy(PlainLogits.of(states, bases, similarity, SCALE), labels, weights);
        assertEquals(expected, found.losses().sumNumber().doubleValue(), 1e-13);
        assertClose(
                differences(
                        states,
                        s -> PlainLogits.crossEntropy(PlainLogits.of(s, bases, similarity, SCALE), labels, weights)),
                found.states(),
                1e-8);
        assertClose(
                differences(
                        bases,
                        s -> PlainLogits.crossEntropy(PlainLogits.of(states, s, similarity, SCALE), labels, weights)),
                basesGradient,
                1e-8);
        INDArray losses = SparseCrossEntropy.of(
                        Nd4j.create(states), Nd4j.create(bases), similarity, SCALE, ids, rowWeights, 1e-10)
                .losses();
        assertEquals(found.losses(), losses);
    }

    /** So wide that several blocks of states and of bases are needed, the last ones incomplete. */
    @ParameterizedTest
    @EnumSource(Similarity.class)
    void blocksAddUpToTheWhole(Similarity similarity) {
        int n = 11;
        int k = 2_500_000 / 4 + 3;
        Nd4j.getRandom().setSeed(5);
        INDArray x = Nd4j.randn(DataType.DOUBLE, n, 4);
        INDArray b = Nd4j.randn(DataType.DOUBLE, k, 4);
        int[] ids = new Random(6).ints(n, 0, k).toArray();
        INDArray basesGradient = Nd4j.create(DataType.DOUBLE, k, 4);
        SparseCrossEntropy.Result found = SparseCrossEntropy.withGradients(
                x, b, similarity, 1, Nd4j.createFromArray(ids), null, 0, basesGradient);
        INDArray logits = VocabularyLogits.of(x, b, similarity, 1);
        INDArray delta = Nd4j.nn().softmax(logits, 1);
        for (int i = 0; i < n; i++) {
            assertEquals(-Math.log(delta.getDouble(i, ids[i])), found.losses().getDouble(i), 1e-9);
            delta.putScalar(i, ids[i], delta.getDouble(i, ids[i]) - 1);
        }
        INDArray whole = Nd4j.create(DataType.DOUBLE, k, 4);
        VocabularyLogits.Gradients expected = VocabularyLogits.gradients(x, b, similarity, 1, logits, delta, whole);
        assertTrue(found.states().equalsWithEps(expected.states(), 1e-10));
        assertTrue(basesGradient.equalsWithEps(whole, 1e-10));
        assertEquals(expected.logScale(), found.logScale(), 1e-9);
    }

    /** In FLOAT, wider than what is handled together, with weights, views that begin anywhere and rows for several threads. */
    @ParameterizedTest
    @EnumSource(Similarity.class)
    void floatsAndViewsGiveWhatDoublesGive(Similarity similarity) {
        int n = 70;
        int k = 2500;
        Nd4j.getRandom().setSeed(7);
        INDArray x = Nd4j.randn(DataType.FLOAT, n + 3, D);
        INDArray b = Nd4j.randn(DataType.FLOAT, k + 5, D);
        INDArray views = x.get(NDArrayIndex.interval(2, n + 2), NDArrayIndex.all());
        INDArray basisViews = b.get(NDArrayIndex.interval(4, k + 4), NDArrayIndex.all());
        INDArray ids = Nd4j.createFromArray(new Random(8).ints(n, 0, k).toArray());
        INDArray rowWeights = Nd4j.rand(DataType.FLOAT, n, 1);
        INDArray gradients = Nd4j.create(DataType.FLOAT, k + 1, D);
        INDArray gradientViews = gradients.get(NDArrayIndex.interval(1, k + 1), NDArrayIndex.all());
        SparseCrossEntropy.Result found = SparseCrossEntropy.withGradients(
                views, basisViews, similarity, SCALE, ids, rowWeights, 1e-10, gradientViews);
        INDArray expectedGradients = Nd4j.create(DataType.DOUBLE, k, D);
        SparseCrossEntropy.Result expected = SparseCrossEntropy.withGradients(
                views.castTo(DataType.DOUBLE).dup(),
                basisViews.castTo(DataType.DOUBLE).dup(),
                similarity,
                SCALE,
                ids,
                rowWeights,
                1e-10,
                expectedGradients);
        assertClose(expected.losses().toDoubleMatrix(), found.losses(), 1e-5);
        assertClose(expected.states().toDoubleMatrix(), found.states(), 1e-5);
        assertClose(expectedGradients.toDoubleMatrix(), gradientViews, 1e-5);
        assertEquals(expected.logScale(), found.logScale(), 1e-3);
        assertEquals(0, gradients.getRow(0).amaxNumber().doubleValue());
    }

    /** FLOAT on a CPU: up to a scale of 30 block after block of bases, here three of them for two blocks of states. */
    @ParameterizedTest
    @ValueSource(doubles = {1, 10, 30, 31, 200})
    void floatCosinesOfManyFrozenBasesAreThoseOfDoubles(double scale) {
        int n = 1100;
        int k = 2 * 16_384 + 5;
        Nd4j.getRandom().setSeed(9);
        INDArray x = Nd4j.randn(DataType.FLOAT, n, D);
        x.muliColumnVector(Nd4j.rand(DataType.FLOAT, n, 1).addi(1).divi(x.norm2(true, 1)));
        INDArray b = Nd4j.randn(DataType.FLOAT, k, D);
        int[] labels = new Random(10).ints(n, 0, k).toArray();
        labels[0] = 0;
        labels[1] = k - 1;
        INDArray ids = Nd4j.createFromArray(labels);
        INDArray rowWeights = Nd4j.rand(DataType.FLOAT, n, 1);
        rowWeights.putScalar(5, 0);
        SparseCrossEntropy.Result found =
                SparseCrossEntropy.withGradients(x, b, Similarity.COSINE, scale, ids, rowWeights, 1e-10, null);
        SparseCrossEntropy.Result expected = SparseCrossEntropy.withGradients(
                x.castTo(DataType.DOUBLE),
                b.castTo(DataType.DOUBLE),
                Similarity.COSINE,
                scale,
                ids,
                rowWeights,
                1e-10,
                null);
        // A logit's error, of products, norms and the factor, and that of sums over the bases in panels of the
        // product's
        double relative = (2 * scale * (D + 4) + 512) * 0x1p-24;
        assertClose(expected.losses().toDoubleMatrix(), found.losses(), relative);
        // Weights are at most 1, norms of states at least 1
        assertClose(expected.states().toDoubleMatrix(), found.states(), scale * relative);
        assertEquals(expected.logScale(), found.logScale(), n * scale * relative);
        assertEquals(0, found.states().getRow(5).amaxNumber().doubleValue());
        INDArray losses = SparseCrossEntropy.of(x, b, Similarity.COSINE, scale, ids, rowWeights, 1e-10)
                .losses();
        assertEquals(found.losses(), losses);
    }

    @Test
    void zeroVectorsHaveCosineZeroAndGradientZero() {
        INDArray x = Nd4j.create(new double[][] {{0, 0}, {3, 4}});
        INDArray b = Nd4j.create(new double[][] {{0, 0}, {1, 0}});
        assertClose(new double[][] {{0, 0}, {0, 0.6}}, VocabularyLogits.of(x, b, Similarity.COSINE, 1), 1e-15);
        INDArray basesGradient = Nd4j.create(DataType.DOUBLE, 2, 2);
        SparseCrossEntropy.Result found = SparseCrossEntropy.withGradients(
                x, b, Similarity.COSINE, 1, Nd4j.createFromArray(0, 0), null, 1e-10, basesGradient);
        assertEquals(0, found.states().getRow(0).amaxNumber().doubleValue());
        assertEquals(0, basesGradient.getRow(0).amaxNumber().doubleValue());
        assertEquals(Math.log(2), found.losses().getDouble(0), 1e-15);
        assertTrue(found.states().getRow(1).norm2Number().doubleValue() > 0.01);
    }

    @Test
    void theGradientOfADistanceOfZeroIsZero() {
        INDArray x = Nd4j.create(new double[][] {{1, 2}});
        INDArray b = Nd4j.create(new double[][] {{1, 2}, {4, 6}});
        INDArray basesGradient = Nd4j.create(DataType.DOUBLE, 2, 2);
        SparseCrossEntropy.Result found = SparseCrossEntropy.withGradients(
                x, b, Similarity.EUCLIDEAN, 1, Nd4j.createFromArray(0), null, 1e-10, basesGradient);
        double p = Math.exp(-5) / (1 + Math.exp(-5));
        // Only the second basis pulls, along (3, 4) / 5; a distance taken from squares is 0 to sqrt(2^-52) of them
        assertClose(new double[][] {{p * 0.6, p * 0.8}}, found.states(), 1e-7);
        assertClose(new double[][] {{0, 0}, {-p * 0.6, -p * 0.8}}, basesGradient, 1e-7);
    }

    @Test
    void aCosineWithScaleOneHasALowestLoss() {
        INDArray b = Nd4j.create(new double[][] {{1, 0}, {-1, 0}});
        double found = SparseCrossEntropy.of(
                        Nd4j.create(new double[][] {{7, 0}}),
                        b,
                        Similarity.COSINE,
                        1,
                        Nd4j.createFromArray(0),
                        null,
                        1e-10)
                .losses()
                .getDouble(0);
        assertEquals(Math.log(1 + Math.exp(-2)), found, 1e-12);
    }

    @Test
    void oneBasisAloneIsCertain() {
        SparseCrossEntropy.Result found = SparseCrossEntropy.withGradients(
                Nd4j.create(states),
                Nd4j.create(random(1, D, 4)),
                Similarity.COSINE,
                1,
                Nd4j.zeros(DataType.INT, 9),
                null,
                1e-10,
                null);
        assertEquals(0, found.losses().amaxNumber().doubleValue(), 1e-9);
        assertEquals(0, found.states().amaxNumber().doubleValue(), 1e-12);
    }

    @Test
    void badArgumentsAreNamed() {
        INDArray x = Nd4j.create(states);
        INDArray b = Nd4j.create(bases);
        for (double scale : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertMessage("scale must be positive", () -> VocabularyLogits.of(x, b, Similarity.COSINE, scale));
        }
        assertMessage(
                "d = 6 features of the bases, found shape [9, 5]",
                () -> VocabularyLogits.of(Nd4j.ones(DataType.DOUBLE, 9, 5), b, Similarity.COSINE, 1));
        assertMessage("bases must be a matrix", () -> VocabularyLogits.of(x, Nd4j.ones(2, 3, 4), Similarity.COSINE, 1));
        assertMessage(
                "labels must be token ids in [0, 5), found 5 for state 3",
                () -> SparseCrossEntropy.of(
                        x, b, Similarity.DOT, 1, Nd4j.createFromArray(0, 0, 0, 5, 0, 0, 0, 0, 0), null, 0));
        assertMessage(
                "labels must have one element per state: expected 9",
                () -> SparseCrossEntropy.of(x, b, Similarity.DOT, 1, Nd4j.createFromArray(0, 0), null, 0));
        assertMessage(
                "weights must have one element per state: expected 9",
                () -> SparseCrossEntropy.of(
                        x, b, Similarity.DOT, 1, Nd4j.zeros(DataType.INT, 9), Nd4j.ones(DataType.DOUBLE, 8), 0));
        assertMessage(
                "epsilon must have the logits' shape [9, 5]",
                () -> VocabularyLogits.gradients(
                        x, b, Similarity.DOT, 1, VocabularyLogits.of(x, b, Similarity.DOT, 1), x, null));
    }

    private static void assertMessage(String part, org.junit.jupiter.api.function.Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(part), message);
    }
}
