/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.vocabsem.ClusteringAdaptation;
import io.latent4j.vocabsem.NeuralClustering;
import io.latent4j.vocabsem.SemanticBases;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.util.MathUtils;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;

/**
 * Adaptation as a user calls it: freezes a network, trains the clustering module on its states for some epochs of
 * minibatches of 256 with AdamW, puts everything into one network, and reads the probabilities of 256 examples. Peer:
 * the same module, data, order and first weights in PyTorch. {@code bash integration-tests/bench/run --only Adaptation}
 */
@Measurement(iterations = 5)
public class AdaptationBenchmark extends PeerBenchmark {
    private static final int CLASSES = 6;
    private static final int BATCH = 256;
    private static final long SEED = 12345;

    /** Examples × features × epochs. */
    @Param("2048x768x4")
    public String size = "";

    private int examples;
    private int features;
    private int epochs;
    private INDArray states = Nd4j.empty();
    private INDArray labels = Nd4j.empty();
    private SemanticBases bases = SemanticBases.fromEmbedding(Nd4j.ones(1, 1));
    private @Nullable MultiLayerNetwork model;

    @Override
    void prepare() throws IOException {
        int[] sizes = numbers(size);
        examples = sizes[0];
        features = sizes[1];
        epochs = sizes[2];
        INDArray centres = Nd4j.randn(DataType.FLOAT, CLASSES, features);
        int[] classes = new int[examples];
        Arrays.setAll(classes, i -> i % CLASSES);
        states = Nd4j.randn(DataType.FLOAT, examples, features).addi(Nd4j.pullRows(centres, 1, classes));
        labels = Nd4j.createFromArray(classes).reshape(examples, 1);
        bases = SemanticBases.fromEmbedding(Nd4j.randn(DataType.FLOAT, CLASSES, features));
        MultiLayerNetwork body = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .list()
                .layer(new DenseLayer.Builder()
                        .nOut(features)
                        .weightInit(WeightInit.IDENTITY)
                        .activation(Activation.IDENTITY)
                        .build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(CLASSES)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.feedForward(features))
                .build());
        body.init();
        model = body;
        giveFirstWeights();
        peer().give("states", states);
        peer().give("labels", labels);
        peer().give("bases", bases.matrix());
        peer().give("order", order());
        peerCase("vocabulary.adaptation", Map.of("batch", BATCH, "scale", 10, "rate", 1e-3, "decay", 0.01));
    }

    /** A network of the module alone with the same seed begins with the same weights. */
    private void giveFirstWeights() {
        MultiLayerNetwork module = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(SEED)
                .list()
                .layer(new NeuralClustering.Builder().nIn(features).build())
                .build());
        module.init();
        module.getLayer(0).paramTable().forEach((key, value) -> peer().give(key, value.dup('c')));
    }

    /** The order in which the adaptation draws examples, {@code [epochs, examples]}. */
    private INDArray order() {
        int[] order = new int[examples];
        Arrays.setAll(order, i -> i);
        Random random = new Random(SEED);
        int[][] orders = new int[epochs][];
        for (int epoch = 0; epoch < epochs; epoch++) {
            MathUtils.shuffleArray(order, random);
            orders[epoch] = order.clone();
        }
        return Nd4j.createFromArray(orders);
    }

    @Override
    double call() {
        INDArray first = states.get(NDArrayIndex.interval(0, BATCH), NDArrayIndex.all());
        MultiLayerNetwork adapted = new ClusteringAdaptation.Builder()
                .epochs(epochs)
                .batchSize(BATCH)
                .updater(new Adam(1e-3))
                .weightDecay(0.01)
                .scale(10)
                .seed(SEED)
                .build()
                .adapt(
                        Objects.requireNonNull(model, "model"),
                        new ListDataSetIterator<>(List.of(new DataSet(states, labels)), examples),
                        bases);
        float[][] probabilities = adapted.output(first).toFloatMatrix();
        double loss = 0;
        for (int i = 0; i < BATCH; i++) {
            loss -= Math.log(probabilities[i][i % CLASSES]);
        }
        return loss / BATCH;
    }

    @Override
    double tolerance() {
        // Steps of Adam divide by gradients that are near zero at first
        return 2e-2;
    }

    @Override
    double flops() {
        double weights = 33.0 / 8 * features * features;
        return 6 * weights * examples * epochs;
    }

    @Override
    double bytes() {
        double steps = (double) epochs * examples / BATCH;
        // Weights and their gradients twice, and both moments and the weights read and written
        return 4 * (33.0 / 8 * features * features * 10 * steps + (double) examples * features * epochs);
    }
}
