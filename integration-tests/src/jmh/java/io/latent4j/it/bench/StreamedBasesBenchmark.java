/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.TokenVectors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The bases of all tokens of a large head that lies in a safetensors file, as a checkpoint does, and is streamed from
 * there. Peer: the normal equations in float64, block by block of the same file. {@code bash
 * integration-tests/bench/run --only StreamedBases}
 */
@Warmup(iterations = 0)
@Measurement(iterations = 1)
public class StreamedBasesBenchmark extends PeerBenchmark {
    private static final int BLOCK = 4096;

    /** Features × tokens. */
    @Param("4096x128256")
    public String size = "";

    private long tokens;
    private long features;
    private Path file = Path.of("");

    @Override
    void prepare() throws IOException {
        int[] sizes = numbers(size);
        features = sizes[0];
        tokens = sizes[1];
        file = Files.createTempFile("latent4j-head", ".safetensors");
        file.toFile().deleteOnExit();
        String header = "{\"head\":{\"dtype\":\"F32\",\"shape\":[" + tokens + "," + features + "],\"data_offsets\":[0,"
                + 4 * tokens * features + "]}}";
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            ByteBuffer start = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            channel.write(start.putLong(header.length()).flip());
            channel.write(ByteBuffer.wrap(header.getBytes(StandardCharsets.US_ASCII)));
            ByteBuffer bytes =
                    ByteBuffer.allocateDirect((int) (4 * BLOCK * features)).order(ByteOrder.LITTLE_ENDIAN);
            for (long from = 0; from < tokens; from += BLOCK) {
                try (INDArray block = SemanticBasesBenchmark.head(Math.min(BLOCK, tokens - from), features)) {
                    bytes.clear().asFloatBuffer().put(block.data().asNioFloat());
                    bytes.limit((int) (4 * block.length()));
                    while (bytes.hasRemaining()) {
                        channel.write(bytes);
                    }
                }
            }
        }
        peerCase(
                "vocabulary.streamed_bases",
                Map.of("file", file.toString(), "offset", 8 + header.length(), "tokens", tokens, "features", features));
    }

    @Override
    double call() {
        try {
            return SemanticBasesBenchmark.check(
                    SemanticBases.head(TokenVectors.safetensors(file, "head", TokenVectors.Layout.ROWS))
                            .build());
        } catch (IOException e) {
            throw new IllegalStateException("can't read " + file, e);
        }
    }

    @Override
    double flops() {
        return 3.0 * tokens * features * features + (double) features * features * features;
    }

    @Override
    double bytes() {
        return 3 * 4.0 * tokens * features;
    }
}
