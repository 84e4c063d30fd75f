/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;

/**
 * A standalone master and workers, each a JVM of its own on this machine, on free ports. Closing it ends them and the
 * executors that they started.
 *
 * <p>There is no installation of Spark: workers start executors with the test's class path. All they ask of
 * {@code SPARK_HOME} is a folder with a folder {@code jars}.
 */
final class StandaloneCluster implements AutoCloseable {
    private static final Duration STARTED = Duration.ofSeconds(60);

    private final Path folder;
    private final List<Process> processes = new ArrayList<>();
    private final List<Process> workers = new ArrayList<>();
    private final String url;

    /** Starts a master and workers of one core and 1 GB each; returns when all are registered. */
    StandaloneCluster(Path folder, int workerCount) throws IOException, InterruptedException, TimeoutException {
        this.folder = folder;
        Files.createDirectories(folder.resolve("home/jars"));
        try {
            start("master", "org.apache.spark.deploy.master.Master", "--port", "0");
            url = await("master", "Starting Spark master at (spark://\\S+)").group(1);
            for (int i = 0; i < workerCount; i++) {
                String name = "worker" + i;
                workers.add(start(
                        name,
                        "org.apache.spark.deploy.worker.Worker",
                        "--port",
                        "0",
                        "--cores",
                        "1",
                        "--memory",
                        "1g",
                        "--work-dir",
                        folder.resolve(name).toString(),
                        url));
            }
            for (int i = 0; i < workerCount; i++) {
                await("worker" + i, "Successfully registered with master");
            }
        } catch (IOException | InterruptedException | TimeoutException | RuntimeException e) {
            close();
            throw e;
        }
    }

    private Process start(String name, String main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1", // lives for a minute
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
                "-Dspark.master.rest.enabled=false",
                "-cp",
                System.getProperty("java.class.path"),
                main,
                "--host",
                "127.0.0.1",
                "--webui-port",
                "0"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log(name).toFile());
        builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
        builder.environment().put("SPARK_HOME", folder.resolve("home").toString());
        builder.environment().put("SPARK_SCALA_VERSION", "2.12");
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    private Path log(String name) {
        return folder.resolve(name + ".log");
    }

    private Matcher await(String name, String line) throws InterruptedException, TimeoutException {
        Matcher[] matcher = new Matcher[1];
        await(STARTED, name + " says \"" + line + "\"", () -> {
            try {
                matcher[0] = Pattern.compile(line).matcher(Files.readString(log(name)));
                return matcher[0].find();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        return matcher[0];
    }

    /** Waits until a condition holds. */
    static void await(Duration patience, String what, BooleanSupplier condition)
            throws InterruptedException, TimeoutException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new TimeoutException("waited " + patience.toSeconds() + " s until " + what);
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    /** A configuration for drivers on this cluster. */
    SparkConf conf() {
        return new SparkConf()
                .setMaster(url)
                .set("spark.executor.extraClassPath", System.getProperty("java.class.path"))
                .set(
                        "spark.executor.extraJavaOptions",
                        "-XX:TieredStopAtLevel=1 --add-opens=java.base/sun.nio.ch=ALL-UNNAMED")
                .set("spark.executor.memory", "768m");
    }

    /** Ends a worker and its executors at once, as kill -9 does. */
    void kill(int worker) {
        Process process = workers.get(worker);
        List<ProcessHandle> executors = process.descendants().toList();
        process.destroyForcibly();
        executors.forEach(ProcessHandle::destroyForcibly);
        process.onExit().join();
    }

    /** Process ids of a worker's executors. */
    List<Long> executors(int worker) {
        return workers.get(worker).descendants().map(ProcessHandle::pid).toList();
    }

    @Override
    public void close() {
        for (Process process : processes) {
            List<ProcessHandle> children = process.descendants().toList();
            process.destroyForcibly();
            children.forEach(ProcessHandle::destroyForcibly);
        }
        for (Process process : processes) {
            process.onExit().join();
        }
    }
}
