/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** An experiment run by its command line. */
abstract class ExperimentTest {
    @TempDir
    Path folder;

    final StringWriter errors = new StringWriter();

    abstract CommandLine commandLine();

    /** The exit code. */
    final int run(String... arguments) {
        return commandLine()
                .setErr(new PrintWriter(errors, true))
                .setOut(new PrintWriter(new StringWriter()))
                .execute(arguments);
    }

    final void fails(int exitCode, String expected, String... arguments) {
        assertEquals(exitCode, run(arguments));
        assertTrue(errors.toString().contains(expected), errors.toString());
    }
}
