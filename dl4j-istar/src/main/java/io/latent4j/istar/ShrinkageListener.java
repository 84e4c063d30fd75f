/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.util.Objects;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Recomputes the shrinkage covariance Σ_S of all I-STAR layers and vertices with ζ &gt; 0 at the start of each epoch,
 * the first included, as the paper's training does.
 *
 * <pre>{@code
 * network.setListeners(new ShrinkageListener.Builder(sampleOfTrainingData).build());
 * network.fit(trainingData, epochs);
 * }</pre>
 *
 * <p>The iterator must be another instance than the one that the network is trained on, since it is read and reset in
 * between. Epochs start where DL4J says so: in {@code fit} with an iterator and in early stopping, not in {@code
 * fit(DataSet)}; there, and for workers that bring no listeners, call {@link IStar#updateShrinkage}.
 *
 * <p>Source: Rudman and Eickhoff, arXiv 2305.19358, section 4 and the published training code.
 */
public final class ShrinkageListener extends BaseTrainingListener {
    /** The paper's number of points. */
    public static final long DEFAULT_MAX_POINTS = 250_000;

    private final MultiDataSetIterator data;
    private final long maxPoints;
    private final long seed;
    private long updates;

    private ShrinkageListener(Builder builder) {
        this.data = builder.data;
        this.maxPoints = builder.maxPoints;
        this.seed = builder.seed;
    }

    /**
     * Creates a listener with the defaults.
     *
     * @param data data like those the network is trained on; another instance than the training iterator
     */
    public ShrinkageListener(DataSetIterator data) {
        this(new Builder(data));
    }

    @Override
    public void onEpochStart(Model model) {
        IStar.updateShrinkage(model, data, maxPoints, seed + updates);
        updates++;
    }

    /** Builder of {@link ShrinkageListener}. */
    public static final class Builder {
        private final MultiDataSetIterator data;
        private long maxPoints = DEFAULT_MAX_POINTS;
        private long seed = 42;

        /**
         * Starts a listener for networks with one input.
         *
         * @param data data like those the network is trained on; another instance than the training iterator
         */
        public Builder(DataSetIterator data) {
            this(new MultiDataSetIteratorAdapter(Objects.requireNonNull(data, "data must be given, found null")));
        }

        /**
         * Starts a listener for graphs with several inputs.
         *
         * @param data data like those the network is trained on; another instance than the training iterator
         */
        public Builder(MultiDataSetIterator data) {
            this.data = Objects.requireNonNull(data, "data must be given, found null");
        }

        /**
         * Sets how many points enter Σ_S at most.
         *
         * @param maxPoints at least 2; default 250 000
         * @return this
         * @throws IllegalArgumentException if below 2
         */
        public Builder maxPoints(long maxPoints) {
            if (maxPoints < 2) {
                throw new IllegalArgumentException("maxPoints must be at least 2, found " + maxPoints);
            }
            this.maxPoints = maxPoints;
            return this;
        }

        /**
         * Sets the seed of the random choice of points; each epoch's choice is another one.
         *
         * @param seed any number; default 42
         * @return this
         */
        public Builder seed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Builds the listener.
         *
         * @return a new listener
         */
        public ShrinkageListener build() {
            return new ShrinkageListener(this);
        }
    }
}
