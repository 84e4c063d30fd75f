/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.generation;

/** What all language models ask of tokens. */
final class TokenChecks {
    private TokenChecks() {}

    /**
     * @param read number of tokens read before
     * @throws IllegalArgumentException if there is no token, an id is not of the model's, or the text becomes too long
     */
    static void requireTokens(int[] tokens, int read, CausalLanguageModel model) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("tokens must be at least one, found none");
        }
        requireIds("tokens", tokens, model);
        if (tokens.length > model.maxLength() - read) {
            throw new IllegalArgumentException("tokens must be at most " + (model.maxLength() - read) + " after " + read
                    + " read, as the model takes " + model.maxLength() + ", found " + tokens.length);
        }
    }

    /** @throws IllegalArgumentException if an id is not of the model's */
    static void requireIds(String what, int[] tokens, CausalLanguageModel model) {
        for (int token : tokens) {
            if (token < 0 || token >= model.vocabularySize()) {
                throw new IllegalArgumentException(
                        what + " must be ids in [0, " + model.vocabularySize() + "), found " + token);
            }
        }
    }
}
