/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.Similarity;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class ExactSequenceIndexTest extends SequenceIndexContract {
    @TempDir
    Path folder;

    @Override
    SequenceIndex newIndex(int dimension, Similarity similarity) {
        return new ExactSequenceIndex(dimension, similarity);
    }

    @Override
    void publish(SequenceIndex index) {
        // What is added is there at once
    }

    @Test
    void ofEqualScoresTheFirstComesFirst() {
        double[][] vectors = new double[200][D];
        Random random = new Random(1);
        for (double[] vector : vectors) {
            vector[0] = random.nextInt(4);
        }
        double[][] query = new double[1][D];
        query[0][0] = 1;
        SequenceIndex index = filled(Similarity.DOT, vectors);
        for (int k : new int[] {1, 7, 60, 150, 200}) {
            // The reference sorts in a stable way
            assertHits(
                    expected(Similarity.DOT, vectors, query[0], k, id -> true),
                    index.search(Nd4j.createFromArray(query), k).get(0));
        }
    }

    /** Few queries, and vectors or indexes of one element, take other products than many. */
    @ParameterizedTest
    @CsvSource({
        "1, 1, 1",
        "1, 1, 5",
        "3, 1, 1",
        "3, 1, 2",
        "1, 3, 2",
        "1, 3, 5",
        "9000, 3, 1",
        "9000, 3, 3",
        "8193, 3, 4"
    })
    void fewAreComparedToo(int n, int dimension, int queries) {
        double[][] vectors = random(n, dimension, 30);
        double[][] asked = random(queries, dimension, 31);
        try (ExactSequenceIndex index = new ExactSequenceIndex(dimension)) {
            index.add(ids(n), Nd4j.createFromArray(vectors));
            List<List<Hit>> found = index.search(Nd4j.createFromArray(asked), 3);
            for (int i = 0; i < queries; i++) {
                assertHits(expected(Similarity.DOT, vectors, asked[i], 3, id -> true), found.get(i));
            }
        }
    }

    @Test
    void severalBlocksOfVectorsAndQueriesAreOne() {
        int n = 20_000; // three blocks of vectors
        int queries = 300; // two of queries
        double[][] vectors = random(n, 4, 20);
        double[][] asked = random(queries, 4, 21);
        try (ExactSequenceIndex index = new ExactSequenceIndex(4)) {
            index.add(ids(100), Nd4j.createFromArray(Arrays.copyOf(vectors, 100)));
            index.add(ids(n), Nd4j.createFromArray(vectors)); // of which 100 are replaced
            assertEquals(n, index.size());
            List<List<Hit>> found = index.search(Nd4j.createFromArray(asked), 3);
            assertEquals(queries, found.size());
            for (int i = 0; i < queries; i += 7) {
                assertHits(expected(Similarity.DOT, vectors, asked[i], 3, id -> true), found.get(i));
            }
        }
    }

    @Test
    void badDimensionIsRefused() {
        assertMessage("dimension must be at least 1, found 0", () -> new ExactSequenceIndex(0));
        assertThrows(NullPointerException.class, () -> new ExactSequenceIndex(3, null));
    }

    // ---- persistence -----------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(Similarity.class)
    void loadedIndexFindsTheSame(Similarity similarity) throws IOException {
        double[][] vectors = random(9000, D, 22); // more than one block
        Path file = folder.resolve("passages.index");
        INDArray queries = Nd4j.createFromArray(random(10, D, 23));
        try (ExactSequenceIndex index = new ExactSequenceIndex(D, similarity)) {
            index.add(ids(9000), Nd4j.createFromArray(vectors));
            index.add(List.of("p5", "größer ∞", ""), Nd4j.createFromArray(random(3, D, 24)));
            index.save(file);
            try (ExactSequenceIndex loaded = ExactSequenceIndex.load(file)) {
                assertEquals(similarity, loaded.similarity());
                assertEquals(9002, loaded.size());
                assertEquals(index.search(queries, 50), loaded.search(queries, 50));
                loaded.add(List.of("p0", "new"), Nd4j.createFromArray(random(2, D, 25)));
                assertEquals(9003, loaded.size(), "ids are known again");
                loaded.save(file); // replaces
            }
        }
        try (ExactSequenceIndex loaded = ExactSequenceIndex.load(file)) {
            assertEquals(9003, loaded.size());
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(file), files.toList(), "no draft is left");
        }
    }

    @Test
    void emptyIndexIsSavedToo() throws IOException {
        Path file = folder.resolve("empty.index");
        new ExactSequenceIndex(7, Similarity.COSINE).save(file);
        ExactSequenceIndex loaded = ExactSequenceIndex.load(file);
        assertEquals(7, loaded.dimension());
        assertEquals(0, loaded.size());
    }

    @Test
    void damagedFilesAreRefused() throws Exception {
        Path file = folder.resolve("x.index");
        try (ExactSequenceIndex index = new ExactSequenceIndex(3)) {
            index.add(List.of("a", "b"), Nd4j.createFromArray(random(2, 3, 26)));
            index.save(file);
        }
        byte[] bytes = Files.readAllBytes(file);
        for (int length = 0; length < bytes.length; length++) {
            assertDamaged(file, Arrays.copyOf(bytes, length));
        }
        assertDamaged(file, Arrays.copyOf(bytes, bytes.length + 1));
        for (int bit = 0; bit < 8 * bytes.length; bit++) {
            byte[] flipped = bytes.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            assertDamaged(file, flipped);
        }
        byte[] foreign = "PK and what else other files begin with, for a hundred bytes or so .............."
                .getBytes(StandardCharsets.US_ASCII);
        assertTrue(assertDamaged(file, foreign).contains("is no file of an ExactSequenceIndex"));
        assertThrows(IOException.class, () -> ExactSequenceIndex.load(folder.resolve("missing.index")));
    }

    @Test
    void implausibleButSignedFilesAreRefused() throws Exception {
        Path file = folder.resolve("x.index");
        try (ExactSequenceIndex index = new ExactSequenceIndex(3)) {
            index.add(List.of("a", "b"), Nd4j.createFromArray(random(2, 3, 27)));
            index.save(file);
        }
        byte[] bytes = Files.readAllBytes(file);
        // version, similarity, dimension, count, length of an id, the second id
        assertTrue(assertDamaged(file, signed(bytes, 8, 2)).contains("version 1 of the format, found version 2"));
        byte[] similarity = bytes.clone();
        similarity[12] = 9;
        assertTrue(assertDamaged(file, signed(similarity, 8, 1)).contains("similarity 0 or 1, found 9"));
        assertTrue(assertDamaged(file, signed(bytes, 13, 0)).contains("dimension of at least 1"));
        assertTrue(assertDamaged(file, signed(bytes, 13, Integer.MAX_VALUE)).contains("sequences"));
        assertTrue(assertDamaged(file, signed(bytes, 17, -1)).contains("sequences"));
        assertTrue(assertDamaged(file, signed(bytes, 17, 1)).contains("bytes of vectors"));
        assertTrue(assertDamaged(file, signed(bytes, 21, Integer.MAX_VALUE)).contains("more bytes"));
        byte[] twice = bytes.clone();
        twice[30] = 'a';
        assertTrue(assertDamaged(file, signed(twice, 8, 1)).contains("different ids"));
    }

    /** The file with another number, and a checksum that fits. */
    private static byte[] signed(byte[] bytes, int position, int number) throws Exception {
        byte[] altered = bytes.clone();
        ByteBuffer.wrap(altered).putInt(position, number);
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(Arrays.copyOf(altered, altered.length - 32));
        System.arraycopy(digest, 0, altered, altered.length - 32, 32);
        return altered;
    }

    private static String assertDamaged(Path file, byte[] bytes) throws IOException {
        Files.write(file, bytes);
        String message = assertThrows(IOException.class, () -> ExactSequenceIndex.load(file))
                .getMessage();
        assertTrue(message.contains(file.toString()), message);
        return message;
    }

    @Test
    void failedSaveLeavesTheOldFile() throws IOException {
        Path target = Files.createDirectory(folder.resolve("taken"));
        Files.writeString(target.resolve("occupied"), "x");
        try (ExactSequenceIndex index = new ExactSequenceIndex(3)) {
            index.add(List.of("a"), Nd4j.ones(DataType.FLOAT, 1, 3));
            assertThrows(IOException.class, () -> index.save(target));
            assertThrows(IOException.class, () -> index.save(folder.resolve("no/such/folder")));
        }
        assertArrayEquals(new String[] {"taken"}, folder.toFile().list(), "no draft is left");
    }
}
