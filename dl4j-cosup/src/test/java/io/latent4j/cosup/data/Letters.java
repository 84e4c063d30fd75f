/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A tokenizer of 26 tokens, the letters; everything else has none. */
final class Letters implements TextTokenizer {
    static final SpecialTokens SPECIAL = SpecialTokens.after(26);

    @Override
    public int[] encode(String text) {
        return text.chars().filter(c -> c >= 'a' && c <= 'z').map(c -> c - 'a').toArray();
    }

    @Override
    public String decode(int[] ids) {
        return Arrays.stream(ids).mapToObj(id -> Character.toString(id + 'a')).collect(Collectors.joining());
    }

    @Override
    public int vocabularySize() {
        return 26;
    }

    /** Tokens to read: letters, R [ ] for the marks, . for the end, _ for padding. */
    static String show(int... tokens) {
        return Arrays.stream(tokens)
                .mapToObj(id -> Character.toString("abcdefghijklmnopqrstuvwxyzR[]._".charAt(id)))
                .collect(Collectors.joining());
    }

    static Map<String, Passage> passages(Passage... passages) {
        Map<String, Passage> byId = new LinkedHashMap<>();
        List.of(passages).forEach(passage -> byId.put(passage.id(), passage));
        return byId;
    }

    static InstanceEncoder.Builder encoder() {
        return InstanceEncoder.builder(new Letters(), SPECIAL);
    }
}
