/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class SearchExperimentTest extends ExperimentTest {
    private static final Path DATA = Path.of(System.getProperty("latent4j.data", "../../shared/data"));

    /** Published minimizers, in the order of the functions. */
    private static final List<List<Object>> MINIMA = List.of(
            List.of(Math.PI, 2.275),
            List.of(0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573),
            List.of(1.0, 1.0, 1.0, 1.0),
            List.of(1e-3, "adam", "relu", 96, 3, 0.2, true));

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
        fails(2, expected, argument);
    }

    @Test
    void tellsWhichFileIsMissing() {
        fails(1, "train.tsv", "--data=" + folder);
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

    @Override
    CommandLine commandLine() {
        return SearchExperiment.commandLine();
    }
}
