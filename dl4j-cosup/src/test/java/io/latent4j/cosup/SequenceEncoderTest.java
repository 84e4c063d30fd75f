/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.SequenceEncoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SequenceEncoderTest {
    private static final ComputationGraph GRAPH = Batches.separate(
            new NeuralNetConfiguration.Builder().seed(3), Batches.heads().build());

    @Test
    void eachSequenceGetsItsOwnKey() {
        ComputationGraph network = CoSupervision.sequenceEncoder(GRAPH);
        Random random = new Random(1);
        List<int[]> sequences = new ArrayList<>();
        for (int i = 0; i < 150; i++) {
            sequences.add(
                    random.ints(1 + random.nextInt(9), 0, Batches.VOCABULARY).toArray());
        }
        INDArray keys = new SequenceEncoder(network).encode(sequences);
        for (int i = 0; i < 150; i += 7) {
            INDArray alone = network.output(Nd4j.createFromArray(new int[][] {sequences.get(i)}))[0];
            assertTrue(keys.getRow(i).equalsWithEps(alone.getRow(0), 1e-6), "sequence " + i);
        }
        ExactSequenceIndex index = new ExactSequenceIndex(Batches.STATE, Similarity.COSINE);
        List<String> ids = IntStream.range(0, 150).mapToObj(Integer::toString).toList();
        new SequenceEncoder(network).index(ids, sequences, index);
        assertEquals(150, index.size());
        assertEquals(1, index.search(keys.getRow(5, true), 1).get(0).get(0).score(), 1e-6);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 7})
    void samediffGraphsEncodeToo(int length) {
        SameDiff graph = samediff(length);
        SequenceEncoder encoder = new SequenceEncoder(graph, "tokens", "mask", "keys");
        // Out of order of their lengths; more than are encoded at once
        List<int[]> sequences = new ArrayList<>();
        for (int i = 0; i < 70; i++) {
            sequences.add(
                    IntStream.rangeClosed(i, i + i * 5 % 7).map(t -> t % 4).toArray());
        }
        INDArray keys = encoder.encode(sequences);
        assertEquals(DataType.FLOAT, keys.dataType());
        for (int i = 0; i < 70; i++) {
            int[] sequence = sequences.get(i);
            double sum = IntStream.of(sequence).mapToDouble(token -> token + 1).sum();
            assertEquals(sum / sequence.length, keys.getDouble(i, 0), 1e-6);
            assertEquals(sum, keys.getDouble(i, 1), 1e-6);
        }
    }

    /** Keys are the mean and the sum of token + 1. */
    private static SameDiff samediff(int length) {
        SameDiff graph = SameDiff.create();
        SDVariable tokens = graph.placeHolder("tokens", DataType.INT64, -1, length);
        SDVariable mask = graph.placeHolder("mask", DataType.DOUBLE, -1, length);
        SDVariable sum = tokens.castTo(DataType.DOUBLE).add(1).mul(mask).sum(true, 1);
        SDVariable mean = sum.div(mask.sum(true, 1));
        graph.concat("keys", 1, mean, sum);
        return graph;
    }

    @Test
    void badSamediffGraphsAreNamed() {
        SameDiff graph = samediff(7);
        assertMessage(
                "tokens must be a placeholder of the graph, found ids",
                () -> new SequenceEncoder(graph, "ids", "mask", "keys"));
        assertMessage(
                "mask must be a placeholder of the graph, found keys",
                () -> new SequenceEncoder(graph, "tokens", "keys", "keys"));
        assertMessage(
                "keys must be one of the graph's variables, found key",
                () -> new SequenceEncoder(graph, "tokens", "mask", "key"));
        assertMessage(
                "at most 7 tokens, as the graph takes, found 8 in sequence 1",
                () -> new SequenceEncoder(graph, "tokens", "mask", "keys").encode(List.of(new int[7], new int[8])));
    }

    private static void assertMessage(String expected, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(expected), message);
    }

    @Test
    void badInputIsNamed() {
        assertThrows(IllegalArgumentException.class, () -> new SequenceEncoder(GRAPH));
        SequenceEncoder encoder = new SequenceEncoder(CoSupervision.sequenceEncoder(GRAPH));
        assertThrows(IllegalArgumentException.class, () -> encoder.encode(List.of()));
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> encoder.encode(List.of(new int[] {1}, new int[0])));
        assertTrue(e.getMessage().contains("found none in sequence 1"), e::getMessage);
        assertThrows(
                IllegalArgumentException.class,
                () -> encoder.index(List.of("a"), List.of(new int[] {1}, new int[] {2}), new ExactSequenceIndex(4)));
    }
}
