/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.samediff;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.NextSequenceOutputLayer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * The loss of co-supervision in a SameDiff graph, {@code L = L_NTP + λ·L_NSP}, with both parts as variables of their own.
 *
 * <pre>{@code
 * CoSupervisionLoss loss = new CoSupervisionLoss.Builder("loss")
 *         .tokens(logits, nextTokens, nextTokensMask)
 *         .sequences(states, keys, positives, positivesMask)
 *         .keyIds(passageIds)
 *         .build();
 * sd.setLossVariables("loss");              // others: "loss_nextToken", "loss_nextSequence"
 * }</pre>
 *
 * <table>
 * <caption>Shapes, those of a {@code CoSupervisionIterator}</caption>
 * <tr><th>variable</th><th>shape</th></tr>
 * <tr><td>states</td><td>{@code [N·T, d]}: row n·T + t is position t of example n</td></tr>
 * <tr><td>logits</td><td>{@code [N·T, V]}</td></tr>
 * <tr><td>next tokens, their mask</td><td>{@code [N, 1, T]}, {@code [N, T]}</td></tr>
 * <tr><td>keys</td><td>{@code [M, d]}</td></tr>
 * <tr><td>positives, their mask</td><td>{@code [N, K, T]}, {@code [N, T]}</td></tr>
 * <tr><td>ids of the keys' sequences</td><td>{@code [M, 1]}</td></tr>
 * <tr><td>keys of a memory, their ids</td><td>{@code [C, d]}, {@code [C, 1]}</td></tr>
 * </table>
 *
 * <p>Several [Ret] per example, examples and minibatches without any are all right; without any L_NSP is 0. The scores of
 * all positions are computed, of which those without [Ret] count nothing: less work than the logits, as long as there are
 * fewer keys than tokens in the vocabulary, and the graph's shapes don't change from batch to batch.
 *
 * <p>Listeners see both parts in {@code opExecution}, as outputs of these names (M2.1's {@code activationAvailable} is
 * given null).
 *
 * <p>Source: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024, section 3.
 *
 * @param total L, a scalar
 * @param nextToken L_NTP, a scalar
 * @param nextSequence L_NSP before it is multiplied by λ, a scalar
 */
public record CoSupervisionLoss(SDVariable total, SDVariable nextToken, SDVariable nextSequence) {

    /** Builds a {@link CoSupervisionLoss}; tokens and sequences are needed. */
    public static final class Builder {
        private final String name;
        private @Nullable SDVariable logits;
        private @Nullable SDVariable targets;
        private @Nullable SDVariable targetsMask;
        private @Nullable SDVariable states;
        private @Nullable SDVariable keys;
        private @Nullable SDVariable positives;
        private @Nullable SDVariable positivesMask;
        private @Nullable SDVariable keyIds;
        private @Nullable SDVariable memoryKeys;
        private @Nullable SDVariable memoryIds;
        private double lossWeight = NextSequenceOutputLayer.DEFAULT_LOSS_WEIGHT;
        private @Nullable SDVariable lossWeightVariable;
        private Contrast contrast = Contrast.PAPER;

        /**
         * Creates a builder with the paper's options: λ = 0.01, dot product, temperature 1, one direction.
         *
         * @param name name of the total loss; its parts are called {@code name_nextToken} and {@code name_nextSequence}
         */
        public Builder(String name) {
            this.name = Objects.requireNonNull(name, "name must not be null");
        }

        /**
         * Sets what the next-token loss compares.
         *
         * @param logits {@code [N·T, V]}
         * @param targets token ids, {@code [N, 1, T]}
         * @param mask {@code [N, T]}: 0 where there is no target; null: targets everywhere
         * @return this
         */
        public Builder tokens(SDVariable logits, SDVariable targets, @Nullable SDVariable mask) {
            this.logits = Objects.requireNonNull(logits, "logits must not be null");
            this.targets = Objects.requireNonNull(targets, "targets must not be null");
            this.targetsMask = mask;
            return this;
        }

        /**
         * Sets what the next-sequence loss compares.
         *
         * @param states {@code [N·T, d]}
         * @param keys {@code [M, d]}: the minibatch's sequences, then hard negatives
         * @param positives numbers of keys, {@code [N, K, T]}: the positives at a [Ret] position, negative elsewhere
         * @param mask {@code [N, T]}: 0 leaves a position out; null: none
         * @return this
         */
        public Builder sequences(SDVariable states, SDVariable keys, SDVariable positives, @Nullable SDVariable mask) {
            this.states = Objects.requireNonNull(states, "states must not be null");
            this.keys = Objects.requireNonNull(keys, "keys must not be null");
            this.positives = Objects.requireNonNull(positives, "positives must not be null");
            this.positivesMask = mask;
            return this;
        }

        /**
         * Sets what sequence each key is of, so that those of a positive's own sequence are no negatives.
         *
         * @param keyIds M numbers, such as {@code [M, 1]}; negative: of none that is known
         * @return this
         */
        public Builder keyIds(SDVariable keyIds) {
            this.keyIds = Objects.requireNonNull(keyIds, "keyIds must not be null");
            return this;
        }

        /**
         * Sets further keys without gradient that are negatives of all: keys of past minibatches or of other workers.
         *
         * @param memoryKeys {@code [C, d]}; zero rows are empty places
         * @param memoryIds C numbers, such as {@code [C, 1]}: what sequence each is of; null where {@link #keyIds} is not
         *     set either
         * @return this
         */
        public Builder memory(SDVariable memoryKeys, @Nullable SDVariable memoryIds) {
            this.memoryKeys = Objects.requireNonNull(memoryKeys, "memoryKeys must not be null");
            this.memoryIds = memoryIds;
            return this;
        }

        /**
         * Sets λ.
         *
         * @param lossWeight finite and at least 0; default 0.01
         * @return this
         * @throws IllegalArgumentException if it is negative, infinite or NaN
         */
        public Builder lossWeight(double lossWeight) {
            if (!(lossWeight >= 0) || lossWeight == Double.POSITIVE_INFINITY) {
                throw new IllegalArgumentException("lossWeight must be finite and at least 0, found " + lossWeight);
            }
            this.lossWeight = lossWeight;
            this.lossWeightVariable = null;
            return this;
        }

        /**
         * Makes λ a variable, such as a placeholder that follows a schedule.
         *
         * @param lossWeight a scalar of the states' type
         * @return this
         */
        public Builder lossWeight(SDVariable lossWeight) {
            this.lossWeightVariable = Objects.requireNonNull(lossWeight, "lossWeight must not be null");
            return this;
        }

        /**
         * Sets similarity, temperature and direction.
         *
         * @param contrast how queries and keys are contrasted; default the paper's
         * @return this
         */
        public Builder contrast(Contrast contrast) {
            this.contrast = Objects.requireNonNull(contrast, "contrast must not be null");
            return this;
        }

        /**
         * Adds the loss to the graph of its variables. It becomes a loss of the graph only by {@code
         * SameDiff.setLossVariables} or {@code markAsLoss}.
         *
         * @return the loss and its parts
         * @throws IllegalStateException if tokens or sequences are not set, or only one of keys and memory has ids
         */
        public CoSupervisionLoss build() {
            if (logits == null || targets == null) {
                throw new IllegalStateException("tokens must be set, found none");
            }
            if (states == null || keys == null || positives == null) {
                throw new IllegalStateException("sequences must be set, found none");
            }
            if (memoryKeys != null && (keyIds == null) != (memoryIds == null)) {
                throw new IllegalStateException("ids must be set for both keys and memory or for none, found those of "
                        + (keyIds == null ? "the memory" : "the keys") + " only");
            }
            SameDiff sd = logits.getSameDiff();
            SDVariable allKeys = keys;
            SDVariable allIds = keyIds == null ? null : keyIds.reshape(-1);
            SDVariable empty = null;
            if (memoryKeys != null) {
                SDVariable constant = CoSupervisionGraphs.stopGradient(memoryKeys.castTo(keys.dataType()));
                allKeys = sd.concat(0, keys, constant);
                allIds = allIds == null || memoryIds == null
                        ? null
                        : sd.concat(
                                0, allIds, memoryIds.castTo(allIds.dataType()).reshape(-1));
                SDVariable none =
                        CoSupervisionGraphs.stopGradient(sd.zerosLike(keys).sum(1));
                empty = sd.concat(
                                0,
                                none,
                                CoSupervisionGraphs.isZero(
                                        constant.mul(constant).sum(1)))
                        .reshape(1, -1);
            }
            SDVariable chosen = CoSupervisionGraphs.positives(name + "_positives", positives, positivesMask, allKeys);
            SDVariable leftOut =
                    allIds == null ? null : CoSupervisionGraphs.duplicates(name + "_duplicates", chosen, allIds);
            if (empty != null) {
                // An empty place never holds a sequence, so that no place is in both
                leftOut = leftOut == null
                        ? chosen.mul(0).add(empty)
                        : leftOut.mul(empty.rsub(1)).add(empty);
            }
            SDVariable nextToken = CoSupervisionGraphs.nextToken(name + "_nextToken", logits, targets, targetsMask);
            SDVariable nextSequence = CoSupervisionGraphs.nextSequence(
                    name + "_nextSequence", states, allKeys, chosen, leftOut, contrast);
            SDVariable weighted =
                    lossWeightVariable == null ? nextSequence.mul(lossWeight) : nextSequence.mul(lossWeightVariable);
            return new CoSupervisionLoss(sd.identity(name, nextToken.add(weighted)), nextToken, nextSequence);
        }
    }
}
