/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import io.latent4j.it.Lines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The vocabulary of a word-level language model: lower-case words and single marks by falling frequency, every number as
 * {@code 0}. Ids: 0 padding, 1 unknown, 2 start of text, then words.
 */
public final class Words {
    /** Fills sequences up. */
    public static final int PADDING = 0;
    /** Stands for every word that isn't in the vocabulary. */
    public static final int UNKNOWN = 1;
    /** Token at the start of every text. */
    public static final int START = 2;

    private static final List<String> SPECIAL = List.of("<pad>", "<unk>", "<s>");
    private static final Pattern TOKEN = Pattern.compile("\\p{L}+|\\p{N}+|[^\\s\\p{L}\\p{N}]");

    private final List<String> tokens;
    private final Map<String, Integer> ids = new HashMap<>();

    private Words(List<String> tokens) {
        this.tokens = List.copyOf(tokens);
        for (int id = 0; id < tokens.size(); id++) {
            ids.put(tokens.get(id), id);
        }
    }

    /**
     * The most frequent words of texts; of equally frequent ones the first in alphabetical order.
     *
     * @param texts the texts
     * @param size number of tokens, special ones included
     * @return the vocabulary, smaller if there aren't that many words
     */
    public static Words of(List<String> texts, int size) {
        if (size <= SPECIAL.size()) {
            throw new IllegalArgumentException("size: expected more than " + SPECIAL.size() + ", found " + size);
        }
        Map<String, Integer> counts = new HashMap<>();
        texts.forEach(text -> split(text).forEach(token -> counts.merge(token, 1, Integer::sum)));
        List<String> tokens = new ArrayList<>(SPECIAL);
        counts.entrySet().stream()
                .sorted(Map.Entry.<String, Integer>comparingByValue(Comparator.reverseOrder())
                        .thenComparing(Map.Entry.comparingByKey()))
                .limit(size - SPECIAL.size())
                .forEach(entry -> tokens.add(entry.getKey()));
        return new Words(tokens);
    }

    /**
     * Reads a vocabulary that {@link #write} wrote.
     *
     * @param file one token per line
     * @return the vocabulary
     * @throws IOException if the file can't be read, doesn't start with the special tokens, or names a token twice
     */
    public static Words read(Path file) throws IOException {
        List<String> tokens = Lines.of(file);
        if (tokens.size() < SPECIAL.size() || !tokens.subList(0, SPECIAL.size()).equals(SPECIAL)) {
            throw new IOException(file + ": expected " + SPECIAL + " in the first lines, found "
                    + tokens.subList(0, Math.min(tokens.size(), SPECIAL.size())));
        }
        Words words = new Words(tokens);
        if (words.ids.size() != tokens.size()) {
            throw new IOException(
                    file + ": expected " + tokens.size() + " different tokens, found " + words.ids.size());
        }
        return words;
    }

    /**
     * Writes the vocabulary.
     *
     * @param file where to
     * @throws IOException if the file can't be written
     */
    public void write(Path file) throws IOException {
        Files.write(file, tokens);
    }

    /** Number of tokens. */
    public int size() {
        return tokens.size();
    }

    /** Tokens by id. */
    public List<String> tokens() {
        return tokens;
    }

    /**
     * Ids of a text's words.
     *
     * @param text any text
     * @return ids, {@link #START} first
     */
    public int[] encode(String text) {
        return Stream.concat(Stream.of(START), split(text).map(token -> ids.getOrDefault(token, UNKNOWN)))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private static Stream<String> split(String text) {
        return TOKEN.matcher(text.toLowerCase(Locale.ROOT))
                .results()
                .map(MatchResult::group)
                .map(token -> Character.isDigit(token.codePointAt(0)) ? "0" : token);
    }
}
