/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

/**
 * How well classes were predicted.
 *
 * @param accuracy share of texts in the right class
 * @param macroF1 mean of F1 over all classes; a class that is neither predicted nor there counts 0
 */
record Score(double accuracy, double macroF1) {
    static Score of(int[] gold, int[] predicted, int classes) {
        if (gold.length != predicted.length || gold.length == 0) {
            throw new IllegalArgumentException(
                    "predicted: expected " + gold.length + " (and at least 1) classes, found " + predicted.length);
        }
        int[] hits = new int[classes];
        int[] claims = new int[classes]; // predicted plus gold
        int right = 0;
        for (int i = 0; i < gold.length; i++) {
            claims[gold[i]]++;
            claims[predicted[i]]++;
            if (gold[i] == predicted[i]) {
                hits[gold[i]]++;
                right++;
            }
        }
        double f1 = 0;
        for (int c = 0; c < classes; c++) {
            f1 += claims[c] == 0 ? 0 : 2.0 * hits[c] / claims[c];
        }
        return new Score((double) right / gold.length, f1 / classes);
    }
}
