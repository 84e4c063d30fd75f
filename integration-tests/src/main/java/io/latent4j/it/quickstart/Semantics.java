/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.Spread;
import io.latent4j.vocabsem.analysis.ClusterComparison;
import io.latent4j.vocabsem.analysis.LensReport;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * What vocabulary-defined semantics made of a small language model's states.
 *
 * @param model the language model
 * @param labelWords class to the words that stand for it
 * @param scores one per method, number of shots and seed
 * @param clusters test states before and after neural clustering with the most shots
 * @param words how the next words of test texts come about, layer by layer, in the whole vocabulary
 * @param logits the same through the model's own logits, for comparison
 * @param sentence the example of {@code words} to show, one word per step, what was read
 * @param classes how the classes of test texts come about, layer by layer and after neural clustering
 * @param texts the examples of {@code classes} to show: one per class, by their index
 * @param vocabulary the words
 * @param seconds wall-clock time of everything but the language model's training
 */
record Semantics(
        Model model,
        Map<String, List<String>> labelWords,
        List<Score> scores,
        ClusterComparison clusters,
        LensReport words,
        LensReport logits,
        Sentence sentence,
        LensReport classes,
        Map<Integer, String> texts,
        Vocabulary vocabulary,
        double seconds) {

    /** Ways from states to classes. */
    enum Method {
        LINEAR("linear head"),
        BASES("SemanticLogits, untrained"),
        CLUSTERING("NeuralClustering + SemanticLogits");

        private final String title;

        Method(String title) {
            this.title = title;
        }

        String title() {
            return title;
        }
    }

    /**
     * The language model.
     *
     * @param texts texts that it was trained with, counted over all epochs
     * @param epochs passes over them
     * @param perplexity on test texts
     * @param unigramPerplexity of guessing by the training texts' word frequencies, on the same texts
     * @param seconds wall-clock time of its training
     */
    record Model(int texts, int epochs, double perplexity, double unigramPerplexity, double seconds) {}

    /**
     * A classifier on test texts.
     *
     * @param shots training texts per class; 0 without training
     * @param macroF1 mean over all classes of F1
     */
    record Score(Method method, int shots, long seed, double accuracy, double macroF1) {}

    /**
     * A text that the lens shows.
     *
     * @param example its index in the report
     * @param read what the model had read at each step
     */
    record Sentence(int example, List<String> read) {}

    /** Over seeds. */
    Spread of(Method method, int shots, ToDoubleFunction<Score> number) {
        return Spread.of(scores.stream()
                .filter(score -> score.method() == method && score.shots() == shots)
                .mapToDouble(number));
    }

    /** Shots of a method, ascending. */
    List<Integer> shots(Method method) {
        return scores.stream()
                .filter(score -> score.method() == method)
                .map(Score::shots)
                .distinct()
                .sorted()
                .toList();
    }
}
