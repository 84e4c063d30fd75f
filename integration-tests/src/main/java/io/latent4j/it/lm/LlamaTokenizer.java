/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import io.latent4j.cosup.data.TextTokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Byte-pair encoding with the vocabulary of a llama2.c tokenizer file: an int32 (longest piece in bytes), then for each
 * token its score (float32), length (int32) and bytes, little-endian. Ids: 0 unknown, 1 start of text, 2 end of text,
 * 3 to 258 single bytes, then pieces of text.
 *
 * <p>Encoding puts a space before the text, takes single characters (bytes where a character has no token), and joins the
 * neighbours whose joint piece has the highest score, the leftmost first, as long as there are any.
 */
public final class LlamaTokenizer {
    /** Token at the start of every text. */
    public static final int START = 1;
    /** Token at the end of a text. */
    public static final int END = 2;

    private static final int FIRST_BYTE = 3;
    private static final int FIRST_PIECE = FIRST_BYTE + 256;
    private static final int MAX_PIECE = 1 << 16;

    private final List<byte[]> pieces = new ArrayList<>();
    private final float[] scores;
    private final Map<ByteBuffer, Integer> ids = new HashMap<>();
    private final Map<Long, Integer> joints = new HashMap<>();

    private LlamaTokenizer(int vocabulary) {
        scores = new float[vocabulary];
    }

    /**
     * Reads a tokenizer.
     *
     * @param file the file
     * @param vocabulary how many tokens the model has
     * @return the tokenizer
     * @throws IOException if the file can't be read, is shorter or longer than its tokens, or has pieces of impossible
     *     length
     */
    public static LlamaTokenizer read(Path file, int vocabulary) throws IOException {
        if (vocabulary < FIRST_PIECE) {
            throw new IllegalArgumentException("vocabulary: expected at least " + FIRST_PIECE
                    + " (special tokens and bytes), found " + vocabulary);
        }
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        require(file, bytes.remaining() >= Integer.BYTES, "a header of 4 bytes", bytes.remaining() + " bytes");
        int longest = bytes.getInt();
        require(file, longest > 0 && longest <= MAX_PIECE, "a longest piece in 1.." + MAX_PIECE + " bytes", longest);
        LlamaTokenizer tokenizer = new LlamaTokenizer(vocabulary);
        for (int id = 0; id < vocabulary; id++) {
            String token = "token " + id + ": ";
            require(file, bytes.remaining() >= 2 * Integer.BYTES, token + "8 bytes", bytes.remaining());
            float score = bytes.getFloat();
            require(file, Float.isFinite(score), token + "a finite score", score);
            int length = bytes.getInt();
            require(
                    file,
                    length > 0 && length <= longest && length <= bytes.remaining(),
                    token + "1.." + Math.min(longest, bytes.remaining()) + " bytes",
                    length);
            byte[] piece = new byte[length];
            bytes.get(piece);
            tokenizer.pieces.add(piece);
            tokenizer.scores[id] = score;
            if (id >= FIRST_PIECE) {
                tokenizer.ids.putIfAbsent(ByteBuffer.wrap(piece), id);
            }
        }
        require(file, !bytes.hasRemaining(), "no bytes after " + vocabulary + " tokens", bytes.remaining() + " bytes");
        tokenizer.findJoints();
        return tokenizer;
    }

    /** Number of tokens. */
    public int size() {
        return pieces.size();
    }

    /**
     * The tokens of a text, {@link #START} first.
     *
     * @param text any text; an empty one is the start token alone
     * @return ids
     */
    public int[] encode(String text) {
        if (text.isEmpty()) {
            return new int[] {START};
        }
        List<Integer> characters = new ArrayList<>(List.of(START));
        (" " + text).codePoints().forEach(point -> addCharacter(Character.toString(point), characters));
        return join(characters.stream().mapToInt(Integer::intValue).toArray());
    }

    /**
     * The text of tokens, without special tokens and without the space that encoding puts first.
     *
     * @param tokens ids
     * @return the text; bytes that aren't UTF-8 become U+FFFD
     */
    public String decode(int... tokens) {
        ByteBuffer bytes = ByteBuffer.allocate(
                Arrays.stream(tokens).map(id -> bytesOf(id).length).sum());
        for (int id : tokens) {
            bytes.put(bytesOf(id));
        }
        String text = StandardCharsets.UTF_8.decode(bytes.flip()).toString();
        return text.startsWith(" ") ? text.substring(1) : text;
    }

    /** The same tokens without {@link #START}, for texts that are pieces of longer ones. */
    public TextTokenizer withoutStart() {
        return new TextTokenizer() {
            @Override
            public int[] encode(String text) {
                int[] tokens = LlamaTokenizer.this.encode(text.strip());
                return Arrays.copyOfRange(tokens, 1, tokens.length);
            }

            @Override
            public String decode(int[] ids) {
                return LlamaTokenizer.this.decode(ids);
            }

            @Override
            public int vocabularySize() {
                return size();
            }
        };
    }

    private byte[] bytesOf(int id) {
        if (id < 0 || id >= size()) {
            throw new IllegalArgumentException("token: expected 0.." + (size() - 1) + ", found " + id);
        }
        if (id >= FIRST_PIECE) {
            return pieces.get(id);
        }
        return id >= FIRST_BYTE ? new byte[] {(byte) (id - FIRST_BYTE)} : new byte[0];
    }

    private void addCharacter(String character, List<Integer> tokens) {
        byte[] bytes = character.getBytes(StandardCharsets.UTF_8);
        Integer id = ids.get(ByteBuffer.wrap(bytes));
        if (id != null) {
            tokens.add(id);
        } else {
            for (byte b : bytes) {
                tokens.add(FIRST_BYTE + Byte.toUnsignedInt(b));
            }
        }
    }

    private int[] join(int[] tokens) {
        int count = tokens.length;
        int[] joined = new int[count]; // what token i and the next one make, or -1
        for (int i = 0; i < count; i++) {
            joined[i] = joint(tokens, i, count);
        }
        for (int best = best(joined, count); best >= 0; best = best(joined, count)) {
            tokens[best] = joined[best];
            System.arraycopy(tokens, best + 2, tokens, best + 1, count - best - 2);
            System.arraycopy(joined, best + 2, joined, best + 1, count - best - 2);
            count--;
            joined[best] = joint(tokens, best, count);
            if (best > 0) {
                joined[best - 1] = joint(tokens, best - 1, count);
            }
        }
        return Arrays.copyOf(tokens, count);
    }

    private int best(int[] joined, int count) {
        int best = -1;
        for (int i = 0; i < count; i++) {
            if (joined[i] >= 0 && (best < 0 || scores[joined[i]] > scores[joined[best]])) {
                best = i;
            }
        }
        return best;
    }

    private int joint(int[] tokens, int i, int count) {
        return i + 1 < count ? joints.getOrDefault(pair(tokens[i], tokens[i + 1]), -1) : -1;
    }

    /** All ways to make a piece of two others; single bytes take no part. */
    private void findJoints() {
        ids.forEach((piece, id) -> {
            for (int cut = 1; cut < piece.capacity(); cut++) {
                Integer left = ids.get(piece.slice(0, cut));
                Integer right = ids.get(piece.slice(cut, piece.capacity() - cut));
                if (left != null && right != null) {
                    joints.put(pair(left, right), id);
                }
            }
        });
    }

    private static long pair(int left, int right) {
        return (long) left << Integer.SIZE | right;
    }

    private static void require(Path file, boolean holds, String expected, Object found) throws IOException {
        if (!holds) {
            throw new IOException(file + ": expected " + expected + ", found " + found);
        }
    }
}
