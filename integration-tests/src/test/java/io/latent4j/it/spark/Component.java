/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.SequenceStackVertex;
import io.latent4j.cosup.SequenceUnstackVertex;
import io.latent4j.istar.CosRegLayer;
import io.latent4j.istar.IStar;
import io.latent4j.istar.IStarLayer;
import io.latent4j.istar.IStarVertex;
import io.latent4j.vocabsem.NeuralClustering;
import io.latent4j.vocabsem.RnnSemanticLogits;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticLogits;
import io.latent4j.vocabsem.Similarity;
import java.util.Random;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;
import org.nd4j.linalg.schedule.MapSchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/** Networks with each of our components, and minibatches for them. */
enum Component {
    ISTAR_LAYER,
    COSREG_LAYER,
    ISTAR_VERTEX,
    NEURAL_CLUSTERING,
    RNN_SEMANTIC_LOGITS,
    COSUPERVISION,
    COSUPERVISION_SHARED;

    /** Examples of each minibatch. */
    static final int EXAMPLES = 6;

    private static final int FEATURES = 5;
    private static final int WIDTH = 8;
    private static final int CLASSES = 3;
    private static final int STEPS = 4;
    private static final int VOCABULARY = 12;

    Model network(Settings settings) {
        return switch (this) {
            case ISTAR_LAYER -> {
                Model network = Models.chain(
                        settings,
                        InputType.feedForward(FEATURES),
                        dense(),
                        new IStarLayer.Builder().lambda(0.5).zeta(0.2).build(),
                        output());
                IStar.updateShrinkage(network, new SingletonMultiDataSetIterator(minibatch(99)), 1000, 1);
                yield network;
            }
            case COSREG_LAYER ->
                Models.chain(
                        settings,
                        InputType.feedForward(FEATURES),
                        dense(),
                        new CosRegLayer.Builder().lambda(0.5).build(),
                        output());
            case ISTAR_VERTEX ->
                Models.graph(settings, InputType.feedForward(FEATURES), graph -> graph.addLayer("a", dense(), "in")
                        .addLayer("b", dense(), "a")
                        .addVertex(
                                "istar", new IStarVertex.Builder().lambda(0.5).build(), "a", "b")
                        .addLayer("out", output(), "istar"));
            case NEURAL_CLUSTERING ->
                Models.chain(
                        settings,
                        InputType.feedForward(FEATURES),
                        dense(),
                        new NeuralClustering.Builder().build(),
                        new SemanticLogits.Builder(LossFunction.MCXENT)
                                .bases(bases())
                                .similarity(Similarity.COSINE)
                                .scale(3)
                                .build());
            case RNN_SEMANTIC_LOGITS ->
                Models.chain(
                        settings,
                        InputType.recurrent(FEATURES),
                        new LSTM.Builder().nOut(WIDTH).build(),
                        new NeuralClustering.Builder().build(),
                        new RnnSemanticLogits.Builder(new LossSparseMCXENT())
                                .bases(bases())
                                .similarity(Similarity.EUCLIDEAN)
                                .trainableBases(true)
                                .trainableScale(true)
                                .build());
            case COSUPERVISION ->
                coSupervised(settings.base()
                        .graphBuilder()
                        .addInputs("tokens", "passages")
                        .addLayer("words", embedding(), "tokens")
                        .addLayer("gen", lstm(), "words")
                        .addLayer("passageWords", embedding(), "passages")
                        .addLayer("emb", lstm(), "passageWords"));
            case COSUPERVISION_SHARED ->
                coSupervised(settings.base()
                        .graphBuilder()
                        .addInputs("tokens", "passages")
                        .addVertex("both", new SequenceStackVertex(), "tokens", "passages")
                        .addLayer("words", embedding(), "both")
                        .addLayer("states", lstm(), "words")
                        .addVertex("gen", new SequenceUnstackVertex(0), "states", "tokens", "passages")
                        .addVertex("emb", new SequenceUnstackVertex(1), "states", "tokens", "passages"));
        };
    }

    private static DenseLayer dense() {
        return new DenseLayer.Builder().nOut(WIDTH).build();
    }

    private static OutputLayer output() {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .nOut(CLASSES)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static SemanticBases bases() {
        return SemanticBases.fromEmbedding(random(5, CLASSES, WIDTH));
    }

    private static EmbeddingSequenceLayer embedding() {
        return new EmbeddingSequenceLayer.Builder()
                .nIn(VOCABULARY)
                .nOut(FEATURES)
                .build();
    }

    private static LSTM lstm() {
        return new LSTM.Builder().nIn(FEATURES).nOut(WIDTH).build();
    }

    /** Its weight of the next sequence follows the iteration, which workers have to know. */
    private static ComputationGraph coSupervised(GraphBuilder towers) {
        MapSchedule lambda = new MapSchedule.Builder(ScheduleType.ITERATION)
                .add(0, 0.1)
                .add(1, 1)
                .add(2, 3)
                .build();
        ComputationGraph graph = new ComputationGraph(CoSupervision.heads(
                        towers,
                        new CoSupervision.Heads.Builder("gen", "emb", WIDTH, VOCABULARY)
                                .lossWeight(lambda)
                                .build())
                .build());
        graph.init();
        return graph;
    }

    /** Random data; the same for the same seed. */
    MultiDataSet minibatch(long seed) {
        Random random = new Random(seed);
        return switch (this) {
            case RNN_SEMANTIC_LOGITS -> {
                INDArray mask = Nd4j.ones(DataType.DOUBLE, EXAMPLES, STEPS);
                mask.putScalar(0, STEPS - 1, 0);
                mask.putScalar(3, STEPS - 1, 0);
                yield new MultiDataSet(
                        new INDArray[] {random(seed, EXAMPLES, FEATURES * STEPS).reshape(EXAMPLES, FEATURES, STEPS)},
                        new INDArray[] {ids(random, CLASSES, EXAMPLES, 1, STEPS)},
                        new INDArray[] {mask},
                        new INDArray[] {mask});
            }
            case COSUPERVISION, COSUPERVISION_SHARED -> questions(random);
            default ->
                new MultiDataSet(
                        random(seed, EXAMPLES, FEATURES),
                        Nd4j.eye(CLASSES).castTo(DataType.DOUBLE).repeat(0, EXAMPLES / CLASSES));
        };
    }

    /** Texts with a [Ret] in each but the last, and one passage fewer than texts. */
    private static MultiDataSet questions(Random random) {
        int passages = EXAMPLES - 1;
        INDArray retrievals = Nd4j.valueArrayOf(new long[] {EXAMPLES, 1, STEPS}, -1, DataType.INT32);
        INDArray marks = Nd4j.zeros(DataType.DOUBLE, EXAMPLES, STEPS);
        for (int text = 0; text < passages; text++) {
            int step = random.nextInt(STEPS);
            retrievals.putScalar(new int[] {text, 0, step}, random.nextInt(passages));
            marks.putScalar(text, step, 1);
        }
        INDArray texts = Nd4j.ones(DataType.DOUBLE, EXAMPLES, STEPS);
        texts.putScalar(EXAMPLES - 1, STEPS - 1, 0);
        return new MultiDataSet(
                new INDArray[] {
                    ids(random, VOCABULARY, EXAMPLES, STEPS),
                    ids(random, VOCABULARY, passages, STEPS - 1),
                    Nd4j.arange(passages).castTo(DataType.INT32).reshape(passages, 1)
                },
                new INDArray[] {ids(random, VOCABULARY, EXAMPLES, 1, STEPS), retrievals},
                new INDArray[] {texts, Nd4j.ones(DataType.DOUBLE, passages, STEPS - 1), null},
                new INDArray[] {texts, marks});
    }

    private static INDArray ids(Random random, int bound, long... shape) {
        long count = 1;
        for (long size : shape) {
            count *= size;
        }
        return Nd4j.createFromArray(random.ints(count, 0, bound).toArray()).reshape(shape);
    }

    private static INDArray random(long seed, int rows, int columns) {
        Random random = new Random(seed);
        return Nd4j.createFromArray(random.doubles((long) rows * columns, -1, 1).toArray())
                .reshape(rows, columns);
    }
}
