/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.QRDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class TwoNNTest {

    /** The definition, word by word, on plain arrays. */
    static double reference(double[][] x, double discardFraction) {
        double[] logRatios = new double[x.length];
        int valid = 0;
        for (int i = 0; i < x.length; i++) {
            double r1 = Double.POSITIVE_INFINITY;
            double r2 = Double.POSITIVE_INFINITY;
            for (int j = 0; j < x.length; j++) {
                if (j == i) {
                    continue;
                }
                double square = 0;
                for (int k = 0; k < x[i].length; k++) {
                    square += (x[i][k] - x[j][k]) * (x[i][k] - x[j][k]);
                }
                double r = Math.sqrt(square);
                r2 = Math.min(r2, Math.max(r, r1));
                r1 = Math.min(r1, r);
            }
            if (r1 > 0) {
                logRatios[valid++] = Math.log(r2 / r1);
            }
        }
        double[] sorted = Arrays.copyOf(logRatios, valid);
        Arrays.sort(sorted);
        int fitted = Math.min((int) (valid * (1 - discardFraction)), valid - 1);
        double xy = 0;
        double xx = 0;
        for (int i = 1; i <= fitted; i++) {
            double survival = 1 - (double) i / valid;
            xy += sorted[i - 1] * -Math.log(survival);
            xx += sorted[i - 1] * sorted[i - 1];
        }
        return xy / xx;
    }

    /** Uniform points of a k-dimensional cube, laid at random into n dimensions by an isometry. */
    static double[][] cube(int points, int dimension, int width, long seed) {
        Random random = new Random(seed);
        RealMatrix gaussian = MatrixUtils.createRealMatrix(width, dimension);
        RealMatrix uniform = MatrixUtils.createRealMatrix(points, dimension);
        for (int j = 0; j < dimension; j++) {
            for (int i = 0; i < width; i++) {
                gaussian.setEntry(i, j, random.nextGaussian());
            }
            for (int i = 0; i < points; i++) {
                uniform.setEntry(i, j, random.nextDouble());
            }
        }
        RealMatrix orthonormal = new QRDecomposition(gaussian).getQ().getSubMatrix(0, width - 1, 0, dimension - 1);
        return uniform.multiply(orthonormal.transpose()).getData();
    }

    private static void assertMatchesReference(INDArray points, double discardFraction, double tolerance) {
        double expected = reference(points.castTo(DataType.DOUBLE).toDoubleMatrix(), discardFraction);
        assertEquals(expected, TwoNN.of(points, discardFraction), tolerance * expected);
    }

    @ParameterizedTest
    @CsvSource({"DOUBLE,0.1", "DOUBLE,0", "FLOAT,0.1", "FLOAT,0.5", "HALF,0.1", "BFLOAT16,0.1"})
    void equalsBruteForceOnTheStoredValues(DataType type, double discardFraction) {
        INDArray points = Nd4j.createFromArray(cube(700, 4, 30, 1)).castTo(type);
        // both sides see the same rounded values; only summation orders differ
        assertMatchesReference(points, discardFraction, 1e-11);
    }

    @Test
    void equalsBruteForceAcrossBlocks() {
        // 5 000 points make blocks of 838 rows
        INDArray points = Nd4j.createFromArray(cube(5000, 3, 12, 2)).castTo(DataType.FLOAT);
        assertMatchesReference(points, 0.1, 1e-11);
    }

    /**
     * The relative standard error of a slope fitted to M ratios is about 1/√M (that of the maximum likelihood estimate) or
     * a little above: 2.2 % for 2 000 points, so 9 % are four of them. The boundary of the cube lowers the estimate by
     * the share of points whose neighbourhood it cuts, which grows with the dimension.
     */
    @ParameterizedTest
    @CsvSource({"1,1.0", "2,1.0", "3,0.97", "5,0.93"})
    void findsTheDimensionOfAnEmbeddedCube(int dimension, double boundaryFactor) {
        INDArray points = Nd4j.createFromArray(cube(2000, dimension, 40, 3)).castTo(DataType.FLOAT);
        assertEquals(dimension * boundaryFactor, TwoNN.of(points), 0.09 * dimension);
    }

    @Test
    void findsTheDimensionOfACurvedManifold() {
        Random random = new Random(4);
        double[][] circle = new double[2000][10];
        for (double[] point : circle) {
            double angle = 2 * Math.PI * random.nextDouble();
            point[3] = Math.cos(angle);
            point[7] = Math.sin(angle);
        }
        assertEquals(1, TwoNN.of(Nd4j.createFromArray(circle)), 0.09);
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-12, 1e12})
    void ignoresScaleAndTranslation(double scale) {
        INDArray points = Nd4j.createFromArray(cube(600, 3, 20, 5)).castTo(DataType.FLOAT);
        double expected = TwoNN.of(points);
        // scaling rounds each float32 coordinate anew: 6e-8 of the coordinates, some 1e-6 of nearest distances
        assertEquals(expected, TwoNN.of(points.mul(scale)), 1e-4 * expected);
        assertMatchesReference(points.add(1000), 0.1, 1e-11);
    }

    @Test
    void nearDuplicatesKeepTheirTinyDistance() {
        double[][] x = cube(400, 3, 16, 6);
        for (int i = 0; i < 200; i++) {
            x[i + 200] = x[i].clone();
            x[i + 200][i % 16] += 1e-7; // far below the rounding of ‖x‖² + ‖y‖² − 2x·y in float32
        }
        assertMatchesReference(Nd4j.createFromArray(x), 0.1, 1e-6);
    }

    @Test
    void tightClustersFarApartNeedTheExhaustiveSearch() {
        // ten clusters, each narrower than what the matrix product can resolve next to their distance from the centre
        Random random = new Random(7);
        double[][] x = new double[300][8];
        for (int i = 0; i < x.length; i++) {
            for (int k = 0; k < 8; k++) {
                x[i][k] = ((i % 10) * 31 + k * 17) % 23 + 1e-10 * random.nextGaussian();
            }
        }
        assertMatchesReference(Nd4j.createFromArray(x), 0.1, 1e-9);
    }

    @Test
    void oneFarPointDoesNotDisturbTheOthers() {
        double[][] x = cube(500, 2, 6, 8);
        Arrays.fill(x[77], 1e9);
        assertMatchesReference(Nd4j.createFromArray(x), 0.1, 1e-7);
    }

    @Test
    void exactDuplicatesAreDroppedButRemainNeighbours() {
        double[][] x = cube(300, 2, 6, 9);
        for (int i = 0; i < 30; i++) {
            x[i + 100] = x[i].clone(); // pairs
            x[200 + i] = x[299].clone(); // one point, 31 times: more than the candidates kept per point
        }
        assertMatchesReference(Nd4j.createFromArray(x), 0.1, 1e-11);
        assertMatchesReference(Nd4j.createFromArray(x).castTo(DataType.FLOAT), 0.1, 1e-11);
    }

    @Test
    void smallestInput() {
        // r2/r1 = 3, 2, 1.5 on the line 0, 1, 3; the two smaller ones are fitted
        double[] logs = {Math.log(1.5), Math.log(2)};
        double expected =
                (logs[0] * -Math.log(2 / 3.0) + logs[1] * -Math.log(1 / 3.0)) / (logs[0] * logs[0] + logs[1] * logs[1]);
        assertEquals(expected, TwoNN.of(Nd4j.createFromArray(new double[][] {{0}, {1}, {3}})), 1e-12);
        assertEquals(expected, TwoNN.of(Nd4j.createFromArray(new double[][] {{0}, {1}, {3}}), 0), 1e-12);
    }

    @Test
    void acceptsViewsAndLeavesThemUnchanged() {
        INDArray points = Nd4j.createFromArray(cube(200, 3, 9, 10));
        INDArray view = points.transpose().dup().transpose(); // rows are strided
        INDArray before = view.dup();
        assertEquals(TwoNN.of(points), TwoNN.of(view), 1e-12);
        assertEquals(before, view);
    }

    @Test
    @Tag("slow")
    void twentyThousandPoints() {
        INDArray points = Nd4j.createFromArray(cube(20_000, 2, 64, 11)).castTo(DataType.FLOAT);
        assertEquals(2, TwoNN.of(points), 0.04); // four standard errors of 0.7 %, and the boundary
    }

    @Test
    void rejectsBadInput() {
        INDArray good = Nd4j.createFromArray(cube(10, 2, 3, 12));
        for (double fraction : new double[] {-0.1, 1, 1.5, Double.NaN}) {
            assertMessage("discardFraction must be in [0, 1), found " + fraction, good, fraction);
        }
        assertMessage("at least 3 rows, found 2", good.get(org.nd4j.linalg.indexing.NDArrayIndex.interval(0, 2)), 0.1);
        assertMessage("matrix [N, n], found shape [2, 2, 2]", Nd4j.ones(2, 2, 2), 0.1);
        assertMessage("without an exact duplicate, found 0 among 5", Nd4j.ones(5, 3), 0.1);
        assertMessage(
                "without an exact duplicate, found 1 among 3",
                Nd4j.createFromArray(new double[][] {{0}, {0}, {1}}),
                0.1);
        // the corners of a regular simplex: all distances are equal
        assertMessage("every one of these is 1", Nd4j.eye(6).castTo(DataType.DOUBLE), 0.1);
        assertMessage("0 remain after discardFraction 0.95", good, 0.95);
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            assertMessage("points must be finite", good.dup().putScalar(4, 1, bad), 0.1);
        }
    }

    private static void assertMessage(String part, INDArray points, double discardFraction) {
        String message = assertThrows(IllegalArgumentException.class, () -> TwoNN.of(points, discardFraction))
                .getMessage();
        assertTrue(message.contains(part), message);
    }
}
