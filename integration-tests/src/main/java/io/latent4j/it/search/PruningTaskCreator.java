/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.apache.commons.lang3.exception.ExceptionUtils;
import org.deeplearning4j.arbiter.DL4JConfiguration;
import org.deeplearning4j.arbiter.GraphConfiguration;
import org.deeplearning4j.arbiter.listener.DL4JArbiterStatusReportingListener;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import org.deeplearning4j.arbiter.optimize.api.TaskCreator;
import org.deeplearning4j.arbiter.optimize.api.data.DataProvider;
import org.deeplearning4j.arbiter.optimize.api.data.DataSource;
import org.deeplearning4j.arbiter.optimize.api.saving.ResultSaver;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;
import org.deeplearning4j.arbiter.optimize.runner.IOptimizationRunner;
import org.deeplearning4j.arbiter.optimize.runner.listener.StatusListener;
import org.deeplearning4j.arbiter.scoring.util.ScoreUtil;
import org.deeplearning4j.arbiter.task.TaskListener;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.EarlyStoppingResult.TerminationReason;
import org.deeplearning4j.earlystopping.termination.EpochTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.BaseEarlyStoppingTrainer;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingGraphTrainer;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains Arbiter's candidates, networks and graphs, and stops those that a {@link CandidatePruner} gives up.
 *
 * <pre>{@code
 * new LocalOptimizationRunner(threads, configuration, new PruningTaskCreator(
 *         new AsynchronousSuccessiveHalving(score.minimize(), 1, 3), PruningTaskCreator.Step.EPOCH));
 * }</pre>
 *
 * <p>The pruner sees what the search's score function gives on its test data. A candidate that is stopped counts as
 * complete, with its score at that time (where there is an early stopping configuration: with the score of its best
 * model), is saved as others are, and has a {@link Pruned} as model-specific result. What fails is reported as failed, as
 * by Arbiter's own task creators; unlike them this one doesn't sleep for two seconds after each candidate, doesn't prefetch
 * training data in another thread, and has no {@code ModelEvaluator}.
 */
public final class PruningTaskCreator implements TaskCreator {
    private static final Logger log = LoggerFactory.getLogger(PruningTaskCreator.class);

    /** What training is counted in. */
    public enum Step {
        /** Passes over the training data. */
        EPOCH,
        /** Minibatches, for networks that learn from so many that few epochs suffice. */
        MINIBATCH
    }

    private final CandidatePruner pruner;
    private final Step unit;
    private final @Nullable TaskListener taskListener;

    /**
     * A creator for one search.
     *
     * @param pruner decides
     * @param unit what the pruner's steps are
     */
    public PruningTaskCreator(CandidatePruner pruner, Step unit) {
        this(pruner, unit, null);
    }

    /**
     * A creator for one search.
     *
     * @param pruner decides
     * @param unit what the pruner's steps are
     * @param taskListener sees networks before and after training; null for none
     */
    public PruningTaskCreator(CandidatePruner pruner, Step unit, @Nullable TaskListener taskListener) {
        this.pruner = Objects.requireNonNull(pruner, "pruner");
        this.unit = Objects.requireNonNull(unit, "unit");
        this.taskListener = taskListener;
    }

    @Override
    @Deprecated
    @SuppressWarnings({"rawtypes", "unchecked"}) // as Arbiter declares it
    public Callable<OptimizationResult> create(
            Candidate candidate,
            DataProvider dataProvider,
            ScoreFunction scoreFunction,
            List<StatusListener> statusListeners,
            IOptimizationRunner runner) {
        return new Task(
                candidate,
                () -> dataProvider.trainData(candidate.getDataParameters()),
                model -> scoreFunction.score(model, dataProvider, candidate.getDataParameters()),
                statusListeners,
                runner);
    }

    @Override
    @SuppressWarnings("rawtypes") // as Arbiter declares it
    public Callable<OptimizationResult> create(
            Candidate candidate,
            Class<? extends DataSource> dataSource,
            Properties dataSourceProperties,
            ScoreFunction scoreFunction,
            List<StatusListener> statusListeners,
            IOptimizationRunner runner) {
        return new Task(
                candidate,
                () -> {
                    DataSource source = dataSource.getConstructor().newInstance();
                    if (dataSourceProperties != null) {
                        source.configure(dataSourceProperties);
                    }
                    return source.trainData();
                },
                model -> scoreFunction.score(model, dataSource, dataSourceProperties),
                statusListeners,
                runner);
    }

    private final class Task implements Callable<OptimizationResult> {
        private final Candidate<?> candidate;
        private final Callable<Object> trainData;
        private final ToDoubleFunction<Model> scoring;
        private final List<StatusListener> statusListeners;
        private final IOptimizationRunner runner;
        private final long start = System.currentTimeMillis();

        Task(
                Candidate<?> candidate,
                Callable<Object> trainData,
                ToDoubleFunction<Model> scoring,
                @Nullable List<StatusListener> statusListeners,
                IOptimizationRunner runner) {
            this.candidate = candidate;
            this.trainData = trainData;
            this.scoring = scoring;
            this.statusListeners = statusListeners == null ? List.of() : statusListeners;
            this.runner = runner;
        }

        @Override
        public OptimizationResult call() {
            try {
                OptimizationResult result = train();
                for (StatusListener listener : statusListeners) {
                    listener.onCandidateStatusChange(result.getCandidateInfo(), runner, result);
                }
                return result;
            } catch (Exception | OutOfMemoryError e) {
                log.warn("Candidate {} failed", candidate.getIndex(), e);
                CandidateInfo info = info(CandidateStatus.Failed, null, ExceptionUtils.getStackTrace(e));
                return new OptimizationResult(candidate, null, candidate.getIndex(), null, info, null);
            } finally {
                Nd4j.getWorkspaceManager().destroyAllWorkspacesForCurrentThread();
            }
        }

        private OptimizationResult train() throws Exception {
            Object configuration = candidate.getValue();
            if (configuration instanceof DL4JConfiguration c) {
                MultiLayerNetwork network = new MultiLayerNetwork(c.getMultiLayerConfiguration());
                network.init();
                return train(network, c);
            }
            if (configuration instanceof GraphConfiguration c) {
                ComputationGraph graph = new ComputationGraph(c.getConfiguration());
                graph.init();
                return train(graph, c);
            }
            throw new IllegalArgumentException(
                    "candidate: expected a DL4JConfiguration or a GraphConfiguration, found " + configuration);
        }

        private OptimizationResult train(MultiLayerNetwork created, DL4JConfiguration configuration) throws Exception {
            MultiLayerNetwork network = prepared(created);
            Trial trial = trial(network);
            DataSetIterator data = trial.watched(DataSetIterator.class, ScoreUtil.getIterator(trainData.call()));
            @SuppressWarnings("unchecked") // as Arbiter declares it
            EarlyStoppingConfiguration<MultiLayerNetwork> stopping = configuration.getEarlyStoppingConfiguration();
            if (stopping != null) {
                return finished(
                        trial, best(new EarlyStoppingTrainer(withPruning(stopping, trial), network, data)), true);
            }
            for (int i = 0; i < configuration.getNumEpochs() && trial.pruned().isEmpty(); i++) {
                network.fit(data);
            }
            return finished(trial, network, false);
        }

        private OptimizationResult train(ComputationGraph created, GraphConfiguration configuration) throws Exception {
            ComputationGraph graph = prepared(created);
            Trial trial = trial(graph);
            MultiDataSetIterator data =
                    trial.watched(MultiDataSetIterator.class, ScoreUtil.getMultiIterator(trainData.call()));
            EarlyStoppingConfiguration<ComputationGraph> stopping = configuration.getEarlyStoppingConfiguration();
            if (stopping != null) {
                return finished(
                        trial,
                        best(new EarlyStoppingGraphTrainer(withPruning(stopping, trial), graph, data, null)),
                        true);
            }
            for (int i = 0; i < configuration.getNumEpochs() && trial.pruned().isEmpty(); i++) {
                graph.fit(data);
            }
            return finished(trial, graph, false);
        }

        private <T extends Model> T prepared(T network) {
            T prepared = taskListener == null ? network : taskListener.preProcess(network, candidate);
            if (!statusListeners.isEmpty()) {
                prepared.addListeners(new DL4JArbiterStatusReportingListener(
                        statusListeners, info(CandidateStatus.Running, null, null)));
            }
            return prepared;
        }

        private Trial trial(Model network) {
            return new Trial(pruner, candidate.getIndex(), unit == Step.EPOCH, () -> scoring.applyAsDouble(network));
        }

        /** Arbiter's candidates are copies, so their configurations may be changed. */
        private <T extends Model> EarlyStoppingConfiguration<T> withPruning(
                EarlyStoppingConfiguration<T> stopping, Trial trial) {
            List<EpochTerminationCondition> conditions = new ArrayList<>(stopping.getEpochTerminationConditions());
            conditions.add(new WhenPruned(trial));
            stopping.setEpochTerminationConditions(conditions);
            return stopping;
        }

        private <T extends Model> T best(BaseEarlyStoppingTrainer<T> trainer) {
            EarlyStoppingResult<T> result = trainer.fit();
            if (result.getTerminationReason() == TerminationReason.Error) {
                throw new IllegalStateException("early stopping: " + result.getTerminationDetails());
            }
            return result.getBestModel();
        }

        /**
         * Scores and saves.
         *
         * @param another whether the model isn't in the state that the pruner saw
         */
        private OptimizationResult finished(Trial trial, Model model, boolean another) throws IOException {
            if (trial.pruned().isEmpty()) {
                pruner.completed(candidate.getIndex());
            }
            Pruned pruned = trial.pruned().orElse(null);
            double score = pruned == null || another ? scoring.applyAsDouble(model) : pruned.score();
            if (taskListener != null) {
                taskListener.postProcess(model, candidate);
            }
            OptimizationResult result = new OptimizationResult(
                    candidate, score, candidate.getIndex(), pruned, info(CandidateStatus.Complete, score, null), null);
            ResultSaver saver = runner.getConfiguration().getResultSaver();
            if (saver != null) {
                result.setResultReference(saver.saveModel(result, model));
            }
            return result;
        }

        private CandidateInfo info(CandidateStatus status, @Nullable Double score, @Nullable String stackTrace) {
            Long end = status == CandidateStatus.Running ? null : Long.valueOf(System.currentTimeMillis());
            return new CandidateInfo(
                    candidate.getIndex(), status, score, start, start, end, candidate.getFlatParameters(), stackTrace);
        }
    }

    /** Ends early stopping's own loop over epochs. */
    @SuppressWarnings("serial") // added to a copy that isn't serialized any more
    private record WhenPruned(Trial trial) implements EpochTerminationCondition {
        @Override
        public void initialize() {}

        @Override
        public boolean terminate(int epoch, double score, boolean minimize) {
            return trial.pruned().isPresent();
        }

        @Override
        public String toString() {
            return trial.pruned().map(Pruned::toString).orElse("not pruned");
        }
    }
}
