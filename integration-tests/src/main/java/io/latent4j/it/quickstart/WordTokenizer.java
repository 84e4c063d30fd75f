/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.cosup.data.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Frequent words as tokens; all others are one. */
final class WordTokenizer implements TextTokenizer {
    static final int UNKNOWN = 0;

    private final List<String> words;
    private final Map<String, Integer> ids = new HashMap<>();

    /** @param words words by id, that of unknown ones first */
    WordTokenizer(List<String> words) {
        this.words = List.copyOf(words);
        for (int id = 0; id < words.size(); id++) {
            ids.put(words.get(id), id);
        }
    }

    /** The most frequent words of texts; of equally frequent ones the first in alphabetical order. */
    static WordTokenizer of(List<String> texts, int size) {
        Map<String, Integer> counts = new HashMap<>();
        texts.forEach(text -> Vocabulary.tokens(text).forEach(word -> counts.merge(word, 1, Integer::sum)));
        List<String> words = new ArrayList<>(List.of("…"));
        counts.entrySet().stream()
                .sorted(Map.Entry.<String, Integer>comparingByValue(Comparator.reverseOrder())
                        .thenComparing(Map.Entry.comparingByKey()))
                .limit(size - 1)
                .forEach(word -> words.add(word.getKey()));
        return new WordTokenizer(words);
    }

    /** Words by id. */
    List<String> words() {
        return words;
    }

    @Override
    public int[] encode(String text) {
        return Vocabulary.tokens(text).stream()
                .mapToInt(word -> ids.getOrDefault(word, UNKNOWN))
                .toArray();
    }

    @Override
    public String decode(int[] ids) {
        return Arrays.stream(ids).mapToObj(words::get).collect(Collectors.joining(" "));
    }

    @Override
    public int vocabularySize() {
        return words.size();
    }
}
