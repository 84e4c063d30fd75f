/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;

/**
 * An {@link Instance} as token ids, with what each token is. Made by {@link InstanceEncoder}; immutable.
 *
 * @serial exclude
 */
public final class EncodedInstance implements Serializable {
    private static final long serialVersionUID = 1L;

    /** What a token is. */
    public enum Role {
        /** Part of the prompt: given, not predicted. */
        PROMPT,
        /** {@code [Ret]}. */
        RETRIEVE,
        /** Part of a passage. */
        PASSAGE,
        /** {@code [Cs]}. */
        CONTEXT_START,
        /** Text that the model writes, {@code [Ce]} and {@code </s>} included. */
        TEXT
    }

    /**
     * One {@code [Ret]}.
     *
     * @param position index of the token {@code [Ret]}
     * @param segment index of the segment in {@link Instance#segments()}
     * @serial exclude
     */
    public record Retrieval(int position, int segment) implements Serializable {}

    private final int[] tokens;
    private final Role[] roles;
    private final boolean[] targets;
    private final List<Retrieval> retrievals;

    EncodedInstance(int[] tokens, Role[] roles, boolean[] targets, List<Retrieval> retrievals) {
        this.tokens = tokens;
        this.roles = roles;
        this.targets = targets;
        this.retrievals = List.copyOf(retrievals);
    }

    /**
     * The number of tokens.
     *
     * @return L, at most the encoder's maximum length
     */
    public int length() {
        return tokens.length;
    }

    /**
     * All tokens.
     *
     * @return a copy of the ids
     */
    public int[] tokens() {
        return tokens.clone();
    }

    /**
     * One token.
     *
     * @param index in [0, L)
     * @return its id
     * @throws IndexOutOfBoundsException if there is no such token
     */
    public int token(int index) {
        return tokens[Objects.checkIndex(index, tokens.length)];
    }

    /**
     * What a token is.
     *
     * @param index in [0, L)
     * @return its role
     * @throws IndexOutOfBoundsException if there is no such token
     */
    public Role role(int index) {
        return roles[Objects.checkIndex(index, tokens.length)];
    }

    /**
     * Whether a token is to be predicted from those before it. Never the first token, never one of the prompt.
     *
     * @param index in [0, L)
     * @return true for a target
     * @throws IndexOutOfBoundsException if there is no such token
     */
    public boolean isTarget(int index) {
        return targets[Objects.checkIndex(index, tokens.length)];
    }

    /**
     * Whether anything is to be predicted.
     *
     * @return true if there is at least one target
     */
    public boolean hasTargets() {
        for (boolean target : targets) {
            if (target) {
                return true;
            }
        }
        return false;
    }

    /**
     * All {@code [Ret]} tokens; each has its passage behind it.
     *
     * @return in order of their positions
     */
    public List<Retrieval> retrievals() {
        return retrievals;
    }
}
