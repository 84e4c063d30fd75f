/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.LongStream;

/**
 * Everything that will be trained.
 *
 * @param runs settings in the order in which they are trained
 * @param candidates settings that the search may try after them
 * @param code whether there is code to retrieve
 */
record Plan(List<Setting> runs, int candidates, boolean code) {
    static final double LEARNING_RATE = 1e-2;
    /** The reference implementation's default. */
    static final double SHRINKAGE = 0.2;

    static final int SEEDS = 3;
    /** Time set aside for the language model and all that is done with it, in networks. */
    static final int LANGUAGE_MODEL_NETWORKS = 8;
    /** Texts that the language model is trained with for each one of a network's. */
    static final int LANGUAGE_MODEL_TEXTS = 2;
    /** Time set aside for each model that retrieves code, in networks. */
    static final int CODE_MODEL_NETWORKS = 3;
    /** Texts that each of them is trained with for each one of a network's. */
    static final int CODE_MODEL_TEXTS = 2;

    /**
     * Each λ with each seed; the smallest and the largest λ also with shrinkage. Seed by seed, so that an interrupted
     * plan has complete comparisons.
     *
     * @param lambdas penalty weights; 0, the network without I-STAR, is always added
     * @param firstSeed first of {@link #SEEDS} consecutive seeds
     * @param candidates size of the search
     * @param code whether there is code to retrieve
     */
    static Plan of(List<Double> lambdas, long firstSeed, int candidates, boolean code) {
        TreeSet<Double> sweep = new TreeSet<>(lambdas);
        sweep.add(0.0);
        List<Setting> runs = new ArrayList<>();
        for (long seed : LongStream.range(firstSeed, firstSeed + SEEDS).toArray()) {
            sweep.stream()
                    .sorted(Comparator.comparingDouble(Math::abs))
                    .forEach(lambda -> runs.add(new Setting(lambda, 0, LEARNING_RATE, seed)));
            new TreeSet<>(List.of(sweep.first(), sweep.last()))
                    .stream()
                            .filter(lambda -> lambda != 0)
                            .forEach(lambda -> runs.add(new Setting(lambda, SHRINKAGE, LEARNING_RATE, seed)));
        }
        return new Plan(List.copyOf(runs), candidates, code);
    }

    /** Networks to train in all. */
    int networks() {
        return runs.size() + candidates;
    }

    /** All work, in networks: with the language model and those that retrieve code. */
    int work() {
        int trained = CodeSearch.Supervision.values().length - 1; // one stays untrained
        return networks() + LANGUAGE_MODEL_NETWORKS + (code ? trained * CODE_MODEL_NETWORKS : 0);
    }
}
