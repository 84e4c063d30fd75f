/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.samediff;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.istar.IsoScoreStar;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;

class IStarLossTest {

    private static final double LAMBDA = 0.7;

    // ---- value -------------------------------------------------------------------------------------------------

    static Stream<Arguments> clouds() {
        return Stream.of(
                Arguments.of("isotropic", 50, 6, null, 1.0, 0.0),
                Arguments.of("stretched", 50, 6, new double[] {1, 2, 3, 4, 5, 6}, 1.0, 3.0),
                Arguments.of("outlier dimension", 50, 6, new double[] {1, 100, 1, 1, 1, 1}, 1.0, 0.0),
                Arguments.of("rank deficient", 50, 6, new double[] {1, 1, 0, 0, 0, 0}, 1.0, 0.0),
                Arguments.of("fewer points than features", 5, 9, null, 1.0, 1.0),
                Arguments.of("huge", 50, 6, null, 1e12, 0.0),
                Arguments.of("tiny", 50, 6, null, 1e-12, 0.0));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("clouds")
    void valueEqualsTheKernel(String name, int n, int d, double[] spread, double scale, double offset) {
        INDArray points = cloud(n, d, spread, scale, offset, 1);
        double expected = IsoScoreStar.of(points);
        assertEquals(expected, score(points, 0, null), 1e-12);
        assertEquals(expected, score(points.castTo(DataType.FLOAT), 0, null), 1e-6);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("clouds")
    void shrunkValueEqualsTheKernel(String name, int n, int d, double[] spread, double scale, double offset) {
        INDArray points = cloud(n, d, spread, scale, offset, 1);
        INDArray sigma = covariance(d, 5).muli(scale * scale);
        for (double zeta : new double[] {0.2, 1}) {
            double expected = IsoScoreStar.of(points, sigma, zeta);
            assertEquals(expected, score(points, zeta, sigma), 1e-12, () -> "zeta " + zeta);
            assertEquals(
                    expected,
                    score(points.castTo(DataType.FLOAT), zeta, sigma.castTo(DataType.FLOAT)),
                    1e-6,
                    () -> "zeta " + zeta);
        }
    }

    @Test
    void halfPrecisionIsComputedInFloat() {
        INDArray half = cloud(40, 5, null, 1, 0, 3).castTo(DataType.FLOAT16);
        SameDiff sd = SameDiff.create();
        SDVariable score =
                new IStarLoss.Builder().add(sd.var("x", half)).build().isoScoreStar("score");
        assertEquals(DataType.FLOAT, score.dataType());
        assertEquals(IsoScoreStar.of(half.castTo(DataType.DOUBLE)), score.eval().getDouble(0), 1e-6);
    }

    @Test
    void penaltyIsLambdaTimesOneMinusScore() {
        INDArray points = cloud(20, 4, null, 1, 0, 2);
        for (double lambda : new double[] {-3, 0, 5}) {
            SameDiff sd = SameDiff.create();
            SDVariable penalty = new IStarLoss.Builder()
                    .lambda(lambda)
                    .add(sd.var("x", points))
                    .build()
                    .penalty("penalty");
            assertEquals(lambda * (1 - IsoScoreStar.of(points)), penalty.eval().getDouble(0), 1e-12);
        }
    }

    // ---- gradient ----------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.3, 1})
    void gradientAgreesWithFiniteDifferences(double zeta) {
        for (int n : new int[] {12, 4}) { // covariance and Gram route
            INDArray points = cloud(n, 6, new double[] {1, 2, 1, 5, 1, 1}, 1, 2, 7);
            SameDiff sd = SameDiff.create();
            SDVariable sigma = sd.constant("sigma", covariance(6, 8));
            assertGradient(
                    sd,
                    new IStarLoss.Builder()
                            .lambda(LAMBDA)
                            .zeta(zeta)
                            .shrinkageCovariance(sigma)
                            .add(sd.var("x", points)));
        }
    }

    @Test
    void gradientOfTheMaskedUnionAgreesWithFiniteDifferences() {
        SameDiff sd = SameDiff.create();
        SDVariable rows = sd.var("rows", cloud(7, 4, null, 1, 0, 1));
        SDVariable ncw = sd.var("ncw", cloud(6, 10, null, 2, 1, 2).reshape(3, 4, 5));
        SDVariable nwc = sd.var("nwc", cloud(6, 8, null, 3, 0, 3).reshape(2, 6, 4));
        assertGradient(
                sd,
                new IStarLoss.Builder()
                        .lambda(LAMBDA)
                        .add(rows)
                        .add(ncw, RNNFormat.NCW, sd.constant("mask", mask(3, 5)))
                        .add(nwc, RNNFormat.NWC));
    }

    @Test
    void gradientPassesThroughOperationsOfUnknownShape() {
        SameDiff sd = SameDiff.create();
        SDVariable w = sd.var("w", cloud(3, 5, null, 1, 0, 4));
        SDVariable hidden = sd.nn.tanh(sd.mmul(sd.constant("x", cloud(20, 3, null, 1, 0, 5)), w));
        assertGradient(sd, new IStarLoss.Builder().lambda(LAMBDA).add(hidden));
    }

    @Test
    void floatGradientIsAsGoodAsTheClosedFormAllows() {
        INDArray points = cloud(200, 16, null, 1e12, 0, 4);
        INDArray exact = gradient(points);
        INDArray single = gradient(points.castTo(DataType.FLOAT)).castTo(DataType.DOUBLE);
        assertTrue(exact.distance2(single) <= 1e-5 * exact.norm2Number().doubleValue());
    }

    private static INDArray gradient(INDArray points) {
        SameDiff sd = SameDiff.create();
        new IStarLoss.Builder()
                .add(sd.var("x", points))
                .build()
                .penalty("penalty")
                .markAsLoss();
        return sd.calculateGradients(Map.of(), "x").get("x");
    }

    // ---- masks, unions, layouts --------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.4})
    void maskedEqualsTruncated(double zeta) {
        INDArray kept = cloud(9, 4, null, 1, 0, 1);
        INDArray padded = Nd4j.vstack(kept, cloud(5, 4, null, 100, 50, 2));
        INDArray mask = Nd4j.zeros(DataType.DOUBLE, 14);
        mask.get(NDArrayIndex.interval(0, 9)).assign(1);
        INDArray sigma = covariance(4, 3);

        SameDiff sd = SameDiff.create();
        SDVariable x = sd.var("x", padded);
        SDVariable penalty = new IStarLoss.Builder()
                .zeta(zeta)
                .shrinkageCovariance(sd.constant(sigma))
                .add(x, sd.constant("mask", mask))
                .build()
                .penalty("penalty");
        penalty.markAsLoss();
        INDArray gradient = sd.calculateGradients(Map.of(), "x").get("x");

        SameDiff truncated = SameDiff.create();
        SDVariable expected = new IStarLoss.Builder()
                .zeta(zeta)
                .shrinkageCovariance(truncated.constant(sigma))
                .add(truncated.var("x", kept))
                .build()
                .penalty("penalty");
        expected.markAsLoss();
        INDArray expectedGradient = truncated.calculateGradients(Map.of(), "x").get("x");

        assertEquals(expected.eval().getDouble(0), penalty.eval().getDouble(0), 1e-12);
        assertClose(expectedGradient, gradient.get(NDArrayIndex.interval(0, 9), NDArrayIndex.all()), 1e-12);
        assertEquals(
                0,
                gradient.get(NDArrayIndex.interval(9, 14), NDArrayIndex.all())
                        .amaxNumber()
                        .doubleValue());
    }

    @Test
    void severalVariablesEqualTheirConcatenation() {
        INDArray a = cloud(8, 4, null, 1, 0, 1);
        INDArray b = cloud(11, 4, null, 3, 2, 2);
        SameDiff sd = SameDiff.create();
        SDVariable score = new IStarLoss.Builder()
                .add(sd.var("a", a))
                .add(sd.var("b", b))
                .build()
                .isoScoreStar("score");
        assertEquals(IsoScoreStar.of(Nd4j.vstack(a, b)), score.eval().getDouble(0), 1e-12);
    }

    @ParameterizedTest
    @EnumSource(RNNFormat.class)
    void sequencesAreReadInTheirLayout(RNNFormat format) {
        int b = 3;
        int n = 4;
        int t = 5;
        INDArray mask = mask(b, t);
        INDArray ncw = cloud(b, n * t, null, 1, 0, 9).reshape(b, n, t);
        INDArray rows = ncw.permute(0, 2, 1).dup('c').reshape(b * t, n);
        INDArray kept = rows.getRows(Stream.iterate(0, i -> i + 1)
                .limit(b * (long) t)
                .filter(i -> mask.getDouble(i / t, i % t) > 0)
                .mapToInt(Integer::intValue)
                .toArray());

        SameDiff sd = SameDiff.create();
        SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, -1, -1);
        SDVariable m = sd.placeHolder("mask", DataType.FLOAT, -1, -1);
        new IStarLoss.Builder().add(x, format).build().isoScoreStar("all");
        new IStarLoss.Builder().add(x, format, m).build().isoScoreStar("kept");
        INDArray input = format == RNNFormat.NCW ? ncw : ncw.permute(0, 2, 1).dup('c');
        Map<String, INDArray> out = sd.output(Map.of("x", input, "mask", mask.castTo(DataType.FLOAT)), "all", "kept");
        assertEquals(IsoScoreStar.of(rows), out.get("all").getDouble(0), 1e-12);
        assertEquals(IsoScoreStar.of(kept), out.get("kept").getDouble(0), 1e-12);
    }

    // ---- degenerate input ----------------------------------------------------------------------------------------

    @Test
    void coincidingPointsCostNothingAndPullNowhere() {
        SameDiff sd = SameDiff.create();
        SDVariable x = sd.var("x", Nd4j.ones(DataType.FLOAT, 6, 3).muli(4));
        assertNoPenalty(sd, new IStarLoss.Builder().lambda(LAMBDA).add(x));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void noPointOrOnlyOneLeftCostsNothingAndPullsNowhere(int kept) {
        SameDiff sd = SameDiff.create();
        INDArray mask = Nd4j.zeros(DataType.DOUBLE, 6);
        if (kept == 1) {
            mask.putScalar(2, 1);
        }
        SDVariable x = sd.var("x", cloud(6, 3, null, 1, 0, 1));
        assertNoPenalty(sd, new IStarLoss.Builder().lambda(LAMBDA).add(x, sd.constant("mask", mask)));
    }

    private static void assertNoPenalty(SameDiff sd, IStarLoss.Builder builder) {
        IStarLoss loss = builder.build();
        SDVariable penalty = loss.penalty("penalty");
        penalty.markAsLoss();
        assertEquals(0, penalty.eval().getDouble(0));
        assertEquals(0, loss.isoScoreStar("score").eval().getDouble(0));
        INDArray gradient = sd.calculateGradients(Map.of(), "x").get("x");
        assertEquals(0, gradient.isNaN().castTo(DataType.INT32).sumNumber().intValue());
        assertEquals(0, gradient.amaxNumber().doubleValue());
    }

    @Test
    void badSettingsAreNamed() {
        SameDiff sd = SameDiff.create();
        SDVariable x = sd.var("x", DataType.DOUBLE, 10, 4);
        IStarLoss.Builder builder = new IStarLoss.Builder();
        assertMessage(IllegalArgumentException.class, () -> builder.lambda(Double.NaN), "lambda", "NaN");
        assertMessage(IllegalArgumentException.class, () -> builder.lambda(1 / 0.0), "lambda", "Infinity");
        assertMessage(IllegalArgumentException.class, () -> builder.zeta(-0.1), "zeta", "[0, 1]", "-0.1");
        assertMessage(IllegalArgumentException.class, () -> builder.zeta(Double.NaN), "zeta", "NaN");
        assertMessage(
                IllegalArgumentException.class,
                () -> builder.add(sd.var("ints", Nd4j.zeros(DataType.INT32, 3, 3))),
                "ints",
                "INT");
        assertMessage(
                IllegalArgumentException.class,
                () -> builder.add(sd.var("cube", DataType.DOUBLE, 2, 3, 4)),
                "cube",
                "rank 2",
                "[2, 3, 4]");
        assertMessage(IllegalArgumentException.class, () -> builder.add(x, RNNFormat.NCW), "rank 3", "NCW", "[10, 4]");
        assertMessage(
                IllegalArgumentException.class,
                () -> builder.add(sd.var("thin", DataType.DOUBLE, 10, 1)),
                "thin",
                "at least 2 features");
        assertMessage(
                IllegalArgumentException.class,
                () -> builder.shrinkageCovariance(sd.var("flat", DataType.DOUBLE, 4, 3)),
                "flat",
                "square",
                "[4, 3]");
        assertMessage(IllegalStateException.class, builder::build, "at least once");
        builder.add(x);
        assertMessage(
                IllegalArgumentException.class,
                () -> builder.add(sd.var("wide", DataType.DOUBLE, 10, 5)),
                "wide",
                "4 features",
                "5");
        assertMessage(
                IllegalArgumentException.class,
                () -> builder.add(SameDiff.create().var("other", DataType.DOUBLE, 10, 4)),
                "other",
                "same graph");
        assertMessage(IllegalStateException.class, () -> builder.zeta(0.2).build(), "zeta", "0.2");
        assertMessage(
                IllegalArgumentException.class,
                () -> builder.shrinkageCovariance(sd.var("s3", DataType.DOUBLE, 3, 3))
                        .build(),
                "s3",
                "4",
                "3");
        assertMessage(
                IllegalStateException.class,
                () -> new IStarLoss.Builder()
                        .add(sd.var("one", DataType.DOUBLE, 1, 4))
                        .build(),
                "one",
                "at least 2 points");
    }

    private static void assertMessage(Class<? extends Exception> type, Executable call, String... parts) {
        String message = assertThrows(type, call).getMessage();
        for (String part : parts) {
            assertTrue(message.contains(part), () -> "'" + part + "' missing in: " + message);
        }
    }

    // ---- in a model ----------------------------------------------------------------------------------------------

    @Test
    void trainingWithPositiveLambdaRaisesIsotropyAndWithNegativeLowersIt() {
        double plain = isotropyAfterTraining(0);
        double raised = isotropyAfterTraining(2);
        double lowered = isotropyAfterTraining(-2);
        assertTrue(lowered < plain && plain < raised, () -> lowered + " < " + plain + " < " + raised);
        assertTrue(raised > plain + 0.05, () -> plain + " against " + raised);
    }

    private static double isotropyAfterTraining(double lambda) {
        SameDiff sd = classifier(lambda);
        sd.setTrainingConfig(new TrainingConfig.Builder()
                .updater(new Adam(0.01))
                .dataSetFeatureMapping("x")
                .dataSetLabelMapping("y")
                .build());
        DataSet data = new DataSet(cloud(64, 5, null, 1, 0, 1), oneHot(64));
        for (int epoch = 0; epoch < 30; epoch++) {
            sd.fit(data);
        }
        INDArray hidden = sd.output(Map.of("x", data.getFeatures()), "hidden").get("hidden");
        return IsoScoreStar.of(hidden);
    }

    @Test
    void graphIsSavedAndLoadedWithItsPenalty(@TempDir Path dir) {
        SameDiff sd = classifier(1.5);
        Path file = dir.resolve("model.sd");
        sd.save(file.toFile(), true);
        SameDiff loaded = SameDiff.load(file.toFile(), true);
        Map<String, INDArray> data = new HashMap<>();
        data.put("x", cloud(30, 5, null, 1, 0, 3));
        data.put("y", oneHot(30));
        assertEquals(sd.output(data, "loss"), loaded.output(data, "loss"));
        INDArray gradient = sd.calculateGradients(data, "w").get("w");
        assertFalse(gradient.amaxNumber().doubleValue() == 0);
        assertEquals(gradient, loaded.calculateGradients(data, "w").get("w"));
    }

    private static SameDiff classifier(double lambda) {
        SameDiff sd = SameDiff.create();
        SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 5);
        SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 2);
        SDVariable w = sd.var("w", cloud(5, 6, new double[] {3, 1, 1, 1, 1, 1}, 0.5, 0, 11));
        SDVariable v = sd.var("v", cloud(6, 2, null, 0.5, 0, 12));
        SDVariable hidden = sd.nn.tanh("hidden", sd.mmul(x, w));
        SDVariable task = sd.loss.softmaxCrossEntropy("task", y, sd.mmul(hidden, v), null);
        SDVariable penalty =
                new IStarLoss.Builder().lambda(lambda).add(hidden).build().penalty("istar");
        task.add("loss", penalty);
        sd.setLossVariables("loss");
        return sd;
    }

    // ---- helpers -------------------------------------------------------------------------------------------------

    private static double score(INDArray points, double zeta, INDArray sigma) {
        SameDiff sd = SameDiff.create();
        IStarLoss.Builder builder = new IStarLoss.Builder().zeta(zeta).add(sd.var("x", points));
        if (sigma != null) {
            builder.shrinkageCovariance(sd.constant("sigma", sigma));
        }
        return builder.build().isoScoreStar("score").eval().getDouble(0);
    }

    /**
     * Central differences of about 20 elements of every trainable variable; truncation and rounding leave about 1e-9 at
     * this step.
     */
    private static void assertGradient(SameDiff sd, IStarLoss.Builder builder) {
        SDVariable penalty = builder.build().penalty("penalty");
        penalty.markAsLoss();
        String[] trainable = sd.variables().stream()
                .filter(v -> v.getVariableType() == VariableType.VARIABLE)
                .map(SDVariable::name)
                .toArray(String[]::new);
        assertTrue(trainable.length > 0);
        Map<String, INDArray> gradients = sd.calculateGradients(Map.of(), trainable);
        double step = 1e-6;
        for (String name : trainable) {
            INDArray array = sd.getVariable(name).getArr();
            for (long i = 0; i < array.length(); i += Math.max(1, array.length() / 20)) {
                double value = array.getDouble(i);
                array.putScalar(i, value + step);
                double above = penalty.eval().getDouble(0);
                array.putScalar(i, value - step);
                double below = penalty.eval().getDouble(0);
                array.putScalar(i, value);
                assertEquals((above - below) / (2 * step), gradients.get(name).getDouble(i), 1e-8, name);
            }
        }
    }

    private static void assertClose(INDArray expected, INDArray actual, double tolerance) {
        assertArrayEquals(
                expected.dup('c').data().asDouble(), actual.dup('c').data().asDouble(), tolerance);
    }

    /** Gaussian cloud with a spread per feature, scaled and moved off the origin. */
    private static INDArray cloud(int n, int d, double[] spread, double scale, double offset, long seed) {
        Random random = new Random(seed);
        double[][] values = new double[n][d];
        for (double[] row : values) {
            for (int j = 0; j < d; j++) {
                row[j] = scale * (offset + random.nextGaussian() * (spread == null ? 1 : spread[j]));
            }
        }
        return Nd4j.create(values).castTo(DataType.DOUBLE);
    }

    private static INDArray covariance(int d, long seed) {
        INDArray root = cloud(2 * d, d, null, 1, 0, seed);
        return root.transpose().mmul(root).divi(2.0 * d);
    }

    /** Rows of lengths t, t−1, t−2, …. */
    private static INDArray mask(int b, int t) {
        INDArray mask = Nd4j.zeros(DataType.DOUBLE, b, t);
        for (int i = 0; i < b; i++) {
            mask.get(NDArrayIndex.point(i), NDArrayIndex.interval(0, t - i)).assign(1);
        }
        return mask;
    }

    private static INDArray oneHot(int n) {
        INDArray labels = Nd4j.zeros(DataType.DOUBLE, n, 2);
        for (int i = 0; i < n; i++) {
            labels.putScalar(i, i % 2, 1);
        }
        return labels;
    }
}
