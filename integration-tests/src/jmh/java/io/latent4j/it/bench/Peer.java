/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/**
 * The other side of a comparison: {@code bench/peer.py} in a Python process of its own, which waits for its turn. One
 * JSON object per line goes in, one comes back; arrays go through files, so that both sides compute on the same data.
 */
final class Peer implements AutoCloseable {
    /** Where peer.py is. */
    static final String DIRECTORY = "latent4j.bench.peer";

    private static final ObjectMapper JSON = new ObjectMapper();
    /** 16 MB at a time from ND4J to a file. */
    private static final int CHUNK = 1 << 22;

    private final Process process;
    private final PrintStream toPeer;
    private final BufferedReader fromPeer;
    private final Path folder;
    private final Map<String, Object> arrays = new LinkedHashMap<>();

    Peer(Path directory) throws IOException {
        folder = Files.createTempDirectory("latent4j-bench");
        ProcessBuilder builder = new ProcessBuilder("/usr/bin/python3", "peer.py").directory(directory.toFile());
        // peer.py sets its threads. OPENBLAS_CORETYPE stays: its OpenBLAS too takes SSE kernels on CPUs it doesn't know
        builder.environment().keySet().removeAll(List.of("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"));
        builder.environment().put("PYTHONDONTWRITEBYTECODE", "1");
        process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        toPeer = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        fromPeer = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /**
     * Hands an array to the peer.
     *
     * @param array FLOAT, DOUBLE or INT, in 'c' order
     */
    void give(String name, INDArray array) {
        DataType type = array.dataType();
        int size = type.width();
        Path file = folder.resolve(name);
        INDArray flat = array.reshape('c', new long[] {array.length()});
        ByteBuffer bytes = ByteBuffer.allocate(CHUNK * size).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (long from = 0; from < flat.length(); from += CHUNK) {
                long to = Math.min(flat.length(), from + CHUNK);
                INDArray part = flat.length() <= CHUNK ? flat : flat.get(NDArrayIndex.interval(from, to));
                bytes.clear();
                switch (type) {
                    case FLOAT -> bytes.asFloatBuffer().put(part.dup().data().asFloat());
                    case DOUBLE -> bytes.asDoubleBuffer().put(part.dup().data().asDouble());
                    case INT -> bytes.asIntBuffer().put(part.dup().data().asInt());
                    default -> throw new IllegalArgumentException("can't hand on arrays of type " + type);
                }
                bytes.limit((int) (to - from) * size);
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't write " + file, e);
        }
        arrays.put(
                name,
                Map.of(
                        "file",
                        file.toString(),
                        "shape",
                        array.shape(),
                        "type",
                        (type == DataType.INT ? "int" : "float") + 8 * size));
    }

    /**
     * Builds a case out of the arrays given before.
     *
     * @return its arms' names
     */
    List<String> setUp(String name, Map<String, Object> settings) throws IOException {
        JsonNode reply = ask(Map.of("setup", name, "arrays", arrays, "settings", settings));
        List<String> arms = new ArrayList<>();
        reply.get("arms").forEach(arm -> arms.add(arm.asText()));
        return arms;
    }

    /**
     * One measurement of an arm.
     *
     * @param ms per call
     * @param check what the arm computed, to be compared with ours; NaN if it has nothing to compare
     * @param extraBytes highest resident memory during the calls beyond that before them
     */
    record Sample(double ms, double check, long extraBytes) {}

    Sample run(String arm, int repeats) throws IOException {
        JsonNode reply = ask(Map.of("run", arm, "repeats", repeats));
        return new Sample(
                reply.get("ms").asDouble(),
                reply.get("check").isNull() ? Double.NaN : reply.get("check").asDouble(),
                reply.get("extra_bytes").asLong());
    }

    String version() throws IOException {
        return ask(Map.of("version", true)).get("version").asText();
    }

    private JsonNode ask(Map<String, Object> question) throws IOException {
        toPeer.println(JSON.writeValueAsString(question));
        String line = fromPeer.readLine();
        if (line == null) {
            throw new IOException("the peer ended; what it printed is above");
        }
        JsonNode reply = JSON.readTree(line);
        if (reply.has("error")) {
            throw new IOException(
                    "the peer failed on " + Arrays.toString(question.keySet().toArray()) + ": "
                            + reply.get("error").asText());
        }
        return reply;
    }

    @Override
    public void close() {
        toPeer.close();
        process.destroy();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.collect(Collectors.toList())) {
                Files.delete(file);
            }
            Files.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("can't clear " + folder, e);
        }
    }
}
