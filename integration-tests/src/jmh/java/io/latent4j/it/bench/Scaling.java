/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.awt.Color;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.math3.stat.StatUtils;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.nd4j.linalg.factory.Nd4j;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The command line: measures each component at several sizes, fits what it costs, tries the fit on sizes held back, and
 * says what it means for sizes that no test machine holds.
 *
 * <p>Exit codes: 0 the page is written, 1 something failed, 2 the arguments are wrong.
 */
@Command(
        name = "scaling",
        description = "Fits a cost model to measurements and writes docs/scaling.md.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class Scaling extends PageCommand {
    private static final int SAMPLES = 5;
    private static final String HAND_WRITTEN = "<!-- What follows is written by hand and kept. -->";

    @Option(names = "--only", paramLabel = "REGEX", defaultValue = ".*", description = "Components to measure.")
    private String only = ".*";

    @Option(names = "--smoke", description = "Measure each size once, and only the smaller half of them.")
    private boolean smoke;

    /** What was measured of a component at some sizes. */
    private record Measured(List<Scale> scales, List<CostModel.Point> points) {}

    /** A component with the model that was fitted to some sizes and tried on others. */
    private record Fit(ScalingComponent component, Measured fitted, Measured heldBack, CostModel model) {}

    /**
     * Runs the command line and ends the JVM with its exit code.
     *
     * @param args options, see {@code --help}
     */
    public static void main(String[] args) {
        run(new Scaling(), args);
    }

    @Override
    public Integer call() throws IOException {
        List<Fit> fits = new ArrayList<>();
        List<ScalingComponent> components = Arrays.stream(ScalingComponent.values())
                .filter(c -> c.name().matches(only))
                .toList();
        int total = components.stream()
                .mapToInt(c -> scales(c.fitted()).size() + scales(c.heldBack()).size())
                .sum();
        try (ProgressBar bar = progress("scaling", total)) {
            for (ScalingComponent component : components) {
                bar.setExtraMessage(component.name());
                Measured fitted = measure(component, scales(component.fitted()), bar);
                Measured heldBack = measure(component, scales(component.heldBack()), bar);
                fits.add(new Fit(component, fitted, heldBack, CostModel.fit(fitted.points())));
            }
        }
        Files.createDirectories(out());
        writeCsv(fits);
        BitmapEncoder.saveBitmap(chart(fits), out().resolve("scaling.png").toString(), BitmapFormat.PNG);
        Path file = out().resolve("scaling.md");
        String kept = Files.exists(file) ? Files.readString(file) : "";
        int from = kept.indexOf(HAND_WRITTEN);
        String page = page(fits);
        Files.writeString(file, page + (from < 0 ? HAND_WRITTEN + "\n" : kept.substring(from)));
        System.out.println(page);
        return 0;
    }

    private List<Scale> scales(List<Scale> all) {
        return smoke ? all.subList(0, (all.size() + 1) / 2) : all;
    }

    private Measured measure(ScalingComponent component, List<Scale> scales, ProgressBar bar) throws IOException {
        List<CostModel.Point> points = new ArrayList<>();
        for (Scale scale : scales) {
            try (ScalingComponent.Work work = component.prepare(scale)) {
                points.add(new CostModel.Point(component.costs(scale), median(work)));
            }
            Nd4j.getMemoryManager().invokeGc();
            bar.step();
        }
        return new Measured(scales, points);
    }

    /** Milliseconds of a call, the median of some samples of at least 20 ms each. */
    private double median(Runnable work) {
        long start = System.nanoTime();
        int calls = 0;
        do {
            work.run();
            calls++;
        } while (!smoke && calls < 50 && System.nanoTime() - start < 3e8);
        double ms = (System.nanoTime() - start) / 1e6 / calls;
        int repeats = (int) Math.max(1, Math.min(100, 20 / ms));
        double[] samples = new double[smoke ? 1 : SAMPLES];
        for (int i = 0; i < samples.length; i++) {
            start = System.nanoTime();
            for (int j = 0; j < repeats; j++) {
                work.run();
            }
            samples[i] = (System.nanoTime() - start) / 1e6 / repeats;
        }
        return StatUtils.percentile(samples, 50);
    }

    private void writeCsv(List<Fit> fits) throws IOException {
        try (CSVPrinter csv = new CSVPrinter(
                Files.newBufferedWriter(out().resolve("scaling.csv")),
                CSVFormat.DEFAULT
                        .builder()
                        .setHeader("component", "count", "width", "candidates", "ms", "model_ms", "held_back")
                        .setRecordSeparator('\n')
                        .build())) {
            for (Fit fit : fits) {
                for (boolean held : new boolean[] {false, true}) {
                    Measured measured = held ? fit.heldBack() : fit.fitted();
                    for (int i = 0; i < measured.scales().size(); i++) {
                        Scale scale = measured.scales().get(i);
                        CostModel.Point point = measured.points().get(i);
                        csv.printRecord(
                                fit.component().name().toLowerCase(Locale.ROOT),
                                scale.count(),
                                scale.width(),
                                scale.candidates(),
                                String.format(Locale.ROOT, "%.4f", point.ms()),
                                String.format(Locale.ROOT, "%.4f", fit.model().ms(point.costs())),
                                held);
                    }
                }
            }
        }
    }

    private String page(List<Fit> fits) {
        StringBuilder page = new StringBuilder("# Scaling\n\n");
        page.append("""
                Written by `bash integration-tests/bench/run --scaling`. The time of a call is modelled as a sum of costs: the call
                itself, the operations that it can't do without, the bytes that it moves. The weights are fitted to the measurements
                of small and middle sizes (relative errors, least squares, no weight below zero) and tried on sizes held back, most
                of them larger than all that were fitted. What is asked of the model then is far outside of what was measured: read
                it as orders of magnitude. All measurements: [scaling.csv](scaling.csv).

                """);
        page.append(list(environment()));
        page.append("\n## The fit\n\n| component | ms per call | and per | rate | error, fitted | error, held back |\n"
                + "|---|---|---|---|---|---|\n");
        StringBuilder held = new StringBuilder(
                "\n## Held back\n\n| component | size | measured ms | model ms | error |\n|---|---|---|---|---|\n");
        StringBuilder asked = new StringBuilder(
                "\n## Asked of the model\n\n| component | size | time | memory |\n|---|---|---|---|\n");
        for (Fit fit : fits) {
            ScalingComponent component = fit.component();
            CostModel model = fit.model();
            Measured tried = fit.heldBack();
            List<String> per = new ArrayList<>();
            List<String> rates = new ArrayList<>();
            for (int i = 1; i < model.weights().length; i++) {
                double weight = model.weights()[i];
                String name = component.costNames().get(i);
                per.add(digits(weight, 3) + " ms per " + name);
                if (weight > 0 && name.startsWith("G")) {
                    rates.add(digits(1000 / weight, 2) + " " + name + "/s");
                }
            }
            page.append(String.format(
                    Locale.ROOT,
                    "| %s | %s | %s | %s | %.0f %% (%d sizes) | %.0f %% (%d sizes) |%n",
                    component.title(),
                    digits(model.weights()[0], 3),
                    String.join(", ", per),
                    String.join(", ", rates),
                    100 * model.medianError(fit.fitted().points()),
                    fit.fitted().points().size(),
                    100 * model.medianError(tried.points()),
                    tried.points().size()));
            for (int i = 0; i < tried.scales().size(); i++) {
                CostModel.Point point = tried.points().get(i);
                held.append(String.format(
                        Locale.ROOT,
                        "| %s | %s | %s | %s | %+.0f %% |%n",
                        component.title(),
                        tried.scales().get(i).label(component),
                        digits(point.ms(), 3),
                        digits(model.ms(point.costs()), 3),
                        100 * model.relativeError(point)));
            }
            for (Scale scale : component.asked()) {
                asked.append(String.format(
                        Locale.ROOT,
                        "| %s | %s | %s | %s |%n",
                        component.title(),
                        scale.label(component),
                        time(model.ms(component.costs(scale))),
                        memory(component.memory(scale))));
            }
        }
        held.append("\n![Model and measurements](scaling.png)\n");
        return page.append(held).append(asked).append('\n').toString();
    }

    /** What the model says over what was measured, of what was held back. */
    private static XYChart chart(List<Fit> fits) {
        XYChart chart = new XYChartBuilder()
                .width(860)
                .height(560)
                .title("Sizes held back: what the model says over what was measured")
                .xAxisTitle("measured ms")
                .yAxisTitle("model ms")
                .build();
        chart.getStyler().setXAxisLogarithmic(true);
        chart.getStyler().setYAxisLogarithmic(true);
        chart.getStyler().setChartBackgroundColor(Color.WHITE);
        chart.getStyler().setLegendPosition(LegendPosition.OutsideS);
        chart.getStyler().setDefaultSeriesRenderStyle(XYSeriesRenderStyle.Scatter);
        double least = Double.POSITIVE_INFINITY;
        double most = 0;
        for (Fit fit : fits) {
            List<CostModel.Point> points = fit.heldBack().points();
            double[] measured = points.stream().mapToDouble(CostModel.Point::ms).toArray();
            double[] modelled =
                    points.stream().mapToDouble(p -> fit.model().ms(p.costs())).toArray();
            chart.addSeries(fit.component().title(), measured, modelled);
            least = Math.min(least, Math.min(StatUtils.min(measured), StatUtils.min(modelled)));
            most = Math.max(most, Math.max(StatUtils.max(measured), StatUtils.max(modelled)));
        }
        XYSeries equal = chart.addSeries("equal", new double[] {least, most}, new double[] {least, most});
        equal.setXYSeriesRenderStyle(XYSeriesRenderStyle.Line);
        equal.setMarker(SeriesMarkers.NONE);
        return chart;
    }

    private static String time(double ms) {
        double seconds = ms / 1000;
        return seconds < 1
                ? digits(ms, 3) + " ms"
                : seconds < 600 ? digits(seconds, 3) + " s" : digits(seconds / 3600, 3) + " h";
    }

    private static String memory(double bytes) {
        return bytes < 1e9
                ? digits(bytes / 1e6, 3) + " MB"
                : bytes < 1e12 ? digits(bytes / 1e9, 3) + " GB" : digits(bytes / 1e12, 3) + " TB";
    }

    /** So many significant digits, without an exponent. */
    private static String digits(double value, int count) {
        return new BigDecimal(value).round(new MathContext(count)).toPlainString();
    }
}
