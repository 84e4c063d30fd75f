/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import io.latent4j.vocabsem.layers.SemanticLayers;
import java.io.Serial;
import java.util.Collection;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.LayerValidation;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * An output layer whose logits are the similarities of its input to semantic bases.
 *
 * <pre>
 *     logit_c = scale · cos(s_c, r),     p = softmax(logit)
 * </pre>
 *
 * <table>
 * <caption>Shapes</caption>
 * <tr><th>array</th><th>shape</th></tr>
 * <tr><td>input r</td><td>{@code [N, nIn]}</td></tr>
 * <tr><td>output</td><td>{@code [N, nOut]}</td></tr>
 * <tr><td>labels</td><td>{@code [N, nOut]}, or with {@code LossSparseMCXENT} integers {@code [N, 1]}</td></tr>
 * <tr><td>parameter W, the bases</td><td>{@code [nIn, nOut]}, column c = s_c</td></tr>
 * <tr><td>parameter logScale, if trained</td><td>{@code [1, 1]}</td></tr>
 * </table>
 *
 * <p>With {@code LossSparseMCXENT} and softmax, loss and gradient are taken block by block without one-hot labels or the
 * logits of the whole minibatch in memory: the choice for large vocabularies.
 *
 * <pre>{@code
 * LabelWords words = LabelWords.builder().label("positive", 2307).label("negative", 6659).build();
 * SemanticBases bases = SemanticBases.fromHead(head);
 * new SemanticLogits.Builder().bases(bases.forLabels(words)).scale(10).build()
 * }</pre>
 *
 * <p>Source: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184; scale (1 in the paper), trainable bases and the
 * other similarities are additions.
 *
 * @see RnnSemanticLogits the same for time series
 * @see NeuralClustering the layer that moves states towards their bases
 */
public final class SemanticLogits extends SemanticLogitsConfiguration {
    @Serial
    private static final long serialVersionUID = 1L;

    /** For JSON. */
    SemanticLogits() {}

    private SemanticLogits(Builder builder) {
        super(builder);
    }

    /**
     * Replaces a network's head by the semantic logits of label words: the bases are taken from the head that goes, all
     * other layers keep their parameters. The new layer is one of this class, or a {@link RnnSemanticLogits} where the
     * old head is a {@code RnnOutputLayer}.
     *
     * @param network a network whose last layer is the language model's head; not changed
     * @param labels the classes and their words, as token ids of that head
     * @return a new network
     * @throws IllegalArgumentException if the last layer is no output layer with weights, or a label's token is not
     *     among its outputs
     */
    public static MultiLayerNetwork replaceHead(MultiLayerNetwork network, LabelWords labels) {
        return Heads.replace(network, labels);
    }

    /**
     * Replaces a graph's head by the semantic logits of label words, as
     * {@link #replaceHead(MultiLayerNetwork, LabelWords)} does.
     *
     * @param graph a graph with one output, the language model's head; not changed
     * @param labels the classes and their words, as token ids of that head
     * @return a new graph
     * @throws IllegalArgumentException if there is not exactly one output, it is no output layer with weights, or a
     *     label's token is not among its outputs
     */
    public static ComputationGraph replaceHead(ComputationGraph graph, LabelWords labels) {
        return Heads.replace(graph, labels);
    }

    /**
     * Replaces a network's head by a given one.
     *
     * @param network a network with an output layer; not changed
     * @param head the new head, with its bases
     * @return a new network
     */
    public static MultiLayerNetwork replaceHead(MultiLayerNetwork network, SemanticLogitsConfiguration head) {
        return Heads.replace(network, head);
    }

    /**
     * Replaces a graph's head by a given one.
     *
     * @param graph a graph with one output; not changed
     * @param head the new head, with its bases
     * @return a new graph
     * @throws IllegalArgumentException if there is not exactly one output
     */
    public static ComputationGraph replaceHead(ComputationGraph graph, SemanticLogitsConfiguration head) {
        return Heads.replace(graph, head);
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> trainingListeners,
            int layerIndex,
            INDArray layerParamsView,
            boolean initializeParams,
            DataType networkDataType) {
        LayerValidation.assertNInNOutSet("SemanticLogits", getLayerName(), layerIndex, getNIn(), getNOut());
        return SemanticLayers.semanticLogits(
                conf, trainingListeners, layerIndex, layerParamsView, initializeParams, networkDataType);
    }

    /** Builds a {@link SemanticLogits}. */
    public static final class Builder extends SemanticLogitsConfiguration.Builder<Builder> {
        /** Creates a builder: cosine, scale 1, frozen bases, cross-entropy of a softmax. */
        public Builder() {}

        /**
         * Creates a builder with a loss.
         *
         * @param lossFunction the loss
         */
        public Builder(LossFunction lossFunction) {
            super(lossFunction);
        }

        /**
         * Creates a builder with a loss.
         *
         * @param lossFunction the loss
         */
        public Builder(ILossFunction lossFunction) {
            super(lossFunction);
        }

        @Override
        @SuppressWarnings("unchecked")
        public SemanticLogits build() {
            return new SemanticLogits(this);
        }
    }
}
