/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizersTest {
    private static final String BYTE_PAIRS = """
            {"version": "1.0", "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
             "padding": null, "normalizer": null,
             "added_tokens": [{"id": 10, "content": "<end>", "single_word": false, "lstrip": false, "rstrip": false,
                               "normalized": false, "special": true}],
             "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
             "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}},
                                {"SpecialToken": {"id": "<end>", "type_id": 0}}], "pair": [],
                                "special_tokens": {"<end>": {"id": "<end>", "ids": [10], "tokens": ["<end>"]}}},
             "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
             "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                       "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                       "vocab": {"h": 0, "e": 1, "l": 2, "o": 3, "\u0120": 4, "he": 5, "ll": 6, "hell": 7, "hello": 8, "w": 9},
                       "merges": ["h e", "l l", "he ll", "hell o"]}}
            """;

    @TempDir
    private Path folder;

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("vocabulary"), text);
    }

    @Test
    void wordPieces() throws Exception {
        WordPieceTokenizer tokenizer =
                WordPieceTokenizer.read(file("[PAD]\n[UNK]\nun\n##aff\n##able\n,\ncafe\nz\n"), true);
        assertEquals(8, tokenizer.vocabularySize());
        assertArrayEquals(new int[] {2, 3, 4, 5, 6}, tokenizer.encode("  Unaffable, Café "));
        assertEquals("unaffable , cafe", tokenizer.decode(new int[] {2, 3, 4, 5, 6}));
        assertArrayEquals(new int[0], tokenizer.encode(" "));
        assertArrayEquals(new int[] {2, 1, 5}, tokenizer.encode("un zz ,"), "no piece for the second z");
        String message = assertThrows(IllegalArgumentException.class, () -> tokenizer.decode(new int[] {8}))
                .getMessage();
        assertTrue(message.contains("from 0 to 7") && message.contains("found 8"), message);
    }

    @Test
    void wordPieceFilesAreChecked() throws Exception {
        Path twice = file("[UNK]\na\na\n");
        String message = assertThrows(IOException.class, () -> WordPieceTokenizer.read(twice, true))
                .getMessage();
        assertTrue(message.contains("line 2") && message.contains("\"a\""), message);
        Path without = file("a\nb\n");
        message = assertThrows(IOException.class, () -> WordPieceTokenizer.read(without, true))
                .getMessage();
        assertTrue(message.contains("[UNK]"), message);
        assertThrows(NoSuchFileException.class, () -> WordPieceTokenizer.read(folder.resolve("none"), true));
    }

    /** The file's template and truncation to 3 tokens don't count. */
    @Test
    void bytePairs() throws Exception {
        try (BytePairTokenizer tokenizer = BytePairTokenizer.read(file(BYTE_PAIRS))) {
            assertEquals(11, tokenizer.vocabularySize());
            assertArrayEquals(new int[] {8, 4, 8, 4, 9, 3}, tokenizer.encode("hello hello wo"));
            assertEquals("hello hello wo", tokenizer.decode(new int[] {8, 4, 8, 4, 9, 3}));
            assertArrayEquals(new int[0], tokenizer.encode(""));
            assertThrows(IllegalArgumentException.class, () -> tokenizer.decode(new int[] {11}));
        }
    }

    @Test
    void bytePairFilesAreChecked() throws Exception {
        for (String bad : new String[] {"{", "{}", "{\"model\": {\"vocab\": {\"a\": 0}}}"}) {
            Path file = file(bad);
            String message = assertThrows(IOException.class, () -> BytePairTokenizer.read(file))
                    .getMessage();
            assertTrue(message.startsWith(file + ": expected"), message);
        }
    }

    @Test
    void wordPieceFilesMustBeUtf8() throws Exception {
        Path latin1 = Files.write(folder.resolve("vocabulary"), new byte[] {'a', (byte) 0xe9, '\n'});
        String message = assertThrows(IOException.class, () -> WordPieceTokenizer.read(latin1, true))
                .getMessage();
        assertTrue(message.contains(latin1 + ": expected UTF-8 text"), message);
    }

    @Test
    void deepNestingIsRefusedBeforeItEndsTheProcess() throws Exception {
        Path deep = file(
                BYTE_PAIRS.replace("\"padding\": null", "\"padding\": " + "[".repeat(20_000) + "]".repeat(20_000)));
        String message = assertThrows(IOException.class, () -> BytePairTokenizer.read(deep))
                .getMessage();
        assertTrue(message.contains("100 levels of nesting"), message);
    }
}
