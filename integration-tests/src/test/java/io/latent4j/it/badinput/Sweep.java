/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.function.Executable;

/**
 * Tries inputs and counts what became of them; the counts of a run are written to {@code target/bad-input.md} when the
 * virtual machine ends.
 */
public final class Sweep {
    /** Far more than any input takes, so that only a hang gets there. */
    private static final long DEADLINE_SECONDS = 120;

    /** -Dlatent4j.bad-input.survey=true lists all failures in target/bad-input.txt instead of stopping at the first. */
    private static final boolean SURVEY = Boolean.getBoolean("latent4j.bad-input.survey");

    private static final Set<String> FAILURES = new ConcurrentSkipListSet<>();

    private static final Map<String, Tally> TALLIES = new ConcurrentSkipListMap<>();

    /** All inputs in one thread, since ND4J's workspaces belong to threads; another one after a hang. */
    private static ExecutorService thread = thread();

    private static final class Tally {
        private int accepted;
        private int rejected;
        /** Refused by DL4J or ND4J, in another way than we would. */
        private int unclear;
    }

    private enum Outcome {
        ACCEPTED,
        REJECTED,
        UNCLEAR
    }

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(Sweep::write));
    }

    private Sweep() {}

    private static ExecutorService thread() {
        return Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "bad input");
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * Tries one input.
     *
     * @param kind what is tried, a row of the table
     * @param input ends normally if the input was accepted and did no harm, with a {@linkplain Clear clear exception} if it
     *     was refused, with an {@code AssertionError} if it did harm
     */
    public static void attempt(String kind, Executable input) {
        attempt(kind, input, false);
    }

    /** Tries one input of a reader of DL4J's, which may refuse it in its own way, but not do harm. */
    public static void attemptOfDl4j(String kind, Executable input) {
        attempt(kind, input, true);
    }

    private static synchronized void attempt(String kind, Executable input, boolean ofDl4j) {
        Future<Outcome> attempt = thread.submit(() -> {
            try {
                input.execute();
                return Outcome.ACCEPTED;
            } catch (AssertionError e) {
                throw e;
            } catch (Throwable e) {
                if (ofDl4j && !Clear.isClear(e) && !Clear.isOurs(e)) {
                    return Outcome.UNCLEAR;
                }
                Clear.require(e);
                return Outcome.REJECTED;
            }
        });
        Tally tally = TALLIES.computeIfAbsent(kind, name -> new Tally());
        try {
            switch (attempt.get(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
                case ACCEPTED -> tally.accepted++;
                case REJECTED -> tally.rejected++;
                case UNCLEAR -> tally.unclear++;
            }
        } catch (ExecutionException e) {
            if (SURVEY) {
                FAILURES.add(kind + ": " + e.getCause().getMessage() + "\n    " + origin(e.getCause()));
                return;
            }
            throw e.getCause() instanceof AssertionError failure ? failure : new AssertionError(e.getCause());
        } catch (TimeoutException e) {
            String stuck = stack();
            thread = thread();
            throw new AssertionError(kind + ": no end after " + DEADLINE_SECONDS + " s in" + stuck, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(kind + ": interrupted", e);
        }
    }

    /** Where our code or DL4J's failed. */
    private static String origin(Throwable failure) {
        Throwable cause = failure.getCause() == null ? failure : failure.getCause();
        return Arrays.stream(cause.getStackTrace())
                .filter(frame -> !frame.getClassName().startsWith("java."))
                .limit(4)
                .map(StackTraceElement::toString)
                .collect(Collectors.joining("\n    "));
    }

    private static String stack() {
        return Thread.getAllStackTraces().entrySet().stream()
                .filter(entry -> entry.getKey().getName().equals("bad input"))
                .map(entry -> Arrays.toString(entry.getValue()).replace(", ", "\n    "))
                .findFirst()
                .orElse("");
    }

    private static synchronized void write() {
        StringBuilder table = new StringBuilder(
                        "| input | tried | refused clearly | refused by DL4J in its own way | accepted, no harm |\n")
                .append("|---|---:|---:|---:|---:|\n");
        Tally all = new Tally();
        TALLIES.forEach((kind, tally) -> {
            table.append(line(kind, tally));
            all.accepted += tally.accepted;
            all.rejected += tally.rejected;
            all.unclear += tally.unclear;
        });
        try {
            Files.writeString(folder().resolveSibling("bad-input.md"), table.append(line("all", all)));
            if (SURVEY) {
                Files.write(folder().resolveSibling("bad-input.txt"), FAILURES);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String line(String kind, Tally tally) {
        int tried = tally.accepted + tally.rejected + tally.unclear;
        return "| " + kind + " | " + tried + " | " + tally.rejected + " | " + tally.unclear + " | " + tally.accepted
                + " |\n";
    }

    /** A folder for files of the sweep. */
    public static Path folder() {
        try {
            return Files.createDirectories(Path.of(System.getProperty("basedir", "."), "target", "bad-input")
                    .toAbsolutePath());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Replaces a file by a new one, so that mappings of the old one stay what they were. */
    public static Path replace(Path file, byte[] content) throws IOException {
        Files.deleteIfExists(file);
        return Files.write(file, content);
    }
}
