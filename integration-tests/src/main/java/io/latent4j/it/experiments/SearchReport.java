/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.it.Spread;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.math3.stat.inference.WilcoxonSignedRankTest;

/** Searches as CSV, and as the page that the experiment writes. */
record SearchReport(List<SearchOutcome> outcomes) {
    private static final String INTRODUCTION = """
            # TPE and ASHA against random search

            A program writes this page, from the data folder that `-Dlatent4j.data` names:

                mvn -Pexperiment-search verify -Dexperiment.args="--out docs/search-experiments.md"

            Compared are Arbiter's `RandomSearchGenerator` and `TpeCandidateGenerator` with its defaults (multivariate) and
            with univariate estimates, as Bergstra et al. (2011) have them; where candidates are trained also with
            `AsynchronousSuccessiveHalving` (ASHA). All searches of a table have the same budget and the same seeds; none of
            the settings was chosen by these tables. Entries are means ± standard deviations over seeds, of the best value
            found so far. p: Wilcoxon's signed-rank test against random search without ASHA, two-sided, paired by seed and
            exact, at the last budget; with so few seeds and without correction for the number of comparisons. Wins: seeds
            for which the method is better than random search, then those for which it is worse. Bold: the best mean.

            - Branin (2 parameters), Hartmann 6, Rosenbrock 4: continuous functions with known minima, the last with a
              curved valley that axis-parallel estimates don't follow.
            - mixed: a log-uniform and a uniform parameter, two integers, two categories of 3 and 5 values, a boolean; the
              place of the least value along the log-uniform one depends on a category.
            - TREC: question types from the presence of the 600 most frequent words, by dense layer (width, activation),
              I-STAR layer (λ; ζ = 0), neural clustering (residual, hidden factor) and softmax; learning rate and L2 are
              log-uniform: 7 parameters. The score is the accuracy on 500 held-out training texts; the test file's texts
              measure the best candidate at the end. The budget is counted in epochs of training, all with the same
              number of minibatches; ASHA has its first rung after one epoch. A search begins no candidate whose full
              training would exceed the budget; candidates that diverge cost what they used.

            """;

    SearchReport {
        outcomes = List.copyOf(outcomes);
    }

    void writeCsv(Path file) throws IOException {
        CSVFormat format = CSVFormat.DEFAULT
                .builder()
                .setHeader("problem", "method", "seed", "budget", "candidates", "best", "test")
                .setRecordSeparator('\n')
                .build();
        try (CSVPrinter rows = new CSVPrinter(Files.newBufferedWriter(file), format)) {
            for (SearchOutcome o : outcomes) {
                rows.printRecord(o.problem(), o.method(), o.seed(), o.budget(), o.candidates(), o.best(), o.test());
            }
        }
    }

    String page(Map<String, String> environment, String settings) {
        StringBuilder page = new StringBuilder(INTRODUCTION).append("## Setting\n\n| | |\n|---|---|\n");
        environment.forEach((name, value) ->
                page.append("| ").append(name).append(" | ").append(value).append(" |\n"));
        page.append('\n').append(settings).append("\n\n## Known functions\n\n");
        page.append("Distance of the least value found to the function's minimum, after so many evaluations.\n\n");
        for (SearchFunction function : SearchFunction.ALL) {
            page.append("### ").append(function.name()).append("\n\n");
            page.append(table(of(function.name()), true, o -> o.best() - function.minimum(), 3));
        }
        List<SearchOutcome> task = of(SearchTask.NAME);
        if (!task.isEmpty()) {
            page.append(
                            "## Networks for TREC\n\nValidation accuracy of the best candidate in percent, after so many epochs.\n\n")
                    .append(table(task, false, o -> 100 * o.best(), 2))
                    .append("Test accuracy of that candidate.\n\n")
                    .append(table(task, false, o -> 100 * o.test(), 2))
                    .append("Candidates begun.\n\n")
                    .append(counts(task));
        }
        return page.toString();
    }

    private List<SearchOutcome> of(String problem) {
        return outcomes.stream().filter(o -> o.problem().equals(problem)).toList();
    }

    private static String table(
            List<SearchOutcome> those, boolean minimize, ToDoubleFunction<SearchOutcome> value, int digits) {
        List<Integer> budgets =
                those.stream().map(SearchOutcome::budget).distinct().sorted().toList();
        List<String> methods =
                those.stream().map(SearchOutcome::method).distinct().toList();
        int last = budgets.get(budgets.size() - 1);
        double[] reference = values(those, SearchMethod.RANDOM.title(), last, value);
        StringBuilder table = header(budgets, " p | wins : losses |", 2);
        for (String method : methods) {
            table.append("| ").append(method).append(" |");
            for (int budget : budgets) {
                Spread spread = spread(values(those, method, budget, value));
                boolean best = methods.stream()
                        .map(other ->
                                spread(values(those, other, budget, value)).mean())
                        .noneMatch(mean -> minimize ? mean < spread.mean() : mean > spread.mean());
                String text = decimals(spread.mean(), digits) + " ± " + decimals(spread.deviation(), digits);
                table.append(best ? " **" + text + "** |" : " " + text + " |");
            }
            double[] own = values(those, method, last, value);
            table.append(method.equals(SearchMethod.RANDOM.title()) ? " | |\n" : comparison(own, reference, minimize));
        }
        return table.append('\n').toString();
    }

    private static String comparison(double[] own, double[] reference, boolean minimize) {
        int wins = 0;
        int losses = 0;
        for (int i = 0; i < own.length; i++) {
            int order = Double.compare(own[i], reference[i]) * (minimize ? 1 : -1);
            wins += order < 0 ? 1 : 0;
            losses += order > 0 ? 1 : 0;
        }
        double p = wins + losses == 0 ? 1 : new WilcoxonSignedRankTest().wilcoxonSignedRankTest(own, reference, true);
        return " " + decimals(p, 3) + " | " + wins + " : " + losses + " |\n";
    }

    private static String counts(List<SearchOutcome> those) {
        List<Integer> budgets =
                those.stream().map(SearchOutcome::budget).distinct().sorted().toList();
        StringBuilder table = header(budgets, "", 0);
        for (String method :
                those.stream().map(SearchOutcome::method).distinct().toList()) {
            table.append("| ").append(method).append(" |");
            for (int budget : budgets) {
                table.append(' ')
                        .append(decimals(
                                spread(values(those, method, budget, SearchOutcome::candidates))
                                        .mean(),
                                1))
                        .append(" |");
            }
            table.append('\n');
        }
        return table.append('\n').toString();
    }

    private static StringBuilder header(List<Integer> budgets, String more, int columns) {
        List<String> names = new ArrayList<>(List.of("method"));
        budgets.forEach(budget -> names.add(String.valueOf(budget)));
        return new StringBuilder(
                "| " + String.join(" | ", names) + " |" + more + "\n" + "|---".repeat(names.size() + columns) + "|\n");
    }

    /** In order of seeds. */
    private static double[] values(
            List<SearchOutcome> those, String method, int budget, ToDoubleFunction<SearchOutcome> value) {
        return those.stream()
                .filter(o -> o.method().equals(method) && o.budget() == budget)
                .mapToDouble(value)
                .toArray();
    }

    private static Spread spread(double[] values) {
        return Spread.of(Arrays.stream(values));
    }

    private static String decimals(double value, int digits) {
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }
}
