/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.Similarity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.evaluation.regression.RegressionEvaluation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class RetrievalEvaluationTest {

    /** Two examples of two steps, three keys along the axes and one along the first, twice as long. */
    private static final INDArray PREDICTIONS = Nd4j.create(new float[][] {
        {1, 2, 0}, {3, 1, 2}, {9, 9, 9}, {0, 0, 1}, // states
        {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {2, 0, 0}, // keys
        {7, 7, 7} // memory
    });

    private static INDArray labels() {
        int[][][] labels = {{{1, 2}, {-1, 1}}, {{-1, 2}, {-1, -1}}};
        return Nd4j.createFromArray(labels);
    }

    @Test
    void closedForm() {
        RetrievalEvaluation evaluation = new RetrievalEvaluation(1, 2).memorySize(1);
        evaluation.eval(labels(), PREDICTIONS);
        // (0,0): scores 1 2 0 2, positive 1 ties with key 3: rank 2
        // (0,1): scores 3 1 2 6, positives 2 and 1: ranks 3 and 4
        // (1,1): scores 0 0 1 0, positive 2: rank 1
        RetrievalMetrics metrics = evaluation.metrics();
        assertEquals(3, metrics.queries());
        assertEquals((1 / 2.0 + 1 / 3.0 + 1) / 3, metrics.meanReciprocalRank(), 1e-15);
        assertEquals(1 / 3.0, metrics.recallAt(1), 1e-15);
        assertEquals(2 / 3.0, metrics.recallAt(2), 1e-15);
        assertEquals((1 / 2.0 + 0 + 1 / 2.0) / 3, metrics.precisionAt(2), 1e-15);
        assertEquals(4, evaluation.meanCandidates());
        assertEquals(metrics.recallAt(1), evaluation.getValue(RetrievalEvaluation.Metric.RECALL));
        assertEquals(metrics.precisionAt(1), evaluation.getValue(RetrievalEvaluation.Metric.PRECISION));
        assertEquals(
                metrics.meanReciprocalRank(), evaluation.getValue(RetrievalEvaluation.Metric.MEAN_RECIPROCAL_RANK));
    }

    @Test
    void cosineIgnoresLengths() {
        RetrievalEvaluation evaluation =
                new RetrievalEvaluation(1).memorySize(1).similarity(Similarity.COSINE);
        evaluation.eval(labels(), PREDICTIONS);
        // (0,0): 1 2 0 1: rank 1; (0,1): 3 1 2 3: ranks 3, 4; (1,1): rank 1
        assertEquals((1 + 1 / 3.0 + 1) / 3, evaluation.metrics().meanReciprocalRank(), 1e-15);
    }

    @Test
    void maskedStepsDoNotCount() {
        RetrievalEvaluation evaluation = new RetrievalEvaluation(1).memorySize(1);
        evaluation.eval(labels(), PREDICTIONS, Nd4j.createFromArray(new float[][] {{0, 0}, {0, 1}}));
        assertEquals(1, evaluation.metrics().queries());
        assertEquals(1, evaluation.metrics().recallAt(1));
        evaluation.eval(labels(), PREDICTIONS, Nd4j.zeros(2, 2));
        assertEquals(1, evaluation.metrics().queries());
    }

    /** Constant states must not look like good ones. */
    @Test
    void tiesRankLast() {
        RetrievalEvaluation evaluation = new RetrievalEvaluation(1);
        evaluation.eval(Nd4j.createFromArray(new int[][][] {{{0}}}), Nd4j.ones(1 + 4, 2));
        assertEquals(1 / 4.0, evaluation.metrics().meanReciprocalRank());
    }

    /** Against rankings made by sorting plain Java products. */
    @ParameterizedTest
    @EnumSource(Similarity.class)
    void agreesWithSortedLists(Similarity similarity) {
        Random random = new Random(3);
        int examples = 3;
        int steps = 5;
        int keys = 11;
        double[][] rows = new double[examples * steps + keys][4];
        Arrays.stream(rows).forEach(row -> Arrays.setAll(row, i -> random.nextGaussian()));
        int[][][] labels = new int[examples][2][steps];
        float[][] mask = new float[examples][steps];
        List<List<Integer>> ranked = new ArrayList<>();
        List<Set<Integer>> relevant = new ArrayList<>();
        for (int n = 0; n < examples; n++) {
            for (int t = 0; t < steps; t++) {
                labels[n][0][t] = random.nextInt(keys);
                labels[n][1][t] = t % 2 == 0 ? -1 : (labels[n][0][t] + 1) % keys;
                mask[n][t] = random.nextInt(2);
                if (mask[n][t] == 1) {
                    double[] state = rows[n * steps + t];
                    double[] scores = IntStream.range(examples * steps, rows.length)
                            .mapToDouble(row -> dot(state, rows[row])
                                    / (similarity == Similarity.DOT ? 1 : Math.sqrt(dot(rows[row], rows[row]))))
                            .toArray();
                    ranked.add(IntStream.range(0, keys)
                            .boxed()
                            .sorted((a, b) -> Double.compare(scores[b], scores[a]))
                            .toList());
                    relevant.add(t % 2 == 0 ? Set.of(labels[n][0][t]) : Set.of(labels[n][0][t], labels[n][1][t]));
                }
            }
        }
        RetrievalEvaluation evaluation = new RetrievalEvaluation(1, 3).similarity(similarity);
        evaluation.eval(Nd4j.createFromArray(labels), Nd4j.createFromArray(rows), Nd4j.createFromArray(mask));
        RetrievalMetrics expected = RetrievalMetrics.of(ranked, relevant, 1, 3);
        assertEquals(expected.toText(), evaluation.metrics().toText());
    }

    private static double dot(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
    }

    @Test
    void mergesResetsAndSurvivesJson() {
        RetrievalEvaluation whole = new RetrievalEvaluation(1, 2).memorySize(1);
        whole.eval(labels(), PREDICTIONS);
        whole.eval(labels(), PREDICTIONS, Nd4j.createFromArray(new float[][] {{1, 0}, {0, 0}}));
        RetrievalEvaluation first = new RetrievalEvaluation(1, 2).memorySize(1);
        first.eval(labels(), PREDICTIONS);
        RetrievalEvaluation second = first.newInstance();
        second.eval(labels(), PREDICTIONS, Nd4j.createFromArray(new float[][] {{1, 0}, {0, 0}}));
        first.merge(second);
        assertEquals(whole, first);
        assertEquals(whole.hashCode(), first.hashCode());

        RetrievalEvaluation restored = RetrievalEvaluation.fromJson(whole.toJson());
        assertEquals(whole, restored);
        assertEquals(whole.stats(), restored.stats());
        assertNotEquals(whole, restored.newInstance());
        restored.reset();
        assertEquals(whole.newInstance(), restored);
        assertTrue(restored.stats().startsWith("queries 0, MRR NaN"), restored.stats());

        assertThrows(IllegalArgumentException.class, () -> whole.merge(new RetrievalEvaluation(1, 2)));
        assertThrows(IllegalArgumentException.class, () -> whole.merge(new RetrievalEvaluation(1).memorySize(1)));
    }

    @Test
    void refusesBadInputAndCountsNothing() {
        RetrievalEvaluation evaluation = new RetrievalEvaluation(1).memorySize(1);
        assertMessage("[N, K, T], found shape [2, 2]", evaluation, Nd4j.zeros(2, 2), PREDICTIONS, null);
        assertMessage("4 states, at least one key and 1 keys", evaluation, labels(), Nd4j.zeros(5, 3), null);
        assertMessage("must be of shape [2, 2], found [2, 3]", evaluation, labels(), PREDICTIONS, Nd4j.ones(2, 3));
        assertMessage("found none for example 1 at step 0", evaluation, labels(), PREDICTIONS, Nd4j.ones(2, 2));
        assertMessage(
                "below 4, the number of keys, found [4] for example 1 at step 1",
                evaluation,
                labels().putScalar(new int[] {1, 0, 1}, 4),
                PREDICTIONS,
                null);
        assertMessage(
                "must be finite, found a score of NaN",
                evaluation,
                labels(),
                PREDICTIONS.dup().putScalar(5, 1, Double.NaN),
                null);
        assertEquals(0, evaluation.metrics().queries());
        assertThrows(IllegalStateException.class, () -> evaluation.getValue(RegressionEvaluation.Metric.MSE));
        assertThrows(IllegalArgumentException.class, () -> evaluation.memorySize(-1));
    }

    private static void assertMessage(
            String part, RetrievalEvaluation evaluation, INDArray labels, INDArray predictions, INDArray mask) {
        String message = assertThrows(IllegalArgumentException.class, () -> evaluation.eval(labels, predictions, mask))
                .getMessage();
        assertTrue(message.contains(part), message);
    }
}
