/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The words that stand for the classes of a task (a verbalizer): class name → ids of the vocabulary tokens whose mean
 * basis is the class's basis.
 *
 * <pre>{@code
 * LabelWords labels = LabelWords.builder()
 *         .tokenizer(tokenizer::encode)
 *         .label("positive", " great")
 *         .label("negative", " terrible")
 *         .build();
 * }</pre>
 *
 * <p>A word may be a sequence of tokens; the {@link Rule} says which of them count. A class may have several words, of
 * which each gives its tokens. Instances are immutable.
 *
 * <p>Source: Gu et al., arXiv 2401.16184, whose label words of several tokens are told apart by the first token that
 * differs; the mean is ours.
 */
public final class LabelWords {
    /** Which tokens of a word of several tokens count. */
    public enum Rule {
        /**
         * The first token that sets the word apart from the words of all other classes: token t_p at the first position p
         * for which no other class's word begins with the same p+1 tokens. A word with which another class's word begins
         * has none: that is an error. So is a token that comes out for two classes. The default.
         */
        FIRST_DIFFERENT,
        /** All tokens: the class's basis is the mean of their bases. Two classes of the same tokens are an error. */
        MEAN
    }

    private final List<String> classes;
    private final int[][] tokenIds;

    private LabelWords(List<String> classes, int[][] tokenIds) {
        this.classes = List.copyOf(classes);
        this.tokenIds = tokenIds;
    }

    /**
     * Starts with no class.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * The class names.
     *
     * @return names in the order in which they were added, which is that of the class indices
     */
    public List<String> classes() {
        return classes;
    }

    /**
     * The number of classes.
     *
     * @return C, at least 2
     */
    public int size() {
        return classes.size();
    }

    /**
     * The tokens whose mean basis is that of a class.
     *
     * @param classIndex index in [0, C)
     * @return a copy of its token ids, at least one
     * @throws IndexOutOfBoundsException if there is no such class
     */
    public int[] tokenIds(int classIndex) {
        return tokenIds[Objects.checkIndex(classIndex, tokenIds.length)].clone();
    }

    /**
     * All tokens that are needed for the bases of all classes.
     *
     * @return distinct ids in ascending order
     */
    public int[] tokenIds() {
        return Arrays.stream(tokenIds)
                .flatMapToInt(Arrays::stream)
                .sorted()
                .distinct()
                .toArray();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof LabelWords other
                && classes.equals(other.classes)
                && Arrays.deepEquals(tokenIds, other.tokenIds);
    }

    @Override
    public int hashCode() {
        return 31 * classes.hashCode() + Arrays.deepHashCode(tokenIds);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("LabelWords{");
        for (int c = 0; c < tokenIds.length; c++) {
            text.append(c == 0 ? "" : ", ").append(classes.get(c)).append('=').append(Arrays.toString(tokenIds[c]));
        }
        return text.append('}').toString();
    }

    /** Collects classes and their words. */
    public static final class Builder {
        private final Map<String, List<int[]>> words = new LinkedHashMap<>();
        private Rule rule = Rule.FIRST_DIFFERENT;
        private @Nullable Function<String, int[]> tokenizer;

        private Builder() {}

        /**
         * Sets the rule for words of several tokens.
         *
         * @param rule the rule; {@link Rule#FIRST_DIFFERENT} where not called
         * @return this
         */
        public Builder rule(Rule rule) {
            this.rule = Objects.requireNonNull(rule, "rule");
            return this;
        }

        /**
         * Sets what turns words into token ids; to be called before words are added. The words are given as they stand in
         * a text: with byte-pair vocabularies usually with a leading space.
         *
         * @param tokenizer gives the ids of a word, without any special tokens
         * @return this
         */
        public Builder tokenizer(Function<String, int[]> tokenizer) {
            this.tokenizer = Objects.requireNonNull(tokenizer, "tokenizer");
            return this;
        }

        /**
         * Looks words up as single tokens; to be called before words are added.
         *
         * @param vocabulary token → id
         * @return this
         */
        public Builder vocabulary(Map<String, Integer> vocabulary) {
            Objects.requireNonNull(vocabulary, "vocabulary");
            return tokenizer(word -> {
                Integer id = vocabulary.get(word);
                return id == null ? new int[0] : new int[] {id};
            });
        }

        /**
         * Adds words to a class by their text.
         *
         * @param name the class's name; a name that is new begins the next class
         * @param words one or more words
         * @return this
         * @throws IllegalArgumentException if no word is given, or one that the tokenizer has no tokens for
         * @throws IllegalStateException if neither tokenizer nor vocabulary has been set
         */
        public Builder label(String name, String... words) {
            if (tokenizer == null) {
                throw new IllegalStateException(
                        "the words of class \"" + name + "\" need a tokenizer or a vocabulary, found neither");
            }
            if (words.length == 0) {
                throw new IllegalArgumentException("class \"" + name + "\" must have at least one word, found none");
            }
            for (String word : words) {
                int[] ids = tokenizer.apply(word);
                if (ids == null || ids.length == 0) {
                    throw new IllegalArgumentException(
                            "the words of class \"" + name + "\" must be known, found \"" + word + "\" without tokens");
                }
                label(name, ids);
            }
            return this;
        }

        /**
         * Adds one word to a class by its token ids.
         *
         * @param name the class's name; a name that is new begins the next class
         * @param tokenIds the word's tokens, ids ≥ 0
         * @return this
         * @throws IllegalArgumentException if there is no token or an id is negative
         */
        public Builder label(String name, int... tokenIds) {
            Objects.requireNonNull(name, "name");
            if (tokenIds.length == 0 || Arrays.stream(tokenIds).anyMatch(id -> id < 0)) {
                throw new IllegalArgumentException(
                        "class \"" + name + "\" must have words of token ids >= 0, found " + Arrays.toString(tokenIds));
            }
            words.computeIfAbsent(name, n -> new ArrayList<>()).add(tokenIds.clone());
            return this;
        }

        /**
         * Applies the rule.
         *
         * @return the classes and their tokens
         * @throws IllegalArgumentException if there are fewer than 2 classes, or two that the rule can't tell apart
         */
        public LabelWords build() {
            if (words.size() < 2) {
                throw new IllegalArgumentException("labels must have at least 2 classes, found " + words.keySet());
            }
            List<String> names = List.copyOf(words.keySet());
            int[][] ids = new int[names.size()][];
            for (int c = 0; c < ids.length; c++) {
                String name = names.get(c);
                ids[c] = words.get(name).stream()
                        .flatMapToInt(word ->
                                rule == Rule.MEAN ? Arrays.stream(word) : IntStream.of(firstDifferent(name, word)))
                        .toArray();
            }
            requireDistinct(names, ids);
            return new LabelWords(names, ids);
        }

        private int firstDifferent(String name, int[] word) {
            int position = 0;
            String last = "";
            for (Map.Entry<String, List<int[]>> other : words.entrySet()) {
                if (other.getKey().equals(name)) {
                    continue;
                }
                for (int[] otherWord : other.getValue()) {
                    int mismatch = Arrays.mismatch(word, otherWord);
                    int common = mismatch < 0 ? word.length : mismatch;
                    if (common >= position) {
                        position = common;
                        last = other.getKey();
                    }
                }
            }
            if (position == word.length) {
                throw new IllegalArgumentException("classes must be told apart by a token, found token "
                        + word[word.length - 1] + " last in " + Arrays.toString(word) + " of class \"" + name
                        + "\", with which a word of class \"" + last + "\" begins");
            }
            return word[position];
        }

        private void requireDistinct(List<String> names, int[][] ids) {
            Map<List<Integer>, String> seen = new HashMap<>();
            for (int c = 0; c < ids.length; c++) {
                String name = names.get(c);
                List<List<Integer>> keys = rule == Rule.MEAN
                        ? List.of(Arrays.stream(ids[c]).sorted().boxed().toList())
                        : Arrays.stream(ids[c]).distinct().mapToObj(List::of).toList();
                for (List<Integer> key : keys) {
                    String other = seen.put(key, name);
                    if (other != null) {
                        throw new IllegalArgumentException(
                                "classes must have different tokens, found \"" + other + "\" and \"" + name + "\" with "
                                        + (key.size() == 1 ? "token " + key.get(0) : "tokens " + key));
                    }
                }
            }
        }
    }
}
