/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.dashboard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.it.dashboard.HyperParameter.Tick;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;
import org.deeplearning4j.arbiter.optimize.parameter.BooleanSpace;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

class SearchDashboardTest {
    @TempDir
    Path folder;

    private static int count(String text, String part) {
        return (text.length() - text.replace(part, "").length()) / part.length();
    }

    // ---- options ---------------------------------------------------------------------------------------------------

    @Test
    void optionsHaveTheNamesOfTheirPlaces() {
        List<HyperParameter> parameters = new ReplayedSearch(ReplayedSearch.networks()).parameters();
        assertEquals(
                Map.of(
                        "updater.learningRate", true,
                        "layer_0.nOut", true,
                        "layer_0.activationFunction", false,
                        "layer_1.lambda", true,
                        "layer_2.hiddenFactor", true,
                        "layer_2.residual", false),
                parameters.stream().collect(Collectors.toMap(HyperParameter::name, HyperParameter::numeric)));
    }

    @Test
    void flatValuesAreThoseThatReachTheNetwork() {
        ReplayedSearch search = new ReplayedSearch(ReplayedSearch.networks());
        double[] flat = search.create().getFlatParams();
        for (HyperParameter parameter : search.parameters()) {
            assertEquals(parameter.space().getValue(flat), parameter.value(flat), parameter.name());
            double position = parameter.position(flat);
            assertTrue(position >= 0 && position <= 1, parameter + " at " + position);
        }
    }

    @Test
    void axesFollowTheDistribution() {
        ReplayedSearch search = new ReplayedSearch(ReplayedSearch.networks());
        List<Tick> rate = search.parameter("updater.learningRate").ticks();
        assertEquals(
                List.of("1.00e-4", "5.62e-4", "0.00316", "0.01778", "0.1"),
                rate.stream().map(Tick::label).toList(),
                "a log axis");
        assertEquals(
                List.of("-5", "-2.5", "0", "2.5", "5"),
                search.parameter("layer_1.lambda").ticks().stream()
                        .map(Tick::label)
                        .toList());
        assertEquals(
                List.of("8", "14", "20", "26", "32"),
                search.parameter("layer_0.nOut").ticks().stream()
                        .map(Tick::label)
                        .toList());
        List<Tick> factor = search.parameter("layer_2.hiddenFactor").ticks();
        assertEquals(List.of(new Tick(0, "1"), new Tick(0.5, "2"), new Tick(1, "4")), factor);
    }

    @Test
    void oneSpaceInTwoPlacesHasBothNamesAndALoneLeafANumber() {
        BooleanSpace leaf = new BooleanSpace();
        new RandomSearchGenerator(leaf);
        HyperParameter parameter = HyperParameter.of(leaf).get(0);
        assertEquals("parameter 0", parameter.name());
        assertEquals(
                List.of("true", "false"),
                parameter.ticks().stream().map(Tick::label).toList());
        assertEquals(1, parameter.position(new double[] {0.9}));
    }

    @Test
    void numbersAreWrittenShort() {
        assertEquals(
                List.of("0.1235", "12.35", "1235", "0.00123", "1.23e-5", "-3", "0", "NaN", "7", "RELU"),
                Stream.of(0.123456, 12.3456, 1234.56, 0.00123, 1.23e-5, -3.0, -0.0, Double.NaN, 7, "RELU")
                        .map(HyperParameter::text)
                        .toList());
    }

    // ---- numbers of the page ---------------------------------------------------------------------------------------

    private static CandidateInfo candidate(int index, CandidateStatus status, Double score, long end, double... flat) {
        return new CandidateInfo(index, status, score, 0, 0L, end, flat, null);
    }

    private static SearchState state(boolean minimize, List<CandidateInfo> candidates) {
        return state(minimize, candidates, -1);
    }

    private static SearchState state(boolean minimize, List<CandidateInfo> candidates, int chosen) {
        return new SearchState(
                "t", "s", minimize, List.of(), candidates, chosen, Instant.EPOCH, Instant.ofEpochSecond(9), false);
    }

    @Test
    void bestSoFarFollowsTheOrderOfEndingAndTheDirection() {
        List<CandidateInfo> candidates = List.of(
                candidate(0, CandidateStatus.Complete, 0.5, 30),
                candidate(1, CandidateStatus.Complete, 0.7, 10),
                candidate(2, CandidateStatus.Failed, null, 15),
                candidate(3, CandidateStatus.Complete, 0.9, 40),
                candidate(4, CandidateStatus.Complete, Double.NaN, 5),
                candidate(5, CandidateStatus.Running, null, 0));
        SearchState more = state(false, candidates);
        assertEquals(List.of(0.7, 0.7, 0.9), more.bestSoFar());
        assertEquals(3, more.best().orElseThrow().getIndex());
        SearchState less = state(true, candidates);
        assertEquals(List.of(0.7, 0.5, 0.5), less.bestSoFar());
        assertEquals(0, less.best().orElseThrow().getIndex());
        assertEquals(
                List.of(4, 1, 2, 0, 3),
                more.ended().stream().map(CandidateInfo::getIndex).toList());
        assertTrue(state(false, List.of()).best().isEmpty());
    }

    @Test
    void ofEqualScoresTheBestIsArbiters() {
        List<CandidateInfo> candidates = List.of(
                candidate(0, CandidateStatus.Complete, 1.0, 30),
                candidate(1, CandidateStatus.Complete, 1.0, 20),
                candidate(2, CandidateStatus.Complete, 0.5, 10));
        for (int chosen : new int[] {0, 1}) {
            assertEquals(
                    chosen,
                    state(false, candidates, chosen).best().orElseThrow().getIndex());
        }
        assertEquals(1, state(false, candidates).best().orElseThrow().getIndex(), "none chosen: the first that ended");
        assertEquals(
                1,
                state(false, candidates, 2).best().orElseThrow().getIndex(),
                "Arbiter has not yet taken notice of better ones");
    }

    private static List<Importance> importance(int n, ToDoubleFunction<double[]> score) {
        ReplayedSearch search = new ReplayedSearch(ReplayedSearch.networks());
        List<CandidateInfo> scored = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            CandidateInfo made = search.create();
            scored.add(candidate(
                    i, CandidateStatus.Complete, score.applyAsDouble(made.getFlatParams()), i, made.getFlatParams()));
        }
        return Importance.of(search.parameters(), scored);
    }

    @Test
    void importanceIsTheExplainedShareOfRanks() {
        HyperParameter rate = new ReplayedSearch(ReplayedSearch.networks()).parameter("updater.learningRate");
        List<Importance> monotone = importance(40, flat -> -Math.exp(rate.position(flat)));
        assertEquals("updater.learningRate", monotone.get(0).parameter().name());
        assertEquals(1, monotone.get(0).share(), 1e-12);
        assertEquals(-1, monotone.get(0).correlation(), 1e-12);
        monotone.stream().skip(1).forEach(other -> assertTrue(other.share() < 0.3, other::toString));

        HyperParameter residual = new ReplayedSearch(ReplayedSearch.networks()).parameter("layer_2.residual");
        List<Importance> categories = importance(40, flat -> (boolean) residual.value(flat) ? 1 : 0);
        assertEquals("layer_2.residual", categories.get(0).parameter().name());
        assertEquals(1, categories.get(0).share(), 1e-12, "all variance is between the two");
        assertTrue(Double.isNaN(categories.get(0).correlation()));
    }

    @Test
    void importanceOfCategoriesByHand() {
        DiscreteParameterSpace<String> leaf = new DiscreteParameterSpace<>("a", "b");
        new RandomSearchGenerator(leaf);
        // Ranks 1, 3, 5, 7, 9 against 2, 4, 6, 8, 10: means 5 and 6, total 82.5, between 10·0.25
        List<CandidateInfo> scored = IntStream.range(0, 10)
                .mapToObj(i -> candidate(i, CandidateStatus.Complete, i * i * 1.0, i, i % 2 == 0 ? 0.2 : 0.8))
                .toList();
        double explained = 2.5 / 82.5;
        assertEquals(
                Math.max(0, 1 - (1 - explained) * 9 / 8),
                Importance.of(HyperParameter.of(leaf), scored).get(0).share(),
                1e-12);
        List<CandidateInfo> apart = IntStream.range(0, 10)
                .mapToObj(i -> candidate(i, CandidateStatus.Complete, i * i * 1.0, i, i < 5 ? 0.2 : 0.8))
                .toList();
        double most = 10 * 6.25 / 82.5;
        assertEquals(
                1 - (1 - most) * 9 / 8,
                Importance.of(HyperParameter.of(leaf), apart).get(0).share(),
                1e-12);
    }

    @Test
    void importanceNeedsEnoughDifferentScores() {
        assertEquals(List.of(), importance(Importance.MIN_CANDIDATES - 1, flat -> flat[0]));
        assertEquals(List.of(), importance(20, flat -> 1));
        assertFalse(importance(Importance.MIN_CANDIDATES, flat -> flat[0]).isEmpty());
        ContinuousParameterSpace same = new ContinuousParameterSpace(0, 1);
        new RandomSearchGenerator(same);
        List<CandidateInfo> equal = IntStream.range(0, 10)
                .mapToObj(i -> candidate(i, CandidateStatus.Complete, 1.0 * i, i, 0.5))
                .toList();
        assertEquals(List.of(), Importance.of(HyperParameter.of(same), equal));
    }

    @Test
    void ticksAreRoundAndCoverTheScores() {
        assertScale(new double[] {0.512, 0.893}, "0.5", "0.6", "0.7", "0.8", "0.9");
        assertScale(new double[] {-3, 14}, "-5", "0", "5", "10", "15");
        assertScale(new double[] {0.30001, 0.30009}, "0.30000", "0.30002", "0.30004", "0.30006", "0.30008", "0.30010");
        assertScale(new double[] {}, "0.0", "0.2", "0.4", "0.6", "0.8", "1.0");
        for (double value : new double[] {0, 1, -0.73, 1e-9, 4.2e7}) {
            SearchCharts.Scale scale = SearchCharts.Scale.around(new double[] {value});
            assertTrue(scale.min() <= value && value <= scale.max() && scale.max() > scale.min(), scale::toString);
        }
    }

    private static void assertScale(double[] values, String... labels) {
        SearchCharts.Scale scale = SearchCharts.Scale.around(values);
        assertArrayEquals(
                labels, scale.ticks().stream().map(scale::label).toArray(), () -> scale + ": " + scale.ticks());
        for (double value : values) {
            assertTrue(scale.min() <= value && value <= scale.max());
        }
    }

    // ---- the page --------------------------------------------------------------------------------------------------

    @Test
    void thePageFollowsTheSearch() throws Exception {
        Path page = folder.resolve("new/search.html");
        ReplayedSearch search = new ReplayedSearch(ReplayedSearch.networks());
        search.addListeners(new SearchDashboard(page, "TREC", 2));
        search.begin();
        assertTrue(Files.readString(page).contains("No candidate has ended yet."));
        CandidateInfo first = search.create();
        CandidateInfo second = search.create();
        CandidateInfo third = search.create();
        assertEquals(3, count(Files.readString(page), "class=\"created\""));
        search.iterate(first);
        assertEquals(1, count(Files.readString(page), "class=\"running\""));
        search.complete(first, 0.5);
        search.iterate(first); // a late report changes nothing
        search.fail(second, "java.lang.IllegalStateException: too wide\n\tat Some.where");
        search.complete(third, 0.75);
        String running = Files.readString(page);
        assertTrue(running.contains("<meta http-equiv=\"refresh\" content=\"2\">"));
        assertEquals(1, count(running, "class=\"complete top\""));
        assertEquals(1, count(running, "class=\"complete\""));
        assertEquals(1, count(running, "class=\"failed\""));
        assertTrue(running.contains("<summary>java.lang.IllegalStateException: too wide</summary>"));
        assertEquals(2, count(running, "class=\"point\""));
        assertEquals(1, count(running, "class=\"cross\""));
        assertEquals(3, count(running, "<polyline"));
        assertTrue(running.contains("there are 2."), "of importance");
        search.end();
        String finished = Files.readString(page);
        assertFalse(finished.contains("http-equiv"));
        assertTrue(finished.contains("data-state=\"finished\""));
        assertEquals(List.of(page), Files.list(page.getParent()).toList(), "no drafts are left");
        assertFalse(finished.replaceAll("https?://www.w3.org", "").contains("http"), "nothing comes from elsewhere");
        for (String svg : finished.split("(?=<svg)")) {
            if (svg.startsWith("<svg")) {
                assertNotNull(parse(svg.substring(0, svg.indexOf("</svg>") + 6)));
            }
        }
    }

    private static Document parse(String xml) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
    }

    @Test
    void linesEndAtTheirScore() throws Exception {
        ReplayedSearch search = new ReplayedSearch(ReplayedSearch.networks());
        CandidateInfo low = search.create();
        CandidateInfo high = search.create();
        search.complete(low, 0);
        search.complete(high, 1);
        SearchState state = new SearchState(
                "t",
                "s",
                true,
                search.parameters(),
                search.getCandidateStatus(),
                -1,
                Instant.EPOCH,
                Instant.EPOCH,
                true);
        Document svg = parse(SearchCharts.parallelCoordinates(state));
        var lines = svg.getElementsByTagName("polyline");
        assertEquals(2, lines.getLength());
        for (int i = 0; i < 2; i++) {
            String[] points = lines.item(i)
                    .getAttributes()
                    .getNamedItem("points")
                    .getNodeValue()
                    .split(" ");
            boolean best = lines.item(i)
                    .getAttributes()
                    .getNamedItem("class")
                    .getNodeValue()
                    .equals("line best");
            assertEquals(search.parameters().size() + 1, points.length);
            assertTrue(points[points.length - 1].endsWith(best ? ",302.0" : ",52.0"), "less is better here");
        }
    }

    @Test
    void strangeTextIsEscaped() throws IOException {
        Path page = folder.resolve("search.html");
        DiscreteParameterSpace<ReplayedSearch.Choice> space =
                new DiscreteParameterSpace<>(ReplayedSearch.Choice.values());
        ReplayedSearch search = new ReplayedSearch(space);
        search.addListeners(new SearchDashboard(page, "</title><script>alert(1)</script>", 1));
        for (int i = 0; i < 6; i++) {
            search.complete(search.create(), i);
        }
        search.fail(search.create(), "</pre><script>alert(2)</script>\u0000");
        search.fail(search.create(), null);
        search.end();
        String html = Files.readString(page);
        assertFalse(html.contains("<script") || html.contains("<b>") || html.contains("\u0000"));
        assertTrue(html.contains("&lt;b&gt;&quot;tanh&quot; &amp; &#39;co&#39;&lt;/b&gt;"));
        assertTrue(html.contains("no reason given"));
    }

    @Test
    void aPageThatCannotBeWrittenDoesNotEndTheSearch() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        ReplayedSearch search = new ReplayedSearch(ReplayedSearch.networks());
        search.addListeners(new SearchDashboard(file.resolve("search.html")));
        search.begin();
        search.complete(search.create(), 1);
        search.end();
        assertEquals(0, Files.size(file));
    }

    @Test
    void argumentsAreChecked() {
        assertEquals(
                "refreshSeconds must be at least 1, found 0",
                assertThrows(IllegalArgumentException.class, () -> new SearchDashboard(folder.resolve("a"), "a", 0))
                        .getMessage());
    }
}
