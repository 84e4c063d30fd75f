/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The O(N·n) form against the N² cosines. */
class CosineRegularizerTest {

    private static double pairwise(double[][] points) {
        double sum = 0;
        int n = points.length;
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                if (i != j) {
                    double dot = 0;
                    double a = 0;
                    double b = 0;
                    for (int k = 0; k < points[0].length; k++) {
                        dot += points[i][k] * points[j][k];
                        a += points[i][k] * points[i][k];
                        b += points[j][k] * points[j][k];
                    }
                    sum += a > 0 && b > 0 ? dot / Math.sqrt(a * b) : 0;
                }
            }
        }
        return sum / ((double) n * n);
    }

    @Test
    void equalsTheMeanOfAllCosines() {
        for (Clouds cloud : Clouds.values()) {
            double[][] points = cloud.draw(70, 6, 3);
            points[5] = new double[6];
            assertEquals(pairwise(points), CosineRegularizer.of(Nd4j.create(points)), 1e-13);
            double[][] rounded = Clouds.asFloats(points, 1);
            assertEquals(
                    pairwise(rounded), CosineRegularizer.of(Nd4j.create(rounded).castTo(DataType.FLOAT)), 1e-6);
        }
    }

    @Test
    void gradientAgreesWithFiniteDifferences() {
        double[][] points = Clouds.SCALED.draw(15, 4, 5);
        points[3] = new double[4];
        INDArray gradient = Nd4j.zeros(DataType.DOUBLE, 15, 4);
        CosineRegularizer.evaluate("points", Points.rows(Nd4j.create(points))).addGradient(2, gradient);
        for (int i = 0; i < 15; i++) {
            for (int j = 0; j < 4; j++) {
                if (i == 3) {
                    assertEquals(0, gradient.getDouble(i, j));
                    continue;
                }
                double old = points[i][j];
                points[i][j] = old + 1e-6;
                double up = pairwise(points);
                points[i][j] = old - 1e-6;
                double down = pairwise(points);
                points[i][j] = old;
                assertEquals(2 * (up - down) / 2e-6, gradient.getDouble(i, j), 1e-8);
            }
        }
    }

    @Test
    void maskedStepsAreLeftOut() {
        INDArray rows = Nd4j.create(Clouds.SCALED.draw(12, 3, 7));
        INDArray ncw = rows.reshape('c', 3, 4, 3).permute(0, 2, 1).dup('f');
        INDArray mask = Nd4j.ones(DataType.DOUBLE, 3, 4);
        mask.putScalar(2, 2, 0).putScalar(2, 3, 0);
        INDArray kept = rows.get(
                org.nd4j.linalg.indexing.NDArrayIndex.interval(0, 10), org.nd4j.linalg.indexing.NDArrayIndex.all());
        CosineRegularizer.Evaluation found = CosineRegularizer.evaluate("states", Points.timeSteps(ncw, false, mask));
        assertEquals(CosineRegularizer.of(kept), found.value(), 1e-14);
        INDArray gradient = Nd4j.zeros(DataType.DOUBLE, 3, 3, 4);
        found.addGradient(1, gradient);
        INDArray expected = Nd4j.zeros(DataType.DOUBLE, 10, 3);
        CosineRegularizer.evaluate("points", Points.rows(kept)).addGradient(1, expected);
        INDArray asRows = gradient.permute(0, 2, 1).dup('c').reshape('c', 12, 3);
        assertEquals(0, asRows.getRows(10, 11).norm2Number().doubleValue());
        assertTrue(asRows.getRows(0, 1, 2, 3, 4, 5, 6, 7, 8, 9).equalsWithEps(expected, 1e-14));
    }

    @Test
    void nonFinitePointsAreNamed() {
        IllegalArgumentException e = assertThrows(
                IllegalArgumentException.class,
                () -> CosineRegularizer.of(Nd4j.ones(3, 3).putScalar(1, 1, Double.NaN)));
        assertTrue(e.getMessage().contains("points must be finite"), e.getMessage());
    }
}
