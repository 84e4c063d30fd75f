/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.shade.jackson.core.JsonFactory;
import org.nd4j.shade.jackson.core.JsonParser;
import org.nd4j.shade.jackson.core.JsonToken;

/**
 * A strict reader of safetensors files: 8 bytes header length (little-endian), a JSON header which gives each tensor's
 * type, shape and place, and the tensors' bytes without gap or overlap. All of that is checked when a file is opened,
 * before anything of a size that the file itself states is allocated.
 */
final class SafetensorsFile {
    /** The limit that the format's own library sets. */
    private static final int MAX_HEADER = 100_000_000;

    /** Bytes of one element of each type. */
    private static final Map<String, Integer> WIDTHS = Map.ofEntries(
            Map.entry("BOOL", 1),
            Map.entry("U8", 1),
            Map.entry("I8", 1),
            Map.entry("F8_E5M2", 1),
            Map.entry("F8_E4M3", 1),
            Map.entry("I16", 2),
            Map.entry("U16", 2),
            Map.entry("F16", 2),
            Map.entry("BF16", 2),
            Map.entry("I32", 4),
            Map.entry("U32", 4),
            Map.entry("F32", 4),
            Map.entry("I64", 8),
            Map.entry("U64", 8),
            Map.entry("F64", 8));

    private static final Map<String, DataType> TYPES =
            Map.of("F16", DataType.HALF, "BF16", DataType.BFLOAT16, "F32", DataType.FLOAT, "F64", DataType.DOUBLE);

    /** What the header says of a tensor; offsets count from the end of the header. */
    private record Entry(String name, String type, long[] shape, long begin, long end) {}

    private final Path file;
    private final long dataStart;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private SafetensorsFile(Path file, long dataStart) {
        this.file = file;
        this.dataStart = dataStart;
    }

    static SafetensorsFile open(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            long length = NpyFile.read(file, channel, 0, 8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
            if (length < 2 || length > MAX_HEADER || length > channel.size() - 8) {
                throw new IOException(file + " must have a header length from 2 to "
                        + Math.min(MAX_HEADER, channel.size() - 8) + ", found " + Long.toUnsignedString(length));
            }
            ByteBuffer header = NpyFile.read(file, channel, 8, (int) length);
            SafetensorsFile opened = new SafetensorsFile(file, 8 + length);
            opened.parse(header.array());
            opened.requireContiguous(channel.size() - opened.dataStart);
            return opened;
        }
    }

    /**
     * A matrix of the file.
     *
     * @throws IllegalArgumentException if there is no such tensor or it is no floating point matrix
     */
    FileVectors matrix(String name, TokenVectors.Layout layout) throws IOException {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw new IllegalArgumentException("tensor must be one of " + file + ": "
                    + entries.keySet().stream().limit(20).toList() + (entries.size() > 20 ? " and more" : "")
                    + ", found " + name);
        }
        DataType type = TYPES.get(entry.type);
        if (type == null || entry.shape.length != 2) {
            throw new IllegalArgumentException("tensor " + name + " of " + file
                    + " must be a matrix of F16, BF16, F32 or F64, found " + entry.type + ' '
                    + Arrays.toString(entry.shape));
        }
        return new FileVectors(
                file,
                dataStart + entry.begin,
                entry.shape[0],
                entry.shape[1],
                type,
                ByteOrder.LITTLE_ENDIAN,
                layout,
                FileVectors.SEGMENT_BITS);
    }

    private void parse(byte[] header) throws IOException {
        if (header[0] != '{') {
            throw new IOException(file + " must have a header that begins with '{', found byte " + header[0]);
        }
        // A decoder of its own reports malformed input instead of replacing it
        try (Reader reader =
                        new InputStreamReader(new ByteArrayInputStream(header), StandardCharsets.UTF_8.newDecoder());
                JsonParser parser = new JsonFactory()
                        .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
                        .createParser(reader)) {
            require(parser.nextToken() == JsonToken.START_OBJECT, "an object");
            for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
                require(parser.nextToken() == JsonToken.START_OBJECT, "an object as " + name);
                if (name.equals("__metadata__")) {
                    while (parser.nextFieldName() != null) {
                        require(parser.nextToken() == JsonToken.VALUE_STRING, "strings in __metadata__");
                    }
                } else {
                    entries.put(name, entry(name, parser));
                }
                require(parser.currentToken() == JsonToken.END_OBJECT, "the end of " + name);
            }
            require(
                    parser.currentToken() == JsonToken.END_OBJECT && parser.nextToken() == null,
                    "nothing but an object");
        } catch (IOException e) {
            throw new IOException(file + " has a malformed header: " + e.getMessage(), e);
        }
    }

    private static Entry entry(String name, JsonParser parser) throws IOException {
        String type = null;
        long[] shape = null;
        long[] offsets = null;
        for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
            switch (field) {
                case "dtype" -> {
                    require(parser.nextToken() == JsonToken.VALUE_STRING, "a string as dtype of " + name);
                    type = parser.getText();
                }
                case "shape" -> shape = sizes(name, field, parser);
                case "data_offsets" -> offsets = sizes(name, field, parser);
                default ->
                    throw new IOException("must have dtype, shape and data_offsets for " + name + ", found " + field);
            }
        }
        if (type == null || shape == null || offsets == null || offsets.length != 2 || offsets[0] > offsets[1]) {
            throw new IOException("must have dtype, shape and two ascending data_offsets for " + name + ", found "
                    + type + ", " + Arrays.toString(shape) + " and " + Arrays.toString(offsets));
        }
        requireExtent(name, type, shape, offsets[1] - offsets[0]);
        return new Entry(name, type, shape, offsets[0], offsets[1]);
    }

    private static long[] sizes(String name, String field, JsonParser parser) throws IOException {
        require(parser.nextToken() == JsonToken.START_ARRAY, "an array as " + field + " of " + name);
        List<Long> sizes = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            require(parser.currentToken() == JsonToken.VALUE_NUMBER_INT, "whole numbers in " + field + " of " + name);
            BigInteger size = parser.getBigIntegerValue();
            if (size.signum() < 0 || size.bitLength() > 63) {
                throw new IOException(
                        "must have sizes from 0 to 2^63-1 in " + field + " of " + name + ", found " + size);
            }
            sizes.add(size.longValue());
        }
        return sizes.stream().mapToLong(Long::longValue).toArray();
    }

    /** Types that are not known here are left to those who read such tensors. */
    private static void requireExtent(String name, String type, long[] shape, long found) throws IOException {
        Integer width = WIDTHS.get(type);
        if (width == null) {
            return;
        }
        BigInteger bytes = BigInteger.valueOf(width);
        for (long size : shape) {
            bytes = bytes.multiply(BigInteger.valueOf(size));
        }
        if (!bytes.equals(BigInteger.valueOf(found))) {
            throw new IOException("must have " + bytes + " bytes for " + type + ' ' + Arrays.toString(shape) + " of "
                    + name + ", found data_offsets of " + found);
        }
    }

    private void requireContiguous(long dataLength) throws IOException {
        long end = 0;
        @Nullable String previous = null;
        List<Entry> sorted = entries.values().stream()
                .sorted(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end))
                .toList();
        for (Entry entry : sorted) {
            if (entry.begin != end) {
                throw new IOException(file + " must have tensors without gap or overlap, found " + entry.name + " at "
                        + entry.begin + " after " + (previous == null ? "the header" : previous) + " ended at " + end);
            }
            end = entry.end;
            previous = entry.name;
        }
        if (end != dataLength) {
            throw new IOException(
                    file + " must have " + end + " bytes of values as its header says, found " + dataLength);
        }
    }

    private static void require(boolean holds, String expected) throws IOException {
        if (!holds) {
            throw new IOException("must have " + expected);
        }
    }
}
