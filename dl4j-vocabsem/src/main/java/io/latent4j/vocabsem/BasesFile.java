/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** The file format of {@link SemanticBases#save}. */
final class BasesFile {
    private static final byte[] MAGIC = "L4JBASES".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final int DIGEST_BYTES = 32;
    private static final int CHUNK_ELEMENTS = 1 << 20;

    private BasesFile() {}

    static void write(SemanticBases bases, Path file) throws IOException {
        Path target = file.toAbsolutePath();
        Path draft = target.resolveSibling(target.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            MessageDigest digest = HeadInspection.sha256();
            try (OutputStream stream = new BufferedOutputStream(
                            Files.newOutputStream(draft, StandardOpenOption.CREATE_NEW), 1 << 16);
                    DataOutputStream out = new DataOutputStream(new DigestOutputStream(stream, digest))) {
                writeHeader(bases, out);
                writeValues(bases.matrix(), out);
                stream.write(digest.digest());
            }
            Files.move(draft, target, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(draft);
        }
    }

    private static void writeHeader(SemanticBases bases, DataOutputStream out) throws IOException {
        SemanticBases.Computation computation = bases.computation();
        out.write(MAGIC);
        out.writeInt(VERSION);
        out.writeLong(bases.size());
        out.writeLong(bases.features());
        out.writeLong(bases.vocabularySize());
        out.writeByte(bases.matrix().dataType().width());
        out.write(HexFormat.of().parseHex(bases.fingerprint()));
        out.writeByte(computation.route().ordinal());
        out.writeInt(computation.rank());
        out.writeDouble(computation.condition());
        out.writeDouble(computation.rcond());
        out.writeDouble(computation.ridge());
        out.writeInt(bases.names().size());
        for (String name : bases.names()) {
            byte[] text = name.getBytes(StandardCharsets.UTF_8);
            out.writeInt(text.length);
            out.write(text);
        }
        writeInts(bases.tokenIds(), out);
        writeInts(bases.zeroTokens(), out);
    }

    private static void writeInts(int @Nullable [] values, DataOutputStream out) throws IOException {
        out.writeInt(values == null ? 0 : values.length);
        if (values != null) {
            for (int value : values) {
                out.writeInt(value);
            }
        }
    }

    private static void writeValues(INDArray matrix, DataOutputStream out) throws IOException {
        long step = Math.max(1, CHUNK_ELEMENTS / matrix.size(1));
        for (long from = 0; from < matrix.size(0); from += step) {
            INDArray rows = rows(matrix, from, step);
            byte[] bytes = new byte[(int) (rows.length() * matrix.dataType().width())];
            if (matrix.dataType() == DataType.DOUBLE) {
                ByteBuffer.wrap(bytes).asDoubleBuffer().put(rows.dup('c').data().asDouble());
            } else {
                ByteBuffer.wrap(bytes).asFloatBuffer().put(rows.dup('c').data().asFloat());
            }
            out.write(bytes);
        }
    }

    private static INDArray rows(INDArray matrix, long from, long step) {
        return matrix.get(NDArrayIndex.interval(from, Math.min(matrix.size(0), from + step)), NDArrayIndex.all());
    }

    static SemanticBases read(Path file) throws IOException {
        long length = Files.size(file);
        requireIntact(file, length);
        try (Reader in = new Reader(file, length - DIGEST_BYTES)) {
            return read(in);
        }
    }

    private static void requireIntact(Path file, long length) throws IOException {
        try (InputStream stream = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
            byte[] magic = stream.readNBytes(MAGIC.length);
            if (!Arrays.equals(magic, MAGIC)) {
                throw new IOException(file + " is no file of semantic bases: it does not begin with "
                        + new String(MAGIC, StandardCharsets.US_ASCII));
            }
            MessageDigest digest = HeadInspection.sha256();
            digest.update(magic);
            byte[] chunk = new byte[1 << 16];
            long left = length - DIGEST_BYTES - MAGIC.length;
            while (left > 0) {
                int count = stream.read(chunk, 0, (int) Math.min(chunk.length, left));
                if (count < 0) {
                    break;
                }
                digest.update(chunk, 0, count);
                left -= count;
            }
            if (left != 0 || !Arrays.equals(digest.digest(), stream.readNBytes(DIGEST_BYTES))) {
                throw new IOException(file + " was truncated or altered: its checksum does not fit");
            }
        }
    }

    private static SemanticBases read(Reader in) throws IOException {
        in.bytes(MAGIC.length);
        int version = in.number();
        in.require(version == VERSION, "version " + VERSION, version);
        long size = in.size("K");
        long features = in.size("d");
        long vocabulary = in.size("V");
        int width = in.bytes(1)[0];
        in.require(width == Float.BYTES || width == Double.BYTES, "value type 4 or 8", width);
        String fingerprint = HexFormat.of().formatHex(in.bytes(32));
        int route = in.bytes(1)[0];
        in.require(route >= 0 && route < SemanticBases.Route.values().length, "a known route", route);
        SemanticBases.Computation computation = new SemanticBases.Computation(
                SemanticBases.Route.values()[route], in.number(), in.real(), in.real(), in.real());
        int nameCount = in.number();
        in.require(nameCount == 0 || nameCount == size, "0 or " + size + " names", nameCount);
        List<String> names = new ArrayList<>();
        for (int i = 0; i < nameCount; i++) {
            names.add(new String(in.bytes(in.number()), StandardCharsets.UTF_8));
        }
        int[] tokenIds = in.numbers();
        in.require(tokenIds.length == 0 || tokenIds.length == size, "0 or " + size + " token ids", tokenIds.length);
        int[] zeroTokens = in.numbers();
        long left = in.remaining();
        // Both sizes are below 2^31, so that their product is exact
        in.require(
                left % width == 0 && left / width == size * features, "the values of " + size + "x" + features, left);
        return new SemanticBases(
                in.matrix(width == Double.BYTES ? DataType.DOUBLE : DataType.FLOAT, size, features),
                List.copyOf(names),
                tokenIds.length == 0 ? null : tokenIds,
                zeroTokens,
                vocabulary,
                fingerprint,
                computation);
    }

    /** Reads numbers, and never allocates more than the file still has. */
    private static final class Reader implements AutoCloseable {
        private final Path file;
        private final DataInputStream in;
        private long left;

        Reader(Path file, long length) throws IOException {
            this.file = file;
            this.in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16));
            this.left = length;
        }

        long remaining() {
            return left;
        }

        void require(boolean holds, String expected, long found) throws IOException {
            if (!holds) {
                throw new IOException(file + " must have " + expected + ", found " + found);
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

        double real() throws IOException {
            return ByteBuffer.wrap(bytes(Double.BYTES)).getDouble();
        }

        long size(String name) throws IOException {
            long size = ByteBuffer.wrap(bytes(Long.BYTES)).getLong();
            require(size >= 1 && size <= Integer.MAX_VALUE, "a size " + name + " from 1 to 2147483647", size);
            return size;
        }

        int[] numbers() throws IOException {
            int count = number();
            require(count >= 0 && count <= left / Integer.BYTES, "at most " + left + " more bytes for numbers", count);
            int[] numbers = new int[count];
            ByteBuffer.wrap(bytes(count * Integer.BYTES)).asIntBuffer().get(numbers);
            return numbers;
        }

        INDArray matrix(DataType type, long rows, long columns) throws IOException {
            try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
                INDArray matrix = Nd4j.createUninitialized(type, new long[] {rows, columns}, 'c');
                long step = Math.max(1, CHUNK_ELEMENTS / columns);
                for (long from = 0; from < rows; from += step) {
                    INDArray target = rows(matrix, from, step);
                    ByteBuffer bytes = ByteBuffer.wrap(bytes((int) (target.length() * type.width())));
                    if (type == DataType.DOUBLE) {
                        double[] values = new double[(int) target.length()];
                        bytes.asDoubleBuffer().get(values);
                        target.assign(Nd4j.createFromArray(values).reshape(target.shape()));
                    } else {
                        float[] values = new float[(int) target.length()];
                        bytes.asFloatBuffer().get(values);
                        target.assign(Nd4j.createFromArray(values).reshape(target.shape()));
                    }
                }
                return matrix;
            }
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
