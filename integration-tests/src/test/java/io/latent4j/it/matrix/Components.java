/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.matrix;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.LossNextSequence;
import io.latent4j.cosup.NextSequenceOutputLayer;
import io.latent4j.cosup.NextSequenceVertex;
import io.latent4j.cosup.NextTokenOutputLayer;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.SequencePoolingVertex;
import io.latent4j.cosup.SequenceStackVertex;
import io.latent4j.cosup.SequenceUnstackVertex;
import io.latent4j.istar.CosRegLayer;
import io.latent4j.istar.IStarLayer;
import io.latent4j.istar.IStarVertex;
import io.latent4j.it.matrix.Plan.Node;
import io.latent4j.vocabsem.LastStepPooling;
import io.latent4j.vocabsem.LossCosineDistance;
import io.latent4j.vocabsem.NeuralClustering;
import io.latent4j.vocabsem.RnnSemanticLogits;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticLogits;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/**
 * The rows of the table: every layer, vertex and loss of the three modules, each in the place it is made for and with
 * options other than the defaults, and networks with DL4J's own output layers to compare with.
 */
final class Components {
    /** Features of the inputs. */
    private static final int FEATURES = 2;

    /** Width of the states. */
    private static final int STATES = 4;

    private static final int CLASSES = 3;
    private static final int EXAMPLES = 6;
    private static final int STEPS = 4;

    private Components() {}

    /** How rows are called that hold DL4J's own output layers, to compare with. */
    static final String OF_DL4J = "DL4J's ";

    /** All rows in order. */
    static List<Plan> all() {
        List<Plan> plans = new ArrayList<>();
        chain(plans, "IStarLayer", 1, classOfEachStep(), rnn(), iStar(), rnnOutput());
        plans.add(iStarVertex());
        chain(
                plans,
                "CosRegLayer",
                1,
                classOfEachStep(),
                rnn(),
                new CosRegLayer.Builder().lambda(2).build(),
                rnnOutput());
        chain(
                plans,
                "SemanticLogits",
                2,
                idOfEachSequence(),
                rnn(),
                last(),
                semanticLogits(new SemanticLogits.Builder(new LossSparseMCXENT())));
        chain(
                plans,
                "RnnSemanticLogits",
                1,
                idOfEachStep(),
                rnn(),
                semanticLogits(new RnnSemanticLogits.Builder(new LossSparseMCXENT())));
        chain(plans, "NeuralClustering", 1, classOfEachStep(), rnn(), clustering(), rnnOutput());
        chain(plans, "LastStepPooling", 1, classOfEachSequence(), rnn(), last(), output());
        chain(
                plans,
                "LossCosineDistance in LossLayer",
                2,
                vectorOfEachSequence(CLASSES),
                rnn(CLASSES),
                last(),
                new LossLayer.Builder(new LossCosineDistance())
                        .activation(Activation.IDENTITY)
                        .build());
        chain(
                plans,
                "NextTokenOutputLayer",
                1,
                idOfEachStep(),
                rnn(),
                new NextTokenOutputLayer.Builder().nOut(CLASSES).lossWeight(0.8).build());
        plans.add(nextSequence());
        plans.add(pooling());
        plans.add(stack());
        LossNextSequence contrast = new LossNextSequence(new Contrast(io.latent4j.cosup.Similarity.COSINE, 0.4, true));
        chain(
                plans,
                "LossNextSequence in OutputLayer",
                2,
                vectorOfEachSequence(2 * CLASSES),
                rnn(),
                last(),
                new OutputLayer.Builder(contrast)
                        .nOut(CLASSES)
                        .activation(Activation.TANH)
                        .build());
        chain(
                plans,
                "LossNextSequence in LossLayer",
                2,
                vectorOfEachSequence(2 * CLASSES),
                rnn(CLASSES),
                last(),
                new LossLayer.Builder(contrast).activation(Activation.IDENTITY).build());
        chain(plans, OF_DL4J + "RnnOutputLayer", 1, classOfEachStep(), rnn(), rnnOutput());
        chain(plans, OF_DL4J + "OutputLayer", 2, classOfEachSequence(), rnn(), last(), output());
        chain(
                plans,
                OF_DL4J + "LossLayer",
                2,
                vectorOfEachSequence(CLASSES),
                rnn(CLASSES),
                last(),
                new LossLayer.Builder(LossFunction.MSE)
                        .activation(Activation.IDENTITY)
                        .build());
        return plans;
    }

    /** Adds a row for either kind of network. */
    private static void chain(List<Plan> plans, String component, int subject, INDArray labels, Layer... layers) {
        List<Node> nodes = new ArrayList<>();
        for (int i = 0; i < layers.length; i++) {
            nodes.add(Node.of("layer" + i, layers[i], i == 0 ? "in0" : "layer" + (i - 1)));
        }
        for (boolean graph : new boolean[] {false, true}) {
            plans.add(new Plan(
                    component,
                    graph,
                    List.of(InputType.recurrent(FEATURES)),
                    nodes,
                    List.of("layer" + subject),
                    List.of("layer" + (layers.length - 1)),
                    new MultiDataSet(series(1, STEPS), labels)));
        }
    }

    private static Plan iStarVertex() {
        return new Plan(
                "IStarVertex",
                true,
                List.of(InputType.recurrent(FEATURES)),
                List.of(
                        Node.of("first", rnn(), "in0"),
                        Node.of("second", rnn(), "first"),
                        Node.of("istar", new IStarVertex(iStar()), "first", "second"),
                        Node.of("out", rnnOutput(), "istar")),
                List.of("istar"),
                List.of("out"),
                new MultiDataSet(series(1, STEPS), classOfEachStep()));
    }

    /** Six texts with three [Ret], five passages. */
    private static Plan nextSequence() {
        INDArray labels = Nd4j.valueArrayOf(new long[] {EXAMPLES, 2, STEPS}, -1, DataType.INT32);
        labels.putScalar(0, 0, 1, 2).putScalar(1, 0, 3, 0).putScalar(1, 1, 3, 4).putScalar(4, 0, 0, 1);
        INDArray passages = random(2, 5, FEATURES, 3);
        return new Plan(
                "NextSequenceOutputLayer with NextSequenceVertex",
                true,
                List.of(InputType.recurrent(FEATURES), InputType.recurrent(FEATURES)),
                List.of(
                        Node.of("texts", rnn(), "in0"),
                        Node.of("passages", rnn(), "in1"),
                        Node.of("keys", new LastTimeStepVertex("in1"), "passages"),
                        Node.of("rows", new NextSequenceVertex(), "texts", "keys"),
                        Node.of(
                                "out",
                                new NextSequenceOutputLayer.Builder()
                                        .lossWeight(0.5)
                                        .temperature(0.7)
                                        .build(),
                                "rows")),
                List.of("rows", "out"),
                List.of("out"),
                new MultiDataSet(new INDArray[] {series(1, STEPS), passages}, new INDArray[] {labels}));
    }

    private static Plan pooling() {
        return new Plan(
                "SequencePoolingVertex",
                true,
                List.of(InputType.recurrent(FEATURES)),
                List.of(
                        Node.of("states", rnn(), "in0"),
                        Node.of("pooled", new SequencePoolingVertex(Pooling.LAST), "states"),
                        Node.of("out", output(), "pooled")),
                List.of("pooled"),
                List.of("out"),
                new MultiDataSet(series(1, STEPS), classOfEachSequence()));
    }

    private static Plan stack() {
        INDArray shorter = random(2, EXAMPLES, FEATURES, 3);
        INDArray labels = classOfEachStep()
                .get(
                        org.nd4j.linalg.indexing.NDArrayIndex.all(),
                        org.nd4j.linalg.indexing.NDArrayIndex.all(),
                        org.nd4j.linalg.indexing.NDArrayIndex.interval(0, 3))
                .dup();
        return new Plan(
                "SequenceStackVertex, SequenceUnstackVertex",
                true,
                List.of(InputType.recurrent(FEATURES), InputType.recurrent(FEATURES)),
                List.of(
                        Node.of("both", new SequenceStackVertex(), "in0", "in1"),
                        Node.of("states", rnn(), "both"),
                        Node.of("one", new SequenceUnstackVertex(0), "states", "in0", "in1"),
                        Node.of("other", new SequenceUnstackVertex(1), "states", "in0", "in1"),
                        Node.of("out0", rnnOutput(), "one"),
                        Node.of("out1", rnnOutput(), "other")),
                List.of("both", "one", "other"),
                List.of("out0", "out1"),
                new MultiDataSet(
                        new INDArray[] {series(1, STEPS), shorter}, new INDArray[] {classOfEachStep(), labels}));
    }

    /** Of few parameters: GradientCheckUtil checks all that a graph has. */
    private static Layer rnn() {
        return rnn(STATES);
    }

    private static Layer rnn(int width) {
        return new SimpleRnn.Builder().nOut(width).build();
    }

    private static LastStepPooling last() {
        return new LastStepPooling.Builder().build();
    }

    private static Layer rnnOutput() {
        return new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(CLASSES)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static Layer output() {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .nOut(CLASSES)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static IStarLayer iStar() {
        return new IStarLayer.Builder().lambda(1.5).zeta(0.4).build();
    }

    private static Layer clustering() {
        return new NeuralClustering.Builder()
                .bottleneckRatio(2)
                .residual(true)
                .layerNormAffine(true)
                .build();
    }

    private static Layer semanticLogits(io.latent4j.vocabsem.SemanticLogitsConfiguration.Builder<?> builder) {
        return builder.bases(SemanticBases.fromEmbedding(random(3, CLASSES, STATES)))
                .scale(1.3)
                .trainableScale(true)
                .trainableBases(true)
                .build();
    }

    /** Uniform numbers in [−1, 1]. */
    static INDArray random(long seed, long... shape) {
        return Nd4j.createFromArray(new Random(seed)
                        .doubles(Arrays.stream(shape).reduce(1, (a, b) -> a * b), -1, 1)
                        .toArray())
                .reshape(shape);
    }

    private static INDArray series(long seed, int steps) {
        return random(seed, EXAMPLES, FEATURES, steps);
    }

    private static INDArray idOfEachStep() {
        return Nd4j.createFromArray(IntStream.range(0, EXAMPLES * STEPS)
                        .map(i -> (i / STEPS + i) % CLASSES)
                        .toArray())
                .reshape(EXAMPLES, 1, STEPS);
    }

    private static INDArray classOfEachStep() {
        INDArray ids = idOfEachStep();
        INDArray labels = Nd4j.zeros(DataType.DOUBLE, EXAMPLES, CLASSES, STEPS);
        for (int i = 0; i < EXAMPLES; i++) {
            for (int t = 0; t < STEPS; t++) {
                labels.putScalar(new int[] {i, ids.getInt(i, 0, t), t}, 1);
            }
        }
        return labels;
    }

    private static INDArray idOfEachSequence() {
        return Nd4j.createFromArray(
                        IntStream.range(0, EXAMPLES).map(i -> i % CLASSES).toArray())
                .reshape(EXAMPLES, 1);
    }

    private static INDArray classOfEachSequence() {
        INDArray labels = Nd4j.zeros(DataType.DOUBLE, EXAMPLES, CLASSES);
        for (int i = 0; i < EXAMPLES; i++) {
            labels.putScalar(i, i % CLASSES, 1);
        }
        return labels;
    }

    private static INDArray vectorOfEachSequence(int width) {
        return random(4, EXAMPLES, width);
    }
}
