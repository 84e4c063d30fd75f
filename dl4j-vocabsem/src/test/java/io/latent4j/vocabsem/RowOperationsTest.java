/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** FLOAT on the host against ND4J's operations, which DOUBLE takes; sizes for one thread and for several. */
class RowOperationsTest {
    /** Roundings of products, differences and factors, of numbers up to the compared ones' size. */
    private static final double ROUNDING = 8 * Math.ulp(1f);

    @BeforeEach
    void seed() {
        Nd4j.getRandom().setSeed(7);
    }

    /** Rows of many lengths, the second one zero, in the middle of a buffer. */
    private static INDArray vectors(int count, int width) {
        INDArray all = Nd4j.randn(DataType.FLOAT, count + 5, width);
        INDArray x = all.get(NDArrayIndex.interval(3, count + 3), NDArrayIndex.all());
        x.muliColumnVector(
                Nd4j.linspace(DataType.FLOAT, 0.01, 0.7 / count, count).reshape(count, 1));
        x.getRow(1).assign(0);
        assertEquals(3L * width, x.offset(), "a view");
        assertTrue(HostRows.canOpen(x));
        return x;
    }

    private static void assertNear(INDArray expected, INDArray found) {
        INDArray difference = found.castTo(DataType.DOUBLE).sub(expected);
        double size = expected.amaxNumber().doubleValue();
        double error = difference.amaxNumber().doubleValue();
        assertTrue(error <= ROUNDING * size, () -> error + " off, values up to " + size);
    }

    private static INDArray wide(INDArray x) {
        return x.castTo(DataType.DOUBLE).dup('c');
    }

    @ParameterizedTest
    @CsvSource({"3, 5", "700, 301"})
    void inverseNorms(int count, int width) {
        INDArray x = vectors(count, width);
        INDArray found = RowOperations.inverseNorms(x);
        INDArray expected = RowOperations.inverseNorms(wide(x));
        assertEquals(0, found.getDouble(1));
        for (int i = 0; i < count; i++) {
            assertEquals(expected.getDouble(i), found.getDouble(i), ROUNDING * expected.getDouble(i));
        }
    }

    @ParameterizedTest
    @CsvSource({"3, 5", "700, 301"})
    void normalize(int count, int width) {
        INDArray x = vectors(count, width);
        INDArray expected = Nd4j.create(DataType.DOUBLE, new long[] {count, width}, 'c');
        RowOperations.normalize(wide(x), expected);
        INDArray to = Nd4j.create(DataType.FLOAT, new long[] {count, width}, 'c');
        INDArray inverses = RowOperations.normalize(x, to);
        assertEquals(RowOperations.inverseNorms(x), inverses);
        assertNear(expected, to);
        assertEquals(0, to.getRow(1).amaxNumber().doubleValue());
        assertEquals(1, expected.getRow(2).norm2Number().doubleValue(), 1e-12);
    }

    @Test
    void normsAtTheEndsOfTheRange() {
        INDArray x = Nd4j.createFromArray(new float[][] {{3e18f, 4e18f}, {3e-18f, 4e-18f}, {1e-30f, 0}});
        INDArray found = RowOperations.inverseNorms(x);
        assertEquals(0.2e-18, found.getDouble(0), 1e-24);
        assertEquals(0.2e18, found.getDouble(1), 1e12);
        assertTrue(found.getDouble(2) * 1e-30 < 1e-15, "underflows: next to 0, as its cosines");
    }

    @ParameterizedTest
    @CsvSource({"3, 5", "700, 301"})
    void multiply(int count, int width) {
        INDArray x = vectors(count, width);
        INDArray factor = Nd4j.randn(DataType.FLOAT, count, 1);
        INDArray expected = wide(x).mulColumnVector(wide(factor));
        INDArray to = Nd4j.create(DataType.FLOAT, new long[] {count, width}, 'c');
        assertSame(to, RowOperations.multiply(x, factor, to));
        assertNear(expected, to);
        RowOperations.multiply(x, factor, x);
        assertNear(expected, x);
    }

    @ParameterizedTest
    @CsvSource({"3, 5, true, true", "700, 301, true, false", "700, 301, false, true"})
    void project(int count, int width, boolean shared, boolean scaled) {
        INDArray x = vectors(count, width);
        INDArray gradient = vectors(count, width);
        INDArray share = shared ? Nd4j.rand(DataType.FLOAT, count, 1).divi(width) : null;
        INDArray factor = scaled ? Nd4j.randn(DataType.FLOAT, count, 1) : null;
        INDArray expected = wide(gradient);
        double[] sums = RowOperations.project(
                expected, wide(x), share == null ? null : wide(share), factor == null ? null : wide(factor));
        double[] found = RowOperations.project(gradient, x, share, factor);
        for (int i = 0; i < count; i++) {
            assertEquals(sums[i], found[i], 1e-9, "in double on either side");
        }
        // Where rows are long what is taken off is larger than what is left
        double[][] exact = expected.toDoubleMatrix();
        double largest = 0;
        for (int i = 0; i < count; i++) {
            double part = Math.abs(sums[i])
                    * (share == null ? 1 : share.getDouble(i))
                    * (factor == null ? 1 : Math.abs(factor.getDouble(i)));
            for (int j = 0; j < width; j++) {
                double size = Math.abs(exact[i][j]) + 2 * part * Math.abs(x.getDouble(i, j));
                largest = Math.max(largest, Math.abs(gradient.getDouble(i, j) - exact[i][j]) - ROUNDING * size);
            }
        }
        assertTrue(largest <= 0, "beyond rounding by " + largest);
    }
}
