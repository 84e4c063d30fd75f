/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Runs the benchmarks of this package and sets each beside its yardstick.
 *
 * <p>Arguments: the CSV file to write, and a regular expression that chooses among the benchmarks. On a machine that
 * does other work as well the fastest sample is the one to trust, the median shows how much else went on.
 */
public final class Benchmarks {

    /**
     * What is set beside what.
     *
     * @param target the highest ratio aimed at, NaN if none
     * @param targetFor the parameters the target holds for
     */
    private record Pair(String label, String measured, String yardstick, double target, String targetFor) {
        Pair(String label, String measured, String yardstick) {
            this(label, measured, yardstick, Double.NaN, "");
        }

        String target(String parameters) {
            return !Double.isNaN(target) && parameters.equals(targetFor) ? String.valueOf(target) : "";
        }
    }

    private static final List<Pair> PAIRS = List.of(
            // 80 % of the time explained by the products
            new Pair(
                    "IsoScore* value and gradient / two GEMMs",
                    "IsoScoreStarBenchmark.valueAndGradient",
                    "IsoScoreStarBenchmark.twoGemms",
                    1.25,
                    "24576x768"),
            new Pair("IsoScore* value / two GEMMs", "IsoScoreStarBenchmark.value", "IsoScoreStarBenchmark.twoGemms"),
            new Pair(
                    "Training step, union vertex / plain graph",
                    "TrainingStepBenchmark.graphPenalised",
                    "TrainingStepBenchmark.graphPlain",
                    1.15,
                    ""),
            new Pair(
                    "Training step, four layers / plain network",
                    "TrainingStepBenchmark.networkPenalised",
                    "TrainingStepBenchmark.networkPlain",
                    1.15,
                    ""),
            new Pair(
                    "Streaming covariance / its GEMMs",
                    "ShrinkageCovarianceBenchmark.stream",
                    "ShrinkageCovarianceBenchmark.gemms"),
            new Pair(
                    "Semantic bases 768x50257 / two DOUBLE GEMMs",
                    "SemanticBasesBenchmark.allBases",
                    "SemanticBasesBenchmark.twoProducts"),
            new Pair(
                    "Semantic logits, frozen bases / RnnOutputLayer",
                    "SemanticLogitsBenchmark.frozenBases",
                    "SemanticLogitsBenchmark.plainHead",
                    1,
                    ""),
            new Pair(
                    "Semantic logits, trained bases / RnnOutputLayer",
                    "SemanticLogitsBenchmark.trainedBases",
                    "SemanticLogitsBenchmark.plainHead",
                    1.3,
                    ""),
            new Pair(
                    "Next-sequence contrast, loss and gradients / three GEMMs",
                    "NextSequenceContrastBenchmark.contrast",
                    "NextSequenceContrastBenchmark.products",
                    1.3,
                    "4096x8192"));

    private record Timing(double fastest, double median, long samples) {
        /** So few samples, or so far apart, that the machine must have done other work. */
        boolean disturbed() {
            return samples < 5 || median > 1.5 * fastest;
        }
    }

    private Benchmarks() {}

    /**
     * Runs the benchmarks.
     *
     * @param args CSV file, regular expression
     * @throws RunnerException if a benchmark fails
     * @throws IOException if the file can't be written
     */
    public static void main(String[] args) throws RunnerException, IOException {
        if (args.length != 2) {
            throw new IllegalArgumentException(
                    "expected <csv file> <regular expression>, found " + args.length + " arguments");
        }
        Path csv = Path.of(args[0]).toAbsolutePath();
        Path log = csv.resolveSibling("benchmarks.log");
        Files.createDirectories(csv.getParent());
        System.out.println("Running, JMH writes to " + log);
        Collection<RunResult> results = new Runner(new OptionsBuilder()
                        .include(args[1])
                        .output(log.toString())
                        .shouldFailOnError(true)
                        .build())
                .run();
        report(timings(results), csv, System.out);
    }

    /** Milliseconds by benchmark (Class.method) and parameters. */
    private static Map<String, Map<String, Timing>> timings(Collection<RunResult> results) {
        Map<String, Map<String, Timing>> timings = new TreeMap<>();
        for (RunResult result : results) {
            String[] path = result.getParams().getBenchmark().split("\\.");
            String name = path[path.length - 2] + "." + path[path.length - 1];
            List<String> values = new ArrayList<>();
            for (String key : result.getParams().getParamsKeys()) {
                values.add(result.getParams().getParam(key));
            }
            var statistics = result.getPrimaryResult().getStatistics();
            timings.computeIfAbsent(name, k -> new TreeMap<>())
                    .put(
                            String.join(" ", values),
                            new Timing(statistics.getMin(), statistics.getPercentile(50), statistics.getN()));
        }
        return timings;
    }

    private static void report(Map<String, Map<String, Timing>> timings, Path csv, PrintStream out) throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add("comparison,parameters,ms,yardstick_ms,ratio,median_ratio,target,disturbed");
        out.printf("%-48s %-12s %10s %12s %7s %7s%n", "", "", "ms", "yardstick ms", "ratio", "at most");
        for (Pair pair : PAIRS) {
            Map<String, Timing> yardsticks = timings.getOrDefault(pair.yardstick(), Map.of());
            timings.getOrDefault(pair.measured(), Map.of()).forEach((parameters, measured) -> {
                Timing yardstick = yardsticks.get(parameters);
                if (yardstick == null) {
                    return;
                }
                double ratio = measured.fastest() / yardstick.fastest();
                String target = pair.target(parameters);
                boolean disturbed = measured.disturbed() || yardstick.disturbed();
                out.printf(
                        Locale.ROOT,
                        "%-48s %-12s %10.2f %12.2f %7.2f %7s %s%n",
                        pair.label(),
                        parameters,
                        measured.fastest(),
                        yardstick.fastest(),
                        ratio,
                        target,
                        disturbed ? "disturbed: repeat on an idle machine" : "");
                lines.add(String.format(
                        Locale.ROOT,
                        "%s,%s,%.4f,%.4f,%.4f,%.4f,%s,%s",
                        pair.label(),
                        parameters,
                        measured.fastest(),
                        yardstick.fastest(),
                        ratio,
                        measured.median() / yardstick.median(),
                        target,
                        disturbed));
            });
        }
        Files.write(csv, lines);
        out.println("written to " + csv);
    }
}
