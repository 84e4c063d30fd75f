/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.runner.IterationType;

/**
 * A benchmark that takes turns with its peers: after each iteration of ours, which JMH times, every other arm of the
 * case (PyTorch's in {@link Peer}, and our own yardsticks) runs as many calls, and so do the machine's own matrix
 * product and copy. Ratios are taken iteration by iteration, so that what else the machine does falls on both sides.
 *
 * <p>A subclass has one {@code @Param String size} and says what a call is; {@link Benchmarks} runs it.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
        value = 1,
        jvmArgs = {
            "-Xmx3g",
            "-Dorg.bytedeco.javacpp.maxbytes=16g",
            "-Dorg.bytedeco.javacpp.maxphysicalbytes=20g",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        })
@Warmup(iterations = 1)
@Measurement(iterations = 9)
public abstract class PeerBenchmark {
    /** Where what is measured beside JMH goes. */
    static final String RECORD = "latent4j.bench.record";

    /** Whether only the harness is tried: each thing once or twice. */
    static final String SMOKE = "latent4j.bench.smoke";

    /** A folder that the sizes of a case share: what takes long to make and is measured several times. */
    static final String SCRATCH = "latent4j.bench.scratch";

    /** The machine's own rates, measured by the peer; a float product of 2048 cubed, a copy of 256 MB. */
    static final String GEMM = "machine gemm";

    static final String COPY = "machine copy";
    static final double GEMM_FLOPS = 2.0 * 2048 * 2048 * 2048;
    static final double COPY_BYTES = 2.0 * (256 << 20);

    /** A longer call isn't repeated untimed after each pause; bench/peer.py holds the same. */
    private static final double WARM_MS = 3_000;

    /** A call this long needs no warming up. */
    private static final double SLOW_MS = 10_000;

    private static final WorkspaceConfiguration WORKSPACE = WorkspaceConfiguration.builder()
            .policyLearning(LearningPolicy.FIRST_LOOP)
            .build();

    private final Map<String, DoubleSupplier> yardsticks = new LinkedHashMap<>();
    private final Map<String, Integer> limits = new LinkedHashMap<>();
    private final Map<String, Integer> measured = new LinkedHashMap<>();
    private List<String> arms = List.of();
    private Peer peer;
    private Path record = Path.of("");
    private boolean smoke;
    private int repeats = 1;
    private double callMs;
    private double check;

    /** Makes the data and the peer's case. */
    abstract void prepare() throws Exception;

    /** One call; what it returns is compared with what the peers return. */
    abstract double call();

    /** Necessary floating point operations of a call, those of a symmetric product counted once; 0: not told. */
    double flops() {
        return 0;
    }

    /** Necessary bytes of a call: each argument read once, each result written once; 0: not told. */
    double bytes() {
        return 0;
    }

    /** Highest relative difference of an arm's result from ours. */
    double tolerance() {
        return 1e-3;
    }

    /** Memory as DL4J's layers have it: taken once, given out anew at each call. To be closed. */
    static MemoryWorkspace workspace() {
        return Nd4j.getWorkspaceManager().getAndActivateWorkspace(WORKSPACE, "benchmark");
    }

    final Peer peer() {
        return peer;
    }

    /** Builds the peer's case; its arms are measured. */
    final void peerCase(String name, Map<String, Object> settings) throws IOException {
        arms = peer.setUp(name, settings);
    }

    /** Another thing to measure on our side. */
    final void yardstick(String name, DoubleSupplier call) {
        yardsticks.put(name, call);
    }

    /** Measures a slow arm only so many times. */
    final void limit(String arm, int times) {
        limits.put(arm, times);
    }

    /** Something else that the page should tell of this size. */
    final void fact(String name, double value) throws IOException {
        note("fact", name, 0, value);
    }

    /** So many things a call: the page tells them per second. */
    final void rate(String name, double perCall) throws IOException {
        note("rate", name, 0, perCall);
    }

    /** The numbers in a size. */
    static int[] numbers(String size) {
        return Arrays.stream(size.split("\\D+")).mapToInt(Integer::parseInt).toArray();
    }

    static Path scratch() {
        return Path.of(System.getProperty(SCRATCH, System.getProperty("java.io.tmpdir")));
    }

    @Setup(Level.Trial)
    public final void setUpTrial() throws Exception {
        record = Path.of(System.getProperty(RECORD, "benchmarks.tsv"));
        smoke = Boolean.getBoolean(SMOKE);
        Nd4j.getRandom().setSeed(20261122);
        peer = new Peer(Path.of(System.getProperty(Peer.DIRECTORY, "bench")));
        prepare();
        long before = resident("VmRSS:");
        clearPeak();
        long start = System.nanoTime();
        check = call();
        callMs = (System.nanoTime() - start) / 1e6;
        note("memory", "ours", 0, resident("VmHWM:") - before);
        if (callMs < SLOW_MS) {
            warmUp();
        }
        repeats = smoke ? 1 : (int) Math.max(1, Math.min(200, 100 / callMs));
        note("repeats", "ours", 0, repeats);
        note("flops", "ours", 0, flops());
        note("bytes", "ours", 0, bytes());
        note("check", "ours", 0, check);
    }

    /** Calls until the JIT has seen enough of it. */
    private void warmUp() {
        long start = System.nanoTime();
        int calls = 0;
        do {
            call();
            calls++;
        } while (!smoke && calls < 20_000 && System.nanoTime() - start < 5e9);
        callMs = (System.nanoTime() - start) / 1e6 / calls;
    }

    @Setup(Level.Iteration)
    public final void setUpIteration() throws InterruptedException {
        // The peers' threads spin for a while after their work
        if (!smoke) {
            Thread.sleep(150);
            if (callMs < WARM_MS) {
                call();
            }
        }
    }

    /** Our side. */
    @Benchmark
    public final double ours() {
        return sum(this::call, repeats);
    }

    private static double sum(DoubleSupplier call, int times) {
        double sum = 0;
        for (int i = 0; i < times; i++) {
            sum += call.getAsDouble();
        }
        return sum;
    }

    @TearDown(Level.Iteration)
    public final void takeTurns(IterationParams iteration) throws Exception {
        if (iteration.getType() != IterationType.MEASUREMENT) {
            return;
        }
        for (Map.Entry<String, DoubleSupplier> yardstick : yardsticks.entrySet()) {
            if (measured.merge(yardstick.getKey(), 1, Integer::sum)
                    > limits.getOrDefault(yardstick.getKey(), Integer.MAX_VALUE)) {
                continue;
            }
            if (!smoke && callMs < WARM_MS) {
                sum(yardstick.getValue(), 1);
            }
            long start = System.nanoTime();
            sum(yardstick.getValue(), repeats);
            note("sample", yardstick.getKey(), (System.nanoTime() - start) / 1e6 / repeats, 0);
        }
        List<String> all = new ArrayList<>(arms);
        all.add(GEMM);
        all.add(COPY);
        if (!smoke) {
            Thread.sleep(150);
        }
        for (String arm : all) {
            if (measured.merge(arm, 1, Integer::sum) > limits.getOrDefault(arm, Integer.MAX_VALUE)) {
                continue;
            }
            Peer.Sample sample = peer.run(arm, arm.startsWith("machine") ? 1 : repeats);
            if (!Double.isNaN(sample.check()) && !(Math.abs(sample.check() - check) <= tolerance() * Math.abs(check))) {
                throw new IllegalStateException(
                        getClass().getSimpleName() + ": " + arm + " computes " + sample.check() + ", ours is " + check);
            }
            note("sample", arm, sample.ms(), sample.extraBytes());
        }
    }

    @TearDown(Level.Trial)
    public final void tearDownTrial() {
        peer.close();
    }

    private void note(String kind, String arm, double ms, double value) throws IOException {
        Files.writeString(
                record,
                String.format(Locale.ROOT, "%s\t%s\t%.6f\t%.17g%n", kind, arm, ms, value),
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }

    /** Bytes, from Linux' own account of this process; 0 elsewhere. */
    static long resident(String field) throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return 0;
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith(field))
                .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(0);
    }

    static void clearPeak() throws IOException {
        Path file = Path.of("/proc/self/clear_refs");
        if (Files.isWritable(file)) {
            Files.writeString(file, "5");
        }
    }
}
