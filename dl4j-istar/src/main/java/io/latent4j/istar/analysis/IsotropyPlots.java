/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import io.latent4j.istar.analysis.IsotropyReport.Dimension;
import io.latent4j.istar.analysis.IsotropyReport.LayerIsotropy;
import java.awt.Color;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.CategorySeries.CategorySeriesRenderStyle;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.colors.ColorBlindFriendlySeriesColors;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Pictures of {@link IsotropyReport}s as PNG files. Needs the optional dependency {@code org.knowm.xchart:xchart} on the
 * class path and no display.
 *
 * <p>Every method writes the file and returns the chart, which the caller may restyle and save again. A number that a
 * report leaves undefined (NaN) is a gap in its line.
 */
public final class IsotropyPlots {

    private static final int WIDTH = 900;
    private static final int HEIGHT = 500;

    private IsotropyPlots() {}

    /**
     * IsoScore* of each layer, one line per report: the picture of what a regularizer did to a network.
     *
     * @param reports series name to report, in the order of the legend; a layer that a report lacks is a gap in its line
     * @param png file to write or to overwrite
     * @return the chart
     * @throws IllegalArgumentException if there is no report, or not one of them has a defined IsoScore*
     * @throws IOException if the file cannot be written
     */
    public static CategoryChart isoScoreStar(Map<String, IsotropyReport> reports, Path png) throws IOException {
        return byLayer(reports, "IsoScore*", LayerIsotropy::isoScoreStar, png);
    }

    /**
     * TwoNN intrinsic dimension of each layer, one line per report.
     *
     * @param reports series name to report, in the order of the legend; a layer that a report lacks is a gap in its line
     * @param png file to write or to overwrite
     * @return the chart
     * @throws IllegalArgumentException if there is no report, or not one of them has a defined intrinsic dimension
     * @throws IOException if the file cannot be written
     */
    public static CategoryChart intrinsicDimension(Map<String, IsotropyReport> reports, Path png) throws IOException {
        return byLayer(reports, "Intrinsic dimension (TwoNN)", LayerIsotropy::intrinsicDimension, png);
    }

    /**
     * Standard deviation of each dimension of a layer, the largest first, outlier dimensions marked: the steeper the
     * curve, the fewer dimensions carry the variance.
     *
     * @param layer a layer or union of a report
     * @param png file to write or to overwrite
     * @return the chart
     * @throws IOException if the file cannot be written
     */
    public static XYChart standardDeviations(LayerIsotropy layer, Path png) throws IOException {
        XYChart chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title("Standard deviation by dimension: " + layer.name())
                .xAxisTitle("dimension, by rank")
                .yAxisTitle("standard deviation")
                .build();
        style(chart.getStyler());
        chart.getStyler().setYAxisMin(0.0);
        List<Dimension> sorted = layer.dimensions().stream()
                .sorted(Comparator.comparingDouble(Dimension::standardDeviation).reversed())
                .toList();
        addRanked(chart, "all dimensions", sorted, dimension -> true, XYSeriesRenderStyle.Line);
        addRanked(chart, "outliers by variance", sorted, Dimension::varianceOutlier, XYSeriesRenderStyle.Scatter);
        addRanked(chart, "outliers by mean", sorted, Dimension::meanOutlier, XYSeriesRenderStyle.Scatter);
        return save(chart, png);
    }

    /** Adds the chosen dimensions at their ranks, if there are any: XChart knows no empty series. */
    private static void addRanked(
            XYChart chart,
            String name,
            List<Dimension> sorted,
            Predicate<Dimension> chosen,
            XYSeriesRenderStyle renderStyle) {
        List<Integer> ranks = IntStream.rangeClosed(1, sorted.size())
                .filter(rank -> chosen.test(sorted.get(rank - 1)))
                .boxed()
                .toList();
        if (!ranks.isEmpty()) {
            List<Double> deviations = ranks.stream()
                    .map(rank -> sorted.get(rank - 1).standardDeviation())
                    .toList();
            XYSeries series = chart.addSeries(name, ranks, deviations);
            series.setXYSeriesRenderStyle(renderStyle);
            if (renderStyle == XYSeriesRenderStyle.Line) {
                series.setMarker(SeriesMarkers.NONE);
            }
        }
    }

    private static CategoryChart byLayer(
            Map<String, IsotropyReport> reports, String title, ToDoubleFunction<LayerIsotropy> number, Path png)
            throws IOException {
        Set<String> names = new LinkedHashSet<>();
        Map<String, Map<String, Double>> values = new LinkedHashMap<>();
        reports.forEach((series, report) -> {
            report.layers().forEach(layer -> names.add(layer.name()));
            values.put(
                    series,
                    report.layers().stream()
                            .filter(layer -> Double.isFinite(number.applyAsDouble(layer)))
                            .collect(Collectors.toMap(LayerIsotropy::name, number::applyAsDouble)));
        });
        if (values.values().stream().allMatch(Map::isEmpty)) {
            throw new IllegalArgumentException("reports must hold a layer with a defined number for " + title
                    + ", found none in " + reports.keySet());
        }
        CategoryChart chart = new CategoryChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title(title + " by layer")
                .xAxisTitle("layer")
                .yAxisTitle(title)
                .build();
        style(chart.getStyler());
        chart.getStyler().setDefaultSeriesRenderStyle(CategorySeriesRenderStyle.Line);
        chart.getStyler().setOverlapped(true); // points of all series stand above their layer's name
        chart.getStyler().setLegendVisible(values.size() > 1);
        chart.getStyler().setXAxisLabelRotation(names.size() > 8 ? 45 : 0);
        chart.getStyler().setYAxisMin(0.0);
        List<String> layers = List.copyOf(names);
        values.forEach((series, byLayer) -> {
            List<@Nullable Double> line =
                    layers.stream().<@Nullable Double>map(byLayer::get).toList();
            chart.addSeries(series, layers, line);
        });
        return save(chart, png);
    }

    private static void style(Styler styler) {
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setPlotBorderVisible(false);
        styler.setLegendPosition(LegendPosition.OutsideS);
        styler.setLegendLayout(Styler.LegendLayout.Horizontal);
        styler.setLegendBorderColor(Color.WHITE);
        styler.setSeriesColors(new ColorBlindFriendlySeriesColors().getSeriesColors());
    }

    private static <C extends Chart<?, ?>> C save(C chart, Path png) throws IOException {
        try (OutputStream out = Files.newOutputStream(png)) {
            BitmapEncoder.saveBitmap(chart, out, BitmapFormat.PNG);
        }
        return chart;
    }
}
