/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.generation.SameDiffLanguageModel;
import io.latent4j.cosup.retrieval.SequenceEncoder;
import io.latent4j.cosup.samediff.CoSupervisionGraphs;
import io.latent4j.cosup.samediff.CoSupervisionLoss;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.IUpdater;

/**
 * A {@link Llama} as language model (Gen) and as sequence encoder (Emb_seq) in one SameDiff graph that trains on the
 * minibatches of a {@link io.latent4j.cosup.data.CoSupervisionIterator}.
 *
 * <pre>{@code
 * SameDiff graph = CoSupervisedLlama.graph(checkpoint, DataType.FLOAT, Towers.SHARED, 0.01, Contrast.PAPER);
 * graph.setTrainingConfig(CoSupervisedLlama.trainingConfig(new Adam(1e-3)));
 * graph.fit(iterator, epochs);
 * CausalLanguageModel model = CoSupervisedLlama.languageModel(graph, 256);
 * SequenceEncoder encoder = CoSupervisedLlama.sequenceEncoder(graph);
 * }</pre>
 *
 * <p>The key of a passage is the final state of its last token, as a query is that of a [Ret].
 *
 * <p>Source: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024, section 3.
 */
public final class CoSupervisedLlama {
    /** Stands before the names of the sequence encoder's inputs and outputs. */
    public static final String PASSAGE = "passage_";
    /** Name of the passages' vectors [M, d]. */
    public static final String KEYS = "keys";
    /** Name of the loss; its parts are called {@code cosup_nextToken} and {@code cosup_nextSequence}. */
    public static final String LOSS = "cosup";

    private static final String PASSAGE_IDS = "passage_ids";
    private static final String NEXT = "next_tokens";
    private static final String NEXT_MASK = "next_tokens_mask";
    private static final String POSITIVES = "positives";
    private static final String POSITIVES_MASK = "positives_mask";

    /** Whether the language model and the sequence encoder have their own weights. */
    public enum Towers {
        /** Each has its own, which are the checkpoint's at first. */
        SEPARATE,
        /** Both have the same. */
        SHARED
    }

    private CoSupervisedLlama() {}

    /**
     * Builds the graph, its loss included.
     *
     * @param checkpoint the weights; its vocabulary has room for the special tokens, see
     *     {@link LlamaCheckpoint#withMoreTokens}
     * @param type FLOAT or DOUBLE
     * @param towers whether both towers share their weights
     * @param lossWeight λ, the weight of the next-sequence loss
     * @param contrast how queries and keys are compared
     * @return the graph
     * @throws IllegalArgumentException if the type is another one, or the weight negative, infinite or NaN
     */
    public static SameDiff graph(
            LlamaCheckpoint checkpoint, DataType type, Towers towers, double lossWeight, Contrast contrast) {
        SameDiff graph = Llama.graph(checkpoint, type);
        Llama.tower(graph, checkpoint, PASSAGE, towers == Towers.SHARED);
        SDVariable keys = CoSupervisionGraphs.pool(
                KEYS, graph.getVariable(PASSAGE + Llama.FINAL), graph.getVariable(PASSAGE + Llama.MASK), Pooling.LAST);
        new CoSupervisionLoss.Builder(LOSS)
                .tokens(
                        rows(graph, Llama.LOGITS, checkpoint.sizes().vocabulary()),
                        graph.placeHolder(NEXT, DataType.INT32, -1, 1, -1),
                        graph.placeHolder(NEXT_MASK, type, -1, -1))
                .sequences(
                        rows(graph, Llama.FINAL, checkpoint.sizes().width()),
                        keys,
                        graph.placeHolder(POSITIVES, DataType.INT32, -1, -1, -1),
                        graph.placeHolder(POSITIVES_MASK, type, -1, -1))
                .keyIds(graph.placeHolder(PASSAGE_IDS, DataType.INT32, -1, 1))
                .lossWeight(lossWeight)
                .contrast(contrast)
                .build();
        graph.setLossVariables(LOSS);
        return graph;
    }

    private static SDVariable rows(SameDiff graph, String name, long width) {
        return graph.getVariable(name).reshape(-1, width);
    }

    /**
     * Tells SameDiff which array of a {@link io.latent4j.cosup.data.CoSupervisionIterator} is which input of the graph.
     *
     * @param updater the updater
     * @return for {@link SameDiff#setTrainingConfig}
     */
    public static TrainingConfig trainingConfig(IUpdater updater) {
        return TrainingConfig.builder()
                .updater(updater)
                .dataSetFeatureMapping(Llama.TOKENS, PASSAGE + Llama.TOKENS, PASSAGE_IDS)
                .dataSetFeatureMaskMapping(Llama.MASK, PASSAGE + Llama.MASK, null)
                .dataSetLabelMapping(NEXT, POSITIVES)
                .dataSetLabelMaskMapping(NEXT_MASK, POSITIVES_MASK)
                .build();
    }

    /**
     * The language model of a graph of this class, trained or not, for generation.
     *
     * @param graph the graph, which it reads each time it is called
     * @param maxLength most tokens of a text, at most the checkpoint's positions
     * @return the model
     */
    public static SameDiffLanguageModel languageModel(SameDiff graph, int maxLength) {
        return SameDiffLanguageModel.builder(graph, Llama.TOKENS, Llama.LOGITS, Llama.FINAL)
                .mask(Llama.MASK)
                .maxLength(maxLength)
                .build();
    }

    /**
     * The sequence encoder of a graph of this class, trained or not, for an index.
     *
     * @param graph the graph, which it reads each time it is called
     * @return the encoder
     */
    public static SequenceEncoder sequenceEncoder(SameDiff graph) {
        return new SequenceEncoder(graph, PASSAGE + Llama.TOKENS, PASSAGE + Llama.MASK, KEYS);
    }
}
