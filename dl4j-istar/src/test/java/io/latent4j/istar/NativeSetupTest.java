/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.istar.NativeSetup.Result;
import io.latent4j.istar.NativeSetup.VectorUnit;
import io.latent4j.istar.NativeSetup.Verdict;
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

    @Test
    void warnOnceMeasuresOnce() {
        assertSame(NativeSetup.warnOnce(), NativeSetup.warnOnce());
    }
}
