/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.SequenceStackVertex;
import io.latent4j.cosup.SequenceUnstackVertex;
import io.latent4j.cosup.data.CoSupervisionData;
import io.latent4j.cosup.data.CoSupervisionIterator;
import io.latent4j.cosup.data.Instance;
import io.latent4j.cosup.data.Instance.Segment;
import io.latent4j.cosup.data.InstanceEncoder;
import io.latent4j.cosup.data.Passage;
import io.latent4j.cosup.data.SpecialTokens;
import io.latent4j.cosup.generation.RecurrentLanguageModel;
import io.latent4j.cosup.generation.SemiparametricGenerator;
import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.SequenceEncoder;
import io.latent4j.cosup.retrieval.SequenceIndex;
import io.latent4j.it.Lines;
import io.latent4j.it.quickstart.CodeSearch.Supervision;
import io.latent4j.it.quickstart.corpus.CodeCorpus.Method;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.schedule.PolySchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/**
 * A small co-supervised model of documentation and code: it reads what a method does, retrieves code, and writes the
 * method's name.
 *
 * <p>Gen and Emb_seq share their word embeddings. Gen is an LSTM beside a linear recurrent layer that starts as the sum of
 * the words read so far; Emb_seq is the mean of the code's words. So before any training a question finds code that has
 * its words: seconds of training don't suffice to learn that from nothing.
 */
final class CodeModel {
    static final int WIDTH = 64;
    static final int VOCABULARY = 2000;
    static final int QUESTION_WORDS = 16;
    static final int CODE_WORDS = 16;
    static final int ANSWER_TOKENS = 6;

    private static final int BATCH = 128;
    private static final double LEARNING_RATE = 5e-3;
    private static final double CLIP = 5;
    private static final double SPREAD = 0.3;

    private static final String NETWORK = "network.zip";
    private static final String WORDS = "words.txt";

    private final WordTokenizer tokenizer;
    private final SpecialTokens special;
    private final InstanceEncoder encoder;
    private final ComputationGraph network;

    private CodeModel(WordTokenizer tokenizer, ComputationGraph network) {
        this.tokenizer = tokenizer;
        special = SpecialTokens.after(tokenizer.vocabularySize());
        encoder = encoder(tokenizer, special);
        this.network = network;
    }

    private static InstanceEncoder encoder(WordTokenizer tokenizer, SpecialTokens special) {
        return InstanceEncoder.builder(tokenizer, special)
                .maxPassageLength(CODE_WORDS)
                .trainOnPassages(false) // code is to be found, not to be written
                .build();
    }

    /** The words of documentation and code. */
    static WordTokenizer tokenizer(List<Method> methods) {
        return WordTokenizer.of(
                methods.stream()
                        .flatMap(method -> Stream.of(method.sentence(), method.code()))
                        .toList(),
                VOCABULARY);
    }

    /**
     * Trains a model.
     *
     * @param methods what it learns from
     * @param instances how many of them it reads, counted over all epochs; at least one batch's
     * @param progress is told how many each step took
     */
    static CodeModel train(
            WordTokenizer tokenizer,
            List<Method> methods,
            Supervision supervision,
            int instances,
            long seed,
            IntConsumer progress) {
        SpecialTokens special = SpecialTokens.after(tokenizer.vocabularySize());
        CoSupervisionIterator batches = batches(methods, encoder(tokenizer, special), BATCH, true, seed);
        int steps = Math.max(1, instances / BATCH);
        ComputationGraph network = create(special.vocabularySize(tokenizer), supervision, steps, seed);
        for (int step = 0; step < steps && supervision != Supervision.NONE; step++) {
            if (!batches.hasNext()) {
                batches.reset();
            }
            network.fit(batches.next());
            progress.accept(BATCH);
        }
        return new CodeModel(tokenizer, network);
    }

    private static CoSupervisionIterator batches(
            List<Method> methods, InstanceEncoder encoder, int size, boolean shuffle, long seed) {
        List<Instance> instances = methods.stream()
                .map(method -> new Instance(
                        question(method.sentence()), List.of(Segment.grounded(method.name(), method.id())), ""))
                .toList();
        return CoSupervisionIterator.builder(new CoSupervisionData(instances, passages(methods)), encoder)
                .batchSize(size)
                .shuffle(shuffle)
                .seed(seed)
                .build();
    }

    /** As many of its words as the model reads. */
    static String question(String text) {
        return Vocabulary.tokens(text).stream().limit(QUESTION_WORDS).collect(Collectors.joining(" "));
    }

    private static Map<String, Passage> passages(List<Method> methods) {
        Map<String, Passage> passages = new LinkedHashMap<>();
        methods.forEach(method -> passages.put(method.id(), new Passage(method.id(), method.code())));
        return passages;
    }

    private static ComputationGraph create(int words, Supervision supervision, int steps, long seed) {
        GraphBuilder graph = new NeuralNetConfiguration.Builder()
                .seed(seed)
                .updater(new Adam(new PolySchedule(ScheduleType.ITERATION, LEARNING_RATE, 1, steps + 1)))
                .gradientNormalization(GradientNormalization.ClipL2PerLayer)
                .gradientNormalizationThreshold(CLIP)
                .graphBuilder()
                .addInputs(CoSupervision.TOKENS, CoSupervision.PASSAGES)
                .addVertex("all", new SequenceStackVertex(), CoSupervision.TOKENS, CoSupervision.PASSAGES)
                .addLayer(
                        "words",
                        new EmbeddingSequenceLayer.Builder()
                                .nIn(words)
                                .nOut(WIDTH)
                                .weightInit(new NormalDistribution(0, SPREAD))
                                .build(),
                        "all")
                .addVertex("text", new SequenceUnstackVertex(0), "words", CoSupervision.TOKENS, CoSupervision.PASSAGES)
                .addVertex("code", new SequenceUnstackVertex(1), "words", CoSupervision.TOKENS, CoSupervision.PASSAGES)
                .addLayer(
                        "sum",
                        new SimpleRnn.Builder()
                                .nIn(WIDTH)
                                .nOut(WIDTH)
                                .weightInit(WeightInit.IDENTITY)
                                .weightInitRecurrent(WeightInit.IDENTITY)
                                .activation(Activation.IDENTITY)
                                .build(),
                        "text")
                .addLayer("order", new LSTM.Builder().nIn(WIDTH).nOut(WIDTH).build(), "text")
                .addVertex("gen", new ElementWiseVertex(ElementWiseVertex.Op.Add), "sum", "order");
        CoSupervision.heads(
                graph,
                new CoSupervision.Heads.Builder("gen", "code", WIDTH, words)
                        .pooling(Pooling.MEAN)
                        .nextTokenWeight(supervision.tokens())
                        .lossWeight(supervision.sequences())
                        .build());
        ComputationGraph network = new ComputationGraph(graph.build());
        network.init();
        return network;
    }

    /** Minibatches of methods in their order. */
    CoSupervisionIterator batches(List<Method> methods) {
        return batches(methods, encoder, BATCH, false, 0);
    }

    /** From texts to probabilities and states. */
    ComputationGraph generator() {
        return CoSupervision.generator(network);
    }

    /** Vectors of methods' code. */
    ExactSequenceIndex index(List<Method> methods) {
        ExactSequenceIndex index = new ExactSequenceIndex(WIDTH);
        new SequenceEncoder(CoSupervision.sequenceEncoder(network))
                .index(
                        methods.stream().map(Method::id).toList(),
                        methods.stream()
                                .map(method -> code(method.id(), method.code()))
                                .toList(),
                        index);
        return index;
    }

    /** The tokens that the model reads of a method's code. */
    private int[] code(String id, String words) {
        return encoder.passageTokens(new Passage(id, words));
    }

    /**
     * Writes names.
     *
     * @param code the words of a method's code by its id
     */
    SemiparametricGenerator.Builder generator(SequenceIndex index, Function<String, String> code) {
        return SemiparametricGenerator.builder(
                        RecurrentLanguageModel.of(generator()),
                        tokenizer,
                        special,
                        index,
                        id -> code(id, code.apply(id)))
                .retrieveFirst(true) // a model that hasn't learned tokens would not ask
                .maxRetrievals(1)
                .maxNewTokens(ANSWER_TOKENS)
                .forbid(WordTokenizer.UNKNOWN);
    }

    /** The state after a question of at least one word and [Ret], which asks for code [1, d]. */
    INDArray query(String question) {
        RecurrentLanguageModel model = RecurrentLanguageModel.of(generator());
        model.append(tokenizer.encode(question(question)));
        return model.append(special.retrieve()).state();
    }

    /** Whether it has a word that isn't unknown, among those that the model reads. */
    boolean knows(String question) {
        return Arrays.stream(tokenizer.encode(question(question))).anyMatch(word -> word != WordTokenizer.UNKNOWN);
    }

    void save(Path folder) throws IOException {
        Files.createDirectories(folder);
        network.save(folder.resolve(NETWORK).toFile(), false);
        Files.write(folder.resolve(WORDS), tokenizer.words());
    }

    static CodeModel load(Path folder) throws IOException {
        WordTokenizer tokenizer = new WordTokenizer(Lines.of(folder.resolve(WORDS)));
        Path file = folder.resolve(NETWORK);
        ComputationGraph network;
        try {
            network = ComputationGraph.load(file.toFile(), false);
        } catch (IOException | RuntimeException e) { // DL4J reads damaged files with exceptions of any type
            throw new IOException(file + ": expected a saved network, found: " + e, e);
        }
        int words = SpecialTokens.after(tokenizer.vocabularySize()).vocabularySize(tokenizer);
        INDArray embedding = network.paramTable().get("words_W");
        if (embedding == null || embedding.size(0) != words) {
            throw new IOException(file + ": expected embeddings of " + words + " words, found "
                    + (embedding == null ? "none" : embedding.size(0)));
        }
        return new CodeModel(tokenizer, network);
    }
}
