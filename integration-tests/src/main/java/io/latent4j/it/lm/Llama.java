/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import io.latent4j.it.lm.LlamaCheckpoint.Sizes;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The Llama architecture as SameDiff graph: h ← h + Attention(RMSNorm(h)), h ← h + SwiGLU(RMSNorm(h)) in each layer, with
 * rotary positions and grouped key-value heads.
 *
 * <p>Inputs: {@link #TOKENS} [N, T] (INT), {@link #MASK} [N, T] (1 for tokens, 0 for padding). Outputs, by name:
 * {@link #hidden(int)} [N, T, d] before the first and after every layer, {@link #FINAL} [N, T, d] after the final norm,
 * {@link #LOGITS} [N, T, V]. States of padding are meaningless numbers, which no token sees. All weights are variables
 * under the checkpoint's names, so that the graph can be trained; it takes only operations whose gradients SameDiff gets
 * right: products with 0/1 matrices in place of look-ups, repetitions and swaps.
 */
public final class Llama {
    /** Name of the input of token ids. */
    public static final String TOKENS = "tokens";
    /** Name of the input that tells tokens from padding. */
    public static final String MASK = "mask";
    /** Name of the states after the final norm: what the head multiplies. */
    public static final String FINAL = "final";
    /** Name of the logits. */
    public static final String LOGITS = "logits";
    /** Name of the input of gold tokens, see {@link #crossEntropy}. */
    public static final String TARGETS = "targets";
    /** Name of the input of the targets' weights. */
    public static final String TARGET_WEIGHTS = "target_weights";
    /** Name of the loss. */
    public static final String LOSS = "loss";

    private static final double NORM_EPSILON = 1e-5;
    private static final double ROTARY_BASE = 10_000;
    /** Added to forbidden attention scores: its exponential is 0. */
    private static final double FORBIDDEN = -1e9;

    private final LlamaCheckpoint checkpoint;
    private final Sizes sizes;
    private final int steps;
    private final DataType type;
    private final SameDiff graph = SameDiff.create();

    private Llama(LlamaCheckpoint checkpoint, int steps, DataType type) {
        this.checkpoint = checkpoint;
        this.sizes = checkpoint.sizes();
        this.steps = steps;
        this.type = type;
    }

    /**
     * Builds the graph.
     *
     * @param checkpoint the weights
     * @param steps length of the sequences, T; shorter ones are padded
     * @param type FLOAT or DOUBLE
     * @return the graph
     * @throws IllegalArgumentException if T isn't in 1..positions or the type isn't FLOAT or DOUBLE
     */
    public static SameDiff graph(LlamaCheckpoint checkpoint, int steps, DataType type) {
        if (steps < 1 || steps > checkpoint.sizes().positions()) {
            throw new IllegalArgumentException(
                    "steps: expected 1.." + checkpoint.sizes().positions() + ", found " + steps);
        }
        if (type != DataType.FLOAT && type != DataType.DOUBLE) {
            throw new IllegalArgumentException("type: expected FLOAT or DOUBLE, found " + type);
        }
        return new Llama(checkpoint, steps, type).build();
    }

    /**
     * Name of the states after so many layers.
     *
     * @param layers 0 (the embedding) to the number of layers
     * @return the name
     */
    public static String hidden(int layers) {
        return "hidden." + layers;
    }

    /**
     * Adds the mean cross-entropy of next tokens as {@link #LOSS}: Σ w·(ln Σ exp(logits) − logit of the target) / Σ w, with
     * inputs {@link #TARGETS} (INT) and {@link #TARGET_WEIGHTS}, both [N, T].
     *
     * @param graph a graph of this class
     * @return the loss, marked as such
     */
    public static SDVariable crossEntropy(SameDiff graph) {
        SDVariable logits = graph.getVariable(LOGITS);
        DataType type = logits.dataType();
        int vocabulary = Math.toIntExact(
                graph.getVariable(LlamaCheckpoint.EMBEDDING).getArr().size(0));
        SDVariable targets = graph.placeHolder(TARGETS, DataType.INT32, -1, -1);
        SDVariable weights = graph.placeHolder(TARGET_WEIGHTS, type, -1, -1);
        SDVariable shifted = logits.sub(logits.max(true, 2));
        SDVariable normalizer = graph.math().log(graph.math().exp(shifted).sum(2));
        SDVariable gold = shifted.mul(graph.oneHot(targets, vocabulary, -1, 1.0, 0.0, type))
                .sum(2);
        SDVariable loss = normalizer.sub(gold).mul(weights).sum().div(LOSS, weights.sum());
        graph.setLossVariables(LOSS);
        return loss;
    }

    private SameDiff build() {
        checkpoint.tensors().forEach((name, tensor) -> graph.var(name, tensor.castTo(type)));
        SDVariable tokens = graph.placeHolder(TOKENS, DataType.INT32, -1, steps);
        SDVariable mask = graph.placeHolder(MASK, type, -1, steps);
        // Padding sees itself: softmax over nothing but forbidden scores would be NaN
        SDVariable visible = mask.reshape(-1, 1, 1, steps)
                .sub(1)
                .mul(graph.constant("others", others().mul(-FORBIDDEN)))
                .add(graph.constant("causal", causal()));
        SDVariable cosines = graph.constant("rotary_cos", rotary(false));
        SDVariable sines = graph.constant("rotary_sin", rotary(true));
        SDVariable swap = graph.constant("rotary_swap", swap());
        SDVariable repeat = graph.constant("repeat_heads", repeatHeads());

        SDVariable oneHot =
                graph.oneHot(tokens, sizes.vocabulary(), -1, 1.0, 0.0, type).reshape(-1, sizes.vocabulary());
        SDVariable states = oneHot.mmul(weight(LlamaCheckpoint.EMBEDDING)); // [N·T, d] from here on
        named(hidden(0), states, sizes.width());
        for (int layer = 0; layer < sizes.layers(); layer++) {
            String end = "." + layer;
            SDVariable normed = norm(states, "rms_att" + end);
            SDVariable queries = rotate(linear(normed, "wq" + end), cosines, sines, swap);
            SDVariable keys = rotate(linear(normed, "wk" + end).mmul(repeat), cosines, sines, swap);
            SDVariable values = linear(normed, "wv" + end).mmul(repeat);
            SDVariable scores = graph.mmul(heads(queries), heads(keys), false, true, false)
                    .mul(1 / Math.sqrt(sizes.headWidth()))
                    .add(visible);
            SDVariable mixed = graph.mmul(graph.nn().softmax(scores, -1), heads(values))
                    .permute(0, 2, 1, 3)
                    .reshape(-1, sizes.width());
            states = states.add(linear(mixed, "wo" + end));

            normed = norm(states, "rms_ffn" + end);
            SDVariable gate = linear(normed, "w1" + end);
            SDVariable gated = gate.mul(graph.nn().sigmoid(gate)).mul(linear(normed, "w3" + end));
            states = states.add(linear(gated, "w2" + end));
            named(hidden(layer + 1), states, sizes.width());
        }
        SDVariable normed = norm(states, LlamaCheckpoint.FINAL_NORM);
        named(FINAL, normed, sizes.width());
        named(
                LOGITS,
                linear(normed, sizes.tied() ? LlamaCheckpoint.EMBEDDING : LlamaCheckpoint.HEAD),
                sizes.vocabulary());
        return graph;
    }

    private SDVariable weight(String name) {
        return graph.getVariable(name);
    }

    /** x·Wᵀ: the checkpoint's matrices are [outputs, inputs]. */
    private SDVariable linear(SDVariable x, String weight) {
        return graph.mmul(x, weight(weight), false, true, false);
    }

    /** x / √(mean(x²) + ε) ∘ gain. */
    private SDVariable norm(SDVariable x, String gain) {
        SDVariable meanSquare = graph.math().square(x).mean(true, 1);
        return x.div(graph.math().sqrt(meanSquare.add(NORM_EPSILON))).mul(weight(gain));
    }

    /** Turns each pair of features (2i, 2i+1) by its position's angle: x ∘ cos + (x with pairs swapped, signed) ∘ sin. */
    private SDVariable rotate(SDVariable x, SDVariable cosines, SDVariable sines, SDVariable swap) {
        return inTime(x, sizes.width())
                .mul(cosines)
                .add(inTime(x.mmul(swap), sizes.width()).mul(sines));
    }

    /** [N·T, d] or [N, T, d] to [N, heads, T, d/heads]. */
    private SDVariable heads(SDVariable x) {
        return x.reshape(-1, steps, sizes.heads(), sizes.headWidth()).permute(0, 2, 1, 3);
    }

    private SDVariable inTime(SDVariable x, long width) {
        return x.reshape(-1, steps, width);
    }

    private void named(String name, SDVariable x, long width) {
        graph.reshape(name, x, -1, steps, width);
    }

    /** 0 where the key isn't later than the query [1, 1, T, T]. */
    private INDArray causal() {
        INDArray scores = Nd4j.zeros(type, 1, 1, steps, steps);
        for (int query = 0; query < steps; query++) {
            for (int key = query + 1; key < steps; key++) {
                scores.putScalar(0, 0, query, key, FORBIDDEN);
            }
        }
        return scores;
    }

    /** 0 where the key is the query, otherwise 1 [1, 1, T, T]. */
    private INDArray others() {
        return Nd4j.eye(steps).castTo(type).rsub(1).reshape(1, 1, steps, steps);
    }

    /** Sine or cosine of position · 10000^(−2i / width of a head), for all heads [1, T, d]. */
    private INDArray rotary(boolean sine) {
        INDArray table = Nd4j.create(type, 1, steps, sizes.width());
        for (int position = 0; position < steps; position++) {
            for (int feature = 0; feature < sizes.width(); feature++) {
                int pair = feature % sizes.headWidth() / 2;
                double angle = position * Math.pow(ROTARY_BASE, -2.0 * pair / sizes.headWidth());
                table.putScalar(0, position, feature, sine ? Math.sin(angle) : Math.cos(angle));
            }
        }
        return table;
    }

    /** x·S = (−x₁, x₀, −x₃, x₂, …). */
    private INDArray swap() {
        INDArray swap = Nd4j.zeros(type, sizes.width(), sizes.width());
        for (int even = 0; even < sizes.width(); even += 2) {
            swap.putScalar(even + 1, even, -1);
            swap.putScalar(even, even + 1, 1);
        }
        return swap;
    }

    /** Gives each key-value head to all query heads that share it. */
    private INDArray repeatHeads() {
        INDArray repeat = Nd4j.zeros(type, sizes.keyWidth(), sizes.width());
        int shared = sizes.heads() / sizes.keyValueHeads();
        for (int feature = 0; feature < sizes.width(); feature++) {
            int head = feature / sizes.headWidth() / shared;
            repeat.putScalar(head * sizes.headWidth() + feature % sizes.headWidth(), feature, 1);
        }
        return repeat;
    }
}
