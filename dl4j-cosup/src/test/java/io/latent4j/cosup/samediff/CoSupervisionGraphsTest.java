/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.samediff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.NextSequenceContrast;
import io.latent4j.cosup.Pairing;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.Similarity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.BaseListener;
import org.nd4j.autodiff.listeners.Operation;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;

class CoSupervisionGraphsTest {
    private static final int N = 3;
    private static final int T = 5;
    private static final int K = 2;
    private static final int M = 6;
    private static final int C = 4;
    private static final int D = 7;
    private static final int V = 9;

    private final INDArray states = random(1, N * T, D);
    private final INDArray keys = random(2, M, D);
    private final INDArray memory = random(3, C, D);
    private final INDArray output = random(4, D, V);
    private final INDArray targets = Nd4j.createFromArray(new int[][][] {
        {{1, 2, 3, -1, 0}}, {{8, 8, 0, 4, 5}}, {{2, 0, 0, 7, 6}},
    });
    private final INDArray targetsMask =
            Nd4j.createFromArray(new float[][] {{0, 1, 1, 0, 0}, {1, 1, 1, 1, 1}, {0, 0, 0, 1, 1}});
    /** Two [Ret] in example 0, one of them with two positives; none in example 1; a masked one in example 2. */
    private final INDArray positives = Nd4j.createFromArray(new int[][][] {
        {{-1, 0, -1, 2, -1}, {-1, -1, -1, 4, -1}},
        {{-1, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}},
        {{-1, 5, -1, -1, 1}, {-1, -1, -1, -1, -1}},
    });

    private final INDArray positivesMask =
            Nd4j.createFromArray(new float[][] {{0, 1, 0, 1, 0}, {0, 0, 0, 0, 0}, {0, 0, 0, 0, 1}});
    /** Keys 3 and 0 are one sequence, so are key 1 and a memory's. */
    private final INDArray ids = Nd4j.createFromArray(10, 11, 12, 10, 14, -1).reshape(M, 1);

    private final INDArray memoryIds = Nd4j.createFromArray(-1, 11, 17, -1).reshape(C, 1);

    private static INDArray random(int seed, long... shape) {
        Nd4j.getRandom().setSeed(seed);
        return Nd4j.randn(DataType.DOUBLE, shape);
    }

    private static INDArray select(INDArray rows, int... numbers) {
        INDArray selected = Nd4j.create(rows.dataType(), numbers.length, rows.size(1));
        for (int i = 0; i < numbers.length; i++) {
            selected.putRow(i, rows.getRow(numbers[i]));
        }
        return selected;
    }

    private static void assertClose(INDArray expected, INDArray found, double tolerance) {
        assertTrue(expected.equalsWithEps(found, tolerance), () -> expected + "\n" + found);
    }

    // ---- next sequence ---------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({
        "DOT, 1, false, false",
        "DOT, 2.5, false, true",
        "DOT, 1, true, true",
        "COSINE, 0.05, false, true",
        "COSINE, 0.2, true, false",
        "COSINE, 0.1, true, true"
    })
    void nextSequenceEqualsTheKernel(Similarity similarity, double temperature, boolean symmetric, boolean more) {
        Contrast contrast = new Contrast(similarity, temperature, symmetric);
        int[] rows = {1, 3, 14};
        int[][] ofRows = {{0}, {2, 4}, {1}};
        memory.getRow(2).assign(0); // an empty place
        INDArray allKeys = more ? Nd4j.vstack(keys, select(memory, 0, 1, 3)) : keys;
        Pairing pairing = Pairing.of(ofRows);
        if (more) {
            pairing = pairing.withoutDuplicates(new long[] {10, 11, 12, 10, 14, -2, -3, 11, -4})
                    .withOwnKeys(M);
        }
        NextSequenceContrast.Result expected =
                NextSequenceContrast.withGradients(select(states, rows), allKeys, pairing, contrast);

        SameDiff sd = SameDiff.create();
        CoSupervisionLoss.Builder builder = new CoSupervisionLoss.Builder("loss")
                .tokens(sd.constant(random(5, N * T, V)), sd.constant(targets), sd.constant(targetsMask))
                .sequences(
                        sd.var("states", states),
                        sd.var("keys", keys),
                        sd.constant(positives),
                        sd.constant(positivesMask))
                .contrast(contrast)
                .lossWeight(1);
        if (more) {
            builder.keyIds(sd.constant(ids)).memory(sd.var("memory", memory), sd.constant(memoryIds));
        }
        CoSupervisionLoss loss = builder.build();
        loss.nextSequence().markAsLoss();
        assertEquals(expected.loss(), loss.nextSequence().eval().getDouble(0), 1e-10 * Math.max(1, expected.loss()));
        Map<String, INDArray> gradients = sd.calculateGradients(Map.of(), "states", "keys");
        INDArray expectedStates = states.mul(0);
        for (int i = 0; i < rows.length; i++) {
            expectedStates.putRow(rows[i], expected.queries().getRow(i));
        }
        assertClose(expectedStates, gradients.get("states"), 1e-8);
        assertClose(expected.keys().get(NDArrayIndex.interval(0, M)), gradients.get("keys"), 1e-8);
    }

    @Test
    void memoryGetsNoGradient() {
        SameDiff sd = SameDiff.create();
        SDVariable remembered = sd.var("memory", memory);
        CoSupervisionLoss loss = new CoSupervisionLoss.Builder("loss")
                .tokens(sd.constant(random(5, N * T, V)), sd.constant(targets), null)
                .sequences(sd.var("states", states), sd.var("keys", keys), sd.constant(positives), null)
                .memory(remembered, null)
                .build();
        loss.total().add(remembered.sum().mul(0)).markAsLoss(); // else it has no gradient at all
        assertEquals(
                0,
                sd.calculateGradients(Map.of(), "memory")
                        .get("memory")
                        .amaxNumber()
                        .doubleValue());
    }

    @ParameterizedTest
    @EnumSource(Similarity.class)
    void extremeValuesAreSafe(Similarity similarity) {
        INDArray large = states.mul(1e4);
        large.getRow(1).assign(0);
        INDArray largeKeys = keys.mul(1e4);
        largeKeys.getRow(2).assign(0);
        for (boolean symmetric : new boolean[] {false, true}) {
            Contrast contrast = new Contrast(similarity, 0.01, symmetric);
            NextSequenceContrast.Result expected = NextSequenceContrast.withGradients(
                    select(large, 1, 3), largeKeys, Pairing.of(new int[][] {{0}, {2, 4}}), contrast);
            SameDiff sd = SameDiff.create();
            SDVariable queries = sd.var("states", large);
            SDVariable all = sd.var("keys", largeKeys);
            INDArray first = positives.dup();
            first.get(NDArrayIndex.point(2)).assign(-1);
            SDVariable loss = CoSupervisionGraphs.nextSequence(
                    "nsp",
                    queries,
                    all,
                    CoSupervisionGraphs.positives("positives", sd.constant(first), null, all),
                    null,
                    contrast);
            assertEquals("nsp", loss.name());
            loss.markAsLoss();
            assertEquals(expected.loss(), loss.eval().getDouble(0), 1e-10 * expected.loss());
            Map<String, INDArray> gradients = sd.calculateGradients(Map.of(), "states", "keys");
            double size = Math.max(1, expected.keys().amaxNumber().doubleValue());
            assertClose(expected.keys(), gradients.get("keys"), 1e-8 * size);
        }
    }

    @Test
    void batchWithoutRetHasNoNextSequenceLoss() {
        SameDiff sd = SameDiff.create();
        SDVariable h = sd.var("states", states);
        SDVariable k = sd.var("keys", keys);
        for (boolean symmetric : new boolean[] {false, true}) {
            CoSupervisionLoss loss = new CoSupervisionLoss.Builder("loss" + symmetric)
                    .tokens(h.mmul(sd.constant(output)), sd.constant(targets), sd.constant(targetsMask))
                    .sequences(h, k, sd.constant(positives), sd.constant(positivesMask.mul(0)))
                    .contrast(Contrast.PAPER.withSymmetric(symmetric))
                    .lossWeight(3)
                    .build();
            sd.setLossVariables(loss.total().name());
            assertEquals(0, loss.nextSequence().eval().getDouble(0));
            assertEquals(
                    loss.nextToken().eval().getDouble(0), loss.total().eval().getDouble(0));
            assertTrue(loss.total().eval().getDouble(0) > 0);
            INDArray gradient = sd.calculateGradients(Map.of(), "keys").get("keys");
            assertEquals(0, gradient.amaxNumber().doubleValue());
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "3, 1", "1, 3", "2, 2"})
    void smallestShapesWork(int queries, int candidates) {
        INDArray q = random(20, queries, D);
        INDArray k = random(21, candidates, D);
        int[] own = new int[queries];
        INDArray labels = Nd4j.zeros(DataType.INT32, queries, 1, 1);
        for (Similarity similarity : Similarity.values()) {
            for (boolean symmetric : new boolean[] {false, true}) {
                Contrast contrast = new Contrast(similarity, 1, symmetric);
                NextSequenceContrast.Result expected =
                        NextSequenceContrast.withGradients(q, k, Pairing.of(own), contrast);
                SameDiff sd = SameDiff.create();
                SDVariable keyed = sd.var("keys", k);
                SDVariable chosen = CoSupervisionGraphs.positives("positives", sd.constant(labels), null, keyed);
                SDVariable loss =
                        CoSupervisionGraphs.nextSequence("nsp", sd.var("states", q), keyed, chosen, null, contrast);
                loss.markAsLoss();
                assertEquals(expected.loss(), loss.eval().getDouble(0), 1e-10);
                Map<String, INDArray> gradients = sd.calculateGradients(Map.of(), "states", "keys");
                assertClose(expected.queries(), gradients.get("states"), 1e-8);
                assertClose(expected.keys(), gradients.get("keys"), 1e-8);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Pooling.class)
    void poolingOfSingleTokensIsTheToken(Pooling pooling) {
        for (int m : new int[] {1, 3}) {
            INDArray x = random(22, m, 1, D);
            SameDiff sd = SameDiff.create();
            SDVariable pooled = CoSupervisionGraphs.pool(
                    "pooled", sd.var("x", x), sd.constant(Nd4j.ones(DataType.FLOAT, m, 1)), pooling);
            assertClose(x.reshape(m, D), pooled.eval(), 0);
        }
    }

    // ---- next token ------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({"DOUBLE, 1e-10, 1e-8", "FLOAT, 1e-5, 1e-5"})
    void nextTokenEqualsTheKernel(DataType type, double tolerance, double gradientTolerance) {
        // Tokens are keys: row v of the output matrix's transpose
        int[] rows = {1, 2, 5, 6, 7, 8, 9, 13, 14};
        int[] tokens = {2, 3, 8, 8, 0, 4, 5, 7, 6};
        NextSequenceContrast.Result expected = NextSequenceContrast.withGradients(
                select(states, rows), output.transpose().dup('c'), Pairing.of(tokens), Contrast.PAPER);
        SameDiff sd = SameDiff.create();
        SDVariable logits = sd.var("states", states.castTo(type)).mmul(sd.var("output", output.castTo(type)));
        SDVariable loss = CoSupervisionGraphs.nextToken("ntp", logits, sd.constant(targets), sd.constant(targetsMask));
        loss.markAsLoss();
        assertEquals("ntp", loss.name());
        assertEquals(expected.loss(), loss.eval().getDouble(0), tolerance);
        Map<String, INDArray> gradients = sd.calculateGradients(Map.of(), "states", "output");
        INDArray expectedStates = states.mul(0);
        for (int i = 0; i < rows.length; i++) {
            expectedStates.putRow(rows[i], expected.queries().getRow(i));
        }
        assertClose(expectedStates, gradients.get("states").castTo(DataType.DOUBLE), gradientTolerance);
        assertClose(expected.keys().transpose(), gradients.get("output").castTo(DataType.DOUBLE), gradientTolerance);
    }

    @Test
    void nextTokenOfLargeLogitsIsExactAndOfNoTargetsZero() {
        SameDiff sd = SameDiff.create();
        SDVariable logits =
                sd.var("logits", Nd4j.createFromArray(new double[][] {{1000, 0, -1000}, {-1000, 1000, 1000}}));
        SDVariable tokens = sd.constant(Nd4j.createFromArray(0, 2));
        assertEquals(
                Math.log(2) / 2,
                CoSupervisionGraphs.nextToken("a", logits, tokens, null).eval().getDouble(0),
                1e-12);
        SDVariable none = sd.constant(Nd4j.zeros(DataType.FLOAT, 2));
        SDVariable zero = CoSupervisionGraphs.nextToken("b", logits, tokens, none);
        zero.markAsLoss();
        assertEquals(0, zero.eval().getDouble(0));
        assertEquals(
                0,
                sd.calculateGradients(Map.of(), "logits")
                        .get("logits")
                        .amaxNumber()
                        .doubleValue());
    }

    // ---- both ------------------------------------------------------------------------------------------------------

    @Test
    void totalIsTheWeightedSum() {
        SameDiff sd = SameDiff.create();
        SDVariable lambda = sd.placeHolder("lambda", DataType.DOUBLE);
        SDVariable h = sd.var("states", states);
        CoSupervisionLoss fixed = parts(sd, h, "fixed").build();
        CoSupervisionLoss scheduled =
                parts(sd, h, "scheduled").lossWeight(lambda).build();
        CoSupervisionLoss strong = parts(sd, h, "strong").lossWeight(0.5).build();
        assertEquals("fixed", fixed.total().name());
        assertEquals("fixed_nextToken", fixed.nextToken().name());
        assertEquals("fixed_nextSequence", fixed.nextSequence().name());
        double token = fixed.nextToken().eval().getDouble(0);
        double sequence = fixed.nextSequence().eval().getDouble(0);
        assertTrue(sequence > 0);
        assertEquals(token + 0.01 * sequence, fixed.total().eval().getDouble(0), 1e-12);
        assertEquals(token + 0.5 * sequence, strong.total().eval().getDouble(0), 1e-12);
        INDArray value = Nd4j.scalar(DataType.DOUBLE, 0.25);
        assertEquals(
                token + 0.25 * sequence,
                scheduled.total().eval(Map.of("lambda", value)).getDouble(0),
                1e-12);
    }

    private CoSupervisionLoss.Builder parts(SameDiff sd, SDVariable h, String name) {
        return new CoSupervisionLoss.Builder(name)
                .tokens(h.mmul(sd.constant(output)), sd.constant(targets), sd.constant(targetsMask))
                .sequences(h, sd.constant(keys), sd.constant(positives), sd.constant(positivesMask));
    }

    @Test
    void paddedBatchIsTheShorterOne() {
        SameDiff sd = SameDiff.create();
        SDVariable h = sd.var("states", states);
        double expected = parts(sd, h, "short").build().total().eval().getDouble(0);
        INDArray longer = random(6, N * (T + 2), D); // whatever padding's states are
        INDArray longTargets = Nd4j.zeros(DataType.INT32, N, 1, T + 2);
        INDArray longPositives = Nd4j.zeros(DataType.INT32, N, K, T + 2);
        INDArray longTargetsMask = Nd4j.zeros(DataType.FLOAT, N, T + 2);
        INDArray longPositivesMask = Nd4j.zeros(DataType.FLOAT, N, T + 2);
        for (int n = 0; n < N; n++) {
            for (int t = 0; t < T; t++) {
                longer.putRow((long) n * (T + 2) + t, states.getRow((long) n * T + t));
                longTargets.putScalar(n, 0, t, targets.getInt(n, 0, t));
                longTargetsMask.putScalar(n, t, targetsMask.getDouble(n, t));
                longPositivesMask.putScalar(n, t, positivesMask.getDouble(n, t));
                for (int k = 0; k < K; k++) {
                    longPositives.putScalar(n, k, t, positives.getInt(n, k, t));
                }
            }
        }
        SDVariable all = sd.var("longer", longer);
        CoSupervisionLoss loss = new CoSupervisionLoss.Builder("long")
                .tokens(all.mmul(sd.constant(output)), sd.constant(longTargets), sd.constant(longTargetsMask))
                .sequences(all, sd.constant(keys), sd.constant(longPositives), sd.constant(longPositivesMask))
                .build();
        assertEquals(expected, loss.total().eval().getDouble(0), 1e-12);
    }

    // ---- states ----------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(Pooling.class)
    void poolingSeesRealTokensOnly(Pooling pooling) {
        int m = 4;
        int s = 5;
        INDArray x = random(7, m, s, D);
        double[][] mask = {{1, 1, 1, 1, 1}, {1, 1, 0, 0, 0}, {0, 1, 0, 1, 0}, {0, 0, 0, 0, 0}};
        INDArray weights = random(8, m, D);
        INDArray expected = Nd4j.zeros(DataType.DOUBLE, m, D);
        INDArray expectedGradient = Nd4j.zeros(DataType.DOUBLE, m, s, D);
        for (int i = 0; i < m; i++) {
            List<Integer> real = new ArrayList<>();
            for (int t = 0; t < s; t++) {
                if (mask[i][t] == 1) {
                    real.add(t);
                }
            }
            for (int f = 0; f < D && !real.isEmpty(); f++) {
                int best = real.get(0);
                double sum = 0;
                for (int t : real) {
                    best = x.getDouble(i, t, f) > x.getDouble(i, best, f) ? t : best;
                    sum += x.getDouble(i, t, f);
                }
                int last = real.get(real.size() - 1);
                double w = weights.getDouble(i, f);
                switch (pooling) {
                    case LAST -> {
                        expected.putScalar(i, f, x.getDouble(i, last, f));
                        expectedGradient.putScalar(i, last, f, w);
                    }
                    case MEAN -> {
                        expected.putScalar(i, f, sum / real.size());
                        for (int t : real) {
                            expectedGradient.putScalar(i, t, f, w / real.size());
                        }
                    }
                    case MAX -> {
                        expected.putScalar(i, f, x.getDouble(i, best, f));
                        expectedGradient.putScalar(i, best, f, w);
                    }
                }
            }
        }
        SameDiff sd = SameDiff.create();
        SDVariable pooled = CoSupervisionGraphs.pool(
                "pooled", sd.var("x", x), sd.constant(Nd4j.createFromArray(mask).castTo(DataType.FLOAT)), pooling);
        assertEquals("pooled", pooled.name());
        pooled.mul(sd.constant(weights)).sum().markAsLoss();
        assertClose(expected, pooled.eval(), 1e-12);
        assertClose(expectedGradient, sd.calculateGradients(Map.of(), "x").get("x"), 1e-12);
    }

    @Test
    void selectedRowsGetTheirGradientsTogether() {
        SameDiff sd = SameDiff.create();
        SDVariable selected =
                CoSupervisionGraphs.select("ret", sd.var("states", states), sd.constant(Nd4j.createFromArray(3, 0, 3)));
        INDArray weights = random(9, 3, D);
        selected.mul(sd.constant(weights)).sum().markAsLoss();
        assertClose(select(states, 3, 0, 3), selected.eval(), 0);
        INDArray expected = states.mul(0);
        expected.putRow(3, weights.getRow(0).add(weights.getRow(2)));
        expected.putRow(0, weights.getRow(1));
        assertClose(expected, sd.calculateGradients(Map.of(), "states").get("states"), 1e-12);
    }

    // ---- training --------------------------------------------------------------------------------------------------

    /** Reports both parts of the loss. */
    private static final class Parts extends BaseListener {
        private final List<Double> nextToken = new ArrayList<>();
        private final List<Double> nextSequence = new ArrayList<>();

        @Override
        public boolean isActive(Operation operation) {
            return operation == Operation.TRAINING;
        }

        @Override
        public void opExecution(
                SameDiff sd,
                At at,
                org.nd4j.linalg.dataset.api.MultiDataSet batch,
                SameDiffOp op,
                OpContext context,
                INDArray[] outputs) {
            String name = op.getOutputsOfOp().get(0);
            if (name.equals("loss_nextToken")) {
                nextToken.add(outputs[0].getDouble(0));
            } else if (name.equals("loss_nextSequence")) {
                nextSequence.add(outputs[0].getDouble(0));
            }
        }
    }

    @Test
    void towersTrainFromPlaceholdersAndListenersSeeTheParts() {
        SameDiff sd = SameDiff.create();
        SDVariable tokens = sd.placeHolder("tokens", DataType.FLOAT, -1, V);
        SDVariable passages = sd.placeHolder("passages", DataType.FLOAT, -1, -1, V);
        SDVariable passagesMask = sd.placeHolder("passagesMask", DataType.FLOAT, -1, -1);
        SDVariable passageIds = sd.placeHolder("passageIds", DataType.INT32, -1, 1);
        SDVariable next = sd.placeHolder("next", DataType.INT32, -1, 1, -1);
        SDVariable nextMask = sd.placeHolder("nextMask", DataType.FLOAT, -1, -1);
        SDVariable ret = sd.placeHolder("ret", DataType.INT32, -1, -1, -1);
        SDVariable retMask = sd.placeHolder("retMask", DataType.FLOAT, -1, -1);
        SDVariable h = sd.math.tanh(tokens.mmul(sd.var("generator", DataType.FLOAT, V, D)));
        SDVariable encoder = sd.var("encoder", DataType.FLOAT, V, D);
        SDVariable shape = sd.concat(
                0,
                sd.sizeAt(passagesMask, 0).castTo(DataType.INT64).reshape(1),
                sd.sizeAt(passagesMask, 1).castTo(DataType.INT64).reshape(1),
                sd.constant(Nd4j.createFromArray((long) D)));
        SDVariable encoded = sd.reshape(passages.reshape(-1, V).mmul(encoder), shape);
        SDVariable keyed = CoSupervisionGraphs.pool("keyed", encoded, passagesMask, Pooling.MEAN);
        Random random = new Random(1);
        for (String name : List.of("generator", "encoder")) {
            float[] values = new float[V * D];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian() / 2;
            }
            sd.getVariable(name).getArr().assign(Nd4j.createFromArray(values).reshape(V, D));
        }
        new CoSupervisionLoss.Builder("loss")
                .tokens(h.mmul(sd.var("output", output.castTo(DataType.FLOAT))), next, nextMask)
                .sequences(h, keyed, ret, retMask)
                .keyIds(passageIds)
                .lossWeight(1)
                .build();
        sd.setLossVariables("loss");
        sd.setTrainingConfig(TrainingConfig.builder()
                .updater(new Adam(0.03))
                .dataSetFeatureMapping("tokens", "passages", "passagesMask", "passageIds", "nextMask", "retMask")
                .dataSetLabelMapping("next", "ret")
                .build());
        Parts parts = new Parts();
        sd.setListeners(parts);
        MultiDataSet batch = batch(N, T, M, 4, positives, positivesMask);
        // Another number of examples, tokens and passages, and no [Ret]
        MultiDataSet other = batch(
                1, 3, 1, 2, Nd4j.createFromArray(new int[][][] {{{-1, -1, -1}}}), Nd4j.zeros(DataType.FLOAT, 1, 3));
        for (int i = 0; i < 40; i++) {
            sd.fit(new SingletonMultiDataSetIterator(i % 8 == 7 ? other : batch), 1);
        }
        assertEquals(40, parts.nextToken.size());
        assertEquals(40, parts.nextSequence.size());
        assertEquals(0, parts.nextSequence.get(7));
        assertTrue(parts.nextToken.get(38) < 0.8 * parts.nextToken.get(0), () -> "found " + parts.nextToken);
        assertTrue(parts.nextSequence.get(38) < 0.5 * parts.nextSequence.get(0), () -> "found " + parts.nextSequence);
    }

    private MultiDataSet batch(int n, int t, int m, int s, INDArray ret, INDArray retMask) {
        Random random = new Random(n);
        INDArray tokens = Nd4j.zeros(DataType.FLOAT, (long) n * t, V);
        for (int i = 0; i < n * t; i++) {
            tokens.putScalar(i, random.nextInt(V), 1);
        }
        INDArray passages = Nd4j.zeros(DataType.FLOAT, m, s, V);
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < s; j++) {
                passages.putScalar(i, j, random.nextInt(V), 1);
            }
        }
        INDArray next = Nd4j.zeros(DataType.INT32, n, 1, t);
        for (int i = 0; i < n * t; i++) {
            next.putScalar(i / t, 0, i % t, tokens.getRow(i).argMax().getInt(0));
        }
        return new MultiDataSet(
                new INDArray[] {
                    tokens,
                    passages,
                    Nd4j.ones(DataType.FLOAT, m, s),
                    Nd4j.createFromArray(IntStream.range(0, m).toArray()).reshape(m, 1),
                    Nd4j.ones(DataType.FLOAT, n, t),
                    retMask
                },
                new INDArray[] {next, ret});
    }

    // ---- bad input -------------------------------------------------------------------------------------------------

    @Test
    void badOptionsAreRefused() {
        SameDiff sd = SameDiff.create();
        SDVariable x = sd.var("x", states);
        CoSupervisionLoss.Builder builder = new CoSupervisionLoss.Builder("loss");
        for (double bad : new double[] {-0.1, Double.NaN, 1 / 0.0}) {
            assertMessage("lossWeight must be finite and at least 0, found " + bad, () -> builder.lossWeight(bad));
        }
        assertMessage("tokens must be set", builder::build);
        builder.tokens(x, sd.constant(targets), null);
        assertMessage("sequences must be set", builder::build);
        builder.sequences(x, x, sd.constant(positives), null).memory(x, sd.constant(memoryIds));
        assertMessage("found those of the memory only", builder::build);
        builder.memory(x, null).keyIds(sd.constant(ids));
        assertMessage("found those of the keys only", builder::build);
        assertMessage("temperature must be positive", () -> new Contrast(Similarity.DOT, 0, false));
    }

    private static void assertMessage(String expected, Executable call) {
        String message = assertThrows(RuntimeException.class, call).getMessage();
        assertTrue(message.contains(expected), message);
        assertEquals(1, Arrays.asList(message.split("\n")).size());
    }
}
