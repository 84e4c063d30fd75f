/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.it.quickstart.corpus.Example;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.dataset.DataSet;

class TextBatchesTest {
    private static final List<Example> TRAINING = List.of(
            new Example("x", "The map maps keys, the MAP has 12 keys"),
            new Example("y", "map of the keys? 7 or 70!"),
            new Example("y", "keys"));

    private final Vocabulary vocabulary = new Vocabulary(TRAINING);

    @Test
    void tokensAreLowerCaseWordsNumbersAndMarks() {
        assertEquals(List.of("what", "is", "a", "b", "tree", "0", "?"), Vocabulary.tokens("What is a B-tree (1998)?"));
    }

    @Test
    void frequentWordsHaveIndicesByFrequency() {
        // keys 4 times; 0, map and the 3 times; all others are too rare
        assertEquals(6, vocabulary.size());
        assertArrayEquals(new int[] {2, 3, 4, 5, 1}, vocabulary.encode("KEYS 99 map the unheard-of", 5));
        assertArrayEquals(new int[] {Vocabulary.UNKNOWN}, vocabulary.encode("…", 5));
    }

    @Test
    void batchesHoldIndicesLabelsAndMasks() {
        List<DataSet> batches = new TextBatches(vocabulary, List.of("x", "y"), 3).of(TRAINING, 1);

        assertEquals(1, batches.size());
        DataSet batch = batches.get(0); // sorted by length: 1, 9 and 9 tokens
        assertArrayEquals(new long[] {3, 1, 9}, batch.getFeatures().shape());
        assertArrayEquals(new long[] {3, 9}, batch.getFeaturesMaskArray().shape());
        assertArrayEquals(
                new double[] {1, 9, 9}, batch.getFeaturesMaskArray().sum(1).toDoubleVector(), "tokens per text");
        assertEquals(2, batch.getFeatures().getInt(0, 0, 0), "index of 'keys'");
        assertEquals(Vocabulary.PADDING, batch.getFeatures().getInt(0, 0, 1));
        assertEquals(1.0, batch.getLabels().getDouble(0, 1), "label y");
        assertEquals(3.0, batch.getLabels().sumNumber().doubleValue());
    }

    @Test
    void everyTextIsInOneBatchWhateverTheOrder() {
        TextBatches batches = new TextBatches(vocabulary, List.of("x", "y"), 2);
        for (long seed = 0; seed < 4; seed++) {
            List<DataSet> made = batches.of(TRAINING, seed);
            assertEquals(2, made.size());
            assertEquals(3, made.stream().mapToInt(DataSet::numExamples).sum());
            assertTrue(made.stream().allMatch(batch -> batch.getFeatures().size(2) <= TextBatches.MAX_TOKENS));
        }
    }
}
