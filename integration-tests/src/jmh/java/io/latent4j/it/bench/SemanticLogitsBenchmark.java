/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.vocabsem.RnnSemanticLogits;
import io.latent4j.vocabsem.SemanticBases;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;

/**
 * Loss, and the gradients of states and of trained bases, of semantic logits with sparse cross-entropy as the output
 * layer of a network, at 8 × 128 = 1024 positions of 768 features; no update. Peers: cosines and {@code cross_entropy}
 * with automatic differentiation, frozen bases normalised beforehand, and a plain linear head, frozen or trained as the
 * bases are. Our own yardstick: DL4J's {@code RnnOutputLayer}, which always takes its weights' gradient. {@code bash
 * integration-tests/bench/run --only SemanticLogits}
 */
@Measurement(iterations = 5)
public class SemanticLogitsBenchmark extends PeerBenchmark {
    private static final int WIDTH = 768;
    private static final int MINIBATCH = 8;
    private static final int STEPS = 128;
    private static final double SCALE = 10;

    /** Tokens, and whether the bases are trained. */
    @Param("50257 frozen")
    public String size = "";

    private DataSet batch = new DataSet();
    private @Nullable MultiLayerNetwork network;
    private int vocabulary;
    private boolean trained;

    @Override
    void prepare() throws IOException {
        String[] sizes = size.split(" ");
        vocabulary = Integer.parseInt(sizes[0]);
        trained = sizes[1].equals("trained");
        // Short, so that the plain head's logits are of ordinary size
        INDArray bases = Nd4j.randn(DataType.FLOAT, vocabulary, WIDTH).muli(1 / Math.sqrt(WIDTH));
        INDArray states = Nd4j.randn(DataType.FLOAT, MINIBATCH, WIDTH, STEPS);
        int[] labels = new int[MINIBATCH * STEPS];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = (int) (i * 7919L % vocabulary);
        }
        batch = new DataSet(states, Nd4j.createFromArray(labels).reshape(MINIBATCH, 1, STEPS));
        peer().give("states", states.permute(0, 2, 1).dup('c'));
        peer().give("labels", batch.getLabels());
        peer().give("bases", bases);
        peerCase("vocabulary.logits", Map.of("trained", trained, "scale", SCALE));
        network = network(new RnnSemanticLogits.Builder(new LossSparseMCXENT())
                .bases(SemanticBases.fromEmbedding(bases))
                .scale(SCALE)
                .trainableBases(trained)
                .build());
        MultiLayerNetwork plain = network(new RnnOutputLayer.Builder(new LossSparseMCXENT())
                .nOut(vocabulary)
                .activation(Activation.SOFTMAX)
                .build());
        yardstick("RnnOutputLayer", () -> gradientAndScore(plain));
        if (vocabulary > 10_000) {
            limit("RnnOutputLayer", 1);
            limit("linear head", 2);
        }
    }

    private static MultiLayerNetwork network(Layer head) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Sgd(1e-3))
                .list()
                .layer(head)
                .setInputType(InputType.recurrent(WIDTH, STEPS))
                .build());
        network.init();
        return network;
    }

    private double gradientAndScore(MultiLayerNetwork of) {
        of.setInput(batch.getFeatures());
        of.setLabels(batch.getLabels());
        of.computeGradientAndScore();
        return of.score();
    }

    @Override
    double call() {
        return gradientAndScore(Objects.requireNonNull(network, "network"));
    }

    @Override
    double flops() {
        return (trained ? 6.0 : 4.0) * MINIBATCH * STEPS * vocabulary * WIDTH;
    }

    @Override
    double bytes() {
        return 4.0 * WIDTH * ((trained ? 3.0 : 2.0) * vocabulary + 2 * MINIBATCH * STEPS);
    }
}
