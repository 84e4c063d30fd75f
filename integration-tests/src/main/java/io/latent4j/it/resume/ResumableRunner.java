/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.resume;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.arbiter.GraphConfiguration;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.CandidateGenerator;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.TaskCreator;
import org.deeplearning4j.arbiter.optimize.config.OptimizationConfiguration;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;
import org.deeplearning4j.arbiter.optimize.runner.LocalOptimizationRunner;
import org.deeplearning4j.arbiter.optimize.serde.jackson.JsonMapper;
import org.deeplearning4j.arbiter.saver.local.FileModelSaver;
import org.deeplearning4j.arbiter.saver.local.LocalFileNetResultReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Arbiter's local runner for searches that can be stopped, by accident too, and gone on with: start the same search again,
 * and it takes over what the folder of its {@code FileModelSaver} holds.
 *
 * <pre>{@code
 * OptimizationConfiguration configuration = new OptimizationConfiguration.Builder()
 *         .candidateGenerator(new RandomSearchGenerator(space))
 *         .rngSeed(7)
 *         .modelSaver(new FileModelSaver("search"))
 *         ...
 *         .build();
 * new ResumableRunner(2, configuration).execute(); // the second time as well
 * }</pre>
 *
 * <p>What was found counts as if this runner had found it: candidates completed, best score, results and their models,
 * status of each candidate. So {@code MaxCandidatesCondition(50)} means 50 in all, while {@code MaxTimeCondition} counts
 * from the start of this process. Candidates that failed, or were interrupted before their model was complete, are no
 * results; a seeded random search or a grid tries them again.
 *
 * <p>What is not run again are the values that have been tried. A random search needs the same seed to go on with the
 * candidates that it would have come to; with another one it goes on with others. A grid is completed in either order.
 * Generators that learn from results, such as the genetic one, are told those that there are, and go on from them; the
 * state that they have beyond this, such as that of their random numbers, is not kept.
 *
 * <p>Arbiter itself keeps models and scores but not the values of the candidates, so this runner writes one more file,
 * {@code candidate.json}, into the folder of each. Results of other runners are not taken over.
 */
public final class ResumableRunner extends LocalOptimizationRunner {
    private static final Logger log = LoggerFactory.getLogger(ResumableRunner.class);

    /**
     * Makes a runner and reads what there is.
     *
     * @param maxConcurrentTasks number of candidates that are trained at the same time
     * @param configuration the search, unchanged; its saver must be a {@code FileModelSaver} and its generator unused
     * @throws IllegalArgumentException if it has no such saver
     * @throws IllegalStateException if the folder belongs to a search over other options or with another score function
     * @throws UncheckedIOException if the folder can't be read
     */
    public ResumableRunner(int maxConcurrentTasks, OptimizationConfiguration configuration) {
        this(maxConcurrentTasks, configuration, null);
    }

    /**
     * Makes a runner and reads what there is.
     *
     * @param maxConcurrentTasks number of candidates that are trained at the same time
     * @param configuration the search, unchanged; its saver must be a {@code FileModelSaver} and its generator unused
     * @param taskCreator what trains a candidate; null for the one that belongs to the space
     * @throws IllegalArgumentException if it has no such saver
     * @throws IllegalStateException if the folder belongs to a search over other options or with another score function
     * @throws UncheckedIOException if the folder can't be read
     */
    public ResumableRunner(
            int maxConcurrentTasks, OptimizationConfiguration configuration, @Nullable TaskCreator taskCreator) {
        this(maxConcurrentTasks, configuration, taskCreator, read(configuration));
    }

    private ResumableRunner(
            int maxConcurrentTasks,
            OptimizationConfiguration configuration,
            @Nullable TaskCreator taskCreator,
            List<OptimizationResult> finished) {
        super(maxConcurrentTasks, remaining(configuration, finished), taskCreator);
        for (OptimizationResult result : finished) {
            take(result);
        }
        if (!finished.isEmpty()) {
            log.info(
                    "{} candidates of {} are complete, best score {}",
                    finished.size(),
                    folder(configuration),
                    bestScore);
        }
    }

    /** As the runner itself does with a result. */
    private void take(OptimizationResult result) {
        totalCandidateCount.incrementAndGet();
        numCandidatesCompleted.incrementAndGet();
        currentStatus.put(result.getIndex(), result.getCandidateInfo());
        allResults.add(result.getResultReference());
        Double score = result.getScore();
        boolean minimize = config.getScoreFunction().minimize();
        boolean scored = score != null && !score.isNaN();
        if (scored && (bestScore == null || (minimize ? score < bestScore : score > bestScore))) {
            bestScore = score;
            bestScoreTime = result.getCandidateInfo().getEndTime();
            bestScoreCandidateIndex.set(result.getIndex());
        }
    }

    /** The same search, with the generator and the saver that make it one to go on with. */
    @SuppressWarnings("deprecation") // Arbiter's data providers are, and still there
    private static OptimizationConfiguration remaining(
            OptimizationConfiguration configuration, List<OptimizationResult> finished) {
        CandidateGenerator generator = configuration.getCandidateGenerator();
        OptimizationConfiguration.Builder builder = new OptimizationConfiguration.Builder()
                .candidateGenerator(new RemainingCandidates(generator, finished))
                .dataProvider(configuration.getDataProvider())
                .dataSource(configuration.getDataSource(), configuration.getDataSourceProperties())
                .modelSaver(new RecordingSaver(
                        saver(configuration),
                        folder(configuration),
                        generator.getParameterSpace(),
                        configuration.getScoreFunction()))
                .scoreFunction(configuration.getScoreFunction())
                .terminationConditions(configuration.getTerminationConditions());
        if (configuration.getRngSeed() != null) {
            builder.rngSeed(configuration.getRngSeed());
        }
        return builder.build();
    }

    private static FileModelSaver saver(OptimizationConfiguration configuration) {
        if (configuration.getResultSaver() instanceof FileModelSaver saver) {
            return saver;
        }
        throw new IllegalArgumentException(
                "configuration must have a FileModelSaver, from whose folder the search can be"
                        + " gone on with, found " + configuration.getResultSaver());
    }

    /** Arbiter's saver tells its folder to JSON only. */
    private static Path folder(OptimizationConfiguration configuration) {
        return Path.of(JsonMapper.getMapper()
                .valueToTree(saver(configuration))
                .get("path")
                .asText());
    }

    private static List<OptimizationResult> read(OptimizationConfiguration configuration) {
        Path folder = folder(configuration);
        ParameterSpace<?> space = configuration.getCandidateGenerator().getParameterSpace();
        Map<String, String> options = FinishedCandidate.describe(space);
        String scoreFunction = configuration.getScoreFunction().getClass().getName();
        List<OptimizationResult> results = new ArrayList<>();
        try {
            for (FinishedCandidate finished : FinishedCandidate.readAll(folder)) {
                if (!finished.space().equals(options)) {
                    throw new IllegalStateException("folder " + folder + " must hold results of a search over "
                            + options + ", found candidate " + finished.index() + " of one over " + finished.space());
                }
                if (!finished.scoreFunction().equals(scoreFunction)) {
                    throw new IllegalStateException("folder " + folder + " must hold scores by " + scoreFunction
                            + ", found candidate " + finished.index() + " scored by " + finished.scoreFunction());
                }
                results.add(result(finished, space, folder));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("folder " + folder + " of an earlier search can't be read", e);
        }
        return results;
    }

    private static OptimizationResult result(FinishedCandidate finished, ParameterSpace<?> space, Path folder) {
        double[] flat = finished.flatParameters();
        Object value = space.getValue(flat);
        @SuppressWarnings("rawtypes") // as Arbiter declares its results
        Candidate candidate = new Candidate<>(value, finished.index(), flat);
        CandidateInfo info = new CandidateInfo(
                finished.index(),
                CandidateStatus.Complete,
                finished.score(),
                finished.startTime(),
                finished.startTime(),
                finished.endTime(),
                flat,
                null);
        return new OptimizationResult(
                candidate,
                finished.score(),
                finished.index(),
                null,
                info,
                reference(candidate, folder.resolve(Integer.toString(finished.index())), value));
    }

    @SuppressWarnings({"rawtypes", "unchecked"}) // Arbiter's reference holds candidates of graphs as well
    private static LocalFileNetResultReference reference(Candidate candidate, Path folder, Object value) {
        File directory = folder.toAbsolutePath().toFile();
        return new LocalFileNetResultReference(
                candidate.getIndex(),
                directory.getPath(),
                value instanceof GraphConfiguration,
                new File(directory, FinishedCandidate.MODEL),
                new File(directory, "score.txt"),
                new File(directory, "additionalResults.bin"),
                new File(directory, "earlyStoppingConfig.bin"),
                new File(directory, "numEpochs.txt"),
                candidate);
    }
}
