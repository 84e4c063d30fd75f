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

class VocabsemExperimentTest extends ExperimentTest {
    private static final Path DATA = Path.of(System.getProperty("latent4j.data", "../../shared/data"));

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--tasks=CARER | --tasks: expected some of [SST-2, TREC, AG News, SUBJ, DBpedia], found [CARER]",
                "--lms=gpt2    | --lms: expected some of [lstm, stories260K], found [gpt2]",
                "--shots=4,-1  | --shots: expected 0 or more, found [4, -1]",
                "--seeds=0     | --seeds: expected 1 or more, found 0",
                "--scale=0     | --scale: expected more than 0, found 0.0"
            })
    void refusesWrongArguments(String argument, String expected) {
        fails(2, expected, argument);
    }

    @Test
    void tellsWhichFileIsMissing() {
        fails(1, "stories260K.bin", "--data=" + folder, "--lms=stories260K");
    }

    @Test
    @Tag("data")
    void writesTablesOfARealTask() throws Exception {
        Path file = DATA.resolve("trec/train.tsv");
        assumeTrue(Files.isReadable(file), () -> "skipped: no " + file.toAbsolutePath() + "; set -Dlatent4j.data");
        Path page = folder.resolve("page.md");
        Path csv = folder.resolve("all.csv");
        assertEquals(
                0,
                run(
                        "--data=" + DATA,
                        "--cache=" + folder.resolve("cache"),
                        "--out=" + page,
                        "--csv=" + csv,
                        "--lms=stories260K",
                        "--tasks=TREC",
                        "--shots=4",
                        "--seeds=2",
                        "--epochs=20",
                        "--max-tokens=24",
                        "--max-train=300",
                        "--max-test=60"),
                errors::toString);
        List<String> rows = Files.readAllLines(csv);
        assertEquals(1 + 2 + 5 * 2, rows.size(), "two methods without training, five with two seeds");
        assertTrue(rows.stream().skip(1).allMatch(row -> row.startsWith("stories260K,TREC,")), rows.toString());
        String text = Files.readString(page);
        assertTrue(text.contains("### 4 texts per class") && text.contains("| linear head | "), text);
        assertTrue(text.contains("## Who wins"), text);
    }

    @Override
    CommandLine commandLine() {
        return VocabsemExperiment.commandLine();
    }
}
