/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WordsTest {
    private static final Words WORDS = Words.of(List.of("b a, b 12", "A b 7 c"), 7);

    @TempDir
    private Path folder;

    @Test
    void frequentWordsComeFirst() {
        assertEquals(List.of("<pad>", "<unk>", "<s>", "b", "0", "a", ","), WORDS.tokens());
        assertArrayEquals(new int[] {2, 5, 1, 6, 4, 1}, WORDS.encode("A z, 1999!"));
        assertArrayEquals(new int[] {2}, WORDS.encode(" "));
    }

    @Test
    void survivesAFile() throws Exception {
        Path file = folder.resolve("words.txt");
        WORDS.write(file);
        assertEquals(WORDS.tokens(), Words.read(file).tokens());
    }

    @Test
    void refusesOtherFiles() throws Exception {
        Path file = Files.write(folder.resolve("words.txt"), List.of("<pad>", "<unk>", "a"));
        assertTrue(assertThrows(IOException.class, () -> Words.read(file))
                .getMessage()
                .contains("expected [<pad>, <unk>, <s>] in the first lines"));
        Files.write(file, List.of("<pad>", "<unk>", "<s>", "a", "a"));
        assertTrue(assertThrows(IOException.class, () -> Words.read(file))
                .getMessage()
                .contains("expected 5 different tokens, found 4"));
        assertThrows(IllegalArgumentException.class, () -> Words.of(List.of("a"), 3));
    }
}
