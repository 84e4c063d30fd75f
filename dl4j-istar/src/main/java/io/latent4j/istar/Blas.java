/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.blas.impl.BaseLevel2;
import org.nd4j.linalg.api.blas.impl.BaseLevel3;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * BLAS routines that ND4J M2.1 has beneath its public interface only: the products XᵀX and XXᵀ as symmetric rank-k
 * updates (SYRK), which do half of GEMM's work, and sums of columns as matrix-vector products (GEMV), which run at the
 * memory's speed.
 *
 * <p>The public {@code syrk} always passes k = 1, and the public {@code gemv} makes a GEMM; so the protected calls
 * beneath them are bound here. They are compared with plain sums when the class loads and left for GEMM where they
 * differ, as another backend's may. (The sister routine SYMM is not used: M2.1's OpenBLAS gets DSYMM wrong on AVX-512
 * machines.)
 */
final class Blas {
    private static final Logger log = LoggerFactory.getLogger(Blas.class);

    private static final @Nullable MethodHandle SSYRK = rankUpdate("ssyrk", float.class);
    private static final @Nullable MethodHandle DSYRK = rankUpdate("dsyrk", double.class);
    private static final @Nullable MethodHandle SGEMV = matrixVector("sgemv", float.class);
    private static final @Nullable MethodHandle DGEMV = matrixVector("dgemv", double.class);
    private static final boolean TRUSTED = agreesWithPlainSums();

    private Blas() {}

    /**
     * Sets the upper triangle of C to that of {@code XᵀX + beta·C}; what stands below the diagonal is left undefined.
     *
     * @param x row-major matrix [k, n]
     * @param c 'f'-ordered matrix [n, n]
     */
    static void gram(INDArray x, double beta, INDArray c) {
        if (TRUSTED) {
            // Row-major [k, n] is column-major [n, k]
            syrk('N', x, x.rows(), beta, c);
        } else {
            Nd4j.gemm(x, x, c, true, false, 1, beta);
        }
    }

    /**
     * Sets the upper triangle of C to that of {@code XXᵀ}; what stands below the diagonal is left undefined.
     *
     * @param x row-major matrix [k, n]
     * @param c 'f'-ordered matrix [k, k]
     */
    static void outerGram(INDArray x, INDArray c) {
        if (TRUSTED) {
            syrk('T', x, x.columns(), 0, c);
        } else {
            Nd4j.gemm(x, x, c, false, true, 1, 0);
        }
    }

    /**
     * Sums of the rows' multiples: {@code sums = factor·weightsᵀ·X}.
     *
     * @param weights contiguous vector of k elements
     * @param x row-major matrix [k, n]
     * @param sums contiguous vector of n elements
     */
    static void columnSums(INDArray weights, INDArray x, double factor, INDArray sums) {
        if (TRUSTED) {
            gemv(weights, x, factor, sums);
        } else {
            INDArray row = Nd4j.create(x.dataType(), new long[] {1, x.columns()}, 'c');
            Nd4j.gemm(weights.reshape(1, x.rows()), x, row, false, false, factor, 0);
            sums.assign(row.reshape(sums.shape()));
        }
    }

    /**
     * Adds a multiple of one row to all rows: {@code X += factor·ones·rowᵀ}.
     *
     * @param ones vector of k ones
     * @param row vector of n elements
     * @param x row-major matrix [k, n]
     */
    static void addToRows(INDArray ones, INDArray row, double factor, INDArray x) {
        // Row-major [k, n] is column-major [n, k], the only order that this call knows
        Nd4j.getBlasWrapper().level2().ger('f', factor, row, ones, x.transpose());
    }

    private static void gemv(INDArray weights, INDArray x, double factor, INDArray sums) {
        BaseLevel2 blas = (BaseLevel2) Nd4j.getBlasWrapper().level2();
        int n = x.columns();
        try {
            if (x.dataType() == DataType.DOUBLE) {
                DGEMV.invokeExact(blas, 'f', 'N', n, x.rows(), factor, x, n, weights, 1, 0.0, sums, 1);
            } else {
                SGEMV.invokeExact(blas, 'f', 'N', n, x.rows(), (float) factor, x, n, weights, 1, 0f, sums, 1);
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("sums of the columns of a " + x.rows() + "x" + n + " matrix failed", e);
        }
    }

    private static void syrk(char trans, INDArray x, int k, double beta, INDArray c) {
        BaseLevel3 blas = (BaseLevel3) Nd4j.getBlasWrapper().level3();
        int n = c.rows();
        int lda = x.columns();
        try {
            if (c.dataType() == DataType.DOUBLE) {
                DSYRK.invokeExact(blas, 'f', 'U', trans, n, k, 1.0, x, lda, beta, c, n);
            } else {
                SSYRK.invokeExact(blas, 'f', 'U', trans, n, k, 1f, x, lda, (float) beta, c, n);
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("rank-k update of a " + n + "x" + n + " matrix failed", e);
        }
    }

    private static @Nullable MethodHandle rankUpdate(String name, Class<?> real) {
        return find(
                BaseLevel3.class,
                name,
                char.class,
                char.class,
                char.class,
                int.class,
                int.class,
                real,
                INDArray.class,
                int.class,
                real,
                INDArray.class,
                int.class);
    }

    private static @Nullable MethodHandle matrixVector(String name, Class<?> real) {
        return find(
                BaseLevel2.class,
                name,
                char.class,
                char.class,
                int.class,
                int.class,
                real,
                INDArray.class,
                int.class,
                INDArray.class,
                int.class,
                real,
                INDArray.class,
                int.class);
    }

    private static @Nullable MethodHandle find(Class<?> owner, String name, Class<?>... parameters) {
        try {
            Method method = owner.getDeclaredMethod(name, parameters);
            method.setAccessible(true);
            MethodType type = MethodType.methodType(void.class, parameters).insertParameterTypes(0, owner);
            return MethodHandles.lookup().unreflect(method).asType(type);
        } catch (ReflectiveOperationException | RuntimeException e) {
            log.debug("{} is not to be had from this ND4J, GEMM takes its place", name, e);
            return null;
        }
    }

    private static boolean agreesWithPlainSums() {
        if (SSYRK == null || DSYRK == null || SGEMV == null || DGEMV == null) {
            return false;
        }
        try {
            // Large enough to reach the blocked kernels
            double[][] x = new double[70][37];
            for (int i = 0; i < x.length; i++) {
                for (int j = 0; j < x[0].length; j++) {
                    x[i][j] = Math.sin(1 + i * 37 + j);
                }
            }
            for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
                INDArray array = Nd4j.create(x).castTo(type).dup('c');
                INDArray inner = Nd4j.create(type, new long[] {37, 37}, 'f');
                INDArray outer = Nd4j.create(type, new long[] {70, 70}, 'f');
                syrk('N', array, 70, 0, inner);
                syrk('T', array, 37, 0, outer);
                INDArray sums = Nd4j.create(type, 37);
                gemv(Nd4j.ones(type, 70), array, 2, sums);
                for (int i = 0; i < 70; i++) {
                    double sum = 0;
                    for (int k = 0; i < 37 && k < 70; k++) {
                        sum += 2 * x[k][i];
                    }
                    if (i < 37 && !(Math.abs(sums.getDouble(i) - sum) < 1e-4)) {
                        log.debug("GEMV differs from plain sums on this backend, GEMM takes its place");
                        return false;
                    }
                    for (int j = i; j < 70; j++) {
                        double rows = 0;
                        double columns = 0;
                        for (int k = 0; k < 70; k++) {
                            rows += k < 37 ? x[i][k] * x[j][k] : 0;
                            columns += j < 37 ? x[k][i] * x[k][j] : 0;
                        }
                        if (!(Math.abs(outer.getDouble(i, j) - rows) < 1e-4)
                                || (j < 37 && !(Math.abs(inner.getDouble(i, j) - columns) < 1e-4))) {
                            log.debug("SYRK differs from plain sums on this backend, GEMM takes its place");
                            return false;
                        }
                    }
                }
            }
            return true;
        } catch (RuntimeException e) {
            log.debug("SYRK or GEMV fails on this backend, GEMM takes its place", e);
            return false;
        }
    }
}
