/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class SearchExperimentTest {
    private static final Path DATA = Path.of(System.getProperty("latent4j.data", "../../shared/data"));

    /** Published minimizers, in the order of the functions. */
    private static final List<List<Object>> MINIMA = List.of(
            List.of(Math.PI, 2.275),
            List.of(0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573),
            List.of(1.0, 1.0, 1.0, 1.0),
            List.of(1e-3, "adam", "relu", 96, 3, 0.2, true));

    @TempDir
    private Path folder;

    private final StringWriter errors = new StringWriter();

    @Test
    void functionsHaveTheirMinimaWhereTheyAreKnown() {
        assertEquals(MINIMA.size(), SearchFunction.ALL.size());
        for (int i = 0; i < MINIMA.size(); i++) {
            SearchFunction function = SearchFunction.ALL.get(i);
            double value = function.value().applyAsDouble(MINIMA.get(i));
            assertEquals(function.minimum(), value, 1e-5, function.name());
            assertTrue(value >= function.minimum() - 1e-12, function.name());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--seeds=0       | --seeds: expected 1 or more, found 0",
                "--evaluations=2 | --evaluations: expected 3 or more, found 2",
                "--trainings=2   | --trainings: expected 0, or 3 or more, found 2",
                "--reduction=1   | --reduction: expected 2 or more, found 1"
            })
    void refusesWrongArguments(String argument, String expected) {
        assertEquals(2, run(argument));
        assertTrue(errors.toString().contains(expected), errors.toString());
    }

    @Test
    void tellsWhichFileIsMissing() {
        assertEquals(1, run("--data=" + folder));
        assertTrue(errors.toString().contains("train.tsv"), errors.toString());
    }

    @Test
    @Tag("data")
    void writesTables() throws Exception {
        Path file = DATA.resolve("trec/train.tsv");
        assumeTrue(Files.isReadable(file), () -> "skipped: no " + file.toAbsolutePath() + "; set -Dlatent4j.data");
        Path page = folder.resolve("page.md");
        Path csv = folder.resolve("all.csv");
        assertEquals(
                0,
                run(
                        "--data=" + DATA,
                        "--out=" + page,
                        "--csv=" + csv,
                        "--seeds=2",
                        "--evaluations=12",
                        "--trainings=3",
                        "--epochs=3",
                        "--texts=100"),
                errors::toString);
        int functions = SearchFunction.ALL.size() * 3; // methods without pruning
        assertEquals(1 + 2 * 3 * (functions + 4), Files.readAllLines(csv).size(), "two seeds, three checkpoints");
        String text = Files.readString(page);
        assertTrue(text.contains("### Hartmann 6") && text.contains("| TPE + ASHA | "), text);
    }

    private int run(String... arguments) {
        CommandLine command = SearchExperiment.commandLine();
        command.setErr(new PrintWriter(errors, true));
        command.setOut(new PrintWriter(new StringWriter()));
        return command.execute(arguments);
    }
}
