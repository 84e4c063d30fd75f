/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/** The pretrained stories260K against golden values of another implementation. */
@Tag("data")
class StoriesTest {
    private static final Path FOLDER =
            Path.of(System.getProperty("latent4j.data", "../../shared/data")).resolve("stories260K");

    private static JsonNode reference;
    private static LlamaCheckpoint checkpoint;
    private static LlamaTokenizer tokenizer;

    @BeforeAll
    static void read() throws Exception {
        Path file = FOLDER.resolve("stories260K.bin");
        assumeTrue(Files.isReadable(file), () -> "skipped: no " + file.toAbsolutePath() + "; set -Dlatent4j.data");
        reference = new ObjectMapper().readTree(FOLDER.resolve("reference.json").toFile());
        checkpoint = LlamaCheckpoint.read(file);
        tokenizer = LlamaTokenizer.read(
                FOLDER.resolve("tok512.bin"), checkpoint.sizes().vocabulary());
    }

    @Test
    void logitsAndCrossEntropyAgree() {
        int[] ids = ints("ids");
        int steps = ids.length;
        SameDiff graph = Llama.graph(checkpoint, DataType.FLOAT);
        Llama.crossEntropy(graph);
        int[] next = new int[steps];
        System.arraycopy(ids, 1, next, 0, steps - 1);
        INDArray mask = Nd4j.ones(DataType.FLOAT, 1, steps);
        INDArray hasNext = mask.dup().putScalar(0, steps - 1, 0);
        Map<String, INDArray> found = graph.output(
                Map.of(
                        Llama.TOKENS,
                        Nd4j.createFromArray(new int[][] {ids}),
                        Llama.MASK,
                        mask,
                        Llama.TARGETS,
                        Nd4j.createFromArray(new int[][] {next}),
                        Llama.TARGET_WEIGHTS,
                        hasNext),
                Llama.LOGITS,
                Llama.LOSS);

        JsonNode golden = reference.get("last_position_logits");
        float[] expected = new float[golden.size()];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = (float) golden.get(i).asDouble();
        }
        // The reference predicted the last token, so it saw all but that one
        assertArrayEquals(expected, last(found.get(Llama.LOGITS), steps - 1), 1e-4f);
        assertEquals(
                reference.get("mean_ce_nats_per_token").asDouble(),
                found.get(Llama.LOSS).getDouble(0),
                1e-5);
    }

    @Test
    void continuesGreedilyAlike() {
        List<Integer> tokens = new ArrayList<>();
        for (int id : ints("greedy_prompt_ids")) {
            tokens.add(id);
        }
        int[] expected = ints("greedy_ids");
        SameDiff graph = Llama.graph(checkpoint, DataType.FLOAT);
        while (tokens.size() < expected.length) {
            int[][] padded = new int[1][expected.length];
            INDArray mask = Nd4j.zeros(DataType.FLOAT, 1, expected.length);
            for (int t = 0; t < tokens.size(); t++) {
                padded[0][t] = tokens.get(t);
                mask.putScalar(0, t, 1);
            }
            INDArray logits = graph.output(
                            Map.of(Llama.TOKENS, Nd4j.createFromArray(padded), Llama.MASK, mask), Llama.LOGITS)
                    .get(Llama.LOGITS);
            tokens.add(
                    Nd4j.createFromArray(last(logits, tokens.size())).argMax().getInt(0));
        }
        assertArrayEquals(expected, tokens.stream().mapToInt(Integer::intValue).toArray());
    }

    @Test
    void tokenizesAlike() {
        String text = reference.get("text").asText();
        int[] ids = ints("ids");
        assertArrayEquals(ids, tokenizer.encode(text));
        assertEquals(text, tokenizer.decode(ids));
        String unusual = "Z\u00fcrich \u6c49 \ud83d\ude00\tend";
        assertEquals(unusual, tokenizer.decode(tokenizer.encode(unusual)));
    }

    private static float[] last(INDArray logits, int steps) {
        return logits.get(NDArrayIndex.point(0), NDArrayIndex.point(steps - 1), NDArrayIndex.all())
                .dup()
                .toFloatVector();
    }

    private static int[] ints(String name) {
        JsonNode node = reference.get(name);
        int[] values = new int[node.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = node.get(i).asInt();
        }
        return values;
    }
}
