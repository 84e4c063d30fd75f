/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.arbiter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.istar.CosRegLayer;
import io.latent4j.istar.IStarLayer;
import io.latent4j.istar.PenaltyLayerConfiguration;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.deeplearning4j.arbiter.ComputationGraphSpace;
import org.deeplearning4j.arbiter.DL4JConfiguration;
import org.deeplearning4j.arbiter.GraphConfiguration;
import org.deeplearning4j.arbiter.MultiLayerSpace;
import org.deeplearning4j.arbiter.conf.updater.AdamSpace;
import org.deeplearning4j.arbiter.layers.DenseLayerSpace;
import org.deeplearning4j.arbiter.layers.LayerSpace;
import org.deeplearning4j.arbiter.layers.OutputLayerSpace;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.CandidateGenerator;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.data.DataSource;
import org.deeplearning4j.arbiter.optimize.api.saving.ResultReference;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxCandidatesCondition;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxTimeCondition;
import org.deeplearning4j.arbiter.optimize.config.OptimizationConfiguration;
import org.deeplearning4j.arbiter.optimize.generator.GridSearchCandidateGenerator;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;
import org.deeplearning4j.arbiter.optimize.runner.LocalOptimizationRunner;
import org.deeplearning4j.arbiter.optimize.serde.jackson.JsonMapper;
import org.deeplearning4j.arbiter.saver.local.FileModelSaver;
import org.deeplearning4j.arbiter.scoring.impl.TestSetLossScoreFunction;
import org.deeplearning4j.arbiter.task.MultiLayerNetworkTaskCreator;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class LayerSpacesTest {

    private static final List<Double> LAMBDAS = List.of(-3.0, -1.0, 1.0, 3.0);
    private static final List<Double> ZETAS = List.of(0.0, 0.2, 0.8);

    // ---- values reach the layer -----------------------------------------------------------------------------------

    /** Both kinds of network, as functions from a penalty space to the space of the whole and back to the layers. */
    private enum Network {
        MULTI_LAYER {
            @Override
            ParameterSpace<?> space(LayerSpace<?>... penalties) {
                MultiLayerSpace.Builder builder = new MultiLayerSpace.Builder()
                        .updater(new AdamSpace(new ContinuousParameterSpace(1e-4, 1e-2)))
                        .numEpochs(1);
                for (LayerSpace<?> penalty : penalties) {
                    builder.addLayer(hidden()).addLayer(penalty);
                }
                return builder.addLayer(output())
                        .setInputType(InputType.feedForward(4))
                        .build();
            }

            @Override
            List<PenaltyLayerConfiguration> penalties(Object candidate) {
                return ((DL4JConfiguration) candidate)
                        .getMultiLayerConfiguration().getConfs().stream()
                                .map(conf -> conf.getLayer())
                                .filter(PenaltyLayerConfiguration.class::isInstance)
                                .map(PenaltyLayerConfiguration.class::cast)
                                .toList();
            }

            @Override
            Function<String, ParameterSpace<?>> fromJson() {
                return MultiLayerSpace::fromJson;
            }
        },
        GRAPH {
            @Override
            ParameterSpace<?> space(LayerSpace<?>... penalties) {
                ComputationGraphSpace.Builder builder = new ComputationGraphSpace.Builder()
                        .updater(new AdamSpace(new ContinuousParameterSpace(1e-4, 1e-2)))
                        .numEpochs(1)
                        .addInputs("in");
                String last = "in";
                for (int i = 0; i < penalties.length; i++) {
                    builder.addLayer("hidden" + i, hidden(), last).addLayer("penalty" + i, penalties[i], "hidden" + i);
                    last = "penalty" + i;
                }
                return builder.addLayer("out", output(), last)
                        .setOutputs("out")
                        .setInputTypes(InputType.feedForward(4))
                        .build();
            }

            @Override
            List<PenaltyLayerConfiguration> penalties(Object candidate) {
                ComputationGraphConfiguration graph = ((GraphConfiguration) candidate).getConfiguration();
                List<PenaltyLayerConfiguration> penalties = new ArrayList<>();
                for (int i = 0; graph.getVertices().containsKey("penalty" + i); i++) {
                    LayerVertex vertex = (LayerVertex) graph.getVertices().get("penalty" + i);
                    penalties.add(
                            (PenaltyLayerConfiguration) vertex.getLayerConf().getLayer());
                }
                return penalties;
            }

            @Override
            Function<String, ParameterSpace<?>> fromJson() {
                return ComputationGraphSpace::fromJson;
            }
        };

        abstract ParameterSpace<?> space(LayerSpace<?>... penalties);

        abstract List<PenaltyLayerConfiguration> penalties(Object candidate);

        abstract Function<String, ParameterSpace<?>> fromJson();

        static DenseLayerSpace hidden() {
            return new DenseLayerSpace.Builder()
                    .nOut(8)
                    .activation(Activation.TANH)
                    .build();
        }

        static OutputLayerSpace output() {
            return new OutputLayerSpace.Builder()
                    .nOut(2)
                    .activation(Activation.SOFTMAX)
                    .lossFunction(LossFunction.MCXENT)
                    .build();
        }

        String json(ParameterSpace<?> space) {
            return this == MULTI_LAYER ? ((MultiLayerSpace) space).toJson() : ((ComputationGraphSpace) space).toJson();
        }
    }

    static Stream<Network> networks() {
        return Stream.of(Network.values());
    }

    private static IStarLayerSpace searched() {
        return new IStarLayerSpace.Builder()
                .lambda(new DiscreteParameterSpace<>(LAMBDAS))
                .zeta(new DiscreteParameterSpace<>(ZETAS))
                .maskPadding(new DiscreteParameterSpace<>(true, false))
                .dataFormat(RNNFormat.NWC)
                .nIn(8)
                .build();
    }

    @ParameterizedTest
    @MethodSource("networks")
    void gridSearchTriesEveryCombinationInTheLayer(Network network) {
        CandidateGenerator grid = new GridSearchCandidateGenerator(
                network.space(searched()), 2, GridSearchCandidateGenerator.Mode.Sequential, null);
        Set<List<Object>> seen = new HashSet<>();
        int candidates = 0;
        while (grid.hasMoreCandidates()) {
            Candidate<?> candidate = grid.getCandidate();
            assertNull(candidate.getException());
            IStarLayer layer =
                    (IStarLayer) network.penalties(candidate.getValue()).get(0);
            assertEquals(RNNFormat.NWC, layer.getDataFormat());
            assertEquals(8, layer.getNIn());
            seen.add(List.of(layer.getLambda(), layer.getZeta(), layer.isMaskPadding()));
            candidates++;
        }
        assertEquals(LAMBDAS.size() * ZETAS.size() * 2, seen.size());
        assertEquals(seen.size() * 2, candidates, "two learning rates each");
    }

    @ParameterizedTest
    @MethodSource("networks")
    void randomSearchHandsItsValuesToTheLayers(Network network) {
        ContinuousParameterSpace lambda = new ContinuousParameterSpace(-5, 5);
        ContinuousParameterSpace zeta = new ContinuousParameterSpace(0, 1);
        ContinuousParameterSpace cosine = new ContinuousParameterSpace(0, 2);
        ParameterSpace<?> space = network.space(
                new IStarLayerSpace.Builder().lambda(lambda).zeta(zeta).build(),
                new CosRegLayerSpace.Builder().lambda(cosine).maskPadding(false).build());
        CandidateGenerator random = new RandomSearchGenerator(space, null);
        random.setRngSeed(7);
        Set<Double> lambdas = new HashSet<>();
        for (int i = 0; i < 20; i++) {
            Candidate<?> candidate = random.getCandidate();
            assertNull(candidate.getException());
            List<PenaltyLayerConfiguration> layers = network.penalties(candidate.getValue());
            IStarLayer iStar = (IStarLayer) layers.get(0);
            CosRegLayer cosReg = (CosRegLayer) layers.get(1);
            double[] drawn = candidate.getFlatParameters();
            assertEquals(lambda.getValue(drawn), iStar.getLambda());
            assertEquals(zeta.getValue(drawn), iStar.getZeta());
            assertEquals(cosine.getValue(drawn), cosReg.getLambda());
            assertTrue(iStar.isMaskPadding());
            assertEquals(false, cosReg.isMaskPadding());
            lambdas.add(iStar.getLambda());
        }
        assertEquals(20, lambdas.size());
    }

    @Test
    void oneSpaceForTwoLayersIsOneHyperparameter() {
        ContinuousParameterSpace lambda = new ContinuousParameterSpace(-5, 5);
        ParameterSpace<?> space = Network.MULTI_LAYER.space(
                new IStarLayerSpace.Builder().lambda(lambda).build(),
                new IStarLayerSpace.Builder().lambda(lambda).build());
        assertEquals(2, space.numParameters(), "lambda and the learning rate");
        Candidate<?> candidate = new RandomSearchGenerator(space, null).getCandidate();
        List<PenaltyLayerConfiguration> layers = Network.MULTI_LAYER.penalties(candidate.getValue());
        assertEquals(layers.get(0).getLambda(), layers.get(1).getLambda());
    }

    @Test
    void whatIsNotSetKeepsTheLayersDefault() {
        assertEquals(
                new IStarLayer.Builder().build(),
                new IStarLayerSpace.Builder().build().getValue(new double[0]));
        assertEquals(
                new CosRegLayer.Builder().build(),
                new CosRegLayerSpace.Builder().build().getValue(new double[0]));
        assertEquals(
                new IStarLayer.Builder().lambda(-2).zeta(0.5).maskPadding(false).build(),
                new IStarLayerSpace.Builder()
                        .lambda(-2)
                        .zeta(0.5)
                        .maskPadding(false)
                        .build()
                        .getValue(new double[0]));
    }

    @Test
    void onlySearchedValuesAreParameters() {
        IStarLayerSpace space = searched();
        assertEquals(3, space.numParameters());
        assertEquals(3, space.collectLeaves().size());
        IStarLayerSpace fixed =
                new IStarLayerSpace.Builder().lambda(1).zeta(0.2).build();
        assertEquals(0, fixed.numParameters());
        assertEquals(
                1,
                new CosRegLayerSpace.Builder()
                        .lambda(new ContinuousParameterSpace(0, 1))
                        .build()
                        .numParameters());
    }

    // ---- JSON, equality -------------------------------------------------------------------------------------------

    @ParameterizedTest
    @MethodSource("networks")
    void jsonRoundTripLosesNothing(Network network) {
        ParameterSpace<?> space = network.space(
                searched(),
                new CosRegLayerSpace.Builder()
                        .lambda(new ContinuousParameterSpace(0, 2))
                        .maskPadding(false)
                        .build(),
                new IStarLayerSpace.Builder().build());
        String json = network.json(space);
        ParameterSpace<?> loaded = network.fromJson().apply(json);
        assertEquals(json, network.json(loaded));
        assertEquals(space.numParameters(), loaded.numParameters());

        CandidateGenerator before = new RandomSearchGenerator(space, null);
        CandidateGenerator after = new RandomSearchGenerator(loaded, null);
        before.setRngSeed(3);
        after.setRngSeed(3);
        for (int i = 0; i < 5; i++) {
            assertEquals(
                    network.penalties(before.getCandidate().getValue()),
                    network.penalties(after.getCandidate().getValue()));
        }
    }

    @Test
    void loadedSpacesEqualTheirOriginals() throws Exception {
        LayerSpace<?> cosReg = new CosRegLayerSpace.Builder()
                .lambda(new ContinuousParameterSpace(0, 2))
                .maskPadding(false)
                .build();
        for (LayerSpace<?> space : List.of(searched(), cosReg, new IStarLayerSpace.Builder().build())) {
            String json = JsonMapper.getMapper().writeValueAsString(space);
            LayerSpace<?> loaded = JsonMapper.getMapper().readValue(json, LayerSpace.class);
            assertEquals(space, loaded);
            assertEquals(space.hashCode(), loaded.hashCode());
        }
    }

    @Test
    void spacesDifferInEveryOption() {
        List<LayerSpace<?>> different = List.of(
                new IStarLayerSpace.Builder().build(),
                new CosRegLayerSpace.Builder().build(),
                new IStarLayerSpace.Builder().lambda(2).build(),
                new IStarLayerSpace.Builder().zeta(0.5).build(),
                new IStarLayerSpace.Builder().maskPadding(false).build(),
                new IStarLayerSpace.Builder().dataFormat(RNNFormat.NWC).build(),
                new IStarLayerSpace.Builder().nIn(3).build());
        for (int i = 0; i < different.size(); i++) {
            for (int j = 0; j < different.size(); j++) {
                if (i != j) {
                    assertNotEquals(different.get(i), different.get(j));
                }
            }
        }
        assertEquals(searched(), searched());
        assertTrue(searched().toString().contains("lambda")
                && searched().toString().contains("zeta"));
    }

    // ---- bad input ------------------------------------------------------------------------------------------------

    @Test
    void valuesOutOfRangeFailWithTheLayersOwnMessage() {
        assertLayersMessage(
                () -> new IStarLayer.Builder().zeta(1.5),
                new IStarLayerSpace.Builder().zeta(1.5).build());
        assertLayersMessage(
                () -> new IStarLayer.Builder().lambda(Double.NaN),
                new IStarLayerSpace.Builder().lambda(Double.NaN).build());
        assertLayersMessage(
                () -> new CosRegLayer.Builder().lambda(1 / 0.0),
                new CosRegLayerSpace.Builder().lambda(1 / 0.0).build());
    }

    private static void assertLayersMessage(Executable layer, LayerSpace<?> space) {
        String expected = assertThrows(IllegalArgumentException.class, layer).getMessage();
        assertEquals(
                expected,
                assertThrows(IllegalArgumentException.class, () -> space.getValue(new double[0]))
                        .getMessage());
    }

    @Test
    void aDrawnValueOutOfRangeIsReportedByTheCandidate() {
        ParameterSpace<?> space = Network.MULTI_LAYER.space(new IStarLayerSpace.Builder()
                .zeta(new ContinuousParameterSpace(2, 3))
                .build());
        Candidate<?> candidate = new RandomSearchGenerator(space, null).getCandidate();
        assertTrue(candidate.getException().getMessage().contains("zeta must"));
    }

    @Test
    void dropOutIsRefusedWithAReason() {
        String message = assertThrows(
                        UnsupportedOperationException.class, () -> new IStarLayerSpace.Builder().dropOut(0.5))
                .getMessage();
        assertTrue(message.contains("dropOut") && message.contains("layer before"), message);
    }

    // ---- a search --------------------------------------------------------------------------------------------------

    @Tag("slow") // Arbiter sleeps two seconds per candidate
    @Test
    void localSearchRunsToItsEnd(@TempDir Path dir) throws Exception {
        ParameterSpace<?> space = Network.MULTI_LAYER.space(new IStarLayerSpace.Builder()
                .lambda(new DiscreteParameterSpace<>(LAMBDAS))
                .build());
        OptimizationConfiguration configuration = new OptimizationConfiguration.Builder()
                .candidateGenerator(new RandomSearchGenerator(space, null))
                .dataSource(ToyData.class, new Properties())
                .modelSaver(new FileModelSaver(dir.toString()))
                .scoreFunction(new TestSetLossScoreFunction())
                .terminationConditions(new MaxCandidatesCondition(3), new MaxTimeCondition(2, TimeUnit.MINUTES))
                .rngSeed(5)
                .build();
        LocalOptimizationRunner runner = new LocalOptimizationRunner(configuration, new MultiLayerNetworkTaskCreator());
        runner.execute();

        assertEquals(3, runner.numCandidatesCompleted());
        assertEquals(0, runner.numCandidatesFailed());
        for (CandidateInfo info : runner.getCandidateStatus()) {
            assertEquals(CandidateStatus.Complete, info.getCandidateStatus());
        }
        for (ResultReference reference : runner.getResults()) {
            var result = reference.getResult();
            MultiLayerNetwork network =
                    (MultiLayerNetwork) result.getResultReference().getResultModel();
            PenaltyLayerConfiguration searched = Network.MULTI_LAYER
                    .penalties(result.getCandidate().getValue())
                    .get(0);
            IStarLayer trained = (IStarLayer) network.getLayer(1).conf().getLayer();
            assertEquals(searched.getLambda(), trained.getLambda());
            assertTrue(LAMBDAS.contains(trained.getLambda()));
            assertTrue(Double.isFinite(result.getScore()));
        }
    }

    /** Two Gaussian clouds; Arbiter makes it by its no-argument constructor. */
    public static final class ToyData implements DataSource {
        private static final long serialVersionUID = 1L;

        @Override
        public void configure(Properties properties) {
            // Nothing to set
        }

        @Override
        public Object trainData() {
            return iterator(1);
        }

        @Override
        public Object testData() {
            return iterator(2);
        }

        @Override
        public Class<?> getDataType() {
            return DataSetIterator.class;
        }

        private static DataSetIterator iterator(long seed) {
            Random random = new Random(seed);
            INDArray features = Nd4j.create(64, 4);
            INDArray labels = Nd4j.zeros(64, 2);
            for (int i = 0; i < 64; i++) {
                for (int j = 0; j < 4; j++) {
                    features.putScalar(i, j, random.nextGaussian() + i % 2);
                }
                labels.putScalar(i, i % 2, 1);
            }
            return new ListDataSetIterator<>(new DataSet(features, labels).asList(), 16);
        }
    }
}
