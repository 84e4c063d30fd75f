/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.quickstart.Results.State;
import io.latent4j.it.quickstart.corpus.CodeCorpus;
import io.latent4j.it.quickstart.corpus.CodeCorpus.Method;
import io.latent4j.it.quickstart.corpus.Corpus;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Follows an experiment: shows its progress and keeps the report up to date, so that the report is there, and says that
 * it is partial, whenever and however the program ends.
 */
final class Session implements Experiment.Observer, AutoCloseable {
    private static final Duration BETWEEN_REPORTS = Duration.ofSeconds(20);
    private static final int TERMINAL_REFRESH_MS = 500;
    /** Without a terminal each refresh is a line in somebody's log. */
    private static final int LOG_REFRESH_MS = 20_000;

    private final Corpus corpus;
    private final CodeCorpus code;
    private final Plan plan;
    private final Map<String, String> environment;
    private final Report report;
    private final PrintWriter screen;
    private final long start;
    private final Thread hook = new Thread(this::interrupted, "partial-report");
    private final List<Run> runs = new ArrayList<>();
    private final List<Run> candidates = new ArrayList<>();
    private Optional<Semantics> semantics = Optional.empty();
    private Optional<CodeSearch> search = Optional.empty();
    private Results.Size size = new Results.Size(0, 0, 0);
    private State state = State.RUNNING;
    private long written;
    private @Nullable ProgressBar bar;

    Session(
            Corpus corpus,
            CodeCorpus code,
            Plan plan,
            Map<String, String> environment,
            Report report,
            PrintWriter screen,
            long startNanos) {
        this.corpus = corpus;
        this.code = code;
        this.plan = plan;
        this.environment = environment;
        this.report = report;
        this.screen = screen;
        this.start = startNanos;
        Runtime.getRuntime().addShutdownHook(hook);
    }

    @Override
    public synchronized void sized(int texts, int epochs, int testTexts) {
        size = new Results.Size(texts, epochs, testTexts);
        screen.printf(
                "Training %d networks with %d texts each, in %d epochs, and a language model%s; report: %s%n",
                plan.networks(),
                texts,
                epochs,
                plan.code() ? ", and three models that retrieve code" : "",
                report.page().toAbsolutePath());
        screen.flush();
        bar = new ProgressBarBuilder()
                .setTaskName("training")
                .setUnit(" texts", 1)
                .setInitialMax((long) texts * plan.work())
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(terminal() ? TERMINAL_REFRESH_MS : LOG_REFRESH_MS)
                .build();
        write();
    }

    @Override
    public synchronized void progress(int texts) {
        if (bar != null) {
            bar.stepBy(texts);
        }
    }

    @Override
    public synchronized void finished(Run run) {
        runs.add(run);
        changed();
    }

    @Override
    public synchronized void searched(Run candidate) {
        candidates.add(candidate);
        changed();
    }

    @Override
    public synchronized void understood(Optional<Semantics> semantics) {
        this.semantics = semantics;
        changed();
    }

    @Override
    public synchronized void retrieved(CodeSearch search, CodeModel model) {
        this.search = Optional.of(search);
        List<Method> methods = new ArrayList<>(code.train());
        methods.addAll(code.test());
        try {
            report.save(model, methods);
        } catch (IOException e) {
            throw new UncheckedIOException("model can't be saved: " + e, e);
        }
        changed();
    }

    /** Writes the final report and says where it is and what it found. */
    synchronized void complete() {
        state = State.COMPLETE;
        closeBar();
        write();
        screen.println();
        Findings.of(results()).forEach(finding -> screen.println("* " + finding));
        screen.println();
        screen.println("Report: " + report.page().toAbsolutePath());
        if (search.isPresent()) {
            screen.println("Ask the model that retrieves code: mvn -Pquickstart verify -Dquickstart.args=\"ask\"");
        }
        screen.flush();
    }

    /** If the experiment isn't complete it has failed, and its report is as partial as after Ctrl-C. */
    @Override
    public void close() {
        interrupted();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            return; // the virtual machine is ending, which is what the hook was for
        }
    }

    private synchronized void interrupted() {
        if (state == State.RUNNING) {
            state = State.INTERRUPTED;
            closeBar();
            write();
            screen.println();
            screen.printf(
                    "Stopped after %d of %d networks; partial report: %s%n",
                    results().networksDone(), plan.networks(), report.page().toAbsolutePath());
            screen.flush();
        }
    }

    private void changed() {
        if (bar != null) {
            bar.setExtraMessage(results().networksDone() + " of " + plan.networks() + " networks");
        }
        if (state == State.RUNNING && System.nanoTime() - written > BETWEEN_REPORTS.toNanos()) {
            write();
        }
    }

    /** From JDK 22 on the answer is the same with {@code -Djdk.console=java.base}, which the build sets. */
    @SuppressWarnings("SystemConsoleNull")
    private static boolean terminal() {
        return System.console() != null;
    }

    private void closeBar() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }

    private void write() {
        try {
            report.write(results());
            written = System.nanoTime();
        } catch (IOException e) {
            throw new UncheckedIOException("report can't be written: " + e, e);
        }
    }

    private Results results() {
        return new Results(
                corpus,
                plan,
                environment,
                size,
                List.copyOf(runs),
                List.copyOf(candidates),
                semantics,
                search,
                state,
                Duration.ofNanos(System.nanoTime() - start));
    }
}
