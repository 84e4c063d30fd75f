/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import static io.latent4j.it.Arguments.require;

import io.latent4j.it.lm.CausalLm;
import io.latent4j.it.lm.LlamaLm;
import io.latent4j.it.lm.LstmLm;
import io.latent4j.it.lm.Pretraining;
import io.latent4j.it.lm.Recipe;
import io.latent4j.it.quickstart.Environment;
import io.latent4j.it.quickstart.corpus.CorpusException;
import io.latent4j.vocabsem.LabelWords;
import io.latent4j.vocabsem.SemanticBases;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The command line: all methods on all tasks with all language models, written as CSV and Markdown.
 *
 * <p>Exit codes: 0 the table is complete, 1 something failed, 2 the arguments are wrong.
 */
@Command(
        name = "experiment-vocabsem",
        description =
                "Compares semantic logits and neural clustering with kNN-Prompting and a linear head on real tasks.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class VocabsemExperiment extends ExperimentCommand {
    private static final String LSTM = "lstm";
    private static final String STORIES = "stories260K";

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = "${sys:latent4j.data:-../shared/data}",
            description = "Folder of the data sets.")
    private Path data = Path.of("");

    @Option(
            names = "--cache",
            paramLabel = "DIR",
            defaultValue = "target/experiment-cache",
            description = "Where the pretrained model and the states are kept (default: ${DEFAULT-VALUE}).")
    private Path cache = Path.of("");

    @Option(
            names = "--out",
            paramLabel = "FILE",
            defaultValue = "target/vocabsem-experiments.md",
            description = "The page with the tables (default: ${DEFAULT-VALUE}).")
    private Path out = Path.of("");

    @Option(
            names = "--csv",
            paramLabel = "FILE",
            defaultValue = "target/vocabsem-experiments.csv",
            description = "All measurements (default: ${DEFAULT-VALUE}).")
    private Path csv = Path.of("");

    @Option(
            names = "--lms",
            paramLabel = "LM",
            split = ",",
            defaultValue = LSTM + "," + STORIES,
            description =
                    "Language models (default: ${DEFAULT-VALUE}). The LSTM is trained first unless it is in the cache.")
    private List<String> lms = List.of();

    @Option(
            names = "--tasks",
            paramLabel = "TASK",
            split = ",",
            defaultValue = "SST-2,TREC,AG News,SUBJ,DBpedia",
            description = "Tasks (default: ${DEFAULT-VALUE}).")
    private List<String> tasks = List.of();

    @Option(
            names = "--shots",
            paramLabel = "N",
            split = ",",
            defaultValue = "1,4,16,64,0",
            description = "Training texts per class, 0 for all (default: ${DEFAULT-VALUE}).")
    private List<Integer> shots = List.of();

    @Option(
            names = "--seeds",
            paramLabel = "N",
            defaultValue = "5",
            description = "Repetitions (default: ${DEFAULT-VALUE}).")
    private int seeds;

    @Option(
            names = "--epochs",
            paramLabel = "N",
            defaultValue = "100",
            description = "Passes over the training texts (default: ${DEFAULT-VALUE}, as in the paper).")
    private int epochs;

    @Option(
            names = "--max-steps",
            paramLabel = "N",
            defaultValue = "500",
            description = "No more updates than this: bounds the large samples (default: ${DEFAULT-VALUE}).")
    private int maxSteps;

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "256",
            description = "Texts per update (default: ${DEFAULT-VALUE}, as in the paper).")
    private int batch;

    @Option(
            names = "--scale",
            paramLabel = "S",
            defaultValue = "10",
            description = "Scale of the second clustering row (default: ${DEFAULT-VALUE}).")
    private double scale;

    @Option(
            names = "--clustering-rate",
            paramLabel = "R",
            defaultValue = "0.03",
            description = "Adam's learning rate for clustering (default: ${DEFAULT-VALUE}).")
    private double clusteringRate;

    @Option(
            names = "--linear-rate",
            paramLabel = "R",
            defaultValue = "0.03",
            description = "Adam's learning rate for the linear head (default: ${DEFAULT-VALUE}).")
    private double linearRate;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "80",
            description = "Tokens of a text that a language model sees (default: ${DEFAULT-VALUE}).")
    private int maxTokens;

    @Option(
            names = "--max-train",
            paramLabel = "N",
            defaultValue = "0",
            description = "Training texts, the first ones of the file; 0 for all (default: ${DEFAULT-VALUE}).")
    private int maxTrain;

    @Option(
            names = "--max-test",
            paramLabel = "N",
            defaultValue = "2000",
            description = "Test texts, the first ones of the file; 0 for all (default: ${DEFAULT-VALUE}).")
    private int maxTest;

    @Option(
            names = "--held-out",
            paramLabel = "N",
            defaultValue = "0",
            description =
                    "Measure on the last N training texts, which are then left out of training, instead of on test"
                            + " texts: for choosing rates and scales.")
    private int heldOut;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Measurements at a time (default: one per processor, at most 4).")
    private int threads = Math.min(4, Runtime.getRuntime().availableProcessors());

    private final List<Outcome> outcomes = new ArrayList<>();
    private final Map<String, String> notes = new LinkedHashMap<>();
    private final Map<String, String> labelTokens = new LinkedHashMap<>();

    private VocabsemExperiment() {}

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
        return commandLine(new VocabsemExperiment());
    }

    @Override
    public Integer call() throws IOException, CorpusException, InterruptedException {
        CommandLine command = check();
        PrintWriter screen = command.getOut();
        List<Task> chosen =
                Task.ALL.stream().filter(task -> tasks.contains(task.name())).toList();
        Map<String, String> environment = Environment.describe(
                threads, String.join(" ", command.getParseResult().originalArgs()));
        Contest.Settings settings =
                new Contest.Settings(shots, seeds, epochs, maxSteps, batch, scale, clusteringRate, linearRate);
        ExecutorService workers = workers("measurement", threads);
        try {
            for (String name : lms) {
                CausalLm lm = languageModel(name, screen);
                SemanticBases bases = SemanticBases.fromHead(lm.head());
                for (Task task : chosen) {
                    Contest contest = contest(lm, bases, task, settings);
                    measure(contest, lm.name() + " " + task.name(), workers);
                    write(environment, chosen);
                }
            }
        } finally {
            workers.shutdownNow();
        }
        screen.println("Tables: " + out + ", measurements: " + csv);
        screen.flush();
        return 0;
    }

    private CommandLine check() {
        CommandLine command = command();
        List<String> names = Task.ALL.stream().map(Task::name).toList();
        require(command, names.containsAll(tasks) && !tasks.isEmpty(), "--tasks", "some of " + names, tasks);
        List<String> models = List.of(LSTM, STORIES);
        require(command, models.containsAll(lms) && !lms.isEmpty(), "--lms", "some of " + models, lms);
        require(command, !shots.isEmpty() && shots.stream().allMatch(n -> n >= 0), "--shots", "0 or more", shots);
        require(command, maxTrain >= 0, "--max-train", "0 or more", maxTrain);
        require(command, heldOut >= 0, "--held-out", "0 or more", heldOut);
        require(command, maxTest >= 0, "--max-test", "0 or more", maxTest);
        requirePositive("--seeds", seeds);
        requirePositive("--epochs", epochs);
        requirePositive("--max-steps", maxSteps);
        requirePositive("--batch", batch);
        requirePositive("--max-tokens", maxTokens);
        requirePositive("--threads", threads);
        require(command, scale > 0, "--scale", "more than 0", scale);
        require(command, clusteringRate > 0, "--clustering-rate", "more than 0", clusteringRate);
        require(command, linearRate > 0, "--linear-rate", "more than 0", linearRate);
        return command;
    }

    private CausalLm languageModel(String name, PrintWriter screen) throws IOException {
        if (name.equals(STORIES)) {
            Path folder = data.resolve(STORIES);
            notes.put(
                    STORIES,
                    "A pretrained Llama of 260 032 parameters for children's stories: d = 64, 5 layers, 512 tokens (byte-pair"
                            + " encoding), so most words are several tokens.");
            return LlamaLm.read(STORIES, folder.resolve("stories260K.bin"), folder.resolve("tok512.bin"));
        }
        Recipe recipe = Recipe.STANDARD;
        Path squad = data.resolve("squad11");
        Pretraining pretraining = new Pretraining(
                recipe, squad.resolve("train_contexts.txt.gz"), squad.resolve("dev_contexts.txt.gz"), cache);
        LstmLm lm;
        try (ProgressBar bar = bar("pretraining", recipe.steps())) {
            lm = pretraining.model(progress -> {
                bar.stepTo(progress.step());
                bar.setExtraMessage(String.format(Locale.ROOT, "loss %.3f", progress.loss()));
            });
        }
        List<String> curve = Files.readAllLines(pretraining.folder().resolve("curve.csv"));
        notes.put(
                lm.name(),
                String.format(
                        Locale.ROOT,
                        "An LSTM of %,d parameters, trained on SQuAD's passages by a checked-in recipe (`Recipe.STANDARD`): %s."
                                + " Perplexity on passages of other articles, %s:%n%n%s",
                        lm.network().numParams(),
                        recipe,
                        "by training step",
                        perplexities(curve)));
        screen.println(lm.name() + ": " + pretraining.folder());
        screen.flush();
        return lm;
    }

    private static String perplexities(List<String> curve) {
        return curve.stream()
                .skip(1)
                .map(row -> row.split(",", -1))
                .filter(row -> !row[2].isEmpty())
                .map(row -> row[2] + " (" + row[0] + ")")
                .collect(Collectors.joining(", ", "", "."));
    }

    private Contest contest(CausalLm lm, SemanticBases bases, Task task, Contest.Settings settings)
            throws IOException, CorpusException {
        Path train = data.resolve(task.train());
        Path test = data.resolve(task.test());
        StatesCache states = new StatesCache(cache.resolve("states"), maxTokens);
        int texts = StatesCache.texts(train, maxTrain).size()
                + StatesCache.texts(test, maxTest).size();
        LabelWords words = task.labelWords(lm);
        labelTokens.put(
                lm.name() + ", " + task.name(),
                IntStream.range(0, words.size())
                        .mapToObj(c -> Arrays.toString(words.tokenIds(c)))
                        .collect(Collectors.joining(" ")));
        try (ProgressBar bar = bar(lm.name() + " states " + task.name(), texts)) {
            IntConsumer progress = bar::stepBy;
            States trained = states.of(lm, task, train, maxTrain, progress);
            if (heldOut == 0) {
                return new Contest(lm, bases, task, trained, states.of(lm, task, test, maxTest, progress), settings);
            }
            int kept = trained.size() - heldOut;
            return new Contest(lm, bases, task, trained.rows(0, kept), trained.rows(kept, trained.size()), settings);
        }
    }

    private void measure(Contest contest, String title, ExecutorService workers) throws InterruptedException {
        List<Callable<Outcome>> measurements = contest.measurements();
        CompletionService<Integer> completion = new ExecutorCompletionService<>(workers);
        Outcome[] found = new Outcome[measurements.size()];
        AtomicInteger next = new AtomicInteger();
        measurements.forEach(measurement -> {
            int place = next.getAndIncrement();
            completion.submit(() -> {
                found[place] = measurement.call();
                return place;
            });
        });
        try (ProgressBar bar = bar(title, measurements.size())) {
            for (int i = 0; i < found.length; i++) {
                completion.take().get();
                bar.step();
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException(title + ": measurement failed: " + e.getCause(), e.getCause());
        }
        outcomes.addAll(Arrays.asList(found)); // in their order, not in that of the threads
    }

    private void write(Map<String, String> environment, List<Task> chosen) throws IOException {
        for (Path file : List.of(out, csv)) {
            Files.createDirectories(file.toAbsolutePath().getParent());
        }
        ResultTables results = new ResultTables(outcomes);
        results.writeCsv(csv);
        Files.writeString(out, Report.page(environment, settings(), chosen, notes, labelTokens, results));
    }

    private String settings() {
        return String.format(
                        Locale.ROOT,
                        "Seeds 1 to %d. A text's first %d tokens count. Measured on %s; training texts: %s."
                                + " Training: Adam, minibatches of %d, %d epochs but no more than %d updates, learning rate %s"
                                + " (clustering) and %s (linear head), s = %s. %s",
                        seeds,
                        maxTokens,
                        heldOut > 0
                                ? "the last " + heldOut + " training texts, left out of training"
                                : maxTest == 0 ? "all test texts" : "the first " + maxTest + " test texts of each task",
                        maxTrain == 0 ? "all" : "the first " + maxTrain,
                        batch,
                        epochs,
                        maxSteps,
                        clusteringRate,
                        linearRate,
                        scale,
                        note())
                .strip();
    }
}
