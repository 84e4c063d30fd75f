/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.it.experiments.CosupModel.Towers;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.CSVRecord;

/**
 * One trained model, measured on one test set.
 *
 * @param towers whether weights are shared
 * @param objective what was minimized, see {@link CosupModel.Objective}
 * @param seed what decided first weights and order
 * @param test name of the test set
 * @param values what was measured; what wasn't is missing
 */
record CosupOutcome(Towers towers, String objective, long seed, String test, Map<Metric, Double> values) {
    private static final List<String> KEYS = List.of("towers", "objective", "seed", "test");

    /** What is measured. */
    enum Metric {
        RECALL_1("recall@1", true),
        RECALL_10("recall@10", true),
        RECALL_100("recall@100", true),
        MRR("MRR", true),
        ANSWER_IN_1("answer in top 1", true),
        ANSWER_IN_5("answer in top 5", true),
        PERPLEXITY("all targets", false),
        PERPLEXITY_WRITTEN("without passages", false),
        EXACT("exact match", true),
        F1("F1", true),
        CONTAINED("contained", true),
        GOLD_EXACT("exact match, gold passage", true),
        GOLD_F1("F1, gold passage", true),
        GOLD_CONTAINED("contained, gold passage", true),
        PAIR_EXACT("exact match, two models", true),
        PAIR_F1("F1, two models", true),
        PAIR_CONTAINED("contained, two models", true),
        SECONDS("seconds of training", false);

        private final String title;
        private final boolean share;

        Metric(String title, boolean share) {
            this.title = title;
            this.share = share;
        }

        /** For the head of a table. */
        String title() {
            return title;
        }

        /** Whether it lies in [0, 1] and more is better; otherwise less is. */
        boolean isShare() {
            return share;
        }
    }

    CosupOutcome {
        EnumMap<Metric, Double> sorted = new EnumMap<>(Metric.class);
        sorted.putAll(values);
        values = sorted;
    }

    /** Writes outcomes behind those that are there; begins the file with a header. */
    static void append(Path file, List<CosupOutcome> outcomes) throws IOException {
        boolean begin = !Files.exists(file);
        CSVFormat format = CSVFormat.DEFAULT.builder().setRecordSeparator('\n').build();
        try (Writer writer = Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                CSVPrinter rows = new CSVPrinter(writer, format)) {
            if (begin) {
                rows.printRecord(
                        Stream.concat(KEYS.stream(), Stream.of(Metric.values()).map(Metric::name)));
            }
            for (CosupOutcome o : outcomes) {
                rows.printRecord(Stream.concat(
                        Stream.of(o.towers.name(), o.objective, o.seed, o.test),
                        Stream.of(Metric.values())
                                .map(metric -> o.values.containsKey(metric) ? o.values.get(metric) : "")));
            }
        }
    }

    /** Reads what was appended; nothing if there is no such file. */
    static List<CosupOutcome> read(Path file) throws IOException {
        List<CosupOutcome> outcomes = new ArrayList<>();
        if (!Files.exists(file)) {
            return outcomes;
        }
        CSVFormat format = CSVFormat.DEFAULT
                .builder()
                .setHeader()
                .setSkipHeaderRecord(true)
                .build();
        try (Reader reader = Files.newBufferedReader(file)) {
            for (CSVRecord row : format.parse(reader)) {
                Map<Metric, Double> values = new EnumMap<>(Metric.class);
                for (Metric metric : Metric.values()) {
                    if (!row.get(metric.name()).isEmpty()) {
                        values.put(metric, Double.valueOf(row.get(metric.name())));
                    }
                }
                outcomes.add(new CosupOutcome(
                        Towers.valueOf(row.get("towers")),
                        row.get("objective"),
                        Long.parseLong(row.get("seed")),
                        row.get("test"),
                        values));
            }
        }
        return outcomes;
    }
}
