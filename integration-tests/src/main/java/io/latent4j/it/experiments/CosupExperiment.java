/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import static io.latent4j.it.Arguments.require;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.Similarity;
import io.latent4j.it.experiments.CosupModel.Towers;
import io.latent4j.it.quickstart.Environment;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.function.Consumer;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The command line: co-supervision against each of its losses alone on SQuAD, written as CSV and Markdown.
 *
 * <p>Exit codes: 0 the tables are complete, 1 something failed, 2 the arguments are wrong.
 */
@Command(
        name = "experiment-cosup",
        description = "Compares token-sequence co-supervision with next-token and next-sequence prediction alone.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class CosupExperiment extends ExperimentCommand {
    private static final String UNTRAINED = "untrained";
    private static final String SINGLE = "single";
    private static final int SPECIAL_TOKENS = 5;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = "${sys:latent4j.data:-../shared/data}",
            description = "Folder of the data sets; squad11 in it is read.")
    private Path data = Path.of("");

    @Option(
            names = "--out",
            paramLabel = "FILE",
            defaultValue = "target/cosup-experiments.md",
            description = "The page with the tables (default: ${DEFAULT-VALUE}).")
    private Path out = Path.of("");

    @Option(
            names = "--csv",
            paramLabel = "FILE",
            defaultValue = "target/cosup-experiments.csv",
            description = "All measurements, appended after each model (default: ${DEFAULT-VALUE}).")
    private Path csv = Path.of("");

    @Option(
            names = "--resume",
            description = "Keep the measurements in the CSV file and leave out what is there. All other options must be"
                    + " those of the earlier run.")
    private boolean resume;

    @Option(
            names = "--objectives",
            paramLabel = "O",
            split = ",",
            defaultValue = UNTRAINED + "," + SINGLE + ",0.01,0.1,1",
            description = "What is trained: '" + UNTRAINED + "' for the first weights, '" + SINGLE
                    + "' for each loss alone, and values of lambda (default: ${DEFAULT-VALUE}).")
    private List<String> objectives = List.of();

    @Option(
            names = "--towers",
            paramLabel = "T",
            split = ",",
            defaultValue = "separate,shared",
            description = "Whether Gen and Emb_seq share their weights (default: ${DEFAULT-VALUE}).")
    private List<Towers> towers = List.of();

    @Option(
            names = "--tests",
            paramLabel = "TEST",
            split = ",",
            defaultValue = CosupData.DEV + "," + CosupData.SEEN + "," + CosupData.UNSEEN,
            description = "What is measured on; '" + CosupData.TUNING
                    + "' are further questions held out of training, for choosing options (default: ${DEFAULT-VALUE}).")
    private List<String> tests = List.of();

    @Option(
            names = "--seeds",
            paramLabel = "N",
            defaultValue = "3",
            description = "Repetitions (default: ${DEFAULT-VALUE}).")
    private int seeds;

    @Option(
            names = "--steps",
            paramLabel = "N",
            defaultValue = "200",
            description = "Updates of each model (default: ${DEFAULT-VALUE}).")
    private int steps;

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "32",
            description = "Questions per update (default: ${DEFAULT-VALUE}).")
    private int batch;

    @Option(
            names = "--vocabulary",
            paramLabel = "N",
            defaultValue = "8000",
            description = "Tokens, special ones included (default: ${DEFAULT-VALUE}).")
    private int vocabulary;

    @Option(
            names = "--width",
            paramLabel = "N",
            defaultValue = "64",
            description = "Size of embeddings and states (default: ${DEFAULT-VALUE}).")
    private int width;

    @Option(
            names = "--max-passage",
            paramLabel = "N",
            defaultValue = "32",
            description = "Tokens of a passage, its first ones (default: ${DEFAULT-VALUE}).")
    private int maxPassage;

    @Option(
            names = "--max-text",
            paramLabel = "N",
            defaultValue = "32",
            description = "Tokens of question, answer and marks together (default: ${DEFAULT-VALUE}).")
    private int maxText;

    @Option(
            names = "--train-on-passages",
            arity = "1",
            paramLabel = "BOOLEAN",
            defaultValue = "false",
            description = "Whether tokens of passages are targets, as in the paper (default: ${DEFAULT-VALUE}).")
    private boolean trainOnPassages;

    @Option(
            names = "--pooling",
            paramLabel = "P",
            defaultValue = "LAST",
            description = "How states become a passage's vector: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private Pooling pooling = Pooling.LAST;

    @Option(
            names = "--similarity",
            paramLabel = "S",
            defaultValue = "COSINE",
            description = "Of queries and passages: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private Similarity similarity = Similarity.COSINE;

    @Option(
            names = "--temperature",
            paramLabel = "T",
            defaultValue = "0.05",
            description = "Divisor of similarities in training (default: ${DEFAULT-VALUE}).")
    private double temperature;

    @Option(
            names = "--rate",
            paramLabel = "R",
            defaultValue = "0.001",
            description = "Adam's learning rate (default: ${DEFAULT-VALUE}).")
    private double rate;

    @Option(
            names = "--candidates",
            paramLabel = "N",
            defaultValue = "2067",
            description = "Passages, and as many questions, of each test set (default: ${DEFAULT-VALUE}, all of dev).")
    private int candidates;

    @Option(
            names = "--perplexities",
            paramLabel = "N",
            defaultValue = "96",
            description = "Questions of each test set for perplexity (default: ${DEFAULT-VALUE}).")
    private int perplexities;

    @Option(
            names = "--generations",
            paramLabel = "N",
            defaultValue = "25",
            description = "Questions of each test set that answers are generated for (default: ${DEFAULT-VALUE}).")
    private int generations;

    @Option(
            names = "--max-answer",
            paramLabel = "N",
            defaultValue = "12",
            description = "Tokens of a generated answer (default: ${DEFAULT-VALUE}).")
    private int maxAnswer;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Models trained at a time (default: one per processor, at most 4).")
    private int threads = Math.min(4, Runtime.getRuntime().availableProcessors());

    private CosupExperiment() {}

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
        return commandLine(new CosupExperiment()).setCaseInsensitiveEnumValuesAllowed(true);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        CommandLine command = check();
        Map<String, String> environment = Environment.describe(
                threads, String.join(" ", command.getParseResult().originalArgs()));
        CosupData squad = CosupData.read(data.resolve("squad11"), vocabulary - SPECIAL_TOKENS, candidates);
        CosupContest contest = new CosupContest(
                squad,
                tests,
                new CosupContest.Settings(
                        steps,
                        batch,
                        maxPassage,
                        maxText,
                        trainOnPassages,
                        width,
                        pooling,
                        new Contrast(similarity, temperature, false),
                        rate,
                        perplexities,
                        generations,
                        maxAnswer));
        for (Path file : List.of(out, csv)) {
            Files.createDirectories(file.toAbsolutePath().getParent());
        }
        if (!resume) {
            Files.deleteIfExists(csv);
        }
        String settings = settings(squad, contest);
        writePage(environment, settings);
        measure(jobs(CosupOutcome.read(csv)), contest, environment, settings);
        PrintWriter screen = command.getOut();
        screen.println("Tables: " + out + ", measurements: " + csv);
        screen.flush();
        return 0;
    }

    private CommandLine check() {
        CommandLine command = command();
        require(
                command,
                CosupData.TESTS.containsAll(tests) && !tests.isEmpty(),
                "--tests",
                "some of " + CosupData.TESTS,
                tests);
        require(
                command,
                !objectives.isEmpty()
                        && objectives.stream()
                                .allMatch(name -> List.of(UNTRAINED, SINGLE).contains(name) || isWeight(name)),
                "--objectives",
                UNTRAINED + ", " + SINGLE + " or numbers above 0",
                objectives);
        require(
                command,
                vocabulary > SPECIAL_TOKENS + 3,
                "--vocabulary",
                "more than " + (SPECIAL_TOKENS + 3),
                vocabulary);
        require(command, perplexities > 0, "--perplexities", "1 or more", perplexities);
        require(command, generations >= 0, "--generations", "0 or more", generations);
        require(command, maxText >= 8, "--max-text", "8 or more", maxText);
        requirePositive("--seeds", seeds);
        requirePositive("--steps", steps);
        requirePositive("--batch", batch);
        requirePositive("--width", width);
        requirePositive("--max-passage", maxPassage);
        requirePositive("--candidates", candidates);
        requirePositive("--max-answer", maxAnswer);
        requirePositive("--threads", threads);
        require(command, rate > 0, "--rate", "more than 0", rate);
        require(command, temperature > 0, "--temperature", "more than 0", temperature);
        return command;
    }

    private static boolean isWeight(String text) {
        try {
            double weight = Double.parseDouble(text);
            return weight > 0 && !Double.isInfinite(weight);
        } catch (NumberFormatException notANumber) {
            return false;
        }
    }

    /** Models that are trained and measured together. */
    private record Job(Towers towers, String objective, long seed) {
        int models() {
            return switch (objective) {
                case UNTRAINED -> 0;
                case SINGLE -> 2;
                default -> 1;
            };
        }

        List<CosupOutcome> run(CosupContest contest, Consumer<String> step) {
            return switch (objective) {
                case UNTRAINED -> contest.untrained(towers, seed);
                case SINGLE -> contest.single(towers, seed, step);
                default -> contest.joint(towers, Double.parseDouble(objective), seed, step);
            };
        }

        boolean made(CosupOutcome outcome) {
            CosupModel.Objective last =
                    switch (objective) {
                        case UNTRAINED -> CosupModel.Objective.NONE;
                        case SINGLE -> CosupModel.Objective.TOKENS;
                        default -> new CosupModel.Objective(1, Double.parseDouble(objective));
                    };
            return outcome.towers() == towers
                    && outcome.seed() == seed
                    && outcome.objective().equals(last.toString());
        }
    }

    /** What comes first is most important. */
    private List<Job> jobs(List<CosupOutcome> done) {
        List<Job> jobs = new ArrayList<>();
        for (Towers tower : towers) {
            for (long seed = 1; seed <= seeds; seed++) {
                for (String objective : objectives) {
                    Job job = new Job(tower, objective, seed);
                    if (done.stream().noneMatch(job::made)) {
                        jobs.add(job);
                    }
                }
            }
        }
        return jobs;
    }

    private void measure(List<Job> jobs, CosupContest contest, Map<String, String> environment, String settings)
            throws IOException, InterruptedException {
        ExecutorService workers = workers("training", threads);
        CompletionService<List<CosupOutcome>> completion = new ExecutorCompletionService<>(workers);
        long updates = jobs.stream().mapToLong(Job::models).sum() * steps;
        try (ProgressBar bar = bar("training", updates)) {
            for (Job job : jobs) {
                completion.submit(() -> job.run(contest, losses -> {
                    bar.setExtraMessage(losses);
                    bar.step();
                }));
            }
            for (int i = 0; i < jobs.size(); i++) {
                CosupOutcome.append(csv, completion.take().get());
                writePage(environment, settings);
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("training failed: " + e.getCause(), e.getCause());
        } finally {
            workers.shutdownNow();
        }
    }

    private void writePage(Map<String, String> environment, String settings) throws IOException {
        Files.writeString(out, new CosupReport(CosupOutcome.read(csv)).page(environment, settings));
    }

    private String settings(CosupData squad, CosupContest contest) {
        String parameters = String.join(
                ", ",
                towers.stream()
                        .map(tower -> String.format(Locale.ROOT, "%,d (%s towers)", contest.parameters(tower), tower))
                        .toList());
        return String.format(
                        Locale.ROOT,
                        "Seeds 1 to %d. Each tower is an embedding and, over it, an LSTM beside a linear recurrent layer, of width %d over %d tokens; parameters: %s."
                                + " Passages are cut to %d tokens; their vector is the %s of the tower's states; similarity %s,"
                                + " temperature %s. Tokens of passages are %s. Training: %,d questions about %,d passages,"
                                + " Adam, learning rate %s, %d steps of %d questions. Measured on %,d passages per test set,"
                                + " perplexity on %d and answers on %d of the questions. %s",
                        seeds,
                        width,
                        vocabulary,
                        parameters,
                        maxPassage,
                        pooling.name().toLowerCase(Locale.ROOT),
                        similarity.name().toLowerCase(Locale.ROOT),
                        temperature,
                        trainOnPassages ? "targets" : "no targets",
                        squad.training().instances().size(),
                        squad.training().passages().size(),
                        rate,
                        steps,
                        batch,
                        candidates,
                        perplexities,
                        generations,
                        note())
                .strip();
    }
}
