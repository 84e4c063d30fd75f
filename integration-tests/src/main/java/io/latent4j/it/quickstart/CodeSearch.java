/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.cosup.analysis.AnswerMetrics;
import io.latent4j.cosup.analysis.Grounding;
import io.latent4j.cosup.analysis.RetrievalMetrics;
import io.latent4j.cosup.generation.Generation;
import java.util.List;

/**
 * How well code is found by what its documentation says, and its name told from it, after training with either loss and
 * with both.
 *
 * @param trainMethods methods to learn from
 * @param testMethods methods to search for, and among
 * @param instances training texts of each model, counted over all epochs
 * @param scores one per way of training, in the order of {@link Supervision}
 * @param examples questions to the co-supervised model
 */
record CodeSearch(int trainMethods, int testMethods, int instances, List<Score> scores, List<Example> examples) {

    /** What a model is trained on. */
    enum Supervision {
        NONE("untrained", 0, 0),
        TOKENS("next token only", 1, 0),
        SEQUENCES("next sequence only", 0, 1),
        BOTH("co-supervised", 1, 1);

        private final String title;
        private final double tokens;
        private final double sequences;

        Supervision(String title, double tokens, double sequences) {
            this.title = title;
            this.tokens = tokens;
            this.sequences = sequences;
        }

        String title() {
            return title;
        }

        /** Weight of the next-token loss. */
        double tokens() {
            return tokens;
        }

        /** λ, the weight of the next-sequence loss. */
        double sequences() {
            return sequences;
        }
    }

    /**
     * A model on test methods.
     *
     * @param retrieval of each method's code by its documentation, among that of all test methods
     * @param perplexity on what follows the documentation, the right code in between
     * @param answers names written after what was retrieved, against the right ones
     * @param grounding of these names in what was retrieved
     * @param seconds wall-clock time of training
     */
    record Score(
            Supervision supervision,
            RetrievalMetrics retrieval,
            double perplexity,
            AnswerMetrics answers,
            Grounding grounding,
            double seconds) {}

    /**
     * A question to the co-supervised model.
     *
     * @param question the documentation of a test method
     * @param id the method
     * @param name its name, as words
     * @param signature of what was retrieved
     * @param generation what was retrieved and written
     */
    record Example(String question, String id, String name, String signature, Generation generation) {

        /** Whether the right code was retrieved. */
        boolean found() {
            return generation.retrievals().get(0).passageId().equals(id);
        }
    }

    Score score(Supervision supervision) {
        return scores.stream()
                .filter(score -> score.supervision() == supervision)
                .findFirst()
                .orElseThrow();
    }
}
