/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.arbiter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.vocabsem.NeuralClustering;
import io.latent4j.vocabsem.RnnSemanticLogits;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticLogits;
import io.latent4j.vocabsem.SemanticLogitsConfiguration;
import io.latent4j.vocabsem.Similarity;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.deeplearning4j.arbiter.ComputationGraphSpace;
import org.deeplearning4j.arbiter.DL4JConfiguration;
import org.deeplearning4j.arbiter.GraphConfiguration;
import org.deeplearning4j.arbiter.MultiLayerSpace;
import org.deeplearning4j.arbiter.conf.updater.AdamSpace;
import org.deeplearning4j.arbiter.layers.LayerSpace;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.integer.IntegerParameterSpace;
import org.deeplearning4j.arbiter.optimize.serde.jackson.JsonMapper;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

class SemanticSpacesTest {
    private static final int D = 32;

    @TempDir
    static Path folder;

    @BeforeAll
    static void saveBases() throws IOException {
        bases().save(folder.resolve("bases.bin"));
    }

    private static String basesFile() {
        return folder.resolve("bases.bin").toString();
    }

    private static SemanticBases bases() {
        Nd4j.getRandom().setSeed(1);
        return SemanticBases.fromEmbedding(Nd4j.randn(DataType.FLOAT, 3, D));
    }

    private static NeuralClusteringSpace.Builder module() {
        return new NeuralClusteringSpace.Builder()
                .hiddenFactor(new IntegerParameterSpace(1, 4))
                .bottleneckRatio(new DiscreteParameterSpace<>(2, 4, 16))
                .residual(new DiscreteParameterSpace<>(true, false))
                .sigmoidGate(new DiscreteParameterSpace<>(true, false))
                .layerNormAffine(new DiscreteParameterSpace<>(true, false))
                .layerNormEpsilon(new ContinuousParameterSpace(1e-6, 1e-3))
                .initialIdentity(false)
                .activation(new DiscreteParameterSpace<>(Activation.RELU, Activation.GELU))
                .weightInit(WeightInit.RELU)
                .l2(new ContinuousParameterSpace(1e-5, 1e-3));
    }

    private static SemanticLogitsSpace.Builder logits() {
        return new SemanticLogitsSpace.Builder()
                .similarity(new DiscreteParameterSpace<>(Similarity.values()))
                .scale(new ContinuousParameterSpace(1, 30))
                .trainableScale(new DiscreteParameterSpace<>(true, false))
                .trainableBases(new DiscreteParameterSpace<>(true, false));
    }

    private static RnnSemanticLogitsSpace.Builder series() {
        return new RnnSemanticLogitsSpace.Builder()
                .similarity(Similarity.DOT)
                .scale(new ContinuousParameterSpace(1, 30))
                .trainableScale(true)
                .trainableBases(false)
                .dataFormat(RNNFormat.NWC);
    }

    private static ParameterSpace<?> network(boolean graph, InputType input, LayerSpace<?> module, LayerSpace<?> head) {
        AdamSpace updater = new AdamSpace(new ContinuousParameterSpace(1e-4, 1e-2));
        return graph
                ? new ComputationGraphSpace.Builder()
                        .updater(updater)
                        .numEpochs(1)
                        .addInputs("in")
                        .addLayer("module", module, "in")
                        .addLayer("head", head, "module")
                        .setOutputs("head")
                        .setInputTypes(input)
                        .build()
                : new MultiLayerSpace.Builder()
                        .updater(updater)
                        .numEpochs(1)
                        .addLayer(module)
                        .addLayer(head)
                        .setInputType(input)
                        .build();
    }

    private static List<Layer> layers(Object candidate) {
        return candidate instanceof DL4JConfiguration configuration
                ? configuration.getMultiLayerConfiguration().getConfs().stream()
                        .map(conf -> conf.getLayer())
                        .toList()
                : List.of("module", "head").stream()
                        .map(name -> ((LayerVertex) ((GraphConfiguration) candidate)
                                        .getConfiguration()
                                        .getVertices()
                                        .get(name))
                                .getLayerConf()
                                .getLayer())
                        .toList();
    }

    // ---- values reach the layers -----------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyDrawnValueReachesItsLayer(boolean graph) {
        ContinuousParameterSpace scale = new ContinuousParameterSpace(1, 30);
        ContinuousParameterSpace epsilon = new ContinuousParameterSpace(1e-6, 1e-3);
        IntegerParameterSpace hidden = new IntegerParameterSpace(1, 4);
        DiscreteParameterSpace<Boolean> residual = new DiscreteParameterSpace<>(true, false);
        DiscreteParameterSpace<Similarity> similarity = new DiscreteParameterSpace<>(Similarity.values());
        ParameterSpace<?> space = network(
                graph,
                InputType.feedForward(D),
                module().layerNormEpsilon(epsilon)
                        .hiddenFactor(hidden)
                        .residual(residual)
                        .build(),
                logits().scale(scale)
                        .similarity(similarity)
                        .basesFile(basesFile())
                        .build());
        RandomSearchGenerator random = new RandomSearchGenerator(space, null);
        random.setRngSeed(7);
        Set<Double> scales = new HashSet<>();
        Set<Object> others = new HashSet<>();
        for (int i = 0; i < 30; i++) {
            Candidate<?> candidate = random.getCandidate();
            assertNull(candidate.getException());
            double[] drawn = candidate.getFlatParameters();
            List<Layer> layers = layers(candidate.getValue());
            NeuralClustering module = (NeuralClustering) layers.get(0);
            SemanticLogits head = (SemanticLogits) layers.get(1);
            assertEquals(epsilon.getValue(drawn), module.getLayerNormEpsilon());
            assertEquals(hidden.getValue(drawn), module.getHiddenFactor());
            assertEquals(residual.getValue(drawn), module.isResidual());
            assertEquals(scale.getValue(drawn), head.getScale());
            assertEquals(similarity.getValue(drawn), head.getSimilarity());
            assertEquals(D, module.getNIn());
            assertEquals(3, head.getNOut());
            scales.add(head.getScale());
            others.add(List.of(
                    module.isSigmoidGate(),
                    module.isLayerNormAffine(),
                    head.isTrainableBases(),
                    head.isTrainableScale()));
            others.add(module.getBottleneckRatio());
            others.add(module.getActivationFn());
        }
        assertEquals(30, scales.size());
        assertTrue(others.size() > 10, () -> "found only " + others);
    }

    @Test
    void candidatesAreNetworksThatRun() {
        ParameterSpace<?> space = network(
                false,
                InputType.feedForward(D),
                module().build(),
                logits().basesFile(basesFile()).build());
        RandomSearchGenerator random = new RandomSearchGenerator(space, null);
        random.setRngSeed(11);
        for (int i = 0; i < 12; i++) {
            MultiLayerNetwork network = new MultiLayerNetwork(
                    ((DL4JConfiguration) random.getCandidate().getValue()).getMultiLayerConfiguration());
            network.init();
            assertEquals(bases().matrix(), network.getParam("1_W").transpose(), "the bases reach the parameter");
            assertEquals(3, network.output(Nd4j.randn(DataType.FLOAT, 2, D)).size(1));
        }
    }

    @Test
    void timeSeriesHeadKnowsItsOptions() {
        RnnSemanticLogits head =
                series().scale(2).basesFile(basesFile()).build().getValue(new double[0]);
        assertEquals(Similarity.DOT, head.getSimilarity());
        assertEquals(RNNFormat.NWC, head.getDataFormat());
        assertEquals(2, head.getScale());
        assertTrue(head.isTrainableScale());
    }

    @Test
    void whatIsNotSetKeepsTheLayersDefault() {
        assertEquals(
                new NeuralClustering.Builder().build(),
                new NeuralClusteringSpace.Builder().build().getValue(new double[0]));
        assertEquals(
                new SemanticLogits.Builder().build(),
                new SemanticLogitsSpace.Builder().build().getValue(new double[0]));
        assertEquals(
                new RnnSemanticLogits.Builder().build(),
                new RnnSemanticLogitsSpace.Builder().build().getValue(new double[0]));
        assertEquals(
                new NeuralClustering.Builder()
                        .nIn(8)
                        .hiddenFactor(3)
                        .bottleneckRatio(2)
                        .residual(true)
                        .sigmoidGate(true)
                        .layerNormAffine(true)
                        .layerNormEpsilon(1e-3)
                        .initialIdentity(true)
                        .dataFormat(RNNFormat.NWC)
                        .build(),
                new NeuralClusteringSpace.Builder()
                        .nIn(8)
                        .hiddenFactor(3)
                        .bottleneckRatio(2)
                        .residual(true)
                        .sigmoidGate(true)
                        .layerNormAffine(true)
                        .layerNormEpsilon(1e-3)
                        .initialIdentity(true)
                        .dataFormat(RNNFormat.NWC)
                        .build()
                        .getValue(new double[0]));
    }

    @Test
    void onlySearchedValuesAreParameters() {
        assertEquals(8, module().build().numParameters());
        assertEquals(4, logits().build().numParameters());
        assertEquals(1, series().build().numParameters());
    }

    // ---- JSON, equality --------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void jsonRoundTripLosesNothing(boolean graph) {
        for (boolean series : new boolean[] {false, true}) {
            ParameterSpace<?> space = network(
                    graph,
                    series ? InputType.recurrent(D, 4, RNNFormat.NWC) : InputType.feedForward(D),
                    module().build(),
                    series
                            ? series().basesFile(basesFile()).build()
                            : logits().basesFile(basesFile()).build());
            String json = json(space);
            ParameterSpace<?> loaded = graph ? ComputationGraphSpace.fromJson(json) : MultiLayerSpace.fromJson(json);
            assertEquals(json, json(loaded));
            assertEquals(space.numParameters(), loaded.numParameters());
            RandomSearchGenerator before = new RandomSearchGenerator(space, null);
            RandomSearchGenerator after = new RandomSearchGenerator(loaded, null);
            before.setRngSeed(3);
            after.setRngSeed(3);
            for (int i = 0; i < 5; i++) {
                Candidate<?> candidate = after.getCandidate();
                assertNull(candidate.getException());
                assertEquals(layers(before.getCandidate().getValue()), layers(candidate.getValue()));
                SemanticLogitsConfiguration head = (SemanticLogitsConfiguration)
                        layers(candidate.getValue()).get(1);
                assertEquals(3, head.getNOut());
                assertNotNull(head.initialBases());
            }
        }
    }

    private static String json(ParameterSpace<?> space) {
        return space instanceof MultiLayerSpace network ? network.toJson() : ((ComputationGraphSpace) space).toJson();
    }

    @Test
    void loadedSpacesEqualTheirOriginalsAndDifferInEveryOption() throws Exception {
        List<LayerSpace<?>> spaces = List.of(
                new NeuralClusteringSpace.Builder().build(),
                new NeuralClusteringSpace.Builder().nIn(4).build(),
                new NeuralClusteringSpace.Builder().hiddenFactor(3).build(),
                new NeuralClusteringSpace.Builder().bottleneckRatio(2).build(),
                new NeuralClusteringSpace.Builder().residual(true).build(),
                new NeuralClusteringSpace.Builder().sigmoidGate(true).build(),
                new NeuralClusteringSpace.Builder().layerNormAffine(true).build(),
                new NeuralClusteringSpace.Builder().layerNormEpsilon(1e-3).build(),
                new NeuralClusteringSpace.Builder().initialIdentity(true).build(),
                new NeuralClusteringSpace.Builder().dataFormat(RNNFormat.NWC).build(),
                module().build(),
                new SemanticLogitsSpace.Builder().build(),
                new SemanticLogitsSpace.Builder().similarity(Similarity.DOT).build(),
                new SemanticLogitsSpace.Builder().scale(2).build(),
                new SemanticLogitsSpace.Builder().trainableScale(true).build(),
                new SemanticLogitsSpace.Builder().trainableBases(true).build(),
                new SemanticLogitsSpace.Builder().basesFile("a").build(),
                logits().build(),
                new RnnSemanticLogitsSpace.Builder().build(),
                series().build());
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

    // ---- bad input -------------------------------------------------------------------------------------------------

    @Test
    void valuesOutOfRangeFailWithTheLayersOwnMessage() {
        assertLayersMessage(
                () -> new NeuralClustering.Builder().hiddenFactor(0),
                new NeuralClusteringSpace.Builder().hiddenFactor(0).build());
        assertLayersMessage(
                () -> new NeuralClustering.Builder().layerNormEpsilon(-1),
                new NeuralClusteringSpace.Builder().layerNormEpsilon(-1).build());
        assertLayersMessage(
                () -> new SemanticLogits.Builder().scale(0),
                new SemanticLogitsSpace.Builder().scale(0).build());
    }

    private static void assertLayersMessage(Executable layer, LayerSpace<?> space) {
        String expected = assertThrows(IllegalArgumentException.class, layer).getMessage();
        assertEquals(
                expected,
                assertThrows(IllegalArgumentException.class, () -> space.getValue(new double[0]))
                        .getMessage());
    }
}
