/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import io.latent4j.cosup.data.EncodedInstance.Retrieval;
import io.latent4j.cosup.data.EncodedInstance.Role;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Turns {@link Instance}s into token ids:
 *
 * <pre>
 * prompt … text … [Ret] passage [Cs] grounded text [Ce] … answer &lt;/s&gt;
 * </pre>
 *
 * <p>Passages have at most {@link Builder#maxPassageLength} tokens, here as in the sequence encoder. What is longer than
 * {@link Builder#maxLength} is shortened so that each {@code [Ret]} keeps its passage, in this order:
 *
 * <ol>
 *   <li>passages lose their last tokens, the longest first, down to {@link Builder#minPassageLength};
 *   <li>the prompt loses its first tokens, down to half of the maximum length;
 *   <li>the end goes: text without a passage token by token, a retrieval as a whole, with all that follows it. Without
 *       its end the text gets no {@code </s>}. Passages get the room that is left.
 * </ol>
 *
 * <p>Targets are all tokens but those of the prompt; with {@code trainOnPassages(false)} neither are those from after
 * {@code [Ret]} to {@code [Cs]}, which a generator inserts and doesn't write.
 *
 * <p>Source: Lee et al., arXiv 2403.09024, section 3; the order of shortening is ours.
 */
public final class InstanceEncoder {
    private static final int MARKS = 3; // [Ret] [Cs] [Ce]

    private final TextTokenizer tokenizer;
    private final SpecialTokens special;
    private final int maxLength;
    private final int maxPassageLength;
    private final int minPassageLength;
    private final boolean trainOnPassages;

    private InstanceEncoder(Builder builder) {
        this.tokenizer = builder.tokenizer;
        this.special = builder.special;
        this.maxLength = builder.maxLength;
        this.maxPassageLength = builder.maxPassageLength;
        this.minPassageLength = Math.min(builder.minPassageLength, builder.maxPassageLength);
        this.trainOnPassages = builder.trainOnPassages;
    }

    /**
     * Starts with the defaults.
     *
     * @param tokenizer makes the tokens
     * @param special ids of the special tokens
     * @return a builder
     */
    public static Builder builder(TextTokenizer tokenizer, SpecialTokens special) {
        return new Builder(tokenizer, special);
    }

    /**
     * The ids of the special tokens.
     *
     * @return as given to the builder
     */
    public SpecialTokens specialTokens() {
        return special;
    }

    /**
     * The tokens of a prompt, as a generator starts with them: all of them, no special token.
     *
     * @param prompt any text
     * @return ids
     */
    public int[] promptTokens(String prompt) {
        return tokenizer.encode(prompt);
    }

    /**
     * The tokens of a passage, as they stand in an instance with room enough and in the sequence encoder's input.
     *
     * @param passage the passage
     * @return 1 to {@link Builder#maxPassageLength} ids, no special token
     * @throws IllegalArgumentException if the tokenizer finds no token in it
     */
    public int[] passageTokens(Passage passage) {
        int[] tokens = tokenizer.encode(passage.text());
        if (tokens.length == 0) {
            throw new IllegalArgumentException(
                    "passage \"" + passage.id() + "\" must have at least one token, found none");
        }
        return tokens.length <= maxPassageLength ? tokens : Arrays.copyOf(tokens, maxPassageLength);
    }

    /**
     * Encodes an instance.
     *
     * @param instance the instance
     * @param passages its passages by id; others don't matter
     * @return its tokens; without any target where the prompt leaves no room, see {@link EncodedInstance#hasTargets()}
     * @throws IllegalArgumentException if it names a passage that isn't there or has no tokens
     */
    public EncodedInstance encode(Instance instance, Map<String, Passage> passages) {
        return encode(instance, id -> {
            Passage passage = passages.get(id);
            if (passage == null) {
                throw new IllegalArgumentException(
                        "passages must contain the instance's passages, found none with id \"" + id + '"');
            }
            return passageTokens(passage);
        });
    }

    /** With passages that are tokens already. */
    EncodedInstance encode(Instance instance, Function<String, int[]> passages) {
        List<Piece> pieces = new ArrayList<>();
        for (Instance.Segment segment : instance.segments()) {
            String id = segment.passageId();
            pieces.add(new Piece(id == null ? null : passages.apply(id), tokenizer.encode(segment.text())));
        }
        pieces.add(new Piece(null, tokenizer.encode(instance.answer())));

        int needed = pieces.stream()
                        .mapToInt(piece -> piece.length(minPassageLength))
                        .sum()
                + 1;
        int[] prompt = promptTokens(instance.prompt());
        int promptRoom = Math.max(maxLength / 2, maxLength - needed);
        if (prompt.length > promptRoom) {
            prompt = Arrays.copyOfRange(prompt, prompt.length - promptRoom, prompt.length);
        }

        Writer writer = new Writer();
        writer.add(prompt, Role.PROMPT);
        int left = maxLength - prompt.length;
        List<Piece> kept = withinRoom(pieces, left);
        boolean whole = needed <= left;
        for (Piece piece : kept) {
            left -= piece.length(minPassageLength);
        }
        int passageLength = passageLength(kept, whole ? left - 1 : left);
        for (int i = 0; i < kept.size(); i++) {
            writer.add(kept.get(i), i, passageLength);
        }
        if (whole) {
            writer.add(special.endOfText(), Role.TEXT);
        }
        return writer.instance();
    }

    /** The pieces that fit with passages as short as they may be; the last one is cut if it is text alone. */
    private List<Piece> withinRoom(List<Piece> pieces, int room) {
        List<Piece> kept = new ArrayList<>();
        int left = room;
        for (Piece piece : pieces) {
            int length = piece.length(minPassageLength);
            if (length > left) {
                if (piece.passage == null) {
                    kept.add(new Piece(null, Arrays.copyOf(piece.text, left)));
                }
                break;
            }
            kept.add(piece);
            left -= length;
        }
        return kept;
    }

    /** The largest common limit for which passages use no more than the room beyond their minimum. */
    private int passageLength(List<Piece> pieces, int room) {
        int limit = minPassageLength;
        int left = room;
        while (limit < maxPassageLength) {
            int longer = limit;
            int growing = (int) pieces.stream()
                    .filter(piece -> piece.passage != null && piece.passage.length > longer)
                    .count();
            if (growing == 0 || growing > left) {
                break;
            }
            left -= growing;
            limit++;
        }
        return limit;
    }

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Piece(int @Nullable [] passage, int[] text) {
        int length(int passageLimit) {
            return text.length + (passage == null ? 0 : MARKS + Math.min(passageLimit, passage.length));
        }
    }

    private final class Writer {
        private final List<Integer> tokens = new ArrayList<>();
        private final List<Role> roles = new ArrayList<>();
        private final List<Retrieval> retrievals = new ArrayList<>();

        void add(int token, Role role) {
            tokens.add(token);
            roles.add(role);
        }

        void add(int[] ids, Role role) {
            for (int id : ids) {
                add(id, role);
            }
        }

        void add(Piece piece, int segment, int passageLimit) {
            if (piece.passage == null) {
                add(piece.text, Role.TEXT);
                return;
            }
            retrievals.add(new Retrieval(tokens.size(), segment));
            add(special.retrieve(), Role.RETRIEVE);
            add(Arrays.copyOf(piece.passage, Math.min(passageLimit, piece.passage.length)), Role.PASSAGE);
            add(special.contextStart(), Role.CONTEXT_START);
            add(piece.text, Role.TEXT);
            add(special.contextEnd(), Role.TEXT);
        }

        EncodedInstance instance() {
            int[] ids = tokens.stream().mapToInt(Integer::intValue).toArray();
            boolean[] targets = new boolean[ids.length];
            for (int i = 1; i < ids.length; i++) {
                targets[i] = switch (roles.get(i)) {
                    case PROMPT -> false;
                    case PASSAGE, CONTEXT_START -> trainOnPassages;
                    case RETRIEVE, TEXT -> true;
                };
            }
            return new EncodedInstance(ids, roles.toArray(Role[]::new), targets, retrievals);
        }
    }

    /** Sets lengths and masks. */
    public static final class Builder {
        private static final int DEFAULT_MAX_LENGTH = 512;
        private static final int DEFAULT_MAX_PASSAGE = 128;
        private static final int DEFAULT_MIN_PASSAGE = 16;

        private final TextTokenizer tokenizer;
        private final SpecialTokens special;
        private int maxLength = DEFAULT_MAX_LENGTH;
        private int maxPassageLength = DEFAULT_MAX_PASSAGE;
        private int minPassageLength = DEFAULT_MIN_PASSAGE;
        private boolean trainOnPassages = true;

        private Builder(TextTokenizer tokenizer, SpecialTokens special) {
            this.tokenizer = Objects.requireNonNull(tokenizer, "tokenizer");
            this.special = Objects.requireNonNull(special, "special");
        }

        /**
         * Sets the length of an encoded instance.
         *
         * @param maxLength most tokens, special ones included; at least 8; 512 where not called
         * @return this
         * @throws IllegalArgumentException if it is smaller
         */
        public Builder maxLength(int maxLength) {
            this.maxLength = atLeast("maxLength", 8, maxLength);
            return this;
        }

        /**
         * Sets the length of a passage.
         *
         * @param maxPassageLength most tokens of a passage, at least 1; 128 where not called
         * @return this
         * @throws IllegalArgumentException if it is smaller
         */
        public Builder maxPassageLength(int maxPassageLength) {
            this.maxPassageLength = atLeast("maxPassageLength", 1, maxPassageLength);
            return this;
        }

        /**
         * Sets how short a passage may become to make room for the rest.
         *
         * @param minPassageLength fewest tokens of a longer passage, at least 1; 16, or the longest passage's length,
         *     where not called
         * @return this
         * @throws IllegalArgumentException if it is smaller
         */
        public Builder minPassageLength(int minPassageLength) {
            this.minPassageLength = atLeast("minPassageLength", 1, minPassageLength);
            return this;
        }

        /**
         * Sets whether the tokens of retrieved passages are targets.
         *
         * @param trainOnPassages false masks from after {@code [Ret]} to {@code [Cs]}; true, as in the paper, where not
         *     called
         * @return this
         */
        public Builder trainOnPassages(boolean trainOnPassages) {
            this.trainOnPassages = trainOnPassages;
            return this;
        }

        /**
         * Makes the encoder.
         *
         * @return an encoder
         */
        public InstanceEncoder build() {
            return new InstanceEncoder(this);
        }

        private static int atLeast(String name, int least, int found) {
            if (found < least) {
                throw new IllegalArgumentException(name + " must be at least " + least + ", found " + found);
            }
            return found;
        }
    }
}
