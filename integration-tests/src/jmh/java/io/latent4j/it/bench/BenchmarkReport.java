/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.CategoryStyler;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;

/** Comparisons as text, page and plots. */
record BenchmarkReport(Map<Case, List<Comparison>> results, Map<String, String> environment) {
    private static final double HIGHEST_BAR = 3;

    /** Told apart by the colour-blind too. */
    private static final Color[] COLOURS = {
        new Color(0x00, 0x72, 0xB2),
        new Color(0xE6, 0x9F, 0x00),
        new Color(0x00, 0x9E, 0x73),
        new Color(0xCC, 0x79, 0xA7)
    };

    void write(Path folder) throws IOException {
        Path plots = Files.createDirectories(folder.resolve("benchmarks"));
        for (Map.Entry<Case, List<Comparison>> one : results.entrySet()) {
            if (arms(one.getValue()).isEmpty()) {
                continue;
            }
            BitmapEncoder.saveBitmap(
                    chart(one.getKey(), one.getValue()),
                    plots.resolve(one.getKey().name() + ".png").toString(),
                    BitmapFormat.PNG);
        }
        Files.writeString(folder.resolve("benchmarks.md"), page());
    }

    private String page() {
        StringBuilder page = new StringBuilder("# Benchmarks\n\n");
        page.append("""
                Written by `bash integration-tests/bench/run`. Both sides take turns in one run, on the same float32 data with
                OpenBLAS' kernels of the same name and two threads each (ours for matrix products and in kernels; ND4J's other
                operations take one, [why](performance.md#2-the-two-thread-pools)); a ratio is our time to the other's, the median over the turns ± half the distance of the quartiles,
                and 1 means equal. Rates count the operations a method can't do without (a symmetric product once) and are set
                beside the rate of a 2048³ float product, bytes beside that of a 256 MB copy, both measured by PyTorch in the same
                turns. Memory is the highest resident memory during the first call beyond that before it. After each turn both sides'
                results are compared, save those of the I-STAR training steps, approximate search and whole processes. All
                numbers: [benchmarks.csv](benchmarks.csv); what bounds each case: [performance.md](performance.md).

                """);
        page.append(PageCommand.list(environment));
        page.append("\n## Targets\n\n| case | size | measure | target | found | |\n|---|---|---|---|---|---|\n");
        for (String[] row : targets()) {
            page.append("| ").append(String.join(" | ", row)).append(" |\n");
        }
        for (Map.Entry<Case, List<Comparison>> one : results.entrySet()) {
            page.append("\n## ").append(one.getKey().title()).append("\n\n");
            page.append(one.getKey().what()).append("\n\n");
            page.append(table(one.getValue()));
            page.append("\nMeasured ")
                    .append(one.getValue().stream()
                            .map(Comparison::started)
                            .distinct()
                            .collect(Collectors.joining(", ")))
                    .append(".\n");
            if (arms(one.getValue()).isEmpty()) {
                continue;
            }
            page.append("\n![Ratios](benchmarks/").append(one.getKey().name()).append(".png)\n");
        }
        return page.toString();
    }

    private static String table(List<Comparison> comparisons) {
        Set<String> arms = arms(comparisons);
        Set<String> extras = new LinkedHashSet<>();
        comparisons.forEach(c -> extras.addAll(c.extras().keySet()));
        StringBuilder table = new StringBuilder("| size | ms |");
        extras.forEach(extra -> table.append(' ').append(extra).append(" |"));
        table.append(" GFLOP/s | of GEMM | of copy | extra MB |");
        arms.forEach(arm -> table.append(" ratio to ").append(arm).append(" |"));
        table.append("\n|---|---|---|---|---|---|")
                .append("---|".repeat(extras.size() + arms.size()))
                .append('\n');
        for (Comparison c : comparisons) {
            table.append("| ")
                    .append(c.size())
                    .append(" | ")
                    .append(digits(c.ms()))
                    .append(" |");
            for (String extra : extras) {
                table.append(' ')
                        .append(digits(c.extras().getOrDefault(extra, Double.NaN)))
                        .append(" |");
            }
            table.append(String.format(
                    Locale.ROOT,
                    " %s | %s | %s | %s |",
                    c.facts().get("flops") > 0 ? digits(c.gflops()) : "–",
                    c.facts().get("flops") > 0 ? percent(c.gemmShare()) : "–",
                    c.facts().get("bytes") > 0 ? percent(c.copyShare()) : "–",
                    digits(c.memory() / 1e6)));
            for (String arm : arms) {
                table.append(c.arms().containsKey(arm) ? " " + ratio(c, arm) + " |" : " – |");
            }
            table.append('\n');
        }
        return table.toString();
    }

    private static String ratio(Comparison c, String arm) {
        String text = digits(c.ratio(arm));
        text += Double.isNaN(c.spread(arm)) ? "" : " ± " + digits(c.spread(arm));
        String memory = c.memory(arm) > 0 ? ", " + digits(c.memory(arm) / 1e6) + " MB" : "";
        return text + " (" + digits(c.ms(arm)) + " ms" + memory + ")";
    }

    private static Set<String> arms(List<Comparison> comparisons) {
        Set<String> arms = new LinkedHashSet<>();
        comparisons.forEach(c -> arms.addAll(c.armNames()));
        return arms;
    }

    private List<String[]> targets() {
        List<String[]> rows = new ArrayList<>();
        results.forEach((one, comparisons) -> {
            for (Comparison c : comparisons) {
                for (Target target : one.targets()) {
                    double found = target.found(c);
                    if (!Double.isNaN(found) && one.sizes().contains(c.size())) {
                        rows.add(new String[] {
                            one.title(),
                            c.size(),
                            target.label(),
                            (target.atLeast() ? "≥ " : "≤ ") + digits(target.limit()),
                            digits(found),
                            target.met(found) ? "met" : "**missed**"
                        });
                    }
                }
            }
        });
        return rows;
    }

    /** What the terminal shows. */
    String text() {
        StringBuilder text = new StringBuilder();
        results.forEach((one, comparisons) -> {
            text.append('\n').append(one.title()).append('\n');
            for (Comparison c : comparisons) {
                text.append(String.format(
                        Locale.ROOT,
                        "  %-28s %10s ms  %4s of GEMM rate  %8s MB%n",
                        c.size(),
                        digits(c.ms()),
                        c.facts().get("flops") > 0 ? percent(c.gemmShare()) : "–",
                        digits(c.memory() / 1e6)));
                c.extras()
                        .forEach((name, value) ->
                                text.append(String.format(Locale.ROOT, "      %-30s %s%n", name, digits(value))));
                for (String arm : c.armNames()) {
                    text.append(String.format(Locale.ROOT, "      / %-28s %s%n", arm, ratio(c, arm)));
                }
            }
        });
        text.append("\nTargets\n");
        for (String[] row : targets()) {
            text.append(String.format("  %-34s %-20s %-34s %7s %7s %s%n", (Object[]) row));
        }
        return text.toString();
    }

    private static CategoryChart chart(Case one, List<Comparison> comparisons) {
        CategoryChart chart = new CategoryChartBuilder()
                .width(860)
                .height(460)
                .title(one.title() + ": our time / theirs (1 = equal, bars end at 3)")
                .build();
        CategoryStyler styler = chart.getStyler();
        styler.setYAxisMin(0.0);
        styler.setYAxisMax(HIGHEST_BAR);
        styler.setLegendPosition(LegendPosition.OutsideS);
        styler.setLegendLayout(LegendLayout.Horizontal);
        styler.setXAxisLabelRotation(30);
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setSeriesColors(COLOURS);
        List<String> sizes = comparisons.stream().map(Comparison::size).toList();
        for (String arm : arms(comparisons)) {
            chart.addSeries(
                    arm,
                    sizes,
                    comparisons.stream()
                            .map(c -> Double.isNaN(c.ratio(arm)) ? 0 : Math.min(HIGHEST_BAR, c.ratio(arm)))
                            .toList());
        }
        return chart;
    }

    private static String percent(double share) {
        return Math.round(100 * share) + " %";
    }

    /** Three significant digits. */
    private static String digits(double value) {
        if (Double.isNaN(value)) {
            return "–";
        }
        double size = Math.abs(value);
        int decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
        return String.format(Locale.ROOT, "%." + decimals + "f", value);
    }
}
