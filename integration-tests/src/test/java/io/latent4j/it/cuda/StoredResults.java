/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.nd4j.linalg.api.buffer.DataType;

/** The kernels' results of the CPU in DOUBLE, kept in a file, which results of any backend and type are held against. */
final class StoredResults {
    /** Writes the file anew, to be named where the kernels' cases have changed. */
    static final String WRITE = "latent4j.write-cpu-results";

    private static final String FILE = "/cpu-results.csv";
    /** Of the largest magnitude: what sums of some dozens of terms lose, with a factor for ill-conditioned ones. */
    private static final double FLOAT_TOLERANCE = 2e-5;

    private static final double DOUBLE_TOLERANCE = 1e-9;

    private StoredResults() {}

    /** Case and array, and the values. */
    static Map<String, double[]> read() {
        try (InputStream in = StoredResults.class.getResourceAsStream(FILE)) {
            if (in == null) {
                throw new IllegalStateException(FILE + " is not among the test resources; make it with -D" + WRITE);
            }
            BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
            Map<String, double[]> all = new LinkedHashMap<>();
            reader.lines().forEach(line -> {
                String[] parts = line.split(",", -1);
                all.put(
                        parts[0],
                        Arrays.stream(parts)
                                .skip(1)
                                .mapToDouble(Double::parseDouble)
                                .toArray());
            });
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void write(Path resources) throws IOException {
        StringBuilder text = new StringBuilder();
        for (KernelCase kernel : KernelCase.values()) {
            kernel.results(DataType.DOUBLE).forEach((name, values) -> text.append(key(kernel, name))
                    .append(',')
                    .append(Arrays.stream(values).mapToObj(Double::toString).collect(Collectors.joining(",")))
                    .append('\n'));
        }
        Files.writeString(resources.resolve(FILE.substring(1)), text);
    }

    /** Compares what a kernel gives here with what it gave on the CPU. */
    static void compare(KernelCase kernel, DataType type, Map<String, double[]> stored) {
        double tolerance = type == DataType.DOUBLE ? DOUBLE_TOLERANCE : FLOAT_TOLERANCE;
        Map<String, double[]> results = kernel.results(type);
        long expectedArrays = stored.keySet().stream()
                .filter(key -> key.startsWith(kernel + ":"))
                .count();
        assertEquals(expectedArrays, results.size(), "arrays of " + kernel);
        results.forEach((name, found) -> {
            String key = key(kernel, name);
            double[] expected = stored.get(key);
            assertEquals(expected.length, found.length, key);
            double size = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], found[i], tolerance * size, key + ", element " + i);
            }
        });
    }

    private static String key(KernelCase kernel, String name) {
        return kernel + ":" + name;
    }
}
