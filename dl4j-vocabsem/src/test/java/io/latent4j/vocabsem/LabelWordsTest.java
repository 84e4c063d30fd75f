/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Label words: rules, collisions, unknown words. */
class LabelWordsTest {

    private static void assertMessage(String expected, Class<? extends Exception> type, Executable executable) {
        assertEquals(expected, assertThrows(type, executable).getMessage());
    }

    @Test
    void keepsClassesInOrder() {
        LabelWords labels =
                LabelWords.builder().label("b", 4).label("a", 9).label("b", 2).build();
        assertEquals(List.of("b", "a"), labels.classes());
        assertEquals(2, labels.size());
        assertArrayEquals(new int[] {4, 2}, labels.tokenIds(0));
        assertArrayEquals(new int[] {9}, labels.tokenIds(1));
        assertArrayEquals(new int[] {2, 4, 9}, labels.tokenIds());
        assertEquals("LabelWords{b=[4, 2], a=[9]}", labels.toString());
        assertThrows(IndexOutOfBoundsException.class, () -> labels.tokenIds(2));
        labels.tokenIds(0)[0] = 77;
        assertArrayEquals(new int[] {4, 2}, labels.tokenIds(0));
    }

    @Test
    void firstDifferentTokenIsTheFirstThatNoOtherClassSharesWithAllBeforeIt() {
        LabelWords labels = LabelWords.builder()
                .label("A", 1, 2, 7)
                .label("B", 1, 3, 8)
                .label("C", 4, 5, 9)
                .label("D", 1, 3, 9)
                .build();
        assertArrayEquals(new int[] {2}, labels.tokenIds(0));
        assertArrayEquals(new int[] {8}, labels.tokenIds(1));
        assertArrayEquals(new int[] {4}, labels.tokenIds(2));
        assertArrayEquals(new int[] {9}, labels.tokenIds(3));
        // Words of one class need not differ from each other
        LabelWords several = LabelWords.builder()
                .label("A", 1, 2)
                .label("A", 1, 5)
                .label("B", 3)
                .build();
        assertArrayEquals(new int[] {1, 1}, several.tokenIds(0));
    }

    @Test
    void meanTakesAllTokens() {
        LabelWords.Builder builder =
                LabelWords.builder().rule(LabelWords.Rule.MEAN).label("A", 1, 2).label("B", 1, 3);
        assertArrayEquals(new int[] {1, 2}, builder.build().tokenIds(0));
        assertArrayEquals(new int[] {1, 3}, builder.build().tokenIds(1));
        builder.label("C", 2, 1);
        assertMessage(
                "classes must have different tokens, found \"A\" and \"C\" with tokens [1, 2]",
                IllegalArgumentException.class,
                builder::build);
    }

    @Test
    void collisionsNameBothClassesAndTheToken() {
        assertMessage(
                "classes must have different tokens, found \"A\" and \"C\" with token 2",
                IllegalArgumentException.class,
                () -> LabelWords.builder()
                        .label("A", 1, 2)
                        .label("B", 1, 3)
                        .label("C", 2)
                        .build());
        assertMessage(
                "classes must be told apart by a token, found token 1 last in [1] of class \"A\","
                        + " with which a word of class \"B\" begins",
                IllegalArgumentException.class,
                () -> LabelWords.builder().label("A", 1).label("B", 1, 3).build());
        assertMessage(
                "classes must be told apart by a token, found token 5 last in [5] of class \"A\","
                        + " with which a word of class \"B\" begins",
                IllegalArgumentException.class,
                () -> LabelWords.builder().label("A", 5).label("B", 5).build());
    }

    @Test
    void wordsByTokenizerAndVocabulary() {
        Map<String, Integer> vocabulary = Map.of("good", 3, "bad", 8);
        LabelWords byVocabulary = LabelWords.builder()
                .vocabulary(vocabulary)
                .label("+", "good")
                .label("-", "bad")
                .build();
        LabelWords byTokenizer = LabelWords.builder()
                .tokenizer(word -> word.chars().toArray())
                .label("+", "aa")
                .label("-", "ab")
                .build();
        assertArrayEquals(new int[] {8}, byVocabulary.tokenIds(1));
        assertArrayEquals(new int[] {'a'}, byTokenizer.tokenIds(0));
        assertArrayEquals(new int[] {'b'}, byTokenizer.tokenIds(1));
        assertEquals(
                byVocabulary, LabelWords.builder().label("+", 3).label("-", 8).build());
        assertEquals(
                byVocabulary.hashCode(),
                LabelWords.builder().label("+", 3).label("-", 8).build().hashCode());
        assertNotEquals(byVocabulary, byTokenizer);
        assertMessage(
                "the words of class \"0\" must be known, found \"meh\" without tokens",
                IllegalArgumentException.class,
                () -> LabelWords.builder().vocabulary(vocabulary).label("0", "good", "meh"));
        assertMessage(
                "the words of class \"0\" need a tokenizer or a vocabulary, found neither",
                IllegalStateException.class,
                () -> LabelWords.builder().label("0", "good"));
    }

    @Test
    void badInput() {
        assertMessage(
                "labels must have at least 2 classes, found [A]",
                IllegalArgumentException.class,
                () -> LabelWords.builder().label("A", 1).build());
        assertMessage(
                "class \"A\" must have words of token ids >= 0, found [1, -2]",
                IllegalArgumentException.class,
                () -> LabelWords.builder().label("A", 1, -2));
        assertMessage(
                "class \"A\" must have words of token ids >= 0, found []",
                IllegalArgumentException.class,
                () -> LabelWords.builder().label("A", new int[0]));
        assertMessage(
                "class \"A\" must have at least one word, found none",
                IllegalArgumentException.class,
                () -> LabelWords.builder().vocabulary(Map.of()).label("A", new String[0]));
    }
}
