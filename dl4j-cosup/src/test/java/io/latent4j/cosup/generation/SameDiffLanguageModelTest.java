/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

class SameDiffLanguageModelTest {
    private static final double[][] EMBEDDING = {{1, 0}, {0.5, -1}, {2, 3}, {-1, 4}};
    private static final double[][] HEAD = {{1, 2, 0, 1}, {0, 1, -1, 3}};

    /** States are the sums of the embeddings so far, or of the whole text; logits = states · HEAD. */
    private static SameDiff graph(int length, boolean causal, DataType tokenType) {
        SameDiff graph = SameDiff.create();
        SDVariable tokens = graph.placeHolder("tokens", tokenType, -1, length);
        SDVariable mask = graph.placeHolder("mask", DataType.DOUBLE, -1, length);
        SDVariable embedded = graph.gather(graph.constant("embedding", Nd4j.createFromArray(EMBEDDING)), tokens, 0)
                .mul(graph.expandDims(mask, 2));
        SDVariable states = causal
                ? graph.cumsum("states", embedded, false, false, 1)
                : embedded.add("states", embedded.sum(true, 1));
        SDVariable flat = states.reshape(-1, 2).mmul(graph.constant("head", Nd4j.createFromArray(HEAD)));
        graph.reshape("logits", flat, 1, -1, 4);
        return graph;
    }

    private static SameDiffLanguageModel.Builder builder(SameDiff graph) {
        return SameDiffLanguageModel.builder(graph, "tokens", "logits", "states")
                .mask("mask");
    }

    private static double[] state(int... text) {
        double[] sum = new double[2];
        for (int token : text) {
            Arrays.setAll(sum, i -> sum[i] + EMBEDDING[token][i]);
        }
        return sum;
    }

    private static double[] logits(int... text) {
        double[] state = state(text);
        double[] logits = new double[4];
        Arrays.setAll(logits, v -> state[0] * HEAD[0][v] + state[1] * HEAD[1][v]);
        return logits;
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 6})
    void readsTheWholeText(int length) {
        SameDiffLanguageModel model =
                builder(graph(length, true, DataType.INT32)).maxLength(6).build();
        assertEquals(4, model.vocabularySize());
        assertEquals(2, model.stateSize());
        assertEquals(6, model.maxLength());
        assertStep(model.append(2), 2);
        assertStep(model.append(1, 3), 2, 1, 3);
        assertStep(model.append(0), 2, 1, 3, 0);
        model.reset();
        assertStep(model.append(3, 3, 2, 1, 0, 0), 3, 3, 2, 1, 0, 0);
    }

    private static void assertStep(CausalLanguageModel.Step step, int... text) {
        assertArrayEquals(new long[] {1, 2}, step.state().shape());
        assertArrayEquals(new long[] {1, 4}, step.logits().shape());
        assertArrayEquals(state(text), step.state().reshape(2).toDoubleVector(), 1e-12);
        assertArrayEquals(logits(text), step.logits().reshape(4).toDoubleVector(), 1e-12);
    }

    @Test
    void takesTheTypeAndLengthOfThePlaceholder() {
        SameDiffLanguageModel model = builder(graph(3, true, DataType.INT64)).build();
        assertEquals(3, model.maxLength());
        assertStep(model.append(2, 3), 2, 3);
    }

    @Test
    void tooLongATextIsNotRead() {
        SameDiffLanguageModel model =
                builder(graph(-1, true, DataType.INT32)).maxLength(3).build();
        model.append(1, 2);
        assertMessage("at most 1 after 2 read, as the model takes 3, found 2", () -> model.append(0, 0));
        assertMessage("ids in [0, 4), found 4", () -> model.append(4));
        assertStep(model.append(3), 1, 2, 3);
    }

    @Test
    void refusesOtherGraphs() {
        SameDiff graph = graph(-1, true, DataType.INT32);
        assertMessage("maxLength must be set where tokens has no fixed length", () -> builder(graph)
                .build());
        assertMessage(
                "maxLength must be at least 1, found 0", () -> builder(graph).maxLength(0));
        assertMessage(
                "maxLength must be at most 3",
                () -> builder(graph(3, true, DataType.INT32)).maxLength(4).build());
        assertMessage("tokens must be one of the graph's variables, found ids", () -> SameDiffLanguageModel.builder(
                        graph, "ids", "logits", "states")
                .build());
        assertMessage("tokens must be a placeholder of the graph, found embedding", () -> SameDiffLanguageModel.builder(
                        graph, "embedding", "logits", "states")
                .build());
        assertMessage("logits must be of shape [1, 1, n]", () -> SameDiffLanguageModel.builder(
                        graph, "tokens", "head", "states")
                .mask("mask")
                .maxLength(3)
                .build());
        assertMessage(
                "graph must be causal",
                () -> builder(graph(-1, false, DataType.INT32)).maxLength(3).build());
    }

    private static void assertMessage(String part, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(part), message);
    }
}
