/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

/**
 * Turns text into token ids and back; special tokens are none of its business, see {@link SpecialTokens}.
 *
 * <p>Implementations are safe for use by several threads at a time.
 */
public interface TextTokenizer {
    /**
     * The tokens of a text.
     *
     * @param text any text
     * @return ids in [0, {@link #vocabularySize()}), without tokens for start, end or padding; empty for a blank text
     */
    int[] encode(String text);

    /**
     * The text of tokens. Case, accents and white space may differ from the text that was encoded.
     *
     * @param ids ids in [0, {@link #vocabularySize()})
     * @return the text
     * @throws IllegalArgumentException if an id is outside of the vocabulary
     */
    String decode(int[] ids);

    /**
     * The number of token ids.
     *
     * @return largest id + 1
     */
    int vocabularySize();
}
