/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.shade.jackson.core.JsonParser;
import org.nd4j.shade.jackson.core.JsonProcessingException;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/**
 * The tokenizer of a {@code tokenizer.json} file, such as a byte-level BPE, through DJL (optional dependency {@code
 * ai.djl.huggingface:tokenizers}, which brings a native library). The file is all it reads: nothing is fetched. On
 * Amazon's machines DJL reports its use to its makers unless the environment variable {@code OPT_OUT_TRACKING} is {@code
 * true}.
 *
 * <p>Special tokens that the file's template would add are left out, and its truncation and padding are off; a special
 * token written out in a text is still recognized as one.
 */
public final class BytePairTokenizer implements TextTokenizer, AutoCloseable {
    private final HuggingFaceTokenizer tokenizer;
    private final int vocabularySize;

    private BytePairTokenizer(HuggingFaceTokenizer tokenizer, int vocabularySize) {
        this.tokenizer = tokenizer;
        this.vocabularySize = vocabularySize;
    }

    /**
     * Reads a tokenizer. Some damage to a file makes DJL's native half end the process instead of throwing: read files of
     * known origin only.
     *
     * @param file a {@code tokenizer.json}
     * @return the tokenizer; to be closed
     * @throws IOException if the file can't be read or is no tokenizer
     */
    public static BytePairTokenizer read(Path file) throws IOException {
        int size = vocabularySize(file);
        try (InputStream input = Files.newInputStream(file)) {
            Map<String, String> options =
                    Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");
            return new BytePairTokenizer(HuggingFaceTokenizer.newInstance(input, options), size);
        } catch (IOException e) {
            throw e;
        } catch (RuntimeException e) { // what DJL's native half throws, of no closer type
            throw new IOException(file + ": expected a tokenizer.json, found: " + e.getMessage(), e);
        }
    }

    /** The native half doesn't tell: largest id in the file + 1. */
    private static int vocabularySize(Path file) throws IOException {
        ObjectMapper json = new ObjectMapper();
        @Nullable JsonNode root;
        // Deep nesting would overflow the native half's stack, and end the process
        try (JsonParser parser = new ShallowParser(json.getFactory().createParser(file.toFile()))) {
            root = json.readTree(parser);
        } catch (JsonProcessingException e) {
            throw new IOException(file + ": expected JSON, found: " + e.getOriginalMessage(), e);
        }
        if (root == null) {
            throw new IOException(file + ": expected JSON, found none");
        }
        requirePrefix(file, root.path("model"));
        int largest = -1;
        for (JsonNode id : root.path("model").path("vocab")) {
            largest = Math.max(largest, id.asInt(-1));
        }
        for (JsonNode added : root.path("added_tokens")) {
            largest = Math.max(largest, added.path("id").asInt(-1));
        }
        if (largest < 0) {
            throw new IOException(file + ": expected ids in model.vocab, found none");
        }
        return largest + 1;
    }

    /** The native half cuts this prefix off without a look, and ends the process where it is not there. */
    private static void requirePrefix(Path file, JsonNode model) throws IOException {
        String prefix = model.path("continuing_subword_prefix").isTextual()
                ? model.path("continuing_subword_prefix").asText()
                : "";
        for (JsonNode merge : prefix.isEmpty() ? List.<JsonNode>of() : model.path("merges")) {
            String second = merge.isArray()
                    ? merge.path(1).asText()
                    : merge.asText().substring(merge.asText().indexOf(' ') + 1);
            if (!second.startsWith(prefix)) {
                throw new IOException(file + ": expected second parts of model.merges to begin with the"
                        + " continuing_subword_prefix \"" + prefix + "\", found \"" + second + "\"");
            }
        }
    }

    @Override
    public int[] encode(String text) {
        try {
            return Arrays.stream(tokenizer.encode(text, false, false).getIds())
                    .mapToInt(Math::toIntExact)
                    .toArray();
        } catch (RuntimeException e) { // what DJL's native half throws, of no closer type
            throw new IllegalStateException(
                    "the tokenizer's file must be able to encode any text, found: " + e.getMessage(), e);
        }
    }

    @Override
    public String decode(int[] ids) {
        for (int id : ids) {
            if (id < 0 || id >= vocabularySize) {
                throw new IllegalArgumentException("ids must be from 0 to " + (vocabularySize - 1) + ", found " + id);
            }
        }
        return tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), false);
    }

    @Override
    public int vocabularySize() {
        return vocabularySize;
    }

    /** Frees the native half; the tokenizer can't be used afterwards. */
    @Override
    public void close() {
        tokenizer.close();
    }
}
