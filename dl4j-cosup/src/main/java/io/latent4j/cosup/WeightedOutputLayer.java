/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import java.io.Serial;
import java.util.Objects;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * What the configurations of {@link NextTokenOutputLayer} and {@link NextSequenceOutputLayer} share: output layers whose
 * loss is a mean over positions, times a weight that can follow a schedule.
 *
 * <p>Unlike DL4J's own output layers, which add up the losses of all time steps and divide by the number of examples,
 * these take the mean over the positions that have a target, in the whole minibatch, whether or not the network was
 * built with {@code miniBatch(true)}.
 */
public abstract class WeightedOutputLayer extends BaseOutputLayer {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Leaves gradients room in the range of FLOAT. */
    private static final double MAX_WEIGHT = 1e30;

    // The names of these fields are the JSON format

    /** Weight of the loss. */
    private double lossWeight;
    /** Schedule of the weight, or null. */
    private @Nullable ISchedule lossWeightSchedule;

    /** For JSON. */
    protected WeightedOutputLayer() {}

    /**
     * Creates the layer.
     *
     * @param builder the options
     * @param lossFn what the layer's loss is called in summaries
     */
    protected WeightedOutputLayer(Builder<?> builder, ILossFunction lossFn) {
        super(builder);
        this.lossFn = lossFn;
        hasBias = false;
        lossWeight = builder.lossWeight;
        lossWeightSchedule = builder.lossWeightSchedule;
    }

    /**
     * The weight of the loss at some time of the training.
     *
     * @param iteration the iteration
     * @param epoch the epoch
     * @return the schedule's value, or the fixed weight where there is no schedule
     * @throws IllegalStateException if the schedule gives a negative or infinite value or NaN
     */
    public double lossWeightAt(int iteration, int epoch) {
        if (lossWeightSchedule == null) {
            return lossWeight;
        }
        double value = lossWeightSchedule.valueAt(iteration, epoch);
        if (!isWeight(value)) {
            throw new IllegalStateException("lossWeightSchedule of layer \"" + getLayerName()
                    + "\" must give weights from 0 to " + MAX_WEIGHT + ", found " + value + " at iteration " + iteration
                    + ", epoch " + epoch);
        }
        return value;
    }

    /** JSON may have none. */
    final void requireActivation() {
        if (getActivationFn() == null) {
            throw new IllegalStateException(
                    getClass().getSimpleName() + " \"" + getLayerName() + "\" must have an activation, found none");
        }
    }

    private static boolean isWeight(double value) {
        return value >= 0 && value <= MAX_WEIGHT;
    }

    private static double requireWeight(double value) {
        if (!isWeight(value)) {
            throw new IllegalArgumentException("lossWeight must be from 0 to " + MAX_WEIGHT + ", found " + value);
        }
        return value;
    }

    /**
     * The weight of the loss, where no schedule is set.
     *
     * @return the weight
     */
    public double getLossWeight() {
        return lossWeight;
    }

    /**
     * Sets the weight of the loss; for JSON and search spaces.
     *
     * @param lossWeight 0 to 1e30
     * @throws IllegalArgumentException if it is not
     */
    @JsonProperty("lossWeight")
    public void setLossWeight(double lossWeight) {
        this.lossWeight = requireWeight(lossWeight);
    }

    /**
     * The schedule of the weight.
     *
     * @return the schedule, or null for a fixed weight
     */
    public @Nullable ISchedule getLossWeightSchedule() {
        return lossWeightSchedule;
    }

    /**
     * Sets the schedule of the weight; for JSON and search spaces.
     *
     * @param lossWeightSchedule the schedule, or null for a fixed weight
     */
    public void setLossWeightSchedule(@Nullable ISchedule lossWeightSchedule) {
        this.lossWeightSchedule = lossWeightSchedule;
    }

    @Override
    @SuppressWarnings("EqualsGetClass") // the two layers are never equal
    public boolean equals(@Nullable Object o) {
        if (this == o) {
            return true;
        }
        if (o == null || getClass() != o.getClass() || !super.equals(o)) {
            return false;
        }
        WeightedOutputLayer other = (WeightedOutputLayer) o;
        return Double.compare(lossWeight, other.lossWeight) == 0
                && Objects.equals(lossWeightSchedule, other.lossWeightSchedule);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), lossWeight, lossWeightSchedule);
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + "(" + super.toString() + ", lossWeight="
                + (lossWeightSchedule == null ? lossWeight : lossWeightSchedule) + ")";
    }

    /**
     * What the builders share.
     *
     * @param <T> the builder itself
     */
    public abstract static class Builder<T extends Builder<T>> extends BaseOutputLayer.Builder<T> {
        private double lossWeight;
        private @Nullable ISchedule lossWeightSchedule;

        /**
         * Creates a builder.
         *
         * @param lossWeight weight of the loss where none is set
         */
        protected Builder(double lossWeight) {
            this.lossWeight = lossWeight;
        }

        @SuppressWarnings("unchecked")
        final T self() {
            return (T) this;
        }

        /**
         * Sets the weight of the loss.
         *
         * @param lossWeight 0 to 1e30; 0 switches the loss off
         * @return this
         * @throws IllegalArgumentException if it is negative, infinite or NaN
         */
        public T lossWeight(double lossWeight) {
            this.lossWeight = requireWeight(lossWeight);
            this.lossWeightSchedule = null;
            return self();
        }

        /**
         * Lets the weight of the loss follow a schedule.
         *
         * @param lossWeight gives finite weights of at least 0
         * @return this
         */
        public T lossWeight(ISchedule lossWeight) {
            this.lossWeightSchedule = Objects.requireNonNull(lossWeight, "lossWeight must be given, found null");
            return self();
        }

        /**
         * Not supported: the loss is part of these layers.
         *
         * @param lossFunction not used
         * @return never
         * @throws UnsupportedOperationException always
         */
        @Override
        public T lossFunction(ILossFunction lossFunction) {
            throw new UnsupportedOperationException("lossFunction can't be set: the loss is part of the layer");
        }

        /**
         * Not supported: these layers have no bias.
         *
         * @param hasBias must be false
         * @return this
         * @throws IllegalArgumentException if true
         */
        @Override
        public T hasBias(boolean hasBias) {
            if (hasBias) {
                throw new IllegalArgumentException("hasBias must be false, this layer has no bias, found true");
            }
            return self();
        }
    }
}
