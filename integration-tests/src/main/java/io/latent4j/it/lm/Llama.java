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
 * <p>Inputs: {@link #TOKENS} [N, T] (INT), {@link #MASK} [N, T] (1 for tokens, 0 for padding), of any N and T; the model
 * knows what to do with T up to the checkpoint's positions. Outputs, by name: {@link #hidden(int)} [N, T, d] before the
 * first and after every layer, {@link #FINAL} [N, T, d] after the final norm, {@link #LOGITS} [N, T, V]. States of padding
 * are meaningless numbers, which no token sees. All weights are variables under the checkpoint's names, so that the graph
 * can be trained; it takes only operations whose gradients SameDiff gets right: products with 0/1 matrices in place of
 * look-ups, repetitions and swaps.
 *
 * <p>A graph may hold further towers, see {@link #tower}; each one's inputs and outputs have its prefix before their names.
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
    /** Taken from forbidden attention scores: the exponential of what is left is 0. */
    private static final double FORBIDDEN = 1e9;

    private final SameDiff graph;
    private final Sizes sizes;
    private final String prefix;
    private final String weightPrefix;
    private final DataType type;
    private final SDVariable tokens;
    private final SDVariable steps;

    private Llama(SameDiff graph, Sizes sizes, String prefix, String weightPrefix, DataType type) {
        this.graph = graph;
        this.sizes = sizes;
        this.prefix = prefix;
        this.weightPrefix = weightPrefix;
        this.type = type;
        tokens = graph.placeHolder(prefix + TOKENS, DataType.INT32, -1, -1);
        steps = graph.sizeAt(tokens, 1);
    }

    /**
     * Builds the graph.
     *
     * @param checkpoint the weights, which are copied
     * @param type FLOAT or DOUBLE
     * @return the graph
     * @throws IllegalArgumentException if the type is another one
     */
    public static SameDiff graph(LlamaCheckpoint checkpoint, DataType type) {
        if (type != DataType.FLOAT && type != DataType.DOUBLE) {
            throw new IllegalArgumentException("type: expected FLOAT or DOUBLE, found " + type);
        }
        SameDiff graph = SameDiff.create();
        addWeights(graph, checkpoint, "", type);
        Llama model = new Llama(graph, checkpoint.sizes(), "", "", type);
        SDVariable states = model.states();
        String head = checkpoint.sizes().tied() ? LlamaCheckpoint.EMBEDDING : LlamaCheckpoint.HEAD;
        model.named(LOGITS, model.linear(states, head), checkpoint.sizes().vocabulary());
        return graph;
    }

    /**
     * Adds the model to a graph of this class once more, without a head: a second tower, such as a sequence encoder.
     *
     * @param graph the graph
     * @param checkpoint the weights that it was built with, or others of the same type of model
     * @param prefix comes before the names of the tower's inputs and outputs
     * @param shared whether the tower takes the weights that the graph has; else it gets the checkpoint's under names with
     *     the prefix
     */
    public static void tower(SameDiff graph, LlamaCheckpoint checkpoint, String prefix, boolean shared) {
        DataType type = graph.getVariable(LlamaCheckpoint.EMBEDDING).dataType();
        if (!shared) {
            addWeights(graph, checkpoint, prefix, type);
        }
        new Llama(graph, checkpoint.sizes(), prefix, shared ? "" : prefix, type).states();
    }

    private static void addWeights(SameDiff graph, LlamaCheckpoint checkpoint, String prefix, DataType type) {
        checkpoint
                .tensors()
                .forEach((name, tensor) ->
                        graph.var(prefix + name, tensor.dataType() == type ? tensor.dup('c') : tensor.castTo(type)));
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

    /** Everything but the head: the states after the final norm [N·T, d]. */
    private SDVariable states() {
        SDVariable mask = graph.placeHolder(prefix + MASK, type, -1, -1);
        SDVariable position =
                graph.range(graph.constant(0L), steps.castTo(DataType.INT64), graph.constant(1L), DataType.INT64);
        SDVariable query = position.reshape(-1, 1);
        SDVariable key = position.reshape(1, -1);
        // Padding sees itself: softmax over nothing but forbidden scores would be NaN
        SDVariable visible = graph.expandDims(graph.expandDims(mask, 1), 1)
                .sub(1)
                .mul(graph.neq(query, key).castTo(type))
                .sub(graph.gt(key, query).castTo(type))
                .mul(FORBIDDEN);
        SDVariable angles =
                query.castTo(DataType.DOUBLE).mul(graph.constant(prefix + "rotary_frequencies", frequencies()));
        SDVariable cosines = graph.math().cos(angles).castTo(type);
        SDVariable sines = graph.math().sin(angles).castTo(type);
        SDVariable swap = graph.constant(prefix + "rotary_swap", swap());
        SDVariable repeat = graph.constant(prefix + "repeat_heads", repeatHeads());

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
        return normed;
    }

    private SDVariable weight(String name) {
        return graph.getVariable(weightPrefix + name);
    }

    /** x·Wᵀ: the checkpoint's matrices are [outputs, inputs]. */
    private SDVariable linear(SDVariable x, String weight) {
        return graph.mmul(x, weight(weight), false, true, false);
    }

    /** x / √(mean(x²) + ε) ∘ gain. */
    private SDVariable norm(SDVariable x, String gain) {
        SDVariable meanSquare = graph.math().square(x).mean(true, 1);
        // No division: its gradient is wrong in M2.1 where the divisor is a single number, as for a single token
        return x.mul(graph.math().rsqrt(meanSquare.add(NORM_EPSILON))).mul(weight(gain));
    }

    /** Turns each pair of features (2i, 2i+1) by its position's angle: x ∘ cos + (x with pairs swapped, signed) ∘ sin. */
    private SDVariable rotate(SDVariable x, SDVariable cosines, SDVariable sines, SDVariable swap) {
        return inTime(x, sizes.width())
                .mul(cosines)
                .add(inTime(x.mmul(swap), sizes.width()).mul(sines));
    }

    /** [N·T, d] or [N, T, d] to [N, heads, T, d/heads]. */
    private SDVariable heads(SDVariable x) {
        return graph.reshape(x, shape(sizes.heads(), sizes.headWidth())).permute(0, 2, 1, 3);
    }

    private SDVariable inTime(SDVariable x, long width) {
        return graph.reshape(x, shape(width));
    }

    private void named(String name, SDVariable x, long width) {
        graph.identity(prefix + name, inTime(x, width));
    }

    /** [−1, T] and more. */
    private SDVariable shape(long... more) {
        SDVariable time = steps.castTo(DataType.INT64).reshape(1);
        return graph.concat(
                0, graph.constant(Nd4j.createFromArray(-1L)), time, graph.constant(Nd4j.createFromArray(more)));
    }

    /** 10000^(−2i / width of a head) for each pair of features, in all heads [1, d]. */
    private INDArray frequencies() {
        INDArray frequencies = Nd4j.create(DataType.DOUBLE, 1, sizes.width());
        for (int feature = 0; feature < sizes.width(); feature++) {
            int pair = feature % sizes.headWidth() / 2;
            frequencies.putScalar(0, feature, Math.pow(ROTARY_BASE, -2.0 * pair / sizes.headWidth()));
        }
        return frequencies;
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
