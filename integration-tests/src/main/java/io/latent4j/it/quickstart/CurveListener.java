/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.dataset.DataSet;

/** Measures a network now and then while it trains, and reports each step's texts as progress. */
final class CurveListener extends BaseTrainingListener {
    private final List<DataSet> probe;
    private final long interval;
    private final IntConsumer progress;
    private final List<Run.Point> points = new ArrayList<>();
    private long texts;
    private long due;

    /**
     * @param probe texts to measure on
     * @param interval training texts between two measurements
     * @param progress is told how many texts each step took
     */
    CurveListener(List<DataSet> probe, long interval, IntConsumer progress) {
        this.probe = probe;
        this.interval = interval;
        this.progress = progress;
        this.due = interval;
    }

    /** The curve's first point: before any training. */
    void start(ComputationGraph network) {
        points.add(new Run.Point(0, Measurement.of(network, probe)));
    }

    @Override
    public void iterationDone(Model model, int iteration, int epoch) {
        ComputationGraph network = (ComputationGraph) model;
        int batch = network.batchSize();
        texts += batch;
        progress.accept(batch);
        if (texts >= due) {
            points.add(new Run.Point(texts, Measurement.of(network, probe)));
            due += interval;
        }
    }

    List<Run.Point> points() {
        return List.copyOf(points);
    }
}
