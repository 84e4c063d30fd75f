/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What bases know and refuse, their fingerprint and their files. */
class SemanticBasesTest {
    private static final INDArray ROWS =
            Nd4j.create(PseudoInverseTest.rowsWith(PseudoInverseTest.spectrum(6, 20), 40, 1));

    private static final LabelWords LABELS = LabelWords.builder()
            .rule(LabelWords.Rule.MEAN)
            .label("süß", 3)
            .label("bitter", 7, 12)
            .label("salty", 30, 31, 32)
            .build();

    @TempDir
    Path folder;

    private static void assertRefused(String expected, Executable executable) {
        assertEquals(
                expected,
                assertThrows(IllegalArgumentException.class, executable).getMessage());
    }

    @Test
    void embeddingsAreTheirOwnBases() {
        SemanticBases bases = SemanticBases.fromEmbedding(ROWS);
        assertEquals(ROWS, bases.matrix());
        assertNotSame(ROWS, bases.matrix());
        assertEquals(SemanticBases.Route.VECTORS, bases.computation().route());
        assertEquals(40, bases.vocabularySize());
        assertEquals(ROWS.getRow(9, true), bases.of(9));
        assertNotEquals(SemanticBases.fromHeadRows(ROWS).fingerprint(), bases.fingerprint());
    }

    @Test
    void classesAreMeansOfTheirTokens() {
        SemanticBases all = SemanticBases.fromHeadRows(ROWS);
        SemanticBases classes = all.forLabels(LABELS);
        assertEquals(3, classes.size());
        assertEquals(6, classes.features());
        assertEquals(LABELS.classes(), classes.names());
        assertEquals(all.fingerprint(), classes.fingerprint());
        INDArray mean = all.of(30).add(all.of(31)).add(all.of(32)).div(3);
        assertEquals(0, classes.matrix().getRow(2, true).distance2(mean), 1e-14);
        assertEquals(all.of(3), classes.matrix().getRow(0, true));
        SemanticBases direct =
                SemanticBases.head(TokenVectors.rowsOf(ROWS)).labels(LABELS).build();
        assertEquals(0, direct.matrix().distance2(classes.matrix()), 1e-13);
        assertEquals(LABELS.classes(), direct.names());
        assertThrows(IllegalStateException.class, () -> classes.of(3));
        assertThrows(IllegalStateException.class, () -> classes.forLabels(LABELS));
        LabelWords beyond = LabelWords.builder().label("a", 3).label("b", 40).build();
        assertRefused(
                "the tokens of class \"b\" must be in [0, 40), the vocabulary of the bases, found 40",
                () -> all.forLabels(beyond));
        assertRefused(
                "tokenIds must be distinct and in [0, 40), found 40",
                () -> SemanticBases.head(TokenVectors.rowsOf(ROWS)).labels(beyond));
    }

    @Test
    void finalNormGainIsFoldedIntoTheHead() {
        INDArray gain = Nd4j.createFromArray(0.5, 2, 1, -3, 0.1, 4);
        SemanticBases folded = SemanticBases.head(TokenVectors.rowsOf(ROWS))
                .finalNormGain(gain.castTo(DataType.FLOAT).reshape(6, 1))
                .build();
        INDArray rounded = gain.castTo(DataType.FLOAT).castTo(DataType.DOUBLE);
        SemanticBases expected = SemanticBases.fromHead(Nd4j.diag(rounded).mmul(ROWS.transpose()));
        assertEquals(0, folded.matrix().distance2(expected.matrix()), 1e-12);
        assertRefused(
                "finalNormGain must be a floating point vector of 6 features, found DOUBLE [5]",
                () -> SemanticBases.head(TokenVectors.rowsOf(ROWS)).finalNormGain(Nd4j.zeros(DataType.DOUBLE, 5)));
        assertRefused("finalNormGain must be finite, found NaN for feature 2", () -> SemanticBases.head(
                        TokenVectors.rowsOf(ROWS))
                .finalNormGain(gain.dup().putScalar(2, Double.NaN)));
    }

    @Test
    void fingerprintIsOfValuesNotOfStorage() throws Exception {
        INDArray floats = ROWS.castTo(DataType.FLOAT);
        String fingerprint = SemanticBases.fromHeadRows(floats).fingerprint();
        assertEquals(
                fingerprint,
                SemanticBases.fromHead(
                                floats.castTo(DataType.DOUBLE).transpose().dup('f'))
                        .fingerprint());
        assertEquals(
                fingerprint,
                SemanticBases.head(TokenVectors.rowsOf(floats))
                        .tokenIds(4)
                        .ridge(1)
                        .memory(5000)
                        .build()
                        .fingerprint());
        assertEquals(
                fingerprint, SemanticBases.head(TokenVectors.rowsOf(floats)).fingerprint());
        assertNotEquals(
                fingerprint,
                SemanticBases.fromHeadRows(floats.dup().putScalar(5, 1, 0.25f)).fingerprint());
        assertNotEquals(SemanticBases.fromHeadRows(floats.reshape('c', 60, 4)).fingerprint(), fingerprint);

        // As documented
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update("latent4j semantic bases 1 embedding 2 2\n".getBytes(StandardCharsets.US_ASCII));
        for (double value : new double[] {1, 0, 0.5, -2}) {
            digest.update(ByteBuffer.allocate(8).putDouble(value).array());
        }
        assertEquals(
                HexFormat.of().formatHex(digest.digest()),
                SemanticBases.fromEmbedding(Nd4j.createFromArray(new float[][] {{1, -0f}, {0.5f, -2}}))
                        .fingerprint());
    }

    @Test
    void zeroVectorsNeedLeaveAndAreNoLabelWords() {
        INDArray padded = Nd4j.vstack(ROWS, Nd4j.zeros(DataType.DOUBLE, 7, 6));
        assertRefused(
                "head must have no zero vectors, found 7, those of tokens [40, 41, 42, 43, 44] and more",
                () -> SemanticBases.fromHeadRows(padded));
        assertRefused(
                "embedding must have no zero vectors, found 7, those of tokens [40, 41, 42, 43, 44] and more",
                () -> SemanticBases.fromEmbedding(padded));
        SemanticBases bases = SemanticBases.head(TokenVectors.rowsOf(padded))
                .allowZeroVectors(true)
                .build();
        assertEquals(47, bases.size());
        assertEquals(0, bases.of(44).norm2Number().doubleValue());
        assertEquals(0, bases.of(12).distance2(SemanticBases.fromHeadRows(ROWS).of(12)), 1e-13);
        LabelWords labels = LabelWords.builder().label("a", 3).label("b", 41).build();
        assertRefused(
                "the tokens of class \"b\" must have a basis other than zero, found token 41",
                () -> bases.forLabels(labels));
    }

    @Test
    void badInput() {
        for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            INDArray bad = ROWS.dup().putScalar(17, 2, value);
            assertRefused(
                    "head must be finite, found " + value + " in the vector of token 17",
                    () -> SemanticBases.fromHeadRows(bad));
            assertRefused(
                    "embedding must be finite, found " + value + " in the vector of token 17",
                    () -> SemanticBases.fromEmbedding(bad));
        }
        assertRefused(
                "head must have a sum of squares from 1.0E-200 to 1.0E300, found 1.0E302 up to token 3",
                () -> SemanticBases.fromHeadRows(ROWS.dup().putScalar(3, 2, 1e151)));
        assertRefused("head must have a sum of squares from 1.0E-200 to 1.0E300, found 0.0", () -> SemanticBases.head(
                        TokenVectors.rowsOf(ROWS.mul(0)))
                .allowZeroVectors(true)
                .build());
        assertRefused(
                "matrix must be a floating point array [d, V], found FLOAT [3]",
                () -> SemanticBases.fromHead(Nd4j.zeros(DataType.FLOAT, 3)));
        assertRefused(
                "matrix must be a floating point array [V, d], found INT [3, 2]",
                () -> SemanticBases.fromHeadRows(Nd4j.zeros(DataType.INT, 3, 2)));
        assertRefused(
                "matrix must be a floating point array [V, d], found FLOAT [0, 4]",
                () -> SemanticBases.fromEmbedding(Nd4j.empty(DataType.FLOAT).reshape(0, 4)));
        SemanticBases bases = SemanticBases.fromHeadRows(ROWS);
        assertRefused("tokenId must be in [0, 40), the vocabulary of the bases, found 40", () -> bases.of(40));
        assertRefused("tokenId must be in [0, 40), the vocabulary of the bases, found -1", () -> bases.of(-1));
        SemanticBases.Builder builder = SemanticBases.head(TokenVectors.rowsOf(ROWS));
        assertRefused("rcond must be in [2^-52, 1), found 1.0", () -> builder.rcond(1));
        assertRefused("rcond must be in [2^-52, 1), found NaN", () -> builder.rcond(Double.NaN));
        assertRefused("ridge must be finite and >= 0, found -1.0", () -> builder.ridge(-1));
        assertRefused("memory must be > 0 bytes, found 0", () -> builder.memory(0));
        assertRefused("tokenIds must have at least one id, found none", builder::tokenIds);
        assertRefused("tokenIds must be distinct and in [0, 40), found 5 twice", () -> builder.tokenIds(5, 6, 5));
        assertRefused("tokenIds must be distinct and in [0, 40), found -1", () -> builder.tokenIds(-1));
    }

    @Test
    void outliveTheWorkspaceTheyWereMadeIn() {
        WorkspaceConfiguration configuration =
                WorkspaceConfiguration.builder().initialSize(1 << 20).build();
        SemanticBases bases;
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().getAndActivateWorkspace(configuration, "bases")) {
            bases = SemanticBases.fromHeadRows(ROWS);
        }
        assertTrue(!bases.matrix().isAttached());
        assertEquals(
                0, bases.matrix().distance2(SemanticBases.fromHeadRows(ROWS).matrix()), 0);
    }

    @Test
    void filesKeepEverything() throws Exception {
        SemanticBases all = SemanticBases.fromHeadRows(ROWS.castTo(DataType.FLOAT));
        TokenVectors padded = TokenVectors.rowsOf(Nd4j.vstack(ROWS, Nd4j.zeros(DataType.DOUBLE, 2, 6)));
        SemanticBases some = SemanticBases.head(padded)
                .tokenIds(9, 1)
                .ridge(0.5)
                .allowZeroVectors(true)
                .build();
        List<SemanticBases> cases = List.of(all, some, all.forLabels(LABELS), some, SemanticBases.fromEmbedding(ROWS));
        for (SemanticBases bases : cases) {
            Path file = folder.resolve("bases.l4j");
            bases.save(file);
            SemanticBases loaded = SemanticBases.load(file);
            assertEquals(bases.matrix().dataType(), loaded.matrix().dataType());
            assertEquals(0, bases.matrix().distance2(loaded.matrix()), 0);
            assertEquals(bases.names(), loaded.names());
            assertEquals(bases.fingerprint(), loaded.fingerprint());
            assertEquals(bases.computation(), loaded.computation());
            assertEquals(bases.vocabularySize(), loaded.vocabularySize());
            assertArrayEquals(bases.tokenIds(), loaded.tokenIds());
            assertArrayEquals(bases.zeroTokens(), loaded.zeroTokens());
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(1, files.count(), "drafts must be gone");
        }
    }

    /** The format of version 0.1, which all later versions read. */
    @Test
    void readsTheGoldenFile() throws Exception {
        Path file = folder.resolve("golden.l4j");
        try (InputStream golden = SemanticBasesTest.class.getResourceAsStream("/golden-0.1/bases.l4j")) {
            Files.copy(Objects.requireNonNull(golden), file);
        }
        SemanticBases bases = SemanticBases.load(file);
        assertEquals(List.of("positive", "négatif"), bases.names());
        assertEquals(Nd4j.createFromArray(new float[][] {{0.5f, 0, 0}, {0, 0.25f, -1}}), bases.matrix());
        assertEquals("d7e0e4e4b8ef93ae2af6e9a3ed8c9f26a7ee3cbd6f9dffcf44e9ae16e1a9e1b6", bases.fingerprint());
        assertEquals(50, bases.vocabularySize());
        assertEquals(
                new SemanticBases.Computation(SemanticBases.Route.TRUNCATED, 3, 12.5, 1e-6, 0), bases.computation());
        assertArrayEquals(new int[] {48, 49}, bases.zeroTokens());
    }

    @Test
    void damagedFilesAreRefused() throws Exception {
        Path file = folder.resolve("bases.l4j");
        SemanticBases.fromHeadRows(ROWS).forLabels(LABELS).save(file);
        byte[] bytes = Files.readAllBytes(file);
        for (int length : new int[] {0, 5, 8, 20, bytes.length / 2, bytes.length - 1}) {
            Files.write(file, Arrays.copyOf(bytes, length));
            assertUnreadable(file);
        }
        Files.write(file, Arrays.copyOf(bytes, bytes.length + 1));
        assertUnreadable(file);
        for (int position : new int[] {0, 9, 15, 60, 130, bytes.length - 40, bytes.length - 1}) {
            byte[] altered = bytes.clone();
            altered[position] ^= 0x10;
            Files.write(file, altered);
            assertUnreadable(file);
        }
        Files.writeString(file, "PK this is another kind of file, long enough to have a checksum in its last bytes");
        String message = assertUnreadable(file);
        assertTrue(message.contains("is no file of semantic bases"), message);
    }

    private static String assertUnreadable(Path file) {
        String message =
                assertThrows(IOException.class, () -> SemanticBases.load(file)).getMessage();
        assertTrue(message.startsWith(file.toString()), message);
        return message;
    }

    @Test
    void sizesThatAFileStatesAreCheckedThoughTheChecksumFits() throws Exception {
        Path file = folder.resolve("bases.l4j");
        SemanticBases.fromHeadRows(ROWS).forLabels(LABELS).save(file);
        byte[] bytes = Files.readAllBytes(file);
        // Offsets by the documented format: version 8, K 12, d 20, V 28, type 36, fingerprint 37, route 69, names 98
        assertForged(file, bytes, b -> b.putInt(8, 2), "must have version 1, found 2");
        assertForged(file, bytes, b -> b.putLong(12, Integer.MAX_VALUE), "0 or 2147483647 names, found 3");
        assertForged(file, bytes, b -> b.putLong(12, -1), "a size K from 1 to 2147483647, found -1");
        assertForged(file, bytes, b -> b.putLong(20, Integer.MAX_VALUE), "the values of 3x2147483647");
        assertForged(file, bytes, b -> b.putLong(28, 1L << 40), "a size V from 1 to 2147483647");
        assertForged(file, bytes, b -> b.put(36, (byte) 2), "value type 4 or 8, found 2");
        assertForged(file, bytes, b -> b.put(69, (byte) 3), "a known route, found 3");
        assertForged(file, bytes, b -> b.putInt(98, Integer.MAX_VALUE), "0 or 3 names, found 2147483647");
        assertForged(file, bytes, b -> b.putInt(102, Integer.MAX_VALUE), "more bytes, found 2147483647");
        assertForged(file, bytes, b -> b.putInt(102, -5), "more bytes, found -5");
        // After the names "süß" (5 bytes), "bitter" (6), "salty" (5): token ids at 130
        assertForged(file, bytes, b -> b.putInt(130, Integer.MAX_VALUE), "more bytes for numbers, found 2147483647");
        assertForged(file, bytes, b -> b.putInt(130, 1), "0 or 3 token ids, found 1");
        assertForged(file, bytes, b -> b.putInt(134, -1), "more bytes for numbers, found -1");
        assertForged(file, bytes, b -> b.putInt(134, 1), "the values of 3x6, found 140");
    }

    private static void assertForged(Path file, byte[] bytes, Consumer<ByteBuffer> change, String expected)
            throws Exception {
        ByteBuffer forged = ByteBuffer.wrap(bytes.clone());
        change.accept(forged);
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(forged.array(), 0, bytes.length - 32);
        forged.put(bytes.length - 32, digest.digest());
        Files.write(file, forged.array());
        String message = assertUnreadable(file);
        assertTrue(message.contains(expected), message);
    }
}
