/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

/**
 * What a measurement should reach.
 *
 * @param measure which
 * @param arm the peer or yardstick, the name of what the benchmark tells, or empty
 * @param sizes regular expression of the sizes it holds for
 * @param limit at most this ratio, or at least this rate
 */
record Target(Measure measure, String arm, String sizes, double limit) {
    enum Measure {
        /** Our time to the arm's, at most. */
        TIME("time / that of "),
        /** Our extra memory to the arm's, at most. */
        MEMORY("extra memory / that of "),
        /** Our necessary operations per second to those of the machine's matrix product, at least. */
        GEMM_RATE("GEMM rate reached"),
        /** Something else that the benchmark tells, at least. */
        FACT("");

        private final String label;

        Measure(String label) {
            this.label = label;
        }
    }

    static Target time(String arm, String sizes, double atMost) {
        return new Target(Measure.TIME, arm, sizes, atMost);
    }

    static Target memory(String arm, String sizes, double atMost) {
        return new Target(Measure.MEMORY, arm, sizes, atMost);
    }

    static Target gemmRate(String sizes, double atLeast) {
        return new Target(Measure.GEMM_RATE, "", sizes, atLeast);
    }

    static Target fact(String name, String sizes, double atLeast) {
        return new Target(Measure.FACT, name, sizes, atLeast);
    }

    /** Whether more is better. */
    boolean atLeast() {
        return measure == Measure.GEMM_RATE || measure == Measure.FACT;
    }

    String label() {
        return measure.label + arm;
    }

    /** What was measured, NaN if it was not. */
    double found(Comparison comparison) {
        if (!comparison.size().matches(sizes)) {
            return Double.NaN;
        }
        return switch (measure) {
            case TIME -> comparison.ratio(arm);
            case MEMORY -> comparison.memoryRatio(arm);
            case GEMM_RATE -> comparison.gemmShare();
            case FACT -> comparison.extras().getOrDefault(arm, Double.NaN);
        };
    }

    boolean met(double found) {
        return atLeast() ? found >= limit : found <= limit;
    }
}
