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
 * <p>ND4J's softmax takes several times as long, and its gather and scatter of the positives almost as long again. The
 * loops are those that the JIT vectorises: element by element over arrays, sums and maxima in lanes. For the same reason
 * powers of 2 are made of an exponent's bits by a buffer that is seen as numbers of both kinds.
 *
 * <p>Not for concurrent use; one for each thread.
 */
final class HostSoftmax {
    /** Maxima and sums that go on side by side. */
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
        double sum = exponentials(largest);
        scale((float) (1 / sum));
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

    private float largest() {
        Arrays.fill(lanes, Float.NEGATIVE_INFINITY);
        for (int from = 0; from < row.length; from += LANES) {
            int count = Math.min(LANES, row.length - from);
            for (int i = 0; i < count; i++) {
                lanes[i] = Math.max(lanes[i], row[from + i]);
            }
        }
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < Math.min(LANES, row.length); i++) {
            largest = Math.max(largest, lanes[i]);
        }
        return largest;
    }

    /** Makes powers of e of the row and sums them up. */
    private double exponentials(float largest) {
        Arrays.fill(lanes, 0);
        for (int from = 0; from < row.length; from += CHUNK) {
            int count = Math.min(CHUNK, row.length - from);
            fractions(from, count, largest);
            asFloats.put(0, exponents, 0, count);
            asIntegers.get(0, integers, 0, count);
            powersOfTwo(count);
            asIntegers.put(0, integers, 0, count);
            asFloats.get(0, powers, 0, count);
            for (int lane = 0; lane < count; lane += LANES) {
                addProducts(from, lane, Math.min(LANES, count - lane));
            }
        }
        double sum = 0;
        for (float lane : lanes) {
            sum += lane;
        }
        return sum;
    }

    /** x = n·ln 2 + r: of x makes a polynomial in r for its power, |r| ≤ ln 2 / 2, and keeps n. */
    private void fractions(int from, int count, float largest) {
        for (int i = 0; i < count; i++) {
            float x = Math.max(row[from + i] - largest, LEAST);
            float shifted = x * LOG2_E + INTEGER;
            float n = shifted - INTEGER;
            float r = x - n * LN_2_HIGH - n * LN_2_LOW;
            exponents[i] = shifted;
            row[from + i] = 1
                    + r
                            * (1
                                    + r
                                            * (1 / 2f
                                                    + r
                                                            * (1 / 6f
                                                                    + r
                                                                            * (1 / 24f
                                                                                    + r
                                                                                            * (1 / 120f
                                                                                                    + r
                                                                                                            * (1 / 720f
                                                                                                                    + r
                                                                                                                            * (1
                                                                                                                                    / 5040f)))))));
        }
    }

    private void powersOfTwo(int count) {
        for (int i = 0; i < count; i++) {
            integers[i] = (integers[i] << EXPONENT_BITS) + ONE;
        }
    }

    private void addProducts(int from, int lane, int count) {
        for (int i = 0; i < count; i++) {
            float product = row[from + lane + i] * powers[lane + i];
            row[from + lane + i] = product;
            lanes[i] += product;
        }
    }

    private void scale(float factor) {
        for (int i = 0; i < row.length; i++) {
            row[i] *= factor;
        }
    }
}
