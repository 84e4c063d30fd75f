/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * A strict reader of matrices in NumPy's .npy format, versions 1 to 3. ({@code Nd4j.createFromNpyFile} reads beyond the end
 * of truncated files and takes files in Fortran order for their transpose.)
 */
final class NpyFile {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final int MAX_HEADER = 1 << 16;

    /** One entry of the header, which is a Python dictionary of three. */
    private static final Pattern ENTRY = Pattern.compile(
            "\\s*['\"](\\w+)['\"]\\s*:\\s*('[^']*'|\"[^\"]*\"|True|False|\\([\\d\\s,]*\\))\\s*(,|(?=}))");

    private static final Set<String> KEYS = Set.of("descr", "fortran_order", "shape");

    private static final Map<String, DataType> TYPES =
            Map.of("f2", DataType.HALF, "f4", DataType.FLOAT, "f8", DataType.DOUBLE);

    private NpyFile() {}

    static FileVectors open(Path file, TokenVectors.Layout layout) throws IOException {
        long offset;
        long size;
        Map<String, String> header;
        try (FileChannel channel = FileChannel.open(file)) {
            size = channel.size();
            ByteBuffer start = read(file, channel, 0, 8);
            byte[] magic = new byte[MAGIC.length];
            start.get(magic);
            int version = start.get();
            if (!Arrays.equals(magic, MAGIC) || version < 1 || version > 3) {
                throw new IOException(file + " is no .npy file of version 1 to 3");
            }
            int lengthBytes = version == 1 ? 2 : 4;
            ByteBuffer length = read(file, channel, 8, lengthBytes).order(ByteOrder.LITTLE_ENDIAN);
            long headerLength = version == 1 ? length.getShort() & 0xffff : length.getInt() & 0xffffffffL;
            if (headerLength > MAX_HEADER) {
                throw new IOException(
                        file + " must have a header of at most " + MAX_HEADER + " bytes, found " + headerLength);
            }
            offset = 8 + lengthBytes + headerLength;
            header = parse(
                    file,
                    StandardCharsets.UTF_8
                            .decode(read(file, channel, 8 + lengthBytes, (int) headerLength))
                            .toString());
        }
        String description = header.get("descr").replaceAll("['\"]", "");
        DataType type = description.length() == 3 ? TYPES.get(description.substring(1)) : null;
        if (type == null || "<>".indexOf(description.charAt(0)) < 0) {
            throw new IOException(
                    file + " must hold float16, float32 or float64 ('<f2', '<f4', '<f8' or '>'), found " + description);
        }
        long[] shape = shape(file, header.get("shape"));
        long found = size - offset;
        // Both sizes are below 2^31, but 8 times their product need not be below 2^63
        if (found % type.width() != 0 || found / type.width() != shape[0] * shape[1]) {
            throw new IOException(file + " must have the values of " + description + ' ' + Arrays.toString(shape)
                    + " after its header, found " + found + " bytes");
        }
        // In Fortran order the file holds the transpose
        boolean transposed = header.get("fortran_order").equals("True");
        return new FileVectors(
                file,
                offset,
                shape[transposed ? 1 : 0],
                shape[transposed ? 0 : 1],
                type,
                description.charAt(0) == '<' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN,
                transposed ? layout.transposed() : layout,
                FileVectors.SEGMENT_BITS);
    }

    private static Map<String, String> parse(Path file, String text) throws IOException {
        String trimmed = text.strip();
        Map<String, String> header = new HashMap<>();
        Matcher matcher = ENTRY.matcher(trimmed);
        int position = 1;
        while (position < trimmed.length()
                && matcher.region(position, trimmed.length()).lookingAt()
                && header.putIfAbsent(matcher.group(1), matcher.group(2)) == null) {
            position = matcher.end();
        }
        boolean complete =
                trimmed.startsWith("{") && trimmed.substring(position).strip().equals("}");
        if (!complete
                || !header.keySet().equals(KEYS)
                || !header.get("fortran_order").matches("True|False")) {
            throw new IOException(
                    file + " must have a header of descr, fortran_order and shape, found " + abbreviate(trimmed));
        }
        return header;
    }

    private static long[] shape(Path file, String text) throws IOException {
        try {
            long[] shape = Arrays.stream(text.replaceAll("[()\\s]", "").split(","))
                    .mapToLong(Long::parseLong)
                    .toArray();
            if (shape.length == 2
                    && shape[0] > 0
                    && shape[1] > 0
                    && shape[0] <= Integer.MAX_VALUE
                    && shape[1] <= Integer.MAX_VALUE) {
                return shape;
            }
        } catch (NumberFormatException e) {
            throw new IOException(file + " must have a shape of 2 sizes, found " + abbreviate(text), e);
        }
        throw new IOException(file + " must have a shape of 2 sizes from 1 to 2147483647, found " + abbreviate(text));
    }

    private static String abbreviate(String text) {
        return text.length() > 200 ? text.substring(0, 200) + "..." : text;
    }

    /** Reads exactly {@code count} bytes. */
    static ByteBuffer read(Path file, FileChannel channel, long position, int count) throws IOException {
        if (channel.size() - position < count) {
            throw new IOException(file + " must go on after byte " + position + " for " + count + " bytes, found "
                    + Math.max(0, channel.size() - position));
        }
        ByteBuffer bytes = ByteBuffer.allocate(count);
        while (bytes.hasRemaining() && channel.read(bytes, position + bytes.position()) >= 0) {
            // read until full
        }
        if (bytes.hasRemaining()) {
            throw new IOException(file + " became shorter while it was read");
        }
        return bytes.flip();
    }
}
