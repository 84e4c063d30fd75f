/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.analysis;

import java.util.List;
import java.util.Locale;

/**
 * How far generated text keeps to the words of what was retrieved for it: the share of spans whose words are supported by
 * their passage.
 *
 * <p>A span is what a model writes between [Cs] and [Ce]. Span and passage are normalised as by {@link AnswerMetrics},
 * and
 *
 * <pre>{@code
 * support = words of the span that the passage has too / words of the span
 * }</pre>
 *
 * <p>where a word counts at most as often as the passage has it (the precision of ROUGE-1). A span is supported if its
 * support is at least the threshold. Spans without words can't be judged: they are counted apart, and left out of both
 * figures.
 *
 * <p>This measures words, not meaning: a span that contradicts its passage in the passage's words is supported, one that
 * paraphrases it is not. Lee et al. (arXiv 2403.09024, section 4) ask a model of natural language inference instead;
 * figures don't compare with theirs.
 *
 * <pre>{@code
 * Grounding grounding = Grounding.of(generation.retrievals().stream()
 *         .map(r -> new Grounding.Span(r.span(), r.passage()))
 *         .toList(), 1);
 * }</pre>
 *
 * @param spans number of spans with words
 * @param empty number of spans without
 * @param supported number of supported spans
 * @param meanSupport mean support of the spans with words, in [0, 1]; NaN if there are none
 * @param threshold support from which on a span is supported
 */
public record Grounding(int spans, int empty, int supported, double meanSupport, double threshold) {

    /**
     * A generated text with what it should rest on.
     *
     * @param text the generated text
     * @param passage the passage that was retrieved for it, as the model saw it
     */
    public record Span(String text, String passage) {}

    /**
     * Measures spans.
     *
     * @param spans the spans
     * @param threshold in (0, 1]; 1: each word must be the passage's
     * @return the figures
     * @throws IllegalArgumentException if the threshold is not in (0, 1]
     */
    public static Grounding of(List<Span> spans, double threshold) {
        if (!(threshold > 0 && threshold <= 1)) {
            throw new IllegalArgumentException("threshold must be in (0, 1], found " + threshold);
        }
        double[] supports = spans.stream()
                .mapToDouble(span -> support(span.text(), span.passage()))
                .filter(support -> !Double.isNaN(support))
                .toArray();
        double sum = 0;
        int supported = 0;
        for (double support : supports) {
            sum += support;
            supported += support >= threshold ? 1 : 0;
        }
        return new Grounding(
                supports.length, spans.size() - supports.length, supported, sum / supports.length, threshold);
    }

    /**
     * Share of the words of a text that a passage has too.
     *
     * @param text a text
     * @param passage a passage
     * @return in [0, 1]; NaN if the text has no words
     */
    public static double support(String text, String passage) {
        List<String> words = AnswerMetrics.words(text);
        return (double) AnswerMetrics.shared(words, AnswerMetrics.words(passage)) / words.size();
    }

    /**
     * Share of the spans with words that are supported.
     *
     * @return in [0, 1]; NaN if there are none
     */
    public double share() {
        return (double) supported / spans;
    }

    /**
     * The figures in a line, with what was measured.
     *
     * @return such as {@code 3 of 4 spans have at least 100 % of their words from the passage (mean 0.9500), 0 empty}
     */
    public String toText() {
        return String.format(
                Locale.ROOT,
                "%d of %d spans have at least %.0f %% of their words from the passage (mean %.4f), %d empty",
                supported,
                spans,
                100 * threshold,
                meanSupport,
                empty);
    }
}
