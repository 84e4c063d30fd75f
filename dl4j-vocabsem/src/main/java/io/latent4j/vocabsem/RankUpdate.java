/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

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
 * The product XᵀX in double as a symmetric rank-k update (DSYRK), which does half of GEMM's work.
 *
 * <p>ND4J M2.1's public {@code syrk} always passes k = 1, so the protected call beneath it, which takes k, is bound
 * here. It is compared with plain sums when the class loads and left for GEMM where it differs, as another backend's
 * may.
 */
final class RankUpdate {
    private static final Logger log = LoggerFactory.getLogger(RankUpdate.class);

    private static final @Nullable MethodHandle DSYRK = find();
    private static final boolean TRUSTED = agreesWithPlainSums();

    private RankUpdate() {}

    /**
     * Adds {@code XᵀX} to the upper triangle of C; what stands below the diagonal is left undefined.
     *
     * @param x 'c'-ordered DOUBLE matrix [k, n]
     * @param c 'f'-ordered DOUBLE matrix [n, n]
     */
    static void addGram(INDArray x, INDArray c) {
        if (TRUSTED) {
            syrk(x, c);
        } else {
            Nd4j.gemm(x, x, c, true, false, 1, 1);
        }
    }

    private static void syrk(INDArray x, INDArray c) {
        BaseLevel3 blas = (BaseLevel3) Nd4j.getBlasWrapper().level3();
        int k = (int) x.size(0);
        int n = (int) x.size(1);
        try {
            // Row-major [k, n] is column-major [n, k]
            DSYRK.invokeExact(blas, 'f', 'U', 'N', n, k, 1.0, x.transpose(), n, 1.0, c, n);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("rank-k update of a " + n + "x" + n + " matrix failed", e);
        }
    }

    private static @Nullable MethodHandle find() {
        Class<?>[] parameters = {
            char.class,
            char.class,
            char.class,
            int.class,
            int.class,
            double.class,
            INDArray.class,
            int.class,
            double.class,
            INDArray.class,
            int.class
        };
        try {
            Method method = BaseLevel3.class.getDeclaredMethod("dsyrk", parameters);
            method.setAccessible(true);
            MethodType type = MethodType.methodType(void.class, parameters).insertParameterTypes(0, BaseLevel3.class);
            return MethodHandles.lookup().unreflect(method).asType(type);
        } catch (ReflectiveOperationException | RuntimeException e) {
            log.debug("dsyrk is not to be had from this ND4J, GEMM takes its place", e);
            return null;
        }
    }

    private static boolean agreesWithPlainSums() {
        if (DSYRK == null) {
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
            INDArray c = Nd4j.create(DataType.DOUBLE, new long[] {37, 37}, 'f');
            syrk(Nd4j.create(x), c);
            for (int i = 0; i < 37; i++) {
                for (int j = i; j < 37; j++) {
                    double sum = 0;
                    for (double[] row : x) {
                        sum += row[i] * row[j];
                    }
                    if (!(Math.abs(c.getDouble(i, j) - sum) < 1e-10)) {
                        log.debug("DSYRK differs from plain sums on this backend, GEMM takes its place");
                        return false;
                    }
                }
            }
            return true;
        } catch (RuntimeException e) {
            log.debug("DSYRK fails on this backend, GEMM takes its place", e);
            return false;
        }
    }
}
