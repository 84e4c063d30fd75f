/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** A small artificial task that can be learned: each label has words of its own. */
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
                for (int word = 0; word < 3 + random.nextInt(5); word++) {
                    rows.append(' ').append(WORDS[label][random.nextInt(WORDS[label].length)]);
                }
                rows.append(" number ").append(i).append('\n');
            }
        }
        return Files.writeString(file, rows);
    }
}
