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
            isoScoreStarGrowth(),
            trainingStep(),
            shrinkageCovariance());

    private static Case isoScoreStarGrowth() {
        String large = "(4096|8192|16384|32768)x768|4096x(1024|1536|2048)";
        return new Case(
                IsoScoreStarGrowthBenchmark.class,
                "IsoScore*, growth",
                "As above: in N at 768 features, in features at 4 096 points, and across N = n at 1 024 features.",
                List.of(
                        "256x768", "512x768", "1024x768", "2048x768", "4096x768", "8192x768", "16384x768", "32768x768",
                        "4096x64", "4096x128", "4096x256", "4096x512", "4096x1024", "4096x1536", "4096x2048",
                        "512x1024", "768x1024", "1000x1024", "1024x1024", "1100x1024", "2048x1024"),
                "40x96",
                List.of(
                        Target.time(CLOSED_FORM, large, 0.9),
                        Target.time(CLOSED_FORM, "(?!" + large + ").*", 1.1),
                        Target.gemmRate(large, 0.7)));
    }

    private static Case trainingStep() {
        return new Case(
                TrainingStepBenchmark.class,
                "I-STAR in a training step",
                "LSTM: 4 layers of 256, minibatch 32 × 64 tokens, one penalty over the union (ComputationGraph) or one behind"
                        + " each layer (MultiLayerNetwork). Encoder: 6 attention layers of width 256 with residuals,"
                        + " minibatch 8 × 64. The penalty's share is the ratio to the same step without it; what it costs"
                        + " PyTorch is the quotient of PyTorch's two columns.",
                List.of("lstm-union", "lstm-layers", "encoder-union"),
                "lstm-union-smoke",
                List.of(Target.time(TrainingStepBenchmark.PLAIN, ".*", 1.1)));
    }

    private static Case shrinkageCovariance() {
        return new Case(
                ShrinkageCovarianceBenchmark.class,
                "Shrinkage covariance of a stream",
                "Points × features in batches of so many rows, float32 in, double out.",
                List.of("250000x768x2048", "250000x768x4096"),
                "5000x96x2048",
                List.of(Target.gemmRate(".*", 0.7)));
    }

    String name() {
        return benchmark.getSimpleName().replace("Benchmark", "");
    }
}
