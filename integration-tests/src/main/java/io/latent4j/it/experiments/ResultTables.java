/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.it.Spread;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/** Outcomes as CSV, one row each, and as Markdown tables of mean ± standard deviation over seeds. */
record ResultTables(List<Outcome> outcomes) {
    private static final String[] COLUMNS = {
        "lm",
        "task",
        "method",
        "shots",
        "seed",
        "trainTexts",
        "testTexts",
        "accuracy",
        "macroF1",
        "adaptSeconds",
        "predictSeconds"
    };

    ResultTables {
        outcomes = List.copyOf(outcomes);
    }

    void writeCsv(Path file) throws IOException {
        CSVFormat format = CSVFormat.DEFAULT
                .builder()
                .setHeader(COLUMNS)
                .setRecordSeparator('\n')
                .build();
        try (CSVPrinter rows = new CSVPrinter(Files.newBufferedWriter(file), format)) {
            for (Outcome o : outcomes) {
                rows.printRecord(
                        o.lm(),
                        o.task(),
                        o.method().name(),
                        Outcome.name(o.shots()),
                        o.seed(),
                        o.trainTexts(),
                        o.testTexts(),
                        o.score().accuracy(),
                        o.score().macroF1(),
                        decimals(o.adaptSeconds(), 4),
                        decimals(o.predictSeconds(), 4));
            }
        }
    }

    /** Names of what a table has, in the order of the measurements. */
    private <T> List<T> distinct(List<Outcome> of, Function<Outcome, T> name) {
        return of.stream().map(name).distinct().toList();
    }

    /** One section per language model: a table per number of shots, and one of times. */
    String markdown(Map<String, String> notes) {
        StringBuilder text = new StringBuilder();
        for (String lm : distinct(outcomes, Outcome::lm)) {
            List<Outcome> own = outcomes.stream().filter(o -> o.lm().equals(lm)).toList();
            text.append("## States of ").append(lm).append("\n\n");
            if (notes.containsKey(lm)) {
                text.append(notes.get(lm)).append("\n\n");
            }
            for (int shots : distinct(own, Outcome::shots)) {
                text.append("### ").append(title(shots)).append("\n\n").append(scores(own, shots));
            }
            text.append(
                            "### Seconds\n\nFrom cached states, mean over tasks and seeds: to get ready + for all test texts.\n\n")
                    .append(times(own));
        }
        return text.append(wins()).toString();
    }

    private static String title(int shots) {
        return switch (shots) {
            case Outcome.NONE -> "No training texts";
            case Outcome.ALL -> "All training texts";
            case 1 -> "1 text per class";
            default -> shots + " texts per class";
        };
    }

    private String scores(List<Outcome> own, int shots) {
        List<String> tasks = distinct(own, Outcome::task);
        List<Outcome> those = own.stream().filter(o -> o.shots() == shots).toList();
        StringBuilder table = header("method", tasks);
        for (Method method : distinct(those, Outcome::method)) {
            table.append("| ").append(method.title()).append(" |");
            for (String task : tasks) {
                List<Outcome> cell = cell(those, task, method);
                String numbers = percent(cell, o -> o.score().accuracy()) + " / "
                        + percent(cell, o -> o.score().macroF1());
                boolean best = best(those, task).filter(method::equals).isPresent();
                table.append(cell.isEmpty() ? " – |" : best ? " **" + numbers + "** |" : " " + numbers + " |");
            }
            table.append('\n');
        }
        return table.append('\n').toString();
    }

    private String times(List<Outcome> own) {
        List<Integer> shots = distinct(own, Outcome::shots);
        StringBuilder table = header("method", shots.stream().map(Outcome::name).toList());
        for (Method method : distinct(own, Outcome::method)) {
            table.append("| ").append(method.title()).append(" |");
            for (int number : shots) {
                List<Outcome> cell = own.stream()
                        .filter(o -> o.method() == method && o.shots() == number)
                        .toList();
                table.append(
                        cell.isEmpty()
                                ? " – |"
                                : " " + decimals(mean(cell, Outcome::adaptSeconds), 2) + " + "
                                        + decimals(mean(cell, Outcome::predictSeconds), 2) + " |");
            }
            table.append('\n');
        }
        return table.append('\n').toString();
    }

    /** How often each method has the highest mean accuracy, whichever it is. */
    private String wins() {
        Map<Method, Integer> wins = new EnumMap<>(Method.class);
        int columns = 0;
        for (String lm : distinct(outcomes, Outcome::lm)) {
            for (int shots : distinct(outcomes, Outcome::shots)) {
                List<Outcome> those = outcomes.stream()
                        .filter(o -> o.lm().equals(lm) && o.shots() == shots && shots != Outcome.NONE)
                        .toList();
                for (String task : distinct(those, Outcome::task)) {
                    best(those, task).ifPresent(method -> wins.merge(method, 1, Integer::sum));
                    columns++;
                }
            }
        }
        return "## Who wins\n\nHighest mean accuracy among the methods with training texts, in " + columns
                + " columns: "
                + wins.entrySet().stream()
                        .sorted(Map.Entry.<Method, Integer>comparingByValue().reversed())
                        .map(win -> win.getKey().title() + " " + win.getValue())
                        .collect(Collectors.joining(", "))
                + ".\n";
    }

    private Optional<Method> best(List<Outcome> those, String task) {
        return distinct(those, Outcome::method).stream()
                .filter(method -> !cell(those, task, method).isEmpty())
                .max(Comparator.comparingDouble(
                        method -> mean(cell(those, task, method), o -> o.score().accuracy())));
    }

    private static List<Outcome> cell(List<Outcome> those, String task, Method method) {
        return those.stream()
                .filter(o -> o.task().equals(task) && o.method() == method)
                .toList();
    }

    private static StringBuilder header(String first, List<String> columns) {
        return new StringBuilder("| " + first + " | " + String.join(" | ", columns) + " |\n|---"
                + "|---".repeat(columns.size()) + "|\n");
    }

    private static double mean(List<Outcome> cell, ToDoubleFunction<Outcome> value) {
        return cell.stream().mapToDouble(value).average().orElse(Double.NaN);
    }

    /** Mean ± standard deviation of the sample, in percent; a single measurement has no deviation. */
    private static String percent(List<Outcome> cell, ToDoubleFunction<Outcome> value) {
        Spread spread = Spread.of(cell.stream().mapToDouble(value));
        String shown = decimals(100 * spread.mean(), 1);
        return spread.n() < 2 ? shown : shown + " ± " + decimals(100 * spread.deviation(), 1);
    }

    private static String decimals(double value, int digits) {
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }
}
