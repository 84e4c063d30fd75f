/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Whole processes, start-up included: a program that takes one IsoScore*, beside a Python program that imports PyTorch
 * and does the same; the quickstart's help, and ({@link QuickstartBenchmark}) the quickstart with the least work it can be
 * given.
 * {@code bash integration-tests/bench/run --only StartUp}
 */
@Warmup(iterations = 0)
@Measurement(iterations = 3)
public class StartUpBenchmark extends PeerBenchmark {
    static final String FIRST_SCORE = "first IsoScore*";
    static final String HELP = "quickstart --help";
    static final String LEAST = "quickstart, 200 texts";

    /** Which process. */
    @Param(FIRST_SCORE)
    public String size = "";

    private final List<String> command = new ArrayList<>();
    private Path out = Path.of("");

    @Override
    void prepare() throws IOException {
        out = Files.createTempDirectory("latent4j-quickstart");
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx3g",
                "-Dlatent4j.corpus=" + System.getProperty("latent4j.corpus", "integration-tests/target/corpus"),
                "-cp",
                System.getProperty("java.class.path")));
        String quickstart = "io.latent4j.it.quickstart.Quickstart";
        switch (size) {
            case FIRST_SCORE -> {
                command.add(FirstScore.class.getName());
                peerCase("processes.first_score", Map.of());
            }
            case HELP -> command.addAll(List.of(quickstart, "--help"));
            case LEAST ->
                command.addAll(List.of(
                        quickstart,
                        "--examples",
                        "200",
                        "--lambdas",
                        "1",
                        "--candidates",
                        "0",
                        "--out",
                        out.toString()));
            default -> throw new IllegalArgumentException("size: no such process: " + size);
        }
    }

    @Override
    double call() {
        File log = out.resolve("log").toFile();
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log);
            if (size.equals(LEAST)) {
                // As its Maven profile has it: one thread for everything
                builder.environment().keySet().removeAll(List.of("ND4J_SKIP_BLAS_THREADS", "OPENBLAS_NUM_THREADS"));
                builder.environment().put("OMP_NUM_THREADS", "1");
            }
            int code = builder.start().waitFor();
            if (code != 0) {
                throw new IllegalStateException(size + " ended with " + code + ":\n" + Files.readString(log.toPath()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(size + " was interrupted", e);
        }
        return Double.NaN;
    }
}
