/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * Turns rows of FLOAT scores in the host's memory into the errors of their softmax, each row in the cache once.
 *
 * <p>It also spares ND4J's gather and scatter of the positives, which cost about a microsecond each. Most loops are
 * those that the JIT vectorises: element by element over arrays, sums in lanes. For the same reason
 * powers of 2 are made of an exponent's bits by a buffer that is seen as numbers of both kinds.
 *
 * <p>Not for concurrent use; one for each thread.
 */
final class HostSoftmax {
    /** Sums that go on side by side. */
    private static final int LANES = 128;
    /** Elements whose powers are taken at a time. */
    private static final int CHUNK = 8 * LANES;

    /** Nothing that matters is lost below, and what is kept stays clear of denormal numbers, which slow products down. */
    private static final float LEAST = -60;

    private static final float LOG2_E = 1.44269504f;
    /** ln 2 in two parts, so that the first times a small integer is exact. */
    private static final float LN_2_HIGH = 0.693359375f;

    private static final float LN_2_LOW = -2.12194440e-4f;
    /** Added to a small number, leaves its integer in the last bits of the sum. */
    private static final float INTEGER = 3 << 22;

    private static final int EXPONENT_BITS = 23;
    private static final int ONE = 127 << EXPONENT_BITS;

    private final float[] row;
    private final float[] lanes = new float[LANES];
    private final float[] exponents = new float[CHUNK];
    private final float[] powers = new float[CHUNK];
    private final int[] integers = new int[CHUNK];
    private final FloatBuffer asFloats;
    private final IntBuffer asIntegers;

    /** @param width scores of a row */
    HostSoftmax(int width) {
        row = new float[width];
        ByteBuffer bits = ByteBuffer.allocateDirect(CHUNK * Float.BYTES).order(ByteOrder.nativeOrder());
        asFloats = bits.asFloatBuffer();
        asIntegers = bits.asIntBuffer();
    }

    /**
     * Makes errors of one row's scores: its softmax less 1/K at each of the K positives.
     *
     * @param scores where the row is
     * @param at place of its first score
     * @param positives their columns
     * @param leftOut columns that don't enter
     * @return the loss: mean over the positives of −ln of their part in the softmax
     */
    double errors(FloatBuffer scores, int at, int[] positives, int[] leftOut) {
        int width = row.length;
        scores.get(at, row, 0, width);
        double loss = 0;
        for (int positive : positives) {
            loss -= row[positive];
        }
        for (int column : leftOut) {
            row[column] = Float.NEGATIVE_INFINITY;
        }
        float largest = largest();
        raiseTo(largest + LEAST);
        double sum = exponentials(largest);
        scale(row, (float) (1 / sum));
        for (int column : leftOut) {
            row[column] = 0;
        }
        float target = 1f / positives.length;
        for (int positive : positives) {
            row[positive] -= target;
        }
        scores.put(at, row, 0, width);
        return largest + Math.log(sum) + loss / positives.length;
    }

    /** Copies the first errors of the last row. */
    void copyTo(FloatBuffer target, int at, int count) {
        target.put(at, row, 0, count);
    }

    // Comparisons whose outcome rarely changes: JDK 17 takes three times as long for Math.max

    private float largest() {
        float largest = Float.NEGATIVE_INFINITY;
        for (float score : row) {
            if (score > largest) {
                largest = score;
            }
        }
        return largest;
    }

    private void raiseTo(float least) {
        for (int i = 0; i < row.length; i++) {
            if (row[i] < least) {
                row[i] = least;
            }
        }
    }

    /** Makes powers of e of the row and sums them up. */
    private double exponentials(float largest) {
        Arrays.fill(lanes, 0);
        for (int from = 0; from < row.length; from += CHUNK) {
            int count = Math.min(CHUNK, row.length - from);
            remainders(row, exponents, from, count, largest);
            polynomials(row, from, from + count);
            asFloats.put(0, exponents, 0, count);
            asIntegers.get(0, integers, 0, count);
            powersOfTwo(integers, count);
            asIntegers.put(0, integers, 0, count);
            asFloats.get(0, powers, 0, count);
            for (int lane = 0; lane < count; lane += LANES) {
                addProducts(row, powers, lanes, from + lane, lane, Math.min(LANES, count - lane));
            }
        }
        double sum = 0;
        for (float lane : lanes) {
            sum += lane;
        }
        return sum;
    }

    /** x = n·ln 2 + r with |r| ≤ ln 2 / 2: of x makes r, and keeps n. */
    private static void remainders(float[] row, float[] exponents, int from, int count, float largest) {
        for (int i = 0; i < count; i++) {
            float x = row[from + i] - largest;
            float shifted = x * LOG2_E + INTEGER;
            float n = shifted - INTEGER;
            exponents[i] = shifted;
            row[from + i] = x - n * LN_2_HIGH - n * LN_2_LOW;
        }
    }

    /** Of r makes a polynomial for its power. Short loops are what the JIT vectorises. */
    private static void polynomials(float[] row, int from, int to) {
        for (int i = from; i < to; i++) {
            float r = row[i];
            float p = 1 / 5040f;
            p = p * r + 1 / 720f;
            p = p * r + 1 / 120f;
            p = p * r + 1 / 24f;
            p = p * r + 1 / 6f;
            p = p * r + 1 / 2f;
            p = p * r + 1;
            row[i] = p * r + 1;
        }
    }

    private static void powersOfTwo(int[] integers, int count) {
        for (int i = 0; i < count; i++) {
            integers[i] = (integers[i] << EXPONENT_BITS) + ONE;
        }
    }

    private static void addProducts(float[] row, float[] powers, float[] lanes, int at, int lane, int count) {
        for (int i = 0; i < count; i++) {
            float product = row[at + i] * powers[lane + i];
            row[at + i] = product;
            lanes[i] += product;
        }
    }

    private static void scale(float[] row, float factor) {
        for (int i = 0; i < row.length; i++) {
            row[i] *= factor;
        }
    }
}
