/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import static io.latent4j.it.Arguments.require;

import io.latent4j.it.quickstart.corpus.CodeCorpus;
import io.latent4j.it.quickstart.corpus.Corpus;
import io.latent4j.it.quickstart.corpus.CorpusException;
import io.latent4j.it.quickstart.corpus.JavadocCorpus;
import io.latent4j.it.quickstart.corpus.LabelledFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/**
 * The command line: reads real text, trains the same classifier without and with I-STAR, a small language model whose
 * states are read through its vocabulary, and one that retrieves code while it writes, and writes a report folder.
 *
 * <p>Exit codes: 0 the report is complete, 1 the input can't be used or something failed, 2 the arguments are wrong.
 */
@Command(
        name = "quickstart",
        description =
                "Trains a text classifier without and with I-STAR, a language model whose states are read through its"
                        + " vocabulary, and a model that retrieves code while it writes, on real text, and reports what"
                        + " came out.",
        versionProvider = Quickstart.Version.class,
        mixinStandardHelpOptions = true,
        subcommands = Ask.class,
        sortOptions = false)
public final class Quickstart implements Callable<Integer> {
    /** The report's folder where none is given. */
    static final String OUT = "quickstart-report";

    private static final int FAILED = 1;
    private static final double MAX_MINUTES = 24 * 60;

    @Option(
            names = "--minutes",
            paramLabel = "M",
            defaultValue = "5",
            description =
                    "Time to fill, reading and reporting included (default: ${DEFAULT-VALUE}). More time means more"
                            + " training per network.")
    private double minutes;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "First of three consecutive random seeds (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--data",
            paramLabel = "FILE",
            description =
                    "Your own texts: UTF-8, one label and one text per line, .csv with commas, any other name with"
                            + " tabs. Without it: Javadoc of well-known libraries, which the build has downloaded.")
    private @Nullable Path data;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            defaultValue = OUT,
            description = "Where the report goes (default: ${DEFAULT-VALUE} in the current directory).")
    private Path out = Path.of("");

    @Option(
            names = "--lambdas",
            paramLabel = "L",
            split = ",",
            defaultValue = "-3,-1,1,3",
            description = "Weights of the I-STAR penalty to try (default: ${DEFAULT-VALUE}); 0 is always tried too.")
    private List<Double> lambdas = List.of();

    @Option(
            names = "--candidates",
            paramLabel = "N",
            defaultValue = "6",
            description = "Size of the random search (default: ${DEFAULT-VALUE}); 0 leaves it out.")
    private int candidates;

    @Option(
            names = "--examples",
            paramLabel = "N",
            defaultValue = "0",
            description = "Train each network with N texts, counted over all epochs, however long that takes; repeats"
                    + " an earlier report exactly. Default: what fits the minutes.")
    private int examples;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Networks to train at a time (default: one per processor, at most 4).")
    private int threads = Math.min(4, Runtime.getRuntime().availableProcessors());

    @Option(
            names = "--corpus",
            paramLabel = "DIR",
            defaultValue = "${sys:latent4j.corpus:-target/corpus}",
            description = "Where the build put the libraries' sources archives (default: ${DEFAULT-VALUE}).")
    private Path corpusFolder = Path.of("");

    @Option(names = "--stacktrace", description = "Show where a failure came from.")
    private boolean stackTrace;

    @Spec
    private @Nullable CommandSpec spec;

    private final long start = System.nanoTime();

    private Quickstart() {}

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
        System.setProperty("java.awt.headless", "true");
        return new CommandLine(new Quickstart())
                .setParameterExceptionHandler(Quickstart::badArguments)
                .setExecutionExceptionHandler(Quickstart::failed);
    }

    @Override
    public Integer call() throws CorpusException, IOException, InterruptedException {
        CommandLine command = check();
        PrintWriter screen = command.getOut();
        Report report = report();
        screen.println("Reading " + (data == null ? "Javadoc in " + corpusFolder : data.toString()) + " ...");
        screen.flush();
        CodeCorpus.Builder methods = new CodeCorpus.Builder();
        Corpus corpus = data == null
                ? JavadocCorpus.read(corpusFolder, JavadocCorpus.TOPICS, methods)
                : LabelledFile.read(data);
        CodeCorpus code = methods.build();
        print(corpus, code, screen);

        Plan plan = Plan.of(lambdas, seed, candidates, !code.isEmpty());
        String arguments = String.join(" ", command.getParseResult().originalArgs());
        try (Session session =
                new Session(corpus, code, plan, Environment.describe(threads, arguments), report, screen, start)) {
            long deadline = start + (long) (minutes * 60e9);
            new Experiment(corpus, code, plan, threads, seed, session).run(deadline, examples);
            session.complete();
        }
        return 0;
    }

    private CommandLine check() {
        if (spec == null) {
            throw new IllegalStateException("spec: expected to be set by picocli, found null");
        }
        CommandLine command = spec.commandLine();
        require(command, minutes > 0 && minutes <= MAX_MINUTES, "--minutes", "a number in (0, 1440]", minutes);
        require(command, candidates >= 0, "--candidates", "0 or more", candidates);
        require(command, examples >= 0, "--examples", "0 or more", examples);
        require(command, threads > 0, "--threads", "1 or more", threads);
        for (double lambda : lambdas) {
            require(command, Double.isFinite(lambda), "--lambdas", "finite numbers", lambda);
        }
        return command;
    }

    private Report report() throws IOException {
        try {
            return new Report(out);
        } catch (IOException e) {
            throw new IOException("--out: can't create the folder " + out + ": " + e, e);
        }
    }

    private void print(Corpus corpus, CodeCorpus code, PrintWriter screen) {
        screen.printf("%-36s %-18s %6s %9s %9s%n", "source", "class", "files", "texts", "words");
        for (Corpus.Source source : corpus.sources()) {
            screen.printf(
                    "%-36s %-18s %6d %9d %9d%n",
                    source.name(),
                    source.label().isEmpty() ? corpus.labels().size() + " classes" : source.label(),
                    source.files(),
                    source.sentences(),
                    source.words());
        }
        screen.printf(
                "%d classes; %d texts for training, %d for validation, %d for the test (%d s)%n",
                corpus.labels().size(),
                corpus.train().size(),
                corpus.validation().size(),
                corpus.test().size(),
                Duration.ofNanos(System.nanoTime() - start).toSeconds());
        if (!code.isEmpty()) {
            screen.printf(
                    "%d documented methods to learn from, %d to search for%n",
                    code.train().size(), code.test().size());
        }
        screen.flush();
    }

    private static int badArguments(ParameterException problem, String[] arguments) {
        CommandLine command = problem.getCommandLine();
        command.getErr().println("quickstart: " + oneLine(problem.getMessage()) + " (--help lists the options)");
        command.getErr().flush();
        return command.getCommandSpec().exitCodeOnInvalidInput();
    }

    private static int failed(Exception problem, CommandLine command, ParseResult parsed) {
        Quickstart quickstart = (Quickstart) command.getCommandSpec().root().userObject();
        if (quickstart.stackTrace) {
            problem.printStackTrace(command.getErr());
        }
        String message = problem.getMessage();
        command.getErr().println("quickstart: " + oneLine(message == null ? problem.toString() : message));
        command.getErr().flush();
        return FAILED;
    }

    private static String oneLine(String message) {
        return message.lines().findFirst().orElse("");
    }

    /** What {@code --version} prints. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            var build = Environment.build();
            return new String[] {
                "Latent4J quickstart " + build.getProperty("version"), "Deeplearning4j " + build.getProperty("dl4j")
            };
        }
    }
}
