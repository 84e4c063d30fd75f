/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.generation;

import io.latent4j.cosup.data.TextTokenizer;
import java.util.Arrays;
import java.util.stream.Collectors;

/** The letters a to f, parted by blanks. */
final class LetterTokenizer implements TextTokenizer {
    @Override
    public int[] encode(String text) {
        return text.chars().filter(c -> c != ' ').map(c -> c - 'a').toArray();
    }

    @Override
    public String decode(int[] ids) {
        return Arrays.stream(ids)
                .mapToObj(id -> String.valueOf((char) ('a' + id)))
                .collect(Collectors.joining(" "));
    }

    @Override
    public int vocabularySize() {
        return 6;
    }
}
