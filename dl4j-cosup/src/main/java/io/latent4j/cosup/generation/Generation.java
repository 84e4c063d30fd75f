/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.generation;

import java.util.List;
import java.util.Locale;

/**
 * A generated text, with what was retrieved where.
 *
 * @param tokens ids of the whole text: prompt, generated tokens, inserted passages, special tokens
 * @param promptLength number of tokens of the prompt
 * @param prompt the prompt as text
 * @param text what the model wrote, without passages and special tokens
 * @param markedText the whole text with passages and special tokens ([Ret], [Cs], [Ce], &lt;/s&gt;) in place
 * @param retrievals what was retrieved, in the order of the text
 * @param newTokens number of tokens that the model chose, special ones among them
 * @param finish why the text ends
 */
public record Generation(
        List<Integer> tokens,
        int promptLength,
        String prompt,
        String text,
        String markedText,
        List<Retrieval> retrievals,
        int newTokens,
        Finish finish) {

    /** Why a text ends. */
    public enum Finish {
        /** The model chose &lt;/s&gt;. */
        END_OF_TEXT,
        /** As many tokens were generated as allowed. */
        MAX_NEW_TOKENS,
        /** The model takes no longer text. */
        MAX_LENGTH
    }

    /**
     * A passage that was retrieved and the span that rests on it.
     *
     * @param position where the [Ret] is, counted from 0 over {@link Generation#tokens()}; the passage follows it, then
     *     [Cs], the span and [Ce]
     * @param passageId id in the index
     * @param score similarity of query and key
     * @param queryNorm Euclidean norm of the query, the state at the [Ret]
     * @param passage the passage as the model saw it, maybe cut, as text
     * @param passageLength its number of tokens
     * @param span what the model wrote between [Cs] and [Ce]
     * @param spanEnd position of the [Ce]
     */
    public record Retrieval(
            int position,
            String passageId,
            double score,
            double queryNorm,
            String passage,
            int passageLength,
            String span,
            int spanEnd) {

        /**
         * Position of the first token of the span.
         *
         * @return {@link #spanEnd()} where the span is empty
         */
        public int spanStart() {
            return position + passageLength + 2;
        }
    }

    /**
     * Takes unmodifiable copies.
     *
     * @param tokens ids
     * @param promptLength number of tokens of the prompt
     * @param prompt the prompt
     * @param text what the model wrote
     * @param markedText the whole text
     * @param retrievals what was retrieved
     * @param newTokens number of tokens that the model chose
     * @param finish why the text ends
     */
    public Generation {
        tokens = List.copyOf(tokens);
        retrievals = List.copyOf(retrievals);
    }

    /**
     * The trace as readable text: prompt, each retrieval with passage and span, what the model wrote, and why it ended.
     *
     * @return several lines, each ended by a newline
     */
    public String toTrace() {
        StringBuilder trace = new StringBuilder("prompt: ").append(prompt).append('\n');
        for (Retrieval r : retrievals) {
            trace.append(String.format(
                    Locale.ROOT,
                    "[Ret] at token %d: %s (score %.4f, query norm %.4f)\n  passage (%d tokens): %s\n  span (tokens %d to"
                            + " %d): %s\n",
                    r.position(),
                    r.passageId(),
                    r.score(),
                    r.queryNorm(),
                    r.passageLength(),
                    r.passage(),
                    r.spanStart(),
                    r.spanEnd(),
                    r.span()));
        }
        return trace.append("text: ")
                .append(text)
                .append('\n')
                .append(String.format(Locale.ROOT, "%d new tokens, %s\n", newTokens, finish))
                .toString();
    }
}
