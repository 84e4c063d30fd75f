/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.istar.IStar;
import io.latent4j.istar.IStarLayer;
import io.latent4j.istar.IStarVertex;
import java.io.IOException;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A training step with I-STAR's penalty beside the same step without it, in DL4J and in PyTorch: four LSTM layers of 256
 * on 32 × 64 tokens with one penalty over the union of the layers or one behind each layer, and a 6-layer attention
 * encoder of width 256 on 8 × 64 tokens with one penalty over its layers' outputs. Each side draws its own weights, so
 * results are not compared. {@code bash integration-tests/bench/run --only TrainingStep}
 */
@Warmup(iterations = 0)
@Measurement(iterations = 9)
public class TrainingStepBenchmark extends PeerBenchmark {
    static final String PLAIN = "step without penalty";
    private static final int WIDTH = 256;
    private static final int CLASSES = 10;

    /** Network, and where the penalty sits. */
    @Param("lstm-union")
    public String size = "";

    private Runnable step = () -> {};

    @Override
    void prepare() throws IOException {
        boolean encoder = size.startsWith("encoder");
        int tokens = size.endsWith("smoke") ? 4 : 64;
        int minibatch = encoder ? 8 : 32;
        INDArray labels = Nd4j.zeros(DataType.FLOAT, minibatch, CLASSES, tokens);
        for (int b = 0; b < minibatch; b++) {
            for (int t = 0; t < tokens; t++) {
                labels.putScalar(new int[] {b, (b + t) % CLASSES, t}, 1);
            }
        }
        DataSet batch = new DataSet(Nd4j.randn(DataType.FLOAT, minibatch, WIDTH, tokens), labels);
        if (size.startsWith("lstm-layers")) {
            MultiLayerNetwork plain = network(false);
            MultiLayerNetwork penalised = network(true);
            step = () -> penalised.fit(batch);
            yardstick(PLAIN, () -> fit(() -> plain.fit(batch)));
        } else {
            ComputationGraph plain = encoder ? encoder(false) : recurrent(false);
            ComputationGraph penalised = encoder ? encoder(true) : recurrent(true);
            step = () -> penalised.fit(batch);
            yardstick(PLAIN, () -> fit(() -> plain.fit(batch)));
        }
        peerCase(
                "isotropy.training_step",
                Map.of(
                        "network",
                        encoder ? "encoder" : "lstm",
                        "each",
                        size.startsWith("lstm-layers"),
                        "minibatch",
                        minibatch,
                        "tokens",
                        tokens,
                        "width",
                        WIDTH,
                        "classes",
                        CLASSES));
    }

    private static double fit(Runnable run) {
        run.run();
        return 0;
    }

    @Override
    double call() {
        step.run();
        return 0;
    }

    /** Mostly those of DL4J's layers, which are not ours to count. */
    private static NeuralNetConfiguration.Builder base() {
        return new NeuralNetConfiguration.Builder().seed(1).updater(new Adam(1e-3));
    }

    private static MultiLayerNetwork network(boolean penalised) {
        NeuralNetConfiguration.ListBuilder list = base().list();
        for (int i = 0; i < 4; i++) {
            list.layer(lstm());
        }
        MultiLayerConfiguration conf =
                list.layer(output()).setInputType(InputType.recurrent(WIDTH)).build();
        MultiLayerNetwork network =
                new MultiLayerNetwork(penalised ? IStar.attach(conf, new IStarLayer.Builder().build()) : conf);
        network.init();
        return network;
    }

    private static ComputationGraph recurrent(boolean penalised) {
        GraphBuilder builder = base().graphBuilder().addInputs("tokens").setInputTypes(InputType.recurrent(WIDTH));
        String[] names = new String[4];
        for (int i = 0; i < names.length; i++) {
            names[i] = "hidden" + i;
            builder.addLayer(names[i], lstm(), i == 0 ? "tokens" : names[i - 1]);
        }
        return graph(builder, names, penalised);
    }

    /** Attention and a position-wise network, each with its residual. */
    private static ComputationGraph encoder(boolean penalised) {
        GraphBuilder builder = base().graphBuilder().addInputs("tokens").setInputTypes(InputType.recurrent(WIDTH));
        String[] names = new String[6];
        String last = "tokens";
        for (int i = 0; i < names.length; i++) {
            names[i] = "layer" + i;
            builder.addLayer(
                            "attention" + i,
                            new SelfAttentionLayer.Builder()
                                    .nIn(WIDTH)
                                    .nOut(WIDTH)
                                    .nHeads(4)
                                    .headSize(WIDTH / 4)
                                    .projectInput(true)
                                    .build(),
                            last)
                    .addVertex("attended" + i, new ElementWiseVertex(ElementWiseVertex.Op.Add), last, "attention" + i)
                    .addLayer("inner" + i, positionWise(4 * WIDTH, Activation.RELU), "attended" + i)
                    .addLayer("outer" + i, positionWise(WIDTH, Activation.IDENTITY), "inner" + i)
                    .addVertex(names[i], new ElementWiseVertex(ElementWiseVertex.Op.Add), "attended" + i, "outer" + i);
            last = names[i];
        }
        return graph(builder, names, penalised);
    }

    private static Convolution1DLayer positionWise(int width, Activation activation) {
        return new Convolution1DLayer.Builder(1)
                .nOut(width)
                .activation(activation)
                .build();
    }

    private static ComputationGraph graph(GraphBuilder builder, String[] names, boolean penalised) {
        String last = names[names.length - 1];
        if (penalised) {
            builder.addVertex("istar", new IStarVertex.Builder().build(), names);
            last = "istar";
        }
        ComputationGraph graph = new ComputationGraph(
                builder.addLayer("output", output(), last).setOutputs("output").build());
        graph.init();
        return graph;
    }

    private static LSTM lstm() {
        return new LSTM.Builder().nOut(WIDTH).activation(Activation.TANH).build();
    }

    private static RnnOutputLayer output() {
        return new RnnOutputLayer.Builder()
                .nOut(CLASSES)
                .activation(Activation.SOFTMAX)
                .build();
    }
}
