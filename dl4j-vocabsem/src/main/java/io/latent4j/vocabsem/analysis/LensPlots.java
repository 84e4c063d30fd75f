/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import io.latent4j.vocabsem.analysis.LensReport.Candidate;
import io.latent4j.vocabsem.analysis.LensReport.Gold;
import io.latent4j.vocabsem.analysis.LensReport.LayerSummary;
import io.latent4j.vocabsem.analysis.LensReport.Measure;
import io.latent4j.vocabsem.analysis.LensReport.Position;
import io.latent4j.vocabsem.analysis.LensReport.Reading;
import io.latent4j.vocabsem.analysis.LensReport.Spread;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.CategorySeries;
import org.knowm.xchart.CategorySeries.CategorySeriesRenderStyle;
import org.knowm.xchart.style.CategoryStyler;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.colors.ColorBlindFriendlySeriesColors;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Pictures of {@link LensReport}s as PNG files; no display is needed. {@link #trajectory} needs the optional dependency
 * {@code org.knowm.xchart:xchart} on the class path, {@link #heatMap} nothing beyond the JDK.
 *
 * <p>Methods that are given a file write it; all return the picture or chart, which the caller may change and save.
 */
public final class LensPlots {

    private static final int WIDTH = 900;
    private static final int HEIGHT = 500;
    /** More do not fit side by side under the x axis. */
    private static final int MAX_LABEL_CHARACTERS = 90;

    private LensPlots() {}

    /**
     * One example through the layers: in each cell the nearest token of a layer at a position, coloured by its
     * probability; the last layer is on top. Cells whose nearest token is the gold token are framed.
     *
     * @param report the numbers
     * @param example index of the example
     * @param token writes a token id for readers; long texts are cut off
     * @param png file to write or to overwrite
     * @return the picture
     * @throws IllegalArgumentException if no layer has a position of the example
     * @throws IOException if the file cannot be written
     */
    public static BufferedImage heatMap(LensReport report, int example, IntFunction<String> token, Path png)
            throws IOException {
        BufferedImage picture = heatMap(report, report.requirePositions(example), null, token);
        try (OutputStream out = Files.newOutputStream(png)) {
            if (!ImageIO.write(picture, "png", out)) {
                throw new IOException("This Java runtime cannot write PNG files");
            }
        }
        return picture;
    }

    /**
     * Positions through the layers, drawn as by {@link #heatMap(LensReport, int, IntFunction, Path)} and not written.
     *
     * @param report the numbers
     * @param positions a column for each, of one or of several examples
     * @param captions what stands under each column, usually the token that the model read there; null for the number of
     *     the step
     * @param token writes a token id for readers; long texts are cut off
     * @return the picture
     * @throws IllegalArgumentException if there is no position, none of them is in the report, or captions are not as many
     */
    public static BufferedImage heatMap(
            LensReport report, List<Position> positions, @Nullable List<String> captions, IntFunction<String> token) {
        if (captions != null && captions.size() != positions.size()) {
            throw new IllegalArgumentException(
                    "captions must be as many as the " + positions.size() + " positions, found " + captions.size());
        }
        List<HeatMap.Row> rows = new ArrayList<>();
        List<@Nullable String> gold = new ArrayList<>();
        positions.forEach(position -> gold.add(null));
        for (LensReport.LayerReading layer : report.layers()) {
            Map<Position, Reading> readings = layer.byPosition();
            List<HeatMap.@Nullable Cell> cells = new ArrayList<>();
            for (int column = 0; column < positions.size(); column++) {
                Reading reading = readings.get(positions.get(column));
                Gold golden = reading == null ? null : reading.gold();
                if (golden != null) {
                    gold.set(column, token.apply(golden.token()));
                }
                cells.add(reading == null ? null : cell(reading, token));
            }
            rows.add(0, new HeatMap.Row(layer.name(), cells));
        }
        List<String> under = captions != null
                ? captions
                : positions.stream()
                        .map(position -> Integer.toString(
                                position.step() == Position.NO_STEP ? position.example() : position.step()))
                        .toList();
        return new HeatMap(rows, under, gold).draw();
    }

    private static HeatMap.Cell cell(Reading reading, IntFunction<String> token) {
        Candidate top = reading.top();
        Gold gold = reading.gold();
        return new HeatMap.Cell(
                token.apply(top.token()), top.probability(), gold != null && gold.token() == top.token());
    }

    /**
     * The course of a measure through the layers: the mean over positions (of ranks the median, on a logarithmic axis)
     * and dotted lines at the quartiles, one colour per report.
     *
     * @param reports series name to report, in the order of the legend; a layer that a report lacks is a gap in its line
     * @param measure what to follow
     * @param png file to write or to overwrite
     * @return the chart
     * @throws IllegalArgumentException if not one of the reports has the number at any layer
     * @throws IOException if the file cannot be written
     */
    public static CategoryChart trajectory(Map<String, LensReport> reports, Measure measure, Path png)
            throws IOException {
        CategoryChart chart = trajectory(reports, measure);
        try (OutputStream out = Files.newOutputStream(png)) {
            BitmapEncoder.saveBitmap(chart, out, BitmapFormat.PNG);
        }
        return chart;
    }

    /**
     * The course of a measure through the layers, drawn as by {@link #trajectory(Map, Measure, Path)} and not written.
     *
     * @param reports series name to report, in the order of the legend
     * @param measure what to follow
     * @return the chart
     * @throws IllegalArgumentException if not one of the reports has the number at any layer
     */
    public static CategoryChart trajectory(Map<String, LensReport> reports, Measure measure) {
        Set<String> names = new LinkedHashSet<>();
        Map<String, Map<String, Spread>> spreads = new LinkedHashMap<>();
        reports.forEach((series, report) -> {
            report.layers().forEach(layer -> names.add(layer.name()));
            spreads.put(
                    series,
                    report.summaries().stream()
                            .filter(layer -> layer.spread(measure).n() > 0)
                            .collect(Collectors.toMap(LayerSummary::layer, layer -> layer.spread(measure))));
        });
        if (spreads.values().stream().allMatch(Map::isEmpty)) {
            throw new IllegalArgumentException(
                    "reports must have the " + measure.title() + " at some layer, found none in " + reports.keySet());
        }
        boolean rank = measure == Measure.RANK;
        CategoryChart chart = new CategoryChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title((rank ? "Median " : "Mean ") + measure.title() + " by layer (dotted: quartiles)")
                .xAxisTitle("layer")
                .yAxisTitle(measure.title())
                .build();
        style(chart.getStyler(), names);
        chart.getStyler().setLegendVisible(spreads.size() > 1);
        if (rank) {
            chart.getStyler().setYAxisLogarithmic(true);
        } else {
            chart.getStyler().setYAxisMin(0.0);
        }
        Color[] colors = new ColorBlindFriendlySeriesColors().getSeriesColors();
        List<String> layers = List.copyOf(names);
        int next = 0;
        for (Map.Entry<String, Map<String, Spread>> entry : spreads.entrySet()) {
            if (!entry.getValue().isEmpty()) {
                Color color = colors[next++ % colors.length];
                String name = entry.getKey();
                Map<String, Spread> byLayer = entry.getValue();
                line(chart, name, layers, byLayer, rank ? Spread::median : Spread::mean, color);
                quartile(line(chart, name + ", 25 %", layers, byLayer, Spread::lowerQuartile, color));
                quartile(line(chart, name + ", 75 %", layers, byLayer, Spread::upperQuartile, color));
            }
        }
        return chart;
    }

    private static CategorySeries line(
            CategoryChart chart,
            String name,
            List<String> layers,
            Map<String, Spread> byLayer,
            ToDoubleFunction<Spread> number,
            Color color) {
        List<@Nullable Double> values = new ArrayList<>();
        for (String layer : layers) {
            Spread spread = byLayer.get(layer);
            values.add(spread == null ? null : number.applyAsDouble(spread));
        }
        CategorySeries series = chart.addSeries(name, layers, values);
        series.setMarker(SeriesMarkers.CIRCLE).setMarkerColor(color);
        series.setLineColor(color).setLineStyle(new BasicStroke(2.5f));
        return series;
    }

    private static void quartile(CategorySeries series) {
        series.setMarker(SeriesMarkers.NONE);
        series.setLineStyle(
                new BasicStroke(1f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {2, 4}, 0));
        series.setShowInLegend(false);
    }

    private static void style(CategoryStyler styler, Set<String> layers) {
        styler.setDefaultSeriesRenderStyle(CategorySeriesRenderStyle.Line);
        styler.setOverlapped(true); // points of all series stand above their layer's name
        boolean wide = String.join("  ", layers).length() > MAX_LABEL_CHARACTERS;
        styler.setXAxisLabelRotation(wide ? 45 : 0);
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setPlotBorderVisible(false);
        styler.setLegendPosition(LegendPosition.OutsideS);
        styler.setLegendLayout(Styler.LegendLayout.Horizontal);
        styler.setLegendBorderColor(Color.WHITE);
    }
}
