/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.istar.NativeSetup;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Stream;

/** Where and with what an experiment ran. */
public final class Environment {
    private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

    private Environment() {}

    /**
     * Names and values in the order of reading.
     *
     * @param threads networks trained at a time
     * @param arguments the command line
     * @return what to print beside results
     */
    public static Map<String, String> describe(int threads, String arguments) {
        Properties build = build();
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put(
                "Started",
                ZonedDateTime.now(ZoneId.systemDefault())
                        .truncatedTo(ChronoUnit.SECONDS)
                        .format(DateTimeFormatter.ISO_DATE_TIME));
        facts.put("Processor", processor() + ", " + Runtime.getRuntime().availableProcessors() + " available");
        facts.put("Networks trained at a time", String.valueOf(threads));
        facts.put("Operating system", property("os.name") + " " + property("os.version") + " " + property("os.arch"));
        facts.put("Java", property("java.vm.name") + " " + property("java.runtime.version"));
        facts.put("Latent4J", build.getProperty("version"));
        facts.put("Deeplearning4j", build.getProperty("dl4j"));
        NativeSetup.Result matrices = NativeSetup.warnOnce();
        facts.put("ND4J backend", matrices.backend());
        facts.put(
                "Matrix kernels",
                matrices.verdict().name().toLowerCase(Locale.ROOT).replace('_', ' ') + ", " + NativeSetup.VARIABLE + " "
                        + (matrices.coreType() == null ? "not set" : "= " + matrices.coreType()));
        facts.put("Arguments", arguments.isEmpty() ? "none (defaults)" : arguments);
        return facts;
    }

    /** Versions that the build wrote down. */
    static Properties build() {
        Properties properties = new Properties();
        try (InputStream stream = Environment.class.getResourceAsStream("build.properties")) {
            if (stream == null) {
                throw new IllegalStateException("build.properties: not on the class path");
            }
            properties.load(stream);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties;
    }

    private static String property(String name) {
        return System.getProperty(name, "unknown");
    }

    private static String processor() {
        if (Files.isReadable(CPU_INFO)) {
            try (Stream<String> lines = Files.lines(CPU_INFO)) {
                return lines.filter(line -> line.startsWith("model name"))
                        .map(line -> line.substring(line.indexOf(':') + 1).strip())
                        .findFirst()
                        .orElse(property("os.arch"));
            } catch (IOException | UncheckedIOException e) {
                return property("os.arch"); // a nicer name is all that is lost
            }
        }
        return property("os.arch");
    }
}
