/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.QRDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Bases of heads against the pseudo-inverse by commons-math's SVD in double. */
class PseudoInverseTest {

    /** A V×d matrix with the given singular values. */
    static double[][] rowsWith(double[] singular, int tokens, long seed) {
        Random random = new Random(seed);
        int d = singular.length;
        RealMatrix left =
                new QRDecomposition(gaussian(tokens, d, random)).getQ().getSubMatrix(0, tokens - 1, 0, d - 1);
        RealMatrix right = new QRDecomposition(gaussian(d, d, random)).getQ();
        return left.multiply(MatrixUtils.createRealDiagonalMatrix(singular))
                .multiply(right)
                .getData();
    }

    private static RealMatrix gaussian(int rows, int columns, Random random) {
        double[][] values = new double[rows][columns];
        for (double[] row : values) {
            for (int j = 0; j < columns; j++) {
                row[j] = random.nextGaussian();
            }
        }
        return new Array2DRowRealMatrix(values, false);
    }

    /** d singular values from 1 down to 1/condition in equal ratios. */
    static double[] spectrum(int d, double condition) {
        double[] singular = new double[d];
        for (int j = 0; j < d; j++) {
            singular[j] = Math.pow(condition, -j / (d - 1.0));
        }
        return singular;
    }

    /** The pseudo-inverse of rowsᵀ, V×d, by SVD. */
    static double[][] reference(double[][] rows, double rcond) {
        SingularValueDecomposition svd = new SingularValueDecomposition(new Array2DRowRealMatrix(rows));
        double[] inverse = svd.getSingularValues();
        double cut = rcond * inverse[0];
        for (int j = 0; j < inverse.length; j++) {
            inverse[j] = inverse[j] > cut ? 1 / inverse[j] : 0;
        }
        return svd.getU()
                .multiply(MatrixUtils.createRealDiagonalMatrix(inverse))
                .multiply(svd.getVT())
                .getData();
    }

    static double error(INDArray found, double[][] expected) {
        INDArray reference = Nd4j.create(expected);
        return found.castTo(DataType.DOUBLE).sub(reference).norm2Number().doubleValue()
                / reference.norm2Number().doubleValue();
    }

    @Test
    void agreesWithSvdAtAnyCondition() {
        for (double condition : new double[] {1.5, 30, 1e3, 1e5, 1e7, 1e9}) {
            double[][] rows = rowsWith(spectrum(24, condition), 300, 1);
            SemanticBases bases = SemanticBases.fromHeadRows(Nd4j.create(rows));
            double error = error(bases.matrix(), reference(rows, 1e-13));
            // A backward stable inverse errs by the condition times 2^-53 times a small factor; required: 1e-10 at 1e3
            assertTrue(error < 1e-14 * Math.max(10, condition), condition + ": " + error);
            assertEquals(24, bases.computation().rank());
            assertEquals(condition, bases.computation().condition(), 0.05 * condition);
            assertEquals(
                    condition < 1e6 ? SemanticBases.Route.CHOLESKY : SemanticBases.Route.TRUNCATED,
                    bases.computation().route());
        }
    }

    /** More features than are handled together, the last of them incomplete. */
    @Test
    void agreesWithSvdForManyFeatures() {
        for (double condition : new double[] {30, 1e5}) {
            double[][] rows = rowsWith(spectrum(150, condition), 400, 14);
            SemanticBases bases = SemanticBases.fromHeadRows(Nd4j.create(rows));
            assertEquals(SemanticBases.Route.CHOLESKY, bases.computation().route());
            double error = error(bases.matrix(), reference(rows, 1e-13));
            assertTrue(error < 1e-14 * Math.max(10, condition), condition + ": " + error);
        }
    }

    @Test
    void agreesWithSvdForNarrowTypes() {
        double[][] rows = rowsWith(spectrum(32, 1e3), 400, 2);
        for (DataType type : new DataType[] {DataType.FLOAT, DataType.HALF, DataType.BFLOAT16}) {
            INDArray head = Nd4j.create(rows).castTo(type);
            SemanticBases bases = SemanticBases.fromHeadRows(head);
            assertEquals(DataType.FLOAT, bases.matrix().dataType());
            double error =
                    error(bases.matrix(), reference(head.castTo(DataType.DOUBLE).toDoubleMatrix(), 1e-13));
            // The head's values are taken as they are; what is left is the rounding of the result
            assertTrue(error < 1e-7, type + ": " + error);
        }
    }

    @Test
    void agreesWithPinvAtTheSameRcondWhereRankIsLow() {
        double[] cliff = spectrum(20, 100);
        Arrays.fill(cliff, 12, 20, 0);
        double[] steps = spectrum(20, 10);
        for (int j = 8; j < 20; j++) {
            steps[j] *= j < 14 ? 1e-5 : 1e-11;
        }
        for (int tokens : new int[] {150, 20}) {
            check(rowsWith(cliff, tokens, 3), 1e-10, 12);
            check(rowsWith(steps, tokens, 4), 1e-3, 8);
            check(rowsWith(steps, tokens, 5), 1e-8, 14);
            check(rowsWith(steps, tokens, 6), 1e-14, 20);
        }
    }

    private static void check(double[][] rows, double rcond, int rank) {
        SemanticBases bases = SemanticBases.head(TokenVectors.rowsOf(Nd4j.create(rows)))
                .rcond(rcond)
                .build();
        double error = error(bases.matrix(), reference(rows, rcond));
        SemanticBases.Computation computation = bases.computation();
        assertEquals(rank, computation.rank(), computation.toString());
        assertEquals(rcond, computation.rcond());
        assertEquals(SemanticBases.Route.TRUNCATED, computation.route());
        assertTrue(error < 1e-14 * Math.max(100, computation.condition()), computation + ": " + error);
    }

    @Test
    void dependentFeaturesOfManyTokens() {
        // Exactly dependent columns, whose Gram matrix rounding makes indefinite: feature 2 is 0, 3 = 0 + 1, 4 = 1
        double[][] rows = new double[20_000][5];
        Random random = new Random(12);
        for (double[] row : rows) {
            row[0] = random.nextGaussian();
            row[1] = random.nextGaussian();
            row[3] = row[0] + row[1];
            row[4] = row[1];
        }
        check(rows, 1e-9, 2);
        SemanticBases bases = SemanticBases.fromHeadRows(Nd4j.create(rows).castTo(DataType.FLOAT));
        assertEquals(2, bases.computation().rank());
    }

    @Test
    void valuesOfAnyUsableMagnitude() {
        double[][] rows = rowsWith(spectrum(6, 1e3), 40, 13);
        double[][] expected = reference(rows, 1e-13);
        for (double scale : new double[] {1e-90, 1e140}) {
            INDArray head = Nd4j.create(rows).mul(scale);
            assertTrue(error(SemanticBases.fromHeadRows(head).matrix().mul(scale), expected) < 1e-11);
        }
    }

    @Test
    void fewerTokensThanFeatures() {
        double[][] wide = new double[5][12];
        Random random = new Random(7);
        for (double[] row : wide) {
            Arrays.setAll(row, j -> random.nextGaussian());
        }
        SemanticBases bases = SemanticBases.fromHeadRows(Nd4j.create(wide));
        assertEquals(5, bases.computation().rank());
        // commons-math wants tall matrices for this: the pseudo-inverse of the transpose is the transpose
        INDArray tall = Nd4j.create(wide).transpose();
        double[][] expected =
                Nd4j.create(reference(tall.toDoubleMatrix(), 1e-13)).transpose().toDoubleMatrix();
        assertTrue(error(bases.matrix(), expected) < 1e-13);

        // One token: h/|h|²
        SemanticBases one = SemanticBases.fromHead(Nd4j.createFromArray(new double[][] {{3}, {0}, {4}}));
        assertEquals(0, one.matrix().distance2(Nd4j.createFromArray(new double[][] {{0.12, 0, 0.16}})), 1e-15);
        assertEquals(1, one.computation().rank());
    }

    @Test
    void layoutOrderAndBlocksDoNotMatter() {
        INDArray rows = Nd4j.create(rowsWith(spectrum(16, 1e3), 211, 8));
        INDArray expected = SemanticBases.fromHeadRows(rows).matrix();
        INDArray padded = Nd4j.zeros(DataType.DOUBLE, 18, 215);
        INDArray view = padded.get(NDArrayIndex.interval(1, 17), NDArrayIndex.interval(2, 213));
        view.assign(rows.transpose());
        for (INDArray head : new INDArray[] {
            rows.transpose(), rows.transpose().dup('c'), rows.transpose().dup('f'), view
        }) {
            assertTrue(error(SemanticBases.fromHead(head).matrix(), expected.toDoubleMatrix()) < 1e-12);
        }
        SemanticBases.Builder builder = SemanticBases.head(TokenVectors.rowsOf(rows));
        long result = 211 * 16 * 8;
        long fixed = result + 10 * 16 * 16 * 8;
        assertEquals(fixed + 211 * 16 * 16, builder.plannedBytes());
        for (int blockRows : new int[] {1, 7, 64}) {
            builder.memory(fixed + blockRows * 16 * 16 + 5);
            assertEquals(fixed + blockRows * 16 * 16, builder.plannedBytes());
            assertTrue(error(builder.build().matrix(), expected.toDoubleMatrix()) < 1e-12, blockRows + " rows");
        }
        builder.memory(fixed);
        String message =
                assertThrows(IllegalArgumentException.class, builder::build).getMessage();
        assertTrue(message.contains(fixed + 256 + " bytes") && message.endsWith("found " + fixed), message);
        // Only the rows asked for count
        assertEquals(
                fixed - result + 3 * 16 * 8 + 16 * 16,
                SemanticBases.head(TokenVectors.rowsOf(rows))
                        .tokenIds(1, 2, 3)
                        .memory(fixed - result + 3 * 16 * 8 + 16 * 16)
                        .plannedBytes());
    }

    @Test
    void plansLargeVocabulariesWithoutTheirSize() {
        TokenVectors large = new TokenVectors() {
            @Override
            public long tokens() {
                return 262_144;
            }

            @Override
            public int features() {
                return 4096;
            }

            @Override
            public DataType dataType() {
                return DataType.BFLOAT16;
            }

            @Override
            void read(long from, INDArray into) {
                throw new AssertionError("planning reads nothing");
            }
        };
        long planned = SemanticBases.head(large).tokenIds(1, 2).plannedBytes();
        // Ten matrices of 128 MiB and two blocks of 64 MiB
        assertEquals((10L << 27) + (2L << 26) + 2 * 4096 * 4, planned);
        assertEquals(
                (10L << 27) + (2L << 26) + (4L << 30), SemanticBases.head(large).plannedBytes());
    }

    @Test
    void ridgeIsThatOfRidgeRegression() {
        for (double condition : new double[] {10, 1e9}) {
            double[][] rows = rowsWith(spectrum(10, condition), 60, 9);
            for (double ridge : new double[] {1e-3, 1e-12}) {
                // The pseudo-inverse of [H; √ridge·I], less the rows of the second part
                double[][] augmented = Arrays.copyOf(rows, 70);
                for (int j = 0; j < 10; j++) {
                    augmented[60 + j] = new double[10];
                    augmented[60 + j][j] = Math.sqrt(ridge);
                }
                double[][] expected = Arrays.copyOf(reference(augmented, 1e-15), 60);
                SemanticBases bases = SemanticBases.head(TokenVectors.rowsOf(Nd4j.create(rows)))
                        .ridge(ridge)
                        .build();
                double error = error(bases.matrix(), expected);
                assertTrue(error < 1e-13 * Math.max(10, bases.computation().condition()), bases + ": " + error);
                assertEquals(ridge, bases.computation().ridge());
                assertEquals(10, bases.computation().rank());
                double expectedCondition = Math.sqrt((1 + ridge) / (1 / (condition * condition) + ridge));
                assertEquals(expectedCondition, bases.computation().condition(), 0.05 * expectedCondition);
            }
        }
    }

    @Test
    void onlyTheTokensAskedFor() {
        INDArray rows = Nd4j.create(rowsWith(spectrum(8, 50), 90, 10)).castTo(DataType.FLOAT);
        SemanticBases all = SemanticBases.fromHeadRows(rows);
        int[] ids = {88, 3, 41};
        SemanticBases some =
                SemanticBases.head(TokenVectors.rowsOf(rows)).tokenIds(ids).build();
        assertEquals(3, some.size());
        for (int i = 0; i < 3; i++) {
            assertEquals(0, some.matrix().getRow(i).distance2(all.matrix().getRow(ids[i])), 1e-5);
            assertEquals(0, some.of(ids[i]).distance2(all.of(ids[i])), 1e-5);
        }
        assertEquals(all.fingerprint(), some.fingerprint());
        String message =
                assertThrows(IllegalArgumentException.class, () -> some.of(5)).getMessage();
        assertEquals("tokenId must be one of the 3 tokens that these bases were built for, found 5", message);
    }

    @Test
    void productsAgreeWithPlainSumsAndWrongOnesAreFound() {
        Random random = new Random(11);
        RealMatrix a = gaussian(13, 7, random);
        RealMatrix b = gaussian(7, 5, random);
        RealMatrix c = gaussian(13, 5, random);
        double[][] expected =
                a.multiply(b).scalarMultiply(3).add(c.scalarMultiply(2)).getData();
        for (int flags = 0; flags < 4; flags++) {
            boolean transposeA = (flags & 1) > 0;
            boolean transposeB = (flags & 2) > 0;
            INDArray sum = Nd4j.create(c.getData());
            Products.add(
                    Nd4j.create((transposeA ? a.transpose() : a).getData()),
                    Nd4j.create((transposeB ? b.transpose() : b).getData()),
                    sum,
                    transposeA,
                    transposeB,
                    3,
                    2,
                    true);
            assertTrue(error(sum, expected) < 1e-14, "flags " + flags);
        }
        INDArray gram = Nd4j.create(b.transpose().multiply(b).getData()).dup('f');
        Products.addGram(Nd4j.create(a.getData()), Nd4j.create(DataType.DOUBLE, new long[] {7, 7}, 'f'), true);
        Products.addGram(Nd4j.create(b.getData()), gram, true);
        double[][] twice = b.transpose().multiply(b).scalarMultiply(2).getData();
        double[][] triangle = Products.lowerRows(gram);
        for (int i = 0; i < 5; i++) {
            for (int j = 0; j <= i; j++) {
                assertEquals(twice[i][j], triangle[i][j], 1e-13);
            }
        }
        INDArray product = Nd4j.create(a.multiply(b).getData());
        double[] x = {0.3, -0.7, 0.2, 0.9, -0.4};
        double[] right = a.multiply(b).operate(x);
        Products.requireProduct(product, x, right, 1);
        product.putScalar(9, 2, product.getDouble(9, 2) + 1e-6);
        String message = assertThrows(IllegalStateException.class, () -> Products.requireProduct(product, x, right, 1))
                .getMessage();
        assertTrue(message.contains("product in double is wrong") && message.contains("[13, 5]"), message);
    }
}
