/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LlamaTokenizerTest {
    /** In the order of their scores: the first joins first. */
    private static final String[] PIECES = {"ab", " a", "abc", " ", "a", "b", "c", "\u00e9"};

    private static final int AB = 259;
    private static final int SPACE_A = 260;
    private static final int ABC = 261;
    private static final int SPACE = 262;
    private static final int A = 263;
    private static final int B = 264;
    private static final int C = 265;

    @TempDir
    private Path folder;

    private byte[] content = {};

    @BeforeEach
    void write() {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 14).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(6);
        for (int id = 0; id < 259; id++) {
            put(bytes, 0, id < 3 ? "<" + id + ">" : String.format("<0x%02X>", id - 3));
        }
        for (int i = 0; i < PIECES.length; i++) {
            put(bytes, -i, PIECES[i]);
        }
        content = Arrays.copyOf(bytes.array(), bytes.position());
    }

    @Test
    void joinsTheHighestScoreFirst() throws Exception {
        LlamaTokenizer tokenizer = tokenizer();
        // " abc": "ab" before " a", then "abc"
        assertArrayEquals(new int[] {1, SPACE, ABC}, tokenizer.encode("abc"));
        assertArrayEquals(new int[] {1, SPACE_A, A, C}, tokenizer.encode("aac"));
        assertArrayEquals(new int[] {1, SPACE, AB, AB, B}, tokenizer.encode("ababb"));
        assertArrayEquals(new int[] {1}, tokenizer.encode(""));
        assertEquals(PIECES.length + 259, tokenizer.size());
    }

    @Test
    void takesBytesOfUnknownCharacters() throws Exception {
        LlamaTokenizer tokenizer = tokenizer();
        assertArrayEquals(new int[] {1, SPACE, 266, 0xe2 + 3, 0x82 + 3, 0xac + 3}, tokenizer.encode("\u00e9\u20ac"));
        assertEquals("\u00e9\u20acab", tokenizer.decode(tokenizer.encode("\u00e9\u20acab")));
        assertEquals("a", tokenizer.decode(1, SPACE_A, 2));
    }

    @Test
    void refusesTokensOutOfRange() throws Exception {
        LlamaTokenizer tokenizer = tokenizer();
        Exception problem = assertThrows(IllegalArgumentException.class, () -> tokenizer.decode(267));
        assertEquals("token: expected 0..266, found 267", problem.getMessage());
        assertThrows(IllegalArgumentException.class, () -> LlamaTokenizer.read(folder, 100));
    }

    @Test
    void refusesOtherFiles() throws Exception {
        assertRefused(new byte[] {1}, "expected a header of 4 bytes, found 1 bytes");
        assertRefused(Arrays.copyOf(content, content.length - 1), "token 266: 1..1 bytes, found 2");
        assertRefused(Arrays.copyOf(content, content.length + 3), "no bytes after 267 tokens, found 3 bytes");
        byte[] longPiece = content.clone();
        longPiece[8] = 7;
        assertRefused(longPiece, "token 0: 1..6 bytes, found 7");
        byte[] negative = content.clone();
        negative[3] = -1;
        assertRefused(negative, "expected a longest piece in 1..65536 bytes");
    }

    private LlamaTokenizer tokenizer() throws IOException {
        return LlamaTokenizer.read(Files.write(folder.resolve("tok.bin"), content), PIECES.length + 259);
    }

    private void assertRefused(byte[] bytes, String expected) throws IOException {
        Path file = Files.write(folder.resolve("other.bin"), bytes);
        Exception problem = assertThrows(IOException.class, () -> LlamaTokenizer.read(file, PIECES.length + 259));
        assertTrue(problem.getMessage().contains(expected), problem.getMessage());
    }

    private static void put(ByteBuffer bytes, float score, String piece) {
        byte[] text = piece.getBytes(StandardCharsets.UTF_8);
        bytes.putFloat(score).putInt(text.length).put(text);
    }
}
