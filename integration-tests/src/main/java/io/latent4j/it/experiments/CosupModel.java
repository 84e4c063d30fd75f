/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.SequenceStackVertex;
import io.latent4j.cosup.SequenceUnstackVertex;
import java.util.List;
import java.util.Locale;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Adam;

/**
 * The two towers: an LSTM beside a linear recurrent layer that starts as the sum of the words read so far, over one
 * embedding. So before any training a question is nearest to passages that have its words, which minutes of training
 * don't suffice to learn from nothing.
 *
 * @param vocabulary number of tokens
 * @param width size of embeddings and states
 * @param pooling how passages become vectors
 * @param contrast how queries and passages are compared
 * @param learningRate of Adam
 */
record CosupModel(int vocabulary, int width, Pooling pooling, Contrast contrast, double learningRate) {
    /** Xavier's would be a hundredth for thousands of words, and all passages would look the same at first. */
    private static final double WORD_DEVIATION = 0.3;

    /** Whether the language model and the sequence encoder have their own weights. */
    enum Towers {
        SEPARATE,
        SHARED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What is minimized.
     *
     * @param nextToken weight of next-token prediction
     * @param nextSequence weight of next-sequence prediction
     */
    record Objective(double nextToken, double nextSequence) {
        static final Objective NONE = new Objective(0, 0);
        static final Objective TOKENS = new Objective(1, 0);
        static final Objective SEQUENCES = new Objective(0, 1);

        @Override
        public String toString() {
            if (equals(NONE)) {
                return "untrained";
            }
            return equals(TOKENS) ? "NTP only" : equals(SEQUENCES) ? "NSP only" : "λ = " + nextSequence;
        }
    }

    ComputationGraph graph(Towers towers, Objective objective, long seed) {
        GraphBuilder graph = new NeuralNetConfiguration.Builder()
                .seed(seed)
                .updater(new Adam(learningRate))
                .gradientNormalization(GradientNormalization.ClipL2PerParamType)
                .gradientNormalizationThreshold(1)
                .graphBuilder()
                .addInputs(CoSupervision.TOKENS, CoSupervision.PASSAGES);
        switch (towers) {
            case SEPARATE -> {
                tower(graph, "gen", CoSupervision.TOKENS);
                tower(graph, "emb", CoSupervision.PASSAGES);
            }
            case SHARED -> {
                graph.addVertex("both", new SequenceStackVertex(), CoSupervision.TOKENS, CoSupervision.PASSAGES);
                tower(graph, "tower", "both");
                String[] parts = {"gen", "emb"};
                for (int part = 0; part < parts.length; part++) {
                    graph.addVertex(
                            parts[part],
                            new SequenceUnstackVertex(part),
                            "tower",
                            CoSupervision.TOKENS,
                            CoSupervision.PASSAGES);
                }
            }
        }
        CoSupervision.heads(
                graph,
                new CoSupervision.Heads.Builder("gen", "emb", width, vocabulary)
                        .nextTokenWeight(objective.nextToken())
                        .lossWeight(objective.nextSequence())
                        .pooling(pooling)
                        .contrast(contrast)
                        .build());
        ComputationGraph network = new ComputationGraph(graph.build());
        network.init();
        if (towers == Towers.SEPARATE) {
            // As in the paper, where both begin as the same language model: a word means the same to both
            for (String layer : List.of("Words", "Sum", "Order")) {
                network.getLayer("emb" + layer)
                        .setParams(network.getLayer("gen" + layer).params().dup());
            }
        }
        return network;
    }

    private void tower(GraphBuilder graph, String name, String input) {
        String words = name + "Words";
        String sum = name + "Sum";
        String order = name + "Order";
        graph.addLayer(
                        words,
                        new EmbeddingSequenceLayer.Builder()
                                .nIn(vocabulary)
                                .nOut(width)
                                .weightInit(new NormalDistribution(0, WORD_DEVIATION))
                                .build(),
                        input)
                .addLayer(
                        sum,
                        new SimpleRnn.Builder()
                                .nIn(width)
                                .nOut(width)
                                .weightInit(WeightInit.IDENTITY)
                                .weightInitRecurrent(WeightInit.IDENTITY)
                                .activation(Activation.IDENTITY)
                                .build(),
                        words)
                .addLayer(order, new LSTM.Builder().nIn(width).nOut(width).build(), words)
                .addVertex(name, new ElementWiseVertex(ElementWiseVertex.Op.Add), sum, order);
    }
}
