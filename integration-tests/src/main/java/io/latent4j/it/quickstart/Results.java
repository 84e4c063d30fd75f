/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.Spread;
import io.latent4j.it.quickstart.corpus.Corpus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * What is known of an experiment at some moment; all that a report needs.
 *
 * @param corpus what was read
 * @param plan what was to be trained
 * @param environment where it ran
 * @param size how much each network was trained
 * @param runs runs completed
 * @param candidates candidates of the search completed
 * @param semantics what the language model showed; empty as long as it isn't known, or if it is not to be had
 * @param search what the models that retrieve code showed; empty as long as it isn't known, or without code
 * @param state whether more was to come
 * @param elapsed time since the start
 */
record Results(
        Corpus corpus,
        Plan plan,
        Map<String, String> environment,
        Size size,
        List<Run> runs,
        List<Run> candidates,
        Optional<Semantics> semantics,
        Optional<CodeSearch> search,
        State state,
        Duration elapsed) {

    /**
     * How much each network is trained.
     *
     * @param texts training texts counted over all epochs; 0 as long as this isn't known
     * @param epochs passes over the training texts
     * @param testTexts texts that it is measured on
     */
    record Size(int texts, int epochs, int testTexts) {}

    /** How far the experiment got. */
    enum State {
        RUNNING,
        INTERRUPTED,
        COMPLETE
    }

    /** Runs that differ only in their seed. */
    record Group(Setting setting, List<Run> runs) {

        Spread of(ToDoubleFunction<Run> value) {
            return Spread.of(runs.stream().mapToDouble(value));
        }

        Spread accuracy() {
            return of(run -> run.test().accuracy());
        }

        Spread isotropy() {
            return of(run -> run.test().isotropy());
        }

        /** IsoScore* of one hidden layer. */
        Spread isotropy(int layer) {
            return of(run -> run.test().layerIsotropy().get(layer));
        }
    }

    /** Groups by ζ, then λ. */
    List<Group> groups() {
        Map<Setting, List<Run>> grouped = new LinkedHashMap<>();
        for (Run run : runs) {
            grouped.computeIfAbsent(run.setting().anySeed(), setting -> new ArrayList<>())
                    .add(run);
        }
        return grouped.entrySet().stream()
                .map(entry -> new Group(entry.getKey(), entry.getValue()))
                .sorted(Comparator.<Group>comparingDouble(
                                group -> group.setting().zeta())
                        .thenComparingDouble(group -> group.setting().lambda()))
                .toList();
    }

    /** The λ sweep: groups with ζ = 0, from the smallest λ to the largest. */
    List<Group> sweep() {
        return groups().stream().filter(group -> group.setting().zeta() == 0).toList();
    }

    Optional<Group> baseline() {
        return groups().stream().filter(group -> !group.setting().regularized()).findFirst();
    }

    int networksDone() {
        return runs.size() + candidates.size();
    }
}
