/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.Arrays;
import org.apache.commons.math3.stat.correlation.Covariance;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** The streaming estimator against commons-math's two-pass covariance. */
class ShrinkageCovarianceTest {

    private static double error(INDArray found, double[][] expected) {
        INDArray reference = Nd4j.create(expected);
        return found.sub(reference).norm2Number().doubleValue()
                / reference.norm2Number().doubleValue();
    }

    private static ShrinkageCovariance chunks(double[][] points, DataType type, int size) {
        ShrinkageCovariance estimator = new ShrinkageCovariance(points[0].length);
        for (int from = 0; from < points.length; from += size) {
            double[][] chunk = Arrays.copyOfRange(points, from, Math.min(points.length, from + size));
            estimator.add(Nd4j.create(chunk).castTo(type));
        }
        return estimator;
    }

    @Test
    void equalsTheTwoPassCovarianceHoweverTheDataComes() {
        for (Clouds cloud : Clouds.values()) {
            double[][] points = Clouds.asFloats(cloud.draw(700, 9, 3), 1);
            double[][] expected =
                    new Covariance(points, true).getCovarianceMatrix().getData();
            for (int size : new int[] {1, 7, 64, 700}) {
                assertTrue(error(chunks(points, DataType.DOUBLE, size).covariance(), expected) < 1e-11, cloud + "");
                // One block's scatter is a FLOAT sum; the points themselves are exact
                assertTrue(error(chunks(points, DataType.FLOAT, size).covariance(), expected) < 2e-6, cloud + "");
            }
            ShrinkageCovariance all = chunks(points, DataType.DOUBLE, 50);
            assertEquals(700, all.count());
            double[] mean = Nd4j.create(points).mean(0).toDoubleVector();
            assertArrayEquals(mean, all.mean().toDoubleVector(), 1e-12 * 100);
        }
    }

    @Test
    void batchesMayBeViewsOfAnySizeAndType() {
        for (double offset : new double[] {0, 0.5, 30}) {
            double[][] points = Clouds.SCALED.draw(14_000, 5, 13);
            for (double[] point : points) {
                point[1] += offset;
            }
            points = Clouds.asFloats(points, 1);
            double[][] expected =
                    new Covariance(points, true).getCovarianceMatrix().getData();
            INDArray all = Nd4j.create(points);
            ShrinkageCovariance estimator = new ShrinkageCovariance(5);
            long[] ends = {0, 9000, 9001, 11_500, 14_000};
            for (int i = 1; i < ends.length; i++) {
                INDArray view = all.get(NDArrayIndex.interval(ends[i - 1], ends[i]), NDArrayIndex.all());
                estimator.add(i % 2 == 0 ? view : view.castTo(DataType.FLOAT));
            }
            assertTrue(error(estimator.covariance(), expected) < 2e-6, "offset " + offset);
        }
    }

    @Test
    void keepsItsDigitsFarFromTheOrigin() {
        double[][] points = Clouds.ISOTROPIC.draw(500, 4, 5);
        double[][] expected = new Covariance(points, true).getCovarianceMatrix().getData();
        double[][] moved = new double[500][4];
        for (int i = 0; i < 500; i++) {
            for (int j = 0; j < 4; j++) {
                moved[i][j] = points[i][j] + 1e8;
            }
        }
        // Adding 1e8 costs the points 8 of their 16 digits; the estimator loses none beyond that
        assertTrue(error(chunks(moved, DataType.DOUBLE, 13).covariance(), expected) < 1e-7);
    }

    @Test
    void mergeIsCommutativeAndAssociativeAndLeavesItsArgument() {
        double[][] points = Clouds.SCALED.draw(300, 6, 7);
        ShrinkageCovariance[] parts = new ShrinkageCovariance[3];
        for (int i = 0; i < 3; i++) {
            parts[i] = chunks(Arrays.copyOfRange(points, 100 * i, 100 * i + 100), DataType.DOUBLE, 33);
        }
        double[][] expected = new Covariance(points, true).getCovarianceMatrix().getData();
        ShrinkageCovariance left =
                new ShrinkageCovariance(6).merge(parts[0]).merge(parts[1]).merge(parts[2]);
        ShrinkageCovariance right =
                new ShrinkageCovariance(6).merge(parts[2]).merge(parts[0]).merge(parts[1]);
        assertTrue(error(left.covariance(), expected) < 1e-12);
        assertTrue(error(right.covariance(), expected) < 1e-12);
        assertEquals(100, parts[0].count());
        assertEquals(300, left.count());
        left.merge(new ShrinkageCovariance(6));
        assertTrue(error(left.covariance(), expected) < 1e-12);
    }

    @Test
    void maskedPointsAreNotSeen() {
        INDArray activations = Nd4j.randn(DataType.DOUBLE, 5, 3, 4);
        INDArray mask = Nd4j.ones(DataType.DOUBLE, 5, 4);
        for (int step = 2; step < 4; step++) {
            mask.putScalar(1, step, 0).putScalar(4, step, 0);
        }
        double[][] kept = new double[16][];
        int row = 0;
        for (int e = 0; e < 5; e++) {
            for (int t = 0; t < 4; t++) {
                if (mask.getDouble(e, t) > 0) {
                    kept[row++] = new double[] {
                        activations.getDouble(e, 0, t), activations.getDouble(e, 1, t), activations.getDouble(e, 2, t)
                    };
                }
            }
        }
        ShrinkageCovariance estimator = new ShrinkageCovariance(3).add(Points.timeSteps(activations, false, mask));
        assertEquals(16, estimator.count());
        assertTrue(error(
                        estimator.covariance(),
                        new Covariance(kept, true).getCovarianceMatrix().getData())
                < 1e-12);
        assertEquals(
                16,
                estimator.add(Points.timeSteps(activations, false, mask.mul(0))).count());
    }

    @Test
    void survivesJavaSerialization() throws Exception {
        ShrinkageCovariance estimator = chunks(Clouds.SCALED.draw(50, 5, 9), DataType.DOUBLE, 20);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(estimator);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            ShrinkageCovariance restored = (ShrinkageCovariance) in.readObject();
            assertEquals(estimator.covariance(), restored.covariance());
            assertEquals(estimator.mean(), restored.mean());
            assertEquals(50, restored.count());
        }
    }

    @Test
    void badArgumentsAreNamedAndChangeNothing() {
        ShrinkageCovariance estimator = chunks(Clouds.SCALED.draw(50, 5, 9), DataType.DOUBLE, 20);
        INDArray before = estimator.covariance();
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            assertMessage(
                    "points must be finite", () -> estimator.add(Nd4j.ones(7, 5).putScalar(3, 3, bad)));
        }
        assertMessage(
                "squares in the range of FLOAT",
                () -> estimator.add(Nd4j.randn(DataType.FLOAT, 7, 5).muli(1e30)));
        assertMessage("must have 5 dimensions, found 4", () -> estimator.add(Nd4j.ones(7, 4)));
        assertMessage("must have 5 dimensions, found 4", () -> estimator.merge(new ShrinkageCovariance(4)));
        assertMessage("features must be in [1, 46340], found 0", () -> new ShrinkageCovariance(0));
        assertEquals(before, estimator.covariance());
        assertEquals(50, estimator.count());
        assertThrows(
                IllegalStateException.class,
                () -> new ShrinkageCovariance(3).add(Nd4j.ones(1, 3)).covariance());
    }

    private static void assertMessage(String part, org.junit.jupiter.api.function.Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(part), message);
    }
}
