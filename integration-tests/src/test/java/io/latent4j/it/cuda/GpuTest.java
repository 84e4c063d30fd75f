/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.cuda;

import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The kernels on a GPU against their results on the CPU.
 *
 * <p>To run on a machine with a card of compute capability 3.7 to 8.9: {@code mvn -Pcuda verify -Dgroups=gpu}. The other
 * tests run there as well, without {@code -Dgroups}.
 */
@Tag("gpu")
class GpuTest extends KernelResultsTest {
    @BeforeAll
    static void theBackendIsAGpu() {
        assertFalse(
                Nd4j.getEnvironment().isCPU(),
                () -> "expected the CUDA backend (-Pcuda), found "
                        + Nd4j.getBackend().getClass().getName());
    }
}
