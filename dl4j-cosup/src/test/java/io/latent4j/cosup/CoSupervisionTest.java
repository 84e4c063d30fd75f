/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Contracts;
import io.latent4j.contracts.InDouble;
import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.schedule.MapSchedule;
import org.nd4j.linalg.schedule.ScheduleType;

@ExtendWith(InDouble.class)
class CoSupervisionTest {
    /** Both ways to build the towers. */
    enum Towers {
        SEPARATE(Batches::separate),
        SHARED(Batches::shared);

        private final BiFunction<NeuralNetConfiguration.Builder, CoSupervision.Heads, ComputationGraph> graphs;

        Towers(BiFunction<NeuralNetConfiguration.Builder, CoSupervision.Heads, ComputationGraph> graphs) {
            this.graphs = graphs;
        }

        ComputationGraph graph(Settings settings, CoSupervision.Heads.Builder heads) {
            return graphs.apply(settings.base(), heads.build());
        }
    }

    private static void gradientsAgree(ComputationGraph graph, String what) {
        Contracts.gradientsAgree(graph, Batches.usual(DataType.DOUBLE), Set.of(), what);
    }

    @ParameterizedTest
    @EnumSource
    void gradientsAgreeForEachPooling(Pooling pooling) {
        gradientsAgree(
                Towers.SEPARATE.graph(
                        Settings.gradientCheck(pooling == Pooling.LAST),
                        Batches.heads().pooling(pooling)),
                "pooling " + pooling);
    }

    @Test
    void gradientsAgreeForEachContrast() {
        for (Contrast contrast : List.of(
                Contrast.PAPER, new Contrast(Similarity.COSINE, 0.3, false), new Contrast(Similarity.DOT, 0.5, true))) {
            gradientsAgree(
                    Towers.SEPARATE.graph(
                            Settings.gradientCheck(false), Batches.heads().contrast(contrast)),
                    contrast.toString());
        }
    }

    @ParameterizedTest
    @EnumSource
    void gradientsAgreeWithMemory(Towers towers) {
        ComputationGraph graph =
                towers.graph(Settings.gradientCheck(true), Batches.heads().memorySize(20));
        MultiDataSet data = Batches.usual(DataType.DOUBLE);
        graph.fit(Batches.other(DataType.DOUBLE));
        assertEquals(3, CoSupervision.keyMemory(graph).size());
        double validation = graph.score(data, false);
        assertTrue(graph.score(data, true) > validation, "more negatives");
        gradientsAgree(graph, towers + " with memory");
        CoSupervision.keyMemory(graph).clear();
        assertEquals(graph.score(data, false), graph.score(data, true), 1e-12, "nothing remembered");
    }

    @ParameterizedTest
    @EnumSource
    void theLossIsThePapers(Towers towers) {
        ComputationGraph graph = towers.graph(Settings.training(new Sgd(0.1)), Batches.heads());
        MultiDataSet data = Batches.usual(DataType.DOUBLE);
        // Passages 1, 0 for the [Ret] of text 0, and 2 or 0 for that of text 1
        ComputationGraph generator = CoSupervision.generator(graph);
        INDArray[] said = generator.output(
                false, new INDArray[] {data.getFeatures(0)}, new INDArray[] {data.getFeaturesMaskArray(0)}, null);
        ComputationGraph encoder = CoSupervision.sequenceEncoder(graph);
        INDArray keys = encoder.output(
                        false,
                        new INDArray[] {data.getFeatures(1)},
                        new INDArray[] {data.getFeaturesMaskArray(1)},
                        null)[0];
        double nextToken = 0;
        int targets = 0;
        for (int n = 0; n < 3; n++) {
            for (int t = 0; t < 5; t++) {
                if (data.getLabelsMaskArray(0).getDouble(n, t) != 0) {
                    nextToken -= Math.log(said[0].getDouble(n, data.getLabels(0).getInt(n, 0, t), t));
                    targets++;
                }
            }
        }
        INDArray queries = Nd4j.vstack(state(said[1], 0, 1), state(said[1], 0, 3), state(said[1], 1, 2));
        double nextSequence = NextSequenceContrast.of(
                        queries, keys, Pairing.of(new int[][] {{1}, {0}, {2, 0}}), Contrast.PAPER)
                .loss();
        assertEquals(11, targets);
        double expected = nextToken / targets + 0.7 * nextSequence;
        assertEquals(expected, graph.score(data, false), 1e-12);
        CoSupervision.Losses losses = CoSupervision.losses(graph);
        assertEquals(nextToken / targets, losses.nextToken(), 1e-12);
        assertEquals(nextSequence, losses.nextSequence(), 1e-12);
        assertEquals(0.7, losses.lossWeight());
        assertEquals(
                expected, graph.scoreExamples(data, false).meanNumber().doubleValue(), 1e-12, "each example's share");
        INDArray packed = graph.output(false, data.getFeatures(), data.getFeaturesMaskArrays())[1];
        assertEquals(3 * 5 + 4, packed.size(0));
        assertTrue(packed.getRow(5 + 2).equalsWithEps(state(said[1], 1, 2).getRow(0), 1e-12), "row n·T + t");
        assertTrue(packed.get(NDArrayIndex.interval(15, 19), NDArrayIndex.all()).equalsWithEps(keys, 1e-12));
    }

    private static INDArray state(INDArray states, int example, int step) {
        return states.get(NDArrayIndex.point(example), NDArrayIndex.all(), NDArrayIndex.point(step))
                .reshape(1, Batches.STATE);
    }

    @ParameterizedTest
    @EnumSource
    void paddingChangesNothing(Towers towers) {
        ComputationGraph graph = towers.graph(Settings.gradientCheck(true), Batches.heads());
        MultiDataSet data = Batches.usual(DataType.DOUBLE);
        INDArray expected = Models.gradient(graph, data);
        double score = graph.score();
        // Two more steps of real looking tokens, targets and positives everywhere, all masked
        INDArray[] features = {wider(data.getFeatures(0), 3), wider(data.getFeatures(1), 4), data.getFeatures(2)};
        INDArray[] labels = {wider(data.getLabels(0), 1), wider(data.getLabels(1), 2)};
        INDArray[] featuresMasks = {wider(data.getFeaturesMaskArray(0), 0), wider(data.getFeaturesMaskArray(1), 0), null
        };
        INDArray[] labelsMasks = {wider(data.getLabelsMaskArray(0), 0), wider(data.getLabelsMaskArray(1), 0)};
        INDArray found = Models.gradient(graph, new MultiDataSet(features, labels, featuresMasks, labelsMasks));
        assertEquals(score, graph.score(), 1e-12);
        assertTrue(found.equalsWithEps(expected, 1e-12));
        // A position that the mask hides is no [Ret], whatever its label
        data.getLabels(1).putScalar(2, 0, 2, 3);
        assertTrue(Models.gradient(graph, data).equalsWithEps(expected, 1e-12));
    }

    private static INDArray wider(INDArray array, int value) {
        long[] shape = array.shape().clone();
        shape[shape.length - 1] = 2;
        return Nd4j.concat(shape.length - 1, array, Nd4j.valueArrayOf(shape, value, array.dataType()));
    }

    @ParameterizedTest
    @EnumSource
    void withoutRetOnlyTokensCount(Towers towers) {
        ComputationGraph graph = towers.graph(Settings.gradientCheck(true), Batches.heads());
        int[] lengths = {4, 3};
        MultiDataSet data = Batches.batch(3, DataType.DOUBLE, lengths, new int[] {1}, new int[][][] {null, null}, -1);
        INDArray gradient = Models.gradient(graph, data);
        CoSupervision.Losses losses = CoSupervision.losses(graph);
        assertEquals(0, losses.nextSequence());
        assertEquals(losses.nextToken(), graph.score(), 1e-14);
        ComputationGraph tokensOnly =
                towers.graph(Settings.gradientCheck(true), Batches.heads().lossWeight(0));
        assertEquals(gradient, Models.gradient(tokensOnly, data));
        // No target at all
        data.getLabelsMaskArray(0).assign(0);
        assertEquals(0, Models.gradient(graph, data).amaxNumber().doubleValue());
        assertEquals(0, graph.score());
    }

    @Test
    void aSingleCandidateCostsNothing() {
        ComputationGraph graph = Towers.SEPARATE.graph(Settings.gradientCheck(true), Batches.heads());
        MultiDataSet data = Batches.batch(
                3, DataType.DOUBLE, new int[] {4, 3}, new int[] {2}, new int[][][] {{{0}}, {null, {0}}}, 5);
        Models.gradient(graph, data);
        assertEquals(0, CoSupervision.losses(graph).nextSequence());
        assertEquals(0, graph.gradient().getGradientFor("emb_W").amaxNumber().doubleValue());
    }

    /** Dropout of all layers reaches the heads too, whether or not a minibatch has targets for them. */
    @Test
    void dropoutIsForTrainingOnly() {
        ComputationGraph graph = Batches.separate(
                Settings.training(new Sgd(0.1)).base().dropOut(0.5),
                Batches.heads().build());
        MultiDataSet data = Batches.usual(DataType.DOUBLE);
        MultiDataSet withoutRet =
                Batches.batch(3, DataType.DOUBLE, new int[] {4, 3}, new int[] {1}, new int[][][] {null, null}, -1);
        graph.fit(withoutRet);
        graph.fit(data);
        double first = graph.score(data, true);
        assertTrue(first != graph.score(data, true), "another choice each time");
        assertEquals(graph.score(data, false), graph.score(data, false));
        assertTrue(graph.params().isInfinite().none() && graph.params().isNaN().none());
        assertTrue(graph.summary().contains("NextSequenceVertex"), graph::summary);
    }

    @Test
    void eitherLossAlone() {
        MultiDataSet data = Batches.usual(DataType.DOUBLE);
        ComputationGraph tokens = Towers.SEPARATE.graph(
                Settings.gradientCheck(true), Batches.heads().lossWeight(0));
        Models.gradient(tokens, data);
        assertEquals(0, tokens.gradient().getGradientFor("emb_W").amaxNumber().doubleValue());
        assertEquals(CoSupervision.losses(tokens).nextToken(), tokens.score(), 1e-14);
        assertTrue(CoSupervision.losses(tokens).nextSequence() > 0, "measured all the same");
        ComputationGraph sequences = Towers.SEPARATE.graph(
                Settings.gradientCheck(true), Batches.heads().nextTokenWeight(0).lossWeight(1));
        Models.gradient(sequences, data);
        assertEquals(
                0,
                sequences.gradient().getGradientFor("nextToken_W").amaxNumber().doubleValue());
        assertEquals(CoSupervision.losses(sequences).nextSequence(), sequences.score(), 1e-14);
    }

    @Test
    void lambdaFollowsItsSchedule() {
        ComputationGraph graph = Towers.SEPARATE.graph(
                Settings.training(new Sgd(1e-3)),
                Batches.heads()
                        .lossWeight(new MapSchedule.Builder(ScheduleType.ITERATION)
                                .add(0, 0.5)
                                .add(2, 0.25)
                                .build()));
        MultiDataSet data = Batches.usual(DataType.DOUBLE);
        for (double expected : new double[] {0.5, 0.5, 0.25, 0.25}) {
            graph.fit(data);
            CoSupervision.Losses losses = CoSupervision.losses(graph);
            assertEquals(expected, losses.lossWeight());
            assertEquals(losses.nextToken() + expected * losses.nextSequence(), graph.score(), 1e-12);
        }
    }

    @ParameterizedTest
    @EnumSource
    void workspacesMakeNoDifference(Towers towers) {
        Contracts.workspacesMakeNoDifference(
                settings -> towers.graph(settings, Batches.heads().memorySize(6)), Batches.usual(DataType.DOUBLE));
    }

    @ParameterizedTest
    @EnumSource
    void floatFollowsDouble(Towers towers) {
        Contracts.floatFollowsDouble(
                settings -> towers.graph(settings, Batches.heads()), Batches.usual(DataType.DOUBLE));
    }

    @ParameterizedTest
    @EnumSource
    void nothingIsLost(Towers towers, @TempDir Path folder) throws IOException {
        Contracts.nothingIsLost(
                towers.graph(
                        Settings.training(new RmsProp(1e-2)),
                        Batches.heads()
                                .contrast(new Contrast(Similarity.COSINE, 0.2, true))
                                .pooling(Pooling.MEAN)),
                Batches.usual(DataType.DOUBLE),
                folder);
    }

    @Test
    void aMemoryBelongsToOneNetwork(@TempDir Path folder) throws IOException {
        ComputationGraph graph = Towers.SEPARATE.graph(
                Settings.training(new Sgd(0.1)), Batches.heads().memorySize(5));
        graph.fit(Batches.other(DataType.DOUBLE));
        graph.save(folder.resolve("graph.zip").toFile());
        KeyMemory memory = CoSupervision.keyMemory(graph);
        ComputationGraph restored =
                ComputationGraph.load(folder.resolve("graph.zip").toFile(), true);
        for (ComputationGraph copy : List.of(graph.clone(), restored)) {
            assertNotSame(memory, CoSupervision.keyMemory(copy));
            assertEquals(0, CoSupervision.keyMemory(copy).size(), "starts empty");
        }
        assertEquals(3, memory.size());
        CoSupervision.keyMemory(restored).restore(Contracts.javaSerialized(memory));
        MultiDataSet next = Batches.usual(DataType.DOUBLE);
        graph.fit(next);
        restored.fit(next);
        assertEquals(graph.score(), restored.score());
        assertEquals(graph.params(), restored.params());
    }

    @Test
    void duplicatesAreNeverNegatives() {
        ComputationGraph graph = Towers.SEPARATE.graph(
                Settings.training(new Sgd(1e-9)), Batches.heads().memorySize(8));
        MultiDataSet data = Batches.usual(DataType.DOUBLE);
        graph.fit(data);
        assertEquals(4, CoSupervision.keyMemory(graph).size());
        assertEquals(graph.score(data, false), graph.score(data, true), 1e-12, "all remembered are the batch's own");
        // Of other passages the same keys are negatives
        data.getFeatures(2).addi(100);
        assertTrue(graph.score(data, true) > graph.score(data, false) + 0.1);
    }

    @Test
    void trains() {
        ComputationGraph graph = Towers.SEPARATE.graph(Settings.training(new Sgd(0.5)), Batches.heads());
        MultiDataSet data = Batches.usual(DataType.DOUBLE);
        graph.fit(data);
        CoSupervision.Losses first = CoSupervision.losses(graph);
        for (int i = 0; i < 60; i++) {
            graph.fit(data);
        }
        CoSupervision.Losses last = CoSupervision.losses(graph);
        assertTrue(last.nextToken() < first.nextToken() - 0.3, last::toString);
        assertTrue(last.nextSequence() < first.nextSequence() - 0.3, last::toString);
    }

    @Test
    void inputTypesSetSizes() {
        var builder = new NeuralNetConfiguration.Builder()
                .graphBuilder()
                .addInputs("tokens", "passages")
                .addLayer(
                        "words",
                        new EmbeddingSequenceLayer.Builder().nIn(7).nOut(3).build(),
                        "tokens")
                .addLayer("gen", new LSTM.Builder().nOut(4).build(), "words")
                .addLayer(
                        "passageWords",
                        new EmbeddingSequenceLayer.Builder().nIn(7).nOut(3).build(),
                        "passages")
                .addLayer("emb", new LSTM.Builder().nOut(5).build(), "passageWords");
        CoSupervision.heads(builder, Batches.heads().build());
        builder.setInputTypes(InputType.recurrent(7), InputType.recurrent(7), InputType.feedForward(1));
        RuntimeException e = assertThrows(RuntimeException.class, builder::build);
        assertTrue(message(e).contains("one width, found 4 and 5"), () -> message(e));
    }

    /** Memory reports and layers of a fixed length ask for them. */
    @Test
    void stackedSeriesKnowTheirLengths() {
        InputType texts = InputType.recurrent(3, 5);
        InputType passages = InputType.recurrent(3, 7);
        InputType stacked = new SequenceStackVertex().getOutputType(0, texts, passages);
        assertEquals(passages, stacked);
        InputType states = InputType.recurrent(4, 7);
        assertEquals(InputType.recurrent(4, 5), new SequenceUnstackVertex(0).getOutputType(0, states, texts, passages));
        assertEquals(states, new SequenceUnstackVertex(1).getOutputType(0, states, texts, passages));
        InputType unknown = InputType.recurrent(3);
        assertEquals(unknown, new SequenceStackVertex().getOutputType(0, texts, unknown));
        assertEquals(InputType.recurrent(4), new SequenceUnstackVertex(1).getOutputType(0, states, texts, unknown));
    }

    private static String message(Throwable e) {
        return e.getCause() == null ? String.valueOf(e.getMessage()) : e.getMessage() + message(e.getCause());
    }

    private static void rejects(String expected, Runnable action) {
        RuntimeException e = assertThrows(RuntimeException.class, action::run);
        assertTrue(message(e).contains(expected), () -> message(e));
    }

    @Test
    void badInputIsNamedAndChangesNothing() {
        ComputationGraph graph = Towers.SEPARATE.graph(Settings.training(new Sgd(0.1)), Batches.heads());
        INDArray before = graph.params().dup();
        MultiDataSet data = Batches.usual(DataType.DOUBLE);
        data.getLabels(1).putScalar(0, 0, 1, 4);
        rejects("numbers of keys in [0, 4) or negative for none, found 4 for example 0, step 1", () -> graph.fit(data));
        MultiDataSet token = Batches.usual(DataType.DOUBLE);
        token.getLabels(0).putScalar(1, 0, 2, 7);
        rejects("token ids in [0, 7) or negative for none, found 7 for example 1, step 2", () -> graph.fit(token));
        MultiDataSet masked = Batches.usual(DataType.DOUBLE);
        masked.getFeaturesMaskArray(1).putScalar(3, 0, 0);
        rejects("none in sequence 3", () -> graph.fit(masked));
        MultiDataSet ids = Batches.usual(DataType.DOUBLE);
        ids.setFeatures(2, Nd4j.zeros(DataType.INT32, 3, 1));
        ComputationGraph remembering = Towers.SEPARATE.graph(
                Settings.training(new Sgd(0.1)), Batches.heads().memorySize(2));
        rejects("ids of shape [4, 1], found [3, 1]", () -> remembering.fit(ids));
        assertEquals(before, graph.params());
        graph.fit(Batches.usual(DataType.DOUBLE));
        assertFalse(before.equals(graph.params()), "still trains");

        rejects("lossWeight must be from 0 to 1.0E30, found -0.1", () -> new NextSequenceOutputLayer.Builder()
                .lossWeight(-0.1));
        rejects("found NaN", () -> new NextSequenceOutputLayer.Builder().lossWeight(Double.NaN));
        rejects("temperature must be positive", () -> new NextSequenceOutputLayer.Builder().temperature(0));
        rejects("memorySize must be from 0 to 16777216, found -1", () -> new NextSequenceVertex(-1));
        rejects("stateSize must be positive, found 0", () -> new CoSupervision.Heads.Builder("a", "b", 0, 3));
        ComputationGraph plain = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .graphBuilder()
                .addInputs("in")
                .addLayer(
                        "out",
                        new org.deeplearning4j.nn.conf.layers.OutputLayer.Builder()
                                .nIn(2)
                                .nOut(2)
                                .build(),
                        "in")
                .setOutputs("out")
                .build());
        plain.init();
        rejects("found the vertices [out]", () -> CoSupervision.losses(plain));
        rejects("found the vertices [out]", () -> CoSupervision.generator(plain));
        rejects("NextSequenceVertex", () -> CoSupervision.keyMemory(plain));
    }

    @Test
    void aScheduleMustGiveWeights() {
        ComputationGraph graph = Towers.SEPARATE.graph(
                Settings.training(new Sgd(0.1)),
                Batches.heads()
                        .lossWeight(new MapSchedule.Builder(ScheduleType.ITERATION)
                                .add(0, -1.0)
                                .build()));
        rejects("found -1.0 at iteration 0", () -> graph.fit(Batches.usual(DataType.DOUBLE)));
    }

    @Test
    void withoutMasksAllTokensAreReal() {
        Settings settings = new Settings(DataType.DOUBLE, true, WorkspaceMode.ENABLED, new Sgd(0.1));
        for (Towers towers : Towers.values()) {
            ComputationGraph graph = towers.graph(settings, Batches.heads());
            MultiDataSet data = Batches.batch(
                    5,
                    DataType.DOUBLE,
                    new int[] {4, 4},
                    new int[] {3, 3, 3},
                    new int[][][] {{{0}}, {null, {2}}},
                    1,
                    2,
                    3);
            double expected = graph.score(data, false);
            // A batch with masks before does not matter
            graph.score(Batches.usual(DataType.DOUBLE), false);
            MultiDataSet plain =
                    new MultiDataSet(data.getFeatures(), data.getLabels(), null, data.getLabelsMaskArrays());
            assertEquals(expected, graph.score(plain, false), 1e-12, towers.name());
            assertEquals(
                    3,
                    Arrays.stream(CoSupervision.sequenceEncoder(graph).output(data.getFeatures(1)))
                            .findFirst()
                            .orElseThrow()
                            .size(0));
        }
    }
}
