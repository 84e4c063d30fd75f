/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static io.latent4j.vocabsem.Products.addScaled;
import static io.latent4j.vocabsem.Products.dot;
import static io.latent4j.vocabsem.Products.norm;

import java.nio.DoubleBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

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
 * nearly diagonal, graded, and right to the last digits of each column; Jacobi's rotations of its Cholesky factor, which
 * respect such grading, finish it. This resolves singular values as an SVD of H does.
 *
 * <p>All long products are GEMM and SYRK, and {@linkplain Products checked}; what is left is d×d and done in Java and GEMM,
 * since M2.1's OpenBLAS gives wrong DGEQRF and DGESVD results with its AVX-512 kernels.
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

    /** Columns or rows of a triangle that are handled together, and alone in Java. */
    private static final int PANEL = 64;

    /** Quadratic convergence needs about ten. */
    private static final int MAX_SWEEPS = 50;

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
     * The first pass over the rows: the Gram matrix HᵀH.
     *
     * @param blocks the rows of H
     * @param inspection shown each block
     */
    static double[][] gram(RowBlocks blocks, HeadInspection inspection) {
        return gram(blocks, null, 0, inspection);
    }

    /**
     * Finds M, with a second pass over the rows where the Gram matrix is not enough.
     *
     * @param blocks the rows of H
     * @param gram HᵀH, not zero
     * @param rcond singular values up to this part of the largest count as 0, in [2⁻⁵², 1)
     * @param ridge added to the Gram matrix' diagonal, 0 for none
     */
    static Factor of(RowBlocks blocks, double[][] gram, double rcond, double ridge) {
        for (int i = 0; i < gram.length; i++) {
            gram[i][i] += ridge;
        }
        Factor cholesky =
                blocks.vectors().tokens() < gram.length && ridge == 0 ? null : cholesky(blocks, gram, rcond, ridge);
        return cholesky != null ? cholesky : truncated(blocks, gram, rcond, ridge);
    }

    private static @Nullable Factor cholesky(RowBlocks blocks, double[][] gram, double rcond, double ridge) {
        double largest = largestEigenvalue(gram);
        INDArray lower = factorize(gram);
        if (lower == null) {
            return null;
        }
        INDArray p = invert(lower);
        lower.close();
        // The norm is an estimate from below, so the bounds below leave room
        double squaredCondition = largest * squaredNorm(p);
        double error = squaredCondition * EPSILON;
        if (error * gram.length > CHOLESKY_LIMIT || ridge == 0 && 4 * squaredCondition * rcond * rcond > 1) {
            return null;
        }
        if (error > (blocks.vectors().dataType() == DataType.DOUBLE ? DOUBLE_ERROR : FLOAT_ERROR)) {
            INDArray correction = factorize(gram(blocks, p, ridge, null));
            if (correction == null) {
                return null;
            }
            INDArray first = p;
            INDArray second = invert(correction);
            p = Products.of(second, first, false, false);
            first.close();
            second.close();
            correction.close();
            squaredCondition = largest * squaredNorm(p);
        }
        INDArray factor = gramOf(p);
        p.close();
        return new Factor(factor, SemanticBases.Route.CHOLESKY, gram.length, Math.sqrt(squaredCondition));
    }

    private static Factor truncated(RowBlocks blocks, double[][] ridgedGram, double rcond, double ridge) {
        // The ridge shifts the eigenvalues but leaves the eigenvectors
        INDArray vectors = Nd4j.create(normalized(orthogonalize(ridgedGram)));
        double[][] graded = orthogonalize(gram(blocks, vectors, 0, null));
        double[] singular = norms(graded);
        double largest = Arrays.stream(singular).max().orElseThrow();
        double root = Math.sqrt(ridge);
        int rank = 0;
        double smallest = largest;
        for (int j = 0; j < singular.length; j++) {
            boolean kept = ridge > 0 || singular[j] > rcond * largest;
            if (kept) {
                rank++;
                smallest = Math.min(smallest, singular[j]);
            }
            scale(graded[j], kept ? 1 / (singular[j] * Math.hypot(singular[j], root)) : 0);
        }
        return new Factor(
                gramOf(Products.of(Nd4j.create(graded), vectors, false, false)),
                SemanticBases.Route.TRUNCATED,
                rank,
                Math.hypot(largest, root) / Math.hypot(smallest, root));
    }

    /** PᵀP. */
    private static INDArray gramOf(INDArray p) {
        return Products.of(p, p, true, false);
    }

    /** The Gram matrix of H·Pᵀ (with that of √ridge·Pᵀ), or of H where P is null, exactly symmetric. */
    private static double[][] gram(
            RowBlocks blocks, @Nullable INDArray p, double ridge, @Nullable HeadInspection inspection) {
        int d = blocks.vectors().features();
        INDArray sum = Nd4j.create(DataType.DOUBLE, new long[] {d, d}, 'f');
        blocks.forEach((from, block) -> {
            Runnable product = () -> {
                INDArray rows = p == null ? block : blocks.timesTransposed(from, block, p);
                Products.addGram(rows, sum, blocks.isFirstOfShape(from, block));
            };
            if (inspection == null) {
                product.run();
            } else {
                inspection.visitDuring(product, from, block);
            }
        });
        double[][] gram = new double[d][];
        double[][] triangle = Products.lowerRows(sum);
        sum.close();
        double[][] penalty = p == null || ridge == 0 ? null : Products.rows(Products.of(p, p, false, true));
        for (int i = 0; i < d; i++) {
            gram[i] = Arrays.copyOf(triangle[i], d);
            triangle[i] = gram[i];
            if (penalty != null) {
                addScaled(ridge, penalty[i], gram[i], i + 1);
            }
            for (int j = 0; j < i; j++) {
                gram[j][i] = gram[i][j];
            }
        }
        return gram;
    }

    /**
     * The lower triangle L of G = LLᵀ, or null where G is not positive definite: {@value #PANEL} columns at a time, what the
     * columns before contribute as a product.
     */
    private static @Nullable INDArray factorize(double[][] g) {
        int d = g.length;
        INDArray lower = Nd4j.create(DataType.DOUBLE, new long[] {d, d}, 'c');
        DoubleBuffer values = Products.hostValues(lower);
        for (int from = 0; from < d; from += PANEL) {
            int to = Math.min(d, from + PANEL);
            double[][] panel = new double[d][];
            double[][] before = new double[0][];
            if (from > 0) {
                try (INDArray product = timesPanel(lower, from, to)) {
                    before = Products.rows(product);
                }
            }
            for (int i = from; i < d; i++) {
                panel[i] = Arrays.copyOfRange(g[i], from, Math.min(i + 1, to));
                if (from > 0) {
                    addScaled(-1, before[i - from], panel[i], panel[i].length);
                }
                double[] row = panel[i];
                for (int j = 0; j < Math.min(i - from, row.length); j++) {
                    row[j] = (row[j] - dot(row, panel[from + j], j)) / panel[from + j][j];
                }
                if (i < to) {
                    double pivot = row[i - from] - dot(row, row, i - from);
                    if (!(pivot > 0)) {
                        return null;
                    }
                    row[i - from] = Math.sqrt(pivot);
                }
                values.put(i * d + from, row);
            }
            Nd4j.getAffinityManager().tagLocation(lower, AffinityManager.Location.HOST);
        }
        return lower;
    }

    /** L[from.., 0..from]·L[from..to, 0..from]ᵀ, where the columns from there on are zero yet. */
    private static INDArray timesPanel(INDArray lower, int from, int to) {
        INDArray rest = LogitBlocks.rows(lower, from, lower.size(0));
        INDArray product = Nd4j.createUninitialized(DataType.DOUBLE, new long[] {rest.size(0), to - from}, 'c');
        return Nd4j.gemm(rest, LogitBlocks.rows(lower, from, to), product, false, true, 1, 0);
    }

    /** L⁻¹ with zeros above its diagonal, {@value #PANEL} rows at a time, what the rows before contribute as a product. */
    private static INDArray invert(INDArray lower) {
        int d = (int) lower.size(0);
        INDArray inverse = Nd4j.create(DataType.DOUBLE, new long[] {d, d}, 'c');
        DoubleBuffer values = Products.hostValues(inverse);
        DoubleBuffer factors = Products.hostValues(lower);
        for (int from = 0; from < d; from += PANEL) {
            int to = Math.min(d, from + PANEL);
            double[][] rows = new double[to - from][d];
            if (from > 0) {
                long[] shape = {to - from, d};
                try (INDArray left = LogitBlocks.rows(lower, from, to)
                                .get(NDArrayIndex.all(), NDArrayIndex.interval(0, from))
                                .dup('c');
                        INDArray product = Nd4j.createUninitialized(DataType.DOUBLE, shape, 'c')) {
                    Nd4j.gemm(left, LogitBlocks.rows(inverse, 0, from), product, false, false, -1, 0);
                    rows = Products.rows(product);
                }
            }
            double[] factor = new double[to - from];
            for (int i = 0; i < rows.length; i++) {
                factors.get((from + i) * d + from, factor, 0, i + 1);
                for (int k = 0; k < i; k++) {
                    addScaled(-factor[k], rows[k], rows[i], from + k + 1);
                }
                rows[i][from + i] = 1;
                scale(rows[i], 1 / factor[i]);
                values.put((from + i) * d, rows[i]);
            }
            Nd4j.getAffinityManager().tagLocation(inverse, AffinityManager.Location.HOST);
        }
        return inverse;
    }

    /**
     * Eigenvectors of a positive semi-definite matrix as rows, each as long as the root of its eigenvalue, in descending
     * order where the diagonal descends: the columns of the Cholesky factor, made orthogonal by Jacobi rotations. For a
     * matrix graded by its diagonal they are right in proportion to each other's length, down to 2⁻⁵² of the longest.
     */
    private static double[][] orthogonalize(double[][] g) {
        int d = g.length;
        double largest = 0;
        for (int i = 0; i < d; i++) {
            largest = Math.max(largest, g[i][i]);
        }
        // Rounding may have left G indefinite, by d·2⁻⁵² of its diagonal or somewhat more
        INDArray lower = null;
        for (double shift = 2 * d * EPSILON; lower == null; shift *= 8) {
            double[][] shifted = new double[d][];
            for (int i = 0; i < d; i++) {
                shifted[i] = g[i].clone();
                shifted[i][i] = Math.max(0, g[i][i]) * (1 + shift) + shift * EPSILON * largest;
            }
            lower = factorize(shifted);
        }
        double[][] columns = Products.rows(lower.transpose().dup('c'));
        double tolerance = 4 * Math.sqrt(d) * EPSILON;
        boolean rotated = true;
        for (int sweep = 0; rotated; sweep++) {
            if (sweep == MAX_SWEEPS) {
                throw new IllegalStateException("the eigenvectors of the head's Gram matrix [" + d + ", " + d
                        + "] have not converged in " + MAX_SWEEPS + " sweeps");
            }
            rotated = false;
            double[] norms = norms(columns);
            for (int p = 0; p < d; p++) {
                for (int q = p + 1; q < d; q++) {
                    double cosine = dot(columns[p], columns[q], d) / norms[p] / norms[q];
                    if (Math.abs(cosine) > tolerance) {
                        rotated = true;
                        rotate(columns[p], columns[q], norms[p], norms[q], cosine);
                        norms[p] = norm(columns[p]);
                        norms[q] = norm(columns[q]);
                    }
                }
            }
        }
        return columns;
    }

    /** Turns two vectors of the given norms and cosine so that they become orthogonal. */
    private static void rotate(double[] a, double[] b, double normA, double normB, double cosine) {
        double theta = (normB / normA - normA / normB) / (2 * cosine);
        double tangent = Math.copySign(1, theta) / (Math.abs(theta) + Math.hypot(1, theta));
        double cos = 1 / Math.hypot(1, tangent);
        double sin = tangent * cos;
        for (int k = 0; k < a.length; k++) {
            double x = a[k];
            double y = b[k];
            a[k] = cos * x - sin * y;
            b[k] = sin * x + cos * y;
        }
    }

    private static double[][] normalized(double[][] rows) {
        for (double[] row : rows) {
            scale(row, 1 / norm(row));
        }
        return rows;
    }

    private static void scale(double[] x, double factor) {
        for (int k = 0; k < x.length; k++) {
            x[k] *= factor;
        }
    }

    private static double[] norms(double[][] rows) {
        return Arrays.stream(rows).mapToDouble(Products::norm).toArray();
    }

    /** Estimates ‖A‖₂² of a square matrix as the largest eigenvalue of AᵀA. */
    private static double squaredNorm(INDArray a) {
        return power((int) a.size(0), x -> Products.times(a, true, Products.times(a, false, x)));
    }

    /** Estimates the largest eigenvalue of a symmetric positive semi-definite matrix. */
    private static double largestEigenvalue(double[][] a) {
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
            double norm = norm(x);
            for (int k = 0; k < n; k++) {
                x[k] /= norm;
            }
            double[] y = product.apply(x);
            double next = norm(y);
            x = y;
            if (next <= value * (1 + 1e-4)) {
                return next;
            }
            value = next;
        }
        return value;
    }
}
