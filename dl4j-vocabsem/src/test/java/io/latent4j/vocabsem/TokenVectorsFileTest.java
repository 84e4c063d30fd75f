/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.vocabsem.TokenVectors.Layout;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Matrices in .npy and safetensors files, sound and malicious ones. */
class TokenVectorsFileTest {
    /** Exact in all floating point types. */
    private static final double[][] VALUES = {{1, -2, 0.5}, {4, 0.25, -8}, {3, 96, -0.125}, {7, 1.5, 2}};

    @TempDir
    Path folder;

    private static INDArray read(TokenVectors vectors) {
        INDArray rows = Nd4j.create(DataType.DOUBLE, new long[] {vectors.tokens(), vectors.features()}, 'c');
        vectors.read(0, rows);
        return rows;
    }

    private static byte[] values(String type, ByteOrder order, boolean columnMajor) {
        ByteBuffer bytes = ByteBuffer.allocate(12 * 8).order(order);
        for (int i = 0; i < 12; i++) {
            double value = columnMajor ? VALUES[i % 4][i / 4] : VALUES[i / 3][i % 3];
            switch (type) {
                case "f8", "F64" -> bytes.putDouble(value);
                case "f4", "F32" -> bytes.putFloat((float) value);
                case "BF16" -> bytes.putShort((short) (Float.floatToIntBits((float) value) >> 16));
                default -> bytes.putShort(half(value));
            }
        }
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    /** Binary16 of a normal number that it can hold. */
    private static short half(double value) {
        int exponent = Math.getExponent(value);
        int fraction = (int) ((Math.abs(value) / Math.pow(2, exponent) - 1) * 1024);
        return (short) ((value < 0 ? 0x8000 : 0) | (exponent + 15) << 10 | fraction);
    }

    private Path file(byte[]... parts) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            bytes.write(part);
        }
        return Files.write(folder.resolve("file"), bytes.toByteArray());
    }

    private static String refusal(Class<? extends Exception> type, Path file, String tensor) {
        String message = assertThrows(type, () -> {
                    if (tensor.isEmpty()) {
                        TokenVectors.npy(file, Layout.ROWS);
                    } else {
                        TokenVectors.safetensors(file, tensor, Layout.ROWS);
                    }
                })
                .getMessage();
        assertTrue(message.contains(file.toString()), message);
        return message;
    }

    // .npy

    private static byte[] npyHeader(int version, String dictionary) {
        byte[] text = (dictionary + '\n').getBytes(UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(12 + text.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
        if (version == 1) {
            bytes.putShort((short) text.length);
        } else {
            bytes.putInt(text.length);
        }
        bytes.put(text);
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    private static String dictionary(String type, boolean fortran, String shape) {
        return "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape
                + ", }          ";
    }

    @Test
    void npyOfAllTypesAndOrders() throws Exception {
        INDArray expected = Nd4j.createFromArray(VALUES);
        for (String type : new String[] {"f2", "f4", "f8"}) {
            for (boolean fortran : new boolean[] {false, true}) {
                for (ByteOrder order : new ByteOrder[] {ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN}) {
                    for (int version = 1; version <= 3; version++) {
                        String description = (order == ByteOrder.LITTLE_ENDIAN ? "<" : ">") + type;
                        Path file = file(
                                npyHeader(version, dictionary(description, fortran, "(4, 3)")),
                                values(type, order, fortran));
                        TokenVectors rows = TokenVectors.npy(file, Layout.ROWS);
                        assertEquals(4, rows.tokens());
                        assertEquals(3, rows.features());
                        assertEquals(expected, read(rows), description + fortran);
                        TokenVectors columns = TokenVectors.npy(file, Layout.COLUMNS);
                        assertEquals(expected.transpose(), read(columns), description + fortran);
                    }
                }
            }
        }
        // Other writers' spelling
        Path file = file(
                npyHeader(1, "{\"shape\":(4,3),\"descr\":\"<f4\",\"fortran_order\":False}"),
                values("f4", ByteOrder.LITTLE_ENDIAN, false));
        assertEquals(expected, read(TokenVectors.npy(file, Layout.ROWS)));
    }

    @Test
    void malformedNpyIsRefused() throws Exception {
        byte[] floats = values("f4", ByteOrder.LITTLE_ENDIAN, false);
        byte[] header = npyHeader(1, dictionary("<f4", false, "(4, 3)"));
        Path sound = file(header, floats);
        byte[] bytes = Files.readAllBytes(sound);
        for (int length : new int[] {0, 4, 9, 40, bytes.length - 1}) {
            refusal(IOException.class, file(Arrays.copyOf(bytes, length)), "");
        }
        assertTrue(refusal(IOException.class, file(header, floats, new byte[4]), "")
                .endsWith("found 52 bytes"));
        assertTrue(refusal(IOException.class, file("no numpy file".getBytes(UTF_8)), "")
                .contains("is no .npy file"));
        for (String shape : new String[] {
            "(12,)",
            "()",
            "(2, 2, 3)",
            "(0, 3)",
            "(4, 3000000000)",
            "(99999999999999999999, 3)",
            "(2147483647, 2147483647)",
            "(6, 4)"
        }) {
            refusal(IOException.class, file(npyHeader(1, dictionary("<f4", false, shape)), floats), "");
        }
        for (String type : new String[] {"<i4", "|O", "=f4", "<f16", "", "<f", "|f4"}) {
            String message =
                    refusal(IOException.class, file(npyHeader(1, dictionary(type, false, "(4, 3)")), floats), "");
            assertTrue(message.contains("must hold float16, float32 or float64"), message);
        }
        for (String dictionary : new String[] {
            "{}",
            "",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': 'False', 'shape': (4, 3)}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (4, 3)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3), 'more': True}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3), } and more",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4, -3)}",
            "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (4, 3)}"
        }) {
            String message = refusal(IOException.class, file(npyHeader(1, dictionary), floats), "");
            assertTrue(message.contains("must have a header of descr, fortran_order and shape"), message);
        }
        byte[] huge = npyHeader(2, "");
        ByteBuffer.wrap(huge).order(ByteOrder.LITTLE_ENDIAN).putInt(8, -1);
        assertTrue(refusal(IOException.class, file(huge, floats), "").endsWith("found 4294967295"));
        assertThrows(NoSuchFileException.class, () -> TokenVectors.npy(folder.resolve("none.npy"), Layout.ROWS));
    }

    // safetensors

    private static byte[] safetensorsHeader(String json) {
        byte[] text = json.getBytes(UTF_8);
        return ByteBuffer.allocate(8 + text.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(text.length)
                .put(text)
                .array();
    }

    private static String entry(String name, String type, String shape, long begin, long end) {
        return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":[" + begin + ","
                + end + "]}";
    }

    @Test
    void safetensorsOfAllTypes() throws Exception {
        INDArray expected = Nd4j.createFromArray(VALUES);
        for (String type : new String[] {"F64", "F32", "F16", "BF16"}) {
            byte[] values = values(type, ByteOrder.LITTLE_ENDIAN, false);
            // Padding, metadata, an empty and an unknown tensor, and any order of entries
            String json = "{\"__metadata__\":{\"format\":\"pt\"}," + entry("head", type, "[4,3]", 5, 5 + values.length)
                    + ',' + entry("bias", "I8", "[5]", 0, 5) + ',' + entry("none", "F32", "[0,7]", 5, 5) + ','
                    + entry("new", "F4_NEW", "[2]", 5 + values.length, 6 + values.length) + "}   ";
            Path file = file(safetensorsHeader(json), new byte[5], values, new byte[1]);
            TokenVectors rows = TokenVectors.safetensors(file, "head", Layout.ROWS);
            assertEquals(expected, read(rows), type);
            assertEquals(expected.transpose(), read(TokenVectors.safetensors(file, "head", Layout.COLUMNS)), type);
            assertEquals(
                    SemanticBases.fromHeadRows(expected).fingerprint(),
                    SemanticBases.head(rows).build().fingerprint());
            String message = refusal(IllegalArgumentException.class, file, "lm_head");
            assertEquals("tensor must be one of " + file + ": [head, bias, none, new], found lm_head", message);
            refusal(IllegalArgumentException.class, file, "bias");
            refusal(IllegalArgumentException.class, file, "none");
            refusal(IllegalArgumentException.class, file, "new");
        }
    }

    @Test
    void specialValuesOfNarrowTypes() throws Exception {
        short[] bits = {0x7c00, (short) 0xfc00, 0x0001, (short) 0x8000, 0x7bff, 0x3555};
        double[] halves = {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0x1p-24, -0.0, 65504, 0.333251953125};
        ByteBuffer bytes = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
        for (short value : bits) {
            bytes.putShort(value);
        }
        Path file = file(safetensorsHeader('{' + entry("x", "F16", "[2,3]", 0, 12) + '}'), bytes.array());
        INDArray found = read(TokenVectors.safetensors(file, "x", Layout.ROWS));
        for (int i = 0; i < 6; i++) {
            assertEquals(halves[i], found.getDouble(i));
        }
    }

    @Test
    void malformedSafetensorsAreRefused() throws Exception {
        byte[] floats = values("F32", ByteOrder.LITTLE_ENDIAN, false);
        String head = entry("head", "F32", "[4,3]", 0, 48);
        byte[] bytes = Files.readAllBytes(file(safetensorsHeader('{' + head + '}'), floats));
        read(TokenVectors.safetensors(file(bytes), "head", Layout.ROWS));
        for (int length : new int[] {0, 7, 8, 30, bytes.length - 1}) {
            refusal(IOException.class, file(Arrays.copyOf(bytes, length)), "head");
        }
        refusal(IOException.class, file(bytes, new byte[1]), "head");
        for (long length : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, 1, 0, 100_000_001, bytes.length}) {
            byte[] forged = bytes.clone();
            ByteBuffer.wrap(forged).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
            String message = refusal(IOException.class, file(forged), "head");
            assertTrue(message.endsWith("found " + Long.toUnsignedString(length)), message);
        }
        String[][] cases = {
            {"{" + head + "," + head + "}", "Duplicate field 'head'"},
            {
                "{" + entry("a", "F32", "[4,3]", 0, 48) + "," + entry("b", "F32", "[1]", 44, 48) + "}",
                "without gap or overlap, found b at 44"
            },
            {
                "{" + entry("a", "F32", "[2,3]", 0, 24) + "," + entry("b", "F32", "[1]", 44, 48) + "}",
                "without gap or overlap, found b at 44"
            },
            {"{" + entry("a", "F32", "[2,3]", 24, 48) + "}", "found a at 24 after the header"},
            {"{" + entry("a", "F32", "[2,3]", 0, 24) + "}", "must have 24 bytes of values as its header says, found 48"
            },
            {"{" + entry("a", "F32", "[4,3]", 48, 0) + "}", "two ascending data_offsets"},
            {"{" + entry("a", "F32", "[4,3]", -48, 0) + "}", "found -48"},
            {"{" + entry("a", "F32", "[4,-3]", 0, 48) + "}", "found -3"},
            {"{" + entry("a", "F32", "[4,99999999999999999999]", 0, 48) + "}", "found 99999999999999999999"},
            {
                "{" + entry("a", "F32", "[4294967296,4294967296,4294967296]", 0, 48) + "}",
                "must have 316912650057057350374175801344 bytes"
            },
            {
                "{" + entry("a", "F16", "[4,3]", 0, 48) + "}",
                "must have 24 bytes for F16 [4, 3] of a, found data_offsets of 48"
            },
            {"{" + entry("a", "F32", "[4,3.0]", 0, 48) + "}", "whole numbers in shape of a"},
            {"{" + entry("a", "F32", "[[4,3]]", 0, 48) + "}", "whole numbers in shape of a"},
            {"{" + entry("a", "F32", "12", 0, 48) + "}", "an array as shape of a"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4,3]}}", "two ascending data_offsets"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4,3],\"data_offsets\":[0,48,50]}}", "two ascending data_offsets"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4,3],\"data_offsets\":[0,48],\"extra\":1}}", "found extra"},
            {"{\"a\":{\"dtype\":1,\"shape\":[4,3],\"data_offsets\":[0,48]}}", "a string as dtype of a"},
            {"{\"a\":7}", "an object as a"},
            {"{\"__metadata__\":{\"x\":1}}", "strings in __metadata__"},
            {"{} {}", "nothing but an object"},
            {"{\"a\":", "malformed header"},
            {" {" + head + "}", "begins with '{'"},
            {"[[[[[[", "begins with '{'"},
            {"{}", "must have 0 bytes of values as its header says, found 48"},
        };
        for (String[] each : cases) {
            String message = refusal(IOException.class, file(safetensorsHeader(each[0]), floats), "a");
            assertTrue(message.contains(each[1]), each[0] + ": " + message);
        }
        byte[] notUtf8 = safetensorsHeader("{\"__metadata__\":{\"x\":\"?\"}," + head + "}");
        notUtf8[8 + "{\"__metadata__\":{\"x\":\"".length()] = (byte) 0xff;
        assertTrue(refusal(IOException.class, file(notUtf8, floats), "head").contains("malformed header"));
    }

    @Test
    void segmentsMeetWithoutSeam() throws Exception {
        byte[] bytes = new byte[3 + 600 * 5 * 4];
        ByteBuffer values = ByteBuffer.wrap(bytes, 3, 600 * 5 * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 3000; i++) {
            values.putFloat(i);
        }
        Path file = file(bytes);
        for (Layout layout : Layout.values()) {
            TokenVectors vectors = new FileVectors(file, 3, 600, 5, DataType.FLOAT, ByteOrder.LITTLE_ENDIAN, layout, 6);
            INDArray expected = Nd4j.arange(3000).castTo(DataType.DOUBLE).reshape('c', 600, 5);
            assertEquals(layout == Layout.ROWS ? expected : expected.transpose(), read(vectors));
        }
    }
}
