/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import java.io.IOException;
import java.io.StringWriter;
import java.io.Writer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.nd4j.shade.jackson.databind.ObjectMapper;
import org.nd4j.shade.jackson.databind.SerializationFeature;

/** The numbers behind a report, for programs: one row per network as CSV, everything with curves as JSON. */
final class ResultFiles {
    static final String CSV = "results.csv";
    static final String JSON = "results.json";

    /** Classifiers on the language model's states. */
    static final String SEMANTICS_CSV = "semantics.csv";
    /** Layer by layer, in the whole vocabulary. */
    static final String LENS_CSV = "lens.csv";

    /** Models that retrieve code. */
    static final String CODE_CSV = "code-search.csv";

    private ResultFiles() {}

    static String csv(CodeSearch search) throws IOException {
        Writer text = new StringWriter();
        try (CSVPrinter printer = new CSVPrinter(text, CSVFormat.RFC4180)) {
            printer.printRecord(values(search.scores().get(0)).keySet());
            for (CodeSearch.Score score : search.scores()) {
                printer.printRecord(values(score).values());
            }
        }
        return text.toString();
    }

    private static Map<String, Object> values(CodeSearch.Score score) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("training", score.supervision().title());
        values.put("recallAt1", score.retrieval().recallAt(1));
        values.put("recallAt10", score.retrieval().recallAt(10));
        values.put("mrrAt10", score.retrieval().meanReciprocalRank());
        values.put("perplexity", score.perplexity());
        values.put("answerF1", score.answers().f1());
        values.put("answerExactMatch", score.answers().exactMatch());
        values.put("grounding", score.grounding().share());
        values.put("secondsTraining", score.seconds());
        return values;
    }

    static String csv(Semantics semantics) throws IOException {
        Writer text = new StringWriter();
        try (CSVPrinter printer = new CSVPrinter(text, CSVFormat.RFC4180)) {
            printer.printRecord("method", "shots", "seed", "accuracy", "macroF1");
            for (Semantics.Score score : semantics.scores()) {
                printer.printRecord(
                        score.method().title(), score.shots(), score.seed(), score.accuracy(), score.macroF1());
            }
        }
        return text.toString();
    }

    static String csv(Results results) throws IOException {
        List<Map<String, Object>> rows = new ArrayList<>();
        results.runs().forEach(run -> rows.add(row("run", run)));
        results.candidates().forEach(run -> rows.add(row("search", run)));
        Writer text = new StringWriter();
        try (CSVPrinter printer = new CSVPrinter(text, CSVFormat.RFC4180)) {
            if (!rows.isEmpty()) {
                printer.printRecord(rows.get(0).keySet());
            }
            for (Map<String, Object> row : rows) {
                printer.printRecord(row.values());
            }
        }
        return text.toString();
    }

    static String json(Results results) throws IOException {
        Map<String, Object> root = new LinkedHashMap<>();
        root.put("state", results.state().name().toLowerCase(Locale.ROOT));
        root.put("networksPlanned", results.plan().networks());
        root.put("networksDone", results.networksDone());
        root.put("seconds", results.elapsed().toMillis() / 1000.0);
        root.put("environment", results.environment());
        root.put("corpus", results.corpus().name());
        root.put("labels", results.corpus().labels());
        root.put("trainingTextsOverAllEpochs", results.size().texts());
        root.put("epochs", results.size().epochs());
        root.put("testTexts", results.size().testTexts());
        results.semantics().ifPresent(semantics -> root.put("semantics", values(semantics)));
        results.search()
                .ifPresent(search -> root.put(
                        "codeSearch",
                        search.scores().stream().map(ResultFiles::values).toList()));
        List<Map<String, Object>> networks = new ArrayList<>();
        results.runs().forEach(run -> networks.add(withCurve("run", run)));
        results.candidates().forEach(run -> networks.add(withCurve("search", run)));
        root.put("networks", networks);
        return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(root);
    }

    private static Map<String, Object> values(Semantics semantics) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("trainingTexts", semantics.model().texts());
        values.put("perplexity", semantics.model().perplexity());
        values.put("unigramPerplexity", semantics.model().unigramPerplexity());
        values.put("labelWords", semantics.labelWords());
        values.put("silhouetteBefore", semantics.clusters().before().silhouette());
        values.put("silhouetteAfter", semantics.clusters().after().silhouette());
        values.put("adjustedRandIndexBefore", semantics.clusters().before().adjustedRandIndex());
        values.put("adjustedRandIndexAfter", semantics.clusters().after().adjustedRandIndex());
        values.put("secondsTraining", semantics.model().seconds());
        values.put("secondsElse", semantics.seconds());
        return values;
    }

    private static Map<String, Object> row(String kind, Run run) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("kind", kind);
        row.put("lambda", run.setting().lambda());
        row.put("zeta", run.setting().zeta());
        row.put("learningRate", run.setting().learningRate());
        row.put("seed", run.setting().seed());
        row.put("validationAccuracy", run.validationAccuracy());
        row.putAll(measured(run.test()));
        row.put("seconds", run.seconds());
        return row;
    }

    private static Map<String, Object> withCurve(String kind, Run run) {
        Map<String, Object> network = row(kind, run);
        List<Map<String, Object>> curve = new ArrayList<>();
        for (Run.Point point : run.curve()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("texts", point.texts());
            entry.putAll(measured(point.probe()));
            curve.add(entry);
        }
        network.put("curve", curve);
        return network;
    }

    private static Map<String, Object> measured(Measurement measurement) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("accuracy", measurement.accuracy());
        values.put("macroF1", measurement.macroF1());
        values.put("loss", measurement.loss());
        values.put("isoScoreStar", measurement.isotropy());
        for (int i = 0; i < Classifier.HIDDEN.size(); i++) {
            values.put(
                    "isoScoreStar_" + Classifier.HIDDEN.get(i),
                    measurement.layerIsotropy().get(i));
        }
        return values;
    }
}
