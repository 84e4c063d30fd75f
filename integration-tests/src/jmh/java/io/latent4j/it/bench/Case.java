/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.util.List;

/**
 * A table of the page.
 *
 * @param benchmark what measures it
 * @param title its heading
 * @param what a sentence: what a call is, what the arms are
 * @param sizes what to measure
 * @param smoke the size that is tried for the harness' sake
 * @param targets what to reach
 */
record Case(
        Class<? extends PeerBenchmark> benchmark,
        String title,
        String what,
        List<String> sizes,
        String smoke,
        List<Target> targets) {

    private static final String CLOSED_FORM = "closed form";
    private static final String SVD = "published (SVD)";

    /** All cases, in the page's order. */
    static final List<Case> ALL = List.of(
            new Case(
                    IsoScoreStarBenchmark.class,
                    "IsoScore*, value and gradient",
                    "Points × features, float32, ζ = 0; the gradient is added to an existing array.",
                    List.of(
                            "64x768", "512x128", "4096x256", "4096x768", "24576x768", "8192x1024", "8192x4096"),
                    "64x96",
                    List.of(
                            Target.time(SVD, "64x768|4096x768|24576x768|8192x1024|8192x4096", 0.35),
                            Target.time(CLOSED_FORM, "4096x768|24576x768|8192x1024|8192x4096", 0.9),
                            Target.time(CLOSED_FORM, "64x768|512x128|4096x256", 1.1),
                            Target.gemmRate("4096x768|24576x768|8192x1024|8192x4096", 0.7))),
            contrast());

    private static Case contrast() {
        return new Case(
                NextSequenceContrastBenchmark.class,
                "Next-sequence contrast, loss and gradients",
                "B queries × 2B keys (B positives, B hard negatives) of 768 features, + a memory of past keys, which get"
                        + " no gradient.",
                List.of(
                        "64x128",
                        "512x1024",
                        "2048x4096",
                        "4096x8192",
                        "64x128+8192",
                        "512x1024+8192",
                        "2048x4096+8192",
                        "4096x8192+8192"),
                "32x64+128",
                List.of(Target.time("autograd", "(512|2048|4096)x.*", 1.1)));
    }

    String name() {
        return benchmark.getSimpleName().replace("Benchmark", "");
    }
}
