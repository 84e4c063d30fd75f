/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.blas.impl.BaseLevel3;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The products XᵀX and XXᵀ as symmetric rank-k updates (SYRK), which do half of GEMM's work.
 *
 * <p>ND4J M2.1's public {@code syrk} always passes k = 1, so the protected call beneath it, which takes k, is bound
 * here. It is compared with plain sums when the class loads and left for GEMM where it differs, as another backend's
 * may. (The sister routine SYMM is not used: M2.1's OpenBLAS gets DSYMM wrong on AVX-512 machines.)
 */
final class RankUpdate {
    private static final Logger log = LoggerFactory.getLogger(RankUpdate.class);

    private static final @Nullable MethodHandle SSYRK = find("ssyrk", float.class);
    private static final @Nullable MethodHandle DSYRK = find("dsyrk", double.class);
    private static final boolean TRUSTED = agreesWithPlainSums();

    private RankUpdate() {}

    /**
     * Sets the upper triangle of C to that of {@code XᵀX + beta·C}; what stands below the diagonal is left undefined.
     *
     * @param x row-major matrix [k, n]
     * @param c 'f'-ordered matrix [n, n]
     */
    static void gram(INDArray x, double beta, INDArray c) {
        if (TRUSTED) {
            // Row-major [k, n] is column-major [n, k]
            syrk('N', x.transpose(), x.rows(), beta, c);
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
            syrk('T', x.transpose(), x.columns(), 0, c);
        } else {
            Nd4j.gemm(x, x, c, false, true, 1, 0);
        }
    }

    private static void syrk(char trans, INDArray columnMajor, int k, double beta, INDArray c) {
        BaseLevel3 blas = (BaseLevel3) Nd4j.getBlasWrapper().level3();
        int n = c.rows();
        int lda = (int) columnMajor.size(0);
        try {
            if (c.dataType() == DataType.DOUBLE) {
                DSYRK.invokeExact(blas, 'f', 'U', trans, n, k, 1.0, columnMajor, lda, beta, c, n);
            } else {
                SSYRK.invokeExact(blas, 'f', 'U', trans, n, k, 1f, columnMajor, lda, (float) beta, c, n);
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("rank-k update of a " + n + "x" + n + " matrix failed", e);
        }
    }

    private static @Nullable MethodHandle find(String name, Class<?> real) {
        Class<?>[] parameters = {
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
            int.class
        };
        try {
            Method method = BaseLevel3.class.getDeclaredMethod(name, parameters);
            method.setAccessible(true);
            MethodType type = MethodType.methodType(void.class, parameters).insertParameterTypes(0, BaseLevel3.class);
            return MethodHandles.lookup().unreflect(method).asType(type);
        } catch (ReflectiveOperationException | RuntimeException e) {
            log.debug("{} is not to be had from this ND4J, GEMM takes its place", name, e);
            return null;
        }
    }

    private static boolean agreesWithPlainSums() {
        if (SSYRK == null || DSYRK == null) {
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
                syrk('N', array.transpose(), 70, 0, inner);
                syrk('T', array.transpose(), 37, 0, outer);
                for (int i = 0; i < 70; i++) {
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
            log.debug("SYRK fails on this backend, GEMM takes its place", e);
            return false;
        }
    }
}
