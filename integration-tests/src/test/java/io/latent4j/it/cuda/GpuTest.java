/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.cuda;

import static org.junit.jupiter.api.Assertions.assertFalse;

import io.latent4j.contracts.Golden;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Kernels and layers on a GPU against their results on the CPU.
 *
 * <p>To run on a machine with a card of compute capability 3.7 to 8.9: {@code mvn -Pcuda verify -Dgroups=gpu}. The other
 * tests run there as well, without {@code -Dgroups}.
 */
@Tag("gpu")
class GpuTest extends KernelResultsTest {
    private static final Path MODELS = Path.of("src", "test", "resources", "golden-0.1");

    @BeforeAll
    static void theBackendIsAGpu() {
        assertFalse(
                Nd4j.getEnvironment().isCPU(),
                () -> "expected the CUDA backend (-Pcuda), found "
                        + Nd4j.getBackend().getClass().getName());
    }

    static List<String> models() throws IOException {
        return Golden.models(MODELS);
    }

    /** Outputs, score and the parameters after a step: of each layer, vertex and loss. */
    @ParameterizedTest
    @MethodSource("models")
    void layersComputeWhatTheyDidOnTheCpu(String name) throws IOException {
        Golden.check(MODELS, name);
    }
}
