/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.blas.Blas;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells whether ND4J's CPU backend multiplies matrices rightly, and with kernels made for this processor.
 *
 * <p>OpenBLAS 0.3.19, which ND4J 1.0.0-M2.1 brings, has kernels for many processors and chooses among them when it
 * loads. On some newer x86 processors it takes its oldest (SSE) ones, several times slower; on others its Cooperlake
 * ones, whose DOUBLE products are wrong. Nothing says so. The cure for both is the environment variable {@value
 * #VARIABLE}, set before the JVM starts: {@code SkylakeX} where the processor has AVX-512, {@code Haswell} where it has
 * AVX2.
 *
 * <p>Whether the products are right is checked with whole numbers, in which every sum is exact. What is fast is not the
 * same number on every machine, least of all on a busy one. Therefore the product is compared with a yardstick taken in
 * the same moment: a loop that HotSpot compiles to vector code for this very processor. Both run on one thread: the
 * product is small enough for OpenBLAS not to share it out, and the cost of calling it is measured apart and
 * subtracted. SSE kernels reach 0.35 to 0.6 of the yardstick, AVX2 kernels 0.85 to 1.2, AVX-512 kernels 1.9 to 2.8.
 */
public final class NativeSetup {

    /** The environment variable by which OpenBLAS can be told which kernels to take. */
    public static final String VARIABLE = "OPENBLAS_CORETYPE";

    private static final Logger log = LoggerFactory.getLogger(NativeSetup.class);

    /** Between what SSE kernels and what AVX2 kernels reach, see the class comment. */
    private static final double SLOW_BELOW = 0.7;

    private static final long WARM_RATE_NANOS = 150_000_000L;

    /** Long enough for HotSpot to compile the yardstick on a busy machine as well. */
    private static final long RELATIVE_RATE_NANOS = 400_000_000L;

    /** The largest cube that OpenBLAS computes on the calling thread alone: m·n·k ≤ 2¹⁸. */
    private static final int ONE_THREAD_SIZE = 64;

    private static final int WARM_SIZE = 512;

    /** Large enough to reach the blocked kernels, of which the wrong ones are some. */
    private static final int CHECKED_SIZE = 128;

    private NativeSetup() {}

    /** What {@link #check()} concludes. */
    public enum Verdict {
        /** The products are right, and the kernels fit the processor. */
        GOOD,
        /** The active kernels compute wrong products. */
        WRONG_RESULTS,
        /** The processor can do several times more than the active kernels ask of it. */
        SLOW_KERNELS,
        /** Not OpenBLAS on an x86 processor (CUDA, MKL, ARM): the question does not arise. */
        NOT_APPLICABLE,
        /** Nothing could be measured, the advice says why. */
        UNKNOWN
    }

    /** The widest vector instructions a processor offers for floats. */
    public enum VectorUnit {
        /** Nothing beyond 128 bit products: SSE kernels are the right ones. */
        BELOW_AVX2,
        /** 256 bit: OpenBLAS' Haswell kernels. */
        AVX2,
        /** 512 bit with the DQ and VL extensions: OpenBLAS' SkylakeX kernels. */
        AVX512,
        /** The operating system does not tell. */
        UNKNOWN;

        /**
         * Reads the processor's features from the text of Linux' {@code /proc/cpuinfo}.
         *
         * @param cpuInfo the file's text
         * @return the widest unit in the first {@code flags} line, {@link #UNKNOWN} if there is no such line
         */
        static VectorUnit ofCpuInfo(String cpuInfo) {
            return cpuInfo.lines()
                    .filter(line -> line.startsWith("flags"))
                    .findFirst()
                    .map(line -> Arrays.asList(line.split("\\s+")))
                    .map(flags -> flags.containsAll(List.of("avx512f", "avx512dq", "avx512vl"))
                            ? AVX512
                            : flags.contains("avx2") ? AVX2 : BELOW_AVX2)
                    .orElse(UNKNOWN);
        }
    }

    /**
     * What was found.
     *
     * @param backend simple name of the ND4J backend, {@code none} if none could be loaded
     * @param threads threads the backend's BLAS uses, 0 if unknown
     * @param gflops rate of a warm 512×512×512 float product on all threads, in 10⁹ operations per second; 0 if not
     *     measured
     * @param relativeRate one thread's product rate divided by that of a vectorised Java loop; NaN if not measured
     * @param vectorUnit what the processor offers
     * @param coreType value of {@value NativeSetup#VARIABLE}, null if unset
     * @param verdict the conclusion
     * @param advice what to do, in one sentence or two
     */
    public record Result(
            String backend,
            int threads,
            double gflops,
            double relativeRate,
            VectorUnit vectorUnit,
            @Nullable String coreType,
            Verdict verdict,
            String advice) {}

    /**
     * Measures, in less than a second (loading the backend apart).
     *
     * @return the result; if nothing can be measured, one with {@link Verdict#UNKNOWN} and the cause as advice
     */
    public static Result check() {
        String coreType = System.getenv(VARIABLE);
        VectorUnit vectorUnit = readVectorUnit();
        try {
            String backend = Nd4j.getBackend().getClass().getSimpleName();
            Blas blas = Nd4j.factory().blas();
            int threads = Math.max(0, blas.getMaxThreads());
            if (!mayBeOpenBlas(blas) || !isX86()) {
                Verdict verdict = Verdict.NOT_APPLICABLE;
                String advice = advice(verdict, vectorUnit, coreType);
                return new Result(backend, threads, 0, Double.NaN, vectorUnit, coreType, verdict, advice);
            }
            double gflops = warmRate();
            double relativeRate = relativeRate();
            Verdict verdict = decide(productsAreRight(), vectorUnit, relativeRate);
            String advice = advice(verdict, vectorUnit, coreType);
            return new Result(backend, threads, gflops, relativeRate, vectorUnit, coreType, verdict, advice);
        } catch (RuntimeException | LinkageError e) { // a missing or broken backend comes as either
            return new Result(
                    "none", 0, 0, Double.NaN, vectorUnit, coreType, Verdict.UNKNOWN, "ND4J could not be asked: " + e);
        }
    }

    /**
     * Checks once per JVM, and logs one warning with the cure if the kernels are wrong or slow.
     *
     * @return the result of that one check
     */
    public static Result warnOnce() {
        return Once.RESULT;
    }

    /** The class loader runs this at the first call of {@link #warnOnce()}, exactly once. */
    private static final class Once {
        static final Result RESULT = check();

        static {
            if (RESULT.verdict() == Verdict.WRONG_RESULTS || RESULT.verdict() == Verdict.SLOW_KERNELS) {
                log.warn(
                        "ND4J multiplies matrices at {} GFLOP/s, {} of a plain Java loop's rate per thread. {}",
                        String.format(Locale.ROOT, "%.0f", RESULT.gflops()),
                        String.format(Locale.ROOT, "%.2f", RESULT.relativeRate()),
                        RESULT.advice());
            }
        }
    }

    /**
     * The rule: slow if the processor has, or may have, AVX2 and the product stays in the range of SSE kernels.
     *
     * @param right whether the products are right, which goes before everything else
     * @param vectorUnit what the processor offers
     * @param relativeRate product rate divided by the yardstick's; NaN if not measured
     * @return the conclusion
     */
    static Verdict decide(boolean right, VectorUnit vectorUnit, double relativeRate) {
        if (!right) {
            return Verdict.WRONG_RESULTS;
        }
        if (Double.isNaN(relativeRate)) {
            return Verdict.UNKNOWN;
        }
        return vectorUnit != VectorUnit.BELOW_AVX2 && relativeRate < SLOW_BELOW ? Verdict.SLOW_KERNELS : Verdict.GOOD;
    }

    /**
     * Words for a conclusion.
     *
     * @param verdict the conclusion
     * @param vectorUnit what the processor offers
     * @param coreType value of {@link #VARIABLE}, null if unset
     * @return what to do
     */
    static String advice(Verdict verdict, VectorUnit vectorUnit, @Nullable String coreType) {
        String kernels =
                coreType == null ? "The kernels OpenBLAS chose" : "The kernels of " + VARIABLE + "=" + coreType;
        String cure = " Set the environment variable " + VARIABLE + "=" + bestKernels(vectorUnit)
                + " before the JVM starts (in the shell, the container, or surefire's environmentVariables).";
        return switch (verdict) {
            case GOOD -> "Nothing to do.";
            case WRONG_RESULTS -> kernels + " compute wrong products on this processor." + cure;
            case SLOW_KERNELS -> kernels + " are far below this processor." + cure;
            case NOT_APPLICABLE -> "Nothing to do: OpenBLAS on x86 alone is concerned.";
            case UNKNOWN -> "The machine was too busy to measure.";
        };
    }

    private static String bestKernels(VectorUnit vectorUnit) {
        return switch (vectorUnit) {
            case AVX512 -> "SkylakeX";
            case AVX2, UNKNOWN -> "Haswell";
            case BELOW_AVX2 -> "Nehalem";
        };
    }

    /** ND4J does not know its BLAS where ND4J_SKIP_BLAS_THREADS keeps it from setting the number of its threads. */
    private static boolean mayBeOpenBlas(Blas blas) {
        Blas.Vendor vendor = blas.getBlasVendor();
        return vendor == Blas.Vendor.OPENBLAS || vendor == Blas.Vendor.UNKNOWN;
    }

    private static boolean isX86() {
        String arch = System.getProperty("os.arch", "");
        return arch.equals("amd64") || arch.startsWith("x86");
    }

    private static VectorUnit readVectorUnit() {
        try {
            return VectorUnit.ofCpuInfo(Files.readString(Path.of("/proc/cpuinfo"), StandardCharsets.ISO_8859_1));
        } catch (IOException e) { // not Linux: the measurement decides alone
            return VectorUnit.UNKNOWN;
        }
    }

    /** Compares products of whole numbers, in both types and all transpositions, with plain sums. */
    private static boolean productsAreRight() {
        int n = CHECKED_SIZE;
        double[][] a = new double[n][n];
        double[][] b = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                a[i][j] = (7 * i + 3 * j) % 11 - 5;
                b[i][j] = (5 * i + 8 * j) % 13 - 6;
            }
        }
        double[][] sums = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < n; k++) {
                for (int j = 0; j < n; j++) {
                    sums[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        INDArray expected = Nd4j.create(sums).castTo(DataType.DOUBLE);
        for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
            for (boolean transposeA : new boolean[] {false, true}) {
                for (boolean transposeB : new boolean[] {false, true}) {
                    INDArray left = Nd4j.create(a).castTo(type);
                    INDArray right = Nd4j.create(b).castTo(type);
                    INDArray product = Nd4j.create(type, new long[] {n, n}, 'c');
                    Nd4j.gemm(
                            transposeA ? left.transpose().dup('c') : left,
                            transposeB ? right.transpose().dup('c') : right,
                            product,
                            transposeA,
                            transposeB,
                            1,
                            0);
                    if (!expected.equalsWithEps(product.castTo(DataType.DOUBLE), 0.5)) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    /** Best rate of a 512³ product on all threads, in GFLOP/s. */
    private static double warmRate() {
        Product product = new Product(WARM_SIZE);
        long end = System.nanoTime() + WARM_RATE_NANOS;
        double best = Double.POSITIVE_INFINITY;
        for (int i = 0; i < 10 && System.nanoTime() < end; i++) {
            best = Math.min(best, product.nanos());
        }
        return product.operations() / best;
    }

    /** Product and yardstick by turns for the whole budget; the best time of each is the least disturbed one. */
    private static double relativeRate() {
        Product product = new Product(ONE_THREAD_SIZE);
        Product call = new Product(1);
        Yardstick yardstick = new Yardstick();
        double productNanos = Double.POSITIVE_INFINITY;
        double callNanos = Double.POSITIVE_INFINITY;
        double yardstickNanos = Double.POSITIVE_INFINITY;
        long end = System.nanoTime() + RELATIVE_RATE_NANOS;
        while (System.nanoTime() < end) {
            for (int i = 0; i < 8; i++) {
                productNanos = Math.min(productNanos, product.nanos());
                callNanos = Math.min(callNanos, call.nanos());
                yardstickNanos = Math.min(yardstickNanos, yardstick.nanos());
            }
        }
        double productRate = product.operations() / (productNanos - callNanos);
        double yardstickRate = Yardstick.OPERATIONS / yardstickNanos;
        // A call longer than call and work together, or a yardstick that never got compiled: too busy to conclude
        boolean trusted = productRate > 0 && yardstickRate > Yardstick.COMPILED_ABOVE;
        return trusted ? productRate / yardstickRate : Double.NaN;
    }

    /** C = A·B with square float matrices. */
    private static final class Product {
        private final int size;
        private final INDArray a;
        private final INDArray b;
        private final INDArray c;

        Product(int size) {
            this.size = size;
            a = Nd4j.ones(DataType.FLOAT, size, size);
            b = Nd4j.ones(DataType.FLOAT, size, size);
            c = Nd4j.create(DataType.FLOAT, new long[] {size, size}, 'c');
        }

        double operations() {
            return 2.0 * size * size * size;
        }

        double nanos() {
            long start = System.nanoTime();
            Nd4j.gemm(a, b, c, false, false, 1, 0);
            return System.nanoTime() - start;
        }
    }

    /** Four scaled rows added to a fifth, all in the first-level cache: HotSpot vectorises this loop. */
    private static final class Yardstick {
        private static final int LENGTH = 1024;
        static final double OPERATIONS = 8.0 * LENGTH;

        /** GFLOP/s that scalar code does not reach; vector code reached 20 to 45. */
        static final double COMPILED_ABOVE = 8;

        private final float[][] rows = new float[5][LENGTH];

        /** Of many additions, so that the clock's own cost doesn't count. */
        double nanos() {
            long start = System.nanoTime();
            for (int i = 0; i < 20; i++) {
                addScaled(rows[0], rows[1], rows[2], rows[3], rows[4], i);
            }
            return (System.nanoTime() - start) / 20.0;
        }

        private static void addScaled(float[] a, float[] b, float[] c, float[] d, float[] sum, float scale) {
            for (int i = 0; i < LENGTH; i++) {
                sum[i] += scale * a[i] + 2f * b[i] + 3f * c[i] + 4f * d[i];
            }
        }
    }
}
