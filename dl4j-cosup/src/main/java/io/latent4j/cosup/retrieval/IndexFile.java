/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import io.latent4j.cosup.Similarity;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.UUID;

/** The file format of {@link ExactSequenceIndex#save}. */
final class IndexFile {
    private static final byte[] MAGIC = "L4JINDEX".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final int DIGEST_BYTES = 32;
    private static final int BUFFER_BYTES = 1 << 16;
    private static final int CHUNK_ELEMENTS = 1 << 20;

    private IndexFile() {}

    // ---- writing ---------------------------------------------------------------------------------------------------

    static void write(ExactSequenceIndex index, Path file) throws IOException {
        Path target = file.toAbsolutePath();
        Path draft = target.resolveSibling(target.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            try (FileOutputStream stream = new FileOutputStream(draft.toFile())) {
                DigestOutputStream digested = new DigestOutputStream(stream, sha256());
                DataOutputStream out = new DataOutputStream(new BufferedOutputStream(digested, BUFFER_BYTES));
                write(index, out);
                out.flush();
                stream.write(digested.getMessageDigest().digest());
                // The new name must not reach the disk before what it names
                stream.getFD().sync();
            }
            Files.move(draft, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(draft);
        }
    }

    private static void write(ExactSequenceIndex index, DataOutputStream out) throws IOException {
        out.write(MAGIC);
        out.writeInt(VERSION);
        out.writeByte(index.similarity() == Similarity.DOT ? 0 : 1);
        out.writeInt(index.dimension());
        out.writeInt(index.ids().size());
        for (String id : index.ids()) {
            byte[] text = id.getBytes(StandardCharsets.UTF_8);
            out.writeInt(text.length);
            out.write(text);
        }
        for (int row = 0; row < index.ids().size(); ) {
            float[] values = index.vectors(row);
            byte[] bytes = new byte[values.length * Float.BYTES];
            ByteBuffer.wrap(bytes).asFloatBuffer().put(values);
            out.write(bytes);
            row += values.length / index.dimension();
        }
    }

    // ---- reading ---------------------------------------------------------------------------------------------------

    static ExactSequenceIndex read(Path file) throws IOException {
        try (Reader in = new Reader(file)) {
            return read(in);
        }
    }

    private static ExactSequenceIndex read(Reader in) throws IOException {
        if (in.left < MAGIC.length || !Arrays.equals(in.bytes(MAGIC.length), MAGIC)) {
            throw new IOException(in.file + " is no file of an ExactSequenceIndex: it does not begin with "
                    + new String(MAGIC, StandardCharsets.US_ASCII));
        }
        int version = in.number();
        if (version != VERSION) {
            throw new IOException(
                    in.file + " must be of version " + VERSION + " of the format, found version " + version);
        }
        int code = in.bytes(1)[0];
        in.require(code == 0 || code == 1, "similarity 0 or 1", code);
        int dimension = in.number();
        in.require(dimension >= 1, "a dimension of at least 1", dimension);
        int count = in.number();
        in.require(
                count >= 0 && count <= in.left / (Integer.BYTES + (long) Float.BYTES * dimension),
                "at most as many sequences as its " + in.left + " other bytes can hold",
                count);
        List<String> ids = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            ids.add(new String(in.bytes(in.number()), StandardCharsets.UTF_8));
        }
        in.require(new HashSet<>(ids).size() == count, "different ids", count);
        long size = (long) Float.BYTES * dimension * count;
        in.require(in.left == size, size + " bytes of vectors and a checksum", in.left);

        ExactSequenceIndex index = new ExactSequenceIndex(dimension, code == 0 ? Similarity.DOT : Similarity.COSINE);
        int step = Math.max(1, CHUNK_ELEMENTS / dimension);
        for (int from = 0; from < count; from += step) {
            int to = Math.min(count, from + step);
            float[] values = new float[(to - from) * dimension];
            ByteBuffer.wrap(in.bytes(values.length * Float.BYTES))
                    .asFloatBuffer()
                    .get(values);
            index.restore(ids.subList(from, to), values);
        }
        if (!in.isIntact()) {
            index.close();
            throw new IOException(in.file + " was truncated or altered: its checksum does not fit");
        }
        return index;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Reads numbers, and never allocates more than the file still has. */
    private static final class Reader implements AutoCloseable {
        private final Path file;
        private final DigestInputStream digested;
        private final DataInputStream in;
        /** Bytes before the digest. */
        private long left;

        Reader(Path file) throws IOException {
            this.file = file;
            this.left = Math.max(0, Files.size(file) - DIGEST_BYTES);
            // The digest above the buffer: it must not see what was read ahead
            this.digested =
                    new DigestInputStream(new BufferedInputStream(Files.newInputStream(file), BUFFER_BYTES), sha256());
            this.in = new DataInputStream(digested);
        }

        void require(boolean holds, String expected, long found) throws IOException {
            if (!holds) {
                throw new IOException(
                        file + " was truncated or altered: it must have " + expected + ", found " + found);
            }
        }

        byte[] bytes(int count) throws IOException {
            require(count >= 0 && count <= left, "at most " + left + " more bytes", count);
            left -= count;
            byte[] bytes = new byte[count];
            in.readFully(bytes);
            return bytes;
        }

        int number() throws IOException {
            return ByteBuffer.wrap(bytes(Integer.BYTES)).getInt();
        }

        boolean isIntact() throws IOException {
            byte[] expected = digested.getMessageDigest().digest();
            digested.on(false);
            return Arrays.equals(expected, in.readNBytes(DIGEST_BYTES));
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
