/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Exponentials against {@code Math.exp}. */
class ExponentialTest {
    @Test
    void agreesWithMathToTheLastBits() {
        double[] x = new double[20_001];
        for (int i = 0; i < x.length; i++) {
            x[i] = -700 + 0.07 * i;
        }
        double[] found = x.clone();
        Exponential.of(found, new double[x.length], x.length - 1);
        for (int i = 0; i < x.length - 1; i++) {
            assertEquals(Math.exp(x[i]), found[i], 1e-15 * Math.exp(x[i]), "e^" + x[i]);
        }
        assertEquals(x[x.length - 1], found[x.length - 1]);
    }

    @Test
    void smallOnesVanishAndNoNumberStaysNone() {
        double[] x = {0, -0.0, -750, -1e300, Double.NEGATIVE_INFINITY, Double.NaN, -1e-300};
        Exponential.of(x, new double[x.length], x.length);
        assertEquals(1, x[0]);
        assertEquals(1, x[1]);
        for (int i = 2; i < 5; i++) {
            assertTrue(x[i] >= 0 && x[i] < 1e-300);
        }
        assertTrue(Double.isNaN(x[5]));
        assertEquals(1, x[6]);
    }
}
