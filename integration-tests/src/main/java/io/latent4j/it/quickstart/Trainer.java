/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.istar.ShrinkageListener;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.IntConsumer;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;

/**
 * Trains and measures one network.
 *
 * @param data what all networks are trained and measured with
 * @param epochs passes over the training texts
 */
record Trainer(TrainingData data, int epochs) {
    /** Measurements along a training curve, the one before training not counted. */
    static final int CURVE_POINTS = 6;

    /** Σ_S is a 64×64 matrix: the token states of 2048 texts settle it, more would only cost time. */
    private static final int SHRINKAGE_BATCHES = 16;

    Run run(Setting setting, IntConsumer progress) {
        long start = System.nanoTime();
        ComputationGraph network = Classifier.create(setting, data.vocabulary().size(), data.classes());
        CurveListener curve = listen(network, setting, progress);
        for (int epoch = 0; epoch < epochs; epoch++) {
            network.fit(new ExistingDataSetIterator(shuffled(setting.seed() + epoch)));
        }
        return finished(network, setting, curve, start);
    }

    /** Adds the training curve and, where it is needed, the shrinkage covariance's refresh at each epoch's start. */
    CurveListener listen(ComputationGraph network, Setting setting, IntConsumer progress) {
        long interval = Math.max(1, (long) epochs * data.trainingTexts() / CURVE_POINTS);
        CurveListener curve = new CurveListener(data.probe(), interval, progress);
        curve.start(network);
        network.addListeners(curve);
        if (setting.regularized() && setting.zeta() > 0) {
            List<DataSet> sample = data.train()
                    .subList(0, Math.min(SHRINKAGE_BATCHES, data.train().size()));
            network.addListeners(new ShrinkageListener.Builder(new ExistingDataSetIterator(sample))
                    .seed(setting.seed())
                    .build());
        }
        return curve;
    }

    /** Training texts counted over all epochs. */
    int texts() {
        return data.trainingTexts() * epochs;
    }

    Run finished(ComputationGraph network, Setting setting, CurveListener curve, long startNanos) {
        Measurement test = Measurement.of(network, data.test());
        double validation = Measurement.of(network, data.validation()).accuracy();
        return new Run(setting, test, validation, curve.points(), (System.nanoTime() - startNanos) / 1e9);
    }

    private List<DataSet> shuffled(long seed) {
        List<DataSet> batches = new ArrayList<>(data.train());
        Collections.shuffle(batches, new Random(seed));
        return batches;
    }
}
