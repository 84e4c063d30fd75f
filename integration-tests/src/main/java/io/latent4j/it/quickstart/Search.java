/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.istar.IStarLayer;
import io.latent4j.istar.arbiter.IStarLayerSpace;
import io.latent4j.it.SharedBatches;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.deeplearning4j.arbiter.ComputationGraphSpace;
import org.deeplearning4j.arbiter.conf.updater.AdamSpace;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxCandidatesCondition;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxTimeCondition;
import org.deeplearning4j.arbiter.optimize.config.OptimizationConfiguration;
import org.deeplearning4j.arbiter.optimize.distribution.LogUniformDistribution;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;
import org.deeplearning4j.arbiter.optimize.parameter.FixedValue;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;
import org.deeplearning4j.arbiter.optimize.runner.LocalOptimizationRunner;
import org.deeplearning4j.arbiter.scoring.impl.EvaluationScoreFunction;
import org.deeplearning4j.arbiter.task.ComputationGraphTaskCreator;
import org.deeplearning4j.arbiter.task.TaskListener;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.learning.config.Adam;

/**
 * Random search with Arbiter over λ, ζ and the learning rate, scored by validation accuracy.
 *
 * <p>Here the penalty is a layer of its own on top of the last hidden layer, since Arbiter searches layers, not vertices.
 */
final class Search {
    static final double MAX_LAMBDA = 3;
    static final double MAX_ZETA = 0.8;
    static final double MIN_RATE = 2e-3;
    static final double MAX_RATE = 2e-2;

    private static final String PENALTY = "penalty";

    private final Trainer trainer;
    private final long seed;

    Search(Trainer trainer, long seed) {
        this.trainer = trainer;
        this.seed = seed;
    }

    /**
     * Searches until enough candidates are trained or the time is over; running candidates are completed.
     *
     * @throws IllegalStateException if a candidate failed
     */
    void run(int candidates, int threads, long seconds, IntConsumer progress, Consumer<Run> finished) {
        Properties properties =
                SharedBatches.share(trainer.data().train(), trainer.data().validation());
        try {
            OptimizationConfiguration configuration = new OptimizationConfiguration.Builder()
                    .candidateGenerator(new RandomSearchGenerator(space()))
                    .dataSource(SharedBatches.class, properties)
                    .scoreFunction(new EvaluationScoreFunction(Evaluation.Metric.ACCURACY))
                    .terminationConditions(
                            // Arbiter starts as many again as are running when this many are complete
                            new MaxCandidatesCondition(Math.max(1, candidates - threads + 1)),
                            new MaxTimeCondition(seconds, TimeUnit.SECONDS))
                    .rngSeed(seed)
                    .build();
            LocalOptimizationRunner runner = new LocalOptimizationRunner(
                    threads,
                    configuration,
                    new ComputationGraphTaskCreator(null, new Candidates(trainer, seed, progress, finished)));
            runner.execute();
            raiseFailures(runner);
        } finally {
            SharedBatches.release(properties);
        }
    }

    /** {@link Classifier} with three open parameters. */
    private ComputationGraphSpace space() {
        AdamSpace adam = new AdamSpace(
                new ContinuousParameterSpace(new LogUniformDistribution(MIN_RATE, MAX_RATE)),
                // left out, Arbiter would set these three to 0.001
                new FixedValue<>(Adam.DEFAULT_ADAM_BETA1_MEAN_DECAY),
                new FixedValue<>(Adam.DEFAULT_ADAM_BETA2_VAR_DECAY),
                new FixedValue<>(Adam.DEFAULT_ADAM_EPSILON));
        ComputationGraphSpace.Builder graph = new ComputationGraphSpace.Builder()
                .seed(seed)
                .updater(adam)
                .addInputs(Classifier.INPUT)
                .layer(
                        Classifier.EMBEDDING,
                        Classifier.embedding(trainer.data().vocabulary().size()),
                        Classifier.INPUT);
        String below = Classifier.EMBEDDING;
        for (String hidden : Classifier.HIDDEN) {
            graph.layer(hidden, Classifier.hidden(), below);
            below = hidden;
        }
        graph.addLayer(
                        PENALTY,
                        new IStarLayerSpace.Builder()
                                .lambda(new ContinuousParameterSpace(-MAX_LAMBDA, MAX_LAMBDA))
                                .zeta(new ContinuousParameterSpace(0, MAX_ZETA))
                                .nIn(Classifier.WIDTH)
                                .build(),
                        below)
                .layer(Classifier.POOL, Classifier.pool(), PENALTY)
                .layer(Classifier.OUTPUT, Classifier.output(trainer.data().classes()), Classifier.POOL)
                .setOutputs(Classifier.OUTPUT)
                .numEpochs(trainer.epochs());
        return graph.build();
    }

    /** Sees every candidate's network before and after its training. */
    @SuppressWarnings("serial") // Arbiter asks for Serializable and never serializes it
    private static final class Candidates implements TaskListener {
        private record Started(Setting setting, CurveListener curve, long nanos) {}

        private final transient Trainer trainer;
        private final long seed;
        private final transient IntConsumer progress;
        private final transient Consumer<Run> finished;
        private final transient Map<Integer, Started> started = new ConcurrentHashMap<>();

        Candidates(Trainer trainer, long seed, IntConsumer progress, Consumer<Run> finished) {
            this.trainer = trainer;
            this.seed = seed;
            this.progress = progress;
            this.finished = finished;
        }

        @Override
        @SuppressWarnings("rawtypes") // as Arbiter declares it
        public <T extends Model> T preProcess(T model, Candidate candidate) {
            ComputationGraph network = (ComputationGraph) model;
            long start = System.nanoTime();
            Setting setting = setting(network);
            started.put(candidate.getIndex(), new Started(setting, trainer.listen(network, setting, progress), start));
            return model;
        }

        @Override
        @SuppressWarnings("rawtypes")
        public void postProcess(Model model, Candidate candidate) {
            Started start = started.remove(candidate.getIndex());
            finished.accept(trainer.finished((ComputationGraph) model, start.setting(), start.curve(), start.nanos()));
        }

        /** The values that reached the network, whatever the generator meant. */
        private Setting setting(ComputationGraph network) {
            IStarLayer penalty = (IStarLayer) network.getLayer(PENALTY).conf().getLayer();
            BaseLayer output =
                    (BaseLayer) network.getLayer(Classifier.OUTPUT).conf().getLayer();
            Adam adam = (Adam) output.getIUpdater();
            return new Setting(penalty.getLambda(), penalty.getZeta(), adam.getLearningRate(), seed);
        }
    }

    /** Arbiter only logs what goes wrong in a candidate, and tells no listener when it went wrong in training. */
    private static void raiseFailures(LocalOptimizationRunner runner) {
        List<CandidateInfo> failed = runner.getCandidateStatus().stream()
                .filter(candidate -> candidate.getCandidateStatus() == CandidateStatus.Failed)
                .toList();
        if (!failed.isEmpty()) {
            throw new IllegalStateException("search: " + failed.size() + " candidates failed, the first with "
                    + failed.get(0).getExceptionStackTrace());
        }
    }
}
