/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.latent4j.istar.NativeSetup.Result;
import io.latent4j.istar.NativeSetup.VectorUnit;
import io.latent4j.istar.NativeSetup.Verdict;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NativeSetupTest {

    /** Rates as measured under OPENBLAS_CORETYPE = Prescott, Nehalem, Haswell and SkylakeX. */
    @ParameterizedTest
    @CsvSource({
        "AVX512, 0.37, SLOW_KERNELS",
        "AVX512, 0.59, SLOW_KERNELS",
        "AVX2, 0.47, SLOW_KERNELS",
        "UNKNOWN, 0.47, SLOW_KERNELS",
        "AVX2, 0.85, GOOD",
        "AVX512, 1.03, GOOD",
        "AVX512, 2.77, GOOD",
        "UNKNOWN, 2.05, GOOD",
        "BELOW_AVX2, 0.47, GOOD",
        "AVX2, NaN, UNKNOWN"
    })
    void verdictFollowsFromProcessorAndRate(VectorUnit vectorUnit, double relativeRate, Verdict expected) {
        assertEquals(expected, NativeSetup.decide(true, vectorUnit, relativeRate));
        assertEquals(Verdict.WRONG_RESULTS, NativeSetup.decide(false, vectorUnit, relativeRate));
    }

    @ParameterizedTest
    @CsvSource({
        "'flags\t\t: fpu sse2 avx avx2 avx512f avx512dq avx512bw avx512vl', AVX512",
        "'flags\t\t: fpu sse2 avx avx2 avx512f avx512er', AVX2",
        "'flags\t\t: fpu sse2 avx avx2 fma', AVX2",
        "'flags\t\t: fpu sse2 avx', BELOW_AVX2",
        "'Features\t: fp asimd', UNKNOWN",
        "'', UNKNOWN"
    })
    void readsTheFlagsLine(String line, VectorUnit expected) {
        assertEquals(expected, VectorUnit.ofCpuInfo("processor\t: 0\nmodel name\t: x\n" + line + "\n"));
    }

    @ParameterizedTest
    @CsvSource({"SLOW_KERNELS, far below", "WRONG_RESULTS, wrong products"})
    void adviceNamesTheTroubleTheCureAndTheValueInPlace(Verdict verdict, String trouble) {
        String unset = NativeSetup.advice(verdict, VectorUnit.AVX512, null);
        assertTrue(unset.contains(trouble) && unset.contains("OPENBLAS_CORETYPE=SkylakeX"), unset);
        String set = NativeSetup.advice(verdict, VectorUnit.AVX2, "auto");
        assertTrue(set.contains("OPENBLAS_CORETYPE=auto") && set.contains("OPENBLAS_CORETYPE=Haswell"), set);
        assertFalse(NativeSetup.advice(Verdict.GOOD, VectorUnit.AVX2, null).contains("OPENBLAS_CORETYPE"));
    }

    @Test
    void checkMeasuresThisMachineAndTheBuildsKernelsAreRight() {
        Result result = NativeSetup.check();
        assertTrue(result.threads() >= 1, result::toString);
        assertEquals(System.getenv(NativeSetup.VARIABLE), result.coreType());
        assertNotEquals(Verdict.WRONG_RESULTS, result.verdict(), result::toString);
        if (result.verdict() != Verdict.NOT_APPLICABLE) {
            assertTrue(result.gflops() > 0, result::toString);
            assertEquals(NativeSetup.decide(true, result.vectorUnit(), result.relativeRate()), result.verdict());
        }
    }

    /** ND4J does not tell its BLAS then, and nobody else would look. */
    @Test
    void checksAlsoWhereNd4jLeavesThreadsAlone() throws IOException, InterruptedException {
        assumeTrue(NativeSetup.check().verdict() != Verdict.NOT_APPLICABLE);
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Check.class.getName());
        builder.environment().put("ND4J_SKIP_BLAS_THREADS", "true");
        Process process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), printed);
        assertTrue(printed.contains("right and measured"), printed);
    }

    /** A program of its own. */
    static final class Check {
        private Check() {}

        public static void main(String[] args) {
            Result result = NativeSetup.check();
            System.out.println(
                    result.verdict() != Verdict.WRONG_RESULTS && result.gflops() > 0 ? "right and measured" : result);
        }
    }

    @Test
    void warnOnceMeasuresOnce() {
        assertSame(NativeSetup.warnOnce(), NativeSetup.warnOnce());
    }
}
