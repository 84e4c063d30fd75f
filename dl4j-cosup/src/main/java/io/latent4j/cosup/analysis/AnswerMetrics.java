/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.analysis;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.ToDoubleBiFunction;
import java.util.regex.Pattern;

/**
 * How well generated answers agree with gold ones: exact match, token F1 and containment, as in SQuAD v1.1.
 *
 * <p>Texts are first normalised: lower case, ASCII punctuation removed (not replaced by blanks), the words a, an and the
 * removed, runs of white space made single blanks. Where a question has several gold answers, the best agreement counts:
 *
 * <ul>
 *   <li>exact match: the normalised texts are equal;
 *   <li>F1: harmonic mean of precision and recall of the words, counted with multiplicity; 0 if no word is shared, also
 *       where both are empty, as the SQuAD v1.1 script has it;
 *   <li>containment: the gold answer's words appear in the answer, in order and next to one another. Whole words, so
 *       "cat" is not contained in "category". An empty gold answer is never contained.
 * </ul>
 *
 * <p>References: P. Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text", EMNLP 2016, section
 * 6.1; containment: Lee et al., arXiv 2403.09024, section 4 (correctness).
 *
 * @param answers number of answers
 * @param exactMatch share of answers that match a gold answer exactly
 * @param f1 mean F1 over answers
 * @param containment share of answers that contain a gold answer
 */
public record AnswerMetrics(int answers, double exactMatch, double f1, double containment) {

    /** The ASCII punctuation, string.punctuation in Python. */
    private static final Pattern PUNCTUATION = Pattern.compile("\\p{Punct}");

    private static final Pattern ARTICLES = Pattern.compile("\\b(a|an|the)\\b", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

    /**
     * Measures answers.
     *
     * @param answers the generated answers
     * @param golds for each answer its gold answers, at least one
     * @return means over the answers
     * @throws IllegalArgumentException if the lists are empty or of different length, or an answer has no gold answer
     */
    public static AnswerMetrics of(List<String> answers, List<List<String>> golds) {
        if (answers.size() != golds.size() || answers.isEmpty()) {
            throw new IllegalArgumentException("answers and golds must hold an entry for each of at least one question,"
                    + " found " + answers.size() + " and " + golds.size());
        }
        double exact = 0;
        double f1 = 0;
        double contained = 0;
        for (int i = 0; i < answers.size(); i++) {
            exact += exactMatch(answers.get(i), golds.get(i)) ? 1 : 0;
            f1 += f1(answers.get(i), golds.get(i));
            contained += contains(answers.get(i), golds.get(i)) ? 1 : 0;
        }
        int n = answers.size();
        return new AnswerMetrics(n, exact / n, f1 / n, contained / n);
    }

    /**
     * Whether an answer equals a gold answer after normalisation.
     *
     * @param answer the answer
     * @param golds gold answers, at least one
     * @return whether one matches
     * @throws IllegalArgumentException if there is no gold answer
     */
    public static boolean exactMatch(String answer, List<String> golds) {
        return any(answer, golds, String::equals);
    }

    /**
     * F1 of the words of an answer against the best of its gold answers.
     *
     * @param answer the answer
     * @param golds gold answers, at least one
     * @return in [0, 1]
     * @throws IllegalArgumentException if there is no gold answer
     */
    public static double f1(String answer, List<String> golds) {
        return best(answer, golds, AnswerMetrics::wordF1);
    }

    /**
     * Whether an answer contains a gold answer after normalisation, as whole words.
     *
     * @param answer the answer
     * @param golds gold answers, at least one
     * @return whether one is contained
     * @throws IllegalArgumentException if there is no gold answer
     */
    public static boolean contains(String answer, List<String> golds) {
        return any(answer, golds, (text, gold) -> !gold.isEmpty() && (' ' + text + ' ').contains(' ' + gold + ' '));
    }

    /**
     * Normalises a text as SQuAD's evaluation does.
     *
     * @param text any text
     * @return in lower case, without ASCII punctuation and articles, words parted by single blanks
     */
    public static String normalize(String text) {
        String bare = PUNCTUATION.matcher(text.toLowerCase(Locale.ROOT)).replaceAll("");
        String withoutArticles = ARTICLES.matcher(bare).replaceAll(" ");
        return SPACE.matcher(withoutArticles).replaceAll(" ").strip();
    }

    /** The words of a text after normalisation. */
    static List<String> words(String text) {
        return split(normalize(text));
    }

    /** How many words the two share, each as often as the one that has it less often. */
    static int shared(List<String> first, List<String> second) {
        Map<String, Integer> counts = new HashMap<>();
        second.forEach(word -> counts.merge(word, 1, Integer::sum));
        int shared = 0;
        for (String word : first) {
            int left = counts.getOrDefault(word, 0);
            if (left > 0) {
                shared++;
                counts.put(word, left - 1);
            }
        }
        return shared;
    }

    private static double wordF1(String answer, String gold) {
        List<String> answerWords = split(answer);
        List<String> goldWords = split(gold);
        // 2PR/(P+R) with P = shared/answer and R = shared/gold
        int words = answerWords.size() + goldWords.size();
        return words == 0 ? 0 : 2.0 * shared(answerWords, goldWords) / words;
    }

    private static List<String> split(String normalized) {
        return normalized.isEmpty() ? List.of() : Arrays.asList(normalized.split(" "));
    }

    private static boolean any(String answer, List<String> golds, BiPredicate<String, String> agreement) {
        return best(answer, golds, (text, gold) -> agreement.test(text, gold) ? 1 : 0) > 0;
    }

    private static double best(String answer, List<String> golds, ToDoubleBiFunction<String, String> agreement) {
        if (golds.isEmpty()) {
            throw new IllegalArgumentException("golds must hold at least one gold answer, found none for: " + answer);
        }
        String normalized = normalize(answer);
        return golds.stream()
                .mapToDouble(gold -> agreement.applyAsDouble(normalized, normalize(gold)))
                .max()
                .orElseThrow();
    }
}
