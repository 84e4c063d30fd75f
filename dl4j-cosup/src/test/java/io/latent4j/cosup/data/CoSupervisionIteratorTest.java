/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.data.Instance.Segment;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.AsyncMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

class CoSupervisionIteratorTest {
    private static final Map<String, Passage> PASSAGES = Letters.passages(
            new Passage("P", "pp"),
            new Passage("Q", "qqq"),
            new Passage("P again", "p p"),
            new Passage("S", "sssss"),
            new Passage("T", "t"));

    private static CoSupervisionIterator.Builder iterator(Instance... instances) {
        return CoSupervisionIterator.builder(
                        new CoSupervisionData(List.of(instances), PASSAGES),
                        Letters.encoder().build())
                .shuffle(false);
    }

    private static Instance question(String prompt, String answer, String passage, String... negatives) {
        return new Instance(prompt, List.of(new Segment(answer, passage, List.of(negatives))), "");
    }

    /** Instances "a", "aa", …, told apart by their length. */
    private static Instance[] numbered(int count) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(i -> question("a".repeat(i), "b", i % 2 == 0 ? "P" : "Q"))
                .toArray(Instance[]::new);
    }

    private static String row(INDArray matrix, int row) {
        return Letters.show(matrix.getRow(row).toIntVector());
    }

    @Test
    void makesTheAgreedArrays() {
        CoSupervisionIterator iterator = iterator(
                        question("ab", "c", "Q", "S"), // abRqqq[c].
                        new Instance("d", List.of(Segment.grounded("e", "P"), Segment.grounded("", "Q")), "f"),
                        new Instance("g", List.of(), "hi"))
                .build();
        MultiDataSet batch = iterator.next();

        INDArray tokens = batch.getFeatures(0);
        assertArrayEquals(new long[] {3, 14}, tokens.shape());
        assertEquals(DataType.INT32, tokens.dataType());
        assertEquals("abRqqq[c]_____", row(tokens, 0));
        assertEquals("dRpp[e]Rqqq[]f", row(tokens, 1));
        assertEquals("ghi___________", row(tokens, 2));
        assertMask(batch.getFeaturesMaskArray(0), "11111111100000", "11111111111111", "11100000000000");

        INDArray next = batch.getLabels(0);
        assertArrayEquals(new long[] {3, 1, 14}, next.shape());
        assertEquals(DataType.INT32, next.dataType());
        assertEquals("bRqqq[c]._____", row(next.reshape(3, 14), 0));
        assertEquals("Rpp[e]Rqqq[]f.", row(next.reshape(3, 14), 1));
        assertEquals("hi.___________", row(next.reshape(3, 14), 2));
        assertMask(batch.getLabelsMaskArray(0), "01111111100000", "11111111111111", "11100000000000");

        INDArray passages = batch.getFeatures(1);
        assertEquals(DataType.INT32, passages.dataType());
        assertEquals("qqq__", row(passages, 0));
        assertEquals("pp___", row(passages, 1));
        assertEquals("sssss", row(passages, 2));
        assertMask(batch.getFeaturesMaskArray(1), "11100", "11000", "11111");
        assertEquals(DataType.INT32, batch.getFeatures(2).dataType());
        assertArrayEquals(new int[][] {{1}, {0}, {2}}, batch.getFeatures(2).toIntMatrix());
        assertNull(batch.getFeaturesMaskArray(2));

        INDArray columns = batch.getLabels(1);
        assertArrayEquals(new long[] {3, 1, 14}, columns.shape());
        assertEquals(DataType.INT32, columns.dataType());
        int[][] expected = new int[3][14];
        Arrays.stream(expected).forEach(row -> Arrays.fill(row, -1));
        expected[0][2] = 0;
        expected[1][1] = 1;
        expected[1][7] = 0;
        assertArrayEquals(expected, columns.reshape(3, 14).toIntMatrix());
        assertMask(batch.getLabelsMaskArray(1), "00100000000000", "01000001000000", "00000000000000");
        assertFalse(iterator.hasNext());
    }

    private static void assertMask(INDArray mask, String... rows) {
        assertEquals(DataType.FLOAT, mask.dataType());
        float[][] found = mask.toFloatMatrix();
        assertEquals(rows.length, found.length);
        for (int i = 0; i < rows.length; i++) {
            float[] expected = new float[rows[i].length()];
            for (int j = 0; j < expected.length; j++) {
                expected[j] = rows[i].charAt(j) - '0';
            }
            assertArrayEquals(expected, found[i]);
        }
    }

    @Test
    void aBatchWithoutRetrievalsHasOnePaddingPassage() {
        MultiDataSet batch = iterator(new Instance("a", List.of(), "b")).build().next();
        assertEquals("_", row(batch.getFeatures(1), 0));
        assertArrayEquals(new long[] {1, 1}, batch.getFeatures(1).shape());
        assertMask(batch.getFeaturesMaskArray(1), "1");
        assertArrayEquals(new int[][] {{-1}}, batch.getFeatures(2).toIntMatrix());
        assertArrayEquals(
                new int[][] {{-1, -1}}, batch.getLabels(1).reshape(1, 2).toIntMatrix());
        assertMask(batch.getLabelsMaskArray(1), "00");
    }

    @Test
    void duplicatesAreOnePassageAndNoNegatives() {
        CoSupervisionIterator iterator = iterator(
                        question("a", "b", "P", "P again", "T"), question("a", "c", "P again"), question("a", "d", "Q"))
                .build();
        assertEquals(4, iterator.passages());
        assertEquals(iterator.passageNumber("P"), iterator.passageNumber("P again"));
        assertEquals("P", iterator.passageId(iterator.passageNumber("P again")));
        assertEquals("T", iterator.passageId(3));
        MultiDataSet batch = iterator.next();
        assertArrayEquals(new int[][] {{0}, {1}, {3}}, batch.getFeatures(2).toIntMatrix());
        assertEquals(0, batch.getLabels(1).getInt(0, 0, 1));
        assertEquals(0, batch.getLabels(1).getInt(1, 0, 1));
        assertEquals(1, batch.getLabels(1).getInt(2, 0, 1));
    }

    @Test
    void takesMinedNegativesAndFurtherPositives() {
        CoSupervisionIterator iterator = iterator(question("a", "b", "P", "T"), question("aa", "c", "Q"))
                .hardNegatives((instance, segment) ->
                        instance.prompt().equals("a") ? List.of("P again", "Q", "S") : List.of("P"))
                .furtherPositives((instance, segment) -> instance.prompt().equals("aa") ? List.of("Q", "S") : List.of())
                .build();
        MultiDataSet batch = iterator.next();
        // positives P, Q, S in this order, then T; what else was mined is there already
        assertArrayEquals(new int[][] {{0}, {1}, {2}, {3}}, batch.getFeatures(2).toIntMatrix());
        INDArray columns = batch.getLabels(1);
        assertEquals(2, columns.size(1));
        assertEquals(0, columns.getInt(0, 0, 1));
        assertEquals(-1, columns.getInt(0, 1, 1));
        assertEquals(1, columns.getInt(1, 0, 2));
        assertEquals(2, columns.getInt(1, 1, 2));
    }

    @Test
    void limitsHardNegatives() {
        Instance instance = question("a", "b", "P", "Q", "S", "T");
        assertEquals(4, iterator(instance).build().next().getFeatures(1).size(0));
        assertEquals(
                3,
                iterator(instance)
                        .maxHardNegatives(2)
                        .build()
                        .next()
                        .getFeatures(1)
                        .size(0));
        assertEquals(
                1,
                iterator(instance)
                        .maxHardNegatives(0)
                        .build()
                        .next()
                        .getFeatures(1)
                        .size(0));
    }

    @Test
    void eachPassHasItsOwnOrderWhichTheSeedDecides() {
        CoSupervisionIterator iterator =
                iterator(numbered(20)).shuffle(true).seed(3).batchSize(6).build();
        List<Integer> first = lengths(iterator);
        iterator.reset();
        List<Integer> second = lengths(iterator);
        assertEquals(20, new HashSet<>(first).size());
        assertEquals(20, new HashSet<>(second).size());
        assertNotEquals(first, second);

        CoSupervisionIterator again =
                iterator(numbered(20)).shuffle(true).seed(3).batchSize(6).build();
        again.reset(); // nothing drawn: still the first pass
        assertEquals(first, lengths(again));
        again.reset();
        assertEquals(second, lengths(again));
        assertNotEquals(
                first,
                lengths(iterator(numbered(20))
                        .shuffle(true)
                        .seed(4)
                        .batchSize(6)
                        .build()));
    }

    /** Prompt lengths, which tell instances apart, over a whole pass. */
    private static List<Integer> lengths(MultiDataSetIterator iterator) {
        List<Integer> lengths = new ArrayList<>();
        while (iterator.hasNext()) {
            INDArray tokens = iterator.next().getFeatures(0);
            for (int i = 0; i < tokens.size(0); i++) {
                lengths.add(row(tokens, i).indexOf('R'));
            }
        }
        return lengths;
    }

    @Test
    void batchesCoverAPass() {
        CoSupervisionIterator iterator = iterator(numbered(7)).batchSize(3).build();
        assertEquals(7, iterator.size());
        assertEquals(3, iterator.next().getFeatures(0).size(0));
        assertEquals(2, iterator.next(2).getFeatures(0).size(0));
        assertEquals(2, iterator.next().getFeatures(0).size(0));
        assertFalse(iterator.hasNext());
        assertThrows(NoSuchElementException.class, iterator::next);
        iterator.reset();
        assertTrue(iterator.hasNext());
    }

    @Test
    void worksInAPrefetchingIterator() {
        CoSupervisionIterator plain =
                iterator(numbered(20)).shuffle(true).seed(5).batchSize(3).build();
        List<Integer> expected = lengths(plain);
        plain.reset();
        List<Integer> expectedNext = lengths(plain);

        CoSupervisionIterator backing =
                iterator(numbered(20)).shuffle(true).seed(5).batchSize(3).build();
        assertTrue(backing.asyncSupported() && backing.resetSupported());
        AsyncMultiDataSetIterator async = new AsyncMultiDataSetIterator(backing, 4);
        assertEquals(expected, lengths(async));
        async.reset();
        assertEquals(expectedNext, lengths(async));
        async.shutdown();
    }

    @Test
    void honoursThePreProcessor() {
        CoSupervisionIterator iterator = iterator(numbered(2)).build();
        MultiDataSetPreProcessor doubled = batch -> batch.getLabelsMaskArray(0).muli(2);
        assertNull(iterator.getPreProcessor());
        iterator.setPreProcessor(doubled);
        assertSame(doubled, iterator.getPreProcessor());
        assertEquals(2, iterator.next().getLabelsMaskArray(0).maxNumber().intValue());
    }

    @Test
    void leavesInstancesWithoutTargetsOut() {
        CoSupervisionData data = new CoSupervisionData(
                List.of(question("abcdefgh", "xyz", "S"), new Instance("a", List.of(), "b")), PASSAGES);
        InstanceEncoder encoder = Letters.encoder().maxLength(8).build();
        CoSupervisionIterator iterator =
                CoSupervisionIterator.builder(data, encoder).build();
        assertEquals(1, iterator.size());
        assertEquals(1, iterator.skipped());
        CoSupervisionData nothing = new CoSupervisionData(data.instances().subList(0, 1), PASSAGES);
        String message = assertThrows(
                        IllegalArgumentException.class,
                        () -> CoSupervisionIterator.builder(nothing, encoder).build())
                .getMessage();
        assertTrue(message.contains("1 whose prompts leave no room"), message);
    }

    @Test
    void survivesSerialization() throws Exception {
        CoSupervisionIterator iterator =
                iterator(numbered(9)).shuffle(true).batchSize(2).build();
        iterator.next();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(iterator);
        }
        CoSupervisionIterator copy = (CoSupervisionIterator)
                new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();
        assertEquals(lengths(iterator), lengths(copy));
    }

    @Test
    void namesWhatIsWrong() {
        assertMessage(
                "num must be at least 1, found 0",
                () -> iterator(numbered(1)).build().next(0));
        assertMessage("batchSize must be at least 1, found 0", () -> iterator().batchSize(0));
        assertMessage("maxHardNegatives must be at least 0, found -1", () -> iterator()
                .maxHardNegatives(-1));
        assertMessage("found no instance", () -> iterator().build());
        assertMessage(
                "found \"X\" in instance 1, segment 0",
                () -> iterator(question("a", "b", "P"), question("a", "b", "P", "Q", "X")));
        CoSupervisionIterator mined = iterator(numbered(1))
                .hardNegatives((instance, segment) -> List.of("Y"))
                .build();
        assertMessage("found \"Y\"", mined::next);
        assertMessage(
                "found key \"A\" of passage \"B\"",
                () -> new CoSupervisionData(List.of(), Map.of("A", new Passage("B", "b"))));
        assertThrows(IndexOutOfBoundsException.class, () -> mined.passageId(4));
    }

    private static void assertMessage(String expected, Executable code) {
        String message = assertThrows(IllegalArgumentException.class, code).getMessage();
        assertTrue(message.contains(expected), message);
    }
}
