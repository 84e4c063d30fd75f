/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Locale;

/**
 * What differs from one training run to the next.
 *
 * @param lambda weight of the I-STAR penalty: negative lowers isotropy, positive raises it; 0 trains without I-STAR
 * @param zeta shrinkage weight in [0, 1]
 * @param learningRate Adam's learning rate
 * @param seed seed of the initial weights and of the order of the batches
 */
record Setting(double lambda, double zeta, double learningRate, long seed) {

    boolean regularized() {
        return lambda != 0;
    }

    /** The same but for the seed. */
    Setting anySeed() {
        return new Setting(lambda, zeta, learningRate, 0);
    }

    /** λ with its sign. */
    String lambdaText() {
        return lambda == 0 ? "0" : format("+0.###;−0.###", lambda);
    }

    /** What is special about it, for a reader. */
    String name() {
        return regularized() ? "λ = " + lambdaText() + ", ζ = " + format("0.##", zeta) : "without I-STAR";
    }

    private static String format(String pattern, double value) {
        return new DecimalFormat(pattern, DecimalFormatSymbols.getInstance(Locale.ROOT)).format(value);
    }
}
