/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.nd4j.evaluation.regression.RegressionEvaluation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class TokenPerplexityTest {
    /** [N=2, V=2, T=2]: p of token 0 is 1/2, 1/4; 1/8, 1. */
    private static final INDArray PREDICTIONS =
            Nd4j.createFromArray(new double[][][] {{{0.5, 0.25}, {0.5, 0.75}}, {{0.125, 1}, {0.875, 0}}});

    private static final INDArray LABELS = Nd4j.createFromArray(new int[][][] {{{0, 0}}, {{0, 0}}});

    @Test
    void closedForm() {
        TokenPerplexity perplexity = new TokenPerplexity();
        perplexity.eval(LABELS, PREDICTIONS);
        // −ln(1/2 · 1/4 · 1/8 · 1) = 6 ln 2 over 4 tokens
        assertEquals(6 * Math.log(2) / 4, perplexity.crossEntropy(), 1e-15);
        assertEquals(Math.pow(2, 1.5), perplexity.perplexity(), 1e-14);
        assertEquals(4, perplexity.tokens());
        assertEquals(perplexity.perplexity(), perplexity.getValue(TokenPerplexity.Metric.PERPLEXITY));
        assertEquals(perplexity.crossEntropy(), perplexity.getValue(TokenPerplexity.Metric.CROSS_ENTROPY));
    }

    @Test
    void uniformPredictionsHaveTheVocabularyAsPerplexity() {
        TokenPerplexity perplexity = new TokenPerplexity();
        perplexity.eval(Nd4j.zeros(DataType.INT, 3, 1, 5), Nd4j.valueArrayOf(new long[] {3, 50, 5}, 0.02));
        assertEquals(50, perplexity.perplexity(), 50 * 1e-6); // 0.02 as a float
    }

    @Test
    void onlyMaskedInTargetsCount() {
        TokenPerplexity perplexity = new TokenPerplexity();
        INDArray labels = LABELS.dup().putScalar(new int[] {1, 0, 1}, -1); // is masked
        perplexity.eval(labels, PREDICTIONS, Nd4j.createFromArray(new float[][] {{0, 1}, {1, 0}}));
        assertEquals(5 * Math.log(2) / 2, perplexity.crossEntropy(), 1e-15);
        perplexity.reset();
        perplexity.eval(labels, PREDICTIONS, Nd4j.zeros(2, 2));
        assertEquals(0, perplexity.tokens());
        assertTrue(Double.isNaN(perplexity.perplexity()));
    }

    @Test
    void zeroProbabilityIsTheSmallestNormalFloat() {
        TokenPerplexity perplexity = new TokenPerplexity();
        perplexity.eval(
                LABELS.dup().putScalar(new int[] {1, 0, 1}, 1),
                PREDICTIONS,
                Nd4j.createFromArray(new float[][] {{0, 0}, {0, 1}}));
        assertEquals(126 * Math.log(2), perplexity.crossEntropy(), 1e-12);
    }

    @Test
    void mergesAndSurvivesJson() {
        TokenPerplexity whole = new TokenPerplexity();
        whole.eval(LABELS, PREDICTIONS);
        whole.eval(LABELS, PREDICTIONS, Nd4j.createFromArray(new float[][] {{0, 1}, {0, 0}}));
        TokenPerplexity first = new TokenPerplexity();
        first.eval(LABELS, PREDICTIONS);
        TokenPerplexity second = first.newInstance();
        second.eval(LABELS, PREDICTIONS, Nd4j.createFromArray(new float[][] {{0, 1}, {0, 0}}));
        first.merge(second);
        assertEquals(whole, first);
        assertEquals(whole.hashCode(), first.hashCode());
        TokenPerplexity restored = TokenPerplexity.fromJson(whole.toJson());
        assertEquals(whole, restored);
        assertEquals("perplexity 3.0314, 1.1090 nats per token, 5 tokens", restored.stats());
    }

    @Test
    void refusesBadInputAndCountsNothing() {
        TokenPerplexity perplexity = new TokenPerplexity();
        INDArray ones = Nd4j.ones(2, 2);
        assertMessage("[N, 1, T] and [N, V, T], found shapes [2, 2]", perplexity, ones, PREDICTIONS, ones);
        assertMessage("shape [2, 2], found [2, 3]", perplexity, LABELS, PREDICTIONS, Nd4j.ones(2, 3));
        assertMessage(
                "in [0, 2), found 2 of example 1 at step 1",
                perplexity,
                LABELS.dup().putScalar(new int[] {1, 0, 1}, 2),
                PREDICTIONS,
                ones);
        assertMessage("found -0.5 of example 0 at step 0", perplexity, LABELS, PREDICTIONS, ones.mul(-0.5));
        assertMessage(
                "probabilities in [0, 1], found 8.0 for the target of example 1 at step 1",
                perplexity,
                LABELS,
                PREDICTIONS.dup().putScalar(new int[] {1, 0, 1}, 8),
                ones);
        assertEquals(0, perplexity.tokens());
        assertThrows(IllegalStateException.class, () -> perplexity.getValue(RegressionEvaluation.Metric.MSE));
    }

    private static void assertMessage(
            String part, TokenPerplexity perplexity, INDArray labels, INDArray predictions, INDArray mask) {
        String message = assertThrows(IllegalArgumentException.class, () -> perplexity.eval(labels, predictions, mask))
                .getMessage();
        assertTrue(message.contains(part), message);
    }
}
