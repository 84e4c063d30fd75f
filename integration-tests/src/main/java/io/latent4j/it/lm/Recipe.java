/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import io.latent4j.vocabsem.RnnSemanticLogits;
import io.latent4j.vocabsem.Similarity;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;
import org.nd4j.linalg.schedule.PolySchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/**
 * How a word-level LSTM language model is made: everything that its weights depend on beside the texts.
 *
 * @param vocabulary number of tokens, V
 * @param embedding features of a token's embedding
 * @param width features of each LSTM layer's states, d
 * @param layers number of LSTM layers
 * @param batch sequences per training step
 * @param length tokens per sequence
 * @param steps training steps
 * @param learningRate Adam's at the start; falls to 0 along a line
 * @param seed of the first weights and of the order of the sequences
 */
public record Recipe(
        int vocabulary,
        int embedding,
        int width,
        int layers,
        int batch,
        int length,
        int steps,
        double learningRate,
        long seed) {

    /** 2.4 million parameters; 1.6 million tokens, six tenths of SQuAD's training passages. */
    public static final Recipe STANDARD = new Recipe(8192, 128, 128, 2, 64, 32, 800, 5e-3, 1);

    /** Checks the sizes. */
    public Recipe {
        int[] sizes = {vocabulary, embedding, width, layers, batch, length, steps};
        String[] names = {"vocabulary", "embedding", "width", "layers", "batch", "length", "steps"};
        for (int i = 0; i < sizes.length; i++) {
            if (sizes[i] < 1) {
                throw new IllegalArgumentException(names[i] + ": expected 1 or more, found " + sizes[i]);
            }
        }
        if (!(learningRate > 0)) {
            throw new IllegalArgumentException("learningRate: expected more than 0, found " + learningRate);
        }
    }

    /**
     * The network in training: its head are semantic logits by dot product with bases that are trained, which is
     * softmax(states · W) with sparse cross-entropy in one pass over the vocabulary.
     */
    MultiLayerConfiguration training() {
        return configuration(new RnnSemanticLogits.Builder(new LossSparseMCXENT())
                .similarity(Similarity.DOT)
                .trainableBases(true)
                .nIn(width)
                .nOut(vocabulary)
                .build());
    }

    /**
     * The network for inference: plain DL4J layers. Its head has a bias, because M2.1's {@code RnnOutputLayer} can't do
     * without one at inference; it is to stay 0.
     */
    MultiLayerConfiguration inference() {
        return configuration(new RnnOutputLayer.Builder(new LossSparseMCXENT())
                .dataFormat(RNNFormat.NCW)
                .nIn(width)
                .nOut(vocabulary)
                .build());
    }

    private MultiLayerConfiguration configuration(BaseOutputLayer head) {
        NeuralNetConfiguration.ListBuilder layersBuilder = new NeuralNetConfiguration.Builder()
                .seed(seed)
                .weightInit(WeightInit.XAVIER)
                .updater(new Adam(new PolySchedule(ScheduleType.ITERATION, learningRate, 1, steps)))
                .gradientNormalization(GradientNormalization.ClipElementWiseAbsoluteValue)
                .gradientNormalizationThreshold(1)
                .list()
                .layer(new EmbeddingSequenceLayer.Builder()
                        .nIn(vocabulary)
                        .nOut(embedding)
                        .build());
        for (int layer = 0; layer < layers; layer++) {
            layersBuilder.layer(new LSTM.Builder()
                    .nIn(layer == 0 ? embedding : width)
                    .nOut(width)
                    .dataFormat(RNNFormat.NCW)
                    .build());
        }
        return layersBuilder.layer(head).backpropType(BackpropType.Standard).build();
    }
}
