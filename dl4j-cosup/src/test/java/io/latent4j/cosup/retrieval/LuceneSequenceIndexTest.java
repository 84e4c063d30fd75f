/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.Similarity;
import io.latent4j.cosup.retrieval.LuceneSequenceIndex.Builder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class LuceneSequenceIndexTest extends SequenceIndexContract {
    @TempDir
    Path root;

    private int folders;

    @Override
    SequenceIndex newIndex(int dimension, Similarity similarity) {
        return opened(root.resolve("index" + folders++), dimension, similarity);
    }

    private static LuceneSequenceIndex opened(Path folder, int dimension, Similarity similarity) {
        try {
            return LuceneSequenceIndex.open(
                    folder, new Builder().dimension(dimension).similarity(similarity));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    void publish(SequenceIndex index) {
        try {
            ((LuceneSequenceIndex) index).commit();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static INDArray rows(double[][] vectors) {
        return Nd4j.createFromArray(vectors);
    }

    // ---- joining ---------------------------------------------------------------------------------------------------

    @Test
    void joinsWhatAnotherIndexHolds() throws IOException {
        double[][] vectors = random(60, D, 1);
        INDArray query = rows(random(1, D, 2));
        Path other = root.resolve("other");
        try (LuceneSequenceIndex index = opened(other, D, Similarity.DOT)) {
            index.add(ids(60).subList(20, 60), rows(Arrays.copyOfRange(vectors, 20, 60)));
            index.commit();
            index.add(ids(60).subList(20, 25), rows(Arrays.copyOfRange(vectors, 20, 25))); // leaves deleted ones
            index.commit();
        }
        try (LuceneSequenceIndex index = opened(root.resolve("joined"), D, Similarity.DOT)) {
            index.add(ids(60).subList(0, 40), rows(random(40, D, 3))); // 20 to 39 are replaced
            index.commit();
            index.add(ids(60).subList(0, 20), rows(Arrays.copyOf(vectors, 20)));
            index.addAll(other);
            assertEquals(40, index.size());
            index.commit();
            assertEquals(60, index.size());
            assertHits(
                    expected(Similarity.DOT, vectors, query.toDoubleMatrix()[0], 60, id -> true),
                    index.search(query, 60).get(0));
            index.addAll(other); // the same again
            index.commit();
            assertEquals(60, index.size());
        }
        try (LuceneSequenceIndex index = opened(root.resolve("cosine"), D, Similarity.COSINE)) {
            assertThrows(IllegalArgumentException.class, () -> index.addAll(other));
            assertThrows(IllegalArgumentException.class, () -> index.addAll(root.resolve("cosine")));
            assertThrows(IOException.class, () -> index.addAll(root.resolve("nowhere")));
        }
        try (LuceneSequenceIndex index = LuceneSequenceIndex.open(other)) {
            assertEquals(40, index.size(), "left as it was");
        }
    }

    // ---- commits ---------------------------------------------------------------------------------------------------

    @Test
    void onlyWhatWasCommittedIsThere() throws IOException {
        Path folder = root.resolve("commits");
        double[][] vectors = random(30, D, 1);
        INDArray query = rows(random(1, D, 2));
        List<Hit> expected;
        try (LuceneSequenceIndex index = opened(folder, D, Similarity.DOT)) {
            index.add(ids(30).subList(0, 20), rows(Arrays.copyOf(vectors, 20)));
            assertEquals(0, index.size());
            assertContains(
                    "found none but 20 that are not committed",
                    assertThrows(IllegalStateException.class, () -> index.search(query, 1)));
            index.commit();
            assertEquals(20, index.size());
            expected = index.search(query, 5).get(0);
            index.add(ids(30), rows(vectors)); // replaces and adds
            assertEquals(20, index.size());
            assertEquals(expected, index.search(query, 5).get(0));
        } // and is closed
        try (LuceneSequenceIndex index = LuceneSequenceIndex.open(folder)) {
            assertEquals(20, index.size());
            assertEquals(D, index.dimension());
            assertEquals(expected, index.search(query, 5).get(0));
            index.add(ids(30), rows(vectors));
            index.commit();
            assertEquals(30, index.size());
            index.commit(); // nothing new
        }
        try (LuceneSequenceIndex index = LuceneSequenceIndex.open(folder, new Builder().dimension(D))) {
            assertEquals(30, index.size());
            assertHits(
                    expected(Similarity.DOT, vectors, query.toDoubleMatrix()[0], 9, id -> true),
                    index.search(query, 9).get(0));
        }
    }

    @Test
    void readersSeeWhatAnotherHasCommittedOnceTheyRefresh() throws IOException {
        Path folder = root.resolve("shared");
        double[][] vectors = random(30, D, 3);
        try (LuceneSequenceIndex writer = opened(folder, D, Similarity.COSINE)) {
            writer.add(ids(10), rows(Arrays.copyOf(vectors, 10)));
            writer.commit();
            try (LuceneSequenceIndex reader = LuceneSequenceIndex.open(folder, new Builder().readOnly(true))) {
                assertEquals(Similarity.COSINE, reader.similarity());
                writer.add(ids(30), rows(vectors));
                writer.commit();
                assertEquals(10, reader.size());
                assertEquals(10, reader.search(rows(vectors), 20).get(0).size());
                reader.refresh();
                assertEquals(30, reader.size());
                assertEquals("p7", reader.search(rows(vectors), 1).get(7).get(0).id());
                for (Executable call : List.<Executable>of(reader::commit, () -> reader.add(ids(30), rows(vectors)))) {
                    assertContains(
                            "must be open for writing, found it read-only",
                            assertThrows(IllegalStateException.class, call));
                }
            }
        }
    }

    @Test
    void secondWriterIsRefusedAndTheFirstGoesOn() throws IOException {
        Path folder = root.resolve("locked");
        try (LuceneSequenceIndex first = opened(folder, D, Similarity.DOT)) {
            assertRefused("is being written by another index", folder, new Builder());
            first.add(ids(3), rows(random(3, D, 4)));
            first.commit();
            assertEquals(3, first.size());
        }
        LuceneSequenceIndex.open(folder).close();
    }

    @Test
    void manyCommitsAndMergesLoseNothing() throws IOException {
        Path folder = root.resolve("merged");
        double[][] vectors = random(480, D, 5);
        double[][] queries = random(4, D, 6);
        try (LuceneSequenceIndex index = opened(folder, D, Similarity.DOT)) {
            for (int from = 0; from < 480; from += 30) {
                index.add(ids(480).subList(from, from + 30), rows(Arrays.copyOfRange(vectors, from, from + 30)));
                index.commit();
            }
            assertEquals(480, index.size());
            Predicate<String> third = id -> id.endsWith("3");
            for (int i = 0; i < queries.length; i++) {
                assertHits(
                        expected(Similarity.DOT, vectors, queries[i], 10, id -> true),
                        index.search(rows(queries), 10).get(i));
                assertHits(
                        expected(Similarity.DOT, vectors, queries[i], 10, third),
                        index.search(rows(queries), 10, row -> third).get(i));
            }
        }
    }

    // ---- options ---------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(ints = {1, 1024, 1025, 4096})
    void anyDimensionIsPossible(int dimension) throws IOException {
        Path folder = root.resolve("wide");
        double[][] vectors = random(20, dimension, 7);
        try (LuceneSequenceIndex index = opened(folder, dimension, Similarity.COSINE)) {
            index.add(ids(20), rows(vectors));
            index.commit();
        }
        try (LuceneSequenceIndex index = LuceneSequenceIndex.open(folder)) {
            assertEquals(dimension, index.dimension());
            assertEquals(1, index.search(rows(vectors), 1).get(4).get(0).score(), 1e-5);
            assertEquals(20, index.search(rows(vectors), 20).get(4).size());
        }
    }

    @Test
    void storedDimensionAndSimilarityHold() throws IOException {
        Path folder = root.resolve("stored");
        opened(folder, D, Similarity.COSINE).close();
        assertMessage("dimension must be 12 as in the index", () -> opened(folder, 13, Similarity.COSINE));
        assertMessage("similarity must be COSINE as in the index", () -> opened(folder, D, Similarity.DOT));
        assertMessage(
                "dimension must be given for the new index",
                () -> LuceneSequenceIndex.open(root.resolve("new"), new Builder()));
        opened(folder, D, Similarity.COSINE).close();
    }

    @Test
    void badOptionsAreRefused() {
        assertMessage("dimension must be at least 1, found 0", () -> new Builder().dimension(0));
        for (int bad : new int[] {0, -1}) {
            assertMessage("maxConnections must be at least 1", () -> new Builder().maxConnections(bad));
            assertMessage("beamWidth must be at least 1", () -> new Builder().beamWidth(bad));
            assertMessage("candidates must be at least 1", () -> new Builder().candidates(bad));
            assertMessage("threads must be at least 1", () -> new Builder().threads(bad));
            assertMessage("memoryMegabytes must be at least 1", () -> new Builder().memoryMegabytes(bad));
        }
        assertMessage("maxConnections must be at least 1 and at most 512, found 513", () -> new Builder()
                .maxConnections(513));
        assertMessage("at most 3200, found 3201", () -> new Builder().beamWidth(3201));
        assertMessage("at most 2047, found 2048", () -> new Builder().memoryMegabytes(2048));
    }

    @Test
    void tooLongIdsAreRefused() throws IOException {
        try (LuceneSequenceIndex index = opened(root.resolve("long"), D, Similarity.DOT)) {
            INDArray two = rows(random(2, D, 8));
            String longest = "ä".repeat(32766 / 2);
            assertMessage(
                    "ids must have at most 32766 bytes in UTF-8, found 32767 at 1",
                    () -> index.add(List.of("a", longest + "a"), two));
            index.add(List.of("a", longest), two);
            index.commit();
            assertEquals(
                    Set.of("a", longest),
                    new HashSet<>(foundIds(index.search(two, 2).get(0))));
        }
    }

    @Test
    void filterIsAskedOnceForEachSequence() throws IOException {
        try (LuceneSequenceIndex index = opened(root.resolve("asked"), D, Similarity.DOT)) {
            index.add(ids(40), rows(random(40, D, 9)));
            index.commit();
            List<String> asked = new ArrayList<>();
            Predicate<String> filter = id -> asked.add(id);
            index.search(rows(random(6, D, 10)), 3, row -> filter);
            assertEquals(40, asked.size());
            assertEquals(new HashSet<>(ids(40)), new HashSet<>(asked));
        }
    }

    // ---- folders that hold no index, or a damaged one --------------------------------------------------------------

    private static void assertRefused(String expected, Path folder, Builder options) throws IOException {
        Map<Path, ByteBuffer> before = contents(folder);
        IOException refused = assertThrows(IOException.class, () -> LuceneSequenceIndex.open(folder, options)
                .close());
        assertContains(expected, refused);
        assertContains(folder.toString(), refused);
        assertEquals(before, contents(folder), "nothing is changed");
    }

    private static Map<Path, ByteBuffer> contents(Path folder) throws IOException {
        Map<Path, ByteBuffer> contents = new HashMap<>();
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    // The lock is there as long as someone holds it
                    if (Files.isRegularFile(file) && !file.endsWith(IndexWriter.WRITE_LOCK_NAME)) {
                        contents.put(file, ByteBuffer.wrap(Files.readAllBytes(file)));
                    }
                }
            }
        }
        return contents;
    }

    @Test
    void foldersWithoutAnIndexAreRefused() throws IOException {
        Path missing = root.resolve("missing");
        assertContains(
                "must be the folder of an index, found none",
                assertThrows(IOException.class, () -> LuceneSequenceIndex.open(missing)));
        assertRefused("found none", missing, new Builder().readOnly(true));
        assertFalse(Files.exists(missing));

        Path letters = Files.createDirectory(root.resolve("letters"));
        assertRefused("must hold an index to be read", letters, new Builder().readOnly(true));
        Files.writeString(letters.resolve("letter.txt"), "Dear reader");
        assertRefused("found no index but letter.txt", letters, new Builder().dimension(D));

        Path file = Files.writeString(root.resolve("file"), "x");
        assertThrows(IOException.class, () -> LuceneSequenceIndex.open(file, new Builder().dimension(D)));
    }

    @Test
    void indexOfOtherSoftwareIsRefused() throws IOException {
        Path folder = root.resolve("foreign");
        try (Directory directory = FSDirectory.open(folder);
                IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
            writer.addDocument(new Document());
        }
        assertRefused("found a Lucene index of other software", folder, new Builder().dimension(D));
        try (Directory directory = FSDirectory.open(folder);
                IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
            writer.setLiveCommitData(Map.of("io.latent4j.cosup.index", "2").entrySet());
        }
        assertRefused("of format 1, found format 2", folder, new Builder().dimension(D));
        for (Map<String, String> data : List.of(
                Map.of("io.latent4j.cosup.index", "1", "similarity", "DOT"),
                Map.of("io.latent4j.cosup.index", "1", "dimension", "3", "similarity", "FAR"))) {
            try (Directory directory = FSDirectory.open(folder);
                    IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
                writer.setLiveCommitData(data.entrySet());
            }
            assertRefused("must name its", folder, new Builder());
        }
    }

    @Test
    void damageInAnyFileIsFound() throws IOException {
        Path folder = root.resolve("damaged");
        double[][] vectors = random(60, D, 11);
        try (LuceneSequenceIndex index = opened(folder, D, Similarity.DOT)) {
            index.add(ids(60), rows(vectors));
            index.commit();
        }
        List<Path> files;
        try (Stream<Path> all = Files.list(folder)) {
            files = all.filter(f -> !f.endsWith(IndexWriter.WRITE_LOCK_NAME))
                    .sorted()
                    .toList();
        }
        assertTrue(files.size() >= 4, () -> "found " + files);
        for (Path file : files) {
            byte[] bytes = Files.readAllBytes(file);
            byte[] flipped = bytes.clone();
            flipped[bytes.length / 2] ^= 4;
            Files.write(file, flipped);
            assertRefused("damaged", folder, new Builder());
            Files.write(file, Arrays.copyOf(bytes, bytes.length - 3));
            assertRefused("damaged", folder, new Builder().readOnly(true));
            Files.write(file, new byte[0]);
            assertRefused("damaged", folder, new Builder());
            Files.delete(file);
            boolean commit = file.getFileName().toString().startsWith("segments");
            assertRefused(
                    commit ? "must be empty or hold an index, found no index but _" : "damaged",
                    folder,
                    new Builder().dimension(D));
            Files.write(file, bytes);
        }
        try (LuceneSequenceIndex index = LuceneSequenceIndex.open(folder)) {
            assertEquals(60, index.size(), "nothing was changed by any attempt");
        }
    }

    // ---- sudden death ----------------------------------------------------------------------------------------------

    /** Adds and commits without end, and says how many sequences are committed. */
    static final class Writer {
        static final int STEP = 150;

        private Writer() {}

        /** @param args the folder */
        public static void main(String[] args) throws IOException {
            try (LuceneSequenceIndex index = LuceneSequenceIndex.open(
                    Path.of(args[0]), new Builder().dimension(D).threads(2))) {
                for (int from = (int) index.size(); ; from += STEP) {
                    int first = from;
                    index.add(
                            IntStream.range(first, first + STEP)
                                    .mapToObj(i -> "p" + i)
                                    .toList(),
                            rows(vectors(first, STEP)));
                    index.commit();
                    System.out.println(index.size());
                    System.out.flush();
                }
            }
        }

        static double[][] vectors(int first, int count) {
            double[][] vectors = new double[count][];
            for (int i = 0; i < count; i++) {
                vectors[i] = random(1, D, 1000 + first + i)[0];
            }
            return vectors;
        }
    }

    @Test
    void killedWriterLeavesItsLastCommit() throws Exception {
        Path folder = root.resolve("killed");
        long committed = 0;
        for (int commits : new int[] {1, 9}) {
            Process child = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx512m",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Writer.class.getName(),
                            folder.toString())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try (BufferedReader out =
                    new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
                for (int i = 0; i < commits; ) {
                    String line = out.readLine();
                    assertTrue(line != null, "the writer must not end by itself");
                    if (line.matches("\\d+")) {
                        committed = Long.parseLong(line);
                        i++;
                    }
                }
            } finally {
                child.destroyForcibly().waitFor();
            }
            // It may have committed more than was read, but always whole steps
            try (LuceneSequenceIndex index = LuceneSequenceIndex.open(folder)) {
                assertTrue(index.size() >= committed, index.size() + " of " + committed);
                assertEquals(0, index.size() % Writer.STEP);
                double[][] vectors = Writer.vectors(0, (int) index.size());
                double[][] query = random(1, D, 12);
                assertHits(
                        expected(Similarity.DOT, vectors, query[0], 10, id -> true),
                        index.search(rows(query), 10).get(0));
                index.add(ids(1), rows(Arrays.copyOf(vectors, 1))); // the dead writer's lock does not hinder
                index.commit();
            }
        }
    }

    @Test
    void emptyVectorsAddNothing() throws IOException {
        try (LuceneSequenceIndex index = opened(root.resolve("none"), D, Similarity.DOT)) {
            INDArray none = Nd4j.empty(DataType.FLOAT);
            assertMessage("vectors must be a floating point matrix", () -> index.add(List.of(), none));
            index.commit();
            assertEquals(0, index.size());
        }
    }
}
