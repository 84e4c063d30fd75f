/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
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

class QuickstartTest {
    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void helpNamesEveryOption() {
        assertEquals(0, run("--help"));
        for (String option : List.of("--minutes", "--seed", "--data", "--out", "--help", "--version")) {
            assertTrue(out.toString().contains(option), option);
        }
    }

    @Test
    void versionIsTheBuilds() {
        assertEquals(0, run("--version"));
        assertTrue(out.toString().startsWith("Latent4J quickstart 0."), out.toString());
        assertFalse(out.toString().contains("$"), out.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "--minutes=0, --minutes",
        "--minutes=NaN, --minutes",
        "--minutes=soon, --minutes",
        "--threads=0, --threads",
        "--candidates=-1, --candidates",
        "--examples=-5, --examples",
        "--lambdas=1;NaN, --lambdas",
        "--seed=first, --seed",
        "--colour=red, --colour=red",
        "--data, --data"
    })
    void wrongArgumentsAreNamedInOneLine(String argument, String named) {
        assertEquals(2, run(argument.replace(';', ',')));
        assertOneLine(named);
    }

    @Test
    void unreadableDataIsNamedInOneLine() throws IOException {
        Path missing = folder.resolve("missing.tsv");
        assertEquals(
                1,
                run(
                        "--data",
                        missing.toString(),
                        "--out",
                        folder.resolve("report").toString()));
        assertOneLine(missing + ": no such file");
    }

    @Test
    void missingCorpusIsNamedInOneLine() {
        assertEquals(
                1,
                run(
                        "--corpus",
                        folder.resolve("nowhere").toString(),
                        "--out",
                        folder.resolve("r").toString()));
        assertOneLine("nowhere: no guava-*-sources.jar found");
    }

    @Test
    void unusableReportFolderIsNamedInOneLine() throws IOException {
        Path file = Files.writeString(folder.resolve("taken"), "a file");
        assertEquals(1, run("--out", file.toString()));
        assertOneLine("--out: can't create the folder " + file);
    }

    @Test
    void askingWithoutASavedModelIsNamedInOneLine() {
        assertEquals(1, run("ask", "--out", folder.resolve("nowhere").toString(), "sorts a list"));
        assertOneLine("nowhere/ask: no saved model found".replace('/', File.separatorChar));
    }

    @Test
    void wrongArgumentsOfAskAreNamedInOneLine() {
        assertEquals(2, run("ask", "--passages", "0"));
        assertOneLine("--passages: expected 1 or more, found 0");
        assertEquals(0, run("ask", "--help"));
        assertTrue(out.toString().contains("--passages"), out.toString());
    }

    @Test
    void stackTraceIsShownWhenAskedFor() {
        assertEquals(
                1,
                run(
                        "--stacktrace",
                        "--data",
                        folder.resolve("x").toString(),
                        "--out",
                        folder.resolve("r").toString()));
        assertTrue(err.toString().contains("CorpusException"), err.toString());
    }

    @Test
    @Tag("slow")
    void trainsAndReportsOnOwnData() throws IOException {
        Path data = Texts.write(folder.resolve("texts.tsv"), 200);
        Path report = folder.resolve("deep").resolve("report");

        int code = run(
                "--stacktrace",
                "--data",
                data.toString(),
                "--out",
                report.toString(),
                "--examples",
                "1000",
                "--lambdas",
                "-2,2",
                "--candidates",
                "2",
                "--threads",
                "2",
                "--seed",
                "11");

        assertEquals(0, code, err.toString());
        assertTrue(out.toString().contains(report.resolve("index.html").toString()), out.toString());
        String page = Files.readString(report.resolve("index.html"));
        assertFalse(page.contains("banner\""), "a complete report has no banner");
        assertTrue(page.contains("your own texts have no code to retrieve"), page);
        assertTrue(page.contains("seed 11") || page.contains("11, 12, 13"), "the page names the seeds");
        for (String file : List.of(
                Charts.ACCURACY,
                Charts.ISOTROPY,
                Charts.LOSS_CURVES,
                Charts.ISOTROPY_CURVES,
                Charts.FEW_SHOT,
                Charts.LENS_WORDS,
                Charts.LENS_LOGITS,
                Charts.LENS_RANKS,
                Charts.LENS_CLASSES,
                Charts.LENS_CLASS_PROBABILITIES,
                ResultFiles.SEMANTICS_CSV,
                ResultFiles.LENS_CSV,
                ResultFiles.JSON)) {
            assertTrue(Files.size(report.resolve(file)) > 0, file);
            assertTrue(page.contains(file), file);
        }
        List<String> rows = Files.readAllLines(report.resolve(ResultFiles.CSV));
        // 3 λ (0 is always there) and 2 of them with shrinkage, 3 seeds each; the search; the header
        assertEquals(5 * 3, rows.stream().filter(row -> row.startsWith("run,")).count());
        long searched = rows.stream().filter(row -> row.startsWith("search,")).count();
        assertTrue(searched >= 1 && searched <= 3, "candidates: " + searched);
        assertTrue(
                out.toString().contains("It rises with every step of λ"),
                "λ < 0 lowers IsoScore*, λ > 0 raises it: " + out);
        try (var left = Files.list(report)) {
            assertTrue(left.noneMatch(file -> file.toString().endsWith(".new")), "no temporary file is left");
        }
    }

    private int run(String... arguments) {
        CommandLine command = Quickstart.commandLine();
        command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return command.execute(arguments);
    }

    private void assertOneLine(String expected) {
        assertTrue(err.toString().contains(expected), err.toString());
        assertEquals(1, err.toString().lines().count(), err.toString());
    }
}
