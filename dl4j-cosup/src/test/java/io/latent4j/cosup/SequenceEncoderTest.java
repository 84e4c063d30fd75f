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
