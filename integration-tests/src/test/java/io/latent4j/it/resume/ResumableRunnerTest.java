/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.resume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.istar.arbiter.IsoScoreFunction;
import io.latent4j.it.dashboard.SearchDashboard;
import io.latent4j.it.search.ArbiterSearchTask;
import io.latent4j.it.search.ArbiterSearchTask.Bags;
import io.latent4j.vocabsem.arbiter.MacroF1ScoreFunction;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.CandidateGenerator;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.saving.InMemoryResultSaver;
import org.deeplearning4j.arbiter.optimize.api.saving.ResultReference;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;
import org.deeplearning4j.arbiter.optimize.config.OptimizationConfiguration;
import org.deeplearning4j.arbiter.optimize.generator.GeneticSearchCandidateGenerator;
import org.deeplearning4j.arbiter.optimize.generator.GridSearchCandidateGenerator;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;
import org.deeplearning4j.arbiter.optimize.generator.genetic.population.PopulationModel;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.IOptimizationRunner;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class ResumableRunnerTest {
    private static final int SEED = 11; // of ArbiterSearchTask.search

    @TempDir
    Path folder;

    private ArbiterSearchTask task;

    @BeforeEach
    void makeTask() throws IOException {
        task = ArbiterSearchTask.tiny(folder);
    }

    private OptimizationConfiguration search(CandidateGenerator generator, int candidates) {
        return task.search(generator, Bags.class, new MacroF1ScoreFunction(), candidates);
    }

    private OptimizationConfiguration randomSearch(int candidates) {
        return search(new RandomSearchGenerator(task.networks()), candidates);
    }

    private static List<Double> flat(double[] values) {
        return Arrays.stream(values).boxed().toList();
    }

    private static Map<Integer, List<Double>> tried(IOptimizationRunner runner) {
        Map<Integer, List<Double>> tried = new TreeMap<>();
        for (CandidateInfo candidate : runner.getCandidateStatus()) {
            tried.put(candidate.getIndex(), flat(candidate.getFlatParams()));
        }
        return tried;
    }

    /** What a search that was never stopped tries. */
    private Map<Integer, List<Double>> uninterrupted(int candidates) {
        RandomSearchGenerator random = new RandomSearchGenerator(task.networks());
        random.setRngSeed(SEED);
        Map<Integer, List<Double>> tried = new TreeMap<>();
        for (int i = 0; i < candidates; i++) {
            tried.put(i, flat(random.getCandidate().getFlatParameters()));
        }
        return tried;
    }

    /** Leaves what a finished candidate leaves, but for its model. */
    private void finished(int index, double score, double[] flat, ParameterSpace<?> space) throws IOException {
        Path candidate = Files.createDirectories(folder.resolve("search/" + index));
        Files.writeString(candidate.resolve(FinishedCandidate.MODEL), "");
        Files.writeString(candidate.resolve("score.txt"), Double.toString(score));
        new FinishedCandidate(
                        index,
                        score,
                        1000L,
                        2000L + index,
                        flat,
                        FinishedCandidate.values(space, flat),
                        FinishedCandidate.describe(space),
                        MacroF1ScoreFunction.class.getName())
                .write(candidate);
    }

    // ---- searches --------------------------------------------------------------------------------------------------

    @Test
    void aRandomSearchGoesOnAsIfItHadNotBeenStopped() throws IOException {
        ResumableRunner first = new ResumableRunner(1, randomSearch(3));
        first.execute();
        assertEquals(3, first.numCandidatesCompleted());
        assertEquals(uninterrupted(3), tried(first));
        // Killed while the second one's model was being written
        Path model = folder.resolve("search/0/model.bin");
        FileTime written = Files.getLastModifiedTime(model);
        Files.delete(folder.resolve("search/1/" + FinishedCandidate.FILE));
        Files.write(folder.resolve("search/1/model.bin"), new byte[10]);

        ResumableRunner second = new ResumableRunner(1, randomSearch(5));
        assertEquals(2, second.numCandidatesCompleted());
        assertEquals(2, second.numCandidatesTotal());
        double best = Math.max(score(first, 0), score(first, 2));
        assertEquals(best, second.bestScore());
        assertEquals(best == score(first, 0) ? 0 : 2, second.bestScoreCandidateIndex());
        second.addListeners(new SearchDashboard(folder.resolve("search.html")));
        second.execute();
        assertEquals(5, second.numCandidatesCompleted(), "5 in all");
        assertEquals(uninterrupted(5), tried(second));
        assertEquals(written, Files.getLastModifiedTime(model), "what was complete is not trained again");
        assertEquals(score(first, 1), score(second, 1), 1e-5, "what was not is, with the same values");
        assertTrue(second.bestScore() >= first.bestScore());
        for (ResultReference reference : second.getResults()) {
            OptimizationResult result = reference.getResult();
            Object network = result.getResultReference().getResultModel();
            assertEquals(
                    result.getScore(),
                    new MacroF1ScoreFunction().score(network, Bags.class, task.properties()),
                    1e-5,
                    "models of both runs are there");
        }
        String page = Files.readString(folder.resolve("search.html"));
        assertEquals(6, page.split("<tr data-candidate=", -1).length);

        ResumableRunner third = new ResumableRunner(1, randomSearch(5));
        third.execute();
        assertEquals(uninterrupted(5), tried(third), "nothing is left to do");
    }

    private static double score(IOptimizationRunner runner, int index) {
        return runner.getCandidateStatus().stream()
                .filter(candidate -> candidate.getIndex() == index)
                .findFirst()
                .orElseThrow()
                .getScore();
    }

    @Test
    void aGridIsCompletedInAnyOrder() throws IOException {
        ParameterSpace<?> space = task.gridOfNetworks();
        CandidateGenerator all = grid(space, GridSearchCandidateGenerator.Mode.Sequential);
        double[] second = null;
        for (int i = 0; all.hasMoreCandidates(); i++) {
            double[] flat = all.getCandidate().getFlatParameters();
            if (i == 1) {
                second = flat;
            } else if (i != 4) {
                finished(i, 0.1 * i, flat, space);
            }
        }
        OptimizationConfiguration configuration =
                search(grid(task.gridOfNetworks(), GridSearchCandidateGenerator.Mode.RandomOrder), 6);
        ResumableRunner runner = new ResumableRunner(2, configuration);
        assertEquals(4, runner.numCandidatesCompleted());
        assertEquals(0.5, runner.bestScore(), 1e-12);
        runner.execute();
        assertEquals(6, runner.numCandidatesCompleted());
        Map<Integer, List<Double>> tried = tried(runner);
        assertEquals(Set.of(0, 1, 2, 3, 4, 5), tried.keySet());
        assertEquals(6, new HashSet<>(tried.values()).size(), "each once");
        assertTrue(tried.containsValue(flat(second)));
        assertFalse(runner.getConfiguration().getCandidateGenerator().hasMoreCandidates());
    }

    private static CandidateGenerator grid(ParameterSpace<?> space, GridSearchCandidateGenerator.Mode mode) {
        return new GridSearchCandidateGenerator(space, 2, mode, null);
    }

    // ---- generators ------------------------------------------------------------------------------------------------

    @Test
    void gapsAreFilledAndOtherSeedsGoOnElsewhere() throws IOException {
        Map<Integer, List<Double>> all = uninterrupted(6);
        ParameterSpace<?> space = task.networks();
        RandomSearchGenerator random = new RandomSearchGenerator(space);
        for (int index : List.of(0, 2, 3)) {
            finished(index, index, toArray(all.get(index)), space);
        }
        ResumableRunner runner = new ResumableRunner(2, search(random, 6));
        CandidateGenerator remaining = runner.getConfiguration().getCandidateGenerator();
        for (int index : List.of(1, 4, 5)) {
            assertTrue(remaining.hasMoreCandidates());
            Candidate<?> candidate = remaining.getCandidate();
            assertEquals(index, candidate.getIndex());
            assertEquals(all.get(index), flat(candidate.getFlatParameters()));
        }
        CandidateGenerator other =
                new ResumableRunner(2, randomSearch(6)).getConfiguration().getCandidateGenerator();
        other.setRngSeed(SEED + 1);
        Candidate<?> candidate = other.getCandidate();
        assertEquals(1, candidate.getIndex());
        assertFalse(all.containsValue(flat(candidate.getFlatParameters())));
    }

    private static double[] toArray(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }

    @Test
    void geneticSearchesAreToldWhatThereIs() throws IOException {
        ParameterSpace<?> space = task.networks();
        new RandomSearchGenerator(space);
        for (int i = 0; i < 4; i++) {
            finished(i, i == 2 ? 0.9 : 0.1 * i, toArray(uninterrupted(4).get(i)), space);
        }
        PopulationModel population =
                new PopulationModel.Builder().populationSize(5).build();
        ScoreFunction score = new MacroF1ScoreFunction();
        ResumableRunner runner = new ResumableRunner(
                1,
                search(
                        new GeneticSearchCandidateGenerator.Builder(task.networks(), score)
                                .populationModel(population)
                                .build(),
                        6));
        assertEquals(4, population.getPopulation().size());
        assertEquals(0.9, population.getPopulation().get(0).getFitness());
        assertArrayEquals(
                toArray(uninterrupted(3).get(2)),
                population.getPopulation().get(0).getGenes());
        assertEquals(2, runner.bestScoreCandidateIndex());
        assertEquals(
                4,
                runner.getConfiguration().getCandidateGenerator().getCandidate().getIndex());
    }

    // ---- what can't be gone on with --------------------------------------------------------------------------------

    @Test
    void resultsOfOtherSearchesAreRefused() throws IOException {
        ParameterSpace<?> space = task.networks();
        new RandomSearchGenerator(space);
        finished(0, 0.5, toArray(uninterrupted(1).get(0)), space);
        assertEquals(1, new ResumableRunner(1, randomSearch(3)).numCandidatesCompleted());

        assertRefused(
                IllegalStateException.class,
                "must hold results of a search over",
                () -> new ResumableRunner(
                        1, search(new RandomSearchGenerator(new ContinuousParameterSpace(0, 1)), 3), creator()));
        assertRefused(
                IllegalStateException.class,
                "must hold scores by " + IsoScoreFunction.class.getName(),
                () -> new ResumableRunner(
                        1,
                        task.search(
                                new RandomSearchGenerator(task.networks()),
                                Bags.class,
                                new IsoScoreFunction("layer0"),
                                3)));
        OptimizationConfiguration inMemory = randomSearch(3);
        inMemory.setResultSaver(new InMemoryResultSaver());
        assertRefused(
                IllegalArgumentException.class, "must have a FileModelSaver", () -> new ResumableRunner(1, inMemory));
    }

    private static org.deeplearning4j.arbiter.optimize.api.TaskCreator creator() {
        return new org.deeplearning4j.arbiter.task.MultiLayerNetworkTaskCreator();
    }

    @Test
    void brokenRecordsAreNamed() throws IOException {
        ParameterSpace<?> space = task.networks();
        new RandomSearchGenerator(space);
        finished(7, 0.5, toArray(uninterrupted(1).get(0)), space);
        Path record = folder.resolve("search/7/" + FinishedCandidate.FILE);
        String json = Files.readString(record);
        for (String broken : List.of("", "{}", json.substring(0, json.length() / 2), json.replace(": 7", ": 8"))) {
            Files.writeString(record, broken);
            UncheckedIOException e =
                    assertThrows(UncheckedIOException.class, () -> new ResumableRunner(1, randomSearch(3)));
            assertTrue(
                    e.getCause().getMessage().contains(record.toString()),
                    e.getCause().getMessage());
        }
        Files.writeString(record, json);
        Files.delete(folder.resolve("search/7/" + FinishedCandidate.MODEL));
        assertEquals(0, new ResumableRunner(1, randomSearch(3)).numCandidatesCompleted(), "no model, no result");
    }

    private static void assertRefused(Class<? extends Exception> type, String message, Executable call) {
        String found = assertThrows(type, call).getMessage();
        assertTrue(found.contains(message), found);
    }
}
