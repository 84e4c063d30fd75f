/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.data.Instance.Segment;
import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class MinedNegativesTest {
    private static final Map<String, Passage> PASSAGES = Letters.passages(
            new Passage("P", "p"), new Passage("Q", "qq"), new Passage("S", "sss"), new Passage("T", "tttt"));
    private static final Instance TWICE =
            new Instance("a", List.of(Segment.grounded("b", "P"), Segment.plain("c"), Segment.grounded("d", "Q")), "");
    private static final Instance NONE = new Instance("b", List.of(), "c");
    private static final Instance ONCE = new Instance("c", List.of(Segment.grounded("b", "T")), "");
    private static final List<Instance> INSTANCES = List.of(TWICE, NONE, ONCE);

    /** Keys 1, 2, 3, 4 in one dimension: a positive query likes T, S, Q, P best, a negative one the other way. */
    private static ExactSequenceIndex index() {
        ExactSequenceIndex index = new ExactSequenceIndex(1);
        index.add(List.of("P", "Q", "S", "T"), Nd4j.createFromArray(new float[][] {{1}, {2}, {3}, {4}}));
        return index;
    }

    @Test
    void areTheBestHitsButTheRetrievalsOwn() {
        MinedNegatives mined = new MinedNegatives(2);
        assertEquals(List.of(), mined.of(TWICE, 0), "nothing mined yet");
        INDArray queries = Nd4j.createFromArray(new float[][] {{-1}, {1}, {1}});
        try (ExactSequenceIndex index = index()) {
            mined.refresh(index, INSTANCES, queries);
        }
        assertEquals(List.of("Q", "S"), mined.of(TWICE, 0), "P itself left out");
        assertEquals(List.of("T", "S"), mined.of(TWICE, 2));
        assertEquals(List.of("S", "Q"), mined.of(ONCE, 0), "T itself left out");
        assertEquals(List.of(), mined.of(TWICE, 1), "no retrieval");

        CoSupervisionIterator batches = CoSupervisionIterator.builder(
                        new CoSupervisionData(List.of(ONCE), PASSAGES),
                        Letters.encoder().build())
                .hardNegatives(mined)
                .build();
        assertArrayEquals(
                new int[][] {{3}, {2}, {1}}, batches.next().getFeatures(2).toIntMatrix());
    }

    @Test
    void aNewSearchReplacesTheOldUnlessItFails() {
        MinedNegatives mined = new MinedNegatives(1);
        try (ExactSequenceIndex index = index()) {
            mined.refresh(index, List.of(ONCE), Nd4j.createFromArray(new float[][] {{1}}));
            assertEquals(List.of("S"), mined.of(ONCE, 0));
            String message = assertThrows(
                            IllegalArgumentException.class, () -> mined.refresh(index, INSTANCES, Nd4j.ones(2, 1)))
                    .getMessage();
            assertTrue(message.contains("3 segments") && message.contains("[2, 1]"), message);
            assertEquals(List.of("S"), mined.of(ONCE, 0));
            mined.refresh(index, List.of(ONCE), Nd4j.createFromArray(new float[][] {{-1}}));
            assertEquals(List.of("P"), mined.of(ONCE, 0));
        }
        assertThrows(IllegalArgumentException.class, () -> new MinedNegatives(0));
    }
}
