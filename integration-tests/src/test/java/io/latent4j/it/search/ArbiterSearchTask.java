/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import io.latent4j.cosup.NextSequenceVertex;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.SequencePoolingVertex;
import io.latent4j.cosup.arbiter.CoSupervisionSpace;
import io.latent4j.cosup.arbiter.NextSequenceOutputLayerSpace;
import io.latent4j.cosup.arbiter.NextTokenOutputLayerSpace;
import io.latent4j.cosup.data.CoSupervisionData;
import io.latent4j.cosup.data.CoSupervisionIterator;
import io.latent4j.cosup.data.Instance;
import io.latent4j.cosup.data.InstanceEncoder;
import io.latent4j.cosup.data.Passage;
import io.latent4j.cosup.data.SpecialTokens;
import io.latent4j.cosup.data.TextTokenizer;
import io.latent4j.istar.arbiter.CosRegLayerSpace;
import io.latent4j.istar.arbiter.IStarLayerSpace;
import io.latent4j.it.Minibatches;
import io.latent4j.vocabsem.LastStepPooling;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.arbiter.NeuralClusteringSpace;
import io.latent4j.vocabsem.arbiter.SemanticLogitsSpace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deeplearning4j.arbiter.ComputationGraphSpace;
import org.deeplearning4j.arbiter.MultiLayerSpace;
import org.deeplearning4j.arbiter.conf.updater.RmsPropSpace;
import org.deeplearning4j.arbiter.layers.DenseLayerSpace;
import org.deeplearning4j.arbiter.layers.LSTMLayerSpace;
import org.deeplearning4j.arbiter.layers.LayerSpace;
import org.deeplearning4j.arbiter.layers.fixed.FixedLayerSpace;
import org.deeplearning4j.arbiter.optimize.api.CandidateGenerator;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.data.DataSource;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxCandidatesCondition;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxTimeCondition;
import org.deeplearning4j.arbiter.optimize.config.OptimizationConfiguration;
import org.deeplearning4j.arbiter.optimize.distribution.LogUniformDistribution;
import org.deeplearning4j.arbiter.optimize.parameter.FixedValue;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.saver.local.FileModelSaver;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Questions with a class each and a fine class, of which one question serves as the passage to retrieve; networks with all
 * three methods for them, as search spaces.
 */
public final class ArbiterSearchTask {
    static final int WIDTH = 16;
    private static final int BATCH = 16;
    private static final String KEY = "task";
    private static final Map<String, ArbiterSearchTask> TASKS = new ConcurrentHashMap<>();

    /** A text, its class, and its fine class. */
    record Question(String text, String label, String fine) {}

    private final List<Question> train;
    private final List<Question> test;
    private final List<String> labels;
    private final Words words;
    private final InstanceEncoder encoder;
    private final Map<String, Passage> passages = new LinkedHashMap<>();
    private final Path folder;
    private final String key;
    private final int graphEpochs;

    /** Threads that asked for training data. */
    final Set<String> threads = ConcurrentHashMap.newKeySet();

    private ArbiterSearchTask(List<Question> train, List<Question> test, int vocabulary, int graphEpochs, Path folder)
            throws IOException {
        this.graphEpochs = graphEpochs;
        train.forEach(
                question -> passages.computeIfAbsent(question.fine(), fine -> new Passage(fine, question.text())));
        this.train = withPassages(train);
        this.test = withPassages(test);
        this.folder = folder;
        labels = train.stream().map(Question::label).distinct().sorted().toList();
        Map<String, Long> counts = train.stream()
                .flatMap(question -> Arrays.stream(question.text().split(" ")))
                .collect(Collectors.groupingBy(word -> word, LinkedHashMap::new, Collectors.counting()));
        words = new Words(counts.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()))
                .limit(vocabulary)
                .map(Map.Entry::getKey)
                .toList());
        encoder = InstanceEncoder.builder(words, SpecialTokens.after(words.vocabularySize()))
                .maxLength(40)
                .maxPassageLength(20)
                .trainOnPassages(false)
                .build();
        Nd4j.getRandom().setSeed(1);
        SemanticBases.fromEmbedding(Nd4j.randn(DataType.FLOAT, labels.size(), WIDTH))
                .save(folder.resolve("labels.bases"));
        key = folder.toString();
        TASKS.put(key, this);
    }

    private List<Question> withPassages(List<Question> questions) {
        return questions.stream()
                .filter(question -> passages.containsKey(question.fine())
                        && !passages.get(question.fine()).text().equals(question.text()))
                .toList();
    }

    /** Three classes of two fine classes, each with words of its own among others that say nothing. */
    public static ArbiterSearchTask tiny(Path folder) throws IOException {
        String[] telling = {"river boat", "fish wave", "engine wheel", "road brake", "bread soup", "apple cook"};
        Random random = new Random(3);
        List<Question> questions = new ArrayList<>();
        for (int i = 0; i < 144; i++) {
            int fine = i % 6;
            String[] own = telling[fine].split(" ");
            questions.add(new Question(
                    "which " + own[random.nextInt(2)] + " filler" + random.nextInt(20) + " " + own[random.nextInt(2)],
                    "class" + fine / 2,
                    "fine" + fine));
        }
        return new ArbiterSearchTask(questions.subList(0, 96), questions.subList(96, 144), 60, 12, folder);
    }

    /** The first questions of TREC. */
    static ArbiterSearchTask trec(Path data, Path folder) throws IOException {
        return new ArbiterSearchTask(
                trecFile(data.resolve("train_fine.txt"), 300),
                trecFile(data.resolve("test_fine.txt"), 100),
                300,
                2,
                folder);
    }

    private static List<Question> trecFile(Path file, int count) throws IOException {
        try (Stream<String> lines = Files.lines(file, StandardCharsets.ISO_8859_1)) {
            return lines.limit(count)
                    .map(line -> {
                        int space = line.indexOf(' ');
                        String fine = line.substring(0, space);
                        return new Question(
                                line.substring(space + 1).toLowerCase(Locale.ROOT),
                                fine.substring(0, fine.indexOf(':')),
                                fine);
                    })
                    .toList();
        }
    }

    /** Words in a list; others are left out. */
    private record Words(List<String> list) implements TextTokenizer {
        @Override
        public int[] encode(String text) {
            return Arrays.stream(text.split(" "))
                    .mapToInt(list::indexOf)
                    .filter(id -> id >= 0)
                    .toArray();
        }

        @Override
        public String decode(int[] ids) {
            return Arrays.stream(ids).mapToObj(list::get).collect(Collectors.joining(" "));
        }

        @Override
        public int vocabularySize() {
            return list.size();
        }
    }

    // ---- spaces ----------------------------------------------------------------------------------------------------

    private static RmsPropSpace updater() {
        return new RmsPropSpace(new ContinuousParameterSpace(new LogUniformDistribution(2e-3, 5e-2)));
    }

    private SemanticLogitsSpace classes(ParameterSpace<Double> scale) {
        return new SemanticLogitsSpace.Builder()
                .basesFile(folder.resolve("labels.bases").toString())
                .scale(scale)
                .build();
    }

    /** Bags of words: a hidden layer of given widths, both regularizers, neural clustering, semantic logits. */
    MultiLayerSpace networks(ParameterSpace<Integer> width) {
        return networks(width, updater(), new ContinuousParameterSpace(-2, 2), scales());
    }

    private static ContinuousParameterSpace scales() {
        return new ContinuousParameterSpace(5, 20);
    }

    private MultiLayerSpace networks(
            ParameterSpace<Integer> width,
            RmsPropSpace updater,
            ParameterSpace<Double> lambda,
            ParameterSpace<Double> scale) {
        return new MultiLayerSpace.Builder()
                .seed(5)
                .updater(updater)
                .addLayer(new DenseLayerSpace.Builder()
                        .nOut(width)
                        .activation(Activation.TANH)
                        .build())
                .addLayer(new IStarLayerSpace.Builder().lambda(lambda).build())
                .addLayer(new CosRegLayerSpace.Builder().lambda(0.01).build())
                .addLayer(new NeuralClusteringSpace.Builder()
                        .hiddenFactor(new DiscreteParameterSpace<>(1, 2))
                        .bottleneckRatio(4)
                        .build())
                .addLayer(classes(scale))
                .setInputType(InputType.feedForward(words.vocabularySize()))
                .numEpochs(4)
                .build();
    }

    public MultiLayerSpace networks() {
        return networks(new FixedValue<>(WIDTH));
    }

    /** A grid of six: three strengths of I-STAR, two widths within neural clustering. */
    public MultiLayerSpace gridOfNetworks() {
        return networks(
                new FixedValue<>(WIDTH),
                new RmsPropSpace(new FixedValue<>(0.02)),
                new DiscreteParameterSpace<>(-1.0, 1.0, 2.0),
                new FixedValue<>(10.0));
    }

    private LayerSpace<?> embedding() {
        return new FixedLayerSpace<>(new EmbeddingSequenceLayer.Builder()
                .nIn(encoder.specialTokens().vocabularySize())
                .nOut(12)
                .build());
    }

    private static LayerSpace<?> lstm() {
        return new LSTMLayerSpace.Builder().nIn(12).nOut(WIDTH).build();
    }

    private static LayerSpace<?> clustering() {
        return new NeuralClusteringSpace.Builder()
                .nIn(WIDTH)
                .nOut(WIDTH)
                .hiddenFactor(new DiscreteParameterSpace<>(1, 2))
                .bottleneckRatio(4)
                .build();
    }

    /** Two towers, I-STAR and neural clustering in the first one. */
    private ComputationGraphSpace.Builder towers(int epochs) {
        return new ComputationGraphSpace.Builder()
                .seed(5)
                .updater(updater())
                .numEpochs(epochs)
                .addInputs("tokens", "passages")
                .addLayer("words", embedding(), "tokens")
                .addLayer("states", lstm(), "words")
                .addLayer(
                        "penalty",
                        new IStarLayerSpace.Builder()
                                .nIn(WIDTH)
                                .lambda(new ContinuousParameterSpace(-1, 1))
                                .build(),
                        "states")
                .addLayer("gen", clustering(), "penalty")
                .addLayer("passageWords", embedding(), "passages")
                .addLayer("emb", lstm(), "passageWords");
    }

    /** Both towers under the heads of co-supervision, whose options are searched as well. */
    CoSupervisionSpace coSupervised() {
        return new CoSupervisionSpace.Builder(
                        towers(2), "gen", "emb", WIDTH, encoder.specialTokens().vocabularySize())
                .lossWeight(new ContinuousParameterSpace(0.5, 5))
                .pooling(new DiscreteParameterSpace<>(Pooling.LAST, Pooling.MEAN))
                .memorySize(new DiscreteParameterSpace<>(0, 16))
                .build();
    }

    /** The same with a third output, semantic logits over the last state: all methods in one graph. */
    ComputationGraphSpace graphs() {
        return towers(graphEpochs)
                .addInputs("tokens", "passages", "passageIds")
                .addVertex("keys", new SequencePoolingVertex(Pooling.MEAN), "emb")
                .addVertex("rows", new NextSequenceVertex(), "gen", "keys", "passageIds")
                .addLayer("last", new FixedLayerSpace<>(new LastStepPooling.Builder().build()), "gen")
                .addLayer(
                        "nextToken",
                        new NextTokenOutputLayerSpace.Builder()
                                .nIn(WIDTH)
                                .nOut(encoder.specialTokens().vocabularySize())
                                .build(),
                        "gen")
                .addLayer(
                        "nextSequence",
                        new NextSequenceOutputLayerSpace.Builder()
                                .nIn(WIDTH)
                                .lossWeight(new ContinuousParameterSpace(0.5, 5))
                                .build(),
                        "rows")
                .addLayer("class", classes(scales()), "last")
                .setOutputs("nextToken", "nextSequence", "class")
                .build();
    }

    // ---- data ------------------------------------------------------------------------------------------------------

    private INDArray oneHot(List<Question> questions) {
        INDArray array = Nd4j.zeros(questions.size(), labels.size());
        for (int i = 0; i < questions.size(); i++) {
            array.putScalar(i, labels.indexOf(questions.get(i).label()), 1);
        }
        return array;
    }

    private DataSetIterator bags(List<Question> questions) {
        INDArray features = Nd4j.zeros(questions.size(), words.vocabularySize());
        for (int i = 0; i < questions.size(); i++) {
            for (int word : words.encode(questions.get(i).text())) {
                features.putScalar(i, word, 1);
            }
        }
        return new ListDataSetIterator<>(new DataSet(features, oneHot(questions)).asList(), BATCH);
    }

    private MultiDataSetIterator sequences(List<Question> questions, boolean withClasses) {
        List<Instance> instances = questions.stream()
                .map(question -> new Instance(
                        question.text(),
                        List.of(Instance.Segment.grounded(
                                passages.get(question.fine()).text(), question.fine())),
                        ""))
                .toList();
        CoSupervisionIterator iterator = CoSupervisionIterator.builder(
                        new CoSupervisionData(instances, passages), encoder)
                .batchSize(BATCH)
                .shuffle(false)
                .build();
        if (!withClasses) {
            return iterator;
        }
        List<MultiDataSet> batches = new ArrayList<>();
        for (int from = 0; iterator.hasNext(); ) {
            MultiDataSet batch = iterator.next();
            int size = (int) batch.getFeatures(0).size(0);
            INDArray[] targets = Arrays.copyOf(batch.getLabels(), 3);
            targets[2] = oneHot(questions.subList(from, from + size));
            batches.add(new org.nd4j.linalg.dataset.MultiDataSet(
                    batch.getFeatures(),
                    targets,
                    batch.getFeaturesMaskArrays(),
                    Arrays.copyOf(batch.getLabelsMaskArrays(), 3)));
            from += size;
        }
        return new Minibatches(batches);
    }

    /** Arbiter makes its sources by their no-argument constructors. */
    public abstract static class Source implements DataSource {
        private static final long serialVersionUID = 1L;
        private String key = "";

        @Override
        public void configure(Properties properties) {
            key = properties.getProperty(KEY);
        }

        @Override
        public Object trainData() {
            ArbiterSearchTask task = TASKS.get(key);
            task.threads.add(Thread.currentThread().getName());
            return data(task, task.train);
        }

        @Override
        public Object testData() {
            ArbiterSearchTask task = TASKS.get(key);
            return data(task, task.test);
        }

        @Override
        public Class<?> getDataType() {
            return MultiDataSetIterator.class;
        }

        abstract Object data(ArbiterSearchTask task, List<Question> questions);
    }

    /** For {@link #networks()}. */
    public static final class Bags extends Source {
        private static final long serialVersionUID = 1L;

        @Override
        Object data(ArbiterSearchTask task, List<Question> questions) {
            return task.bags(questions);
        }
    }

    /** For {@link #coSupervised()}. */
    public static final class Sequences extends Source {
        private static final long serialVersionUID = 1L;

        @Override
        Object data(ArbiterSearchTask task, List<Question> questions) {
            return task.sequences(questions, false);
        }
    }

    /** For {@link #graphs()}. */
    public static final class SequencesWithClasses extends Source {
        private static final long serialVersionUID = 1L;

        @Override
        Object data(ArbiterSearchTask task, List<Question> questions) {
            return task.sequences(questions, true);
        }
    }

    public Properties properties() {
        Properties properties = new Properties();
        properties.setProperty(KEY, key);
        return properties;
    }

    /** A search of some candidates, saved in the folder "search". */
    public OptimizationConfiguration search(
            CandidateGenerator generator, Class<? extends Source> source, ScoreFunction score, int candidates) {
        return new OptimizationConfiguration.Builder()
                .candidateGenerator(generator)
                .dataSource(source, properties())
                .modelSaver(new FileModelSaver(folder.resolve("search").toString()))
                .scoreFunction(score)
                .terminationConditions(
                        new MaxCandidatesCondition(candidates), new MaxTimeCondition(2, TimeUnit.MINUTES))
                .rngSeed(11)
                .build();
    }

    Path folder() {
        return folder;
    }
}
