/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Exponentials against {@code Math.exp}. */
class ExponentialTest {
    @Test
    void agreesWithMathFarBelowFloatsDigits() {
        double[] x = new double[20_001];
        for (int i = 0; i < x.length; i++) {
            x[i] = Exponential.LOWEST + 0.008 * i;
        }
        double[] found = x.clone();
        Exponential.of(found, x.length - 1);
        for (int i = 0; i < x.length - 1; i++) {
            // 1024 times the remainder r⁷/5040 of the polynomial, |r| ≤ 80/1024, and what rounding adds
            assertEquals(Math.exp(x[i]), found[i], 4e-9 * Math.exp(x[i]), "e^" + x[i]);
        }
        assertEquals(x[x.length - 1], found[x.length - 1]);
    }

    @Test
    void zeroIsExactAndNoNumberStaysNone() {
        double[] x = {0, -0.0, -1e-300, Double.NaN};
        Exponential.of(x, x.length);
        assertEquals(1, x[0]);
        assertEquals(1, x[1]);
        assertEquals(1, x[2]);
        assertEquals(Double.NaN, x[3]);
    }
}
