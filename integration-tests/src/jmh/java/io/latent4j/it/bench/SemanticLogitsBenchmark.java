/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.vocabsem.RnnSemanticLogits;
import io.latent4j.vocabsem.SemanticBases;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Forward and backward pass of a head over GPT-2's vocabulary, 50 257 × 768, at 8 × 128 = 1024 positions with sparse
 * cross-entropy: DL4J's {@code RnnOutputLayer} beside semantic logits with frozen and with trained bases.
 *
 * <pre>{@code
 * mvn -Pbench -pl integration-tests -am verify -Dmaven.test.skip -Dmaven.javadoc.skip -Dbench.include=SemanticLogitsBenchmark
 * }</pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
        value = 1,
        jvmArgs = {
            "-Xmx2g",
            "-Dorg.bytedeco.javacpp.maxbytes=12g",
            "-Dorg.bytedeco.javacpp.maxphysicalbytes=14g",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        })
@Warmup(iterations = 1, time = 8)
@Measurement(iterations = 1, time = 30)
public class SemanticLogitsBenchmark {
    private static final int VOCABULARY = 50_257;
    private static final int WIDTH = 768;
    private static final int MINIBATCH = 8;
    private static final int STEPS = 128;

    private DataSet batch = new DataSet();

    /** Only what a benchmark asks for is built. */
    @State(Scope.Thread)
    public static class Plain {
        final MultiLayerNetwork network = network(new RnnOutputLayer.Builder(new LossSparseMCXENT())
                .nOut(VOCABULARY)
                .activation(Activation.SOFTMAX)
                .build());
    }

    @State(Scope.Thread)
    public static class Frozen {
        final MultiLayerNetwork network = network(semanticLogits(false));
    }

    @State(Scope.Thread)
    public static class Trained {
        final MultiLayerNetwork network = network(semanticLogits(true));
    }

    @Setup
    public void setup() {
        int[] labels = new int[MINIBATCH * STEPS];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = (int) (i * 7919L % VOCABULARY);
        }
        batch = new DataSet(
                Nd4j.randn(DataType.FLOAT, MINIBATCH, WIDTH, STEPS),
                Nd4j.createFromArray(labels).reshape(MINIBATCH, 1, STEPS));
    }

    @Benchmark
    public double plainHead(Plain state) {
        return gradientAndScore(state.network);
    }

    @Benchmark
    public double frozenBases(Frozen state) {
        return gradientAndScore(state.network);
    }

    @Benchmark
    public double trainedBases(Trained state) {
        return gradientAndScore(state.network);
    }

    /** Loss, and the gradients of the parameters and of the input, as training takes them; no update. */
    private double gradientAndScore(MultiLayerNetwork network) {
        network.setInput(batch.getFeatures());
        network.setLabels(batch.getLabels());
        network.computeGradientAndScore();
        return network.score();
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

    private static RnnSemanticLogits semanticLogits(boolean trained) {
        return new RnnSemanticLogits.Builder(new LossSparseMCXENT())
                .bases(SemanticBases.fromEmbedding(Nd4j.randn(DataType.FLOAT, VOCABULARY, WIDTH)))
                .trainableBases(trained)
                .build();
    }
}
