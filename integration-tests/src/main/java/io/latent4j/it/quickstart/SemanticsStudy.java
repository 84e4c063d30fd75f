/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.quickstart.Semantics.Method;
import io.latent4j.it.quickstart.Semantics.Model;
import io.latent4j.it.quickstart.Semantics.Score;
import io.latent4j.it.quickstart.Semantics.Sentence;
import io.latent4j.it.quickstart.corpus.Corpus;
import io.latent4j.it.quickstart.corpus.Example;
import io.latent4j.vocabsem.LabelWords;
import io.latent4j.vocabsem.NeuralClustering;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticLogits;
import io.latent4j.vocabsem.Similarity;
import io.latent4j.vocabsem.TokenVectors;
import io.latent4j.vocabsem.analysis.ClusterComparison;
import io.latent4j.vocabsem.analysis.ClusterQuality;
import io.latent4j.vocabsem.analysis.LensReport;
import io.latent4j.vocabsem.analysis.SemanticLens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Vocabulary-defined semantics on a language model that is trained for it and then left alone: classifiers on its states,
 * with few and more training texts, and what the semantic lens shows of its layers.
 */
final class SemanticsStudy {
    static final List<Integer> SHOTS = List.of(1, 4, 16, 64);
    static final int WORDS_PER_LABEL = 5;
    /** Factor of cosines in the softmax, where 1 could tell hardly any two words apart. */
    static final double SCALE = 10;

    static final double LENS_SCALE = 20;
    static final int EPOCHS = 100;

    private static final int BATCH = 256;
    private static final double LINEAR_RATE = 1e-2;
    private static final double CLUSTERING_RATE = 1e-3;
    private static final int TEST_TEXTS = 2000;
    private static final int PERPLEXITY_TEXTS = 512;
    private static final int LENS_TEXTS = 200;
    private static final int MIN_SHOWN = 6;
    private static final int MAX_SHOWN = 9;
    private static final String CALIBRATED = "calibrated";

    private final Corpus corpus;
    private final long seed;

    SemanticsStudy(Corpus corpus, long seed) {
        this.corpus = corpus;
        this.seed = seed;
    }

    /**
     * Trains and measures.
     *
     * @param texts training texts of the language model, counted over all epochs
     * @param progress is told how many texts each of its steps took
     * @return empty if a class has no word that tells it from the others
     */
    Optional<Semantics> run(int texts, IntConsumer progress) {
        Vocabulary vocabulary = new Vocabulary(corpus.train(), LanguageModel.VOCABULARY);
        Optional<Map<String, int[]>> typical =
                TypicalWords.of(corpus.train(), corpus.labels(), vocabulary, WORDS_PER_LABEL);
        if (typical.isEmpty()) {
            return Optional.empty();
        }
        int available = corpus.train().size();
        int epochs = (texts + available - 1) / available;
        List<Example> train = Corpus.balanced(corpus.train(), Math.max(1, texts / epochs), seed);
        long start = System.nanoTime();
        LanguageModel model = LanguageModel.train(vocabulary, train, epochs, seed, progress);
        double seconds = (System.nanoTime() - start) / 1e9;

        start = System.nanoTime();
        List<Example> test = Corpus.balanced(corpus.test(), TEST_TEXTS, seed);
        List<Example> some = test.subList(0, Math.min(PERPLEXITY_TEXTS, test.size()));
        Model measured = new Model(
                train.size() * epochs,
                epochs,
                model.perplexity(some),
                unigramPerplexity(vocabulary, corpus.train(), some),
                seconds);
        SemanticBases bases =
                SemanticBases.head(TokenVectors.outputLayer(model.network())).build();
        LabelWords.Builder words = LabelWords.builder().rule(LabelWords.Rule.MEAN);
        typical.get().forEach((label, ids) -> Arrays.stream(ids).forEach(id -> words.label(label, new int[] {id})));
        SemanticBases classes = bases.forLabels(words.build());

        Map<String, INDArray> layers = model.textStates(test);
        int[] gold = classes(test);
        DataSet testStates = new DataSet(last(layers), oneHot(gold));
        List<Score> scores = new ArrayList<>();
        scores.add(score(Method.BASES, 0, seed, untrained(classes), testStates));
        MultiLayerNetwork calibrated = null;
        for (long run = seed; run < seed + Plan.SEEDS; run++) {
            int most = SHOTS.get(SHOTS.size() - 1);
            List<Example> sample =
                    Corpus.balanced(corpus.train(), most * corpus.labels().size(), run);
            INDArray states = last(model.textStates(sample));
            for (int shots : SHOTS) {
                DataSet few = few(states, sample, shots);
                scores.add(score(Method.LINEAR, shots, run, trained(run, LINEAR_RATE, few, linear()), testStates));
                MultiLayerNetwork clustering = trained(run, CLUSTERING_RATE, few, clustering(), semantic(classes));
                scores.add(score(Method.CLUSTERING, shots, run, clustering, testStates));
                calibrated = clustering;
            }
        }
        if (calibrated == null) {
            throw new IllegalStateException("Plan.SEEDS must be positive");
        }
        INDArray after = calibrated.feedForward(testStates.getFeatures()).get(1);
        layers.put(CALIBRATED, after);
        List<Example> shown = test.subList(0, Math.min(LENS_TEXTS, test.size()));
        return Optional.of(new Semantics(
                measured,
                named(typical.get(), vocabulary),
                scores,
                ClusterComparison.of(testStates.getFeatures(), after, gold, ClusterQuality.Options.defaults()),
                words(model, SemanticLens.builder(bases).scale(LENS_SCALE), shown),
                words(model, logits(model), shown),
                sentence(model, shown, vocabulary),
                SemanticLens.builder(classes)
                        .scale(SCALE)
                        .topK(3)
                        .build()
                        .read(layers, Nd4j.createFromArray(gold), null),
                firstOfEachClass(test),
                vocabulary,
                (System.nanoTime() - start) / 1e9));
    }

    /** The states that the head sees. */
    private static INDArray last(Map<String, INDArray> layers) {
        return layers.get(LanguageModel.LAYERS.get(LanguageModel.LAYERS.size() - 1));
    }

    private int[] classes(List<Example> texts) {
        return texts.stream()
                .mapToInt(text -> corpus.labels().indexOf(text.label()))
                .toArray();
    }

    private INDArray oneHot(int[] classes) {
        INDArray labels = Nd4j.zeros(classes.length, corpus.labels().size());
        for (int i = 0; i < classes.length; i++) {
            labels.putScalar(i, classes[i], 1);
        }
        return labels;
    }

    /** The first so many texts of each class. */
    private DataSet few(INDArray states, List<Example> texts, int shots) {
        int[] taken = new int[corpus.labels().size()];
        int[] classes = classes(texts);
        int[] chosen = IntStream.range(0, classes.length)
                .filter(i -> taken[classes[i]]++ < shots)
                .toArray();
        return new DataSet(
                Nd4j.pullRows(states, 1, chosen),
                oneHot(Arrays.stream(chosen).map(i -> classes[i]).toArray()));
    }

    private Layer linear() {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .nIn(LanguageModel.WIDTH)
                .nOut(corpus.labels().size())
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static Layer clustering() {
        return new NeuralClustering.Builder().nIn(LanguageModel.WIDTH).build();
    }

    private static Layer semantic(SemanticBases classes) {
        return new SemanticLogits.Builder(LossFunction.MCXENT)
                .bases(classes)
                .scale(SCALE)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private MultiLayerNetwork untrained(SemanticBases classes) {
        return network(seed, LINEAR_RATE, semantic(classes));
    }

    private static MultiLayerNetwork network(long seed, double rate, Layer... layers) {
        NeuralNetConfiguration.ListBuilder list = new NeuralNetConfiguration.Builder()
                .seed(seed)
                .updater(new Adam(rate))
                .list();
        for (Layer layer : layers) {
            list.layer(layer);
        }
        MultiLayerNetwork network = new MultiLayerNetwork(list.build());
        network.init();
        return network;
    }

    private static MultiLayerNetwork trained(long seed, double rate, DataSet few, Layer... layers) {
        MultiLayerNetwork network = network(seed, rate, layers);
        List<DataSet> batches = few.numExamples() <= BATCH ? new ArrayList<>(List.of(few)) : few.batchBy(BATCH);
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            Collections.shuffle(batches, new Random(seed + epoch));
            batches.forEach(network::fit);
        }
        return network;
    }

    private static Score score(Method method, int shots, long seed, MultiLayerNetwork network, DataSet test) {
        Evaluation evaluation = new Evaluation();
        evaluation.eval(test.getLabels(), network.output(test.getFeatures()));
        return new Score(method, shots, seed, evaluation.accuracy(), Measurement.macroF1(evaluation));
    }

    private static Map<String, List<String>> named(Map<String, int[]> words, Vocabulary vocabulary) {
        Map<String, List<String>> named = new LinkedHashMap<>();
        words.forEach((label, ids) ->
                named.put(label, Arrays.stream(ids).mapToObj(vocabulary::word).toList()));
        return named;
    }

    /** The head's own vectors by scalar product: what is known as the logit lens. */
    private static SemanticLens.Builder logits(LanguageModel model) {
        return SemanticLens.builder(SemanticBases.embedding(TokenVectors.outputLayer(model.network()))
                        .build())
                .similarity(Similarity.DOT);
    }

    private static LensReport words(LanguageModel model, SemanticLens.Builder lens, List<Example> texts) {
        DataSet batch = LanguageModel.batch(texts.stream().map(model::encode).toList());
        return lens.layers(LanguageModel.LAYERS.toArray(String[]::new))
                .topK(3)
                .build()
                .read(model.network(), new ExistingDataSetIterator(List.of(batch)));
    }

    /** The first text of a handy length without unknown words, so not one that was picked for what it shows. */
    private static Sentence sentence(LanguageModel model, List<Example> texts, Vocabulary vocabulary) {
        int example = IntStream.range(0, texts.size())
                .filter(i -> {
                    int[] words = model.encode(texts.get(i));
                    return words.length >= MIN_SHOWN
                            && words.length <= MAX_SHOWN
                            && Arrays.stream(words).noneMatch(word -> word == Vocabulary.UNKNOWN);
                })
                .findFirst()
                .orElse(0);
        List<String> read = new ArrayList<>(List.of("(start)"));
        Arrays.stream(model.encode(texts.get(example))).forEach(word -> read.add(vocabulary.word(word)));
        return new Sentence(example, read);
    }

    private static Map<Integer, String> firstOfEachClass(List<Example> texts) {
        Map<String, Integer> first = new LinkedHashMap<>();
        for (int i = 0; i < texts.size(); i++) {
            first.putIfAbsent(texts.get(i).label(), i);
        }
        Map<Integer, String> shown = new LinkedHashMap<>();
        first.values().forEach(i -> shown.put(i, texts.get(i).text()));
        return shown;
    }

    /** With one more of each word, so that none has no probability. */
    private static double unigramPerplexity(Vocabulary vocabulary, List<Example> train, List<Example> test) {
        double[] counts = new double[vocabulary.size()];
        Arrays.fill(counts, Vocabulary.FIRST_WORD, counts.length, 1);
        train.forEach(text -> known(vocabulary, text).forEach(word -> counts[word]++));
        double total = Arrays.stream(counts).sum();
        double logs = test.stream()
                .flatMapToInt(text -> known(vocabulary, text))
                .mapToDouble(word -> -Math.log(counts[word] / total))
                .average()
                .orElse(Double.NaN);
        return Math.exp(logs);
    }

    private static IntStream known(Vocabulary vocabulary, Example text) {
        return Arrays.stream(vocabulary.encode(text.text(), TextBatches.MAX_TOKENS))
                .filter(word -> word >= Vocabulary.FIRST_WORD);
    }
}
