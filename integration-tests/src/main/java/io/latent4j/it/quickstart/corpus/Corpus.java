/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Labelled texts, split into parts that share no source file and no sentence.
 *
 * @param name what the texts are, for the report
 * @param labels class names, sorted; a class's index is its position
 * @param train texts to learn from
 * @param validation texts to choose settings with
 * @param test texts to measure with
 * @param sources what was read, one row per library or file
 * @param dropped texts that were left out because they repeat or contradict another one
 */
public record Corpus(
        String name,
        List<String> labels,
        List<Example> train,
        List<Example> validation,
        List<Example> test,
        List<Source> sources,
        int dropped) {

    /**
     * What one library or file contributed.
     *
     * @param name library with its version, or file name
     * @param label class of its texts; empty if it has several
     * @param files source files with at least one text
     * @param sentences distinct texts kept
     * @param words words in them
     */
    public record Source(String name, String label, int files, int sentences, long words) {}

    /**
     * Draws a sample that is as balanced over the classes as the texts allow: the largest classes are cut first.
     *
     * @param examples texts to draw from
     * @param size largest sample wanted
     * @param seed seed of the draw and of the sample's order
     * @return at most {@code size} texts in random order
     */
    public static List<Example> balanced(List<Example> examples, int size, long seed) {
        List<Example> shuffled = new ArrayList<>(examples);
        Collections.shuffle(shuffled, new Random(seed));
        Map<String, Integer> counts = new TreeMap<>();
        shuffled.forEach(example -> counts.merge(example.label(), 1, Integer::sum));
        int cap = cap(
                counts.values().stream().mapToInt(Integer::intValue).sorted().toArray(), size);
        Map<String, Integer> taken = new HashMap<>();
        List<Example> sample = new ArrayList<>();
        for (Example example : shuffled) {
            if (taken.merge(example.label(), 1, Integer::sum) <= cap) {
                sample.add(example);
            }
        }
        return sample;
    }

    /** The largest c with Σ min(count, c) ≤ size. */
    private static int cap(int[] ascendingCounts, int size) {
        int left = size;
        for (int i = 0; i < ascendingCounts.length; i++) {
            int share = left / (ascendingCounts.length - i);
            if (ascendingCounts[i] > share) {
                return share;
            }
            left -= ascendingCounts[i];
        }
        return Integer.MAX_VALUE;
    }
}
