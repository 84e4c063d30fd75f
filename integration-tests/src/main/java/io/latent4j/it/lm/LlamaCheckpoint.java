/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The weights of a Llama as llama2.c stores them (format 0): seven little-endian int32 (width, hidden, layers, heads,
 * key-value heads, vocabulary, positions), then float32 tensors, row-major, those of all layers one after the other. A
 * negative vocabulary says that the output head isn't the token embedding but stands at the end.
 */
public final class LlamaCheckpoint {
    /** Token embedding [V, d]; also the output head unless there is {@link #HEAD}. */
    public static final String EMBEDDING = "tok_emb";
    /** Gain of the final norm [d]. */
    public static final String FINAL_NORM = "rms_final";
    /** Output head [V, d] of a model that isn't tied. */
    public static final String HEAD = "head";

    private static final int HEADER = 7;
    /** Far more than any model of this format; keeps the products below from overflowing. */
    private static final int LIMIT = 1 << 24;

    /**
     * Sizes of a model.
     *
     * @param width features of a token state, d
     * @param hidden features inside the feed-forward part
     * @param layers number of layers
     * @param heads query heads
     * @param keyValueHeads key and value heads, each shared by heads / keyValueHeads query heads
     * @param vocabulary number of tokens, V
     * @param positions longest sequence that the model was trained for
     * @param tied whether the token embedding is the output head too
     */
    public record Sizes(
            int width,
            int hidden,
            int layers,
            int heads,
            int keyValueHeads,
            int vocabulary,
            int positions,
            boolean tied) {

        /** Features of one head. */
        public int headWidth() {
            return width / heads;
        }

        /** Features of all key heads together. */
        public int keyWidth() {
            return headWidth() * keyValueHeads;
        }
    }

    private final Sizes sizes;
    private final Map<String, INDArray> tensors;

    private LlamaCheckpoint(Sizes sizes, Map<String, INDArray> tensors) {
        this.sizes = sizes;
        this.tensors = tensors;
    }

    /**
     * Reads a file.
     *
     * @param file a llama2.c checkpoint of format 0
     * @return the weights
     * @throws IOException if the file can't be read, its header isn't that of a Llama, or its length doesn't follow from
     *     the header; nothing is allocated before these checks
     */
    public static LlamaCheckpoint read(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer header = read(file, channel, (long) HEADER * Integer.BYTES);
            Sizes sizes = sizes(file, header);
            Map<String, long[]> shapes = shapes(sizes);
            long frequencies = (long) sizes.positions * sizes.headWidth(); // cosines and sines
            long floats = frequencies;
            for (long[] shape : shapes.values()) {
                floats += length(shape);
            }
            long expected = (long) HEADER * Integer.BYTES + floats * Float.BYTES;
            if (channel.size() != expected) {
                throw new IOException(
                        file + ": expected " + expected + " bytes for " + sizes + ", found " + channel.size());
            }
            Map<String, INDArray> tensors = new LinkedHashMap<>();
            for (Map.Entry<String, long[]> tensor : shapes.entrySet()) {
                if (tensor.getKey().equals(HEAD)) { // the rotary tables in between follow from the sizes
                    channel.position(channel.position() + frequencies * Float.BYTES);
                }
                tensors.put(tensor.getKey(), tensor(file, channel, tensor.getKey(), tensor.getValue()));
            }
            return new LlamaCheckpoint(sizes, inLayers(sizes, tensors));
        }
    }

    /** Sizes of the model. */
    public Sizes sizes() {
        return sizes;
    }

    /**
     * All weights by name: {@link #EMBEDDING}, {@link #FINAL_NORM}, {@link #HEAD} if not tied, and for each layer l
     * {@code rms_att.l, wq.l, wk.l, wv.l, wo.l, rms_ffn.l, w1.l, w2.l, w3.l}; matrices are [outputs, inputs].
     */
    public Map<String, INDArray> tensors() {
        return new LinkedHashMap<>(tensors);
    }

    /** The output head, one row per token [V, d]. */
    public INDArray head() {
        INDArray head = tensors.get(sizes.tied ? EMBEDDING : HEAD);
        if (head == null) {
            throw new IllegalStateException("head: expected a tensor, found none");
        }
        return head;
    }

    /**
     * The same model with more tokens, such as special ones: their embeddings and rows of the head are the mean of all
     * others, so that a new token is neither likely nor unlikely before it is trained.
     *
     * @param count how many, at least 1
     * @return a checkpoint of V + count tokens; the new ids are V and up
     * @throws IllegalArgumentException if the count isn't positive
     */
    public LlamaCheckpoint withMoreTokens(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("count: expected at least 1, found " + count);
        }
        Map<String, INDArray> longer = new LinkedHashMap<>(tensors);
        for (String name : new String[] {EMBEDDING, HEAD}) {
            longer.computeIfPresent(name, (key, rows) -> {
                INDArray mean = rows.mean(true, 0);
                return Nd4j.vstack(rows, Nd4j.tile(mean, count, 1));
            });
        }
        Sizes more = new Sizes(
                sizes.width,
                sizes.hidden,
                sizes.layers,
                sizes.heads,
                sizes.keyValueHeads,
                sizes.vocabulary + count,
                sizes.positions,
                sizes.tied);
        return new LlamaCheckpoint(more, longer);
    }

    private static Sizes sizes(Path file, ByteBuffer header) throws IOException {
        int[] values = new int[HEADER];
        header.asIntBuffer().get(values);
        boolean tied = values[5] > 0;
        values[5] = Math.abs(values[5]);
        String[] names = {"width", "hidden", "layers", "heads", "key-value heads", "vocabulary", "positions"};
        for (int i = 0; i < HEADER; i++) {
            if (values[i] <= 0 || values[i] > LIMIT) {
                throw new IOException(
                        file + ": header: expected " + names[i] + " in 1.." + LIMIT + ", found " + values[i]);
            }
        }
        Sizes sizes = new Sizes(values[0], values[1], values[2], values[3], values[4], values[5], values[6], tied);
        if (sizes.width % sizes.heads != 0 || sizes.headWidth() % 2 != 0) {
            throw new IOException(file + ": header: expected a width of an even number of features per head, found "
                    + sizes.width + " for " + sizes.heads + " heads");
        }
        if (sizes.heads % sizes.keyValueHeads != 0) {
            throw new IOException(file + ": header: expected heads to be a multiple of the key-value heads, found "
                    + sizes.heads + " and " + sizes.keyValueHeads);
        }
        return sizes;
    }

    private static Map<String, long[]> shapes(Sizes s) {
        Map<String, long[]> shapes = new LinkedHashMap<>(); // in the order of the file
        shapes.put(EMBEDDING, new long[] {s.vocabulary, s.width});
        shapes.put("rms_att", new long[] {s.layers, s.width});
        shapes.put("wq", new long[] {s.layers, s.width, s.width});
        shapes.put("wk", new long[] {s.layers, s.keyWidth(), s.width});
        shapes.put("wv", new long[] {s.layers, s.keyWidth(), s.width});
        shapes.put("wo", new long[] {s.layers, s.width, s.width});
        shapes.put("rms_ffn", new long[] {s.layers, s.width});
        shapes.put("w1", new long[] {s.layers, s.hidden, s.width});
        shapes.put("w2", new long[] {s.layers, s.width, s.hidden});
        shapes.put("w3", new long[] {s.layers, s.hidden, s.width});
        shapes.put(FINAL_NORM, new long[] {s.width});
        if (!s.tied) {
            shapes.put(HEAD, new long[] {s.vocabulary, s.width});
        }
        return shapes;
    }

    private static long length(long[] shape) {
        long length = 1;
        for (long size : shape) {
            length = Math.multiplyExact(length, size);
        }
        return length;
    }

    private static INDArray tensor(Path file, FileChannel channel, String name, long[] shape) throws IOException {
        float[] values = new float[Math.toIntExact(length(shape))];
        read(file, channel, (long) values.length * Float.BYTES).asFloatBuffer().get(values);
        for (float value : values) {
            if (!Float.isFinite(value)) {
                throw new IOException(file + ": " + name + ": expected finite numbers, found " + value);
            }
        }
        return Nd4j.createFromArray(values).reshape('c', shape);
    }

    /** Tensors of all layers, cut into one per layer. */
    private static Map<String, INDArray> inLayers(Sizes sizes, Map<String, INDArray> tensors) {
        Map<String, INDArray> cut = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> {
            if (name.equals(EMBEDDING) || name.equals(FINAL_NORM) || name.equals(HEAD)) {
                cut.put(name, tensor);
            } else {
                for (int layer = 0; layer < sizes.layers; layer++) {
                    cut.put(name + "." + layer, tensor.slice(layer).dup('c'));
                }
            }
        });
        return cut;
    }

    private static ByteBuffer read(Path file, FileChannel channel, long bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new EOFException(file + ": expected " + bytes + " bytes more, found " + buffer.position());
            }
        }
        return buffer.flip();
    }
}
