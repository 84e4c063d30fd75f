/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.quickstart.corpus.Example;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Lower-case words of the training texts and their indices; 0 pads, 1 stands for every word too rare to be learned. */
final class Vocabulary {
    static final int PADDING = 0;
    static final int UNKNOWN = 1;
    static final int FIRST_WORD = 2;

    private static final int MIN_COUNT = 3;
    /** Bounds the embedding table, which Adam updates as a whole at every step. */
    private static final int MAX_SIZE = 5000;

    private static final Pattern TOKEN = Pattern.compile("\\p{L}+|\\p{N}+|[?!]");

    private final Map<String, Integer> indices = new HashMap<>();
    private final List<String> words = new ArrayList<>(List.of("·", "?"));

    Vocabulary(List<Example> training) {
        this(training, MAX_SIZE);
    }

    /**
     * The most frequent words.
     *
     * @param size indices in all, those of padding and unknown words counted
     */
    Vocabulary(List<Example> training, int size) {
        Map<String, Integer> counts = new HashMap<>();
        training.forEach(example -> tokens(example.text()).forEach(token -> counts.merge(token, 1, Integer::sum)));
        counts.entrySet().stream()
                .filter(entry -> entry.getValue() >= MIN_COUNT)
                .sorted(Map.Entry.<String, Integer>comparingByValue(Comparator.reverseOrder())
                        .thenComparing(Map.Entry.comparingByKey()))
                .limit(size - FIRST_WORD)
                .forEach(entry -> {
                    indices.put(entry.getKey(), words.size());
                    words.add(entry.getKey());
                });
    }

    /** The word of an index. */
    String word(int index) {
        return words.get(index);
    }

    int size() {
        return words.size();
    }

    /** Indices of the first tokens of a text; at least one, so that no sequence is empty. */
    int[] encode(String text, int maxTokens) {
        int[] encoded = tokens(text).stream()
                .limit(maxTokens)
                .mapToInt(token -> indices.getOrDefault(token, UNKNOWN))
                .toArray();
        return encoded.length == 0 ? new int[] {UNKNOWN} : encoded;
    }

    /** Words, numbers (all written {@code 0}) and the marks that tell a question or an exclamation. */
    static List<String> tokens(String text) {
        return TOKEN.matcher(text.toLowerCase(Locale.ROOT))
                .results()
                .map(MatchResult::group)
                .map(token -> Character.isDigit(token.codePointAt(0)) ? "0" : token)
                .toList();
    }
}
