/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.vocabsem.Similarity;
import io.latent4j.vocabsem.analysis.LensReport.Candidate;
import io.latent4j.vocabsem.analysis.LensReport.Gold;
import io.latent4j.vocabsem.analysis.LensReport.HeadCheck;
import io.latent4j.vocabsem.analysis.LensReport.LayerReading;
import io.latent4j.vocabsem.analysis.LensReport.Measure;
import io.latent4j.vocabsem.analysis.LensReport.Position;
import io.latent4j.vocabsem.analysis.LensReport.Reading;
import io.latent4j.vocabsem.analysis.LensReport.Settings;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowm.xchart.CategoryChart;

class LensPlotsTest {

    private static final int FRAME = new Color(0xD5, 0x5E, 0x00).getRGB();

    @TempDir
    Path folder;

    private static Reading reading(int step, int token, double probability, @Nullable Gold gold) {
        return new Reading(new Position(0, step), List.of(new Candidate(token, 0.5, probability)), 1 + step, gold);
    }

    private static LensReport report(LayerReading... layers) {
        return new LensReport(
                List.of(layers),
                new Settings(Similarity.COSINE, 1, 1, 10, "none"),
                new HeadCheck(HeadCheck.State.UNKNOWN, "none"));
    }

    private static LensReport report(boolean gold) {
        Gold right = gold ? new Gold(7, 1, 0.9, 0.1, 2) : null;
        Gold wrong = gold ? new Gold(7, 100, 0.1, 0.5, 3) : null;
        return report(
                new LayerReading("lower", List.of(reading(0, 3, 0.2, wrong), reading(1, 4, 0.4, wrong))),
                new LayerReading("upper", List.of(reading(0, 3, 0.5, wrong), reading(1, 7, 0.9, right))));
    }

    private static BufferedImage written(Path png) throws IOException {
        return assertNotNullImage(ImageIO.read(png.toFile()));
    }

    private static BufferedImage assertNotNullImage(BufferedImage image) {
        assertNotNull(image, "no picture");
        return image;
    }

    private static long pixels(BufferedImage image, int rgb) {
        return IntStream.range(0, image.getWidth() * image.getHeight())
                .filter(i -> image.getRGB(i % image.getWidth(), i / image.getWidth()) == rgb)
                .count();
    }

    @Test
    void heatMapShadesCellsByProbabilityAndFramesGold() throws IOException {
        Path png = folder.resolve("lens.png");
        Files.writeString(png, "no picture");
        BufferedImage picture = LensPlots.heatMap(report(true), 0, token -> "token" + token, png);
        BufferedImage file = written(png);
        assertEquals(picture.getWidth(), file.getWidth());
        assertEquals(picture.getHeight(), file.getHeight());
        assertTrue(pixels(file, FRAME) > 100, "no frame");
        // the darkest shade in the upper right cell and on the scale only
        int darkest = new Color(0x08, 0x30, 0x6B).getRGB();
        assertTrue(pixels(file, darkest) > 500, "no cell of the darkest shade");

        BufferedImage without = LensPlots.heatMap(report(false), 0, token -> "token" + token, png);
        assertEquals(0, pixels(without, FRAME));
        assertTrue(without.getHeight() < picture.getHeight(), "the row of gold tokens is left out");
    }

    @Test
    void heatMapOfChosenPositionsGrowsWithThem() {
        LensReport report = report(true);
        List<Position> one = List.of(new Position(0, 1));
        // a position that the report lacks is an empty column
        List<Position> two = List.of(new Position(0, 1), new Position(5, 0));
        int narrow = LensPlots.heatMap(report, one, List.of("read"), Integer::toString)
                .getWidth();
        int wide = LensPlots.heatMap(report, two, List.of("read", "this"), Integer::toString)
                .getWidth();
        assertTrue(wide > narrow, wide + " and " + narrow);
        // however long the texts are, a column has its limits
        int longest = LensPlots.heatMap(report, one, List.of("x".repeat(500)), token -> "y".repeat(500))
                .getWidth();
        assertTrue(longest < narrow + 200, longest + " and " + narrow);
    }

    @Test
    void longTextsAreCutBetweenCharacters() {
        FontMetrics metrics = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB)
                .createGraphics()
                .getFontMetrics(new Font(Font.SANS_SERIF, Font.PLAIN, 14));
        assertEquals("short", HeatMap.fit("short", metrics, 200));
        assertEquals("a↵b⇥c", HeatMap.fit("a\nb\tc", metrics, 200));
        String cut = HeatMap.fit("abcdefghijklmnopqrstuvwxyz", metrics, 60);
        assertTrue(cut.matches("abc[a-z]*…") && metrics.stringWidth(cut) <= 60, cut);
        String pair = "\uD83D\uDE00";
        String faces = HeatMap.fit(pair.repeat(30), metrics, 60);
        assertEquals(1, faces.length() % 2, "half a surrogate pair: " + faces);
    }

    private static List<@Nullable Double> line(CategoryChart chart, String series) {
        List<@Nullable Double> line = new ArrayList<>();
        chart.getSeriesMap().get(series).getYData().forEach(y -> line.add(y == null ? null : y.doubleValue()));
        return line;
    }

    @Test
    void trajectoriesShowMeanAndQuartiles() throws IOException {
        Map<String, LensReport> reports = new LinkedHashMap<>();
        reports.put("before", report(true));
        reports.put("after", report(new LayerReading("upper", List.of(reading(0, 7, 1, new Gold(7, 1, 1, 0, 0))))));
        Path png = folder.resolve("trajectory.png");
        CategoryChart chart = LensPlots.trajectory(reports, Measure.PROBABILITY, png);
        BufferedImage image = written(png);
        assertEquals(900, image.getWidth());
        assertEquals(500, image.getHeight());
        assertEquals(0.1, line(chart, "before").get(0), 1e-12);
        assertEquals(0.5, line(chart, "before").get(1), 1e-12);
        assertEquals(0.1, line(chart, "before, 25 %").get(1), 1e-12);
        assertEquals(0.9, line(chart, "before, 75 %").get(1), 1e-12);
        assertNull(line(chart, "after").get(0));
        assertEquals(1, line(chart, "after").get(1));
        assertTrue(chart.getStyler().isLegendVisible());

        CategoryChart ranks = LensPlots.trajectory(Map.of("one", report(true)), Measure.RANK, png);
        assertEquals(100, line(ranks, "one").get(0));
        assertEquals(50.5, line(ranks, "one").get(1));
        assertTrue(ranks.getStyler().isYAxisLogarithmic());
        assertFalse(ranks.getStyler().isLegendVisible());
        written(png);

        CategoryChart entropy = LensPlots.trajectory(Map.of("one", report(false)), Measure.ENTROPY, png);
        assertEquals(1.5, line(entropy, "one").get(0));
        CategoryChart distance = LensPlots.trajectory(Map.of("one", report(true)), Measure.COSINE_DISTANCE);
        assertEquals(0.3, line(distance, "one").get(1), 1e-12);
    }

    @Test
    void rejectsBadInput() {
        Path png = folder.resolve("none.png");
        LensReport report = report(false);
        List<Position> positions = report.positions(0);
        String empty = assertThrows(
                        IllegalArgumentException.class,
                        () -> LensPlots.trajectory(Map.of("one", report), Measure.RANK, png))
                .getMessage();
        assertEquals("reports must have the rank of the gold token at some layer, found none in [one]", empty);
        String example = assertThrows(
                        IllegalArgumentException.class, () -> LensPlots.heatMap(report, 1, Integer::toString, png))
                .getMessage();
        assertEquals("example must have an unmasked position in some layer, found 1", example);
        String captions = assertThrows(
                        IllegalArgumentException.class,
                        () -> LensPlots.heatMap(report, positions, List.of("a"), Integer::toString))
                .getMessage();
        assertEquals("captions must be as many as the 2 positions, found 1", captions);
        String nothing = assertThrows(
                        IllegalArgumentException.class,
                        () -> LensPlots.heatMap(report, List.of(new Position(9, 9)), null, Integer::toString))
                .getMessage();
        assertEquals("positions must hold an unmasked position of the report, found none", nothing);
        assertFalse(Files.exists(png));
        assertThrows(
                NoSuchFileException.class,
                () -> LensPlots.heatMap(report, 0, Integer::toString, folder.resolve("no/such/folder.png")));
        assertThrows(
                NoSuchFileException.class,
                () -> LensPlots.trajectory(
                        Map.of("one", report), Measure.ENTROPY, folder.resolve("no/such/folder.png")));
    }
}
