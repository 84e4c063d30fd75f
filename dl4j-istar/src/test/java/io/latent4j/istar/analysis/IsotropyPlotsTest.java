/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.istar.analysis.IsotropyReport.Dimension;
import io.latent4j.istar.analysis.IsotropyReport.LayerIsotropy;
import io.latent4j.istar.analysis.IsotropyReport.Options;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.XYChart;

class IsotropyPlotsTest {

    @TempDir
    Path folder;

    private static LayerIsotropy layer(String name, double score, double dimension, Dimension... dimensions) {
        return new LayerIsotropy(
                name,
                List.of(name),
                Math.max(1, dimensions.length),
                100,
                score,
                3,
                dimension,
                0.1,
                List.of(dimensions));
    }

    private static Map<String, IsotropyReport> reports() {
        Options options = Options.defaults();
        Map<String, IsotropyReport> reports = new LinkedHashMap<>();
        reports.put(
                "without",
                new IsotropyReport(
                        List.of(layer("one", 0.1, 5), layer("two", Double.NaN, 6), layer("three", 0.3, 7)),
                        List.of(),
                        options));
        reports.put(
                "λ = 1",
                new IsotropyReport(List.of(layer("two", 0.5, Double.NaN), layer("four", 0.6, 9)), List.of(), options));
        return reports;
    }

    private static List<Double> line(CategoryChart chart, String series) {
        List<Double> line = new ArrayList<>();
        chart.getSeriesMap().get(series).getYData().forEach(y -> line.add(y == null ? null : y.doubleValue()));
        return line;
    }

    private void assertPicture(Path png, int width, int height) throws IOException {
        BufferedImage image = ImageIO.read(png.toFile());
        assertNotNull(image, png + " is no picture");
        assertEquals(width, image.getWidth());
        assertEquals(height, image.getHeight());
        long colours = IntStream.range(0, width * height)
                .map(i -> image.getRGB(i % width, i / width))
                .distinct()
                .count();
        assertTrue(colours > 10, "only " + colours + " colours");
    }

    @Test
    void linesByLayerHaveGapsWhereNumbersAreMissing() throws IOException {
        Path png = folder.resolve("score.png");
        CategoryChart chart = IsotropyPlots.isoScoreStar(reports(), png);
        assertPicture(png, 900, 500);
        assertEquals(
                List.of("without", "λ = 1"), List.copyOf(chart.getSeriesMap().keySet()));
        assertEquals(
                List.of("one", "two", "three", "four"),
                List.copyOf(chart.getSeriesMap().get("without").getXData()));
        List<Double> without = line(chart, "without");
        assertEquals(0.1, without.get(0));
        assertNull(without.get(1));
        assertEquals(0.3, without.get(2));
        assertNull(without.get(3));
        assertEquals(0.5, line(chart, "λ = 1").get(1));
        assertTrue(chart.getStyler().isLegendVisible());

        Path dimension = folder.resolve("dimension.png");
        CategoryChart second = IsotropyPlots.intrinsicDimension(reports(), dimension);
        assertPicture(dimension, 900, 500);
        assertEquals(6, line(second, "without").get(1));
        assertNull(line(second, "λ = 1").get(1));
    }

    @Test
    void oneReportNeedsNoLegendAndOverwrites() throws IOException {
        Path png = folder.resolve("one.png");
        Files.writeString(png, "no picture");
        Map<String, IsotropyReport> one = Map.of("without", reports().get("without"));
        assertFalse(IsotropyPlots.isoScoreStar(one, png).getStyler().isLegendVisible());
        assertPicture(png, 900, 500);
    }

    @Test
    void standardDeviationsAreSortedAndOutliersMarked() throws IOException {
        Dimension[] dimensions = IntStream.range(0, 40)
                .mapToObj(j -> new Dimension(j, 0, j == 20 ? 9 : 1 + j / 40.0, j == 20, j == 5))
                .toArray(Dimension[]::new);
        Path png = folder.resolve("deviations.png");
        XYChart chart = IsotropyPlots.standardDeviations(layer("upper", 0.4, 3, dimensions), png);
        assertPicture(png, 900, 500);
        double[] all = chart.getSeriesMap().get("all dimensions").getYData();
        assertEquals(40, all.length);
        assertEquals(9, all[0]);
        assertTrue(IntStream.range(1, 40).allMatch(i -> all[i] <= all[i - 1]));
        assertEquals(1, chart.getSeriesMap().get("outliers by variance").getXData()[0]);
        double rank = chart.getSeriesMap().get("outliers by mean").getXData()[0];
        assertEquals(1 + 5 / 40.0, all[(int) rank - 1]);

        Dimension[] plain = DoubleStream.of(1, 2)
                .mapToObj(s -> new Dimension(0, 0, s, false, false))
                .toArray(Dimension[]::new);
        assertEquals(
                List.of("all dimensions"),
                List.copyOf(IsotropyPlots.standardDeviations(layer("plain", 0.4, 3, plain), png)
                        .getSeriesMap()
                        .keySet()));
    }

    @Test
    void rejectsBadInput() {
        Path png = folder.resolve("none.png");
        Map<String, IsotropyReport> undefined =
                Map.of("a", new IsotropyReport(List.of(layer("x", Double.NaN, 1)), List.of(), Options.defaults()));
        Stream.of(Map.<String, IsotropyReport>of(), undefined).forEach(reports -> {
            String message = assertThrows(
                            IllegalArgumentException.class, () -> IsotropyPlots.isoScoreStar(reports, png))
                    .getMessage();
            assertTrue(message.startsWith("reports must hold a layer with a defined number"), message);
        });
        assertFalse(Files.exists(png));
        assertThrows(
                NoSuchFileException.class,
                () -> IsotropyPlots.isoScoreStar(reports(), folder.resolve("no/such/folder.png")));
    }
}
