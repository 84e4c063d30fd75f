/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import static io.latent4j.it.Arguments.require;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * What the experiments' command lines share.
 *
 * <p>Exit codes: 0 the tables are complete, 1 something failed, 2 the arguments are wrong.
 */
abstract class ExperimentCommand implements Callable<Integer> {
    private static final int REFRESH_MS = 10_000;

    // Behind the options of the experiments themselves
    @Option(
            names = "--note",
            order = 1,
            paramLabel = "TEXT",
            defaultValue = "",
            description = "A sentence for the page, such as what else ran on the machine.")
    private String note = "";

    @Option(names = "--stacktrace", order = 2, description = "Show where a failure came from.")
    private boolean stackTrace;

    @Spec
    private @Nullable CommandSpec spec;

    /** The command, ready to execute. */
    static CommandLine commandLine(ExperimentCommand experiment) {
        return new CommandLine(experiment).setExecutionExceptionHandler((problem, command, parsed) -> {
            if (experiment.stackTrace) {
                problem.printStackTrace(command.getErr());
            }
            command.getErr().println(command.getCommandName() + ": " + problem.getMessage());
            command.getErr().flush();
            return 1;
        });
    }

    final CommandLine command() {
        if (spec == null) {
            throw new IllegalStateException("spec: expected to be set by picocli, found null");
        }
        return spec.commandLine();
    }

    final String note() {
        return note;
    }

    final void requirePositive(String option, int value) {
        require(command(), value > 0, option, "1 or more", value);
    }

    /** Threads that don't keep the program from ending. */
    static ExecutorService workers(String name, int threads) {
        return Executors.newFixedThreadPool(threads, task -> {
            Thread worker = new Thread(task, name);
            worker.setDaemon(true);
            return worker;
        });
    }

    static ProgressBar bar(String title, long steps) {
        return new ProgressBarBuilder()
                .setTaskName(title)
                .setInitialMax(steps)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(REFRESH_MS)
                .build();
    }
}
