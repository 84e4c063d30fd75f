/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.Similarity;
import io.latent4j.vocabsem.analysis.LensReport.Candidate;
import io.latent4j.vocabsem.analysis.LensReport.Gold;
import io.latent4j.vocabsem.analysis.LensReport.HeadCheck;
import io.latent4j.vocabsem.analysis.LensReport.LayerSummary;
import io.latent4j.vocabsem.analysis.LensReport.Position;
import io.latent4j.vocabsem.analysis.LensReport.Reading;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Readings of given states against sums over pairs, one by one. */
class SemanticLensTest {

    private static final int TOKENS = 40;
    private static final int WIDTH = 6;

    private static double[][] random(int rows, int columns, long seed) {
        Random random = new Random(seed);
        double[][] values = new double[rows][columns];
        Arrays.stream(values).forEach(row -> Arrays.setAll(row, k -> random.nextGaussian()));
        return values;
    }

    private static double similarity(double[] r, double[] s, Similarity similarity) {
        double rr = 0;
        double ss = 0;
        double rs = 0;
        double squares = 0;
        for (int k = 0; k < r.length; k++) {
            rr += r[k] * r[k];
            ss += s[k] * s[k];
            rs += r[k] * s[k];
            squares += (r[k] - s[k]) * (r[k] - s[k]);
        }
        return switch (similarity) {
            case COSINE -> rr == 0 || ss == 0 ? 0 : rs / Math.sqrt(rr * ss);
            case EUCLIDEAN -> -Math.sqrt(squares);
            case DOT -> rs;
        };
    }

    private static void assertReading(
            Reading reading, double[] state, double[][] bases, Similarity similarity, double scale, int k, int gold) {
        double[] scores = Arrays.stream(bases)
                .mapToDouble(basis -> similarity(state, basis, similarity))
                .toArray();
        double sum = Arrays.stream(scores).map(score -> Math.exp(scale * score)).sum();
        double[] p = Arrays.stream(scores)
                .map(score -> Math.exp(scale * score) / sum)
                .toArray();
        List<Integer> order = IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.<Integer>comparingDouble(token -> -scores[token])
                        .thenComparing(token -> token))
                .toList();
        assertEquals(
                order.subList(0, Math.min(k, order.size())),
                reading.nearest().stream().map(Candidate::token).toList());
        for (Candidate candidate : reading.nearest()) {
            assertEquals(scores[candidate.token()], candidate.score(), 1e-9);
            assertEquals(p[candidate.token()], candidate.probability(), 1e-9);
        }
        assertEquals(-Arrays.stream(p).map(x -> x * Math.log(x)).sum(), reading.entropy(), 1e-9);
        if (gold < 0) {
            assertNull(reading.gold());
            return;
        }
        Gold golden = reading.gold();
        assertEquals(gold, golden.token());
        assertEquals(1 + order.indexOf(gold), golden.rank());
        assertEquals(p[gold], golden.probability(), 1e-9);
        double cosine = similarity(state, bases[gold], Similarity.COSINE);
        assertEquals(1 - cosine, golden.cosineDistance(), 1e-12);
        assertEquals(Math.toDegrees(Math.acos(cosine)), golden.angle(), 1e-6);
        assertEquals(-similarity(state, bases[gold], Similarity.EUCLIDEAN), golden.distance(), 1e-12);
    }

    private static SemanticBases bases(double[][] rows) {
        return SemanticBases.fromEmbedding(Nd4j.createFromArray(rows));
    }

    @ParameterizedTest
    @EnumSource
    void readingsEqualTheDefinition(Similarity similarity) {
        double[][] bases = random(TOKENS, WIDTH, 1);
        double[][] states = random(30, WIDTH, 2);
        int[] gold = new Random(3).ints(30, 0, TOKENS).toArray();
        gold[4] = -1;
        for (long budget : new long[] {1, 7 * 2 * TOKENS * 8, 1 << 20}) { // one state, seven, all at a time
            SemanticLens lens = SemanticLens.builder(bases(bases))
                    .similarity(similarity)
                    .scale(2.5)
                    .topK(7)
                    .maxBytes(budget)
                    .build();
            LensReport report =
                    lens.read(Map.of("states", Nd4j.createFromArray(states)), Nd4j.createFromArray(gold), null);
            List<Reading> readings = report.layer("states").readings();
            assertEquals(30, readings.size());
            for (int i = 0; i < 30; i++) {
                assertEquals(new Position(i, Position.NO_STEP), readings.get(i).position());
                assertReading(readings.get(i), states[i], bases, similarity, 2.5, 7, gold[i]);
            }
            assertEquals(
                    new LensReport.Settings(
                            similarity, 2.5, 7, TOKENS, bases(bases).fingerprint()),
                    report.settings());
            assertEquals(HeadCheck.State.UNKNOWN, report.head().state());
        }
    }

    @ParameterizedTest
    @EnumSource(RNNFormat.class)
    void maskedStepsAreLeftOut(RNNFormat format) {
        double[][] bases = random(TOKENS, WIDTH, 1);
        int examples = 5;
        int steps = 4;
        double[][] states = random(examples * steps, WIDTH, 7);
        INDArray stepsFirst = Nd4j.createFromArray(states).reshape(examples, steps, WIDTH);
        INDArray given = format == RNNFormat.NWC ? stepsFirst : stepsFirst.permute(0, 2, 1);
        INDArray mask = Nd4j.ones(examples, steps);
        INDArray gold = Nd4j.create(DataType.INT, examples, steps);
        for (int i = 0; i < examples * steps; i++) {
            gold.putScalar(i / steps, i % steps, (i * 7) % TOKENS);
        }
        mask.putScalar(0, 3, 0);
        mask.putScalar(2, 0, 0);
        IntStream.range(0, steps).forEach(step -> mask.putScalar(4, step, 0));
        SemanticLens lens =
                SemanticLens.builder(bases(bases)).dataFormat(format).topK(3).build();
        Map<String, INDArray> layers = new LinkedHashMap<>();
        layers.put("lower", given.dup('f'));
        layers.put("upper", given.mul(-1));
        LensReport report = lens.read(layers, gold, mask);
        assertEquals(
                List.of("lower", "upper"),
                report.layers().stream().map(LensReport.LayerReading::name).toList());
        List<Position> expected = IntStream.range(0, examples * steps)
                .mapToObj(i -> new Position(i / steps, i % steps))
                .filter(position -> mask.getDouble(position.example(), position.step()) != 0)
                .toList();
        assertEquals(14, expected.size());
        for (Reading reading : report.layer("lower").readings()) {
            int row = reading.position().example() * steps + reading.position().step();
            assertReading(reading, states[row], bases, Similarity.COSINE, 1, 3, (row * 7) % TOKENS);
        }
        for (LensReport.LayerReading layer : report.layers()) {
            assertEquals(
                    expected, layer.readings().stream().map(Reading::position).toList());
        }
        assertEquals(List.of(new Position(2, 1), new Position(2, 2), new Position(2, 3)), report.positions(2));
        assertEquals(List.of(), report.positions(4));
        assertEquals(
                List.of(
                        report.layer("lower").readings().get(4),
                        report.layer("upper").readings().get(4)),
                report.trajectory(new Position(1, 1)));
    }

    @Test
    void oneGoldTokenPerExampleServesAllItsSteps() {
        INDArray states = Nd4j.rand(DataType.DOUBLE, 3, WIDTH, 4);
        SemanticLens lens =
                SemanticLens.builder(bases(random(TOKENS, WIDTH, 1))).build();
        LensReport report = lens.read(Map.of("x", states), Nd4j.createFromArray(9, -1, 11), null);
        for (Reading reading : report.layer("x").readings()) {
            switch (reading.position().example()) {
                case 0 -> assertEquals(9, reading.gold().token());
                case 1 -> assertNull(reading.gold());
                default -> assertEquals(11, reading.gold().token());
            }
        }
        assertEquals(8, report.summaries().get(0).rank().n());
        assertEquals(12, report.summaries().get(0).entropy().n());
    }

    /** Bases along the axes: a state's cosines are its own coordinates over its norm. */
    @Test
    void summariesByHand() {
        SemanticBases axes = SemanticBases.fromEmbedding(Nd4j.eye(4).castTo(DataType.DOUBLE));
        Map<String, INDArray> layers = new LinkedHashMap<>();
        layers.put("first", Nd4j.createFromArray(new double[][] {{1, 0, 0, 0}, {0, 0, 3, 4}, {2, 0, 0, 0}}));
        layers.put("last", Nd4j.createFromArray(new double[][] {{0, 1, 0, 0}, {0, 0, 0, 1}, {5, 0, 0, 0}}));
        LensReport report = SemanticLens.builder(axes).build().read(layers, Nd4j.createFromArray(1, 2, 0), null);
        LayerSummary first = report.summaries().get(0);
        assertEquals(3, first.positions());
        // token 1 has cosine 0 as 2 and 3 have, and the smallest id of them; token 2 is second to 3
        assertEquals(5 / 3.0, first.rank().mean(), 1e-12);
        assertEquals(2, first.rank().median());
        assertEquals(Math.sqrt(1 / 3.0), first.rank().deviation(), 1e-12);
        assertEquals(1 / 3.0, first.accuracy(), 1e-12);
        assertEquals(2 / 3.0, first.agreement(), 1e-12);
        assertEquals((1 + 0.4 + 0) / 3, first.cosineDistance().mean(), 1e-12);
        double e = Math.E;
        double unit = Math.log(e + 3) - e / (e + 3);
        double both = Math.log(Math.exp(0.6) + Math.exp(0.8) + 2)
                - (0.6 * Math.exp(0.6) + 0.8 * Math.exp(0.8)) / (Math.exp(0.6) + Math.exp(0.8) + 2);
        assertEquals((2 * unit + both) / 3, first.entropy().mean(), 1e-12);
        assertEquals(
                (1 / (e + 3) + Math.exp(0.6) / (Math.exp(0.6) + Math.exp(0.8) + 2) + e / (e + 3)) / 3,
                first.probability().mean(),
                1e-12);
        LayerSummary last = report.summaries().get(1);
        assertEquals(1, last.agreement());
        assertEquals(2 / 3.0, last.accuracy(), 1e-12);
        assertEquals(
                Math.sqrt(4 + 16) - Math.sqrt(20),
                report.layer("first").readings().get(1).gold().distance() - Math.sqrt(4 + 16),
                1e-12);
    }

    @Test
    void agreementIsOverSharedPositions() {
        SemanticBases axes = SemanticBases.fromEmbedding(Nd4j.eye(3).castTo(DataType.DOUBLE));
        Map<String, INDArray> layers = new LinkedHashMap<>();
        layers.put("steps", Nd4j.ones(DataType.DOUBLE, 2, 3, 4));
        layers.put("whole", Nd4j.ones(DataType.DOUBLE, 2, 3));
        LensReport report = SemanticLens.builder(axes).build().read(layers);
        assertEquals(Double.NaN, report.summaries().get(0).agreement());
        assertEquals(1, report.summaries().get(1).agreement());
        assertEquals(Double.NaN, report.summaries().get(0).accuracy());
    }

    @Test
    void floatStatesOnFloatBases() {
        double[][] bases = random(3000, 64, 1);
        double[][] states = random(20, 64, 2);
        LensReport exact = SemanticLens.builder(bases(bases))
                .topK(1)
                .scale(20)
                .build()
                .read(Map.of("x", Nd4j.createFromArray(states)));
        SemanticBases rounded =
                SemanticBases.fromEmbedding(Nd4j.createFromArray(bases).castTo(DataType.FLOAT));
        LensReport single =
                SemanticLens.builder(rounded).topK(1).scale(20).build().read(Map.of("x", Nd4j.createFromArray(states)));
        for (int i = 0; i < 20; i++) {
            Reading a = exact.layers().get(0).readings().get(i);
            Reading b = single.layers().get(0).readings().get(i);
            assertEquals(a.top().token(), b.top().token());
            assertEquals(a.entropy(), b.entropy(), 1e-4);
            assertEquals(a.top().probability(), b.top().probability(), 1e-5);
        }
    }

    @Test
    void zeroStatesHaveNoDirection() {
        LensReport report = SemanticLens.builder(bases(random(5, WIDTH, 1)))
                .topK(9)
                .build()
                .read(Map.of("x", Nd4j.zeros(DataType.DOUBLE, 1, WIDTH)), Nd4j.createFromArray(3), null);
        Reading reading = report.layers().get(0).readings().get(0);
        assertEquals(
                List.of(0, 1, 2, 3, 4),
                reading.nearest().stream().map(Candidate::token).toList());
        assertEquals(Math.log(5), reading.entropy(), 1e-12);
        assertEquals(4, reading.gold().rank());
        assertEquals(1, reading.gold().cosineDistance());
        assertEquals(90, reading.gold().angle(), 1e-12);
    }

    @Test
    void transformComesBeforeTheComparison() {
        double[][] states = random(9, WIDTH, 2);
        double[][] bases = random(TOKENS, WIDTH, 1);
        INDArray given = Nd4j.createFromArray(states);
        INDArray before = given.dup();
        LensReport report = SemanticLens.builder(bases(bases))
                .transform(rows -> rows.muli(-2)) // on its own copy
                .maxBytes(4 * 2 * TOKENS * 8)
                .build()
                .read(Map.of("x", given));
        assertEquals(before, given);
        for (int i = 0; i < 9; i++) {
            double[] expected = Arrays.stream(states[i]).map(x -> -2 * x).toArray();
            assertReading(report.layers().get(0).readings().get(i), expected, bases, Similarity.COSINE, 1, 5, -1);
        }
    }

    @Test
    void equalReadingsAreEqual() {
        INDArray states = Nd4j.createFromArray(random(9, WIDTH, 2));
        SemanticLens lens =
                SemanticLens.builder(bases(random(TOKENS, WIDTH, 1))).build();
        assertEquals(lens.read(Map.of("x", states)), lens.read(Map.of("x", states.dup('f'))));
    }

    @Test
    void tablesAndCsv() {
        SemanticBases axes = SemanticBases.fromEmbedding(Nd4j.eye(2).castTo(DataType.DOUBLE));
        Map<String, INDArray> layers = new LinkedHashMap<>();
        layers.put("a, \"b\"", Nd4j.createFromArray(new double[][][] {{{1, 0}, {0, 1}}}));
        layers.put("top", Nd4j.createFromArray(new double[][][] {{{0, 0}, {2, 1}}}));
        LensReport report = SemanticLens.builder(axes)
                .topK(2)
                .build()
                .read(layers, Nd4j.createFromArray(new int[][] {{1, -1}}), null);
        String[] csv = report.toCsv().split("\n", -1);
        assertEquals(
                "layer,example,step,entropy,nearest_tokens,nearest_scores,nearest_probabilities,gold_token,gold_rank,"
                        + "gold_probability,gold_cosine_distance,gold_distance",
                csv[0]);
        assertTrue(csv[1].startsWith("\"a, \"\"b\"\"\",0,0,0.58"), csv[1]);
        assertTrue(csv[1].contains(",0 1,1.0 0.0,0.731058578630004"), csv[1]);
        assertTrue(csv[1].endsWith(",1.0,1.4142135623730951"), csv[1]);
        assertTrue(csv[2].endsWith(",,,,,"), csv[2]);
        assertEquals(6, csv.length);

        String[] summary = report.toSummaryCsv().split("\n", -1);
        assertEquals(4, summary.length);
        int columns = summary[0].split(",").length;
        assertEquals(3 + 4 * 5 + 2, columns);
        assertTrue(summary[2].startsWith("top,2,1,1.0,0.0,1.0,1.0,1.0,0.73"), summary[2]);
        assertTrue(summary[2].endsWith(",1.0,1.0"), summary[2]);

        String[] table = report.toTable().split("\n", -1);
        assertTrue(table[0].startsWith("layer   positions  median gold rank"), table[0]);
        assertTrue(table[1].startsWith("a, \"b\"          2               2.0"), table[1]);
        assertTrue(table[3].startsWith("COSINE, scale 1.0, 2 bases ("), table[3]);

        assertEquals(
                List.of("layer          0         1", "top     yes 0.73  yes 0.73", "a, \"b\"   no 0.73  yes 0.73", ""),
                List.of(report.toTable(0, token -> List.of("no", "yes").get(token))
                        .split("\n", -1)));
    }

    private static void assertRejected(String start, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.startsWith(start), message);
    }

    @Test
    void rejectsBadInput() {
        SemanticBases bases = bases(random(TOKENS, WIDTH, 1));
        SemanticLens lens = SemanticLens.builder(bases).build();
        INDArray states = Nd4j.rand(DataType.DOUBLE, 3, WIDTH);
        INDArray series = Nd4j.rand(DataType.DOUBLE, 3, WIDTH, 5);
        assertRejected("statesByLayer must hold at least one layer", () -> lens.read(Map.of()));
        assertRejected(
                "layers must be among [x], found [y]",
                () -> SemanticLens.builder(bases).layers("y").build().read(Map.of("x", states)));
        assertRejected("States of layer x must have rank 2 or 3", () -> lens.read(Map.of("x", Nd4j.zeros(2, 3, 4, 5))));
        assertRejected(
                "States of layer x must have the bases' width 6, found shape [3, 7]",
                () -> lens.read(Map.of("x", Nd4j.zeros(3, 7))));
        assertRejected(
                "Mask of layer x must have one element", () -> lens.read(Map.of("x", states), null, Nd4j.ones(4)));
        assertRejected(
                "Mask of layer x must have one element", () -> lens.read(Map.of("x", series), null, Nd4j.ones(3, 4)));
        assertRejected("data must hold unmasked", () -> lens.read(Map.of("x", states), null, Nd4j.zeros(3)));
        assertRejected(
                "gold must have one token for each example of layer x",
                () -> lens.read(Map.of("x", states), Nd4j.createFromArray(1, 2), null));
        assertRejected(
                "gold must have one token for each example of layer x",
                () -> lens.read(Map.of("x", series), Nd4j.zeros(3, 4), null));
        assertRejected("gold must have shape", () -> lens.read(Map.of("x", series), Nd4j.zeros(3, 1, 5), null));
        assertRejected(
                "gold tokens must be ids below the number of bases 40 (negative for none), found 40",
                () -> lens.read(Map.of("x", states), Nd4j.createFromArray(1, 40, 2), null));
        assertRejected(
                "gold tokens must be ids", () -> lens.read(Map.of("x", states), Nd4j.createFromArray(1, 0.5, 2), null));
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            INDArray broken = states.dup().putScalar(1, 2, bad);
            assertRejected("States of layer x must be finite", () -> lens.read(Map.of("x", broken)));
        }
        assertRejected(
                "scale must be finite and > 0, found 0",
                () -> SemanticLens.builder(bases).scale(0).build());
        assertRejected(
                "scale must be finite and > 0, found NaN",
                () -> SemanticLens.builder(bases).scale(Double.NaN).build());
        assertRejected(
                "topK must be >= 1, found 0",
                () -> SemanticLens.builder(bases).topK(0).build());
        assertRejected(
                "maxBytes must be > 0, found 0",
                () -> SemanticLens.builder(bases).maxBytes(0).build());
        assertRejected(
                "layers must be distinct, found [a, a]",
                () -> SemanticLens.builder(bases).layers("a", "a").build());
        LensReport report = lens.read(Map.of("x", states));
        assertRejected("name must be one of [x], found z", () -> report.layer("z"));
        assertRejected("position must be an unmasked", () -> report.trajectory(new Position(3, Position.NO_STEP)));
        assertRejected("example must have an unmasked", () -> report.toTable(3, Integer::toString));
    }
}
