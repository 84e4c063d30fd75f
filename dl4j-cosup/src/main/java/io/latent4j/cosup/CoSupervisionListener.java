/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records the two parts of a co-supervised loss, next token and next sequence, and logs them every few iterations.
 *
 * <pre>{@code
 * graph.setListeners(new CoSupervisionListener(50));
 * }</pre>
 *
 * <p>Not for concurrent use: one listener per network.
 */
public final class CoSupervisionListener extends BaseTrainingListener {
    private static final Logger log = LoggerFactory.getLogger(CoSupervisionListener.class);

    private final int frequency;
    private final List<Entry> entries = new ArrayList<>();

    /**
     * The losses of one minibatch.
     *
     * @param iteration the iteration
     * @param epoch the epoch
     * @param losses both parts
     */
    public record Entry(int iteration, int epoch, CoSupervision.Losses losses) {}

    /**
     * Creates a listener.
     *
     * @param frequency records and logs every so many iterations
     * @throws IllegalArgumentException if it is not positive
     */
    public CoSupervisionListener(int frequency) {
        if (frequency <= 0) {
            throw new IllegalArgumentException("frequency must be positive, found " + frequency);
        }
        this.frequency = frequency;
    }

    @Override
    public void iterationDone(Model model, int iteration, int epoch) {
        if (iteration % frequency != 0) {
            return;
        }
        if (!(model instanceof ComputationGraph graph)) {
            throw new IllegalArgumentException(
                    "model must be a ComputationGraph with the heads of CoSupervision, found "
                            + model.getClass().getName());
        }
        CoSupervision.Losses losses = CoSupervision.losses(graph);
        entries.add(new Entry(iteration, epoch, losses));
        log.info(
                "Iteration {}: next token {}, next sequence {} (weight {})",
                iteration,
                losses.nextToken(),
                losses.nextSequence(),
                losses.lossWeight());
    }

    /**
     * What was recorded.
     *
     * @return the entries in order, a copy
     */
    public List<Entry> entries() {
        return List.copyOf(entries);
    }
}
