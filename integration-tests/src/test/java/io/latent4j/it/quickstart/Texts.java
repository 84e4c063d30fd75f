/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/**
 * A small artificial task that can be learned: each label has words of its own, among many that say nothing. Without
 * those, the hidden states soon lie in as few directions as there are labels, and no λ can lower their isotropy.
 */
final class Texts {
    private static final String[][] WORDS = {
        {"river", "fish", "boat", "wave", "swim"},
        {"engine", "wheel", "brake", "road", "drive"},
        {"bread", "cheese", "apple", "soup", "cook"}
    };
    private static final String[] LABELS = {"water", "car", "food"};

    private Texts() {}

    static Path write(Path file, int perLabel) throws IOException {
        Random random = new Random(5);
        StringBuilder rows = new StringBuilder("label\ttext\n");
        for (int i = 0; i < perLabel; i++) {
            for (int label = 0; label < LABELS.length; label++) {
                rows.append(LABELS[label]).append("\tthe");
                for (int word = 0; word < 8 + random.nextInt(5); word++) {
                    String telling = WORDS[label][random.nextInt(WORDS[label].length)];
                    rows.append(' ').append(word % 4 == 0 ? telling : "filler" + (char) ('a' + random.nextInt(26)));
                }
                rows.append(" number ").append(i).append('\n');
            }
        }
        return Files.writeString(file, rows);
    }
}
