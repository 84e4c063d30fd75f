/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.it.lm.CausalLm;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.Similarity;
import io.latent4j.vocabsem.VocabularyLogits;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.common.util.MathUtils;
import org.nd4j.linalg.api.ndarray.INDArray;

/** All methods on the states of one task and one language model. */
final class Contest {
    /**
     * What the methods are compared under.
     *
     * @param shots sizes of training samples per class, {@link Outcome#ALL} for all texts
     * @param seeds repetitions, with seeds 1, 2, …
     * @param epochs passes over a training sample
     * @param maxSteps no more updates than this
     * @param batch texts per update
     * @param scale of {@link Method#CLUSTERING_SCALED}
     * @param clusteringRate Adam's learning rate for clustering
     * @param linearRate Adam's learning rate for the linear head
     */
    record Settings(
            List<Integer> shots,
            int seeds,
            int epochs,
            int maxSteps,
            int batch,
            double scale,
            double clusteringRate,
            double linearRate) {
        Settings {
            shots = List.copyOf(shots);
        }
    }

    private final CausalLm lm;
    private final Task task;
    private final States train;
    private final States test;
    private final SemanticBases labelBases;
    private final SemanticBases labelColumns;
    private final Settings settings;

    /**
     * Prepares a contest.
     *
     * @param bases semantic bases of the language model's head
     */
    Contest(CausalLm lm, SemanticBases bases, Task task, States train, States test, Settings settings) {
        this.lm = lm;
        this.task = task;
        this.train = train;
        this.test = test;
        this.settings = settings;
        labelBases = bases.forLabels(task.labelWords(lm));
        labelColumns =
                SemanticBases.fromEmbedding(lm.head().transpose().dup('c')).forLabels(task.labelWords(lm));
    }

    /** All measurements, each to be made by any thread. */
    List<Callable<Outcome>> measurements() {
        List<Callable<Outcome>> measurements = new ArrayList<>();
        for (Method method : Method.values()) {
            if (method.sample() == Method.Sample.NONE) {
                measurements.add(() -> measure(method, Outcome.NONE, 1));
                continue;
            }
            for (int shots : settings.shots()) {
                boolean same = shots == Outcome.ALL && method.sample() == Method.Sample.ORDERLESS;
                for (long seed = 1; seed <= (same ? 1 : settings.seeds()); seed++) {
                    long number = seed;
                    measurements.add(() -> measure(method, shots, number));
                }
            }
        }
        return measurements;
    }

    private Outcome measure(Method method, int shots, long seed) {
        States sample = shots == Outcome.ALL || shots == Outcome.NONE ? train : sample(train, shots, seed);
        long start = System.nanoTime();
        Function<INDArray, int[]> predictor = adapted(method, sample, seed);
        long adapted = System.nanoTime();
        int[] predicted = predictor.apply(test.states());
        long done = System.nanoTime();
        return new Outcome(
                lm.name(),
                task.name(),
                method,
                shots,
                seed,
                shots == Outcome.NONE ? 0 : sample.size(),
                test.size(),
                Score.of(test.labels(), predicted, test.classes()),
                (adapted - start) / 1e9,
                (done - adapted) / 1e9);
    }

    private Function<INDArray, int[]> adapted(Method method, States sample, long seed) {
        UnaryOperator<INDArray> standardize = sample.standardization();
        Adaptation adaptation = new Adaptation(settings.epochs(), settings.maxSteps(), settings.batch(), seed);
        return switch (method) {
            case HEAD -> nearest(labelColumns, Similarity.DOT);
            case SEMANTIC -> nearest(labelBases, Similarity.COSINE);
            case KNN_1 -> neighbours(sample, 1);
            case KNN_3 -> neighbours(sample, 3);
            case CLUSTERING -> predictor(adaptation.clustering(sample, labelBases, 1, settings.clusteringRate()));
            case CLUSTERING_SCALED ->
                standardize.andThen(predictor(adaptation.clustering(
                        sample.with(standardize.apply(sample.states())),
                        labelBases,
                        settings.scale(),
                        settings.clusteringRate())));
            case LINEAR ->
                standardize.andThen(predictor(
                        adaptation.linear(sample.with(standardize.apply(sample.states())), settings.linearRate())));
        };
    }

    private static Function<INDArray, int[]> nearest(SemanticBases classes, Similarity similarity) {
        return states -> VocabularyLogits.of(states, classes.matrix(), similarity, 1)
                .argMax(1)
                .toIntVector();
    }

    private static Function<INDArray, int[]> predictor(MultiLayerNetwork network) {
        return states -> Adaptation.predict(network, states);
    }

    private Function<INDArray, int[]> neighbours(States sample, int k) {
        KnnPrompting neighbours = new KnnPrompting(sample, lm.head());
        return states -> neighbours.predict(states, Math.min(k, sample.size()));
    }

    /** So many texts of each class, drawn without repetition; all of a class that has fewer. */
    static States sample(States all, int shots, long seed) {
        int[] order = IntStream.range(0, all.size()).toArray();
        MathUtils.shuffleArray(order, new Random(seed));
        int[] taken = new int[all.classes()];
        int[] rows = IntStream.of(order)
                .filter(row -> taken[all.labels()[row]]++ < shots)
                .toArray();
        return all.rows(rows);
    }
}
