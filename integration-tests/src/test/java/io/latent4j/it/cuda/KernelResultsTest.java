/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.cuda;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;

/** Kernels give on this backend, whichever it is, what they gave on the CPU. */
@TestInstance(Lifecycle.PER_CLASS)
class KernelResultsTest {
    private Map<String, double[]> stored = Map.of();

    @BeforeAll
    void read() throws IOException {
        if (System.getProperty(StoredResults.WRITE) != null) {
            StoredResults.write(Path.of("src", "test", "resources"));
        }
        stored = StoredResults.read();
    }

    @ParameterizedTest
    @EnumSource(KernelCase.class)
    void doubleResultsAreTheStoredOnes(KernelCase kernel) {
        StoredResults.compare(kernel, DataType.DOUBLE, stored);
    }

    @ParameterizedTest
    @EnumSource(KernelCase.class)
    void floatResultsAreTheStoredOnesUpToRounding(KernelCase kernel) {
        StoredResults.compare(kernel, DataType.FLOAT, stored);
    }
}
