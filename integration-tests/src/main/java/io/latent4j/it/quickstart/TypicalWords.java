/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.quickstart.corpus.Example;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Words that tell a class from the others: several times as frequent in it as elsewhere, and of those the ones with the
 * largest log odds ratio in standard errors (B. Monroe et al., "Fightin' Words", Political Analysis 16, 2008). Each word
 * speaks for one class at most.
 */
final class TypicalWords {

    private static final double SMOOTHING = 0.5;
    private static final double MIN_RATIO = 4;

    private TypicalWords() {}

    /**
     * The most telling words of each class.
     *
     * @param most words per class
     * @return class to word indices, in the order of the labels; empty if a class has no telling word
     */
    static Optional<Map<String, int[]>> of(List<Example> texts, List<String> labels, Vocabulary vocabulary, int most) {
        double[][] counts = new double[labels.size()][vocabulary.size()];
        Map<String, Integer> indices = new HashMap<>();
        labels.forEach(label -> indices.put(label, indices.size()));
        for (Example text : texts) {
            for (int word : vocabulary.encode(text.text(), TextBatches.MAX_TOKENS)) {
                counts[indices.get(text.label())][word]++;
            }
        }
        double[][] ratios = ratios(counts);
        Map<String, int[]> chosen = new LinkedHashMap<>();
        for (int label = 0; label < labels.size(); label++) {
            double[] own = ratios[label];
            int[] words = IntStream.range(Vocabulary.FIRST_WORD, vocabulary.size())
                    .filter(word -> Character.isLetter(vocabulary.word(word).codePointAt(0)))
                    .filter(word -> own[word] > 0
                            && Arrays.stream(ratios).allMatch(other -> other == own || other[word] < own[word]))
                    .boxed()
                    .sorted(Comparator.comparingDouble(word -> -own[word]))
                    .limit(most)
                    .mapToInt(Integer::intValue)
                    .toArray();
            if (words.length == 0) {
                return Optional.empty();
            }
            chosen.put(labels.get(label), words);
        }
        return Optional.of(chosen);
    }

    /** By label and word: ln(share within the label / share outside it), over its standard error; −∞ if not telling. */
    private static double[][] ratios(double[][] counts) {
        double[] byLabel = Arrays.stream(counts)
                .mapToDouble(row -> Arrays.stream(row).sum())
                .toArray();
        double all = Arrays.stream(byLabel).sum();
        double[][] ratios = new double[counts.length][counts[0].length];
        for (int word = 0; word < counts[0].length; word++) {
            double total = 0;
            for (double[] row : counts) {
                total += row[word];
            }
            for (int label = 0; label < counts.length; label++) {
                double inside = counts[label][word] + SMOOTHING;
                double outside = total - counts[label][word] + SMOOTHING;
                double difference =
                        Math.log(inside / (byLabel[label] + 1)) - Math.log(outside / (all - byLabel[label] + 1));
                ratios[label][word] = difference < Math.log(MIN_RATIO)
                        ? Double.NEGATIVE_INFINITY
                        : difference / Math.sqrt(1 / inside + 1 / outside);
            }
        }
        return ratios;
    }
}
