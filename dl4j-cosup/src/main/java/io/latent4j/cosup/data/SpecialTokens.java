/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.util.stream.IntStream;

/**
 * Ids of the tokens that a tokenizer doesn't know: {@code [Ret]} asks for a passage, {@code [Cs]} and {@code [Ce]} enclose
 * the text that rests on it, {@code </s>} ends the text, {@code <pad>} fills a batch up.
 *
 * @param retrieve id of {@code [Ret]}
 * @param contextStart id of {@code [Cs]}
 * @param contextEnd id of {@code [Ce]}
 * @param endOfText id of {@code </s>}
 * @param padding id of {@code <pad>}; masked everywhere
 */
public record SpecialTokens(int retrieve, int contextStart, int contextEnd, int endOfText, int padding) {
    private static final int COUNT = 5;

    /**
     * Checks the ids.
     *
     * @param retrieve id of {@code [Ret]}
     * @param contextStart id of {@code [Cs]}
     * @param contextEnd id of {@code [Ce]}
     * @param endOfText id of {@code </s>}
     * @param padding id of {@code <pad>}
     * @throws IllegalArgumentException if an id is negative or two are equal
     */
    public SpecialTokens {
        int[] ids = {retrieve, contextStart, contextEnd, endOfText, padding};
        if (IntStream.of(ids).anyMatch(id -> id < 0)
                || IntStream.of(ids).distinct().count() < COUNT) {
            throw new IllegalArgumentException("special tokens must be five different ids >= 0, found retrieve "
                    + retrieve + ", contextStart " + contextStart + ", contextEnd " + contextEnd + ", endOfText "
                    + endOfText + ", padding " + padding);
        }
    }

    /**
     * The five ids that follow those of a tokenizer.
     *
     * @param vocabularySize {@link TextTokenizer#vocabularySize()}
     * @return {@code [Ret]}, {@code [Cs]}, {@code [Ce]}, {@code </s>}, {@code <pad>} in this order
     * @throws IllegalArgumentException if the size isn't positive
     */
    public static SpecialTokens after(int vocabularySize) {
        if (vocabularySize < 1 || vocabularySize > Integer.MAX_VALUE - COUNT) {
            throw new IllegalArgumentException(
                    "vocabularySize must be from 1 to " + (Integer.MAX_VALUE - COUNT) + ", found " + vocabularySize);
        }
        return new SpecialTokens(
                vocabularySize, vocabularySize + 1, vocabularySize + 2, vocabularySize + 3, vocabularySize + 4);
    }

    /**
     * The number of ids with these tokens, if the tokenizer's own are no larger.
     *
     * @return largest special id + 1
     */
    public int vocabularySize() {
        return IntStream.of(retrieve, contextStart, contextEnd, endOfText, padding)
                        .max()
                        .orElseThrow()
                + 1;
    }

    /**
     * The number of ids with these tokens: what an embedding and an output layer need.
     *
     * @param tokenizer gives all other ids
     * @return largest id of both + 1
     */
    public int vocabularySize(TextTokenizer tokenizer) {
        return Math.max(vocabularySize(), tokenizer.vocabularySize());
    }

    /**
     * Whether an id is one of these tokens.
     *
     * @param id any id
     * @return true for one of the five
     */
    public boolean contains(int id) {
        return id == retrieve || id == contextStart || id == contextEnd || id == endOfText || id == padding;
    }
}
