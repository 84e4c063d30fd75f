/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.cosup.data.TextTokenizer;
import io.latent4j.it.lm.Words;
import java.util.Arrays;
import java.util.stream.Collectors;

/** A word-level vocabulary as tokenizer; what marks the start of a text is left out. */
record WordTokenizer(Words words) implements TextTokenizer {
    @Override
    public int[] encode(String text) {
        int[] ids = words.encode(text);
        return Arrays.copyOfRange(ids, 1, ids.length);
    }

    @Override
    public String decode(int[] ids) {
        return Arrays.stream(ids).mapToObj(words.tokens()::get).collect(Collectors.joining(" "));
    }

    @Override
    public int vocabularySize() {
        return words.size();
    }
}
