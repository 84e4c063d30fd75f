/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static io.latent4j.vocabsem.Products.addScaled;
import static io.latent4j.vocabsem.Products.dot;

import java.util.Random;
import java.util.function.UnaryOperator;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The Moore–Penrose pseudo-inverse of a head W = Hᵀ (H: V×d, one row per token), by streaming over the rows of H.
 *
 * <pre>{@code
 * W⁺ = H·M      M = (HᵀH + ridge·I)⁻¹, or with v_j, σ_j right singular vectors and values of H:
 *               M = Σ v_j·v_jᵀ/σ_j² over all σ_j > rcond·max σ
 * }</pre>
 *
 * so that a row of W⁺ costs d² once M (d×d) is known. Two routes lead to M:
 *
 * <p>CHOLESKY. G = HᵀH = L·Lᵀ, P = L⁻¹, M = Pᵀ·P. The Gram matrix squares the condition κ of the head, and so does the
 * error: κ²·2⁻⁵². Where that is too much for the head's type, a second pass corrects it: the rows of H·Pᵀ are nearly
 * orthonormal, so their Gram matrix is well-conditioned and its Cholesky factor turns P into one as good as that of a QR
 * factorization of H, with an error of κ·2⁻⁵².
 *
 * <p>TRUNCATED, where G is too ill-conditioned for the other, or singular values are to be cut off. The eigenvectors V
 * of G resolve singular values above 1e-8 of the largest only. So a second pass takes the Gram matrix of H·V, which is
 * nearly diagonal, graded, and right to the last digits of each column; Jacobi's rotations, which respect such grading,
 * finish it. This resolves singular values as an SVD of H does.
 *
 * <p>All long products are GEMM, and {@linkplain Products checked}; what is left is d×d and done in Java, since M2.1's
 * OpenBLAS gives wrong DGEQRF and DGESVD results with its AVX-512 kernels.
 *
 * <p>Source: Y. Yamamoto et al., "Roundoff error analysis of the CholeskyQR2 algorithm", ETNA 44 (2015); J. Demmel and
 * K. Veselić, "Jacobi's method is more accurate than QR", SIAM J. Matrix Anal. Appl. 13 (1992); the use: Gu et al.,
 * arXiv 2401.16184.
 */
final class PseudoInverse {
    private static final double EPSILON = 0x1p-52;

    /** Above this κ²·2⁻⁵²·d the Cholesky factor says little about G. */
    private static final double CHOLESKY_LIMIT = 1e-3;

    /** Errors by the squared condition that are let stand: DOUBLE, other types. */
    private static final double DOUBLE_ERROR = 1e-13;

    private static final double FLOAT_ERROR = 1e-8;

    private static final int MAX_SWEEPS = 30;

    private PseudoInverse() {}

    /**
     * M and how it was found.
     *
     * @param factor M, 'c'-ordered symmetric DOUBLE matrix {@code [d, d]}
     * @param route how it was found
     * @param rank singular values kept
     * @param condition largest by smallest kept singular value (of H with √ridge·I below it)
     */
    record Factor(INDArray factor, SemanticBases.Route route, int rank, double condition) {}

    /**
     * Finds M in two passes over the rows, or in one where that is accurate enough.
     *
     * @param blocks the rows of H
     * @param rcond singular values up to this part of the largest count as 0, in [2⁻⁵², 1)
     * @param ridge added to the Gram matrix' diagonal, 0 for none
     * @param visitor also shown each block of the first pass
     */
    static Factor of(RowBlocks blocks, double rcond, double ridge, RowBlocks.Visitor visitor) {
        int d = blocks.vectors().features();
        double[][] gram = gram(blocks, null, ridge, visitor);
        Factor cholesky = blocks.vectors().tokens() < d && ridge == 0 ? null : cholesky(blocks, gram, rcond, ridge);
        return cholesky != null ? cholesky : truncated(blocks, gram, rcond, ridge);
    }

    private static @Nullable Factor cholesky(RowBlocks blocks, double[][] gram, double rcond, double ridge) {
        double largest = norm(gram);
        double[][] lower = factorize(gram);
        if (lower == null) {
            return null;
        }
        double[][] inverse = invert(lower);
        // The norm is an estimate from below, so the bounds below leave room
        double squaredCondition = largest * squaredNorm(inverse);
        double error = squaredCondition * EPSILON;
        if (error * gram.length > CHOLESKY_LIMIT || ridge == 0 && 4 * squaredCondition * rcond * rcond > 1) {
            return null;
        }
        INDArray p = Nd4j.create(inverse);
        if (error > (blocks.vectors().dataType() == DataType.DOUBLE ? DOUBLE_ERROR : FLOAT_ERROR)) {
            double[][] correction = factorize(gram(blocks, p, ridge, (from, block) -> {}));
            if (correction == null) {
                return null;
            }
            p = Products.of(Nd4j.create(invert(correction)), p, false, false);
            squaredCondition = largest * squaredNorm(p.toDoubleMatrix());
        }
        return new Factor(gramOf(p), SemanticBases.Route.CHOLESKY, gram.length, Math.sqrt(squaredCondition));
    }

    private static Factor truncated(RowBlocks blocks, double[][] ridgedGram, double rcond, double ridge) {
        int d = ridgedGram.length;
        // An exact copy without the ridge is not to be had by subtraction, but its eigenvectors are the same
        RealMatrix vectors = new EigenDecomposition(new Array2DRowRealMatrix(ridgedGram, false)).getVT();
        double[][] v = vectors.getData();
        double[][] graded = gram(blocks, Nd4j.create(v), 0, (from, block) -> {});
        rotate(graded, v);
        double largest = 0;
        for (int j = 0; j < d; j++) {
            largest = Math.max(largest, Math.sqrt(Math.max(0, graded[j][j])));
        }
        int rank = 0;
        double smallest = largest;
        for (int j = 0; j < d; j++) {
            double singular = Math.sqrt(Math.max(0, graded[j][j]));
            boolean kept = ridge > 0 || singular > rcond * largest;
            double scale = kept ? 1 / Math.hypot(singular, Math.sqrt(ridge)) : 0;
            if (kept) {
                rank++;
                smallest = Math.min(smallest, singular);
            }
            for (int k = 0; k < d; k++) {
                v[j][k] *= scale;
            }
        }
        double root = Math.sqrt(ridge);
        return new Factor(
                gramOf(Nd4j.create(v)),
                SemanticBases.Route.TRUNCATED,
                rank,
                Math.hypot(largest, root) / Math.hypot(smallest, root));
    }

    /** PᵀP. */
    private static INDArray gramOf(INDArray p) {
        return Products.of(p, p, true, false);
    }

    /** The Gram matrix of H·Pᵀ (P = I where null) with that of √ridge·Pᵀ added, exactly symmetric. */
    private static double[][] gram(RowBlocks blocks, @Nullable INDArray p, double ridge, RowBlocks.Visitor visitor) {
        int d = blocks.vectors().features();
        INDArray sum = Nd4j.create(DataType.DOUBLE, new long[] {d, d}, 'c');
        blocks.forEach((from, block) -> {
            visitor.visit(from, block);
            INDArray rows = p == null ? block : blocks.timesTransposed(from, block, p);
            Products.add(rows, rows, sum, true, false, 1, 1, blocks.isFirstOfShape(from, block));
        });
        if (p != null && ridge > 0) {
            Products.add(p, p, sum, false, true, ridge, 1, true);
        }
        double[][] gram = sum.toDoubleMatrix();
        sum.close();
        for (int i = 0; i < d; i++) {
            if (p == null) {
                gram[i][i] += ridge;
            }
            for (int j = 0; j < i; j++) {
                gram[j][i] = gram[i][j];
            }
        }
        return gram;
    }

    /** The lower triangle L of G = LLᵀ, or null where G is not positive definite to working precision. */
    private static double @Nullable [][] factorize(double[][] g) {
        double[][] l = new double[g.length][];
        for (int i = 0; i < g.length; i++) {
            double[] row = new double[i + 1];
            l[i] = row;
            for (int j = 0; j < i; j++) {
                row[j] = (g[i][j] - dot(row, l[j], j)) / l[j][j];
            }
            double pivot = g[i][i] - dot(row, row, i);
            if (!(pivot > g.length * EPSILON * g[i][i])) {
                return null;
            }
            row[i] = Math.sqrt(pivot);
        }
        return l;
    }

    /** L⁻¹ as a full matrix. */
    private static double[][] invert(double[][] l) {
        double[][] inverse = new double[l.length][l.length];
        for (int i = 0; i < l.length; i++) {
            double[] row = inverse[i];
            double pivot = l[i][i];
            for (int k = 0; k < i; k++) {
                addScaled(-l[i][k] / pivot, inverse[k], row, k + 1);
            }
            row[i] = 1 / pivot;
        }
        return inverse;
    }

    /**
     * Diagonalizes a graded positive semi-definite matrix by cyclic Jacobi rotations.
     *
     * @param g symmetric matrix; its diagonal becomes the eigenvalues
     * @param v rows that are rotated with it
     */
    private static void rotate(double[][] g, double[][] v) {
        int d = g.length;
        double largest = 0;
        for (int i = 0; i < d; i++) {
            largest = Math.max(largest, g[i][i]);
        }
        // Squares of columns that hold rounding errors of H·V only
        double noise = largest * (d * EPSILON * EPSILON);
        double tolerance = Math.sqrt(d) * EPSILON;
        boolean rotated = true;
        for (int sweep = 0; rotated && sweep < MAX_SWEEPS; sweep++) {
            rotated = false;
            for (int p = 0; p < d; p++) {
                for (int q = p + 1; q < d; q++) {
                    double product = g[p][p] * g[q][q];
                    if (g[p][p] <= noise || g[q][q] <= noise || Math.abs(g[p][q]) <= tolerance * Math.sqrt(product)) {
                        continue;
                    }
                    rotated = true;
                    rotate(g, v, p, q);
                }
            }
        }
    }

    private static void rotate(double[][] g, double[][] v, int p, int q) {
        double off = g[p][q];
        double theta = (g[q][q] - g[p][p]) / (2 * off);
        double tangent = Math.copySign(1, theta) / (Math.abs(theta) + Math.hypot(1, theta));
        double cosine = 1 / Math.hypot(1, tangent);
        double sine = tangent * cosine;
        double diagonalP = g[p][p] - tangent * off;
        double diagonalQ = g[q][q] + tangent * off;
        rotate(g[p], g[q], cosine, sine);
        rotate(v[p], v[q], cosine, sine);
        g[p][p] = diagonalP;
        g[q][q] = diagonalQ;
        g[p][q] = 0;
        g[q][p] = 0;
        for (int k = 0; k < g.length; k++) {
            if (k != p && k != q) {
                g[k][p] = g[p][k];
                g[k][q] = g[q][k];
            }
        }
    }

    private static void rotate(double[] a, double[] b, double cosine, double sine) {
        for (int k = 0; k < a.length; k++) {
            double x = a[k];
            double y = b[k];
            a[k] = cosine * x - sine * y;
            b[k] = sine * x + cosine * y;
        }
    }

    /** Estimates ‖A‖₂² of a square matrix as the largest eigenvalue of AᵀA. */
    private static double squaredNorm(double[][] a) {
        return power(a.length, x -> {
            double[] y = times(a, x);
            double[] z = new double[x.length];
            for (int i = 0; i < y.length; i++) {
                addScaled(y[i], a[i], z, z.length);
            }
            return z;
        });
    }

    /** Estimates the largest eigenvalue of a symmetric positive semi-definite matrix. */
    private static double norm(double[][] a) {
        return power(a.length, x -> times(a, x));
    }

    private static double[] times(double[][] a, double[] x) {
        double[] y = new double[a.length];
        for (int i = 0; i < y.length; i++) {
            y[i] = dot(a[i], x, x.length);
        }
        return y;
    }

    /** The power method, from a start that no structured matrix is likely to be orthogonal to. */
    private static double power(int n, UnaryOperator<double[]> product) {
        double[] x = new Random(n).doubles(n, 0.5, 1.5).toArray();
        double value = 0;
        for (int i = 0; i < 50; i++) {
            double norm = Math.sqrt(dot(x, x, n));
            for (int k = 0; k < n; k++) {
                x[k] /= norm;
            }
            double[] y = product.apply(x);
            double next = Math.sqrt(dot(y, y, n));
            x = y;
            if (next <= value * (1 + 1e-4)) {
                return next;
            }
            value = next;
        }
        return value;
    }
}
