/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import me.tongfei.progressbar.ProgressBar;
import org.apache.commons.io.FileUtils;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The command line: our kernels, layers and indexes beside PyTorch's, in turns, as table, CSV, page and plots.
 *
 * <p>Exit codes: 0 everything was measured, 1 something failed or two sides computed different things (the other
 * cases are measured all the same), 2 the arguments are wrong. Whether targets are met doesn't matter here.
 */
@Command(
        name = "benchmarks",
        description = {
            "Measures Latent4J beside PyTorch, taking turns in one run.",
            "Measurements that the folder's benchmarks.csv holds already stay, those of the same sizes are replaced."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class Benchmarks extends PageCommand {
    private static final DateTimeFormatter MINUTE = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm");

    @Option(
            names = "--peer",
            paramLabel = "DIR",
            defaultValue = "${sys:" + Peer.DIRECTORY + ":-integration-tests/bench}",
            description = "The folder of peer.py (default: ${DEFAULT-VALUE}).")
    private Path peer = Path.of("");

    @Option(
            names = "--only",
            paramLabel = "REGEX",
            defaultValue = ".*",
            description = "Cases to measure, by their classes' names without \"Benchmark\" (default: all).")
    private Pattern only = Pattern.compile(".*");

    @Option(
            names = "--size",
            paramLabel = "REGEX",
            defaultValue = ".*",
            description = "Sizes to measure (default: all).")
    private Pattern size = Pattern.compile(".*");

    @Option(
            names = "--iterations",
            paramLabel = "N",
            description = "Turns per size, at most what the benchmark takes by itself (default: those).")
    private int iterations = Integer.MAX_VALUE;

    @Option(names = "--smoke", description = "Try the harness: one small size of each case, once or twice.")
    private boolean smoke;

    /**
     * Runs the command line and ends the JVM with its exit code.
     *
     * @param args options, see {@code --help}
     */
    public static void main(String[] args) {
        run(new Benchmarks(), args);
    }

    @Override
    public Integer call() throws IOException {
        Files.createDirectories(out());
        List<Case> cases =
                Case.ALL.stream().filter(c -> only.matcher(c.name()).find()).toList();
        int total = cases.stream().mapToInt(c -> sizes(c).size()).sum();
        Map<String, String> environment = environment();
        try (Peer once = new Peer(peer)) {
            environment.put("Peer", once.version());
        }
        Path csv = out().resolve("benchmarks.csv");
        if (smoke) {
            Files.deleteIfExists(csv);
        }
        Measurements measurements = Measurements.read(csv);
        Path log = Files.createTempFile("latent4j-jmh", ".log");
        Path scratch = Files.createTempDirectory("latent4j-scratch");
        List<String> failed = new ArrayList<>();
        try (ProgressBar bar = progress("benchmarks", total)) {
            for (Case one : cases) {
                for (String value : sizes(one)) {
                    bar.setExtraMessage(one.name() + " " + value);
                    try {
                        measure(measurements, one, value, log, scratch);
                    } catch (RunnerException e) {
                        failed.add(one.name() + " " + value);
                        System.err.println(System.lineSeparator() + one.name() + " " + value + " failed:\n"
                                + Files.readString(log));
                    }
                    measurements.write(csv);
                    bar.step();
                }
            }
        } finally {
            FileUtils.deleteDirectory(scratch.toFile());
        }
        System.out.print(new BenchmarkReport(results(measurements, cases), environment).text());
        new BenchmarkReport(results(measurements, smoke ? cases : Case.ALL), environment).write(out());
        System.out.println("written to " + out().resolve("benchmarks.md"));
        if (!failed.isEmpty()) {
            System.err.println("failed: " + String.join(", ", failed));
            return 1;
        }
        return 0;
    }

    private Map<Case, List<Comparison>> results(Measurements measurements, List<Case> cases) {
        Map<Case, List<Comparison>> results = new LinkedHashMap<>();
        for (Case one : cases) {
            List<Comparison> found = measurements.of(one, smoke ? sizes(one) : one.sizes());
            if (!found.isEmpty()) {
                results.put(one, found);
            }
        }
        return results;
    }

    private List<String> sizes(Case one) {
        return smoke
                ? List.of(one.smoke())
                : one.sizes().stream().filter(s -> size.matcher(s).find()).toList();
    }

    private void measure(Measurements measurements, Case one, String value, Path log, Path scratch)
            throws IOException, RunnerException {
        String started = LocalDateTime.now(ZoneId.systemDefault()).format(MINUTE);
        Path record = Files.createTempFile("latent4j-bench", ".tsv");
        try {
            ChainedOptionsBuilder options = new OptionsBuilder()
                    .include("\\." + one.benchmark().getSimpleName() + "\\.")
                    .param("size", value)
                    .output(log.toString())
                    .shouldFailOnError(true)
                    .jvmArgsAppend(
                            "-D" + Peer.DIRECTORY + "=" + peer.toAbsolutePath(),
                            "-D" + PeerBenchmark.RECORD + "=" + record,
                            "-D" + PeerBenchmark.SCRATCH + "=" + scratch,
                            "-D" + PeerBenchmark.SMOKE + "=" + smoke);
            if (smoke) {
                options.warmupIterations(1).measurementIterations(2);
            } else {
                int own = one.benchmark().getAnnotation(Measurement.class).iterations();
                options.measurementIterations(Math.max(1, Math.min(iterations, own)));
            }
            RunResult result = new Runner(options.build()).runSingle();
            List<Double> ours = new ArrayList<>();
            for (BenchmarkResult fork : result.getBenchmarkResults()) {
                for (IterationResult iteration : fork.getIterationResults()) {
                    ours.add(iteration.getPrimaryResult().getScore());
                }
            }
            measurements.put(one, value, started, ours, record);
        } finally {
            Files.delete(record);
        }
    }
}
