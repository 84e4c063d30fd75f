/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.cosup.CoSupervision;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions;
import org.openjdk.jmh.annotations.Param;

/**
 * A co-supervised training step: Gen and Emb_seq are an embedding and an LSTM of 256 each, 8000 tokens; 32 texts of up
 * to 64 tokens ask for their passages among 64 of up to 32 tokens. Peers: the same in PyTorch from the same parameters,
 * and the same towers under DL4J's own heads ({@code RnnOutputLayer} and, for the passages, {@code LossLayer}). The
 * learning rate leaves the parameters where they are. {@code bash integration-tests/bench/run --only CoSupervisedStep}
 */
public class CoSupervisedStepBenchmark extends PeerBenchmark {
    private static final double WEIGHT = 0.01;
    private static final double LEARNING_RATE = 1e-12;

    /** Texts × their tokens, of so many, state width. */
    @Param("32x64 of 8000, 256")
    public String size = "";

    private int width;
    private int vocabulary;
    private MultiDataSet batch = new MultiDataSet();
    private ComputationGraph network;

    @Override
    void prepare() throws IOException {
        int[] sizes = numbers(size);
        int texts = sizes[0];
        int steps = sizes[1];
        vocabulary = sizes[2];
        width = sizes[3];
        Random random = new Random(1);
        Sequences tokens = new Sequences(texts, steps, random);
        Sequences passages = new Sequences(2 * texts, steps / 2, random);
        int[] target = new int[texts * steps];
        int[] positive = new int[texts * steps];
        float[] targetMask = new float[texts * steps];
        float[] positiveMask = new float[texts * steps];
        int[] positions = new int[texts];
        int[] positives = new int[texts];
        Arrays.fill(target, -1);
        Arrays.fill(positive, -1);
        for (int i = 0; i < texts; i++) {
            for (int t = 0; t + 1 < tokens.lengths[i]; t++) {
                target[i * steps + t] = tokens.ids[i * steps + t + 1];
                targetMask[i * steps + t] = 1;
            }
            positions[i] = steps / 4;
            positives[i] = (i + 3) % texts;
            positive[i * steps + positions[i]] = positives[i];
            positiveMask[i * steps + positions[i]] = 1;
        }
        INDArray next = Nd4j.createFromArray(target).reshape('c', texts, 1, steps);
        INDArray nextMask = Nd4j.createFromArray(targetMask).reshape('c', texts, steps);
        batch = new MultiDataSet(
                new INDArray[] {
                    tokens.array(), passages.array(), Nd4j.arange(2.0 * texts).reshape(2L * texts, 1)
                },
                new INDArray[] {next, Nd4j.createFromArray(positive).reshape('c', texts, 1, steps)},
                new INDArray[] {tokens.mask(), passages.mask(), null},
                new INDArray[] {nextMask, Nd4j.createFromArray(positiveMask).reshape('c', texts, steps)});
        network = init(CoSupervision.heads(
                towers(),
                new CoSupervision.Heads.Builder("gen", "emb", width, vocabulary)
                        .lossWeight(WEIGHT)
                        .build()));
        network.paramTable().forEach((name, parameter) -> peer().give(name, parameter.dup('c')));
        peer().give("tokens", tokens.array());
        peer().give("passages", passages.array());
        peer().give("lengths", Nd4j.createFromArray(passages.lengths));
        peer().give("target", Nd4j.createFromArray(target).reshape('c', texts, steps));
        peer().give("positions", Nd4j.createFromArray(positions));
        peer().give("positives", Nd4j.createFromArray(positives));
        peerCase("cosupervision.step", Map.of("learning_rate", LEARNING_RATE, "weight", WEIGHT));
        ComputationGraph plain = init(plainHeads(towers()));
        // DL4J's sparse loss wants a class where the mask is 0 too
        INDArray classes = Nd4j.createFromArray(
                        Arrays.stream(target).map(id -> Math.max(0, id)).toArray())
                .reshape('c', texts, 1, steps);
        MultiDataSet plainBatch = new MultiDataSet(
                new INDArray[] {tokens.array(), passages.array()},
                new INDArray[] {classes, Nd4j.zeros(DataType.FLOAT, 2L * texts, width)},
                new INDArray[] {tokens.mask(), passages.mask()},
                new INDArray[] {nextMask, null});
        yardstick("DL4J's own heads", () -> {
            plain.fit(plainBatch);
            return plain.score();
        });
        rate("texts/s", texts);
    }

    /** Token ids and lengths, between half and all of the steps. */
    private final class Sequences {
        final int count;
        final int steps;
        final int[] ids;
        final int[] lengths;

        Sequences(int count, int steps, Random random) {
            this.count = count;
            this.steps = steps;
            lengths = random.ints(count, steps / 2, steps + 1).toArray();
            ids = random.ints((long) count * steps, 0, vocabulary).toArray();
        }

        INDArray array() {
            return Nd4j.createFromArray(ids).reshape('c', count, steps);
        }

        INDArray mask() {
            float[] mask = new float[ids.length];
            for (int i = 0; i < count; i++) {
                Arrays.fill(mask, i * steps, i * steps + lengths[i], 1);
            }
            return Nd4j.createFromArray(mask).reshape('c', count, steps);
        }
    }

    private GraphBuilder towers() {
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(LEARNING_RATE))
                .graphBuilder()
                .addInputs(CoSupervision.TOKENS, CoSupervision.PASSAGES)
                .addLayer("words", embedding(), CoSupervision.TOKENS)
                .addLayer("gen", lstm(), "words")
                .addLayer("passageWords", embedding(), CoSupervision.PASSAGES)
                .addLayer("emb", lstm(), "passageWords");
    }

    private EmbeddingSequenceLayer embedding() {
        return new EmbeddingSequenceLayer.Builder().nIn(vocabulary).nOut(width).build();
    }

    private LSTM lstm() {
        return new LSTM.Builder()
                .nIn(width)
                .nOut(width)
                .activation(Activation.TANH)
                .build();
    }

    private GraphBuilder plainHeads(GraphBuilder graph) {
        return graph.addLayer(
                        "nextToken",
                        new RnnOutputLayer.Builder(LossFunctions.LossFunction.SPARSE_MCXENT)
                                .nIn(width)
                                .nOut(vocabulary)
                                .activation(Activation.SOFTMAX)
                                .hasBias(false)
                                .dataFormat(RNNFormat.NCW)
                                .build(),
                        "gen")
                .addVertex("last", new LastTimeStepVertex(CoSupervision.PASSAGES), "emb")
                .addLayer(
                        "keys",
                        new LossLayer.Builder(LossFunctions.LossFunction.MSE)
                                .activation(Activation.IDENTITY)
                                .build(),
                        "last")
                .setOutputs("nextToken", "keys");
    }

    private static ComputationGraph init(GraphBuilder graph) {
        ComputationGraph network = new ComputationGraph(graph.build());
        network.init();
        return network;
    }

    @Override
    double call() {
        network.fit(batch);
        return network.score();
    }

    @Override
    double flops() {
        double tokens = batch.getFeatures(0).length() + batch.getFeatures(1).length();
        double targets = batch.getLabelsMaskArray(0).sumNumber().doubleValue();
        // Forward, and twice that backward
        return 6 * width * (tokens * 8 * width + targets * vocabulary);
    }
}
