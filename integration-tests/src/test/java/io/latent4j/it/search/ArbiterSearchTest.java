/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.latent4j.cosup.analysis.RetrievalEvaluation.Metric;
import io.latent4j.cosup.arbiter.RetrievalScoreFunction;
import io.latent4j.istar.IStarLayer;
import io.latent4j.istar.arbiter.IsoScoreFunction;
import io.latent4j.it.dashboard.HyperParameter;
import io.latent4j.it.dashboard.SearchDashboard;
import io.latent4j.it.search.ArbiterSearchTask.Bags;
import io.latent4j.it.search.ArbiterSearchTask.Sequences;
import io.latent4j.it.search.ArbiterSearchTask.SequencesWithClasses;
import io.latent4j.vocabsem.arbiter.MacroF1ScoreFunction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.saving.ResultReference;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;
import org.deeplearning4j.arbiter.optimize.generator.GeneticSearchCandidateGenerator;
import org.deeplearning4j.arbiter.optimize.generator.GridSearchCandidateGenerator;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;
import org.deeplearning4j.arbiter.optimize.generator.genetic.population.PopulationModel;
import org.deeplearning4j.arbiter.optimize.generator.genetic.selection.GeneticSelectionOperator;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;
import org.deeplearning4j.arbiter.optimize.runner.LocalOptimizationRunner;
import org.deeplearning4j.arbiter.scoring.impl.BaseNetScoreFunction;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** Searches over networks in which all methods work together. Arbiter sleeps two seconds after each candidate. */
class ArbiterSearchTest {
    private static final Path TREC =
            Path.of(System.getProperty("latent4j.data", "../../shared/data")).resolve("trec");
    private static final int THREADS = 3;
    /** Scores of a reloaded network are of the same float32 arithmetic, in sums of another order at most. */
    private static final double TOLERANCE = 1e-5;

    private static final Pattern TOP = Pattern.compile("<tr data-candidate=\"(\\d+)\" class=\"complete top\">");

    @TempDir
    Path folder;

    private ArbiterSearchTask trec() throws IOException {
        assumeTrue(
                Files.isReadable(TREC.resolve("train_fine.txt")),
                () -> "skipped: no " + TREC.toAbsolutePath() + "; set -Dlatent4j.data");
        return ArbiterSearchTask.trec(TREC, folder);
    }

    private LocalOptimizationRunner run(
            ArbiterSearchTask task,
            org.deeplearning4j.arbiter.optimize.api.CandidateGenerator generator,
            Class<? extends ArbiterSearchTask.Source> source,
            ScoreFunction score,
            int candidates) {
        LocalOptimizationRunner runner =
                new LocalOptimizationRunner(THREADS, task.search(generator, source, score, candidates));
        runner.addListeners(new SearchDashboard(folder.resolve("search.html")));
        runner.execute();
        return runner;
    }

    /** All candidates completed on several threads, the best one comes back from its file, and the page shows it all. */
    private OptimizationResult check(
            ArbiterSearchTask task,
            LocalOptimizationRunner runner,
            Class<? extends ArbiterSearchTask.Source> source,
            int candidates)
            throws IOException {
        assertEquals(0, runner.numCandidatesFailed(), () -> runner.getCandidateStatus().stream()
                .map(CandidateInfo::getExceptionStackTrace)
                .filter(Objects::nonNull)
                .collect(Collectors.joining("\n")));
        assertTrue(runner.numCandidatesCompleted() >= candidates, "found " + runner.numCandidatesCompleted());
        assertTrue(task.threads.size() > 1, "candidates are trained side by side, found " + task.threads);
        OptimizationResult best = null;
        Set<List<Double>> values = new HashSet<>();
        for (ResultReference reference : runner.getResults()) {
            OptimizationResult result = reference.getResult();
            values.add(Arrays.stream(result.getCandidate().getFlatParameters())
                    .boxed()
                    .toList());
            if (result.getIndex() == runner.bestScoreCandidateIndex()) {
                best = result;
            }
        }
        assertEquals(runner.getResults().size(), values.size(), "each candidate is another one");
        Object model = best.getResultReference().getResultModel();
        ScoreFunction score = runner.getConfiguration().getScoreFunction();
        assertEquals(runner.bestScore(), score.score(model, source, task.properties()), TOLERANCE);
        String page = Files.readString(folder.resolve("search.html"));
        assertTrue(page.contains("data-state=\"finished\""));
        Matcher top = TOP.matcher(page);
        assertTrue(top.find(), () -> "no best candidate in " + page);
        Map<Integer, Double> saved = savedScores();
        double highest = saved.values().stream().max(Double::compare).orElseThrow();
        int shown = Integer.parseInt(top.group(1));
        assertEquals(highest, saved.get(shown), "the page shows all that were trained");
        if (best.getScore() == highest) { // it is not if Arbiter left out what ended after the last one it asked for
            assertEquals(best.getIndex(), shown);
        }
        return best;
    }

    private Map<Integer, Double> savedScores() throws IOException {
        Map<Integer, Double> scores = new HashMap<>();
        try (Stream<Path> candidates = Files.list(folder.resolve("search"))) {
            for (Path candidate : candidates.toList()) {
                scores.put(
                        Integer.valueOf(candidate.getFileName().toString()),
                        Double.valueOf(Files.readString(candidate.resolve("score.txt"))));
            }
        }
        return scores;
    }

    // ---- networks --------------------------------------------------------------------------------------------------

    @Test
    void randomSearchOverNetworks() throws IOException {
        ArbiterSearchTask task = ArbiterSearchTask.tiny(folder);
        ParameterSpace<?> space = task.networks();
        LocalOptimizationRunner runner =
                run(task, new RandomSearchGenerator(space), Bags.class, new MacroF1ScoreFunction(), 4);
        OptimizationResult best = check(task, runner, Bags.class, 4);
        assertTrue(best.getScore() > 0.8, "found " + best.getScore());
        MultiLayerNetwork network =
                (MultiLayerNetwork) best.getResultReference().getResultModel();
        double[] flat = best.getCandidate().getFlatParameters();
        HyperParameter lambda = HyperParameter.of(space).stream()
                .filter(parameter -> parameter.name().equals("layer_1.lambda"))
                .findFirst()
                .orElseThrow();
        assertEquals(
                lambda.value(flat),
                ((IStarLayer) network.getLayer(1).conf().getLayer()).getLambda(),
                "the dashboard's value is the trained network's");
    }

    @Test
    void gridSearchFindsTheMostIsotropicNetwork() throws IOException {
        ArbiterSearchTask task = ArbiterSearchTask.tiny(folder);
        ParameterSpace<?> space = task.gridOfNetworks();
        LocalOptimizationRunner runner = run(
                task,
                new GridSearchCandidateGenerator(space, 2, GridSearchCandidateGenerator.Mode.Sequential, null),
                Bags.class,
                new IsoScoreFunction("layer0"),
                6);
        OptimizationResult best = check(task, runner, Bags.class, 6);
        assertEquals(6, runner.getResults().size(), "3 strengths, 2 widths of the MLP");
        MultiLayerNetwork network =
                (MultiLayerNetwork) best.getResultReference().getResultModel();
        assertTrue(
                ((IStarLayer) network.getLayer(1).conf().getLayer()).getLambda() > 0,
                "a positive λ asks for isotropic states");
    }

    @Test
    void geneticSearchOverNetworks() throws IOException {
        ArbiterSearchTask task = ArbiterSearchTask.tiny(folder);
        ScoreFunction score = new MacroF1ScoreFunction();
        PopulationModel population =
                new PopulationModel.Builder().populationSize(3).build();
        LocalOptimizationRunner runner = run(
                task,
                new GeneticSearchCandidateGenerator.Builder(task.networks(), score)
                        .populationModel(population)
                        .selectionOperator(new GeneticSelectionOperator.Builder()
                                .randomGenerator(new org.apache.commons.math3.random.JDKRandomGenerator(3))
                                .build())
                        .build(),
                Bags.class,
                score,
                6);
        check(task, runner, Bags.class, 6);
        assertEquals(runner.bestScore(), population.getPopulation().get(0).getFitness(), 0, "the fittest is the best");
    }

    @Tag("data")
    @Test
    void randomSearchOverNetworksOnTrec() throws IOException {
        ArbiterSearchTask task = trec();
        LocalOptimizationRunner runner =
                run(task, new RandomSearchGenerator(task.networks()), Bags.class, new MacroF1ScoreFunction(), 4);
        OptimizationResult best = check(task, runner, Bags.class, 4);
        assertTrue(best.getScore() > 0.3, "well above 1/6 of one class's F1, found " + best.getScore());
    }

    // ---- graphs ----------------------------------------------------------------------------------------------------

    @Test
    void randomSearchOverGraphsWithAllMethods() throws IOException {
        ArbiterSearchTask task = ArbiterSearchTask.tiny(folder);
        LocalOptimizationRunner runner = run(
                task,
                new RandomSearchGenerator(task.graphs()),
                SequencesWithClasses.class,
                new RetrievalScoreFunction(Metric.RECALL, 1),
                4);
        OptimizationResult best = check(task, runner, SequencesWithClasses.class, 4);
        assertTrue(best.getScore() > 1 / 3.0, "chance is 1/6, found " + best.getScore());
        Object graph = best.getResultReference().getResultModel();
        double macroF1 = new MacroF1ScoreFunction("class").score(graph, SequencesWithClasses.class, task.properties());
        assertTrue(macroF1 > 1 / 3.0 && macroF1 <= 1, "the third output learned too, found " + macroF1);
        double isotropy = new IsoScoreFunction("states").score(graph, SequencesWithClasses.class, task.properties());
        assertTrue(isotropy > 0 && isotropy < 1, "found " + isotropy);
    }

    @Test
    void geneticSearchOverCoSupervisedGraphs() throws IOException {
        ArbiterSearchTask task = ArbiterSearchTask.tiny(folder);
        ScoreFunction score = new RetrievalScoreFunction();
        LocalOptimizationRunner runner = run(
                task,
                new GeneticSearchCandidateGenerator.Builder(task.coSupervised(), score).build(),
                Sequences.class,
                score,
                4);
        check(task, runner, Sequences.class, 4);
    }

    @Tag("data")
    @Test
    void randomSearchOverGraphsWithAllMethodsOnTrec() throws IOException {
        ArbiterSearchTask task = trec();
        LocalOptimizationRunner runner = run(
                task,
                new RandomSearchGenerator(task.graphs()),
                SequencesWithClasses.class,
                new RetrievalScoreFunction(Metric.RECALL, 3),
                3);
        OptimizationResult best = check(task, runner, SequencesWithClasses.class, 3);
        // Two epochs are for the search, not for learning to retrieve
        assertTrue(best.getScore() > 0 && best.getScore() <= 1, "found " + best.getScore());
    }

    // ---- failures --------------------------------------------------------------------------------------------------

    /** Macro F1, but candidates with a negative λ can't be scored. */
    static final class Picky extends BaseNetScoreFunction {
        private static final long serialVersionUID = 1L;

        @Override
        public double score(MultiLayerNetwork network, DataSetIterator iterator) {
            if (((IStarLayer) network.getLayer(1).conf().getLayer()).getLambda() < 0) {
                throw new IllegalStateException("no score for a negative λ");
            }
            return new MacroF1ScoreFunction().score(network, iterator);
        }

        @Override
        public double score(MultiLayerNetwork network, MultiDataSetIterator iterator) {
            throw new UnsupportedOperationException();
        }

        @Override
        public double score(ComputationGraph graph, DataSetIterator iterator) {
            throw new UnsupportedOperationException();
        }

        @Override
        public double score(ComputationGraph graph, MultiDataSetIterator iterator) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean minimize() {
            return false;
        }
    }

    @Test
    void whatCannotBeScoredDoesNotEndTheSearch() throws IOException {
        ArbiterSearchTask task = ArbiterSearchTask.tiny(folder);
        LocalOptimizationRunner runner = run(
                task,
                new GridSearchCandidateGenerator(
                        task.gridOfNetworks(), 2, GridSearchCandidateGenerator.Mode.Sequential, null),
                Bags.class,
                new Picky(),
                6);
        assertEquals(4, runner.numCandidatesCompleted());
        assertEquals(2, runner.numCandidatesFailed());
        List<CandidateInfo> failed = failed(runner);
        assertEquals(2, failed.size());
        failed.forEach(candidate -> {
            assertNull(candidate.getScore());
            assertTrue(candidate.getExceptionStackTrace().contains("no score for a negative λ"));
            assertFalse(Files.exists(folder.resolve("search/" + candidate.getIndex())), "nothing is saved");
        });
        String page = Files.readString(folder.resolve("search.html"));
        assertEquals(3, page.split("<summary>java.lang.IllegalStateException: no score", -1).length);
    }

    @Test
    void impossibleWidthsDoNotEndTheSearch() throws IOException {
        ArbiterSearchTask task = ArbiterSearchTask.tiny(folder);
        int right = ArbiterSearchTask.WIDTH;
        int wrong = right - 4; // the bases are wider
        LocalOptimizationRunner runner = run(
                task,
                new RandomSearchGenerator(task.networks(new DiscreteParameterSpace<>(wrong, right, right))),
                Bags.class,
                new MacroF1ScoreFunction(),
                4);
        List<CandidateInfo> failed = failed(runner);
        assertTrue(!failed.isEmpty() && runner.numCandidatesCompleted() > 0, () -> runner.getCandidateStatus() + "");
        failed.forEach(candidate -> {
            String trace = candidate.getExceptionStackTrace();
            assertTrue(trace.contains("12") && trace.contains("16"), trace);
        });
        String page = Files.readString(folder.resolve("search.html"));
        assertEquals(failed.size(), page.split("class=\"failed\"", -1).length - 1);
    }

    private static List<CandidateInfo> failed(LocalOptimizationRunner runner) {
        return runner.getCandidateStatus().stream()
                .filter(candidate -> candidate.getCandidateStatus() == CandidateStatus.Failed)
                .toList();
    }
}
