/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.matrix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingGraphTrainer;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.layers.RecurrentLayer;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.CacheMode;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryType;
import org.deeplearning4j.nn.conf.memory.MemoryUseMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.adapter.SingletonDataSetIterator;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;

/** What DL4J's ways to train and to run a network rely on. */
final class TrainerContracts {
    private TrainerContracts() {}

    static void earlyStopping(Plan plan) {
        Model model = plan.build(Settings.training(new Sgd(0.02)));
        EarlyStoppingResult<? extends Model> result = plan.graph()
                ? earlyStopping(plan, (ComputationGraph) model)
                : earlyStopping(plan, (MultiLayerNetwork) model);
        assertEquals(
                EarlyStoppingResult.TerminationReason.EpochTerminationCondition,
                result.getTerminationReason(),
                result.getTerminationDetails());
        assertEquals(3, result.getTotalEpochs());
        Map<Integer, Double> scores = result.getScoreVsEpoch();
        assertEquals(3, scores.size());
        double best =
                scores.values().stream().mapToDouble(Double::doubleValue).min().orElseThrow();
        assertEquals(best, scores.get(result.getBestModelEpoch()));
        assertEquals(best, Models.score(result.getBestModel(), plan.data(), false), 1e-12);
        assertTrue(best < scores.get(0), "no better after the first epoch");
    }

    private static <T extends Model> EarlyStoppingConfiguration.Builder<T> threeEpochs() {
        return new EarlyStoppingConfiguration.Builder<T>()
                .modelSaver(new InMemoryModelSaver<>())
                .epochTerminationConditions(new MaxEpochsTerminationCondition(3));
    }

    private static EarlyStoppingResult<ComputationGraph> earlyStopping(Plan plan, ComputationGraph graph) {
        SingletonMultiDataSetIterator data = new SingletonMultiDataSetIterator(plan.data());
        EarlyStoppingConfiguration<ComputationGraph> configuration = TrainerContracts.<ComputationGraph>threeEpochs()
                .scoreCalculator(new DataSetLossCalculator(data, true))
                .build();
        return new EarlyStoppingGraphTrainer(configuration, graph, data, null).fit();
    }

    private static EarlyStoppingResult<MultiLayerNetwork> earlyStopping(Plan plan, MultiLayerNetwork network) {
        SingletonDataSetIterator data = new SingletonDataSetIterator(new org.nd4j.linalg.dataset.DataSet(
                plan.data().getFeatures(0), plan.data().getLabels(0)));
        EarlyStoppingConfiguration<MultiLayerNetwork> configuration = TrainerContracts.<MultiLayerNetwork>threeEpochs()
                .scoreCalculator(new DataSetLossCalculator(data, true))
                .build();
        return new EarlyStoppingTrainer(configuration, network, data).fit();
    }

    static void truncatedBackpropagation(Plan plan) {
        MultiDataSet data = ofOneLength(plan.data());
        int steps = (int) data.getFeatures(0).size(2);
        if (!data.getFeatures(0).equals(plan.data().getFeatures(0))) {
            Model unmoved = truncated(plan, new Sgd(0.1), 2);
            INDArray start = unmoved.params().dup();
            Models.fit(unmoved, plan.data());
            assertEquals(start, unmoved.params(), "DL4J truncates series of different lengths");
        }
        Model whole = plan.build(Settings.training(new Sgd(0.1)));
        Model onePart = truncated(plan, new Sgd(0.1), steps);
        Models.fit(whole, data);
        Models.fit(onePart, data);
        assertTrue(onePart.params().equalsWithEps(whole.params(), 1e-12), "one part is the whole");

        Model parts = truncated(plan, new Sgd(0.1), 2);
        INDArray before = parts.params().dup();
        Models.fit(parts, data);
        assertEquals((steps + 1) / 2, iterations(parts));
        assertNotEquals(before, parts.params());
        assertTrue(parts.params().isNaN().none());

        // Nothing learnt, so the state behind the last part is that behind the whole series
        Model still = truncated(plan, new Sgd(0), 2);
        Map<String, INDArray> carried = new HashMap<>();
        still.setListeners(new BaseTrainingListener() {
            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                carried.putAll(states(model, RecurrentLayer::rnnGetTBPTTState));
            }
        });
        Models.fit(still, data);
        Model fresh = plan.build(Settings.training(new Sgd(0)));
        timeStep(fresh, data.getFeatures());
        Map<String, INDArray> expected = states(fresh, RecurrentLayer::rnnGetPreviousState);
        assertFalse(expected.isEmpty());
        expected.forEach((key, state) -> assertTrue(carried.get(key).equalsWithEps(state, 1e-12), key));
    }

    /** As long as the shortest of the series; DL4J declines to truncate series of different lengths. */
    private static MultiDataSet ofOneLength(MultiDataSet data) {
        int steps = (int) Arrays.stream(data.getFeatures())
                .mapToLong(series -> series.size(2))
                .min()
                .orElseThrow();
        return new org.nd4j.linalg.dataset.MultiDataSet(
                steps(data.getFeatures(), 0, steps), steps(data.getLabels(), 0, steps));
    }

    private static Model truncated(Plan plan, IUpdater updater, int length) {
        Model model = plan.build(Settings.training(updater));
        if (model instanceof MultiLayerNetwork network) {
            MultiLayerConfiguration conf = network.getLayerWiseConfigurations().clone();
            conf.setBackpropType(BackpropType.TruncatedBPTT);
            conf.setTbpttFwdLength(length);
            conf.setTbpttBackLength(length);
            return Models.of(conf, model.params());
        }
        ComputationGraphConfiguration conf =
                ((ComputationGraph) model).getConfiguration().clone();
        conf.setBackpropType(BackpropType.TruncatedBPTT);
        conf.setTbpttFwdLength(length);
        conf.setTbpttBackLength(length);
        return Models.of(conf, model.params());
    }

    private static int iterations(Model model) {
        return model instanceof MultiLayerNetwork network
                ? network.getIterationCount()
                : ((ComputationGraph) model).getIterationCount();
    }

    /** States of all recurrent layers. */
    private static Map<String, INDArray> states(Model model, Function<RecurrentLayer, Map<String, INDArray>> which) {
        Layer[] layers = model instanceof MultiLayerNetwork network
                ? network.getLayers()
                : ((ComputationGraph) model).getLayers();
        Map<String, INDArray> states = new HashMap<>();
        for (int i = 0; i < layers.length; i++) {
            if (layers[i] instanceof RecurrentLayer recurrent) {
                String layer = i + " ";
                which.apply(recurrent).forEach((name, state) -> states.put(layer + name, state.dup()));
            }
        }
        return states;
    }

    private static INDArray[] timeStep(Model model, INDArray... inputs) {
        return model instanceof MultiLayerNetwork network
                ? new INDArray[] {network.rnnTimeStep(inputs[0])}
                : ((ComputationGraph) model).rnnTimeStep(inputs);
    }

    static void stepByStep(Plan plan) {
        Model model = plan.build(Settings.training(new Sgd(0.1)));
        INDArray[] features = ofOneLength(plan.data()).getFeatures();
        int steps = (int) features[0].size(2);
        INDArray[] whole = timeStep(model, features);
        whole = Arrays.stream(whole).map(INDArray::dup).toArray(INDArray[]::new);
        if (model instanceof MultiLayerNetwork network) {
            assertTrue(network.output(features[0]).equalsWithEps(whole[0], 1e-12));
            network.rnnClearPreviousState();
        } else {
            ComputationGraph graph = (ComputationGraph) model;
            INDArray[] output = graph.output(features);
            for (int i = 0; i < output.length; i++) {
                assertTrue(output[i].equalsWithEps(whole[i], 1e-12));
            }
            graph.rnnClearPreviousState();
        }
        for (int t = 0; t < steps; t++) {
            INDArray[] found = timeStep(model, steps(features, t, t + 1));
            for (int i = 0; i < found.length; i++) {
                boolean series = whole[i].rank() == 3;
                if (series || t == steps - 1) {
                    INDArray expected = series ? steps(new INDArray[] {whole[i]}, t, t + 1)[0] : whole[i];
                    assertTrue(expected.equalsWithEps(found[i], 1e-12), "step " + t);
                }
            }
        }
    }

    private static INDArray[] steps(INDArray[] series, int from, int to) {
        return Arrays.stream(series)
                .map(array -> array.rank() < 3
                        ? array
                        : array.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(from, to))
                                .dup())
                .toArray(INDArray[]::new);
    }

    static void memoryReport(Plan plan) {
        // DL4J's SimpleRnn has no report
        Model model = plan.with(node -> node.layer() instanceof SimpleRnn simple
                        ? new Plan.Node(
                                node.name(),
                                new LSTM.Builder().nOut(simple.getNOut()).build(),
                                null,
                                node.from())
                        : node)
                .build(Settings.training(new Sgd(0.1)));
        InputType[] inputs = plan.inputs().stream()
                .map(type -> InputType.recurrent(type.getShape()[0], 4))
                .toArray(InputType[]::new);
        MemoryReport report = model instanceof MultiLayerNetwork network
                ? network.getLayerWiseConfigurations().getMemoryReport(inputs[0])
                : ((ComputationGraph) model).getConfiguration().getMemoryReport(inputs);
        assertEquals(
                4 * model.numParams(),
                report.getMemoryBytes(
                        MemoryType.PARAMETERS, 8, MemoryUseMode.INFERENCE, CacheMode.NONE, DataType.FLOAT));
        long inference = report.getTotalMemoryBytes(8, MemoryUseMode.INFERENCE, CacheMode.NONE, DataType.FLOAT);
        long training = report.getTotalMemoryBytes(8, MemoryUseMode.TRAINING, CacheMode.NONE, DataType.FLOAT);
        assertTrue(inference > 0 && training > inference, inference + " bytes, for training " + training);
        assertFalse(report.toString().isEmpty());
    }
}
