/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.istar.IStarLayer;
import io.latent4j.istar.IStarVertex;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
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
 * A training step of four LSTM layers of 256 on a minibatch of 32 × 64 tokens: without a penalty, with one penalty over
 * the union of the layers (ComputationGraph), and with one penalty per layer (MultiLayerNetwork).
 *
 * <pre>{@code
 * mvn -Pbench -pl integration-tests -am verify -DskipTests -Dmaven.javadoc.skip -Dbench.include=TrainingStepBenchmark
 * }</pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
        value = 1,
        jvmArgs = {"-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"})
@Warmup(iterations = 1, time = 6)
@Measurement(iterations = 1, time = 10)
public class TrainingStepBenchmark {
    private static final int LAYERS = 4;
    private static final int WIDTH = 256;
    private static final int CLASSES = 10;
    private static final int MINIBATCH = 32;
    private static final int TOKENS = 64;

    private DataSet batch = new DataSet();

    /** Only what a benchmark asks for is built. */
    @State(Scope.Thread)
    public static class PlainNetwork {
        final MultiLayerNetwork network = network(false);
    }

    @State(Scope.Thread)
    public static class PenalisedNetwork {
        final MultiLayerNetwork network = network(true);
    }

    @State(Scope.Thread)
    public static class PlainGraph {
        final ComputationGraph graph = graph(false);
    }

    @State(Scope.Thread)
    public static class PenalisedGraph {
        final ComputationGraph graph = graph(true);
    }

    @Setup
    public void setup() {
        INDArray labels = Nd4j.zeros(DataType.FLOAT, MINIBATCH, CLASSES, TOKENS);
        for (int b = 0; b < MINIBATCH; b++) {
            for (int t = 0; t < TOKENS; t++) {
                labels.putScalar(new int[] {b, (b + t) % CLASSES, t}, 1);
            }
        }
        batch = new DataSet(Nd4j.randn(DataType.FLOAT, MINIBATCH, WIDTH, TOKENS), labels);
    }

    @Benchmark
    public void networkPlain(PlainNetwork state) {
        state.network.fit(batch);
    }

    @Benchmark
    public void networkPenalised(PenalisedNetwork state) {
        state.network.fit(batch);
    }

    @Benchmark
    public void graphPlain(PlainGraph state) {
        state.graph.fit(batch);
    }

    @Benchmark
    public void graphPenalised(PenalisedGraph state) {
        state.graph.fit(batch);
    }

    private static MultiLayerNetwork network(boolean penalised) {
        NeuralNetConfiguration.ListBuilder list = new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(1e-3))
                .list();
        for (int i = 0; i < LAYERS; i++) {
            list.layer(hidden());
            if (penalised) {
                list.layer(new IStarLayer.Builder().lambda(1).build());
            }
        }
        MultiLayerNetwork network = new MultiLayerNetwork(list.layer(output())
                .setInputType(InputType.recurrent(WIDTH, TOKENS))
                .build());
        network.init();
        return network;
    }

    private static ComputationGraph graph(boolean penalised) {
        GraphBuilder builder = new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(1e-3))
                .graphBuilder()
                .addInputs("tokens")
                .setInputTypes(InputType.recurrent(WIDTH, TOKENS));
        String last = "tokens";
        String[] names = new String[LAYERS];
        for (int i = 0; i < LAYERS; i++) {
            names[i] = "hidden" + i;
            builder.addLayer(names[i], hidden(), last);
            last = names[i];
        }
        if (penalised) {
            builder.addVertex("istar", new IStarVertex.Builder().lambda(1).build(), names);
            last = "istar";
        }
        ComputationGraph graph = new ComputationGraph(
                builder.addLayer("output", output(), last).setOutputs("output").build());
        graph.init();
        return graph;
    }

    private static LSTM hidden() {
        return new LSTM.Builder().nOut(WIDTH).activation(Activation.TANH).build();
    }

    private static RnnOutputLayer output() {
        return new RnnOutputLayer.Builder()
                .nOut(CLASSES)
                .activation(Activation.SOFTMAX)
                .build();
    }
}
