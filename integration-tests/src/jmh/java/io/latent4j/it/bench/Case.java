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
                    List.of("64x768", "512x128", "4096x256", "4096x768", "24576x768", "8192x1024", "8192x4096"),
                    "64x96",
                    List.of(
                            Target.time(SVD, "64x768|4096x768|24576x768|8192x1024|8192x4096", 0.35),
                            Target.time(CLOSED_FORM, "4096x768|24576x768|8192x1024|8192x4096", 0.9),
                            Target.time(CLOSED_FORM, "64x768|512x128|4096x256", 1.1),
                            Target.gemmRate("4096x768|24576x768|8192x1024|8192x4096", 0.7))),
            isoScoreStarGrowth(),
            trainingStep(),
            shrinkageCovariance(),
            semanticBases(),
            streamedBases(),
            semanticLogits(),
            contrast(),
            exactSearch(),
            graphSearch(),
            adaptation(),
            coSupervisedStep(),
            startUp(),
            quickstart());

    private static Case isoScoreStarGrowth() {
        String large = "(4096|8192|16384|32768)x768|4096x(1024|1536|2048)";
        return new Case(
                IsoScoreStarGrowthBenchmark.class,
                "IsoScore*, growth",
                "As above: in N at 768 features, in features at 4 096 points, and across N = n at 1 024 features.",
                List.of(
                        "256x768",
                        "512x768",
                        "1024x768",
                        "2048x768",
                        "4096x768",
                        "8192x768",
                        "16384x768",
                        "32768x768",
                        "4096x64",
                        "4096x128",
                        "4096x256",
                        "4096x512",
                        "4096x1024",
                        "4096x1536",
                        "4096x2048",
                        "512x1024",
                        "768x1024",
                        "1000x1024",
                        "1024x1024",
                        "1100x1024",
                        "2048x1024"),
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

    private static Case semanticBases() {
        return new Case(
                SemanticBasesBenchmark.class,
                "Semantic bases of all tokens",
                "Features × tokens of a float32 head in memory; the bases in float32. Extra memory: beside the head, the"
                        + " bases included.",
                List.of("768x30522", "768x50257"),
                "64x500",
                List.of(
                        Target.time("torch.linalg.pinv", "768x50257", 0.2),
                        Target.memory("torch.linalg.pinv", "768x50257", 1 / 3.0)));
    }

    private static Case streamedBases() {
        return new Case(
                StreamedBasesBenchmark.class,
                "Semantic bases, streamed from a file",
                "Features × tokens of a float32 head in a safetensors file; the bases in float32. Extra memory: pages of"
                        + " the file and the bases included.",
                List.of("4096x128256"),
                "64x500",
                List.of());
    }

    private static Case semanticLogits() {
        return new Case(
                SemanticLogitsBenchmark.class,
                "Semantic logits and cross-entropy, loss and gradients",
                "Tokens; 1024 positions of 768 features, float32, scale 10.",
                List.of("6 frozen", "6 trained", "1000 frozen", "1000 trained", "50257 frozen", "50257 trained"),
                "100 trained",
                List.of(
                        Target.time("cosine logits", "50257.*", 1.1),
                        Target.time("cosine logits", "(6|1000) .*", 1.3)));
    }

    private static Case adaptation() {
        return new Case(
                AdaptationBenchmark.class,
                "Adaptation by neural clustering",
                "Examples × features × epochs; 6 classes, minibatches of 256, AdamW.",
                List.of("2048x768x4"),
                "512x32x1",
                List.of());
    }

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

    private static Case exactSearch() {
        return new Case(
                ExactSearchBenchmark.class,
                "Exact search",
                "Vectors of 256 dimensions × queries, the ten best of each.",
                List.of("100000x1", "100000x64", "1000000x1", "1000000x64"),
                "3000x5",
                List.of(Target.gemmRate("\\d+x64", 0.6)));
    }

    private static Case graphSearch() {
        String asked = "100000 latent, 50 candidates";
        return new Case(
                GraphSearchBenchmark.class,
                "Approximate search (Lucene's HNSW)",
                "The ten best of vectors of 256 dimensions for 64 queries, one after the other in one thread; PyTorch has no"
                        + " such graph and searches exactly, with two threads. \"latent\": 32 directions matter and there"
                        + " are 1000 topics, as encoders of text have them; \"isotropic\": no structure at all, the worst"
                        + " case. The graph is built with two threads.",
                List.of(
                        "100000 latent, 20 candidates",
                        asked,
                        "100000 latent, 100 candidates",
                        "100000 latent, 200 candidates",
                        "20000 isotropic, 200 candidates",
                        "20000 isotropic, 1000 candidates"),
                "2000 latent, 50 candidates",
                List.of(Target.fact("recall@10", asked, 0.95), Target.fact("queries/s", asked, 500)));
    }

    private static Case coSupervisedStep() {
        return new Case(
                CoSupervisedStepBenchmark.class,
                "Co-supervised training step",
                "Gen and Emb_seq, an LSTM each, with both losses; texts × tokens of a vocabulary, state width.",
                List.of("32x64 of 8000, 256"),
                "4x8 of 50, 16",
                List.of());
    }

    private static Case startUp() {
        return new Case(
                StartUpBenchmark.class,
                "Whole processes",
                "From the shell's command to its end: a program that takes one score, and the quickstart's help.",
                List.of(StartUpBenchmark.FIRST_SCORE, StartUpBenchmark.HELP),
                StartUpBenchmark.FIRST_SCORE,
                List.of());
    }

    private static Case quickstart() {
        return new Case(
                QuickstartBenchmark.class,
                "The quickstart as a whole",
                "From the shell's command to its end, with 200 texts per network and no search, report included; all else"
                        + " the quickstart's own defaults. Without options it takes the minutes it is given.",
                List.of(StartUpBenchmark.LEAST),
                StartUpBenchmark.HELP,
                List.of());
    }

    String name() {
        return benchmark.getSimpleName().replace("Benchmark", "");
    }
}
