/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.istar.arbiter.IStarLayerSpace;
import io.latent4j.it.SharedBatches;
import io.latent4j.it.quickstart.corpus.CorpusException;
import io.latent4j.it.quickstart.corpus.Example;
import io.latent4j.it.quickstart.corpus.LabelledFile;
import io.latent4j.it.search.AsynchronousSuccessiveHalving;
import io.latent4j.it.search.CandidatePruner;
import io.latent4j.it.search.PruningTaskCreator;
import io.latent4j.vocabsem.arbiter.NeuralClusteringSpace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.stream.Collectors;
import org.deeplearning4j.arbiter.MultiLayerSpace;
import org.deeplearning4j.arbiter.conf.updater.AdamSpace;
import org.deeplearning4j.arbiter.layers.DenseLayerSpace;
import org.deeplearning4j.arbiter.layers.OutputLayerSpace;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.CandidateGenerator;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxCandidatesCondition;
import org.deeplearning4j.arbiter.optimize.config.OptimizationConfiguration;
import org.deeplearning4j.arbiter.optimize.distribution.LogUniformDistribution;
import org.deeplearning4j.arbiter.optimize.parameter.BooleanSpace;
import org.deeplearning4j.arbiter.optimize.parameter.FixedValue;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.integer.IntegerParameterSpace;
import org.deeplearning4j.arbiter.optimize.runner.LocalOptimizationRunner;
import org.deeplearning4j.arbiter.scoring.impl.EvaluationScoreFunction;
import org.deeplearning4j.arbiter.task.TaskListener;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Small networks for TREC's question types, from the presence of words: the real space of the comparison. */
final class SearchTask implements AutoCloseable {
    static final String NAME = "TREC";

    private static final int VOCABULARY = 600;
    static final int BATCH = 100;
    private static final int VALIDATION = 500;
    private static final EvaluationScoreFunction SCORE = new EvaluationScoreFunction(Evaluation.Metric.ACCURACY);

    private record Data(List<DataSet> train, List<DataSet> validation, List<DataSet> test, int classes) {}

    private final Data data;
    private final Properties properties;
    private final int epochs;
    private final int reduction;

    private SearchTask(Data data, int epochs, int reduction) {
        this.data = data;
        this.epochs = epochs;
        this.reduction = reduction;
        this.properties = SharedBatches.share(data.train(), data.validation());
    }

    /**
     * Reads the data.
     *
     * @param folder of the data sets
     * @param texts to train with; the 500 after these choose
     * @param epochs of a candidate that isn't stopped
     * @param reduction ASHA's η; its first rung is after one epoch
     */
    static SearchTask read(Path folder, int texts, int epochs, int reduction) throws CorpusException {
        List<Example> all = new ArrayList<>(LabelledFile.rows(folder.resolve("trec/train.tsv")));
        Collections.shuffle(all, new Random(1));
        List<Example> train = all.subList(0, texts);
        Map<String, Long> counts = train.stream()
                .flatMap(example -> words(example).stream())
                .collect(Collectors.groupingBy(word -> word, Collectors.counting()));
        Map<String, Integer> vocabulary = new HashMap<>();
        counts.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                        .thenComparing(Map.Entry.comparingByKey()))
                .limit(VOCABULARY)
                .forEach(word -> vocabulary.put(word.getKey(), vocabulary.size()));
        List<String> labels =
                all.stream().map(Example::label).distinct().sorted().toList();
        return new SearchTask(
                new Data(
                        batches(train, vocabulary, labels),
                        batches(all.subList(texts, texts + VALIDATION), vocabulary, labels),
                        batches(LabelledFile.rows(folder.resolve("trec/test.tsv")), vocabulary, labels),
                        labels.size()),
                epochs,
                reduction);
    }

    private static List<String> words(Example example) {
        return Arrays.stream(example.text().toLowerCase(Locale.ROOT).split(" "))
                .distinct()
                .toList();
    }

    private static List<DataSet> batches(List<Example> examples, Map<String, Integer> vocabulary, List<String> labels) {
        List<DataSet> batches = new ArrayList<>();
        for (int from = 0; from < examples.size(); from += BATCH) {
            List<Example> batch = examples.subList(from, Math.min(from + BATCH, examples.size()));
            float[][] x = new float[batch.size()][VOCABULARY];
            float[][] y = new float[batch.size()][labels.size()];
            for (int i = 0; i < batch.size(); i++) {
                for (String word : words(batch.get(i))) {
                    if (vocabulary.containsKey(word)) {
                        x[i][vocabulary.get(word)] = 1;
                    }
                }
                y[i][labels.indexOf(batch.get(i).label())] = 1;
            }
            batches.add(new DataSet(Nd4j.createFromArray(x), Nd4j.createFromArray(y)));
        }
        return batches;
    }

    /**
     * Searches until another full training would exceed the budget.
     *
     * @param budget epochs
     * @param checkpoints budgets to report
     */
    List<SearchOutcome> search(SearchMethod method, long seed, int budget, int[] checkpoints) throws Exception {
        CandidateGenerator generator = method.generator(space(seed), SCORE.minimize(), seed);
        Watch watch = new Watch();
        CandidatePruner pruner = method.pruning()
                ? new AsynchronousSuccessiveHalving(SCORE.minimize(), 1, reduction)
                : new AsynchronousSuccessiveHalving(SCORE.minimize(), Integer.MAX_VALUE, 2); // has no rung in reach
        PruningTaskCreator creator = new PruningTaskCreator(pruner, PruningTaskCreator.Step.EPOCH, watch);
        OptimizationConfiguration configuration = new OptimizationConfiguration.Builder()
                .candidateGenerator(generator)
                .dataSource(SharedBatches.class, properties)
                .scoreFunction(SCORE)
                .terminationConditions(new MaxCandidatesCondition(1))
                .build();
        // Its pauses between candidates would take longer than the training
        LocalOptimizationRunner runner = new LocalOptimizationRunner(configuration, creator);
        List<SearchOutcome> outcomes = new ArrayList<>();
        int used = 0;
        int candidates = 0;
        @Nullable OptimizationResult best = null;
        for (int checkpoint : checkpoints) {
            while (used + epochs <= Math.min(checkpoint, budget)) {
                Candidate<?> candidate = generator.getCandidate();
                OptimizationResult result = creator.create(
                                candidate, SharedBatches.class, properties, SCORE, null, runner)
                        .call();
                candidates++;
                used += watch.epochs(candidate.getIndex());
                if (result.getScore() == null) { // diverged; Arbiter's runner doesn't report it either
                    continue;
                }
                generator.reportResults(result);
                if (best == null || result.getScore() > best.getScore()) {
                    best = result;
                }
            }
            if (best != null) {
                outcomes.add(new SearchOutcome(
                        NAME,
                        method.title(),
                        seed,
                        checkpoint,
                        candidates,
                        best.getScore(),
                        watch.accuracy(best.getIndex())));
            }
        }
        return outcomes;
    }

    private MultiLayerSpace space(long seed) {
        return new MultiLayerSpace.Builder()
                .seed(seed)
                .updater(new AdamSpace(
                        new ContinuousParameterSpace(new LogUniformDistribution(1e-4, 0.3)),
                        // left out, Arbiter would set these three to 0.001
                        new FixedValue<>(Adam.DEFAULT_ADAM_BETA1_MEAN_DECAY),
                        new FixedValue<>(Adam.DEFAULT_ADAM_BETA2_VAR_DECAY),
                        new FixedValue<>(Adam.DEFAULT_ADAM_EPSILON)))
                .l2(new ContinuousParameterSpace(new LogUniformDistribution(1e-6, 0.1)))
                .setInputType(InputType.feedForward(VOCABULARY))
                .addLayer(new DenseLayerSpace.Builder()
                        .nOut(new IntegerParameterSpace(4, 64))
                        .activation(new DiscreteParameterSpace<>(
                                Activation.TANH, Activation.RELU, Activation.SIGMOID, Activation.IDENTITY))
                        .build())
                .addLayer(new IStarLayerSpace.Builder()
                        .lambda(new ContinuousParameterSpace(-3, 3))
                        .zeta(0) // else training would need a pass over the data before each epoch
                        .build())
                .addLayer(new NeuralClusteringSpace.Builder()
                        .residual(new BooleanSpace())
                        .hiddenFactor(new IntegerParameterSpace(1, 3))
                        .build())
                .addLayer(new OutputLayerSpace.Builder()
                        .nOut(data.classes())
                        .lossFunction(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .build())
                .numEpochs(epochs)
                .build();
    }

    @Override
    public void close() {
        SharedBatches.release(properties);
    }

    /** Counts what each candidate learns from, and measures it on the test texts, which no search sees. */
    @SuppressWarnings("serial") // Arbiter asks for Serializable and never serializes it
    private final class Watch implements TaskListener {
        private final transient Map<Integer, Integer> iterations = new HashMap<>();
        private final transient Map<Integer, Double> accuracies = new HashMap<>();

        /** Epochs begun; one for what fails at once. */
        int epochs(int candidate) {
            return Math.max(1, (int) Math.ceil((double) iterations.getOrDefault(candidate, 0)
                    / data.train().size()));
        }

        double accuracy(int candidate) {
            return accuracies.getOrDefault(candidate, Double.NaN);
        }

        @Override
        @SuppressWarnings("rawtypes") // as Arbiter declares it
        public <T extends Model> T preProcess(T model, Candidate candidate) {
            model.addListeners(new BaseTrainingListener() {
                @Override
                public void iterationDone(Model network, int iteration, int epoch) {
                    iterations.merge(candidate.getIndex(), 1, Integer::sum);
                }
            });
            return model;
        }

        @Override
        @SuppressWarnings("rawtypes")
        public void postProcess(Model model, Candidate candidate) {
            Evaluation evaluation = ((MultiLayerNetwork) model).evaluate(new ExistingDataSetIterator(data.test()));
            accuracies.put(candidate.getIndex(), evaluation.accuracy());
        }
    }
}
