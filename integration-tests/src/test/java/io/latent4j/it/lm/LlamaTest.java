/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class LlamaTest {
    private static final int[][] TOKENS = {{1, 4, 0, 9, 10, 4}, {2, 2, 8, 5, 0, 0}};
    /** The second sequence has four tokens. */
    private static final INDArray MASK = Nd4j.createFromArray(new double[][] {{1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 0, 0}});

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void agreesWithPlainJavaInEveryLayer(boolean tied) throws Exception {
        TinyLlama plain = new TinyLlama(tied, 7);
        LlamaCheckpoint checkpoint = LlamaCheckpoint.read(plain.write(folder.resolve("tiny.bin")));
        assertEquals(tied, checkpoint.sizes().tied());
        SameDiff graph = Llama.graph(checkpoint, DataType.DOUBLE);
        String[] names = {Llama.hidden(0), Llama.hidden(1), Llama.hidden(2), Llama.FINAL, Llama.LOGITS};
        Map<String, INDArray> found = graph.output(inputs(TOKENS, MASK), names);

        for (int n = 0; n < TOKENS.length; n++) {
            double[][][] states = plain.states(TOKENS[n]);
            for (int t = 0; t < MASK.getRow(n).sumNumber().intValue(); t++) {
                for (int level = 0; level < states.length; level++) {
                    assertArrayEquals(states[level][t], at(found.get(names[level]), n, t), 1e-10);
                }
                assertArrayEquals(plain.logits(states[states.length - 1][t]), at(found.get(Llama.LOGITS), n, t), 1e-10);
            }
        }
    }

    @Test
    void floatsAgreeWithDoubles() throws Exception {
        LlamaCheckpoint checkpoint = LlamaCheckpoint.read(new TinyLlama(true, 8).write(folder.resolve("tiny.bin")));
        INDArray exact = Llama.graph(checkpoint, DataType.DOUBLE)
                .output(inputs(TOKENS, MASK), Llama.LOGITS)
                .get(Llama.LOGITS);
        INDArray rounded = Llama.graph(checkpoint, DataType.FLOAT)
                .output(inputs(TOKENS, MASK.castTo(DataType.FLOAT)), Llama.LOGITS)
                .get(Llama.LOGITS);
        assertEquals(DataType.FLOAT, rounded.dataType());
        assertTrue(rounded.castTo(DataType.DOUBLE).sub(exact).amaxNumber().doubleValue() < 1e-4);
    }

    @Test
    void paddingOnTheLeftChangesNothing() throws Exception {
        // Rotary positions are relative
        LlamaCheckpoint checkpoint = LlamaCheckpoint.read(new TinyLlama(true, 9).write(folder.resolve("tiny.bin")));
        SameDiff graph = Llama.graph(checkpoint, DataType.DOUBLE);
        int[][] tokens = {{3, 1, 4, 1, 0, 0}, {0, 0, 3, 1, 4, 1}};
        INDArray mask = Nd4j.createFromArray(new double[][] {{1, 1, 1, 1, 0, 0}, {0, 0, 1, 1, 1, 1}});
        INDArray logits = graph.output(inputs(tokens, mask), Llama.LOGITS).get(Llama.LOGITS);
        for (int t = 0; t < 4; t++) {
            assertArrayEquals(at(logits, 0, t), at(logits, 1, t + 2), 1e-10);
        }
    }

    @Test
    void gradientsAgreeWithFiniteDifferences() throws Exception {
        LlamaCheckpoint checkpoint = LlamaCheckpoint.read(new TinyLlama(true, 10).write(folder.resolve("tiny.bin")));
        SameDiff graph = Llama.graph(checkpoint, DataType.DOUBLE);
        Llama.crossEntropy(graph);
        Map<String, INDArray> inputs = new HashMap<>(inputs(TOKENS, MASK));
        inputs.put(Llama.TARGETS, Nd4j.createFromArray(new int[][] {{4, 0, 9, 10, 4, 3}, {2, 8, 5, 1, 0, 0}}));
        inputs.put(Llama.TARGET_WEIGHTS, MASK);
        Gradients.check(graph, inputs, checkpoint.tensors().keySet());
    }

    @Test
    void crossEntropyIsTheMeanOverWeightedTargets() throws Exception {
        TinyLlama plain = new TinyLlama(true, 11);
        LlamaCheckpoint checkpoint = LlamaCheckpoint.read(plain.write(folder.resolve("tiny.bin")));
        SameDiff graph = Llama.graph(checkpoint, DataType.DOUBLE);
        Llama.crossEntropy(graph);
        int[][] targets = {{4, 0, 9, 10, 4, 3}, {2, 8, 5, 1, 0, 0}};
        Map<String, INDArray> inputs = new HashMap<>(inputs(TOKENS, MASK));
        inputs.put(Llama.TARGETS, Nd4j.createFromArray(targets));
        inputs.put(Llama.TARGET_WEIGHTS, MASK);
        double sum = 0;
        for (int n = 0; n < TOKENS.length; n++) {
            double[][][] states = plain.states(TOKENS[n]);
            for (int t = 0; t < MASK.getRow(n).sumNumber().intValue(); t++) {
                double[] logits = plain.logits(states[states.length - 1][t]);
                double total = 0;
                for (double logit : logits) {
                    total += Math.exp(logit);
                }
                sum += Math.log(total) - logits[targets[n][t]];
            }
        }
        assertEquals(sum / MASK.sumNumber().doubleValue(), loss(graph, inputs), 1e-10);
    }

    @Test
    void refusesOtherFiles() throws Exception {
        Path file = new TinyLlama(true, 12).write(folder.resolve("tiny.bin"));
        byte[] content = Files.readAllBytes(file);
        assertRefused(Arrays.copyOf(content, content.length - 4), "bytes for");
        assertRefused(Arrays.copyOf(content, content.length + 4), "bytes for");
        assertRefused(Arrays.copyOf(content, 20), "expected 28 bytes more, found 20");
        assertRefused(changed(content, 0, 0), "expected width in 1..");
        assertRefused(changed(content, 12, 5), "an even number of features per head, found 12 for 5 heads");
        assertRefused(changed(content, 16, 2), "multiple of the key-value heads, found 3 and 2");
        assertRefused(changed(content, 24, Integer.MAX_VALUE), "expected positions in 1..");
        assertRefused(changed(content, 28, 0xff800000), "tok_emb: expected finite numbers, found -Infinity");
    }

    @Test
    void refusesOtherTypes() throws Exception {
        LlamaCheckpoint checkpoint = LlamaCheckpoint.read(new TinyLlama(true, 12).write(folder.resolve("tiny.bin")));
        Exception problem = assertThrows(IllegalArgumentException.class, () -> Llama.graph(checkpoint, DataType.INT32));
        assertEquals("type: expected FLOAT or DOUBLE, found INT", problem.getMessage());
    }

    private void assertRefused(byte[] content, String expected) throws Exception {
        Path file = Files.write(folder.resolve("other.bin"), content);
        Exception problem = assertThrows(IOException.class, () -> LlamaCheckpoint.read(file));
        assertTrue(problem.getMessage().contains(expected), problem.getMessage());
    }

    private static byte[] changed(byte[] content, int offset, int value) {
        byte[] changed = content.clone();
        ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putInt(offset, value);
        return changed;
    }

    private static double loss(SameDiff graph, Map<String, INDArray> inputs) {
        return graph.output(inputs, Llama.LOSS).get(Llama.LOSS).getDouble(0);
    }

    private static Map<String, INDArray> inputs(int[][] tokens, INDArray mask) {
        return Map.of(Llama.TOKENS, Nd4j.createFromArray(tokens), Llama.MASK, mask);
    }

    private static double[] at(INDArray states, int sequence, int step) {
        return states.get(NDArrayIndex.point(sequence), NDArrayIndex.point(step), NDArrayIndex.all())
                .dup()
                .toDoubleVector();
    }
}
