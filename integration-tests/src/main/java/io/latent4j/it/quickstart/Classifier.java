/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.istar.IStar;
import io.latent4j.istar.IStarVertex;
import java.util.List;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * The network: word embeddings, two recurrent layers, mean over the steps, softmax.
 *
 * <p>Plain recurrent layers, because in DL4J they train about three times faster on a CPU than LSTM layers, and a
 * comparison needs many runs more than it needs the last point of accuracy.
 */
final class Classifier {
    static final int WIDTH = 64;
    static final String INPUT = "words";
    static final String EMBEDDING = "embedding";
    static final List<String> HIDDEN =
            IntStream.rangeClosed(1, 2).mapToObj(i -> "hidden" + i).toList();
    static final String POOL = "mean";
    static final String OUTPUT = "class";

    private Classifier() {}

    /** A fresh network; the I-STAR penalty covers the union of all hidden layers, as in the paper. */
    static ComputationGraph create(Setting setting, int vocabulary, int classes) {
        GraphBuilder graph = new NeuralNetConfiguration.Builder()
                .seed(setting.seed())
                .updater(new Adam(setting.learningRate()))
                .graphBuilder()
                .addInputs(INPUT)
                .addLayer(EMBEDDING, embedding(vocabulary), INPUT);
        String below = EMBEDDING;
        for (String hidden : HIDDEN) {
            graph.addLayer(hidden, hidden(), below);
            below = hidden;
        }
        graph.addLayer(POOL, pool(), below)
                .addLayer(OUTPUT, output(classes), POOL)
                .setOutputs(OUTPUT);
        if (setting.regularized()) {
            IStarVertex penalty = new IStarVertex.Builder()
                    .lambda(setting.lambda())
                    .zeta(setting.zeta())
                    .nIn(WIDTH)
                    .build();
            IStar.attach(graph, penalty, HIDDEN.toArray(String[]::new));
        }
        ComputationGraph network = new ComputationGraph(graph.build());
        network.init();
        return network;
    }

    static Layer embedding(int vocabulary) {
        return new EmbeddingSequenceLayer.Builder().nIn(vocabulary).nOut(WIDTH).build();
    }

    static Layer hidden() {
        return new SimpleRnn.Builder()
                .nIn(WIDTH)
                .nOut(WIDTH)
                .activation(Activation.TANH)
                .build();
    }

    /** Masked steps take no part in the mean. */
    static Layer pool() {
        return new GlobalPoolingLayer.Builder(PoolingType.AVG).build();
    }

    static Layer output(int classes) {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .nIn(WIDTH)
                .nOut(classes)
                .activation(Activation.SOFTMAX)
                .build();
    }
}
