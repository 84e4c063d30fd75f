/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;

/**
 * One way to damage bytes.
 *
 * @param kind what is done
 * @param where the place as a share of the bytes, or of the first {@value #HEAD} of them
 * @param atHead whether the place is among the first bytes, where formats have their sizes
 * @param seed of what comes there
 * @param count how many bytes or bits, at least 1
 */
public record Damage(Kind kind, double where, boolean atHead, long seed, int count) {
    private static final int HEAD = 64;
    private static final long[] SIZES = {
        0,
        1,
        -1,
        Byte.MAX_VALUE,
        Short.MAX_VALUE,
        1 << 24,
        1 << 30,
        Integer.MAX_VALUE,
        Integer.MIN_VALUE,
        1L << 40,
        Long.MAX_VALUE,
        Long.MIN_VALUE
    };
    private static final float[] NUMBERS = {
        Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.MAX_VALUE, Float.MIN_VALUE, 0
    };

    /** What can be done. */
    public enum Kind {
        TRUNCATE,
        FLIP_BITS,
        OVERWRITE,
        INSERT,
        DELETE,
        REPEAT,
        SIZE,
        NUMBER
    }

    /** Any damage. */
    public static Arbitrary<Damage> any() {
        return Combinators.combine(
                        Arbitraries.of(Kind.class),
                        Arbitraries.doubles().between(0, 1),
                        Arbitraries.of(true, false),
                        Arbitraries.longs(),
                        Arbitraries.integers().between(1, 8))
                .as(Damage::new)
                .withoutEdgeCases();
    }

    /** One or two of them. */
    public static Arbitrary<List<Damage>> some() {
        return any().list().ofMinSize(1).ofMaxSize(2).withoutEdgeCases();
    }

    /** Bytes after all of the damage. */
    public static byte[] apply(List<Damage> damages, byte[] bytes) {
        byte[] damaged = bytes;
        for (Damage damage : damages) {
            damaged = damage.apply(damaged);
        }
        return damaged;
    }

    /** Damaged copy of bytes. */
    byte[] apply(byte[] bytes) {
        int at = (int) Math.round(where * (atHead ? Math.min(HEAD, bytes.length) : bytes.length));
        int end = Math.min(bytes.length, at + count);
        Random random = new Random(seed);
        byte[] copy = bytes.clone();
        switch (kind) {
            case TRUNCATE -> copy = Arrays.copyOf(bytes, at);
            case FLIP_BITS -> {
                for (int i = at; i < end; i++) {
                    copy[i] ^= (byte) (1 << random.nextInt(Byte.SIZE));
                }
            }
            case OVERWRITE -> {
                for (int i = at; i < end; i++) {
                    copy[i] = (byte) random.nextInt();
                }
            }
            case INSERT -> {
                byte[] more = new byte[count];
                random.nextBytes(more);
                copy = join(Arrays.copyOf(bytes, at), more, Arrays.copyOfRange(bytes, at, bytes.length));
            }
            case DELETE -> copy = join(Arrays.copyOf(bytes, at), Arrays.copyOfRange(bytes, end, bytes.length));
            case REPEAT -> copy = join(Arrays.copyOf(bytes, end), Arrays.copyOfRange(bytes, at, bytes.length));
            case SIZE -> {
                long size = SIZES[random.nextInt(SIZES.length)];
                boolean wide = random.nextBoolean();
                put(copy, at, wide ? Long.BYTES : Integer.BYTES, order(random), wide ? size : (int) size);
            }
            case NUMBER -> {
                int number = Float.floatToRawIntBits(NUMBERS[random.nextInt(NUMBERS.length)]);
                put(copy, at, Float.BYTES, order(random), number);
            }
        }
        return copy;
    }

    private static ByteOrder order(Random random) {
        return random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    }

    private static void put(byte[] bytes, int at, int width, ByteOrder order, long value) {
        int start = Math.min(at, bytes.length - width) & -Integer.BYTES;
        if (start >= 0 && start + width <= bytes.length) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes).order(order);
            if (width == Long.BYTES) {
                buffer.putLong(start, value);
            } else {
                buffer.putInt(start, (int) value);
            }
        }
    }

    private static byte[] join(byte[]... parts) {
        ByteBuffer joined = ByteBuffer.allocate(
                Arrays.stream(parts).mapToInt(part -> part.length).sum());
        Arrays.stream(parts).forEach(joined::put);
        return joined.array();
    }
}
