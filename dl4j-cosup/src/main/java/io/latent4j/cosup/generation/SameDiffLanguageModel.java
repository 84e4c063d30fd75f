/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.generation;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * A SameDiff graph as language model, such as a transformer. It keeps nothing between calls: each {@link #append} reads the
 * whole text so far again, so a text of T tokens costs T passes.
 *
 * <p>The graph has a placeholder of token ids [N, T], and variables of logits (or log-probabilities) [N, T, V] and of the
 * states that they are made of [N, T, d]. Where the placeholder has a fixed T, texts are padded at their end with id 0,
 * and a placeholder named as the mask gets 1 for tokens and 0 for padding.
 *
 * <pre>{@code
 * CausalLanguageModel model = SameDiffLanguageModel.builder(graph, "tokens", "logits", "states")
 *         .maxLength(256)
 *         .build();
 * }</pre>
 */
public final class SameDiffLanguageModel implements CausalLanguageModel {
    /** Relative difference that rounding explains, and a graph that looks ahead exceeds. */
    private static final double TOLERANCE = 1e-4;

    private final SameDiff graph;
    private final SDVariable tokens;
    private final @Nullable SDVariable mask;
    private final String logits;
    private final String states;
    private final int fixedLength;
    private final int maxLength;
    private final int vocabularySize;
    private final int stateSize;

    private int[] text = {};

    private SameDiffLanguageModel(Builder builder) {
        graph = builder.graph;
        tokens = placeholder("tokens", builder.tokens);
        mask = builder.mask == null ? null : placeholder("mask", builder.mask);
        logits = variable("logits", builder.logits);
        states = variable("states", builder.states);
        long[] shape = tokens.getShape();
        if (shape == null || shape.length != 2 || shape[0] > 1) {
            throw new IllegalArgumentException("tokens must be a placeholder [N, T] that takes N = 1, found "
                    + builder.tokens + " of shape " + Arrays.toString(shape));
        }
        fixedLength = Math.toIntExact(Math.max(shape[1], 0));
        if (fixedLength > 0 && builder.maxLength > fixedLength) {
            throw new IllegalArgumentException("maxLength must be at most " + fixedLength + ", the fixed length of "
                    + builder.tokens + ", found " + builder.maxLength);
        }
        if (fixedLength == 0 && builder.maxLength == 0) {
            throw new IllegalArgumentException(
                    "maxLength must be set where " + builder.tokens + " has no fixed length");
        }
        maxLength = builder.maxLength > 0 ? builder.maxLength : fixedLength;

        Map<String, INDArray> first = read(0);
        vocabularySize = width("logits", logits, first);
        stateSize = width("states", states, first);
        if (maxLength > 1 && vocabularySize > 1) {
            requireCausal(first);
        }
    }

    /**
     * A builder.
     *
     * @param graph the graph
     * @param tokens name of its placeholder of token ids, [N, T]
     * @param logits name of its logits or log-probabilities, [N, T, V]
     * @param states name of its states, [N, T, d]
     * @return a new builder
     */
    public static Builder builder(SameDiff graph, String tokens, String logits, String states) {
        return new Builder(graph, tokens, logits, states);
    }

    private SDVariable placeholder(String argument, String name) {
        SDVariable found = graph.getVariable(variable(argument, name));
        if (!found.isPlaceHolder()) {
            throw new IllegalArgumentException(
                    argument + " must be a placeholder of the graph, found " + name + ", which is none");
        }
        return found;
    }

    private String variable(String argument, String name) {
        if (!graph.hasVariable(name)) {
            throw new IllegalArgumentException(argument + " must be one of the graph's variables, found " + name);
        }
        return name;
    }

    private int width(String argument, String name, Map<String, INDArray> outputs) {
        INDArray output = outputs.get(name);
        long steps = fixedLength > 0 ? fixedLength : 1;
        if (output.rank() != 3 || output.size(0) != 1 || output.size(1) != steps) {
            throw new IllegalArgumentException(argument + " must be of shape [1, " + steps + ", n] for N = 1 and T = "
                    + steps + ", found " + name + " of shape " + Arrays.toString(output.shape()));
        }
        return Math.toIntExact(output.size(2));
    }

    /** The state of a token must not depend on what follows it. */
    private void requireCausal(Map<String, INDArray> first) {
        INDArray alone = at(first.get(states), 0);
        INDArray followed = at(read(0, 1).get(states), 0);
        double difference = Transforms.abs(alone.sub(followed)).maxNumber().doubleValue();
        double size = Transforms.abs(alone).maxNumber().doubleValue();
        if (!(difference <= TOLERANCE * Math.max(size, Float.MIN_NORMAL))) {
            throw new IllegalArgumentException("graph must be causal, found states of a token that differ by "
                    + difference + " (of " + size + ") with what follows it");
        }
    }

    @Override
    public int vocabularySize() {
        return vocabularySize;
    }

    @Override
    public int stateSize() {
        return stateSize;
    }

    @Override
    public int maxLength() {
        return maxLength;
    }

    @Override
    public void reset() {
        text = new int[0];
    }

    @Override
    public Step append(int... tokens) {
        TokenChecks.requireTokens(tokens, text.length, this);
        int[] longer = Arrays.copyOf(text, text.length + tokens.length);
        System.arraycopy(tokens, 0, longer, text.length, tokens.length);
        Map<String, INDArray> outputs = read(longer);
        text = longer;
        int last = text.length - 1;
        return new Step(at(outputs.get(logits), last), at(outputs.get(states), last));
    }

    private Map<String, INDArray> read(int... prefix) {
        int length = fixedLength > 0 ? fixedLength : prefix.length;
        Map<String, INDArray> inputs = new HashMap<>();
        int[][] ids = {Arrays.copyOf(prefix, length)};
        inputs.put(tokens.name(), Nd4j.createFromArray(ids).castTo(tokens.dataType()));
        if (mask != null) {
            int[][] ones = {new int[length]};
            Arrays.fill(ones[0], 0, prefix.length, 1);
            inputs.put(mask.name(), Nd4j.createFromArray(ones).castTo(mask.dataType()));
        }
        return graph.output(inputs, logits, states);
    }

    /** [1, n] at a step. */
    private static INDArray at(INDArray output, int step) {
        return output.get(NDArrayIndex.all(), NDArrayIndex.point(step), NDArrayIndex.all())
                .dup('c')
                .reshape(1, output.size(2));
    }

    /** Options of a {@link SameDiffLanguageModel}. */
    public static final class Builder {
        private final SameDiff graph;
        private final String tokens;
        private final String logits;
        private final String states;
        private @Nullable String mask;
        private int maxLength;

        private Builder(SameDiff graph, String tokens, String logits, String states) {
            this.graph = graph;
            this.tokens = tokens;
            this.logits = logits;
            this.states = states;
        }

        /**
         * Names a placeholder [N, T] that wants 1 for tokens and 0 for padding. None if not set.
         *
         * @param name its name
         * @return this builder
         */
        public Builder mask(String name) {
            mask = name;
            return this;
        }

        /**
         * Sets the number of tokens of a text at most. The fixed length of the placeholder if not set.
         *
         * @param maxLength at least 1
         * @return this builder
         * @throws IllegalArgumentException if it is below 1
         */
        public Builder maxLength(int maxLength) {
            if (maxLength < 1) {
                throw new IllegalArgumentException("maxLength must be at least 1, found " + maxLength);
            }
            this.maxLength = maxLength;
            return this;
        }

        /**
         * The model, after it has read a token and, if it may, two.
         *
         * @return the model
         * @throws IllegalArgumentException if the graph lacks a name, arrays have other shapes, maxLength is missing or
         *     exceeds the placeholder's length, or states depend on later tokens
         */
        public SameDiffLanguageModel build() {
            return new SameDiffLanguageModel(this);
        }
    }
}
