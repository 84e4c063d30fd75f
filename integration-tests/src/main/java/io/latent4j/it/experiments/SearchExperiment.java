/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import static io.latent4j.it.Arguments.require;

import io.latent4j.it.quickstart.Environment;
import io.latent4j.it.quickstart.corpus.CorpusException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import me.tongfei.progressbar.ProgressBar;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.CandidateGenerator;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The command line: TPE, with and without ASHA, against random search, written as CSV and Markdown.
 *
 * <p>Exit codes: 0 the tables are complete, 1 something failed, 2 the arguments are wrong.
 */
@Command(
        name = "experiment-search",
        description = "Compares TPE and ASHA with random search on known functions and on networks for TREC.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class SearchExperiment extends ExperimentCommand {
    private static final int CHECKPOINTS = 3;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = "${sys:latent4j.data:-../shared/data}",
            description = "Folder of the data sets.")
    private Path data = Path.of("");

    @Option(
            names = "--out",
            paramLabel = "FILE",
            defaultValue = "target/search-experiments.md",
            description = "The page with the tables (default: ${DEFAULT-VALUE}).")
    private Path out = Path.of("");

    @Option(
            names = "--csv",
            paramLabel = "FILE",
            defaultValue = "target/search-experiments.csv",
            description = "All measurements (default: ${DEFAULT-VALUE}).")
    private Path csv = Path.of("");

    @Option(
            names = "--seeds",
            paramLabel = "N",
            defaultValue = "10",
            description = "Repetitions (default: ${DEFAULT-VALUE}).")
    private int seeds;

    @Option(
            names = "--evaluations",
            paramLabel = "N",
            defaultValue = "99",
            description = "Evaluations of a function (default: ${DEFAULT-VALUE}).")
    private int evaluations;

    @Option(
            names = "--trainings",
            paramLabel = "N",
            defaultValue = "30",
            description = "Budget for TREC, in full trainings; 0 leaves it out (default: ${DEFAULT-VALUE}).")
    private int trainings;

    @Option(
            names = "--epochs",
            paramLabel = "N",
            defaultValue = "9",
            description = "Epochs of a full training (default: ${DEFAULT-VALUE}).")
    private int epochs;

    @Option(
            names = "--reduction",
            paramLabel = "N",
            defaultValue = "3",
            description = "ASHA's reduction factor (default: ${DEFAULT-VALUE}).")
    private int reduction;

    @Option(
            names = "--texts",
            paramLabel = "N",
            defaultValue = "600",
            description = "Training texts of TREC (default: ${DEFAULT-VALUE}).")
    private int texts;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "1",
            description = "Searches at a time (default: ${DEFAULT-VALUE}).")
    private int threads;

    private SearchExperiment() {}

    /**
     * Runs the command and ends the virtual machine.
     *
     * @param arguments see {@code --help}
     */
    public static void main(String... arguments) {
        System.exit(commandLine().execute(arguments));
    }

    /** The command, ready to execute. */
    static CommandLine commandLine() {
        return commandLine(new SearchExperiment());
    }

    @Override
    public Integer call() throws IOException, CorpusException, InterruptedException {
        CommandLine command = check();
        Map<String, String> environment = Environment.describe(
                threads, String.join(" ", command.getParseResult().originalArgs()));
        for (Path file : List.of(out, csv)) {
            Files.createDirectories(file.toAbsolutePath().getParent());
        }
        List<Callable<List<SearchOutcome>>> searches = new ArrayList<>(functions());
        long start = System.nanoTime();
        SearchReport report;
        if (trainings > 0) {
            try (SearchTask task = SearchTask.read(data, texts, epochs, reduction)) {
                searches.addAll(networks(task));
                report = run(searches);
            }
        } else {
            report = run(searches);
        }
        report.writeCsv(csv);
        Files.writeString(out, report.page(environment, settings((System.nanoTime() - start) / 60e9)));
        PrintWriter screen = command.getOut();
        screen.println("Tables: " + out + ", measurements: " + csv);
        screen.flush();
        return 0;
    }

    private CommandLine check() {
        requirePositive("--seeds", seeds);
        requirePositive("--threads", threads);
        requirePositive("--epochs", epochs);
        requirePositive("--texts", texts);
        require(command(), evaluations >= CHECKPOINTS, "--evaluations", CHECKPOINTS + " or more", evaluations);
        require(
                command(),
                trainings == 0 || trainings >= CHECKPOINTS,
                "--trainings",
                "0, or " + CHECKPOINTS + " or more",
                trainings);
        require(command(), reduction >= 2, "--reduction", "2 or more", reduction);
        return command();
    }

    private List<Callable<List<SearchOutcome>>> functions() {
        List<Callable<List<SearchOutcome>>> searches = new ArrayList<>();
        for (SearchFunction function : SearchFunction.ALL) {
            for (SearchMethod method : SearchMethod.values()) {
                for (long seed = 1; seed <= seeds && !method.pruning(); seed++) {
                    long number = seed;
                    searches.add(() -> minimize(function, method, number));
                }
            }
        }
        return searches;
    }

    private List<Callable<List<SearchOutcome>>> networks(SearchTask task) {
        List<Callable<List<SearchOutcome>>> searches = new ArrayList<>();
        for (SearchMethod method : SearchMethod.values()) {
            // trainings are dear, so the variant of TPE is left to the functions
            for (long seed = 1; seed <= seeds && method != SearchMethod.TPE_UNIVARIATE; seed++) {
                long number = seed;
                searches.add(() -> task.search(
                        method,
                        number,
                        trainings * epochs,
                        checkpoints(trainings).stream()
                                .mapToInt(trained -> trained * epochs)
                                .toArray()));
            }
        }
        return searches;
    }

    /** A third, two thirds and all of it. */
    private static List<Integer> checkpoints(int budget) {
        List<Integer> checkpoints = new ArrayList<>();
        for (int i = 1; i <= CHECKPOINTS; i++) {
            checkpoints.add(budget * i / CHECKPOINTS);
        }
        return checkpoints;
    }

    @SuppressWarnings("unchecked") // the values of a ParameterList
    private List<SearchOutcome> minimize(SearchFunction function, SearchMethod method, long seed) {
        CandidateGenerator generator = method.generator(function.space().get(), true, seed);
        List<SearchOutcome> outcomes = new ArrayList<>();
        double best = Double.POSITIVE_INFINITY;
        int evaluated = 0;
        for (int checkpoint : checkpoints(evaluations)) {
            for (; evaluated < checkpoint; evaluated++) {
                Candidate<?> candidate = generator.getCandidate();
                double value = function.value().applyAsDouble((List<Object>) candidate.getValue());
                best = Math.min(best, value);
                generator.reportResults(
                        new OptimizationResult(candidate, value, candidate.getIndex(), null, null, null));
            }
            outcomes.add(
                    new SearchOutcome(function.name(), method.title(), seed, checkpoint, checkpoint, best, Double.NaN));
        }
        return outcomes;
    }

    private SearchReport run(List<Callable<List<SearchOutcome>>> searches) throws InterruptedException {
        ExecutorService workers = workers("search", threads);
        List<SearchOutcome> outcomes = new ArrayList<>();
        try (ProgressBar bar = bar("searches", searches.size())) {
            List<Future<List<SearchOutcome>>> running =
                    searches.stream().map(workers::submit).toList();
            for (Future<List<SearchOutcome>> search : running) {
                outcomes.addAll(search.get());
                bar.step();
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("search: failed: " + e.getCause(), e.getCause());
        } finally {
            workers.shutdownNow();
        }
        return new SearchReport(outcomes);
    }

    private String settings(double minutes) {
        return String.format(
                        Locale.ROOT,
                        "Seeds 1 to %d. TREC: %d training texts, minibatches of %d, %d epochs for each candidate that isn't"
                                + " stopped, reduction factor %d. All of it took %.1f minutes. %s",
                        seeds,
                        texts,
                        SearchTask.BATCH,
                        epochs,
                        reduction,
                        minutes,
                        note())
                .strip();
    }
}
