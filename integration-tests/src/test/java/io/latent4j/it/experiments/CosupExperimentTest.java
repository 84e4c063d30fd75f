/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.data.Passage;
import io.latent4j.cosup.data.SquadReader.Question;
import io.latent4j.it.experiments.CosupModel.Towers;
import io.latent4j.it.experiments.CosupOutcome.Metric;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class CosupExperimentTest extends ExperimentTest {
    private static final List<String> THINGS = List.of(
            "oil", "tea", "iron", "wool", "salt", "silk", "corn", "rice", "gold", "coal", "wine", "milk", "clay",
            "sand", "glass", "paper");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--tests=train       | --tests: expected some of [dev, seen articles, unseen articles, tuning], found [train]",
                "--objectives=both   | --objectives: expected untrained, single or numbers above 0, found [both]",
                "--objectives=0.1,-1 | --objectives: expected untrained, single or numbers above 0, found [0.1, -1]",
                "--vocabulary=8      | --vocabulary: expected more than 8, found 8",
                "--steps=0           | --steps: expected 1 or more, found 0",
                "--temperature=0     | --temperature: expected more than 0, found 0.0",
                "--pooling=MEDIAN    | MEDIAN"
            })
    void refusesWrongArguments(String argument, String expected) {
        fails(2, expected, argument);
    }

    @Test
    void tellsWhichFileIsMissing() {
        fails(1, "train-v1.1.json.gz", "--data=" + folder);
    }

    /** Articles about things; a passage for each of three places, three questions each. */
    private void writeSquad(String name, List<String> things) throws IOException {
        String articles = things.stream()
                .map(thing -> IntStream.range(0, 3)
                        .mapToObj(i -> paragraph(
                                thing, List.of("rome", "paris", "oslo").get(i)))
                        .collect(Collectors.joining(",", "{\"title\": \"" + thing + "\", \"paragraphs\": [", "]}")))
                .collect(Collectors.joining(",", "{\"data\": [", "]}"));
        Path file = folder.resolve("squad11").resolve(name);
        Files.createDirectories(file.getParent());
        try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(articles.getBytes(StandardCharsets.UTF_8));
        }
    }

    private static String paragraph(String thing, String place) {
        String questions = List.of("where is", "what place has", "who sells").stream()
                .map(words -> "{\"id\": \"%s %s %s\", \"question\": \"%s %s?\", \"answers\": [{\"text\": \"%s\"}]}"
                        .formatted(words, thing, place, words, thing, place))
                .collect(Collectors.joining(","));
        return "{\"context\": \"There is %s in %s.\", \"qas\": [%s]}".formatted(thing, place, questions);
    }

    @Test
    void dealsArticlesOutToHalves() throws IOException {
        writeSquad("train-v1.1.json.gz", THINGS);
        writeSquad("dev-v1.1.json.gz", List.of("ink", "dye"));
        CosupData data = CosupData.read(folder.resolve("squad11"), 60, 20);

        assertEquals(8 * 3 * 3 - 2 * 20, data.training().instances().size());
        assertEquals(6, data.tests().get(CosupData.DEV).questions().size());
        for (String name : List.of(CosupData.SEEN, CosupData.UNSEEN, CosupData.TUNING)) {
            CosupData.TestSet test = data.tests().get(name);
            assertEquals(20, test.questions().size());
            assertEquals(
                    test.questions().stream().map(Question::passageId).toList(),
                    test.passages().stream().map(Passage::id).toList());
            assertEquals(20, new HashSet<>(test.passages()).size());
        }
        Set<String> trained = data.training().passages().values().stream()
                .map(passage -> passage.id().split("#", -1)[0])
                .collect(Collectors.toSet());
        assertEquals(Set.of("oil", "iron", "salt", "corn", "gold", "wine", "clay", "glass"), trained);
        assertTrue(data.tests().get(CosupData.UNSEEN).questions().stream()
                .noneMatch(question -> trained.contains(question.title())));
        Set<String> measured = data.tests().get(CosupData.SEEN).questions().stream()
                .map(Question::text)
                .collect(Collectors.toSet());
        assertEquals(
                Set.of("who sells"),
                measured.stream()
                        .map(text -> text.substring(0, text.lastIndexOf(' ')))
                        .collect(Collectors.toSet()));
        int[] known = data.tokenizer().encode("There is oil");
        assertEquals("there is oil", data.tokenizer().decode(known));
    }

    @Test
    void writesTablesAndResumes() throws IOException {
        writeSquad("train-v1.1.json.gz", THINGS);
        writeSquad("dev-v1.1.json.gz", List.of("ink", "dye"));
        Path page = folder.resolve("page.md");
        Path csv = folder.resolve("all.csv");
        String[] options = {
            "--data=" + folder,
            "--out=" + page,
            "--csv=" + csv,
            "--steps=12",
            "--batch=8",
            "--width=12",
            "--vocabulary=60",
            "--max-passage=8",
            "--max-text=16",
            "--candidates=12",
            "--perplexities=6",
            "--generations=2",
            "--max-answer=4",
            "--objectives=untrained,single,0.5",
            "--rate=0.02",
            "--seeds=2",
            "--resume"
        };
        assertEquals(0, run(options), errors::toString);
        List<CosupOutcome> outcomes = CosupOutcome.read(csv);
        assertEquals(2 * 2 * 4 * 3, outcomes.size(), "towers, seeds, objectives, tests");
        for (CosupOutcome outcome : outcomes) {
            Map<Metric, Double> values = outcome.values();
            assertEquals(outcome.objective().equals("NTP only"), values.containsKey(Metric.PAIR_F1));
            assertTrue(values.get(Metric.RECALL_10) >= values.get(Metric.RECALL_1));
            assertEquals(1, values.get(Metric.RECALL_100), "fewer passages than that");
            boolean trained = values.get(Metric.PERPLEXITY_WRITTEN) < 15;
            assertEquals(!Set.of("untrained", "NSP only").contains(outcome.objective()), trained, outcome.toString());
        }
        String text = Files.readString(page);
        assertTrue(text.contains("## Unseen articles, shared towers"), text);
        assertTrue(text.contains("| two models | 2 |") && text.contains("| λ = 0.5 | 2 |"), text);

        assertEquals(0, run(options), errors::toString);
        assertEquals(outcomes, CosupOutcome.read(csv), "nothing left to do");
    }

    @Test
    void tablesShowMeanAndDeviation() {
        List<CosupOutcome> outcomes = List.of(
                outcome("NTP only", 1, 0.1, 100),
                outcome("NTP only", 2, 0.3, 200),
                outcome("λ = 0.1", 1, 0.25, 90),
                outcome("λ = 0.1", 2, 0.25, 70));
        String text = new CosupReport(outcomes).page(Map.of("Java", "17"), "Settings.");
        assertTrue(text.contains("| NTP only | 2 | 20.0 ± 14.1 |"), text);
        assertTrue(text.contains("| λ = 0.1 | 2 | **25.0 ± 0.0** |"), text);
        assertTrue(text.contains("| NTP only | 2 | 150.0 ± 70.7 |"), text);
        assertTrue(text.contains("| λ = 0.1 | 2 | **80.0 ± 14.1** |"), text);
        assertFalse(text.contains("shared towers\n"), text);
        assertFalse(text.contains("### Answers"), "not measured");
    }

    private static CosupOutcome outcome(String objective, long seed, double recall, double perplexity) {
        return new CosupOutcome(
                Towers.SEPARATE,
                objective,
                seed,
                CosupData.DEV,
                Map.of(Metric.RECALL_1, recall, Metric.PERPLEXITY, perplexity));
    }

    @Override
    CommandLine commandLine() {
        return CosupExperiment.commandLine();
    }
}
