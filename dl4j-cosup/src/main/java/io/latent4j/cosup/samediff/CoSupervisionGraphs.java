/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.samediff;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.Similarity;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The parts of co-supervision for any SameDiff graph; {@link CoSupervisionLoss} puts them together.
 *
 * <pre>{@code
 * SDVariable keys = CoSupervisionGraphs.pool("keys", passageStates, passageMask, Pooling.LAST);      // [M, d]
 * SDVariable positives = CoSupervisionGraphs.positives("positives", labels, mask, keys);             // [R, M]
 * SDVariable loss = CoSupervisionGraphs.nextSequence("nsp", states, keys, positives, null, Contrast.PAPER);
 * }</pre>
 *
 * <p>When to use it: in a model written in SameDiff. In a ComputationGraph take {@code CoSupervision.heads}, which costs
 * less per step. Operations of SameDiff with wrong or missing gradients (gather, norms at zero, logSoftmax,
 * sparseSoftmaxCrossEntropy) are avoided. Values must be FLOAT or DOUBLE. A graph can't throw: numbers of tokens and keys
 * that do not exist count as no target.
 *
 * <p>Source: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024, section 3.
 *
 * @see io.latent4j.cosup.NextSequenceContrast
 */
public final class CoSupervisionGraphs {
    /** Takes a score out of a softmax; far below any score, far from FLOAT's limit. */
    private static final double NEVER = 1e30;

    private CoSupervisionGraphs() {}

    // ---- losses ----------------------------------------------------------------------------------------------------

    /**
     * Adds the next-token loss to the graph: the mean cross-entropy of the softmax of logits at the positions that have a
     * target.
     *
     * @param name name of the new variable
     * @param logits {@code [R, V]}; row n·T + t is position t of example n
     * @param targets token ids, R of them in any shape such as {@code [N, 1, T]}, of an integer type
     * @param mask R values in any shape such as {@code [N, T]}: 0 where there is no target; null: targets everywhere
     * @return a scalar; 0 where there is no target at all
     */
    public static SDVariable nextToken(String name, SDVariable logits, SDVariable targets, @Nullable SDVariable mask) {
        SameDiff sd = logits.getSameDiff();
        DataType type = logits.dataType();
        SDVariable gold = equal(targets.reshape(-1, 1), numbers(logits, 1)).castTo(type);
        SDVariable weights = stopGradient(gold.sum(1));
        if (mask != null) {
            weights = weights.mul(indicator(mask.reshape(-1), type));
        }
        SDVariable shifted = logits.sub(stopGradient(logits.max(true, 1)));
        SDVariable losses =
                logOfSum(shifted, 1).sub(shifted.mul(stopGradient(gold)).sum(1));
        return sd.identity(name, mean(losses, weights));
    }

    /**
     * Adds the next-sequence loss to the graph: the mean, over the queries that have positives, of the contrastive
     * cross-entropy of {@link io.latent4j.cosup.NextSequenceContrast}.
     *
     * <p>Hard negatives are further rows of the keys. Keys of other workers or of a memory are further rows without
     * gradient: placeholders, constants or what {@link CoSupervisionLoss.Builder#memory} makes of a variable.
     *
     * @param name name of the new variable
     * @param queries {@code [R, d]}; rows without positives, as of positions that are no [Ret], are no queries
     * @param keys {@code [M, d]}
     * @param positives {@code [R, M]}: 1 where a key is a positive of a query, else 0; without gradient
     * @param leftOut {@code [R, M]}: 1 where a key is neither positive nor negative of a query, else 0; null: none.
     *     Without gradient
     * @param contrast similarity, temperature and direction
     * @return a scalar; 0 where no query has a positive
     */
    public static SDVariable nextSequence(
            String name,
            SDVariable queries,
            SDVariable keys,
            SDVariable positives,
            @Nullable SDVariable leftOut,
            Contrast contrast) {
        SameDiff sd = queries.getSameDiff();
        boolean cosine = contrast.similarity() == Similarity.COSINE;
        SDVariable products =
                sd.mmul(cosine ? directions(queries) : queries, cosine ? directions(keys) : keys, false, true, false);
        // Of rank 3, as M2.1 fails to reduce a column along its only place: one key alone would be such a matrix
        SDVariable scores = sd.expandDims(products.mul(1 / contrast.temperature()), 2);
        SDVariable chosen = stopGradient(sd.expandDims(positives.castTo(scores.dataType()), 2));
        SDVariable without = leftOut == null ? null : stopGradient(sd.expandDims(leftOut.castTo(scores.dataType()), 2));
        SDVariable loss = oneWay(scores, chosen, without, 1);
        if (contrast.symmetric()) {
            // Rows that are no queries are no negatives of the keys
            SDVariable noQuery =
                    indicator(chosen.sum(true, 1), scores.dataType()).rsub(1);
            SDVariable excluded = without == null ? chosen.mul(0).add(noQuery) : either(without, noQuery);
            loss = loss.add(oneWay(scores, chosen, excluded, 0)).mul(0.5);
        }
        return sd.identity(name, loss);
    }

    /** The mean, over the lines along a dimension that hold a positive, of the cross-entropy along it. */
    private static SDVariable oneWay(
            SDVariable scores, SDVariable positives, @Nullable SDVariable leftOut, int dimension) {
        SDVariable counts = positives.sum(dimension);
        SDVariable candidates =
                leftOut == null ? scores : scores.mul(leftOut.rsub(1)).sub(leftOut.mul(NEVER));
        SDVariable largest = stopGradient(candidates.max(true, dimension));
        SDVariable ofPositives = scores.sub(largest).mul(positives).sum(dimension);
        SDVariable losses =
                logOfSum(candidates.sub(largest), dimension).sub(ofPositives.div(counts.add(isZero(counts))));
        return mean(losses, indicator(counts, scores.dataType()));
    }

    /** ln Σ exp of values whose largest is 0. */
    private static SDVariable logOfSum(SDVariable shifted, int dimension) {
        SameDiff sd = shifted.getSameDiff();
        return sd.math.log(sd.math.exp(shifted).sum(dimension));
    }

    /** Σ w·L / Σ w; 0 where all weights are 0. */
    private static SDVariable mean(SDVariable losses, SDVariable weights) {
        SDVariable total = weights.sum();
        return losses.mul(weights).sum().div(total.add(isZero(total)));
    }

    // ---- labels ----------------------------------------------------------------------------------------------------

    /**
     * Adds a matrix of positives to the graph, made of the labels of a {@code CoSupervisionIterator}.
     *
     * @param name name of the new variable
     * @param labels {@code [N, K, T]}, of an integer type: at a [Ret] position the numbers of its positives among the
     *     keys, negative elsewhere
     * @param mask R = N·T values in any shape such as {@code [N, T]}: 0 leaves a position out; null: none
     * @param keys {@code [M, d]}
     * @return {@code [R, M]}, of the keys' type: row n·T + t is position t of example n
     */
    public static SDVariable positives(String name, SDVariable labels, @Nullable SDVariable mask, SDVariable keys) {
        SameDiff sd = labels.getSameDiff();
        SDVariable each = equal(sd.expandDims(labels, 3), numbers(keys, 0))
                .castTo(keys.dataType())
                .max(1); // [N, T, M]
        SDVariable shape = sd.concat(
                0,
                sd.constant(Nd4j.createFromArray(-1L)),
                sd.sizeAt(keys, 0).castTo(DataType.INT64).reshape(1));
        SDVariable rows = sd.reshape(each, shape);
        if (mask != null) {
            rows = rows.mul(indicator(mask.reshape(-1, 1), keys.dataType()));
        }
        return sd.identity(name, stopGradient(rows));
    }

    /**
     * Adds a matrix of the keys to leave out to the graph: those that are the same sequence as a positive of a query and
     * would be false negatives.
     *
     * @param name name of the new variable
     * @param positives {@code [R, M]}, as {@link #positives} makes it
     * @param keyIds M values in any shape such as {@code [M, 1]}, of an integer type: what sequence each key is of;
     *     negative: of none that is known
     * @return {@code [R, M]}: 1 for keys to leave out, else 0
     */
    public static SDVariable duplicates(String name, SDVariable positives, SDVariable keyIds) {
        SameDiff sd = positives.getSameDiff();
        DataType type = positives.dataType();
        SDVariable column = keyIds.castTo(DataType.INT64).reshape(-1, 1);
        SDVariable known = sd.gte(column, 0).castTo(type);
        SDVariable same = equal(column, keyIds.castTo(DataType.INT64).reshape(1, -1))
                .castTo(type)
                .mul(known);
        SDVariable hits = indicator(sd.mmul(positives, same), type);
        return sd.identity(name, stopGradient(hits.mul(positives.rsub(1))));
    }

    // ---- states ----------------------------------------------------------------------------------------------------

    /**
     * Adds one vector per sequence to the graph, made of the states of its tokens. Padding does not enter, as long as its
     * states are finite.
     *
     * @param name name of the new variable
     * @param states {@code [M, S, d]}
     * @param mask {@code [M, S]}: 1 for real tokens, 0 for padding
     * @param pooling the last real token's state, the mean or the maximum of all real tokens' states
     * @return {@code [M, d]}; zeros for a sequence without any real token
     */
    public static SDVariable pool(String name, SDVariable states, SDVariable mask, Pooling pooling) {
        SameDiff sd = states.getSameDiff();
        SDVariable real = sd.expandDims(indicator(mask, states.dataType()), 2); // [M, S, 1]
        SDVariable pooled =
                switch (pooling) {
                    case LAST -> {
                        SDVariable places =
                                numbers(mask, 1).castTo(states.dataType()).reshape(-1, 1);
                        SDVariable ends = real.mul(places.add(1));
                        SDVariable last = equal(ends, ends.max(true, 1)).castTo(states.dataType());
                        yield states.mul(stopGradient(last.mul(real))).sum(1);
                    }
                    case MEAN -> {
                        SDVariable counts = real.sum(true, 1);
                        yield states.mul(stopGradient(real.div(counts.add(isZero(counts)))))
                                .sum(1);
                    }
                    case MAX -> {
                        SDVariable largest =
                                states.mul(real).sub(real.rsub(1).mul(NEVER)).max(1);
                        yield largest.mul(real.max(1));
                    }
                };
        return sd.identity(name, pooled);
    }

    /**
     * Adds some rows of a matrix to the graph, such as the states at [Ret] positions, as the product with a matrix of zeros
     * and ones: the gradient of SameDiff's gather is wrong where a row is taken twice.
     *
     * @param name name of the new variable
     * @param rows {@code [R, d]}
     * @param numbers the rows to take, {@code [P]}, of an integer type; a row that does not exist is zeros
     * @return {@code [P, d]}
     */
    public static SDVariable select(String name, SDVariable rows, SDVariable numbers) {
        SameDiff sd = rows.getSameDiff();
        SDVariable selection = equal(numbers.reshape(-1, 1), numbers(rows, 0)).castTo(rows.dataType());
        return sd.identity(name, sd.mmul(stopGradient(selection), rows));
    }

    // ---- pieces ----------------------------------------------------------------------------------------------------

    /** The numbers from 0 of a variable's places along a dimension, INT64. */
    private static SDVariable numbers(SDVariable of, int dimension) {
        SameDiff sd = of.getSameDiff();
        return sd.range(
                sd.constant(0L), sd.sizeAt(of, dimension).castTo(DataType.INT64), sd.constant(1L), DataType.INT64);
    }

    private static SDVariable equal(SDVariable a, SDVariable b) {
        return a.getSameDiff().eq(a.dataType().isFPType() ? a : a.castTo(DataType.INT64), b);
    }

    /** Rows divided by their norms; zero rows stay so, and get no gradient. */
    private static SDVariable directions(SDVariable rows) {
        SDVariable squares = rows.mul(rows).sum(true, 1);
        SDVariable zero = isZero(squares);
        // No division: its gradient is wrong in M2.1 where the divisor is a single number, as for a single row
        return rows.mul(rows.getSameDiff().math.rsqrt(squares.add(zero))).mul(zero.rsub(1));
    }

    /** 1 where a or b is 1. */
    private static SDVariable either(SDVariable a, SDVariable b) {
        return a.rsub(1).mul(b.rsub(1)).rsub(1);
    }

    static SDVariable stopGradient(SDVariable x) {
        return new StopGradient(x.getSameDiff(), x).outputVariable();
    }

    /** 1 where x is 0, else 0. */
    static SDVariable isZero(SDVariable x) {
        return stopGradient(x.getSameDiff().eq(x, 0).castTo(x.dataType()));
    }

    /** 0 where x is 0, else 1. */
    private static SDVariable indicator(SDVariable x, DataType type) {
        return stopGradient(x.getSameDiff().neq(x, 0).castTo(type));
    }
}
