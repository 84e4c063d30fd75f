/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import java.util.List;

/**
 * A finished training run.
 *
 * @param setting what it was trained with
 * @param test the network after its last step, on test texts
 * @param validationAccuracy accuracy on validation texts; what the search looks at
 * @param curve how it got there
 * @param seconds wall-clock time of training and measuring
 */
record Run(Setting setting, Measurement test, double validationAccuracy, List<Point> curve, double seconds) {

    /**
     * A point of the training curves.
     *
     * @param texts training texts seen so far
     * @param probe the network at that time, on a few validation texts
     */
    record Point(long texts, Measurement probe) {}
}
