/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
    void agreesWithSvd() {
        for (double condition : new double[] {1.5, 30, 1e3, 1e5, 1e7, 1e9}) {
            double[][] rows = rowsWith(spectrum(24, condition), 300, 1);
            double[][] expected = reference(rows, 1e-13);
            SemanticBases bases = SemanticBases.fromHeadRows(Nd4j.create(rows));
            double error = error(bases.matrix(), expected);
            assertTrue(error < 1e-13 * Math.max(10, condition), condition + ": " + error);
            assertEquals(24, bases.computation().rank());
            assertEquals(condition, bases.computation().condition(), 0.05 * condition);
        }
    }
}
