/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.it.search.PruningTaskCreator.Step;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.arbiter.DL4JConfiguration;
import org.deeplearning4j.arbiter.GraphConfiguration;
import org.deeplearning4j.arbiter.MultiLayerSpace;
import org.deeplearning4j.arbiter.conf.updater.SgdSpace;
import org.deeplearning4j.arbiter.layers.DenseLayerSpace;
import org.deeplearning4j.arbiter.layers.OutputLayerSpace;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.data.DataSource;
import org.deeplearning4j.arbiter.optimize.api.saving.ResultReference;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxCandidatesCondition;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxTimeCondition;
import org.deeplearning4j.arbiter.optimize.config.OptimizationConfiguration;
import org.deeplearning4j.arbiter.optimize.distribution.LogUniformDistribution;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.integer.IntegerParameterSpace;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;
import org.deeplearning4j.arbiter.optimize.runner.LocalOptimizationRunner;
import org.deeplearning4j.arbiter.saver.local.FileModelSaver;
import org.deeplearning4j.arbiter.scoring.impl.TestSetLossScoreFunction;
import org.deeplearning4j.arbiter.task.TaskListener;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class PruningTaskCreatorTest {
    private static final int EPOCHS = 9;
    private static final int BATCHES = 4;

    /** The fifth learns fastest at every time, the first not at all. */
    private static final double[] RATES = {1e-4, 0.02, 1e-3, 0.1, 0.5, 0.05, 2e-3, 0.01};

    private static final int BEST = 4;

    @ParameterizedTest
    @CsvSource({
        "false, false, EPOCH",
        "false, false, MINIBATCH",
        "false, true, EPOCH",
        "true, false, EPOCH",
        "true, false, MINIBATCH",
        "true, true, EPOCH",
        "true, true, MINIBATCH"
    })
    void badCandidatesEndEarlyAndTheBestIsKept(boolean graph, boolean earlyStopping, Step step) {
        Iterations iterations = new Iterations();
        int first = step == Step.EPOCH ? 1 : 3;
        PruningTaskCreator creator =
                new PruningTaskCreator(new AsynchronousSuccessiveHalving(true, first, 3), step, iterations);
        List<OptimizationResult> results = new ArrayList<>();
        for (int i = 0; i < RATES.length; i++) {
            Object configuration = graph ? graph(RATES[i], earlyStopping) : network(RATES[i], earlyStopping);
            results.add(run(creator, new Candidate<>(configuration, i, new double[] {RATES[i]})));
        }
        for (OptimizationResult result : results) {
            assertEquals(CandidateStatus.Complete, result.getCandidateInfo().getCandidateStatus());
            assertEquals(result.getScore(), result.getCandidateInfo().getScore());
            int done = iterations.of(result.getIndex());
            if (result.getModelSpecificResults() instanceof Pruned pruned) {
                assertEquals(step == Step.EPOCH ? pruned.step() * BATCHES : pruned.step(), done);
                assertTrue(done < EPOCHS * BATCHES, "iterations of a stopped candidate: " + done);
                assertTrue(results.get(BEST).getScore() < result.getScore());
                if (!earlyStopping) {
                    assertEquals(pruned.score(), result.getScore(), 1e-12);
                }
            } else {
                assertNull(result.getModelSpecificResults());
                assertEquals(EPOCHS * BATCHES, done);
            }
        }
        assertInstanceOf(Pruned.class, results.get(2).getModelSpecificResults());
        assertNull(results.get(BEST).getModelSpecificResults());
        // As good as without pruning
        Candidate<?> best = results.get(BEST).getCandidate();
        assertEquals(
                run(new PruningTaskCreator(new Never(), step), best).getScore(),
                results.get(BEST).getScore(),
                1e-9);
    }

    @Test
    void searchWithPruningAndFailuresFinishes(@TempDir Path folder) throws Exception {
        ParameterSpace<Integer> width = new IntegerParameterSpace(2, 8);
        MultiLayerSpace space = new MultiLayerSpace.Builder()
                .seed(1)
                .updater(new SgdSpace(new ContinuousParameterSpace(new LogUniformDistribution(1e-4, 0.5))))
                .addLayer(new DenseLayerSpace.Builder()
                        .nIn(new DiscreteParameterSpace<>(2, 3)) // of which 3 fails
                        .nOut(width)
                        .activation(Activation.TANH)
                        .build())
                .addLayer(new OutputLayerSpace.Builder()
                        .nOut(2)
                        .nIn(width)
                        .lossFunction(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .build())
                .numEpochs(EPOCHS)
                .build();
        ScoreFunction score = new TestSetLossScoreFunction();
        TpeCandidateGenerator generator = new TpeCandidateGenerator.Builder(space, score)
                .startupCandidates(6)
                .build();
        OptimizationConfiguration configuration = new OptimizationConfiguration.Builder()
                .candidateGenerator(generator)
                .dataSource(Source.class, new Properties())
                .scoreFunction(score)
                .modelSaver(new FileModelSaver(folder.toString()))
                .terminationConditions(new MaxCandidatesCondition(12), new MaxTimeCondition(60, TimeUnit.SECONDS))
                .rngSeed(3)
                .build();
        LocalOptimizationRunner runner = new LocalOptimizationRunner(
                3, configuration, new PruningTaskCreator(new AsynchronousSuccessiveHalving(true, 1, 2), Step.EPOCH));
        runner.execute();
        assertTrue(runner.numCandidatesFailed() > 0, "failed: " + runner.numCandidatesFailed());
        assertTrue(runner.numCandidatesFailed() + runner.numCandidatesCompleted() >= 12, "too few finished");
        assertTrue(runner.numCandidatesCompleted() > 1, "completed: " + runner.numCandidatesCompleted());
        int pruned = 0;
        for (ResultReference reference : runner.getResults()) {
            OptimizationResult result = reference.getResult();
            MultiLayerNetwork network = (MultiLayerNetwork) reference.getResultModel();
            assertEquals(result.getScore(), score.score(network, Source.class, new Properties()), 1e-6);
            if (result.getModelSpecificResults() instanceof Pruned) {
                pruned++;
            }
        }
        assertTrue(pruned > 0, "no candidate was stopped");
        assertEquals(runner.numCandidatesCompleted(), generator.observations().size());
    }

    private static OptimizationResult run(PruningTaskCreator creator, Candidate<?> candidate) {
        OptimizationConfiguration configuration = new OptimizationConfiguration();
        configuration.setCandidateGenerator(
                new TpeCandidateGenerator.Builder(ParameterList.of(new ContinuousParameterSpace(0, 1)), true).build());
        configuration.setTerminationConditions(List.of(new MaxCandidatesCondition(1)));
        ScoreFunction score = new TestSetLossScoreFunction();
        try {
            return creator.create(
                            candidate,
                            Source.class,
                            null,
                            score,
                            null,
                            new LocalOptimizationRunner(configuration, creator))
                    .call();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static DL4JConfiguration network(double rate, boolean earlyStopping) {
        MultiLayerConfiguration configuration = new NeuralNetConfiguration.Builder()
                .seed(7)
                .updater(new Sgd(rate))
                .list()
                .layer(hidden())
                .layer(output())
                .build();
        return new DL4JConfiguration(configuration, earlyStopping ? stopping() : null, EPOCHS);
    }

    private static GraphConfiguration graph(double rate, boolean earlyStopping) {
        ComputationGraphConfiguration configuration = new NeuralNetConfiguration.Builder()
                .seed(7)
                .updater(new Sgd(rate))
                .graphBuilder()
                .addInputs("in")
                .layer("hidden", hidden(), "in")
                .layer("out", output(), "hidden")
                .setOutputs("out")
                .build();
        return new GraphConfiguration(
                configuration, earlyStopping ? PruningTaskCreatorTest.<ComputationGraph>stopping() : null, EPOCHS);
    }

    private static DenseLayer hidden() {
        return new DenseLayer.Builder()
                .nIn(2)
                .nOut(4)
                .activation(Activation.TANH)
                .build();
    }

    private static OutputLayer output() {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .nIn(4)
                .nOut(2)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static <T extends Model> EarlyStoppingConfiguration<T> stopping() {
        return new EarlyStoppingConfiguration.Builder<T>()
                .modelSaver(new InMemoryModelSaver<>())
                .scoreCalculator(new Loss<>())
                .epochTerminationConditions(new MaxEpochsTerminationCondition(EPOCHS))
                .build();
    }

    /** Arbiter serializes configurations, thus calculators that hold iterators can't be used. */
    private static final class Loss<T extends Model>
            implements org.deeplearning4j.earlystopping.scorecalc.ScoreCalculator<T> {
        private static final long serialVersionUID = 1L;

        @Override
        public double calculateScore(T network) {
            return new DataSetLossCalculator(Source.data(), true).calculateScore(network);
        }

        @Override
        public boolean minimizeScore() {
            return true;
        }
    }

    /** Two classes, divided by a line. */
    public static final class Source implements DataSource {
        private static final long serialVersionUID = 1L;

        static DataSetIterator data() {
            Nd4j.getRandom().setSeed(5);
            INDArray x = Nd4j.randn(BATCHES * 8, 2);
            INDArray y = Nd4j.zeros(BATCHES * 8, 2);
            for (int i = 0; i < BATCHES * 8; i++) {
                y.putScalar(i, x.getDouble(i, 0) + x.getDouble(i, 1) > 0 ? 1 : 0, 1);
            }
            return new ListDataSetIterator<>(new DataSet(x, y).asList(), 8);
        }

        @Override
        public void configure(Properties properties) {}

        @Override
        public Object trainData() {
            return data();
        }

        @Override
        public Object testData() {
            return data();
        }

        @Override
        public Class<?> getDataType() {
            return DataSetIterator.class;
        }
    }

    private static final class Never implements CandidatePruner {
        @Override
        public boolean decidesAt(int step) {
            return true;
        }

        @Override
        public boolean prune(int candidate, int step, double score) {
            return false;
        }

        @Override
        public void completed(int candidate) {}
    }

    /** Counts each candidate's iterations. */
    @SuppressWarnings("serial") // never serialized
    private static final class Iterations implements TaskListener {
        private final transient Map<Integer, Integer> counts = new ConcurrentHashMap<>();

        int of(int candidate) {
            return counts.getOrDefault(candidate, 0);
        }

        @Override
        @SuppressWarnings("rawtypes") // as Arbiter declares it
        public <T extends Model> T preProcess(T model, Candidate candidate) {
            model.addListeners(new BaseTrainingListener() {
                @Override
                public void iterationDone(Model network, int iteration, int epoch) {
                    counts.merge(candidate.getIndex(), 1, Integer::sum);
                }
            });
            return model;
        }

        @Override
        @SuppressWarnings("rawtypes")
        public void postProcess(Model model, Candidate candidate) {}
    }
}
