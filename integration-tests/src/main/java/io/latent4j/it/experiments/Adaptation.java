/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.vocabsem.NeuralClustering;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticLogits;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration.ListBuilder;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.common.util.MathUtils;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Trains small networks on the cached states of a frozen language model, all by the same schedule.
 *
 * @param epochs passes over the training states
 * @param maxSteps no more updates than this, however many states there are
 * @param batch states per update
 * @param seed of first weights and order
 */
record Adaptation(int epochs, int maxSteps, int batch, long seed) {

    /** Neural clustering under semantic logits of the labels' bases. */
    MultiLayerNetwork clustering(States train, SemanticBases labelBases, double scale, double learningRate) {
        return fit(
                network(learningRate)
                        .layer(new NeuralClustering.Builder()
                                .nIn(labelBases.features())
                                .weightInit(WeightInit.RELU)
                                .build())
                        .layer(new SemanticLogits.Builder()
                                .bases(labelBases)
                                .scale(scale)
                                .build()),
                train);
    }

    /** A trained linear head in place of the language model's. */
    MultiLayerNetwork linear(States train, double learningRate) {
        return fit(
                network(learningRate)
                        .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                                .nIn(train.states().size(1))
                                .nOut(train.classes())
                                .activation(Activation.SOFTMAX)
                                .build()),
                train);
    }

    /** Class indices of the largest outputs. */
    static int[] predict(MultiLayerNetwork network, INDArray states) {
        return network.output(states).argMax(1).toIntVector();
    }

    private ListBuilder network(double learningRate) {
        return new NeuralNetConfiguration.Builder()
                .seed(seed)
                .updater(new Adam(learningRate))
                .list();
    }

    private MultiLayerNetwork fit(ListBuilder layers, States train) {
        MultiLayerNetwork network = new MultiLayerNetwork(layers.build());
        network.init();
        int[] order = IntStream.range(0, train.size()).toArray();
        Random random = new Random(seed);
        int step = 0;
        for (int epoch = 0; epoch < epochs && step < maxSteps; epoch++) {
            MathUtils.shuffleArray(order, random);
            for (int from = 0; from < order.length && step < maxSteps; from += batch, step++) {
                network.fit(train.batch(Arrays.copyOfRange(order, from, Math.min(from + batch, order.length))));
            }
        }
        return network;
    }
}
