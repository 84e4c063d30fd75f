/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.quickstart.corpus.Example;
import io.latent4j.vocabsem.RnnSemanticLogits;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.Similarity;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntConsumer;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;
import org.nd4j.linalg.schedule.PolySchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/**
 * A small causal language model: word embeddings and LSTM layers, each added to what was below it, and a linear head over
 * the vocabulary. Since layers add to one stream of states, the head can read all of them.
 *
 * <p>It reads a start symbol before the first word and predicts each word from those before it.
 */
final class LanguageModel {
    static final int WIDTH = 64;
    /** Few enough that each is met often. */
    static final int VOCABULARY = 1500;

    static final String WORDS = "words";
    static final String HEAD = "head";
    /** The layers whose states lie in one space. */
    static final List<String> LAYERS = List.of(WORDS, "layer 1", "layer 2");

    private static final int BATCH = 64;
    private static final double LEARNING_RATE = 1e-2;
    private static final double CLIP = 5;
    private static final double SPREAD = 0.3;

    private final Vocabulary vocabulary;
    private final ComputationGraph network;

    private LanguageModel(Vocabulary vocabulary, ComputationGraph network) {
        this.vocabulary = vocabulary;
        this.network = network;
    }

    /**
     * Trains a model.
     *
     * @param texts what it reads, labels unused
     * @param epochs passes over them
     * @param progress is told how many texts each step took
     */
    static LanguageModel train(
            Vocabulary vocabulary, List<Example> texts, int epochs, long seed, IntConsumer progress) {
        List<DataSet> batches = batches(vocabulary, texts);
        ComputationGraph network = create(vocabulary.size(), epochs * batches.size(), seed);
        for (int epoch = 0; epoch < epochs; epoch++) {
            Collections.shuffle(batches, new Random(seed + epoch));
            for (DataSet batch : batches) {
                network.fit(batch);
                progress.accept(batch.numExamples());
            }
        }
        return new LanguageModel(vocabulary, network);
    }

    private static ComputationGraph create(int words, int steps, long seed) {
        GraphBuilder graph = new NeuralNetConfiguration.Builder()
                .seed(seed)
                .updater(new Adam(new PolySchedule(ScheduleType.ITERATION, LEARNING_RATE, 1, steps + 1)))
                .gradientNormalization(GradientNormalization.ClipL2PerLayer)
                .gradientNormalizationThreshold(CLIP)
                .graphBuilder()
                .addInputs("input")
                .addLayer(
                        WORDS,
                        new EmbeddingSequenceLayer.Builder()
                                .nIn(words)
                                .nOut(WIDTH)
                                .weightInit(new NormalDistribution(0, SPREAD))
                                .build(),
                        "input");
        String below = WORDS;
        for (String layer : LAYERS.subList(1, LAYERS.size())) {
            graph.addLayer(
                            layer + " change",
                            new LSTM.Builder().nIn(WIDTH).nOut(WIDTH).build(),
                            below)
                    .addVertex(layer, new ElementWiseVertex(ElementWiseVertex.Op.Add), below, layer + " change");
            below = layer;
        }
        // Semantic logits by scalar product with trained vectors are an ordinary linear head, whose loss over a large
        // vocabulary takes one pass
        RnnSemanticLogits head = new RnnSemanticLogits.Builder(new LossSparseMCXENT())
                .bases(randomVectors(words, seed))
                .similarity(Similarity.DOT)
                .trainableBases(true)
                .dataFormat(RNNFormat.NCW)
                .activation(Activation.SOFTMAX)
                .build();
        ComputationGraph network = new ComputationGraph(
                graph.addLayer(HEAD, head, below).setOutputs(HEAD).build());
        network.init();
        return network;
    }

    private static SemanticBases randomVectors(int words, long seed) {
        Random random = new Random(seed);
        float[] values = new float[words * WIDTH];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() / WIDTH);
        }
        return SemanticBases.fromEmbedding(Nd4j.createFromArray(values).reshape(words, WIDTH));
    }

    ComputationGraph network() {
        return network;
    }

    /** Minibatches in the order of the texts' lengths: what to read, and what to predict; unknown words aren't asked for. */
    private static List<DataSet> batches(Vocabulary vocabulary, List<Example> texts) {
        List<int[]> encoded = new ArrayList<>();
        texts.forEach(text -> encoded.add(vocabulary.encode(text.text(), TextBatches.MAX_TOKENS)));
        encoded.sort(Comparator.comparingInt(tokens -> tokens.length));
        List<DataSet> batches = new ArrayList<>();
        for (int start = 0; start < encoded.size(); start += BATCH) {
            batches.add(batch(encoded.subList(start, Math.min(start + BATCH, encoded.size()))));
        }
        return batches;
    }

    int[] encode(Example text) {
        return vocabulary.encode(text.text(), TextBatches.MAX_TOKENS);
    }

    /** Features [N, 1, T] with the start symbol first, labels [N, 1, T] of word indices, both with masks [N, T]. */
    static DataSet batch(List<int[]> texts) {
        int steps = 1 + texts.stream().mapToInt(text -> text.length).max().orElse(0);
        float[] read = new float[texts.size() * steps];
        float[] mask = new float[texts.size() * steps];
        int[] next = new int[texts.size() * steps];
        float[] asked = new float[texts.size() * steps];
        for (int i = 0; i < texts.size(); i++) {
            int[] text = texts.get(i);
            for (int t = 0; t <= text.length; t++) {
                int at = i * steps + t;
                read[at] = t == 0 ? Vocabulary.PADDING : text[t - 1];
                mask[at] = 1;
                if (t < text.length && text[t] != Vocabulary.UNKNOWN) {
                    next[at] = text[t];
                    asked[at] = 1;
                }
            }
        }
        return new DataSet(
                Nd4j.createFromArray(read).reshape(texts.size(), 1, steps),
                Nd4j.createFromArray(next).reshape(texts.size(), 1, steps),
                Nd4j.createFromArray(mask).reshape(texts.size(), steps),
                Nd4j.createFromArray(asked).reshape(texts.size(), steps));
    }

    /** e to the mean of −ln p over all known words of some texts. */
    double perplexity(List<Example> texts) {
        double sum = 0;
        long words = 0;
        for (DataSet batch : batches(vocabulary, texts)) {
            INDArray predicted = activations(batch).get(HEAD);
            for (int i = 0; i < batch.numExamples(); i++) {
                for (int t = 0; t < predicted.size(2); t++) {
                    if (batch.getLabelsMaskArray().getDouble(i, t) != 0) {
                        sum -= Math.log(predicted.getDouble(i, batch.getLabels().getInt(i, 0, t), t));
                        words++;
                    }
                }
            }
        }
        return Math.exp(sum / words);
    }

    /**
     * Each layer's states [N, d], the mean over the words of each text, in the order of the texts; scaled to a root mean
     * square of 1, as the final norm of a larger model would.
     */
    Map<String, INDArray> textStates(List<Example> texts) {
        Map<String, INDArray> states = new LinkedHashMap<>();
        LAYERS.forEach(layer -> states.put(layer, Nd4j.create(texts.size(), WIDTH)));
        for (int start = 0; start < texts.size(); start += BATCH) {
            int end = Math.min(start + BATCH, texts.size());
            DataSet batch =
                    batch(texts.subList(start, end).stream().map(this::encode).toList());
            Map<String, INDArray> activations = activations(batch);
            INDArray words = batch.getFeaturesMaskArray().dup();
            words.putColumn(0, Nd4j.zeros(end - start)); // the start symbol is none
            INDArray share = words.divColumnVector(words.sum(1));
            for (int i = 0; i < end - start; i++) {
                for (Map.Entry<String, INDArray> layer : states.entrySet()) {
                    INDArray steps = activations.get(layer.getKey()).slice(i);
                    layer.getValue()
                            .putRow(start + i, steps.mmul(share.getRow(i, true).transpose()));
                }
            }
        }
        states.values().forEach(rows -> rows.diviColumnVector(rows.norm2(1).divi(Math.sqrt(WIDTH))));
        return states;
    }

    private Map<String, INDArray> activations(DataSet batch) {
        network.setLayerMaskArrays(new INDArray[] {batch.getFeaturesMaskArray()}, null);
        try {
            return network.feedForward(new INDArray[] {batch.getFeatures()}, false);
        } finally {
            network.clearLayerMaskArrays();
        }
    }
}
