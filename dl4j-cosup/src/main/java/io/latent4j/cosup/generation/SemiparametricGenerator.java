/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.generation;

import io.latent4j.cosup.data.SpecialTokens;
import io.latent4j.cosup.data.TextTokenizer;
import io.latent4j.cosup.generation.CausalLanguageModel.Step;
import io.latent4j.cosup.generation.Generation.Finish;
import io.latent4j.cosup.generation.Generation.Retrieval;
import io.latent4j.cosup.retrieval.Hit;
import io.latent4j.cosup.retrieval.SequenceIndex;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Writes a text and retrieves passages on the way, where the model asks for them.
 *
 * <p>The model writes token by token. When it writes [Ret], its state there is the query: the most similar passage of the
 * index is inserted, then [Cs], and the model writes on, with the passage before its eyes, until it closes the span with
 * [Ce]; from there on it writes freely again. A span that is open at the end is closed. So a text looks like
 *
 * <pre>{@code
 * prompt … text … [Ret] passage [Cs] grounded text [Ce] … </s>
 * }</pre>
 *
 * <p>Tokens are chosen only where they make sense: [Ret] outside of spans, while there may be further retrievals and
 * there is room for a passage, and not as the last token; [Ce] inside of spans; [Cs] and padding never, nor ids that are
 * neither the tokenizer's nor special.
 *
 * <pre>{@code
 * SemiparametricGenerator generator = SemiparametricGenerator.builder(
 *                 model, tokenizer, specialTokens, index, id -> tokenizer.encode(passages.get(id).text()))
 *         .maxNewTokens(100)
 *         .build();
 * Generation generation = generator.generate("Which layer keeps a state?");
 * }</pre>
 *
 * <p>Generators that share a model must not write at the same time.
 *
 * <p>Source: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024, section on
 * inference. There temperature is 0.7 and top-p 0.9; here greedy choice is the default.
 */
public final class SemiparametricGenerator {
    private final CausalLanguageModel model;
    private final TextTokenizer tokenizer;
    private final SpecialTokens special;
    private final SequenceIndex index;
    private final Function<String, int[]> passageTokens;
    private final LongFunction<TokenChoice> choices;
    private final long seed;
    private final int maxNewTokens;
    private final int maxRetrievals;
    private final int maxPassageTokens;
    private final boolean repeatPassages;
    private final boolean retrieveFirst;
    private final boolean[] forbidden;

    private SemiparametricGenerator(Builder builder) {
        model = builder.model;
        tokenizer = builder.tokenizer;
        special = builder.special;
        index = builder.index;
        passageTokens = builder.passageTokens;
        choices = builder.choices;
        seed = builder.seed;
        maxNewTokens = builder.maxNewTokens;
        maxRetrievals = builder.maxRetrievals;
        maxPassageTokens = builder.maxPassageTokens;
        repeatPassages = builder.repeatPassages;
        retrieveFirst = builder.retrieveFirst;
        if (special.vocabularySize(tokenizer) > model.vocabularySize()) {
            throw new IllegalArgumentException("model must know the " + special.vocabularySize(tokenizer)
                    + " tokens of tokenizer and specialTokens, found a vocabulary of " + model.vocabularySize());
        }
        if (index.dimension() != model.stateSize()) {
            throw new IllegalArgumentException("index must hold vectors of length " + model.stateSize()
                    + ", the model's states, found " + index.dimension());
        }
        forbidden = new boolean[model.vocabularySize()];
        for (int id = 0; id < forbidden.length; id++) {
            forbidden[id] = id >= tokenizer.vocabularySize() && !special.contains(id);
        }
        forbidden[special.padding()] = true;
        forbidden[special.contextStart()] = true;
        for (int id : builder.forbidden) {
            if (id < 0 || id >= forbidden.length) {
                throw new IllegalArgumentException(
                        "forbidden tokens must be ids in [0, " + forbidden.length + "), found " + id);
            }
            forbidden[id] = true;
        }
    }

    /**
     * A builder.
     *
     * @param model the language model, Gen
     * @param tokenizer makes and reads the tokens of text
     * @param specialTokens ids of [Ret], [Cs], [Ce], &lt;/s&gt; and padding
     * @param index vectors of the passages, by Emb_seq
     * @param passageTokens gives for an id of the index the tokens of its passage, at least one
     * @return a new builder
     */
    public static Builder builder(
            CausalLanguageModel model,
            TextTokenizer tokenizer,
            SpecialTokens specialTokens,
            SequenceIndex index,
            Function<String, int[]> passageTokens) {
        return new Builder(model, tokenizer, specialTokens, index, passageTokens);
    }

    /**
     * Writes on from a prompt, sampling with the builder's seed.
     *
     * @param prompt text, at least one token long
     * @return the text with its trace
     * @throws IllegalArgumentException as {@link #generate(int[], long)}
     * @throws IllegalStateException as {@link #generate(int[], long)}
     */
    public Generation generate(String prompt) {
        return generate(tokenizer.encode(prompt), seed);
    }

    /**
     * Writes on from a prompt.
     *
     * @param prompt text, at least one token long
     * @param seed of sampling: the same seed and prompt give the same text. Without effect on greedy choice
     * @return the text with its trace
     * @throws IllegalArgumentException as {@link #generate(int[], long)}
     * @throws IllegalStateException as {@link #generate(int[], long)}
     */
    public Generation generate(String prompt, long seed) {
        return generate(tokenizer.encode(prompt), seed);
    }

    /**
     * Writes on from the tokens of a prompt.
     *
     * @param prompt at least one id of the tokenizer's; [Ret] may follow them and is answered at once
     * @param seed of sampling: the same seed and prompt give the same text. Without effect on greedy choice
     * @return the text with its trace
     * @throws IllegalArgumentException if the prompt is empty, holds other special tokens or ids that are not of the
     *     tokenizer's, or is too long for the model; or if there are no tokens, or none of the model's, for a passage
     * @throws IllegalStateException if the index is empty though retrieval is allowed, it finds nothing, or the model's
     *     logits are NaN or rule out all allowed tokens
     */
    public Generation generate(int[] prompt, long seed) {
        if (maxRetrievals > 0 && index.size() == 0) {
            throw new IllegalStateException("index must hold at least one passage, found an empty index");
        }
        return new Run(withRetrieval(prompt), choices.apply(seed)).generation();
    }

    private int[] withRetrieval(int[] prompt) {
        boolean asks = prompt.length > 0 && prompt[prompt.length - 1] == special.retrieve();
        int words = asks ? prompt.length - 1 : prompt.length;
        if (words == 0) {
            throw new IllegalArgumentException("prompt must be at least one token long, found none");
        }
        for (int token : Arrays.copyOf(prompt, words)) {
            if (token < 0 || token >= tokenizer.vocabularySize() || special.contains(token)) {
                throw new IllegalArgumentException("prompt must consist of the tokenizer's ids in [0, "
                        + tokenizer.vocabularySize() + ") and at most a [Ret] at its end, found " + token);
            }
        }
        int[] whole = prompt;
        if (retrieveFirst && !asks) {
            whole = Arrays.copyOf(prompt, prompt.length + 1);
            whole[prompt.length] = special.retrieve();
        }
        boolean retrieves = asks || retrieveFirst;
        if (retrieves && maxRetrievals == 0) {
            throw new IllegalArgumentException("prompt must not end in [Ret] where maxRetrievals is 0");
        }
        // After a [Ret] at least one token of a passage and [Cs] must fit
        int room = model.maxLength() - (retrieves ? 2 : 0);
        if (whole.length > room) {
            throw new IllegalArgumentException("prompt must be at most " + room + " tokens long, as the model takes "
                    + model.maxLength() + ", found " + whole.length);
        }
        return whole;
    }

    /** One text in the making. */
    private final class Run {
        private final List<Integer> tokens = new ArrayList<>();
        private final List<Retrieval> retrievals = new ArrayList<>();
        private final Set<String> used = new HashSet<>();
        private final int promptLength;
        private final TokenChoice choice;
        private int newTokens;
        private boolean open;

        Run(int[] prompt, TokenChoice choice) {
            this.choice = choice;
            promptLength = prompt.length;
            Arrays.stream(prompt).forEach(tokens::add);
        }

        Generation generation() {
            model.reset();
            Finish finish = write();
            model.reset();
            return new Generation(
                    tokens, promptLength, text(0, promptLength), written(), marked(), retrievals, newTokens, finish);
        }

        private Finish write() {
            Step step = model.append(ids(0, tokens.size()));
            while (true) {
                if (tokens.get(tokens.size() - 1) == special.retrieve()) {
                    step = model.append(retrieve(step));
                }
                int next = next(step);
                newTokens++;
                if (next == special.endOfText()) {
                    close(Finish.END_OF_TEXT);
                    tokens.add(next);
                    return Finish.END_OF_TEXT;
                }
                if (next == special.contextEnd()) {
                    close(Finish.END_OF_TEXT);
                } else {
                    tokens.add(next);
                }
                if (newTokens == maxNewTokens) {
                    return close(Finish.MAX_NEW_TOKENS);
                }
                if (tokens.size() > model.maxLength()) {
                    return close(Finish.MAX_LENGTH);
                }
                step = model.append(next);
            }
        }

        /** Adds the passage that a state asks for, and [Cs]. */
        private int[] retrieve(Step step) {
            Predicate<String> fresh = id -> !used.contains(id);
            List<Hit> hits = repeatPassages
                    ? index.search(step.state(), 1).get(0)
                    : index.search(step.state(), 1, row -> fresh).get(0);
            if (hits.isEmpty()) {
                throw new IllegalStateException("index must find a passage, found none besides " + used);
            }
            Hit hit = hits.get(0);
            int[] passage = passage(hit.id());
            int position = tokens.size() - 1;
            Arrays.stream(passage).forEach(tokens::add);
            tokens.add(special.contextStart());
            used.add(hit.id());
            open = true;
            retrievals.add(new Retrieval(
                    position,
                    hit.id(),
                    hit.score(),
                    step.state().norm2Number().doubleValue(),
                    tokenizer.decode(passage),
                    passage.length,
                    "",
                    tokens.size()));
            return ids(position + 1, tokens.size());
        }

        private int[] passage(String id) {
            int[] passage = passageTokens.apply(id);
            if (passage == null || passage.length == 0) {
                throw new IllegalArgumentException("passageTokens must give at least one token, found none for " + id);
            }
            for (int token : passage) {
                if (token < 0 || token >= tokenizer.vocabularySize() || special.contains(token)) {
                    throw new IllegalArgumentException("passageTokens must be the tokenizer's ids in [0, "
                            + tokenizer.vocabularySize() + "), found " + token + " for " + id);
                }
            }
            int room = Math.min(maxPassageTokens, model.maxLength() - tokens.size() - 1);
            return Arrays.copyOf(passage, Math.min(passage.length, room));
        }

        private int next(Step step) {
            double[] logits = step.logits().reshape(-1).toDoubleVector();
            boolean any = false;
            for (int id = 0; id < logits.length; id++) {
                if (Double.isNaN(logits[id])) {
                    throw new IllegalStateException("the model's logits must not be NaN, found NaN for token " + id
                            + " after " + tokens.size() + " tokens");
                }
                if (forbidden[id]
                        || id == special.retrieve() && !mayRetrieve()
                        || id == special.contextEnd() && !open) {
                    logits[id] = Double.NEGATIVE_INFINITY;
                }
                any |= logits[id] > Double.NEGATIVE_INFINITY;
            }
            if (!any) {
                throw new IllegalStateException(
                        "the model's logits must allow a token, found none after " + tokens.size() + " tokens");
            }
            return choice.choose(logits);
        }

        private boolean mayRetrieve() {
            return !open
                    && retrievals.size() < maxRetrievals
                    && newTokens + 1 < maxNewTokens
                    && model.maxLength() - tokens.size() >= 3 // [Ret], one token of a passage, [Cs]
                    && (repeatPassages || index.size() > used.size());
        }

        /** Ends the span, if one is open. */
        private Finish close(Finish finish) {
            if (open) {
                open = false;
                Retrieval last = retrievals.remove(retrievals.size() - 1);
                retrievals.add(new Retrieval(
                        last.position(),
                        last.passageId(),
                        last.score(),
                        last.queryNorm(),
                        last.passage(),
                        last.passageLength(),
                        text(last.spanStart(), tokens.size()),
                        tokens.size()));
                tokens.add(special.contextEnd());
            }
            return finish;
        }

        private int[] ids(int from, int to) {
            return tokens.subList(from, to).stream().mapToInt(Integer::intValue).toArray();
        }

        /** The tokenizer's own tokens as text. */
        private String text(int from, int to) {
            return tokenizer.decode(IntStream.of(ids(from, to))
                    .filter(id -> !special.contains(id))
                    .toArray());
        }

        /** What was neither prompt nor inserted, piece by piece: a passage in between parts words. */
        private String written() {
            List<String> pieces = new ArrayList<>();
            int from = promptLength;
            for (Retrieval retrieval : retrievals) {
                pieces.add(text(from, Math.max(from, retrieval.position())));
                pieces.add(retrieval.span());
                from = retrieval.spanEnd();
            }
            pieces.add(text(from, tokens.size()));
            return join(pieces);
        }

        private String marked() {
            List<String> pieces = new ArrayList<>();
            int from = 0;
            for (int i = 0; i < tokens.size(); i++) {
                if (special.contains(tokens.get(i))) {
                    pieces.add(text(from, i));
                    pieces.add(mark(tokens.get(i)));
                    from = i + 1;
                }
            }
            pieces.add(text(from, tokens.size()));
            return join(pieces);
        }

        private String mark(int id) {
            return id == special.retrieve()
                    ? "[Ret]"
                    : id == special.contextStart() ? "[Cs]" : id == special.contextEnd() ? "[Ce]" : "</s>";
        }
    }

    private static String join(List<String> pieces) {
        return String.join(
                " ",
                pieces.stream()
                        .map(String::strip)
                        .filter(piece -> !piece.isEmpty())
                        .toList());
    }

    /** Options of a {@link SemiparametricGenerator}. */
    public static final class Builder {
        private final CausalLanguageModel model;
        private final TextTokenizer tokenizer;
        private final SpecialTokens special;
        private final SequenceIndex index;
        private final Function<String, int[]> passageTokens;
        private LongFunction<TokenChoice> choices = any -> TokenChoice.greedy();
        private long seed;
        private int maxNewTokens = 256;
        private int maxRetrievals = Integer.MAX_VALUE;
        private int maxPassageTokens = Integer.MAX_VALUE;
        private boolean repeatPassages = true;
        private boolean retrieveFirst;
        private int[] forbidden = {};

        private Builder(
                CausalLanguageModel model,
                TextTokenizer tokenizer,
                SpecialTokens special,
                SequenceIndex index,
                Function<String, int[]> passageTokens) {
            this.model = Objects.requireNonNull(model, "model must be given, found null");
            this.tokenizer = Objects.requireNonNull(tokenizer, "tokenizer must be given, found null");
            this.special = Objects.requireNonNull(special, "specialTokens must be given, found null");
            this.index = Objects.requireNonNull(index, "index must be given, found null");
            this.passageTokens = Objects.requireNonNull(passageTokens, "passageTokens must be given, found null");
        }

        /**
         * Always takes the most probable token. This is the default.
         *
         * @return this builder
         */
        public Builder greedy() {
            choices = any -> TokenChoice.greedy();
            return this;
        }

        /**
         * Draws tokens from softmax(logits / temperature), cut to the most probable ones that have topP together.
         *
         * @param temperature positive and finite; 0.7 in the paper
         * @param topP in (0, 1], 1 for no cut; 0.9 in the paper
         * @param seed the seed where none is given with a prompt
         * @return this builder
         * @throws IllegalArgumentException if temperature or topP are out of range
         */
        public Builder sample(double temperature, double topP, long seed) {
            if (!(temperature > 0) || Double.isInfinite(temperature)) {
                throw new IllegalArgumentException("temperature must be positive and finite, found " + temperature);
            }
            if (!(topP > 0 && topP <= 1)) {
                throw new IllegalArgumentException("topP must be in (0, 1], found " + topP);
            }
            choices = any -> TokenChoice.nucleus(temperature, topP, new Random(any));
            this.seed = seed;
            return this;
        }

        /**
         * Sets how many tokens the model may choose, special ones among them, inserted ones not. 256 if not set.
         *
         * @param maxNewTokens at least 1
         * @return this builder
         * @throws IllegalArgumentException if it is below 1
         */
        public Builder maxNewTokens(int maxNewTokens) {
            this.maxNewTokens = atLeast("maxNewTokens", 1, maxNewTokens);
            return this;
        }

        /**
         * Sets how many passages a text may retrieve. No limit if not set.
         *
         * @param maxRetrievals at least 0; 0: [Ret] is never chosen, and the index may be empty
         * @return this builder
         * @throws IllegalArgumentException if it is negative
         */
        public Builder maxRetrievals(int maxRetrievals) {
            this.maxRetrievals = atLeast("maxRetrievals", 0, maxRetrievals);
            return this;
        }

        /**
         * Sets how many tokens of a passage are inserted, from its start. All, where the model has room, if not set.
         *
         * @param maxPassageTokens at least 1
         * @return this builder
         * @throws IllegalArgumentException if it is below 1
         */
        public Builder maxPassageTokens(int maxPassageTokens) {
            this.maxPassageTokens = atLeast("maxPassageTokens", 1, maxPassageTokens);
            return this;
        }

        /**
         * Sets whether a text may retrieve a passage more than once. True if not set; otherwise the next best one is
         * taken, and [Ret] is not chosen once all are used.
         *
         * @param repeatPassages whether it may
         * @return this builder
         */
        public Builder repeatPassages(boolean repeatPassages) {
            this.repeatPassages = repeatPassages;
            return this;
        }

        /**
         * Sets whether each prompt is followed by [Ret], so that the text starts with a retrieval. False if not set: the
         * model decides.
         *
         * @param retrieveFirst whether it does
         * @return this builder
         */
        public Builder retrieveFirst(boolean retrieveFirst) {
            this.retrieveFirst = retrieveFirst;
            return this;
        }

        /**
         * Names further tokens that are never chosen, such as one for unknown words. None if not set.
         *
         * @param ids ids of the model
         * @return this builder
         */
        public Builder forbid(int... ids) {
            forbidden = ids.clone();
            return this;
        }

        /**
         * The generator.
         *
         * @return the generator
         * @throws IllegalArgumentException if the model doesn't know all tokens, index and model have vectors of
         *     different length, or a forbidden token is not of the model's
         */
        public SemiparametricGenerator build() {
            return new SemiparametricGenerator(this);
        }

        private static int atLeast(String name, int least, int value) {
            if (value < least) {
                throw new IllegalArgumentException(name + " must be at least " + least + ", found " + value);
            }
            return value;
        }
    }
}
