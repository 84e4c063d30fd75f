/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.istar.analysis.IsotropyReport.Dimension;
import io.latent4j.istar.analysis.IsotropyReport.LayerIsotropy;
import io.latent4j.istar.analysis.IsotropyReport.Options;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

class IsotropyReportTest {

    private static final Options DEFAULTS = Options.defaults();

    /** Gaussian points with a different mean and standard deviation in each dimension. */
    private static double[][] points(int count, int width, long seed) {
        Random random = new Random(seed);
        double[][] points = new double[count][width];
        for (double[] point : points) {
            for (int k = 0; k < width; k++) {
                point[k] = 0.3 * k + (1 + k % 4) * random.nextGaussian();
            }
        }
        return points;
    }

    private static INDArray array(double[][] points) {
        return Nd4j.createFromArray(points);
    }

    private static LayerIsotropy only(INDArray points, Options options) {
        return IsotropyReport.of(Map.of("a", points), options).layer("a");
    }

    @ParameterizedTest
    @CsvSource({"DOUBLE,1e-12", "FLOAT,1e-5"})
    void numbersFollowTheirDefinitions(DataType type, double tolerance) {
        INDArray points = array(points(400, 12, 1)).castTo(type);
        LayerIsotropy entry = only(points, DEFAULTS);
        Reference.assertEntry(points.castTo(DataType.DOUBLE).toDoubleMatrix(), entry, 10_000, tolerance);
        assertEquals(1 + 11 * entry.isoScoreStar(), entry.effectiveRank(), 1e-9);
        assertEquals("a", entry.name());
        assertEquals(List.of("a"), entry.members());
    }

    @Test
    void equalVarianceInSomeDirectionsOnly() {
        // ± each of 3 unit vectors of 9 dimensions: IsoScore* = (3−1)/(9−1)
        INDArray axes = Nd4j.eye(9).castTo(DataType.DOUBLE).get(org.nd4j.linalg.indexing.NDArrayIndex.interval(0, 3));
        LayerIsotropy entry = only(Nd4j.vstack(axes, axes.neg()), DEFAULTS);
        assertEquals(0.25, entry.isoScoreStar(), 1e-12);
        assertEquals(3, entry.effectiveRank(), 1e-12);
    }

    @Test
    void rankDeficientFloatPoints() {
        // probabilities: each row sums to 1, so the covariance has an eigenvalue of 0 and some rounding
        INDArray points = Transforms.softmax(array(points(500, 5, 16)).castTo(DataType.FLOAT));
        Reference.assertEntry(points.castTo(DataType.DOUBLE).toDoubleMatrix(), only(points, DEFAULTS), 10_000, 1e-5);
        LayerIsotropy tiny = only(points.mul(1e-15), DEFAULTS);
        assertEquals(only(points, DEFAULTS).isoScoreStar(), tiny.isoScoreStar(), 1e-5);
    }

    @Test
    void cosinesOfRandomPairs() {
        INDArray line = Nd4j.linspace(DataType.FLOAT, 1, 50, 50).reshape(50, 1).mmul(Nd4j.ones(1, 4));
        assertEquals(1, only(line, DEFAULTS).meanCosine(), 1e-12);
        // Two points off the origin: every pair is these two
        INDArray two = Nd4j.zeros(DataType.DOUBLE, 20, 2);
        two.putScalar(3, 0, 2);
        two.putScalar(11, 0, 5).putScalar(11, 1, 5);
        assertEquals(Math.sqrt(0.5), only(two, DEFAULTS).meanCosine(), 1e-12);
        // One alone has no pair
        two.putScalar(3, 0, 0);
        assertEquals(Double.NaN, only(two, DEFAULTS).meanCosine());
        // A point is never paired with itself
        INDArray orthogonal = Nd4j.eye(5).castTo(DataType.DOUBLE);
        assertEquals(0, only(orthogonal, DEFAULTS).meanCosine());
        // Neither squares that vanish in float32 nor large ones do harm
        assertEquals(1, only(line.mul(1e-30), DEFAULTS).meanCosine(), 1e-12);
    }

    @Test
    void cosinesUseAsManyPairsAsAsked() {
        INDArray points = array(points(100, 3, 2));
        double exact = Reference.allCosines(points.toDoubleMatrix())[0];
        double one = only(points, Options.builder().cosinePairs(1).build()).meanCosine();
        double many =
                only(points, Options.builder().cosinePairs(300_000).build()).meanCosine();
        assertNotEquals(exact, one, 1e-3);
        assertEquals(exact, many, 5e-3); // five times 0.5/√300 000
    }

    @Test
    void outlierDimensionsByVarianceAndByMean() {
        double[][] points = new double[2000][40];
        Random random = new Random(3);
        for (double[] point : points) {
            for (int k = 0; k < 40; k++) {
                point[k] = (k == 7 ? 10 : 1) * random.nextGaussian() + (k == 31 ? -20 : 0);
            }
        }
        // variance 100 against an average of (39 + 100)/40 = 3.5; mean −20 is 6.2 deviations off the average −0.5
        LayerIsotropy entry = only(array(points), DEFAULTS);
        assertEquals(List.of(7, 31), entry.outlierDimensions());
        Dimension byVariance = entry.dimensions().get(7);
        Dimension byMean = entry.dimensions().get(31);
        assertTrue(byVariance.varianceOutlier() && !byVariance.meanOutlier());
        assertTrue(byMean.meanOutlier() && !byMean.varianceOutlier());
        Options strict =
                Options.builder().varianceFactor(35).meanDeviations(6.5).build();
        assertEquals(List.of(), only(array(points), strict).outlierDimensions());
    }

    @ParameterizedTest
    @CsvSource({"NCW", "NWC"})
    void timeStepsArePointsAndMaskedOnesAreNot(RNNFormat format) {
        INDArray activations =
                array(points(6 * 20, 8, 4)).castTo(DataType.FLOAT).reshape(6, 20, 8);
        INDArray ncw = activations.permute(0, 2, 1);
        INDArray mask = Nd4j.ones(6, 20);
        for (int example = 0; example < 6; example++) {
            for (int t = 20 - 3 * example; t < 20; t++) {
                mask.putScalar(example, t, 0);
            }
        }
        INDArray given = format == RNNFormat.NCW ? ncw.dup() : activations;
        Options options = Options.builder().dataFormat(format).build();
        IsotropyReport report = IsotropyReport.of(Map.of("rnn", given), mask, options);
        double[][] kept = Reference.steps(ncw, mask);
        assertEquals(120 - 45, kept.length);
        Reference.assertEntry(kept, report.layer("rnn"), 10_000, 1e-5);
        // Same points, same order: the very same report
        assertEquals(
                report.layers(),
                IsotropyReport.of(Map.of("rnn", array(kept).castTo(DataType.FLOAT)), options)
                        .layers());
        Reference.assertEntry(
                activations.reshape(120, 8).castTo(DataType.DOUBLE).toDoubleMatrix(),
                IsotropyReport.of(Map.of("rnn", given), options).layer("rnn"),
                10_000,
                1e-5);
    }

    @Test
    void maskOfAMatrix() {
        double[][] points = points(30, 4, 5);
        INDArray mask = Nd4j.ones(30, 1);
        mask.putScalar(0, 0, 0).putScalar(29, 0, 0);
        LayerIsotropy entry =
                IsotropyReport.of(Map.of("ff", array(points)), mask, DEFAULTS).layer("ff");
        Reference.assertEntry(List.of(points).subList(1, 29).toArray(double[][]::new), entry, 10_000, 1e-12);
    }

    @Test
    void momentsUseAllPointsAndTheRestASeededSample() {
        INDArray points = array(points(3000, 6, 6));
        Options small = Options.builder().maxPoints(300).seed(1).build();
        LayerIsotropy entry = only(points, small);
        assertEquals(3000, entry.points());
        assertEquals(Reference.isoScoreStar(points.toDoubleMatrix()), entry.isoScoreStar(), 1e-12);
        assertEquals(entry, only(points, small));
        LayerIsotropy other =
                only(points, Options.builder().maxPoints(300).seed(2).build());
        assertEquals(entry.isoScoreStar(), other.isoScoreStar());
        assertNotEquals(entry.intrinsicDimension(), other.intrinsicDimension());
        assertNotEquals(entry.meanCosine(), other.meanCosine());
        // a Gaussian of 6 dimensions, 300 points: standard error 6/√300 = 0.35
        assertEquals(TwoNN.of(points), entry.intrinsicDimension(), 4 * 0.35);
    }

    @Test
    void unionsOfEqualWidths() {
        double[][] a = points(60, 5, 7);
        double[][] b = points(90, 5, 8);
        double[][] c = points(50, 3, 9);
        double[][] d = points(70, 5, 10);
        Map<String, INDArray> layers = new LinkedHashMap<>();
        layers.put("a", array(a));
        layers.put("b", array(b));
        layers.put("c", array(c));
        layers.put("d", array(d));
        IsotropyReport report = IsotropyReport.of(layers, DEFAULTS);
        assertEquals(
                List.of("a", "b", "c", "d"),
                report.layers().stream().map(LayerIsotropy::name).toList());
        LayerIsotropy union = report.union().orElseThrow();
        assertEquals(List.of(union), report.unions());
        assertEquals(List.of("a", "b", "d"), union.members());
        assertEquals("union (width 5)", union.name());
        Reference.assertEntry(Reference.concat(a, b, d), union, 10_000, 1e-12);
        assertTrue(report.toTable().contains("in no union, no other layer has the width: c (3)"), report.toTable());

        // A sample of the union takes from each layer its share: 20, 30 and 23.3 of 73.3
        LayerIsotropy sampled = IsotropyReport.of(
                        layers, Options.builder().maxPoints(73).build())
                .union()
                .orElseThrow();
        assertEquals(union.isoScoreStar(), sampled.isoScoreStar());
        assertTrue(Double.isFinite(sampled.intrinsicDimension()));

        assertEquals(
                Optional.empty(),
                IsotropyReport.of(Map.of("c", array(c)), DEFAULTS).union());
        layers.put("e", array(c));
        IsotropyReport two = IsotropyReport.of(layers, DEFAULTS);
        assertEquals(
                List.of(List.of("a", "b", "d"), List.of("c", "e")),
                two.unions().stream().map(LayerIsotropy::members).toList());
        assertEquals(two.unions().get(0), two.union().orElseThrow());
        IsotropyReport some = IsotropyReport.of(
                layers, Options.builder().layers("e", "d", "c").build());
        assertEquals(
                List.of("e", "d", "c"),
                some.layers().stream().map(LayerIsotropy::name).toList());
    }

    @Test
    void undefinedNumbersAreNaN() {
        LayerIsotropy constant = only(Nd4j.ones(10, 3), DEFAULTS);
        assertEquals(Double.NaN, constant.isoScoreStar());
        assertEquals(Double.NaN, constant.effectiveRank());
        assertEquals(Double.NaN, constant.intrinsicDimension());
        assertEquals(1, constant.meanCosine(), 1e-12);
        assertEquals(List.of(), constant.outlierDimensions());
        LayerIsotropy narrow = only(array(new double[][] {{1}, {2}, {4}, {9}}), DEFAULTS);
        assertEquals(Double.NaN, narrow.isoScoreStar());
        assertEquals(1, narrow.effectiveRank(), 1e-12);
        LayerIsotropy pair = only(array(new double[][] {{1, 0}, {0, 1}}), DEFAULTS);
        assertEquals(Double.NaN, pair.intrinsicDimension());
        assertEquals(0, pair.isoScoreStar(), 1e-12);
    }

    @Test
    void tableAndCsvSayWhatTheRecordSays() {
        Map<String, INDArray> layers = new LinkedHashMap<>();
        layers.put("lstm, \"1\"", array(points(40, 6, 11)));
        layers.put("dense", array(points(40, 6, 12)));
        layers.put("dead", Nd4j.zeros(DataType.DOUBLE, 40, 4));
        IsotropyReport report = IsotropyReport.of(layers, DEFAULTS);

        String[] table = report.toTable().split("\n", -1);
        assertEquals(
                "layer            width  points  IsoScore*  eff. rank  TwoNN dim  mean cos  outlier dims", table[0]);
        assertEquals("dead                 4      40          -          -          -         -  -", table[3]);
        assertEquals(
                String.format(
                        java.util.Locale.ROOT,
                        "dense                6      40  %9.4f  %9.2f  %9.2f  %8.4f  -",
                        report.layer("dense").isoScoreStar(),
                        report.layer("dense").effectiveRank(),
                        report.layer("dense").intrinsicDimension(),
                        report.layer("dense").meanCosine()),
                table[2]);
        assertEquals("union (width 6): lstm, \"1\", dense", table[5]);
        assertEquals("in no union, no other layer has the width: dead (4)", table[6]);
        assertEquals("TwoNN (discard 0.1) and cosines (10000 pairs): at most 5000 points each, seed 0", table[7]);
        assertEquals("", table[8]);

        String[] csv = report.toCsv().lines().toArray(String[]::new);
        assertEquals(5, csv.length);
        assertTrue(csv[1].startsWith("\"lstm, \"\"1\"\"\",\"lstm, \"\"1\"\"\",6,40,"), csv[1]);
        String[] dense = csv[2].split(",", -1);
        assertEquals(csv[0].split(",", -1).length, dense.length);
        assertEquals(report.layer("dense").isoScoreStar(), Double.parseDouble(dense[4]));
        assertEquals(report.layer("dense").effectiveRank(), Double.parseDouble(dense[5]));
        assertEquals(report.layer("dense").intrinsicDimension(), Double.parseDouble(dense[6]));
        assertEquals(report.layer("dense").meanCosine(), Double.parseDouble(dense[7]));
        assertEquals("dead,dead,4,40,NaN,NaN,NaN,NaN,,", csv[3]);

        String[] dimensions = report.toDimensionsCsv().lines().toArray(String[]::new);
        assertEquals(1 + 6 + 6 + 4 + 6, dimensions.length);
        Dimension third = report.layer("dense").dimensions().get(2);
        assertEquals("dense,2," + third.mean() + "," + third.standardDeviation() + ",false,false", dimensions[9]);
    }

    @Test
    void tableAbbreviatesManyOutliers() {
        INDArray points = array(points(50, 30, 13));
        Options easy = Options.builder().varianceFactor(1.0001).build();
        LayerIsotropy entry = only(points, easy);
        List<Integer> outliers = entry.outlierDimensions();
        assertTrue(outliers.size() > 5);
        String expected = String.join(
                        " ",
                        outliers.subList(0, 5).stream().map(String::valueOf).toList()) + " +" + (outliers.size() - 5);
        String table = IsotropyReport.of(Map.of("a", points), easy).toTable();
        assertTrue(table.contains(expected), table);
        String csv = IsotropyReport.of(Map.of("a", points), easy).toCsv();
        assertTrue(
                csv.contains(","
                        + String.join(
                                " ", outliers.stream().map(String::valueOf).toList()) + ","),
                csv);
    }

    @Test
    void rejectsBadInput() {
        INDArray good = array(points(10, 3, 14));
        assertMessage("at least one layer, found none", () -> IsotropyReport.of(Map.of(), DEFAULTS));
        assertMessage(
                "layers must be among [a], found [b]",
                () -> IsotropyReport.of(
                        Map.of("a", good), Options.builder().layers("b").build()));
        assertMessage("layer a must have rank 2 or 3, found shape [10]", () -> only(good.getColumn(0), DEFAULTS));
        assertMessage(
                "Layer a must have at least 2 unmasked points, found 1", () -> only(good.getRow(0, true), DEFAULTS));
        assertMessage(
                "Layer a must have at least 2 unmasked points, found 0",
                () -> IsotropyReport.of(Map.of("a", good), Nd4j.zeros(10, 1), DEFAULTS));
        assertMessage(
                "Mask of layer a must have one element for each of the 10 points",
                () -> IsotropyReport.of(Map.of("a", good), Nd4j.ones(9, 1), DEFAULTS));
        assertMessage(
                "found shape [5, 2]",
                () -> IsotropyReport.of(Map.of("a", good.reshape(2, 3, 5)), Nd4j.ones(5, 2), DEFAULTS));
        assertMessage("Activations of layer a: ", () -> only(good.dup().putScalar(2, 2, Double.NaN), DEFAULTS));
        assertMessage("name must be one of [a], found b", () -> IsotropyReport.of(Map.of("a", good), DEFAULTS)
                .layer("b"));
    }

    @Test
    void optionsAreChecked() {
        assertMessage("maxPoints must be >= 3, found 2", Options.builder().maxPoints(2)::build);
        assertMessage("cosinePairs must be >= 1, found 0", Options.builder().cosinePairs(0)::build);
        assertMessage(
                "discardFraction must be in [0, 1), found 1.0",
                Options.builder().discardFraction(1)::build);
        assertMessage("layers must be distinct, found [a, a]", Options.builder().layers("a", "a")::build);
        for (double bad : new double[] {1, -3, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertMessage(
                    "varianceFactor must be finite and > 1, found " + bad,
                    Options.builder().varianceFactor(bad)::build);
        }
        for (double bad : new double[] {0, -3, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertMessage(
                    "meanDeviations must be finite and > 0, found " + bad,
                    Options.builder().meanDeviations(bad)::build);
        }
        assertEquals(
                new Options(List.of("x"), 10, 20, 0.2, 6, 4, RNNFormat.NWC, 9),
                Options.builder()
                        .layers("x")
                        .maxPoints(10)
                        .cosinePairs(20)
                        .discardFraction(0.2)
                        .varianceFactor(6)
                        .meanDeviations(4)
                        .dataFormat(RNNFormat.NWC)
                        .seed(9)
                        .build());
    }

    @Test
    void discardFractionReachesTheEstimator() {
        INDArray points = array(points(200, 4, 15));
        Stream.of(0.0, 0.3)
                .forEach(fraction -> assertEquals(
                        TwoNN.of(points, fraction),
                        only(points, Options.builder().discardFraction(fraction).build())
                                .intrinsicDimension(),
                        1e-12));
    }

    private static void assertMessage(String part, Executable executable) {
        String message =
                assertThrows(IllegalArgumentException.class, executable).getMessage();
        assertTrue(message.contains(part), message);
    }
}
