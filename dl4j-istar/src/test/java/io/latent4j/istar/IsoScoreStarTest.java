/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The kernel against the published SVD algorithm in float64, finite differences, and closed forms. */
class IsoScoreStarTest {
    private static final int[][] SHAPES = {
        {300, 24}, {40, 24}, {12, 24}, {2, 24}, {25, 24}, {24, 24}, {1500, 2}, {2100, 7}
    };

    private static INDArray array(double[][] points, DataType type) {
        return Nd4j.create(points).castTo(type);
    }

    private static double[][] shrinkage(int n, long seed) {
        return new org.apache.commons.math3.stat.correlation.Covariance(Clouds.SCALED.draw(5 * n, n, seed), true)
                .getCovarianceMatrix()
                .getData();
    }

    private static double relativeError(INDArray found, INDArray expected) {
        INDArray reference = expected.castTo(DataType.DOUBLE);
        return found.castTo(DataType.DOUBLE).sub(reference).norm2Number().doubleValue()
                / reference.norm2Number().doubleValue();
    }

    @ParameterizedTest
    @EnumSource(Clouds.class)
    void agreesWithThePublishedAlgorithmInDouble(Clouds cloud) {
        for (int[] shape : SHAPES) {
            double[][] points = cloud.draw(shape[0], shape[1], 7);
            double[][] shrinkage = shrinkage(shape[1], 8);
            for (double zeta : new double[] {0, 0.2, 0.8, 1}) {
                double expected = PublishedIsoScore.of(points, shrinkage, zeta);
                double found = IsoScoreStar.of(array(points, DataType.DOUBLE), Nd4j.create(shrinkage), zeta);
                assertEquals(expected, found, 1e-12, () -> cloud + " " + shape[0] + "x" + shape[1] + " zeta " + zeta);
            }
            assertEquals(PublishedIsoScore.of(points, null, 0), IsoScoreStar.of(array(points, DataType.DOUBLE)), 1e-12);
        }
    }

    @ParameterizedTest
    @EnumSource(Clouds.class)
    void agreesWithThePublishedAlgorithmInFloatAtAnyScale(Clouds cloud) {
        for (int[] shape : SHAPES) {
            for (double scale : new double[] {1, 1e12, 1e-12, 1e25, 1e-25}) {
                double[][] points = Clouds.asFloats(cloud.draw(shape[0], shape[1], 11), scale);
                double expected = PublishedIsoScore.of(points, null, 0);
                double found = IsoScoreStar.of(array(points, DataType.FLOAT));
                assertEquals(expected, found, 1e-6, () -> cloud + " " + shape[0] + "x" + shape[1] + " scale " + scale);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e200, 1e-200})
    void doubleDataMayHaveSquaresBeyondItsRange(double scale) {
        INDArray points = array(Clouds.SCALED.draw(50, 6, 3), DataType.DOUBLE);
        assertEquals(IsoScoreStar.of(points), IsoScoreStar.of(points.mul(scale)), 1e-12);
        IsoScoreStar.ScoreAndGradient scaled = IsoScoreStar.withGradient(Points.rows(points.mul(scale)));
        INDArray expected = IsoScoreStar.withGradient(Points.rows(points)).gradient();
        assertTrue(relativeError(scaled.gradient().mul(scale), expected) < 1e-12);
    }

    @ParameterizedTest
    @CsvSource({"ISOTROPIC,1e-6", "SCALED,1e-6", "RANK_DEFICIENT,1e-6", "OUTLIER_DIMENSION,1e-4", "FAR_FROM_ORIGIN,1e-4"
    })
    void floatGradientIsCloseToTheDoubleOne(Clouds cloud, double tolerance) {
        for (int[] shape : new int[][] {{4096, 64}, {512, 128}, {64, 128}}) {
            double[][] points = Clouds.asFloats(cloud.draw(shape[0], shape[1], 5), 1);
            INDArray shrinkage = Nd4j.create(shrinkage(shape[1], 6));
            for (double zeta : new double[] {0, 0.4}) {
                INDArray expected = IsoScoreStar.withGradient(
                                Points.rows(array(points, DataType.DOUBLE)), shrinkage, zeta)
                        .gradient();
                INDArray found = IsoScoreStar.withGradient(
                                Points.rows(array(points, DataType.FLOAT)), shrinkage.castTo(DataType.FLOAT), zeta)
                        .gradient();
                double error = relativeError(found, expected);
                assertTrue(
                        error <= tolerance,
                        () -> cloud + " " + shape[0] + "x" + shape[1] + " zeta " + zeta + ": " + error);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"30,5,0", "30,5,0.3", "4,9,0", "4,9,0.3", "9,9,0.7", "6,5,1"})
    void gradientAgreesWithFiniteDifferencesOfThePublishedAlgorithm(int rows, int n, double zeta) {
        for (Clouds cloud : Clouds.values()) {
            double[][] points = cloud.draw(rows, n, 21);
            double[][] shrinkage = shrinkage(n, 22);
            INDArray expected = Nd4j.create(PublishedIsoScore.gradient(points, shrinkage, zeta, 1e-5));
            INDArray found = IsoScoreStar.withGradient(
                            Points.rows(array(points, DataType.DOUBLE)), Nd4j.create(shrinkage), zeta)
                    .gradient();
            double error = found.sub(expected).norm2Number().doubleValue();
            // Central differences are exact to about step² + 1e-16/step = 1e-10 of values of order 1
            assertTrue(error < 1e-8, () -> cloud + ": " + error);
        }
    }

    @Test
    void diagonalCovariancesHaveTheirClosedForm() {
        int n = 12;
        for (int k = 1; k <= n; k++) {
            INDArray diagonal = Nd4j.zeros(DataType.DOUBLE, n, n);
            for (int i = 0; i < k; i++) {
                diagonal.putScalar(i, i, 3.5);
            }
            assertEquals((k - 1.0) / (n - 1), IsoScoreStar.ofCovariance(diagonal), 1e-15);
            assertEquals((k - 1.0) / (n - 1), IsoScoreStar.ofCovariance(diagonal.mul(1e-300)), 1e-14);
        }
        double[][] covariance = shrinkage(9, 4);
        assertEquals(
                PublishedIsoScore.ofCovariance(covariance), IsoScoreStar.ofCovariance(Nd4j.create(covariance)), 1e-12);
    }

    @Test
    void isInvariantToTranslationScaleAndRotation() {
        INDArray points = array(Clouds.SCALED.draw(200, 6, 13), DataType.DOUBLE);
        double score = IsoScoreStar.of(points);
        assertEquals(score, IsoScoreStar.of(points.add(1234.5)), 1e-10);
        assertEquals(score, IsoScoreStar.of(points.mul(-17)), 1e-13);
        double[][] random = Clouds.ISOTROPIC.draw(6, 6, 14);
        INDArray rotation = Nd4j.create(new org.apache.commons.math3.linear.QRDecomposition(
                        new org.apache.commons.math3.linear.Array2DRowRealMatrix(random))
                .getQ()
                .getData());
        assertEquals(score, IsoScoreStar.of(points.mmul(rotation)), 1e-13);
    }

    @Test
    void isotropicSampleHasTheExpectedBias() {
        int rows = 400;
        int n = 20;
        double ratio = 0;
        for (int seed = 0; seed < 20; seed++) {
            double score = IsoScoreStar.of(array(Clouds.ISOTROPIC.draw(rows, n, seed), DataType.DOUBLE));
            ratio += (1 + score * (n - 1)) / 20;
        }
        double expected = n * (rows - 1.0) / (rows - 1 + n);
        assertEquals(expected, ratio, 0.01 * expected);
    }

    @Test
    void weightsAreCounts() {
        double[][] points = Clouds.SCALED.draw(60, 5, 31);
        Random random = new Random(32);
        double[] weights = new double[60];
        java.util.List<double[]> repeated = new java.util.ArrayList<>();
        for (int i = 0; i < 60; i++) {
            weights[i] = random.nextInt(4);
            for (int k = 0; k < weights[i]; k++) {
                repeated.add(points[i]);
            }
        }
        INDArray w = Nd4j.createFromArray(weights);
        Points weighted = Points.rows(array(points, DataType.DOUBLE), w);
        INDArray expanded = array(repeated.toArray(new double[0][]), DataType.DOUBLE);
        assertEquals(IsoScoreStar.of(expanded), IsoScoreStar.of(weighted), 1e-13);

        // Σ_S keeps the denominators W−1 from cancelling; a point that counts k times feels k times the pull
        INDArray shrinkage = Nd4j.create(shrinkage(5, 33));
        IsoScoreStar.ScoreAndGradient found = IsoScoreStar.withGradient(weighted, shrinkage, 0.5);
        IsoScoreStar.ScoreAndGradient expected = IsoScoreStar.withGradient(Points.rows(expanded), shrinkage, 0.5);
        assertEquals(expected.score(), found.score(), 1e-13);
        int row = 0;
        for (int i = 0; i < 60; i++) {
            INDArray sum = Nd4j.zeros(DataType.DOUBLE, 5);
            for (int k = 0; k < weights[i]; k++) {
                sum.addi(expected.gradient().getRow(row++));
            }
            assertArrayEquals(sum.toDoubleVector(), found.gradient().getRow(i).toDoubleVector(), 1e-14);
        }
    }

    @ParameterizedTest
    @CsvSource({"7,3,5,c", "7,3,5,f", "2,40,3,f", "600,4,9,f"})
    void timeStepsOfEitherLayoutEqualTheirRows(int examples, int n, int steps, char order) {
        INDArray ncw = array(Clouds.SCALED.draw(examples, n * steps, 41), DataType.DOUBLE)
                .reshape('c', examples, n, steps)
                .dup(order);
        INDArray nwc = ncw.permute(0, 2, 1).dup(order);
        INDArray rows = ncw.permute(0, 2, 1).dup('c').reshape('c', examples * steps, n);
        INDArray mask = Nd4j.ones(DataType.DOUBLE, examples, steps);
        mask.putScalar(0, steps - 1, 0).putScalar(1, 1, 0);
        for (INDArray m : new INDArray[] {null, mask}) {
            INDArray rowMask = m == null ? null : m.dup('c').reshape((long) examples * steps);
            IsoScoreStar.ScoreAndGradient expected = IsoScoreStar.withGradient(Points.rows(rows, rowMask));
            IsoScoreStar.ScoreAndGradient fromNcw = IsoScoreStar.withGradient(Points.timeSteps(ncw, false, m));
            IsoScoreStar.ScoreAndGradient fromNwc = IsoScoreStar.withGradient(Points.timeSteps(nwc, true, m));
            assertEquals(expected.score(), fromNcw.score(), 1e-13);
            assertEquals(expected.score(), fromNwc.score(), 1e-13);
            INDArray gradient = expected.gradient().reshape('c', examples, steps, n);
            assertTrue(relativeError(fromNwc.gradient(), gradient) < 1e-12);
            assertTrue(relativeError(fromNcw.gradient(), gradient.permute(0, 2, 1)) < 1e-12);
        }
    }

    @Test
    void unionOfCloudsEqualsTheirConcatenation() {
        for (int n : new int[] {4, 90}) {
            INDArray a = array(Clouds.SCALED.draw(30, n, 51), DataType.DOUBLE);
            INDArray b = array(Clouds.FAR_FROM_ORIGIN.draw(40, n, 52), DataType.DOUBLE)
                    .dup('f');
            INDArray shrinkage = Nd4j.create(shrinkage(n, 53));
            IsoScoreStar.ScoreAndGradient expected =
                    IsoScoreStar.withGradient(Points.rows(Nd4j.vstack(a, b)), shrinkage, 0.3);
            IsoScoreStar.Evaluation found =
                    IsoScoreStar.evaluate("states", List.of(Points.rows(a), Points.rows(b)), shrinkage, 0.3, true);
            assertEquals(expected.score(), found.score(), 1e-13);
            INDArray ga = Nd4j.ones(DataType.DOUBLE, 30, n);
            INDArray gb = Nd4j.zeros(DataType.DOUBLE, 40, n).dup('f');
            found.addGradient(-2, List.of(ga, gb));
            INDArray both = Nd4j.vstack(ga.sub(1), gb);
            assertTrue(both.equalsWithEps(expected.gradient().mul(-2), 1e-14));
        }
    }

    @Test
    void sortedDataKeepItsDigits() {
        // The first block is constant but for noise and far from the rest: the worst case for a shifted sum
        double[][] points = Clouds.ISOTROPIC.draw(60_000, 8, 61);
        for (int i = 0; i < 60_000; i++) {
            points[i][3] = 1e-2 * points[i][3] + (i < 300 ? -1000 : 0.5 * i / 60_000);
        }
        points = Clouds.asFloats(points, 1);
        assertEquals(
                IsoScoreStar.of(array(points, DataType.DOUBLE)), IsoScoreStar.of(array(points, DataType.FLOAT)), 1e-6);
    }

    @Test
    void narrowTypesAreComputedInFloat() {
        for (DataType type : new DataType[] {DataType.FLOAT16, DataType.BFLOAT16}) {
            INDArray narrow = array(Clouds.SCALED.draw(128, 16, 71), type);
            INDArray wide = narrow.castTo(DataType.FLOAT);
            IsoScoreStar.ScoreAndGradient found = IsoScoreStar.withGradient(Points.rows(narrow));
            assertEquals(IsoScoreStar.of(wide), found.score(), 1e-7);
            assertEquals(type, found.gradient().dataType());
            INDArray expected = IsoScoreStar.withGradient(Points.rows(wide)).gradient();
            // Half an ulp of a type with 8 or 11 significant bits; HALF also underflows below 6e-8
            assertTrue(relativeError(found.gradient(), expected) < 0x1p-8);
        }
    }

    @Test
    void viewsAndOrderingsMakeNoDifference() {
        INDArray base = array(Clouds.SCALED.draw(80, 20, 81), DataType.FLOAT);
        INDArray view = base.get(
                org.nd4j.linalg.indexing.NDArrayIndex.interval(3, 70),
                org.nd4j.linalg.indexing.NDArrayIndex.interval(2, 12));
        INDArray copy = view.dup('c');
        INDArray before = base.dup();
        IsoScoreStar.ScoreAndGradient expected = IsoScoreStar.withGradient(Points.rows(copy));
        for (INDArray points :
                new INDArray[] {view, view.dup('f'), copy.transpose().dup('c').transpose()}) {
            IsoScoreStar.ScoreAndGradient found = IsoScoreStar.withGradient(Points.rows(points));
            assertEquals(expected.score(), found.score(), 1e-7);
            assertTrue(relativeError(found.gradient(), expected.gradient()) < 1e-6);
        }
        assertEquals(before, base, "the argument must not change");
    }

    /** Small means: multiplied as they are; larger ones: shifted first; fewer points than dimensions: Gram matrix. */
    @ParameterizedTest
    @CsvSource({
        "5000,70,0,5e-6",
        "5000,70,0.3,5e-6",
        "5000,70,1,5e-6",
        "5000,70,50,1e-4",
        "4098,33,0.3,5e-6",
        "2048,40,0.2,5e-6",
        "30,70,0,5e-6",
        "30,70,0.3,5e-6",
        "30,70,1,5e-6",
        "30,70,50,1e-4"
    })
    void rowMajorPointsEqualThoseOfOtherLayouts(int rows, int n, double offset, double tolerance) {
        double[][] drawn = Clouds.SCALED.draw(rows, n, 101);
        for (double[] point : drawn) {
            for (int j = 0; j < n; j++) {
                point[j] += offset;
            }
        }
        double[][] points = Clouds.asFloats(drawn, 1);
        double score = PublishedIsoScore.of(points, null, 0);
        INDArray expected = IsoScoreStar.withGradient(
                        Points.rows(array(points, DataType.DOUBLE).dup('f')))
                .gradient();
        INDArray matrix = array(points, DataType.FLOAT).dup('c');
        INDArray framed = Nd4j.create(DataType.FLOAT, new long[] {rows + 5, n}, 'c');
        INDArray view = framed.get(
                org.nd4j.linalg.indexing.NDArrayIndex.interval(3, rows + 3),
                org.nd4j.linalg.indexing.NDArrayIndex.all());
        view.assign(matrix);
        INDArray steps = matrix.reshape('c', rows / 2, 2, n);
        for (Points cloud : List.of(
                Points.rows(matrix),
                Points.rows(view),
                Points.rows(matrix.dup('f')),
                Points.timeSteps(steps, true, null),
                Points.timeSteps(steps.permute(0, 2, 1).dup('c'), false, null),
                Points.timeSteps(steps.permute(0, 2, 1).dup('f'), false, null))) {
            IsoScoreStar.ScoreAndGradient found = IsoScoreStar.withGradient(cloud);
            assertEquals(score, found.score(), 1e-6);
            INDArray gradient = inOrderOf(cloud, expected);
            assertTrue(relativeError(found.gradient(), gradient) < tolerance, () -> cloud + "");
            for (char order : new char[] {'c', 'f'}) {
                INDArray sum = Nd4j.ones(DataType.FLOAT, cloud.array().shape()).dup(order);
                double factor = 1 / gradient.norm2Number().doubleValue();
                IsoScoreStar.evaluate("points", List.of(cloud), null, 0, true).addGradient(factor, List.of(sum));
                double error = sum.castTo(DataType.DOUBLE)
                        .sub(1)
                        .sub(gradient.mul(factor))
                        .norm2Number()
                        .doubleValue();
                // The sum itself is a float near 1
                assertTrue(error < tolerance + 1e-7 * Math.sqrt(sum.length()), () -> cloud + " " + order);
            }
        }
        INDArray itself = matrix.dup();
        IsoScoreStar.evaluate("points", List.of(Points.rows(itself)), null, 0, true)
                .addGradient(1, List.of(itself));
        INDArray sum = matrix.castTo(DataType.DOUBLE).add(expected);
        assertTrue(relativeError(itself, sum) < 1e-6);
    }

    private static INDArray inOrderOf(Points cloud, INDArray rows) {
        long[] shape = cloud.array().shape();
        if (shape.length == 2) {
            return rows;
        }
        boolean featuresLast = shape[2] == rows.columns();
        INDArray steps = rows.dup('c').reshape('c', shape[0], 2, rows.columns());
        return featuresLast ? steps : steps.permute(0, 2, 1);
    }

    @Test
    void aSampleThatMisjudgesTheMeanCostsTimeAndNoDigits() {
        double[][] small = Clouds.ISOTROPIC.draw(4096, 4, 111);
        double[][] large = Clouds.ISOTROPIC.draw(4096, 4, 112);
        for (int i = 0; i < 4096; i++) {
            boolean sampled = i % 256 == 128;
            for (int j = 0; j < 4; j++) {
                small[i][j] = 1 + (sampled ? 4 : 1e-2) * small[i][j];
                large[i][j] = sampled ? 1 + 1e-3 * large[i][j] : 1 + 3 * large[i][j];
            }
        }
        for (double[][] drawn : List.of(small, large)) {
            double[][] points = Clouds.asFloats(drawn, 1);
            IsoScoreStar.ScoreAndGradient found = IsoScoreStar.withGradient(Points.rows(array(points, DataType.FLOAT)));
            IsoScoreStar.ScoreAndGradient expected =
                    IsoScoreStar.withGradient(Points.rows(array(points, DataType.DOUBLE)));
            assertEquals(PublishedIsoScore.of(points, null, 0), found.score(), 1e-6);
            assertTrue(relativeError(found.gradient(), expected.gradient()) < 1e-5);
        }
    }

    @Test
    void weightedViewsOfViewsAreReadInBlocks() {
        INDArray base = array(Clouds.SCALED.draw(9000, 3, 121), DataType.FLOAT);
        INDArray view = base.get(
                org.nd4j.linalg.indexing.NDArrayIndex.interval(3900, 8997),
                org.nd4j.linalg.indexing.NDArrayIndex.all());
        INDArray weights = Nd4j.ones(DataType.FLOAT, view.rows());
        weights.putScalar(7, 0).putScalar(5000, 3);
        for (INDArray array : new INDArray[] {view, view.reshape('c', view.rows(), 1, 3)}) {
            INDArray copy = array.dup('c');
            boolean rows = array.rank() == 2;
            INDArray mask = weights.reshape('c', view.rows(), 1);
            IsoScoreStar.ScoreAndGradient found =
                    IsoScoreStar.withGradient(rows ? Points.rows(array, weights) : Points.timeSteps(array, true, mask));
            IsoScoreStar.ScoreAndGradient expected =
                    IsoScoreStar.withGradient(rows ? Points.rows(copy, weights) : Points.timeSteps(copy, true, mask));
            assertEquals(expected.score(), found.score(), 1e-9);
            assertTrue(relativeError(found.gradient(), expected.gradient()) < 1e-7);
        }
    }

    @Test
    void undefinedScoresAndBadArgumentsAreNamed() {
        INDArray points = array(Clouds.ISOTROPIC.draw(10, 4, 91), DataType.FLOAT);
        INDArray identity = Nd4j.eye(4);
        assertMessage("zeta must be in [0, 1], found 1.5", () -> IsoScoreStar.of(points, identity, 1.5));
        assertMessage("zeta must be in [0, 1], found NaN", () -> IsoScoreStar.of(points, identity, Double.NaN));
        assertMessage("at least 2 dimensions, found 1", () -> IsoScoreStar.of(Nd4j.ones(5, 1)));
        assertMessage("at least 2 points", () -> IsoScoreStar.of(Nd4j.ones(1, 4)));
        assertMessage("rank 2, found shape [2, 3, 4]", () -> IsoScoreStar.of(Nd4j.ones(2, 3, 4)));
        assertMessage("found INT", () -> IsoScoreStar.of(Nd4j.ones(DataType.INT32, 3, 4)));
        assertMessage(
                "expected 10 for points of shape [10, 4], found shape [9]", () -> Points.rows(points, Nd4j.ones(9)));
        assertMessage(
                "weights must be finite and >= 0",
                () -> Points.rows(points, Nd4j.ones(10).muli(-1)));
        assertMessage("total weight of 0.0", () -> IsoScoreStar.of(Points.rows(points, Nd4j.zeros(10))));
        for (double constant : new double[] {0, 0.1, -3e7, 1e-30, 1e30}) {
            for (int rows : new int[] {3, 1000, 5000}) {
                assertMessage(
                        "coincide",
                        () -> IsoScoreStar.of(Nd4j.valueArrayOf(new long[] {rows, 4}, constant, DataType.FLOAT)));
                assertMessage(
                        "coincide",
                        () -> IsoScoreStar.of(Nd4j.valueArrayOf(new long[] {rows, 4}, constant, DataType.DOUBLE)));
            }
        }
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            assertMessage(
                    "points must be finite", () -> IsoScoreStar.of(points.dup().putScalar(2, 2, bad)));
            assertMessage(
                    "points must be finite",
                    () -> IsoScoreStar.of(Nd4j.ones(2, 4).putScalar(1, 2, bad)));
            assertMessage(
                    "covariance must be finite",
                    () -> IsoScoreStar.ofCovariance(Nd4j.eye(4).putScalar(2, 2, bad)));
        }
        assertMessage("must have shape [4, 4], found [3, 3]", () -> IsoScoreStar.of(points, Nd4j.eye(3), 0.5));
        assertMessage(
                "must be symmetric", () -> IsoScoreStar.of(points, Nd4j.eye(4).putScalar(1, 2, 0.5), 0.5));
        assertMessage(
                "must be positive semi-definite",
                () -> IsoScoreStar.of(points, Nd4j.eye(4).putScalar(1, 2, 1.5).putScalar(2, 1, 1.5), 0.5));
        assertMessage(
                "variances >= 0", () -> IsoScoreStar.ofCovariance(Nd4j.eye(4).putScalar(1, 1, -1)));
        assertMessage("must not be zero", () -> IsoScoreStar.ofCovariance(Nd4j.zeros(4, 4)));
        assertMessage(
                "mask must have shape [2, 5]", () -> Points.timeSteps(Nd4j.ones(2, 4, 5), false, Nd4j.ones(2, 4)));
    }

    private static void assertMessage(String part, org.junit.jupiter.api.function.Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(part), message);
    }
}
