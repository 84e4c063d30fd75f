/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.it.quickstart.Environment;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** A command line that measures and writes a page about it. */
abstract class PageCommand implements Callable<Integer> {
    @Option(
            names = "--out",
            paramLabel = "DIR",
            required = true,
            description = "Where the page, its CSV file and its plots go.")
    private Path out = Path.of("");

    @Option(
            names = "--note",
            paramLabel = "TEXT",
            defaultValue = "",
            description = "A sentence for the page, such as what else ran on the machine.")
    private String note = "";

    final Path out() {
        return out;
    }

    /** Runs the command line and ends the JVM with its exit code. */
    static void run(PageCommand command, String[] args) {
        System.exit(new CommandLine(command).setOverwrittenOptionsAllowed(true).execute(args));
    }

    /** The machine, the versions and the note. */
    final Map<String, String> environment() {
        Map<String, String> environment = Environment.describe(1, "");
        environment.remove("Networks trained at a time");
        environment.remove("Arguments");
        environment.put(
                "Our threads",
                System.getenv().getOrDefault("OPENBLAS_NUM_THREADS", "all") + " for matrix products, "
                        + System.getenv().getOrDefault("OMP_NUM_THREADS", "all") + " for ND4J's other operations");
        if (!note.isEmpty()) {
            environment.put("Note", note);
        }
        return environment;
    }

    /** One line of a list per entry. */
    static String list(Map<String, String> environment) {
        StringBuilder list = new StringBuilder();
        environment.forEach((name, value) ->
                list.append("- ").append(name).append(": ").append(value).append('\n'));
        return list.toString();
    }

    static ProgressBar progress(String task, int steps) {
        return new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(steps)
                .setStyle(ProgressBarStyle.ASCII)
                .build();
    }
}
