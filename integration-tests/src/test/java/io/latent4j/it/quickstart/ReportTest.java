/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.analysis.AnswerMetrics;
import io.latent4j.cosup.analysis.Grounding;
import io.latent4j.cosup.analysis.RetrievalMetrics;
import io.latent4j.cosup.generation.Generation;
import io.latent4j.cosup.generation.Generation.Finish;
import io.latent4j.cosup.generation.Generation.Retrieval;
import io.latent4j.it.quickstart.CodeSearch.Supervision;
import io.latent4j.it.quickstart.Results.State;
import io.latent4j.it.quickstart.Semantics.Method;
import io.latent4j.it.quickstart.corpus.Corpus;
import io.latent4j.it.quickstart.corpus.Example;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.analysis.ClusterComparison;
import io.latent4j.vocabsem.analysis.ClusterQuality;
import io.latent4j.vocabsem.analysis.LensReport;
import io.latent4j.vocabsem.analysis.SemanticLens;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;
import org.xml.sax.InputSource;

class ReportTest {
    private static final Plan PLAN = Plan.of(List.of(-1.0, 1.0), 5, 4, true);

    @TempDir
    private Path folder;

    @Test
    void aReportWithoutAnyRunIsValidAndSaysSo() throws Exception {
        String page = write(results(List.of(), State.INTERRUPTED));

        assertTrue(page.contains("Partial report"), page);
        assertTrue(page.contains("0 of 19 networks"), page);
        assertTrue(page.contains("Too few networks were trained"), page);
        assertFalse(page.contains("<img"), page);
        assertEquals(0, Files.size(folder.resolve(ResultFiles.CSV)));
    }

    @Test
    void aPartialReportHasWhatIsThere() throws Exception {
        List<Run> runs = new ArrayList<>();
        for (Setting setting : PLAN.runs().subList(0, 3)) { // first seed: λ = 0, −1, 1
            runs.add(run(setting, 0.8, 0.5 + setting.lambda() / 4));
        }
        String page = write(results(runs, State.INTERRUPTED));

        assertTrue(page.contains("3 of 19 networks"), page);
        assertTrue(page.contains("It rises with every step of λ"), page);
        assertTrue(page.contains("nothing can be said about chance"), page);
        for (String chart : List.of(Charts.ACCURACY, Charts.ISOTROPY, Charts.LOSS_CURVES, Charts.ISOTROPY_CURVES)) {
            assertNotNull(ImageIO.read(folder.resolve(chart).toFile()), chart);
            assertTrue(page.contains("src=\"" + chart + "\""), chart);
        }
        assertEquals(4, Files.readAllLines(folder.resolve(ResultFiles.CSV)).size());
        JsonNode json =
                new ObjectMapper().readTree(folder.resolve(ResultFiles.JSON).toFile());
        assertEquals("interrupted", json.get("state").asText());
        assertEquals(3, json.get("networksDone").asInt());
        assertEquals(2, json.get("networks").get(0).get("curve").size());
        assertEquals(0.8, json.get("networks").get(0).get("accuracy").asDouble());
    }

    @Test
    void aLaterReportReplacesAnEarlierOne() throws Exception {
        write(results(List.of(), State.RUNNING));
        assertTrue(Files.readString(folder.resolve(Report.PAGE)).contains("Still running"));
        String page = write(results(List.of(run(PLAN.runs().get(0), 0.8, 0.3)), State.COMPLETE));
        assertFalse(page.contains("class=\"banner\""), page);
    }

    @Test
    void whatTheLanguageModelShowedIsReported() throws Exception {
        Results results = results(
                List.of(run(PLAN.runs().get(0), 0.8, 0.3)), State.COMPLETE, Optional.of(semantics()), Optional.empty());
        String page = write(results);
        assertTrue(page.contains("<td>linear head</td><td class=\"number\">1</td>"), page);
        assertTrue(page.contains("With 1 training text per class, neural clustering reached 40.0 ± "), page);
        assertTrue(page.contains("neural clustering is ahead"), page);
        assertTrue(page.contains("With 64 training texts per class"), page);
        assertTrue(page.contains("no clear difference"), page);
        assertTrue(page.contains("fish, &lt;wave&gt;"), page);
        for (String chart : List.of(
                Charts.FEW_SHOT,
                Charts.LENS_WORDS,
                Charts.LENS_LOGITS,
                Charts.LENS_RANKS,
                Charts.LENS_CLASSES,
                Charts.LENS_CLASS_PROBABILITIES)) {
            assertNotNull(ImageIO.read(folder.resolve(chart).toFile()), chart);
            assertTrue(page.contains("src=\"" + chart + "\""), chart);
        }
        assertEquals(
                1 + 9,
                Files.readAllLines(folder.resolve(ResultFiles.SEMANTICS_CSV)).size());
        assertEquals(
                1 + 2, Files.readAllLines(folder.resolve(ResultFiles.LENS_CSV)).size());
        JsonNode json =
                new ObjectMapper().readTree(folder.resolve(ResultFiles.JSON).toFile());
        assertEquals(0.25, json.get("semantics").get("silhouetteAfter").asDouble());

        String without = write(results(List.of(), State.COMPLETE));
        assertTrue(without.contains("a class has no word that tells it from the others"), without);
    }

    @Test
    void whatTheModelsThatRetrieveShowedIsReported() throws Exception {
        String page = write(results(List.of(), State.COMPLETE, Optional.empty(), Optional.of(search())));
        assertTrue(page.contains("<td>co-supervised</td><td class=\"number\">40.0\u00A0%</td>"), page);
        assertTrue(page.contains("among the first ten in 80.0\u00A0% of cases (60.0\u00A0% trained on the next"), page);
        assertTrue(page.contains("reached an F1 of 75.0\u00A0%, against 50.0\u00A0%"), page);
        assertTrue(page.contains("<code>List&lt;E&gt; copyOf(E[] elements)</code></td><td>copy of</td>"), page);
        assertTrue(page.contains("<td>copy of (found)</td>"), page);
        assertNotNull(ImageIO.read(folder.resolve(Charts.CODE_SEARCH).toFile()));
        assertTrue(page.contains("src=\"" + Charts.CODE_SEARCH + "\""), page);
        List<String> rows = Files.readAllLines(folder.resolve(ResultFiles.CODE_CSV));
        assertEquals(1 + Supervision.values().length, rows.size());
        assertEquals("co-supervised,0.4,0.8,0.5,4.0,0.75,0.5,1.0,3.0", rows.get(4));
        JsonNode json =
                new ObjectMapper().readTree(folder.resolve(ResultFiles.JSON).toFile());
        assertEquals(0.8, json.get("codeSearch").get(3).get("recallAt10").asDouble());

        String without = write(results(List.of(), State.COMPLETE));
        assertTrue(without.contains("your own texts have no code to retrieve"), without);
    }

    private static CodeSearch search() {
        List<CodeSearch.Score> scores = new ArrayList<>();
        for (Supervision supervision : Supervision.values()) {
            int i = supervision.ordinal();
            scores.add(new CodeSearch.Score(
                    supervision,
                    new RetrievalMetrics(
                            10,
                            0.5,
                            new TreeMap<>(Map.of(1, (1 + i) / 10.0, 10, (2 + 2 * i) / 10.0)),
                            new TreeMap<>(Map.of(1, 0.1))),
                    1 + i,
                    new AnswerMetrics(2, 0.5, i == 3 ? 0.75 : 0.5, 0.5),
                    new Grounding(2, 0, 2, 1, 1),
                    3));
        }
        Retrieval retrieval = new Retrieval(3, "a.B.copyOf", 1, 1, "b copy of", 3, "copy of", 9);
        Generation generation = new Generation(
                List.of(1, 2, 3), 3, "copies an array", "copy of", "", List.of(retrieval), 3, Finish.END_OF_TEXT);
        return new CodeSearch(
                100,
                10,
                500,
                scores,
                List.of(new CodeSearch.Example(
                        "Copies an array.", "a.B.copyOf", "copy of", "List<E> copyOf(E[] elements)", generation)));
    }

    private static Semantics semantics() {
        List<Semantics.Score> scores = new ArrayList<>();
        scores.add(new Semantics.Score(Method.BASES, 0, 1, 0.3, 0.3));
        for (int seed = 1; seed <= 2; seed++) {
            for (int shots : new int[] {1, 64}) {
                double clustering = (shots == 1 ? 0.4 : 0.8) + (seed - 1.5) / 50;
                scores.add(new Semantics.Score(Method.LINEAR, shots, seed, shots == 1 ? 0.2 : 0.8, 0.1));
                scores.add(new Semantics.Score(Method.CLUSTERING, shots, seed, clustering, 0.1));
            }
        }
        ClusterQuality.Options options = ClusterQuality.Options.defaults();
        List<Example> known = Collections.nCopies(3, new Example("a", "some text"));
        SemanticBases bases = SemanticBases.fromEmbedding(Nd4j.eye(4));
        LensReport words = SemanticLens.builder(bases)
                .build()
                .read(
                        new TreeMap<>(Map.of("1", Nd4j.rand(1, 4, 3), "2", Nd4j.rand(1, 4, 3))),
                        Nd4j.createFromArray(new int[][] {{2, 3, -1}}),
                        null);
        LensReport classes = SemanticLens.builder(SemanticBases.fromEmbedding(Nd4j.eye(2)))
                .build()
                .read(Map.of("1", Nd4j.eye(2)), Nd4j.createFromArray(0, 1), null);
        return new Semantics(
                new Semantics.Model(100, 1, 50, 90, 3),
                Map.of("a", List.of("fish", "<wave>")),
                scores,
                new ClusterComparison(
                        new ClusterQuality(2, 2, 0.125, 0.1, options), new ClusterQuality(2, 2, 0.25, 0.3, options)),
                words,
                words,
                new Semantics.Sentence(0, List.of("(start)", "some", "text")),
                classes,
                Map.of(0, "some text"),
                new Vocabulary(known),
                2);
    }

    @Test
    void findingsFollowTheNumbers() {
        // accuracy by seed: without 0.80, 0.82, 0.84; with 0.81, 0.83, 0.82: no difference
        assertFinding("No λ beat the network", new double[] {0.80, 0.82, 0.84}, new double[] {0.81, 0.83, 0.82});
        assertFinding("The best is ahead", new double[] {0.80, 0.81, 0.82}, new double[] {0.90, 0.91, 0.92});
        assertFinding("made the classifier worse", new double[] {0.90, 0.91, 0.92}, new double[] {0.80, 0.81, 0.82});
        List<Run> falling =
                List.of(run(new Setting(0, 0, 0.01, 1), 0.8, 0.5), run(new Setting(1, 0, 0.01, 1), 0.8, 0.4));
        assertTrue(String.join("\n", Findings.of(results(falling, State.COMPLETE)))
                .contains("It does not rise with every step of λ: it falls from λ = 0 to λ = +1."));
    }

    @Test
    void namesFromDataAreEscaped() throws Exception {
        assertTrue(write(results(List.of(), State.COMPLETE)).contains("texts &lt;b&gt; &amp; more"));
    }

    @Test
    void thePlanHasEveryLambdaWithEverySeedAndTheExtremesWithShrinkage() {
        assertEquals(3 * (3 + 2), PLAN.runs().size());
        assertEquals(19, PLAN.networks());
        assertEquals(19 + Plan.LANGUAGE_MODEL_NETWORKS + 3 * Plan.CODE_MODEL_NETWORKS, PLAN.work());
        assertEquals(new Setting(0, 0, Plan.LEARNING_RATE, 5), PLAN.runs().get(0));
        assertTrue(PLAN.runs().contains(new Setting(-1, Plan.SHRINKAGE, Plan.LEARNING_RATE, 7)));
        assertEquals(3, Plan.of(List.of(0.0), 1, 0, false).networks());
    }

    private static void assertFinding(String expected, double[] without, double[] with) {
        List<Run> runs = new ArrayList<>();
        for (int seed = 0; seed < without.length; seed++) {
            runs.add(run(new Setting(0, 0, 0.01, seed), without[seed], 0.3));
            runs.add(run(new Setting(1, 0, 0.01, seed), with[seed], 0.4));
        }
        String findings = String.join("\n", Findings.of(results(runs, State.COMPLETE)));
        assertTrue(findings.contains(expected), findings);
    }

    private String write(Results results) throws Exception {
        new Report(folder).write(results);
        String page = Files.readString(folder.resolve(Report.PAGE));
        assertWellFormed(page);
        return page;
    }

    /** Every element is closed: the page, but for its void elements and the document type, is XML. */
    private static void assertWellFormed(String page) throws Exception {
        String xml = page.replace("<!DOCTYPE html>", "").replaceAll("<(meta|img)([^>]*)>", "<$1$2/>");
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
    }

    private static Results results(List<Run> runs, State state) {
        return results(runs, state, Optional.empty(), Optional.empty());
    }

    private static Results results(
            List<Run> runs, State state, Optional<Semantics> semantics, Optional<CodeSearch> search) {
        Example example = new Example("a", "some text");
        Corpus corpus = new Corpus(
                "texts <b> & more",
                List.of("a", "b"),
                List.of(example),
                List.of(example),
                List.of(example),
                List.of(new Corpus.Source("one", "a", 1, 2, 3), new Corpus.Source("two", "b", 1, 1, 3)),
                0);
        return new Results(
                corpus,
                PLAN,
                Map.of("Java", "17"),
                new Results.Size(1000, 2, 100),
                runs,
                List.of(),
                semantics,
                search,
                state,
                Duration.ofSeconds(61));
    }

    private static Run run(Setting setting, double accuracy, double isotropy) {
        Measurement measured = new Measurement(
                accuracy, accuracy, 1 - accuracy, isotropy, Collections.nCopies(Classifier.HIDDEN.size(), isotropy));
        return new Run(
                setting, measured, accuracy, List.of(new Run.Point(0, measured), new Run.Point(500, measured)), 1.5);
    }
}
