/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.arbiter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.NextSequenceOutputLayer;
import io.latent4j.cosup.NextSequenceVertex;
import io.latent4j.cosup.NextTokenOutputLayer;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.SequencePoolingVertex;
import io.latent4j.cosup.SequenceStackVertex;
import io.latent4j.cosup.SequenceUnstackVertex;
import io.latent4j.cosup.Similarity;
import io.latent4j.cosup.analysis.RetrievalEvaluation.Metric;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.arbiter.ComputationGraphSpace;
import org.deeplearning4j.arbiter.GraphConfiguration;
import org.deeplearning4j.arbiter.conf.updater.AdamSpace;
import org.deeplearning4j.arbiter.layers.LSTMLayerSpace;
import org.deeplearning4j.arbiter.layers.LayerSpace;
import org.deeplearning4j.arbiter.layers.fixed.FixedLayerSpace;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.data.DataSource;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxCandidatesCondition;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxTimeCondition;
import org.deeplearning4j.arbiter.optimize.config.OptimizationConfiguration;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.integer.IntegerParameterSpace;
import org.deeplearning4j.arbiter.optimize.runner.LocalOptimizationRunner;
import org.deeplearning4j.arbiter.optimize.serde.jackson.JsonMapper;
import org.deeplearning4j.arbiter.saver.local.FileModelSaver;
import org.deeplearning4j.arbiter.task.ComputationGraphTaskCreator;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

class CoSupervisionSpacesTest {
    private static final int V = 8;
    private static final int D = 5;

    private static LayerSpace<EmbeddingSequenceLayer> words() {
        return new FixedLayerSpace<>(
                new EmbeddingSequenceLayer.Builder().nIn(V).nOut(4).build());
    }

    private static LayerSpace<?> lstm() {
        return new LSTMLayerSpace.Builder().nIn(4).nOut(D).build();
    }

    private static ComputationGraphSpace.Builder towers() {
        return new ComputationGraphSpace.Builder()
                .updater(new AdamSpace(new ContinuousParameterSpace(1e-3, 1e-1)))
                .numEpochs(2)
                .seed(7)
                .addInputs("tokens", "passages")
                .addLayer("words", words(), "tokens")
                .addLayer("gen", lstm(), "words")
                .addLayer("passageWords", words(), "passages")
                .addLayer("emb", lstm(), "passageWords");
    }

    private static CoSupervisionSpace.Builder heads(ComputationGraphSpace.Builder towers) {
        return new CoSupervisionSpace.Builder(towers, "gen", "emb", D, V);
    }

    private static final ContinuousParameterSpace LAMBDA = new ContinuousParameterSpace(0.001, 1);
    private static final ContinuousParameterSpace TEMPERATURE = new ContinuousParameterSpace(0.05, 2);
    private static final DiscreteParameterSpace<Similarity> SIMILARITY =
            new DiscreteParameterSpace<>(Similarity.values());
    private static final DiscreteParameterSpace<Boolean> SYMMETRIC = new DiscreteParameterSpace<>(true, false);
    private static final IntegerParameterSpace MEMORY = new IntegerParameterSpace(0, 16);
    private static final DiscreteParameterSpace<Pooling> POOLING = new DiscreteParameterSpace<>(Pooling.values());

    private static CoSupervisionSpace.Builder searched(ComputationGraphSpace.Builder towers) {
        return heads(towers)
                .lossWeight(LAMBDA)
                .temperature(TEMPERATURE)
                .similarity(SIMILARITY)
                .symmetric(SYMMETRIC)
                .memorySize(MEMORY)
                .pooling(POOLING)
                .nextTokenWeight(0.9);
    }

    private static <L> L layer(ComputationGraphConfiguration configuration, String name, Class<L> type) {
        LayerVertex vertex = (LayerVertex) configuration.getVertices().get(name);
        return type.cast(vertex.getLayerConf().getLayer());
    }

    private static <X> X vertex(ComputationGraphConfiguration configuration, Class<X> type) {
        List<GraphVertex> found = configuration.getVertices().values().stream()
                .filter(type::isInstance)
                .toList();
        assertEquals(1, found.size());
        return type.cast(found.get(0));
    }

    // ---- values reach layers and vertices --------------------------------------------------------------------------

    @Test
    void everyDrawnValueReachesItsLayerOrVertex() {
        CoSupervisionSpace space = searched(towers()).build();
        assertEquals(7, space.numParameters(), "six options of the heads and the learning rate");
        RandomSearchGenerator random = new RandomSearchGenerator(space, null);
        random.setRngSeed(3);
        Set<Object> others = new HashSet<>();
        ComputationGraphConfiguration before = null;
        for (int i = 0; i < 25; i++) {
            Candidate<?> candidate = random.getCandidate();
            assertNull(candidate.getException());
            double[] drawn = candidate.getFlatParameters();
            ComputationGraphConfiguration configuration =
                    ((GraphConfiguration) candidate.getValue()).getConfiguration();
            NextSequenceOutputLayer head = layer(configuration, "nextSequence", NextSequenceOutputLayer.class);
            assertEquals(LAMBDA.getValue(drawn), head.getLossWeight());
            assertEquals(
                    new Contrast(SIMILARITY.getValue(drawn), TEMPERATURE.getValue(drawn), SYMMETRIC.getValue(drawn)),
                    head.contrast());
            assertEquals(MEMORY.getValue(drawn), head.getMemorySize());
            NextSequenceVertex memory = vertex(configuration, NextSequenceVertex.class);
            assertEquals(MEMORY.getValue(drawn), memory.getMemorySize());
            SequencePoolingVertex pooling = vertex(configuration, SequencePoolingVertex.class);
            assertEquals(POOLING.getValue(drawn), pooling.getPooling());
            assertEquals(
                    0.9,
                    layer(configuration, "nextToken", NextTokenOutputLayer.class)
                            .getLossWeight());
            if (before != null) {
                assertNotSame(vertex(before, NextSequenceVertex.class), memory);
                assertNotSame(vertex(before, SequencePoolingVertex.class), pooling);
            }
            before = configuration;
            others.add(List.of(head.contrast().similarity(), pooling.getPooling()));
        }
        assertEquals(6, others.size(), () -> "found only " + others);
    }

    @Test
    void whatIsNotSetKeepsItsDefault() {
        ComputationGraphConfiguration configuration = heads(towers().updater(new Adam(0.01)))
                .build()
                .getValue(new double[0])
                .getConfiguration();
        NextSequenceOutputLayer head = layer(configuration, "nextSequence", NextSequenceOutputLayer.class);
        assertEquals(0.01, head.getLossWeight());
        assertEquals(Contrast.PAPER, head.contrast());
        assertEquals(0, head.getMemorySize());
        assertEquals(
                Pooling.LAST, vertex(configuration, SequencePoolingVertex.class).getPooling());
        assertEquals(
                1, layer(configuration, "nextToken", NextTokenOutputLayer.class).getLossWeight());
    }

    @Test
    void candidatesAreGraphsThatTrain() {
        RandomSearchGenerator random =
                new RandomSearchGenerator(searched(towers()).build(), null);
        random.setRngSeed(5);
        for (int i = 0; i < 4; i++) {
            ComputationGraph graph = new ComputationGraph(
                    ((GraphConfiguration) random.getCandidate().getValue()).getConfiguration());
            graph.init();
            graph.fit(batch(1));
            graph.fit(batch(2));
            assertTrue(Double.isFinite(graph.score()));
            assertTrue(CoSupervision.losses(graph).nextSequence() > 0);
            double mrr = new RetrievalScoreFunction().score(graph, data(3));
            assertTrue(mrr > 0 && mrr <= 1, "found " + mrr);
        }
    }

    @Test
    void verticesOfTowersAreCopiedForEachCandidate() {
        CoSupervisionSpace space = searched(new ComputationGraphSpace.Builder()
                        .seed(7)
                        .addInputs("tokens", "passages")
                        .addVertex("both", new SequenceStackVertex(), "tokens", "passages")
                        .addLayer("words", words(), "both")
                        .addLayer("states", lstm(), "words")
                        .addVertex("gen", new SequenceUnstackVertex(0), "states", "tokens", "passages")
                        .addVertex("emb", new SequenceUnstackVertex(1), "states", "tokens", "passages"))
                .build();
        double[] values = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6};
        RandomSearchGenerator indexed = new RandomSearchGenerator(space, null); // numbers the leaves
        assertNull(indexed.getCandidate().getException());
        ComputationGraphConfiguration one = space.getValue(values).getConfiguration();
        ComputationGraphConfiguration two = space.getValue(values).getConfiguration();
        assertEquals(one, two);
        one.getVertices()
                .forEach((name, vertex) ->
                        assertNotSame(vertex, two.getVertices().get(name)));
        ComputationGraph graph = new ComputationGraph(one);
        graph.init();
        graph.fit(batch(1));
        assertTrue(Double.isFinite(graph.score()));
    }

    @Test
    void inputTypesGiveLayersTheirSizes() {
        ComputationGraphSpace.Builder towers = new ComputationGraphSpace.Builder()
                .addInputs("tokens", "passages")
                .addLayer("gen", new LSTMLayerSpace.Builder().nOut(D).build(), "tokens")
                .addLayer("emb", new LSTMLayerSpace.Builder().nOut(D).build(), "passages")
                .setInputTypes(InputType.recurrent(3), InputType.recurrent(6), InputType.feedForward(1));
        ComputationGraph graph = new ComputationGraph(
                heads(towers).build().getValue(new double[0]).getConfiguration());
        graph.init();
        assertEquals(3, graph.getParam("gen_W").size(0));
        assertEquals(6, graph.getParam("emb_W").size(0));
    }

    // ---- layers by themselves --------------------------------------------------------------------------------------

    @Test
    void layerSpacesKnowTheirOptions() {
        assertEquals(
                new NextSequenceOutputLayer.Builder()
                        .nIn(3)
                        .lossWeight(0.5)
                        .similarity(Similarity.COSINE)
                        .temperature(0.1)
                        .symmetric(true)
                        .memorySize(9)
                        .build(),
                new NextSequenceOutputLayerSpace.Builder()
                        .nIn(3)
                        .lossWeight(0.5)
                        .similarity(Similarity.COSINE)
                        .temperature(0.1)
                        .symmetric(true)
                        .memorySize(9)
                        .build()
                        .getValue(new double[0]));
        assertEquals(
                new NextTokenOutputLayer.Builder()
                        .nIn(3)
                        .nOut(4)
                        .lossWeight(0.5)
                        .dataFormat(RNNFormat.NWC)
                        .build(),
                new NextTokenOutputLayerSpace.Builder()
                        .nIn(3)
                        .nOut(4)
                        .lossWeight(0.5)
                        .dataFormat(RNNFormat.NWC)
                        .build()
                        .getValue(new double[0]));
        assertEquals(
                new NextSequenceOutputLayer.Builder().build(),
                new NextSequenceOutputLayerSpace.Builder().build().getValue(new double[0]));
        assertEquals(
                new NextTokenOutputLayer.Builder().build(),
                new NextTokenOutputLayerSpace.Builder().build().getValue(new double[0]));
    }

    @Test
    void drawnValuesReachLayersOfAnOrdinaryGraphSpace() {
        ContinuousParameterSpace weight = new ContinuousParameterSpace(0, 2);
        ComputationGraphSpace space = towers().addInputs("tokens", "passages", "passageIds")
                .addVertex("keys", new SequencePoolingVertex(), "emb")
                .addVertex("rows", new NextSequenceVertex(), "gen", "keys", "passageIds")
                .addLayer(
                        "nextToken",
                        new NextTokenOutputLayerSpace.Builder()
                                .nIn(D)
                                .nOut(V)
                                .lossWeight(weight)
                                .build(),
                        "gen")
                .addLayer(
                        "nextSequence",
                        new NextSequenceOutputLayerSpace.Builder()
                                .nIn(D)
                                .lossWeight(LAMBDA)
                                .temperature(TEMPERATURE)
                                .similarity(SIMILARITY)
                                .symmetric(SYMMETRIC)
                                .build(),
                        "rows")
                .setOutputs("nextToken", "nextSequence")
                .build();
        assertEquals(6, space.numParameters());
        RandomSearchGenerator random = new RandomSearchGenerator(space, null);
        random.setRngSeed(3);
        for (int i = 0; i < 10; i++) {
            Candidate<?> candidate = random.getCandidate();
            assertNull(candidate.getException());
            double[] drawn = candidate.getFlatParameters();
            ComputationGraphConfiguration configuration =
                    ((GraphConfiguration) candidate.getValue()).getConfiguration();
            NextSequenceOutputLayer head = layer(configuration, "nextSequence", NextSequenceOutputLayer.class);
            assertEquals(LAMBDA.getValue(drawn), head.getLossWeight());
            assertEquals(TEMPERATURE.getValue(drawn), head.contrast().temperature());
            assertEquals(SIMILARITY.getValue(drawn), head.contrast().similarity());
            assertEquals(SYMMETRIC.getValue(drawn), head.contrast().symmetric());
            assertEquals(
                    weight.getValue(drawn),
                    layer(configuration, "nextToken", NextTokenOutputLayer.class)
                            .getLossWeight());
        }
    }

    // ---- JSON, equality --------------------------------------------------------------------------------------------

    @Test
    void jsonRoundTripLosesNothing() {
        // Without fixed layers, which Arbiter can't read back
        CoSupervisionSpace space = searched(new ComputationGraphSpace.Builder()
                        .updater(new AdamSpace(new ContinuousParameterSpace(1e-3, 1e-1)))
                        .seed(7)
                        .numEpochs(3)
                        .addInputs("tokens", "passages")
                        .addLayer("gen", lstm(), "tokens")
                        .addLayer("emb", lstm(), "passages"))
                .build();
        CoSupervisionSpace loaded = CoSupervisionSpace.fromJson(space.toJson());
        assertEquals(space.toJson(), loaded.toJson());
        assertEquals(space.numParameters(), loaded.numParameters());
        assertEquals(space, loaded);
        assertEquals(space.hashCode(), loaded.hashCode());
        RandomSearchGenerator before = new RandomSearchGenerator(space, null);
        RandomSearchGenerator after = new RandomSearchGenerator(loaded, null);
        before.setRngSeed(3);
        after.setRngSeed(3);
        for (int i = 0; i < 5; i++) {
            assertEquals(
                    ((GraphConfiguration) before.getCandidate().getValue()).getConfiguration(),
                    ((GraphConfiguration) after.getCandidate().getValue()).getConfiguration());
        }
        assertContains(
                "json must be that of a CoSupervisionSpace",
                assertThrows(IllegalArgumentException.class, () -> CoSupervisionSpace.fromJson("{}x")));
    }

    @Test
    void graphSpacesDifferInEveryOption() {
        List<CoSupervisionSpace> spaces = List.of(
                heads(towers()).build(),
                heads(towers().seed(8)).build(),
                new CoSupervisionSpace.Builder(towers(), "emb", "emb", D, V).build(),
                new CoSupervisionSpace.Builder(towers(), "gen", "gen", D, V).build(),
                new CoSupervisionSpace.Builder(towers(), "gen", "emb", D + 1, V).build(),
                new CoSupervisionSpace.Builder(towers(), "gen", "emb", D, V + 1).build(),
                heads(towers()).lossWeight(0.5).build(),
                heads(towers()).nextTokenWeight(0.5).build(),
                heads(towers()).similarity(Similarity.COSINE).build(),
                heads(towers()).temperature(0.5).build(),
                heads(towers()).symmetric(true).build(),
                heads(towers()).memorySize(4).build(),
                heads(towers()).pooling(Pooling.MAX).build());
        for (int i = 0; i < spaces.size(); i++) {
            for (int j = 0; j < i; j++) {
                assertNotEquals(spaces.get(i), spaces.get(j));
            }
        }
    }

    @Test
    void layerSpacesEqualTheirOriginalsAndDifferInEveryOption() throws Exception {
        List<LayerSpace<?>> spaces = List.of(
                new NextTokenOutputLayerSpace.Builder().build(),
                new NextTokenOutputLayerSpace.Builder().nIn(4).build(),
                new NextTokenOutputLayerSpace.Builder().lossWeight(LAMBDA).build(),
                new NextTokenOutputLayerSpace.Builder()
                        .dataFormat(RNNFormat.NWC)
                        .build(),
                new NextSequenceOutputLayerSpace.Builder().build(),
                new NextSequenceOutputLayerSpace.Builder().nIn(4).build(),
                new NextSequenceOutputLayerSpace.Builder().lossWeight(0.2).build(),
                new NextSequenceOutputLayerSpace.Builder()
                        .similarity(SIMILARITY)
                        .build(),
                new NextSequenceOutputLayerSpace.Builder()
                        .temperature(TEMPERATURE)
                        .build(),
                new NextSequenceOutputLayerSpace.Builder().symmetric(SYMMETRIC).build(),
                new NextSequenceOutputLayerSpace.Builder().memorySize(4).build());
        for (int i = 0; i < spaces.size(); i++) {
            LayerSpace<?> space = spaces.get(i);
            String json = JsonMapper.getMapper().writeValueAsString(space);
            LayerSpace<?> loaded = JsonMapper.getMapper().readValue(json, LayerSpace.class);
            assertEquals(space, loaded);
            assertEquals(space.hashCode(), loaded.hashCode());
            for (int j = 0; j < i; j++) {
                assertNotEquals(space, spaces.get(j));
                assertNotEquals(space.toString(), spaces.get(j).toString());
            }
        }
    }

    @Test
    void scoreFunctionSurvivesJson() throws Exception {
        for (ScoreFunction score :
                List.of(new RetrievalScoreFunction(), new RetrievalScoreFunction(Metric.RECALL, 3))) {
            String json = JsonMapper.getMapper().writeValueAsString(score);
            assertEquals(score, JsonMapper.getMapper().readValue(json, ScoreFunction.class));
        }
        assertNotEquals(new RetrievalScoreFunction(), new RetrievalScoreFunction(Metric.RECALL, 1));
        assertTrue(!new RetrievalScoreFunction().minimize());
    }

    // ---- bad input -------------------------------------------------------------------------------------------------

    @Test
    void valuesOutOfRangeFailWithTheirOwnMessage() {
        for (Map.Entry<String, CoSupervisionSpace.Builder> bad : Map.of(
                        "lossWeight must be from 0 to 1.0E30",
                        heads(towers()).lossWeight(-1),
                        "temperature must be positive",
                        heads(towers()).temperature(0),
                        "memorySize must be from 0 to 16777216",
                        heads(towers()).memorySize(-1))
                .entrySet()) {
            Candidate<?> candidate = new RandomSearchGenerator(bad.getValue().build(), null).getCandidate();
            assertContains(bad.getKey(), candidate.getException());
        }
        assertRefused("towers must have no outputs", () -> heads(towers().setOutputs("gen"))
                .build());
        assertRefused("towers must have no backpropType", () -> heads(towers().backpropType(BackpropType.TruncatedBPTT))
                .build());
        assertRefused("cutoff must be at least 1, found 0", () -> new RetrievalScoreFunction(Metric.RECALL, 0));
    }

    @Test
    void scoreFunctionNamesWhatIsMissing() {
        ComputationGraph graph = new ComputationGraph(heads(towers().updater(new Adam(0.01)))
                .build()
                .getValue(new double[0])
                .getConfiguration());
        graph.init();
        MultiDataSet without = batch(1);
        without.getLabels(1).assign(-1);
        without.getLabelsMaskArray(1).assign(0);
        assertRefused("test data must hold a [Ret] position, found none", () -> new RetrievalScoreFunction()
                .score(graph, new SingletonMultiDataSetIterator(without)));
        ComputationGraph generator = CoSupervision.generator(graph);
        assertRefused("graph must have the output \"nextSequence\"", () -> new RetrievalScoreFunction()
                .score(generator, data(1)));
    }

    private static void assertRefused(String expected, Executable call) {
        assertContains(expected, assertThrows(IllegalArgumentException.class, call));
    }

    private static void assertContains(String expected, Exception e) {
        assertTrue(e.getMessage().contains(expected), e.getMessage());
    }

    // ---- a search --------------------------------------------------------------------------------------------------

    /** Two texts whose last token says [Ret]; the passage to find begins with the text's first token. */
    private static MultiDataSet batch(int seed) {
        Random random = new Random(seed);
        INDArray tokens = tokens(random, 2, 3);
        INDArray passages = tokens(random, 4, 2);
        INDArray positives = Nd4j.valueArrayOf(new long[] {2, 1, 3}, -1, DataType.INT32);
        INDArray marks = Nd4j.zeros(DataType.FLOAT, 2, 3);
        for (int i = 0; i < 2; i++) {
            passages.putScalar(i, 0, tokens.getInt(i, 0));
            positives.putScalar(i, 0, 2, i);
            marks.putScalar(i, 2, 1);
        }
        return new MultiDataSet(
                new INDArray[] {
                    tokens, passages, Nd4j.createFromArray(0, 1, 2, 3).reshape(4, 1)
                },
                new INDArray[] {tokens(random, 2, 3).reshape(2, 1, 3), positives},
                new INDArray[] {Nd4j.ones(DataType.FLOAT, 2, 3), Nd4j.ones(DataType.FLOAT, 4, 2), null},
                new INDArray[] {Nd4j.ones(DataType.FLOAT, 2, 3), marks});
    }

    private static INDArray tokens(Random random, int rows, int steps) {
        return Nd4j.createFromArray(random.ints((long) rows * steps, 0, V).toArray())
                .reshape(rows, steps);
    }

    private static MultiDataSetIterator data(int seed) {
        return new SingletonMultiDataSetIterator(batch(seed));
    }

    /** Arbiter makes it by its no-argument constructor. */
    public static final class Data implements DataSource {
        private static final long serialVersionUID = 1L;

        @Override
        public void configure(Properties properties) {
            // Nothing to set
        }

        @Override
        public Object trainData() {
            return data(1);
        }

        @Override
        public Object testData() {
            return data(3);
        }

        @Override
        public Class<?> getDataType() {
            return MultiDataSetIterator.class;
        }
    }

    @Tag("slow") // Arbiter sleeps two seconds per candidate
    @Test
    void localSearchRunsToItsEnd(@TempDir Path folder) throws Exception {
        CoSupervisionSpace space = searched(towers().numEpochs(1)).build();
        OptimizationConfiguration configuration = new OptimizationConfiguration.Builder()
                .candidateGenerator(new RandomSearchGenerator(space, null))
                .dataSource(Data.class, new Properties())
                .modelSaver(new FileModelSaver(folder.toString()))
                .scoreFunction(new RetrievalScoreFunction())
                .terminationConditions(new MaxCandidatesCondition(3), new MaxTimeCondition(2, TimeUnit.MINUTES))
                .rngSeed(5)
                .build();
        LocalOptimizationRunner runner = new LocalOptimizationRunner(configuration, new ComputationGraphTaskCreator());
        runner.execute();
        assertEquals(3, runner.numCandidatesCompleted());
        assertEquals(0, runner.numCandidatesFailed());
        for (var reference : runner.getResults()) {
            var result = reference.getResult();
            ComputationGraph trained =
                    (ComputationGraph) result.getResultReference().getResultModel();
            ComputationGraphConfiguration searched =
                    ((GraphConfiguration) result.getCandidate().getValue()).getConfiguration();
            assertEquals(
                    layer(searched, "nextSequence", NextSequenceOutputLayer.class)
                            .getLossWeight(),
                    layer(trained.getConfiguration(), "nextSequence", NextSequenceOutputLayer.class)
                            .getLossWeight());
            assertEquals(
                    vertex(searched, SequencePoolingVertex.class).getPooling(),
                    vertex(trained.getConfiguration(), SequencePoolingVertex.class)
                            .getPooling());
            assertTrue(result.getScore() > 0 && result.getScore() <= 1, "found " + result.getScore());
        }
    }
}
