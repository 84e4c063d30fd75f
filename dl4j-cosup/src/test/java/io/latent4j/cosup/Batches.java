/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import java.util.Arrays;
import java.util.Random;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInit;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Small co-supervised networks and minibatches for them. */
final class Batches {
    static final int VOCABULARY = 7;
    static final int STATE = 4;

    private Batches() {}

    static ComputationGraph separate(NeuralNetConfiguration.Builder base, CoSupervision.Heads heads) {
        return graph(
                base.graphBuilder()
                        .addInputs("tokens", "passages")
                        .addLayer("words", embedding(), "tokens")
                        .addLayer("gen", lstm(), "words")
                        .addLayer("passageWords", embedding(), "passages")
                        .addLayer("emb", lstm(), "passageWords"),
                heads);
    }

    /** One stack of layers for both; its towers are called "gen" and "emb" as well. */
    static ComputationGraph shared(NeuralNetConfiguration.Builder base, CoSupervision.Heads heads) {
        return graph(
                base.graphBuilder()
                        .addInputs("tokens", "passages")
                        .addVertex("both", new SequenceStackVertex(), "tokens", "passages")
                        .addLayer("words", embedding(), "both")
                        .addLayer("states", lstm(), "words")
                        .addVertex("gen", new SequenceUnstackVertex(0), "states", "tokens", "passages")
                        .addVertex("emb", new SequenceUnstackVertex(1), "states", "tokens", "passages"),
                heads);
    }

    private static ComputationGraph graph(GraphBuilder towers, CoSupervision.Heads heads) {
        ComputationGraph graph =
                new ComputationGraph(CoSupervision.heads(towers, heads).build());
        graph.init();
        return graph;
    }

    private static EmbeddingSequenceLayer embedding() {
        return new EmbeddingSequenceLayer.Builder()
                .nIn(VOCABULARY)
                .nOut(3)
                .activation(Activation.IDENTITY)
                .weightInit(WeightInit.NORMAL)
                .build();
    }

    private static LSTM lstm() {
        return new LSTM.Builder().nIn(3).nOut(STATE).build();
    }

    static CoSupervision.Heads.Builder heads() {
        return new CoSupervision.Heads.Builder("gen", "emb", STATE, VOCABULARY).lossWeight(0.7);
    }

    /**
     * A minibatch of random tokens.
     *
     * @param lengths real tokens of each text
     * @param passageLengths real tokens of each passage
     * @param positives for each text and step the passages, null for none
     * @param ids what passage each is
     */
    static MultiDataSet batch(
            long seed, DataType type, int[] lengths, int[] passageLengths, int @Nullable [][][] positives, int... ids) {
        Random random = new Random(seed);
        int n = lengths.length;
        int t = Arrays.stream(lengths).max().orElseThrow();
        INDArray tokens = tokens(random, n, t);
        INDArray next = tokens(random, n, t).reshape(n, 1, t);
        INDArray tokensMask = mask(type, lengths);
        INDArray targets = tokensMask.dup();
        targets.putScalar(0, 0, 0);
        INDArray labels = Nd4j.valueArrayOf(new long[] {n, 2, t}, -1, DataType.INT32);
        INDArray marks = Nd4j.zeros(type, n, t);
        for (int i = 0; i < n; i++) {
            for (int step = 0; step < t; step++) {
                int[] found = positives[i] == null || positives[i].length <= step ? null : positives[i][step];
                for (int k = 0; found != null && k < found.length; k++) {
                    labels.putScalar(i, k, step, found[k]);
                    marks.putScalar(i, step, 1);
                }
            }
        }
        int m = passageLengths.length;
        INDArray passages =
                tokens(random, m, Arrays.stream(passageLengths).max().orElseThrow());
        return new MultiDataSet(
                new INDArray[] {tokens, passages, Nd4j.createFromArray(ids).reshape(m, 1)},
                new INDArray[] {next, labels},
                new INDArray[] {tokensMask, mask(type, passageLengths), null},
                new INDArray[] {targets, marks});
    }

    private static INDArray tokens(Random random, int rows, int steps) {
        return Nd4j.createFromArray(
                        random.ints((long) rows * steps, 0, VOCABULARY).toArray())
                .reshape(rows, steps);
    }

    private static INDArray mask(DataType type, int[] lengths) {
        INDArray mask =
                Nd4j.zeros(type, lengths.length, Arrays.stream(lengths).max().orElseThrow());
        for (int i = 0; i < lengths.length; i++) {
            for (int step = 0; step < lengths[i]; step++) {
                mask.putScalar(i, step, 1);
            }
        }
        return mask;
    }

    /** Three texts: two [Ret], one with two positives, and none; four passages, the last a hard negative. */
    static MultiDataSet usual(DataType type) {
        return batch(
                1,
                type,
                new int[] {5, 4, 3},
                new int[] {2, 4, 3, 1},
                new int[][][] {{null, {1}, null, {0}}, {null, null, {2, 0}}, null},
                11,
                12,
                13,
                14);
    }

    /** Another minibatch with other passages. */
    static MultiDataSet other(DataType type) {
        return batch(2, type, new int[] {3, 4}, new int[] {3, 2, 2}, new int[][][] {{{1}}, {null, {0}}}, 21, 22, 23);
    }
}
