/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.cuda;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.LossNextSequence;
import io.latent4j.cosup.NextSequenceContrast;
import io.latent4j.cosup.Pairing;
import io.latent4j.istar.CosineRegularizer;
import io.latent4j.istar.IsoScoreStar;
import io.latent4j.istar.Points;
import io.latent4j.istar.ShrinkageCovariance;
import io.latent4j.vocabsem.LossCosineDistance;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticCalibration;
import io.latent4j.vocabsem.Similarity;
import io.latent4j.vocabsem.SparseCrossEntropy;
import io.latent4j.vocabsem.VocabularyLogits;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** A kernel on an input that is the same on every backend. */
enum KernelCase {
    /** More points than features: by the covariance. */
    ISO_SCORE_STAR(type -> {
        Points points = Points.rows(gaussian(type, 1, 40, 6), weights(type, 40));
        INDArray shrinkage =
                new ShrinkageCovariance(6).add(gaussian(type, 2, 30, 6)).covariance();
        IsoScoreStar.ScoreAndGradient result = IsoScoreStar.withGradient(points, shrinkage, 0.2);
        return Map.of("score", scalar(result.score()), "gradient", result.gradient());
    }),
    /** Fewer points than features: by the Gram matrix. */
    ISO_SCORE_STAR_GRAM(type -> {
        Points points = Points.timeSteps(gaussian(type, 3, 2, 12, 4), false, mask(type, 2, 4));
        IsoScoreStar.ScoreAndGradient result = IsoScoreStar.withGradient(points);
        return Map.of("score", scalar(result.score()), "gradient", result.gradient());
    }),
    SHRINKAGE_COVARIANCE(type -> {
        ShrinkageCovariance covariance = new ShrinkageCovariance(5)
                .add(gaussian(type, 4, 9, 5))
                .merge(new ShrinkageCovariance(5).add(gaussian(type, 5, 17, 5)));
        return Map.of("mean", covariance.mean(), "covariance", covariance.covariance());
    }),
    COSINE_REGULARIZER(type -> {
        INDArray array = gaussian(type, 6, 9, 5);
        INDArray gradient = Nd4j.zeros(type, 9, 5);
        CosineRegularizer.Evaluation evaluation = CosineRegularizer.evaluate("points", Points.rows(array));
        evaluation.addGradient(2, gradient);
        return Map.of("value", scalar(evaluation.value()), "gradient", gradient);
    }),
    SEMANTIC_BASES(type -> Map.of(
            "tall", SemanticBases.fromHead(gaussian(type, 7, 6, 20)).matrix(),
            "wide", SemanticBases.fromHead(gaussian(type, 8, 9, 4)).matrix())),
    VOCABULARY_LOGITS(type -> {
        Map<String, INDArray> all = new LinkedHashMap<>();
        INDArray states = gaussian(type, 9, 7, 5);
        INDArray bases = gaussian(type, 10, 11, 5);
        for (Similarity similarity : Similarity.values()) {
            INDArray logits = VocabularyLogits.of(states, bases, similarity, 1.5);
            all.put(similarity + " logits", logits.dup());
            INDArray basesGradient = Nd4j.createUninitialized(type, new long[] {11, 5}, 'c');
            VocabularyLogits.Gradients gradients = VocabularyLogits.gradients(
                    states, bases, similarity, 1.5, logits, gaussian(type, 11, 7, 11), basesGradient);
            all.put(similarity + " states", gradients.states());
            all.put(similarity + " scale", scalar(gradients.logScale()));
            all.put(similarity + " bases", basesGradient);
        }
        return all;
    }),
    SPARSE_CROSS_ENTROPY(type -> {
        Map<String, INDArray> all = new LinkedHashMap<>();
        for (Similarity similarity : Similarity.values()) {
            INDArray basesGradient = Nd4j.createUninitialized(type, new long[] {11, 5}, 'c');
            SparseCrossEntropy.Result result = SparseCrossEntropy.withGradients(
                    gaussian(type, 9, 7, 5),
                    gaussian(type, 10, 11, 5),
                    similarity,
                    1.5,
                    Nd4j.createFromArray(0, 10, 3, 3, 7, 1, 2),
                    weights(type, 7),
                    0,
                    basesGradient);
            all.put(similarity + " losses", result.losses());
            all.put(similarity + " states", result.states());
            all.put(similarity + " scale", scalar(result.logScale()));
            all.put(similarity + " bases", basesGradient);
        }
        return all;
    }),
    SEMANTIC_CALIBRATION(type -> {
        SemanticCalibration.Weights weights = new SemanticCalibration.Weights(
                gaussian(type, 12, 6, 3),
                gaussian(type, 13, 3, 6),
                gaussian(type, 14, 6, 8),
                gaussian(type, 15, 8, 6),
                gaussian(type, 16, 1, 6),
                gaussian(type, 17, 1, 6));
        SemanticCalibration.Weights gradients = new SemanticCalibration.Weights(
                weights.down().ulike(),
                weights.up().ulike(),
                weights.hidden().ulike(),
                weights.out().ulike(),
                weights.gain().ulike(),
                weights.bias().ulike());
        SemanticCalibration.Evaluation evaluation =
                SemanticCalibration.evaluate(gaussian(type, 18, 9, 6), weights, SemanticCalibration.Options.PAPER);
        INDArray output = evaluation.output().dup();
        INDArray states = evaluation.backpropagate(gaussian(type, 19, 9, 6), gradients);
        return Map.of(
                "output", output,
                "states", states,
                "down", gradients.down(),
                "up", gradients.up(),
                "hidden", gradients.hidden(),
                "out", gradients.out(),
                "gain", gradients.gain(),
                "bias", gradients.bias());
    }),
    LOSS_COSINE_DISTANCE(type -> ofLoss(new LossCosineDistance(), gaussian(type, 20, 6, 5), gaussian(type, 21, 6, 5))),
    NEXT_SEQUENCE_CONTRAST(type -> {
        Map<String, INDArray> all = new LinkedHashMap<>();
        for (Way similarity : Way.values()) {
            Pairing pairing = Pairing.of(new int[][] {{0}, {1, 4}, {2}})
                    .withoutDuplicates(new long[] {1, 2, 3, 1, 5, 6})
                    .withOwnKeys(5);
            NextSequenceContrast.Result result = NextSequenceContrast.withGradients(
                    gaussian(type, 22, 3, 7), gaussian(type, 23, 6, 7), pairing, similarity.contrast);
            all.put(similarity + " losses", result.losses());
            all.put(similarity + " queries", result.queries());
            all.put(similarity + " keys", result.keys());
        }
        return all;
    }),
    LOSS_NEXT_SEQUENCE(type -> ofLoss(new LossNextSequence(), gaussian(type, 24, 6, 10), gaussian(type, 25, 6, 5)));

    private final Function<DataType, Map<String, INDArray>> results;

    KernelCase(Function<DataType, Map<String, INDArray>> results) {
        this.results = results;
    }

    /** What the kernel gives on this backend, row by row. */
    Map<String, double[]> results(DataType type) {
        Map<String, double[]> all = new LinkedHashMap<>();
        results.apply(type).entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(e -> all.put(
                        e.getKey(),
                        e.getValue().castTo(DataType.DOUBLE).dup('c').data().asDouble()));
        return all;
    }

    private enum Way {
        PAPER(Contrast.PAPER),
        COSINE(Contrast.PAPER
                .withSimilarity(io.latent4j.cosup.Similarity.COSINE)
                .withTemperature(0.2)
                .withSymmetric(true));

        private final Contrast contrast;

        Way(Contrast contrast) {
            this.contrast = contrast;
        }
    }

    private static Map<String, INDArray> ofLoss(ILossFunction loss, INDArray labels, INDArray output) {
        INDArray mask = Nd4j.createFromArray(1.0, 1, 0, 1, 1, 1)
                .castTo(output.dataType())
                .reshape(new long[] {6, 1});
        Pair<Double, INDArray> result =
                loss.computeGradientAndScore(labels, output, new ActivationIdentity(), mask, false);
        return Map.of(
                "score", scalar(result.getFirst()),
                "gradient", result.getSecond(),
                "examples", loss.computeScoreArray(labels, output, new ActivationIdentity(), mask));
    }

    private static INDArray scalar(double value) {
        return Nd4j.createFromArray(value);
    }

    /** Not ND4J's random numbers: each backend has its own. */
    private static INDArray gaussian(DataType type, long seed, long... shape) {
        Random random = new Random(seed);
        double[] values = new double[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        Arrays.setAll(values, i -> (float) random.nextGaussian());
        return Nd4j.createFromArray(values).castTo(type).reshape('c', shape);
    }

    private static INDArray weights(DataType type, int count) {
        double[] values = new double[count];
        Arrays.setAll(values, i -> List.of(1.0, 0.0, 0.5, 2.0).get(i % 4));
        return Nd4j.createFromArray(values).castTo(type);
    }

    private static INDArray mask(DataType type, int examples, int steps) {
        double[][] values = new double[examples][steps];
        for (int i = 0; i < examples; i++) {
            Arrays.fill(values[i], 0, steps - i, 1);
        }
        return Nd4j.createFromArray(values).castTo(type);
    }
}
