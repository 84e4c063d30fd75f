/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.dashboard;

import io.latent4j.istar.arbiter.IStarLayerSpace;
import io.latent4j.vocabsem.arbiter.MacroF1ScoreFunction;
import io.latent4j.vocabsem.arbiter.NeuralClusteringSpace;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.arbiter.MultiLayerSpace;
import org.deeplearning4j.arbiter.conf.updater.SgdSpace;
import org.deeplearning4j.arbiter.layers.DenseLayerSpace;
import org.deeplearning4j.arbiter.layers.OutputLayerSpace;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.saving.ResultReference;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxTimeCondition;
import org.deeplearning4j.arbiter.optimize.config.OptimizationConfiguration;
import org.deeplearning4j.arbiter.optimize.distribution.LogUniformDistribution;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.integer.IntegerParameterSpace;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;
import org.deeplearning4j.arbiter.optimize.runner.IOptimizationRunner;
import org.deeplearning4j.arbiter.optimize.runner.listener.StatusListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.Activation;

/** A runner that reports what a test tells it, as Arbiter's runners report, without training anything. */
final class ReplayedSearch implements IOptimizationRunner {
    static final String STRANGE = "<b>\"tanh\" & 'co'</b>";

    private final OptimizationConfiguration configuration;
    private final RandomSearchGenerator generator;
    private final Map<Integer, CandidateInfo> candidates = new TreeMap<>();
    private final List<StatusListener> listeners = new ArrayList<>();
    private long clock = 1_000_000;

    ReplayedSearch(ParameterSpace<?> space) {
        generator = new RandomSearchGenerator(space);
        configuration = new OptimizationConfiguration.Builder()
                .candidateGenerator(generator)
                .scoreFunction(new MacroF1ScoreFunction("class"))
                .terminationConditions(new MaxTimeCondition(1, TimeUnit.MINUTES))
                .rngSeed(4)
                .build();
    }

    /** A value whose text is dangerous in HTML. */
    enum Choice {
        PLAIN,
        ODD {
            @Override
            public String toString() {
                return STRANGE;
            }
        };

        Activation activation() {
            return this == PLAIN ? Activation.RELU : Activation.TANH;
        }
    }

    /** A space with a real option of each kind: log-uniform, uniform, integer and discrete ones. */
    static ParameterSpace<?> networks() {
        return new MultiLayerSpace.Builder()
                .seed(1)
                .updater(new SgdSpace(new ContinuousParameterSpace(new LogUniformDistribution(1e-4, 1e-1))))
                .addLayer(new DenseLayerSpace.Builder()
                        .nIn(4)
                        .nOut(new IntegerParameterSpace(8, 32))
                        .activation(new DiscreteParameterSpace<>(Activation.RELU, Activation.TANH, Activation.GELU))
                        .build())
                .addLayer(new IStarLayerSpace.Builder()
                        .lambda(new ContinuousParameterSpace(-5, 5))
                        .build())
                .addLayer(new NeuralClusteringSpace.Builder()
                        .hiddenFactor(new DiscreteParameterSpace<>(1, 2, 4))
                        .residual(new DiscreteParameterSpace<>(true, false))
                        .build())
                .addLayer(new OutputLayerSpace.Builder().nOut(2).build())
                .build();
    }

    /** The next candidate is made. */
    CandidateInfo create() {
        var candidate = generator.getCandidate();
        CandidateInfo info = new CandidateInfo(
                candidate.getIndex(),
                CandidateStatus.Created,
                null,
                clock++,
                null,
                null,
                candidate.getFlatParameters(),
                null);
        candidates.put(info.getIndex(), info);
        listeners.forEach(listener -> listener.onCandidateStatusChange(info, this, null));
        return info;
    }

    void iterate(CandidateInfo created) {
        CandidateInfo running = at(created, CandidateStatus.Running, null, null);
        listeners.forEach(listener -> listener.onCandidateIteration(running, "network", 1));
    }

    /** As Arbiter's task does it: the listeners know first, the runner later. */
    void complete(CandidateInfo created, double score) {
        CandidateInfo complete = at(created, CandidateStatus.Complete, score, null);
        listeners.forEach(listener -> listener.onCandidateStatusChange(complete, this, null));
        candidates.put(created.getIndex(), complete);
        listeners.forEach(listener -> listener.onRunnerStatusChange(this));
    }

    /** As Arbiter does it: only the runner knows. */
    void fail(CandidateInfo created, @Nullable String trace) {
        candidates.put(created.getIndex(), at(created, CandidateStatus.Failed, null, trace));
        listeners.forEach(listener -> listener.onRunnerStatusChange(this));
    }

    private CandidateInfo at(
            CandidateInfo created, CandidateStatus status, @Nullable Double score, @Nullable String trace) {
        Long end = status == CandidateStatus.Running ? null : (clock += 2500);
        return new CandidateInfo(
                created.getIndex(),
                status,
                score,
                created.getCreatedTime(),
                created.getCreatedTime(),
                end,
                created.getFlatParams(),
                trace);
    }

    void begin() {
        listeners.forEach(listener -> listener.onInitialization(this));
    }

    void end() {
        listeners.forEach(listener -> listener.onShutdown(this));
    }

    List<HyperParameter> parameters() {
        return HyperParameter.of(generator.getParameterSpace());
    }

    HyperParameter parameter(String name) {
        return parameters().stream()
                .filter(parameter -> parameter.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + name + " among " + parameters()));
    }

    /** Best for a learning rate around 0.01, a residual and, slightly, a small λ. */
    double score(CandidateInfo candidate) {
        double[] flat = candidate.getFlatParams();
        double rate = (double) parameter("updater.learningRate").value(flat);
        double lambda = (double) parameter("layer_1.lambda").value(flat);
        boolean residual = (boolean) parameter("layer_2.residual").value(flat);
        return 0.9 - 0.1 * Math.abs(Math.log10(rate) + 2) - 0.01 * Math.abs(lambda) - (residual ? 0 : 0.12);
    }

    @Override
    public List<CandidateInfo> getCandidateStatus() {
        return List.copyOf(candidates.values());
    }

    @Override
    public OptimizationConfiguration getConfiguration() {
        return configuration;
    }

    @Override
    public void addListeners(StatusListener... added) {
        listeners.addAll(List.of(added));
    }

    @Override
    public void removeListeners(StatusListener... removed) {
        listeners.removeAll(List.of(removed));
    }

    @Override
    public void removeAllListeners() {
        listeners.clear();
    }

    // ---- what a dashboard has no use for --------------------------------------------------------------------------

    @Override
    public void execute() {
        throw new UnsupportedOperationException();
    }

    @Override
    public int numCandidatesTotal() {
        throw new UnsupportedOperationException();
    }

    @Override
    public int numCandidatesCompleted() {
        throw new UnsupportedOperationException();
    }

    @Override
    public int numCandidatesFailed() {
        throw new UnsupportedOperationException();
    }

    @Override
    public int numCandidatesQueued() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Double bestScore() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Long bestScoreTime() {
        throw new UnsupportedOperationException();
    }

    @Override
    public int bestScoreCandidateIndex() {
        return -1;
    }

    @Override
    public List<ResultReference> getResults() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void shutdown(boolean awaitCompletion) {
        throw new UnsupportedOperationException();
    }
}
