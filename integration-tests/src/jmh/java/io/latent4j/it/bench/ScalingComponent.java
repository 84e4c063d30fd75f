/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.NextSequenceContrast;
import io.latent4j.cosup.Pairing;
import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.LuceneSequenceIndex;
import io.latent4j.cosup.retrieval.SequenceIndex;
import io.latent4j.istar.IsoScoreStar;
import io.latent4j.istar.Points;
import io.latent4j.istar.ShrinkageCovariance;
import io.latent4j.vocabsem.RnnSemanticLogits;
import io.latent4j.vocabsem.SemanticBases;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/** What scales, what it costs, and which sizes are measured. */
enum ScalingComponent {
    ISO_SCORE(
            "IsoScore*, value and gradient",
            "N = %1$d, d = %2$d",
            Shared.RATES,
            grid(new long[] {1024, 4096, 16384}, new long[] {128, 256, 512, 1024}, new long[] {1}),
            List.of(
                    new Scale(4096, 768, 1),
                    new Scale(24576, 768, 1),
                    new Scale(8192, 2048, 1),
                    new Scale(8192, 4096, 1)),
            List.of(new Scale(24576, 4096, 1), new Scale(24576, 8192, 1))) {
        @Override
        double[] costs(Scale s) {
            double less = Math.min(s.count(), s.width());
            return computed(3.0 * s.count() * s.width() * less, 16.0 * s.count() * s.width() + 16 * less * less);
        }

        /** Points, gradient, M and its gradient form. */
        @Override
        double memory(Scale s) {
            return 8.0 * s.count() * s.width() + 8.0 * s.width() * s.width();
        }

        @Override
        Work prepare(Scale s) {
            INDArray points = random(s.count(), s.width());
            INDArray epsilon = Nd4j.create(DataType.FLOAT, new long[] {s.count(), s.width()}, 'c');
            return () -> IsoScoreStar.evaluate("points", List.of(Points.rows(points)), null, 0, true)
                    .addGradient(1, List.of(epsilon));
        }
    },

    COVARIANCE(
            "Σ_S, one pass over 250 000 points",
            "N = %1$d, d = %2$d",
            Shared.RATES,
            grid(new long[] {4096, 16384, 32768}, new long[] {128, 256, 512, 1024}, new long[] {1}),
            List.of(new Scale(65536, 768, 1), new Scale(16384, 2048, 1), new Scale(16384, 4096, 1)),
            List.of(new Scale(250_000, 768, 1), new Scale(250_000, 4096, 1), new Scale(250_000, 8192, 1))) {
        @Override
        double[] costs(Scale s) {
            return computed((double) s.count() * s.width() * s.width(), 4.0 * s.count() * s.width());
        }

        /** A block of points, and the sums. */
        @Override
        double memory(Scale s) {
            return 4.0 * BATCH * s.width() + 20.0 * s.width() * s.width();
        }

        @Override
        Work prepare(Scale s) {
            INDArray batch = random(BATCH, s.width());
            return () -> {
                ShrinkageCovariance covariance = new ShrinkageCovariance((int) s.width());
                for (long row = 0; row < s.count(); row += BATCH) {
                    covariance.add(batch);
                }
                covariance.covariance();
            };
        }
    },

    BASES(
            "Semantic bases of a whole head",
            "d = %2$d, V = %3$d",
            Shared.RATES,
            grid(new long[] {1}, new long[] {128, 256, 512}, new long[] {4096, 16384, 32768}),
            List.of(new Scale(1, 768, 30522), new Scale(1, 768, 50257), new Scale(1, 1024, 32768)),
            List.of(new Scale(1, 4096, 128_256), new Scale(1, 8192, 128_256), new Scale(1, 8192, 262_144))) {
        @Override
        double[] costs(Scale s) {
            double d = s.width();
            return computed(3 * d * d * s.candidates() + d * d * d, 4 * 3 * d * s.candidates());
        }

        /** Head, bases, and some d × d matrices in double. */
        @Override
        double memory(Scale s) {
            return 8.0 * s.width() * s.candidates() + 40.0 * s.width() * s.width();
        }

        @Override
        Work prepare(Scale s) {
            INDArray head = random(s.width(), s.candidates());
            return () -> SemanticBases.fromHead(head);
        }
    },

    FROZEN_LOGITS("Semantic logits, frozen bases, loss and gradient") {
        @Override
        double[] costs(Scale s) {
            return logitsCosts(s, 4);
        }

        /** Bases and a block of logits. */
        @Override
        double memory(Scale s) {
            return 4.0 * s.width() * s.candidates() + (64 << 20);
        }

        @Override
        Work prepare(Scale s) {
            return logits(s, false);
        }
    },

    TRAINED_LOGITS("Semantic logits, trained bases, loss and gradients") {
        @Override
        double[] costs(Scale s) {
            return logitsCosts(s, 6);
        }

        /** Bases, their gradient, Adam's two moments, and a quarter of the logits. */
        @Override
        double memory(Scale s) {
            return 16.0 * s.width() * s.candidates() + 1.0 * s.count() * s.candidates();
        }

        @Override
        Work prepare(Scale s) {
            return logits(s, true);
        }
    },

    CONTRAST(
            "Next-sequence contrast, loss and gradients",
            "B = %1$d, d = %2$d, M = %3$d",
            Shared.RATES,
            grid(new long[] {64, 256, 1024}, new long[] {128, 256, 768}, new long[] {1024, 4096}),
            List.of(new Scale(512, 512, 2048), new Scale(2048, 768, 8192), new Scale(4096, 768, 8192)),
            List.of(new Scale(4096, 4096, 65_536), new Scale(32_768, 8192, 65_536))) {
        @Override
        double[] costs(Scale s) {
            return computed(6.0 * s.count() * s.width() * s.candidates(), 12.0 * s.count() * s.candidates());
        }

        /** Queries, keys, their gradients, and a block of scores. */
        @Override
        double memory(Scale s) {
            return 8.0 * s.width() * (s.count() + s.candidates()) + (64 << 20);
        }

        @Override
        Work prepare(Scale s) {
            INDArray queries = random(s.count(), s.width()).muli(0.1);
            INDArray keys = random(s.candidates(), s.width()).muli(0.1);
            INDArray gradient = keys.ulike();
            Pairing pairing = Pairing.diagonal((int) s.count());
            return () -> NextSequenceContrast.withGradients(queries, keys, pairing, Contrast.PAPER, 1, gradient);
        }
    },

    EXACT_SEARCH(
            "Exact search, top 10",
            "%1$d queries, d = %2$d, %3$d passages",
            Shared.RATES,
            grid(new long[] {1, 16, 64}, new long[] {64, 256}, new long[] {16_384, 65_536, 131_072}),
            List.of(
                    new Scale(8, 128, 100_000),
                    new Scale(64, 128, 200_000),
                    new Scale(1, 256, 500_000),
                    new Scale(64, 256, 500_000)),
            List.of(
                    new Scale(64, 256, 10_000_000),
                    new Scale(64, 256, 1_000_000_000),
                    new Scale(64, 8192, 1_000_000_000))) {
        @Override
        double[] costs(Scale s) {
            return computed(
                    2.0 * s.count() * s.width() * s.candidates(),
                    4.0 * s.width() * s.candidates() + 8.0 * s.count() * s.candidates());
        }

        /** Vectors, and about 150 bytes of an id in the heap. */
        @Override
        double memory(Scale s) {
            return (4.0 * s.width() + 150) * s.candidates();
        }

        @Override
        Work prepare(Scale s) {
            ExactSequenceIndex index = new ExactSequenceIndex((int) s.width());
            fill(index, s);
            return search(index, s);
        }
    },

    APPROXIMATE_SEARCH(
            "HNSW search (Lucene), top 10",
            "%1$d query, d = %2$d, %3$d passages",
            List.of("call", "log₂ V", "1000 d · log₂ V"),
            grid(new long[] {1}, new long[] {32, 128, 256}, new long[] {2_000, 8_000, 16_000}),
            List.of(new Scale(1, 64, 32_000), new Scale(1, 256, 32_000)),
            List.of(new Scale(1, 256, 10_000_000), new Scale(1, 256, 1_000_000_000))) {
        @Override
        double[] costs(Scale s) {
            double depth = Math.log(s.candidates()) / Math.log(2);
            return new double[] {1, depth * s.count(), depth * s.width() / 1000 * s.count()};
        }

        /** On disk, kept in memory by the system where there is room: vectors and 16 to 32 neighbours each. */
        @Override
        double memory(Scale s) {
            return (4.0 * s.width() + 150) * s.candidates();
        }

        @Override
        Work prepare(Scale s) throws IOException {
            Path folder = Files.createTempDirectory("latent4j-scaling");
            LuceneSequenceIndex index =
                    LuceneSequenceIndex.open(folder, new LuceneSequenceIndex.Builder().dimension((int) s.width()));
            fill(index, s);
            index.commit();
            index.refresh();
            Work search = search(index, s);
            return new Work() {
                @Override
                public void run() {
                    search.run();
                }

                @Override
                public void close() {
                    search.close();
                    try (Stream<Path> files = Files.list(folder)) {
                        for (Path file : files.toList()) {
                            Files.delete(file);
                        }
                        Files.delete(folder);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            };
        }
    };

    private static final int BATCH = 4096;

    private final String title;
    private final String label;
    private final List<String> costNames;
    private final List<Scale> fitted;
    private final List<Scale> heldBack;
    private final List<Scale> asked;

    /** Semantic logits: positions, features, tokens. */
    ScalingComponent(String title) {
        this(
                title,
                "P = %1$d, d = %2$d, V = %3$d",
                Shared.RATES,
                grid(new long[] {256, 1024}, new long[] {128, 256, 768}, new long[] {1024, 4096, 16_384}),
                List.of(new Scale(512, 512, 8192), new Scale(1024, 768, 50_257), new Scale(512, 768, 131_072)),
                List.of(
                        new Scale(1024, 4096, 128_256),
                        new Scale(1024, 8192, 128_256),
                        new Scale(1024, 8192, 262_144)));
    }

    ScalingComponent(
            String title,
            String label,
            List<String> costNames,
            List<Scale> fitted,
            List<Scale> heldBack,
            List<Scale> asked) {
        this.title = title;
        this.label = label;
        this.costNames = costNames;
        this.fitted = fitted;
        this.heldBack = heldBack;
        this.asked = asked;
    }

    /** Something to be timed, and done with. */
    interface Work extends Runnable, AutoCloseable {
        @Override
        default void close() {}
    }

    final String title() {
        return title;
    }

    final String label() {
        return label;
    }

    final List<String> costNames() {
        return costNames;
    }

    /** The costs of a call: 1, and what the names say. */
    abstract double[] costs(Scale s);

    /** Bytes in all, arguments included. */
    abstract double memory(Scale s);

    abstract Work prepare(Scale s) throws IOException;

    final List<Scale> fitted() {
        return fitted;
    }

    final List<Scale> heldBack() {
        return heldBack;
    }

    final List<Scale> asked() {
        return asked;
    }

    /** An enum's constants can't read its other static fields. */
    private static final class Shared {
        static final List<String> RATES = List.of("call", "GFLOP", "GB");
    }

    private static double[] computed(double flops, double bytes) {
        return new double[] {1, flops / 1e9, bytes / 1e9};
    }

    /** Bases are read once for each product and block, logits are written, read and written, and read. */
    private static double[] logitsCosts(Scale s, int flops) {
        return computed(
                (double) flops * s.count() * s.width() * s.candidates(),
                4.0 * 3 * s.count() * s.candidates() + 4.0 * flops / 2 * s.width() * s.candidates());
    }

    private static Work logits(Scale s, boolean trained) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Sgd(1e-3))
                .list()
                .layer(new RnnSemanticLogits.Builder(new LossSparseMCXENT())
                        .bases(SemanticBases.fromEmbedding(random(s.candidates(), s.width())))
                        .trainableBases(trained)
                        .build())
                .setInputType(InputType.recurrent(s.width(), s.count()))
                .build());
        network.init();
        INDArray features = Nd4j.randn(DataType.FLOAT, 1, s.width(), s.count());
        INDArray labels = Nd4j.createFromArray(LongStream.range(0, s.count())
                        .mapToInt(i -> (int) (i * 7919 % s.candidates()))
                        .toArray())
                .reshape(1, 1, s.count());
        return () -> {
            network.setInput(features);
            network.setLabels(labels);
            network.computeGradientAndScore();
        };
    }

    private static void fill(SequenceIndex index, Scale s) {
        for (long from = 0; from < s.candidates(); from += 8192) {
            long to = Math.min(s.candidates(), from + 8192);
            index.add(LongStream.range(from, to).mapToObj(Long::toString).toList(), random(to - from, s.width()));
        }
    }

    private static Work search(SequenceIndex index, Scale s) {
        INDArray queries = random(s.count(), s.width());
        return new Work() {
            @Override
            public void run() {
                index.search(queries, 10);
            }

            @Override
            public void close() {
                index.close();
            }
        };
    }

    private static INDArray random(long rows, long columns) {
        return Nd4j.randn(DataType.FLOAT, rows, columns);
    }

    private static List<Scale> grid(long[] counts, long[] widths, long[] candidates) {
        return LongStream.of(counts)
                .boxed()
                .flatMap(count -> LongStream.of(widths).boxed().flatMap(width -> LongStream.of(candidates)
                        .mapToObj(many -> new Scale(count, width, many))))
                .toList();
    }
}
