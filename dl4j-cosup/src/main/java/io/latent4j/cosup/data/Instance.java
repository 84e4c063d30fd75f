/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One training text with its retrievals, before tokenization:
 *
 * <pre>
 * prompt  segment …  segment …  answer &lt;/s&gt;
 * segment with a passage:     [Ret] passage [Cs] text [Ce]
 * segment without a passage:  text
 * </pre>
 *
 * <p>Source: Lee et al., arXiv 2403.09024, section 3.
 *
 * @param prompt what is given, such as a question; never a target
 * @param segments what the model writes, in order, with its retrievals; may be empty
 * @param answer what the model writes last, without a passage; may be empty
 * @serial exclude
 */
public record Instance(String prompt, List<Segment> segments, String answer) implements Serializable {
    /**
     * Copies the list.
     *
     * @param prompt what is given
     * @param segments what the model writes
     * @param answer what it writes last
     */
    public Instance {
        segments = List.copyOf(segments);
    }

    /**
     * A piece of text.
     *
     * @param text what the model writes
     * @param passageId id of the passage that the text rests on; null for a text without a retrieval
     * @param hardNegatives ids of passages that look right but aren't; empty for none
     * @serial exclude
     */
    public record Segment(String text, @Nullable String passageId, List<String> hardNegatives) implements Serializable {
        /**
         * Checks and copies.
         *
         * @param text what the model writes
         * @param passageId id of its passage, or null
         * @param hardNegatives ids of passages that look right
         * @throws IllegalArgumentException if the passage is among its own negatives, or there are negatives without a
         *     passage
         */
        public Segment {
            hardNegatives = List.copyOf(hardNegatives);
            if (passageId == null && !hardNegatives.isEmpty()) {
                throw new IllegalArgumentException(
                        "hardNegatives must be empty for a segment without a passage, found " + hardNegatives);
            }
            if (passageId != null && hardNegatives.contains(passageId)) {
                throw new IllegalArgumentException(
                        "hardNegatives must not contain the segment's own passage, found \"" + passageId + '"');
            }
        }

        /**
         * A text without a retrieval.
         *
         * @param text what the model writes
         * @return the segment
         */
        public static Segment plain(String text) {
            return new Segment(text, null, List.of());
        }

        /**
         * A text that rests on a passage.
         *
         * @param text what the model writes
         * @param passageId the passage's id
         * @return the segment, without hard negatives
         */
        public static Segment grounded(String text, String passageId) {
            return new Segment(text, passageId, List.of());
        }
    }
}
