/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.Spread;
import io.latent4j.it.quickstart.CodeSearch.Supervision;
import io.latent4j.it.quickstart.Results.Group;
import io.latent4j.it.quickstart.Semantics.Method;
import io.latent4j.vocabsem.analysis.LensPlots;
import io.latent4j.vocabsem.analysis.LensReport;
import io.latent4j.vocabsem.analysis.LensReport.Measure;
import io.latent4j.vocabsem.analysis.LensReport.Position;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import javax.imageio.ImageIO;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.lines.SeriesLines;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The report's plots as PNG files, named by what they show. */
final class Charts {
    static final String ACCURACY = "accuracy.png";
    static final String ISOTROPY = "isotropy.png";
    static final String LOSS_CURVES = "loss-curves.png";
    static final String ISOTROPY_CURVES = "isotropy-curves.png";

    static final String FEW_SHOT = "few-shot.png";
    static final String LENS_WORDS = "lens-words.png";
    static final String LENS_LOGITS = "lens-logits.png";
    static final String LENS_RANKS = "lens-ranks.png";
    static final String LENS_CLASSES = "lens-classes.png";
    static final String LENS_CLASS_PROBABILITIES = "lens-class-probabilities.png";

    static final String CODE_SEARCH = "code-search.png";

    private static final int WIDTH = 760;
    private static final int HEIGHT = 420;
    private static final Color INK = new Color(0x33, 0x33, 0x33);
    private static final Color GRID = new Color(0xDD, 0xDD, 0xDD);
    /** λ = 0, and the ends of the scale on either side of it. */
    private static final Color NEUTRAL = new Color(0x55, 0x55, 0x55);

    private static final Color[] BELOW = {new Color(0x7F, 0xB6, 0xDE), new Color(0x08, 0x45, 0x94)};
    private static final Color[] ABOVE = {new Color(0xF7, 0xA8, 0x6C), new Color(0xB8, 0x32, 0x0A)};

    private Charts() {}

    /** All plots that the results allow, by file name. */
    static Map<String, byte[]> of(Results results) throws IOException {
        Map<String, byte[]> charts = new LinkedHashMap<>();
        List<Group> sweep = results.sweep();
        if (!sweep.isEmpty()) {
            charts.put(ACCURACY, png(accuracy(results)));
            charts.put(ISOTROPY, png(isotropy(sweep)));
            charts.put(
                    LOSS_CURVES,
                    png(curves(sweep, "Validation loss while training", "cross-entropy (nats)", Measurement::loss)));
            charts.put(
                    ISOTROPY_CURVES,
                    png(curves(sweep, "Isotropy while training", "IsoScore*, all layers", Measurement::isotropy)));
        }
        if (results.semantics().isPresent()) {
            Semantics semantics = results.semantics().get();
            charts.put(FEW_SHOT, png(fewShot(semantics)));
            charts.put(LENS_WORDS, png(words(semantics, semantics.words())));
            charts.put(LENS_LOGITS, png(words(semantics, semantics.logits())));
            Map<String, LensReport> lenses = new LinkedHashMap<>();
            lenses.put("semantic bases, by cosine", semantics.words());
            lenses.put("the head's own logits", semantics.logits());
            charts.put(LENS_RANKS, png(trajectory(lenses, Measure.RANK)));
            charts.put(LENS_CLASSES, png(classes(semantics, results.corpus().labels())));
            charts.put(
                    LENS_CLASS_PROBABILITIES,
                    png(trajectory(Map.of("classes", semantics.classes()), Measure.PROBABILITY)));
        }
        if (results.search().isPresent()) {
            charts.put(CODE_SEARCH, png(codeSearch(results.search().get())));
        }
        return charts;
    }

    private static CategoryChart codeSearch(CodeSearch search) {
        CategoryChart chart = new CategoryChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title("Code found, names written")
                .xAxisTitle("on methods of unseen files")
                .yAxisTitle("%")
                .build();
        style(chart);
        chart.getStyler().setAvailableSpaceFill(0.8).setOverlapped(false).setYAxisMin(0.0);
        chart.getStyler().setLegendPosition(LegendPosition.OutsideS).setLegendLayout(Styler.LegendLayout.Horizontal);
        Map<Supervision, Color> colors = Map.of(
                Supervision.NONE, GRID,
                Supervision.TOKENS, BELOW[0],
                Supervision.SEQUENCES, BELOW[1],
                Supervision.BOTH, ABOVE[1]);
        for (CodeSearch.Score score : search.scores()) {
            chart.addSeries(
                            score.supervision().title(),
                            List.of("recall@1", "recall@10", "MRR@10", "F1 of names"),
                            List.of(
                                    100 * score.retrieval().recallAt(1),
                                    100 * score.retrieval().recallAt(10),
                                    100 * score.retrieval().meanReciprocalRank(),
                                    100 * score.answers().f1()))
                    .setFillColor(colors.get(score.supervision()));
        }
        return chart;
    }

    private static XYChart fewShot(Semantics semantics) {
        XYChart chart = xy("Test accuracy with few training texts", "training texts per class", "accuracy (%)");
        chart.getStyler().setXAxisLogarithmic(true).setYAxisMin(0.0);
        chart.getStyler().setLegendPosition(LegendPosition.OutsideS).setLegendLayout(Styler.LegendLayout.Horizontal);
        List<Integer> shots = semantics.shots(Method.LINEAR);
        fewShot(chart, semantics, Method.LINEAR, shots, NEUTRAL);
        fewShot(chart, semantics, Method.CLUSTERING, shots, ABOVE[1]);
        double untrained =
                100 * semantics.of(Method.BASES, 0, Semantics.Score::accuracy).mean();
        chart.addSeries(Method.BASES.title(), new double[] {shots.get(0), shots.get(shots.size() - 1)}, new double[] {
                    untrained, untrained
                })
                .setMarker(SeriesMarkers.NONE)
                .setLineColor(BELOW[1])
                .setLineStyle(SeriesLines.DASH_DASH);
        return chart;
    }

    private static void fewShot(XYChart chart, Semantics semantics, Method method, List<Integer> shots, Color color) {
        List<Spread> accuracies = shots.stream()
                .map(n -> semantics.of(method, n, Semantics.Score::accuracy))
                .toList();
        chart.addSeries(
                        method.title(),
                        shots.stream().mapToDouble(Integer::doubleValue).toArray(),
                        accuracies.stream()
                                .mapToDouble(spread -> 100 * spread.mean())
                                .toArray(),
                        accuracies.stream()
                                .mapToDouble(spread -> 100 * spread.deviation())
                                .toArray())
                .setMarker(SeriesMarkers.CIRCLE)
                .setMarkerColor(color)
                .setLineColor(color)
                .setLineStyle(new BasicStroke(2f));
    }

    private static BufferedImage words(Semantics semantics, LensReport report) {
        List<Position> positions = report.positions(semantics.sentence().example());
        List<String> read = positions.stream()
                .map(position -> semantics.sentence().read().get(position.step()))
                .toList();
        return LensPlots.heatMap(report, positions, read, semantics.vocabulary()::word);
    }

    private static BufferedImage classes(Semantics semantics, List<String> labels) {
        return LensPlots.heatMap(
                semantics.classes(),
                semantics.texts().keySet().stream()
                        .map(text -> new Position(text, Position.NO_STEP))
                        .toList(),
                List.copyOf(semantics.texts().values()),
                labels::get);
    }

    private static Chart<?, ?> trajectory(Map<String, LensReport> reports, Measure measure) {
        CategoryChart chart = LensPlots.trajectory(reports, measure);
        style(chart);
        chart.getStyler().setLegendPosition(LegendPosition.OutsideS).setLegendLayout(Styler.LegendLayout.Horizontal);
        return chart;
    }

    private static XYChart accuracy(Results results) {
        XYChart chart = xy("Test accuracy against λ", "λ", "accuracy (%)");
        add(chart, "ζ = 0", results.sweep(), ABOVE[1], 0);
        List<Group> shrunk = results.groups().stream()
                .filter(group -> group.setting().zeta() > 0)
                .toList();
        if (!shrunk.isEmpty()) {
            // beside the others, so that the error bars don't cover each other
            double width =
                    results.sweep().get(results.sweep().size() - 1).setting().lambda()
                            - results.sweep().get(0).setting().lambda();
            XYSeries series = add(chart, "ζ = " + Plan.SHRINKAGE, shrunk, BELOW[1], width / 60);
            series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
            series.setMarker(SeriesMarkers.DIAMOND);
        }
        return chart;
    }

    private static XYSeries add(XYChart chart, String name, List<Group> groups, Color color, double shift) {
        List<Spread> accuracies = groups.stream().map(Group::accuracy).toList();
        XYSeries series = chart.addSeries(
                name,
                groups.stream()
                        .mapToDouble(group -> group.setting().lambda() + shift)
                        .toArray(),
                accuracies.stream().mapToDouble(spread -> 100 * spread.mean()).toArray(),
                accuracies.stream()
                        .mapToDouble(spread -> 100 * spread.deviation())
                        .toArray());
        series.setMarker(SeriesMarkers.CIRCLE)
                .setMarkerColor(color)
                .setLineColor(color)
                .setLineStyle(new BasicStroke(2f));
        return series;
    }

    private static CategoryChart isotropy(List<Group> sweep) {
        CategoryChart chart = new CategoryChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title("Isotropy of the hidden states on test texts")
                .xAxisTitle("layer")
                .yAxisTitle("IsoScore* (0 to 1)")
                .build();
        style(chart);
        chart.getStyler().setAvailableSpaceFill(0.8).setOverlapped(false);
        List<String> names = new ArrayList<>(Classifier.HIDDEN);
        names.add("all layers");
        for (Group group : sweep) {
            List<Spread> spreads = new ArrayList<>();
            for (int layer = 0; layer < Classifier.HIDDEN.size(); layer++) {
                spreads.add(group.isotropy(layer));
            }
            spreads.add(group.isotropy());
            chart.addSeries(
                            label(group),
                            names,
                            spreads.stream().map(Spread::mean).toList(),
                            spreads.stream().map(Spread::deviation).toList())
                    .setFillColor(color(group, sweep));
        }
        return chart;
    }

    private static XYChart curves(List<Group> sweep, String title, String yAxis, ToDoubleFunction<Measurement> value) {
        XYChart chart = xy(title, "training texts seen", yAxis);
        for (Group group : sweep) {
            // Seeds order the batches differently, so curves may differ in length by a point.
            int points = group.runs().stream()
                    .mapToInt(run -> run.curve().size())
                    .min()
                    .orElse(0);
            double[] x = new double[points];
            double[] y = new double[points];
            for (Run run : group.runs()) {
                for (int i = 0; i < points; i++) {
                    x[i] += (double) run.curve().get(i).texts() / group.runs().size();
                    y[i] += value.applyAsDouble(run.curve().get(i).probe())
                            / group.runs().size();
                }
            }
            Color color = color(group, sweep);
            chart.addSeries(label(group), x, y)
                    .setMarker(SeriesMarkers.NONE)
                    .setLineColor(color)
                    .setLineStyle(new BasicStroke(2f));
        }
        return chart;
    }

    private static XYChart xy(String title, String xAxis, String yAxis) {
        XYChart chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title(title)
                .xAxisTitle(xAxis)
                .yAxisTitle(yAxis)
                .build();
        style(chart);
        chart.getStyler().setMarkerSize(9);
        return chart;
    }

    private static void style(Chart<? extends AxesChartStyler, ?> chart) {
        AxesChartStyler styler = chart.getStyler();
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 16));
        styler.setChartTitleBoxVisible(false);
        styler.setChartFontColor(INK);
        styler.setPlotBorderVisible(false);
        styler.setPlotGridLinesColor(GRID);
        styler.setLegendBorderColor(GRID);
        styler.setLegendPosition(LegendPosition.OutsideE);
        styler.setAxisTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
        styler.setAxisTickLabelsFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
        styler.setErrorBarsColor(INK);
    }

    private static String label(Group group) {
        return group.setting().regularized() ? "λ = " + group.setting().lambdaText() : "without I-STAR";
    }

    /** Blue for λ < 0, grey for 0, orange for λ > 0, the stronger the farther from 0. */
    private static Color color(Group group, List<Group> sweep) {
        double lambda = group.setting().lambda();
        if (lambda == 0) {
            return NEUTRAL;
        }
        double largest = sweep.stream()
                .mapToDouble(other -> Math.abs(other.setting().lambda()))
                .max()
                .orElse(1);
        Color[] ends = lambda < 0 ? BELOW : ABOVE;
        double t = Math.abs(lambda) / largest;
        return new Color(
                mix(ends[0].getRed(), ends[1].getRed(), t),
                mix(ends[0].getGreen(), ends[1].getGreen(), t),
                mix(ends[0].getBlue(), ends[1].getBlue(), t));
    }

    private static int mix(int from, int to, double t) {
        return (int) Math.round(from + t * (to - from));
    }

    private static byte[] png(BufferedImage picture) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageIO.write(picture, "png", bytes);
        return bytes.toByteArray();
    }

    private static byte[] png(Chart<?, ?> chart) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        BitmapEncoder.saveBitmap(chart, bytes, BitmapFormat.PNG);
        return bytes.toByteArray();
    }
}
