/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

/** Semantic logits and their sparse cross-entropy once more, with plain loops in double. */
final class PlainLogits {
    private PlainLogits() {}

    static double[][] of(double[][] states, double[][] bases, Similarity similarity, double scale) {
        double[][] logits = new double[states.length][bases.length];
        for (int i = 0; i < states.length; i++) {
            for (int j = 0; j < bases.length; j++) {
                logits[i][j] = scale * similarity(states[i], bases[j], similarity);
            }
        }
        return logits;
    }

    private static double similarity(double[] r, double[] s, Similarity similarity) {
        double dot = 0;
        double rr = 0;
        double ss = 0;
        double distance = 0;
        for (int k = 0; k < r.length; k++) {
            dot += r[k] * s[k];
            rr += r[k] * r[k];
            ss += s[k] * s[k];
            distance += (r[k] - s[k]) * (r[k] - s[k]);
        }
        return switch (similarity) {
            case COSINE -> rr == 0 || ss == 0 ? 0 : dot / Math.sqrt(rr) / Math.sqrt(ss);
            case EUCLIDEAN -> -Math.sqrt(distance);
            case DOT -> dot;
        };
    }

    /** Sum of the weighted losses. */
    static double crossEntropy(double[][] logits, int[] labels, double[] weights) {
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            double max = Double.NEGATIVE_INFINITY;
            for (double logit : logits[i]) {
                max = Math.max(max, logit);
            }
            double normaliser = 0;
            for (double logit : logits[i]) {
                normaliser += Math.exp(logit - max);
            }
            if (weights[i] != 0) {
                sum += weights[i] * (max + Math.log(normaliser) - logits[i][labels[i]]);
            }
        }
        return sum;
    }
}
