/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.it.Spread;
import io.latent4j.it.experiments.CosupModel.Objective;
import io.latent4j.it.experiments.CosupModel.Towers;
import io.latent4j.it.experiments.CosupOutcome.Metric;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** The page that the experiment writes: what was done, with what, and the tables of mean ± standard deviation over seeds. */
record CosupReport(List<CosupOutcome> outcomes) {
    private static final String INTRODUCTION = """
            # Co-supervision on SQuAD

            A program writes this page, from the data folder that `-Dlatent4j.data` names:

                mvn -Pexperiment-cosup verify -Dexperiment.args="--out docs/cosup-experiments.md"

            Compared is what a language model (Gen) and a sequence encoder (Emb_seq) learn from next-token prediction alone
            (NTP, λ = 0), from next-sequence prediction alone (NSP), and from NTP + λ·NSP. All have the same steps, the same
            batches and, for a seed, the same first weights. An instance is `question [Ret] passage [Cs] answer [Ce] </s>`;
            the state at [Ret] is the query, the passages of the batch are the candidates.

            The articles of SQuAD's training file are dealt out by turns to two halves, one of which trains. Each test set
            is one question about each of its passages, and all of these passages are ranked for it:

            - **dev**: the development file, whose articles are others than those of the training file;
            - **seen articles**: passages of the half that trains; the questions measured on are held out, other questions
              about the same passages are trained on;
            - **unseen articles**: passages of the half that doesn't train.

            Retrieval: recall@k and the mean reciprocal rank (0 beyond rank 100) of the question's own passage, and whether a
            gold answer is contained, word by word after normalization, in the text of one of the first passages found,
            whichever they are. Answers: generated greedily from the question, [Ret], a passage and [Cs]; SQuAD's exact match
            and F1, and whether the answer contains a gold answer. The passage is the first one found, or the gold passage.
            "Two models" retrieves with the model trained by NSP alone and writes with the one trained by NTP alone, which is
            twice the parameters and twice the budget. Perplexity: of all targets, and without the tokens of passages.

            A tower is an embedding and, over it, an LSTM beside a linear recurrent layer whose first weights add the words up,
            so that a question is near to passages with its words before any training. With LSTMs alone, the loss of next-sequence
            prediction hardly moved in a hundred steps. The line "untrained" shows what the first weights can do; only
            what goes beyond it has been learned. Both towers begin with the same weights.

            The vocabulary is words in lower case, every number being the same token; so an answer that is a number can't be
            generated, and rare names are unknown. Passages are cut after their first tokens, which often leaves the answer
            out. The models are thousands of times smaller than those of the paper, learn from scratch and see a fraction of the
            questions once: the figures compare objectives with each other, not with those of the paper.
            """;

    private static final List<Metric> RETRIEVAL = List.of(
            Metric.RECALL_1, Metric.RECALL_10, Metric.RECALL_100, Metric.MRR, Metric.ANSWER_IN_1, Metric.ANSWER_IN_5);
    private static final List<Metric> PERPLEXITY =
            List.of(Metric.PERPLEXITY, Metric.PERPLEXITY_WRITTEN, Metric.SECONDS);
    private static final List<Metric> FOUND = List.of(Metric.EXACT, Metric.F1, Metric.CONTAINED);
    private static final List<Metric> GOLD = List.of(Metric.GOLD_EXACT, Metric.GOLD_F1, Metric.GOLD_CONTAINED);
    private static final List<Metric> PAIR = List.of(Metric.PAIR_EXACT, Metric.PAIR_F1, Metric.PAIR_CONTAINED);

    CosupReport {
        outcomes = List.copyOf(outcomes);
    }

    /** One line of a table. */
    private record Row(String title, List<CosupOutcome> cell, List<Metric> metrics) {}

    String page(Map<String, String> environment, String settings) {
        StringBuilder page = new StringBuilder(INTRODUCTION).append("\n## Setting\n\n| | |\n|---|---|\n");
        environment.forEach((name, value) ->
                page.append("| ").append(name).append(" | ").append(value).append(" |\n"));
        page.append('\n')
                .append(settings)
                .append(
                        "\n\nEntries are mean ± standard deviation over seeds, shares in percent; bold is the best mean of a column.\n");
        for (Towers towers : Towers.values()) {
            for (String test : CosupData.TESTS) {
                List<CosupOutcome> those = outcomes.stream()
                        .filter(o -> o.towers() == towers && o.test().equals(test))
                        .toList();
                if (!those.isEmpty()) {
                    page.append("\n## ")
                            .append(test.substring(0, 1).toUpperCase(Locale.ROOT))
                            .append(test.substring(1))
                            .append(", ")
                            .append(towers)
                            .append(" towers\n")
                            .append(tables(those));
                }
            }
        }
        return page.toString();
    }

    private static String tables(List<CosupOutcome> those) {
        return table("Retrieval", RETRIEVAL, rows(those, objective -> List.of(RETRIEVAL)))
                + table("Perplexity", PERPLEXITY, rows(those, objective -> List.of(PERPLEXITY)))
                + table(
                        "Answers from the first passage found",
                        FOUND,
                        rows(
                                those,
                                objective -> objective.equals(Objective.TOKENS.toString())
                                        ? List.of(FOUND, PAIR)
                                        : List.of(FOUND)))
                + table("Answers from the gold passage", FOUND, rows(those, objective -> List.of(GOLD)));
    }

    /** A row per objective in the order NTP, NSP, rising λ, and one more for each further list of metrics. */
    private static List<Row> rows(List<CosupOutcome> those, Function<String, List<List<Metric>>> metrics) {
        List<Row> rows = new ArrayList<>();
        those.stream()
                .map(CosupOutcome::objective)
                .distinct()
                .sorted(Comparator.comparing((String name) -> !name.equals(Objective.NONE.toString()))
                        .thenComparing(name -> name.startsWith("λ"))
                        .thenComparing(name -> name.equals(Objective.SEQUENCES.toString()))
                        .thenComparing(Comparator.naturalOrder()))
                .forEach(objective -> {
                    List<CosupOutcome> cell = those.stream()
                            .filter(o -> o.objective().equals(objective))
                            .toList();
                    for (List<Metric> list : metrics.apply(objective)) {
                        rows.add(new Row(list == PAIR ? "two models" : objective, cell, list));
                    }
                });
        return rows;
    }

    private static String table(String title, List<Metric> columns, List<Row> rows) {
        if (rows.stream().noneMatch(row -> row.cell().stream()
                .anyMatch(o -> o.values().containsKey(row.metrics().get(0))))) {
            return "";
        }
        StringBuilder text = new StringBuilder("\n### " + title + "\n\n| trained by | seeds |");
        columns.forEach(metric -> text.append(' ').append(metric.title()).append(" |"));
        text.append("\n|---|---|").append("---|".repeat(columns.size())).append('\n');
        for (Row row : rows) {
            text.append("| ")
                    .append(row.title())
                    .append(" | ")
                    .append(row.cell().size())
                    .append(" |");
            for (int column = 0; column < columns.size(); column++) {
                int at = column;
                Metric metric = columns.get(column);
                double best = rows.stream()
                        .mapToDouble(other -> spread(other, at).mean())
                        .filter(mean -> !Double.isNaN(mean))
                        .map(mean -> metric.isShare() ? mean : -mean)
                        .max()
                        .orElse(Double.NaN);
                Spread spread = spread(row, at);
                boolean bold = metric != Metric.SECONDS
                        && best != 0
                        && (metric.isShare() ? spread.mean() : -spread.mean()) == best;
                text.append(bold ? " **" : " ").append(entry(spread, metric)).append(bold ? "** |" : " |");
            }
            text.append('\n');
        }
        return text.toString();
    }

    private static Spread spread(Row row, int column) {
        return Spread.of(row.cell().stream()
                .map(o -> o.values().get(row.metrics().get(column)))
                .filter(Objects::nonNull)
                .mapToDouble(Double::doubleValue));
    }

    private static String entry(Spread spread, Metric metric) {
        if (spread.n() == 0) {
            return "–";
        }
        double scale = metric.isShare() ? 100 : 1;
        String shown = number(scale * spread.mean(), metric);
        return spread.n() == 1 ? shown : shown + " ± " + number(scale * spread.deviation(), metric);
    }

    private static String number(double value, Metric metric) {
        return String.format(Locale.ROOT, metric == Metric.SECONDS ? "%.0f" : "%.1f", value);
    }
}
