/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.samediff;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;

/**
 * The I-STAR penalty {@code λ·(1 − IsoScore*)} for any SameDiff graph, over one variable or the union of several.
 *
 * <p>When to use it: in a model written in SameDiff, to make its hidden states more (λ &gt; 0) or less (λ &lt; 0)
 * isotropic. In a MultiLayerNetwork or ComputationGraph take {@code IStarLayer} or {@code IStarVertex}, which cost far
 * less per step.
 *
 * <pre>{@code
 * SDVariable penalty = new IStarLoss.Builder()
 *         .lambda(1.0)
 *         .add(hidden1)                              // [N, n]
 *         .add(hidden2, RNNFormat.NCW, mask)         // [b, n, t], mask [b, t]
 *         .build()
 *         .penalty("istar");
 * SDVariable loss = taskLoss.add("loss", penalty);   // or penalty.markAsLoss()
 * }</pre>
 *
 * <p>Formula, with the centred points Xc of weight 1 (or 0 where masked), W = Σ weights, and
 * {@code M = (1−ζ)·XcᵀXc/(W−1) + ζ·Σ_S}:
 *
 * <pre>{@code
 * IsoScore* = (t²/f − 1)/(n − 1)        t = tr M,  f = ‖M‖²_F
 * }</pre>
 *
 * Points and Σ_S are divided by their largest magnitude first, so that FLOAT neither overflows nor underflows. Σ_S and
 * the masks get no gradient.
 *
 * <p>A graph can't throw: where M is zero, and the measure undefined, the score is 0, the penalty is 0, and neither has
 * a gradient. The points must be finite.
 *
 * <p>Source: W. Rudman and C. Eickhoff, "Stable Anisotropic Regularization", ICLR 2024, arXiv 2305.19358, section 3 and
 * Algorithm 1.
 */
public final class IStarLoss {

    private final SameDiff sd;
    private final double lambda;
    private final double zeta;
    private final @Nullable SDVariable shrinkageCovariance;
    private final List<Input> inputs;
    private final DataType type;

    private IStarLoss(Builder builder) {
        Input first = builder.inputs.get(0);
        sd = first.values().getSameDiff();
        lambda = builder.lambda;
        zeta = builder.zeta;
        shrinkageCovariance = builder.zeta > 0 ? builder.shrinkageCovariance : null;
        inputs = List.copyOf(builder.inputs);
        type = first.values().dataType() == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
    }

    /**
     * Adds the penalty λ(1 − IsoScore*) to the graph; it becomes part of the training loss by being added to it, or by
     * {@link SDVariable#markAsLoss()}.
     *
     * @param name name of the new variable
     * @return a scalar: FLOAT, or DOUBLE if the first input is DOUBLE
     */
    public SDVariable penalty(String name) {
        Score score = score();
        return score.defined().sub(score.value()).mul(name, lambda);
    }

    /**
     * Adds the bare score IsoScore* to the graph.
     *
     * @param name name of the new variable
     * @return a scalar in [0, 1]: FLOAT, or DOUBLE if the first input is DOUBLE
     */
    public SDVariable isoScoreStar(String name) {
        return sd.identity(name, score().value());
    }

    /** @param defined 1, or 0 where M is zero */
    private record Score(SDVariable value, SDVariable defined) {}

    private Score score() {
        List<SDVariable> rows = inputs.stream().map(this::rows).toList();
        SDVariable points = union(rows);
        SDVariable weights = rowWeights(rows);

        SDVariable centred;
        SDVariable totalWeight;
        if (weights == null) {
            totalWeight = sd.sizeAt(points, 0).castTo(type);
            centred = points.sub(sd.mean(points, true, 0));
        } else {
            totalWeight = weights.sum();
            SDVariable mean = sd.mmul(weights, points, true, false, false).div(orOneIfZero(totalWeight));
            // The root, so that XcᵀXc and XcXcᵀ both carry each row's weight once
            centred = points.sub(mean).mul(stopGradient(sd.math.sqrt(weights)));
        }

        SDVariable sigma = shrinkageCovariance == null ? null : stopGradient(shrinkageCovariance.castTo(type));
        SDVariable largest = sd.max(sd.math.abs(centred));
        if (sigma != null) {
            largest = sd.max(largest, sd.math.sqrt(sd.max(sd.math.abs(sigma))));
        }
        // The score doesn't depend on the scale, so neither does its gradient
        SDVariable scale = orOneIfZero(stopGradient(largest));
        SDVariable x = centred.div(scale);
        SDVariable xShare = orOneIfZero(totalWeight.sub(1)).rdiv(1 - zeta);

        SDVariable trace = x.mul(x).sum().mul(xShare);
        SDVariable sigmaShare = null;
        if (sigma != null) {
            sigmaShare = sigma.div(scale).div(scale).mul(zeta);
            trace = trace.add(sd.math.trace(sigmaShare));
        }
        SDVariable squares = fewerPointsThanFeatures()
                ? squaresThroughGram(x, xShare, sigmaShare)
                : squaresThroughCovariance(x, xShare, sigmaShare);

        SDVariable undefined = isZero(squares);
        SDVariable defined = undefined.rsub(1);
        SDVariable features = sd.sizeAt(points, 1).castTo(type);
        SDVariable participation = trace.mul(trace).div(squares.add(undefined));
        SDVariable value = participation.sub(defined).div(orOneIfZero(features.sub(1)));
        return new Score(value, defined);
    }

    /** ‖M‖²_F with M formed. */
    private SDVariable squaresThroughCovariance(SDVariable x, SDVariable xShare, @Nullable SDVariable sigmaShare) {
        SDVariable m = sd.mmul(x, x, true, false, false).mul(xShare);
        if (sigmaShare != null) {
            m = m.add(sigmaShare);
        }
        return m.mul(m).sum();
    }

    /** ‖a·XᵀX + S‖²_F = a²·‖XXᵀ‖²_F + 2a·⟨X, X·S⟩ + ‖S‖²_F with nothing n×n formed but S. */
    private SDVariable squaresThroughGram(SDVariable x, SDVariable xShare, @Nullable SDVariable sigmaShare) {
        SDVariable gram = sd.mmul(x, x, false, true, false).mul(xShare);
        SDVariable squares = gram.mul(gram).sum();
        if (sigmaShare != null) {
            SDVariable cross = x.mul(sd.mmul(x, sigmaShare)).sum().mul(xShare).mul(2);
            squares = squares.add(cross).add(sigmaShare.mul(sigmaShare).sum());
        }
        return squares;
    }

    /** True only if the shapes of all inputs are known before the graph runs. */
    private boolean fewerPointsThanFeatures() {
        long points = 0;
        for (Input input : inputs) {
            if (input.knownPoints() < 0 || input.knownFeatures() < 0) {
                return false;
            }
            points += input.knownPoints();
        }
        return points < inputs.get(0).knownFeatures();
    }

    /** The points as rows: [N, n]. */
    private SDVariable rows(Input input) {
        SDVariable values = input.values().castTo(type);
        if (input.format() == null) {
            return values;
        }
        SDVariable featuresLast = input.format() == RNNFormat.NCW ? values.permute(0, 2, 1) : values;
        return sd.reshape(featuresLast, sd.stack(0, sd.constant(-1L), sd.sizeAt(featuresLast, 2)));
    }

    /** One weight per point as a column [N, 1], or null if nothing is masked. */
    private @Nullable SDVariable rowWeights(List<SDVariable> rows) {
        if (inputs.stream().allMatch(input -> input.mask() == null)) {
            return null;
        }
        List<SDVariable> weights = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            SDVariable mask = inputs.get(i).mask();
            weights.add(
                    mask == null
                            ? sd.fill(sd.stack(0, sd.sizeAt(rows.get(i), 0), sd.constant(1L)), type, 1)
                            : mask.castTo(type).reshape(-1, 1));
        }
        return stopGradient(union(weights));
    }

    private SDVariable union(List<SDVariable> parts) {
        return parts.size() == 1 ? parts.get(0) : sd.concat(0, parts.toArray(SDVariable[]::new));
    }

    private SDVariable stopGradient(SDVariable x) {
        return new StopGradient(sd, x).outputVariable();
    }

    /** 1 where x is 0, else 0. */
    private SDVariable isZero(SDVariable x) {
        return stopGradient(sd.eq(x, 0).castTo(type));
    }

    private SDVariable orOneIfZero(SDVariable x) {
        return x.add(isZero(x));
    }

    /** @param format layout of rank-3 values; null if the values are rows already */
    private record Input(
            SDVariable values,
            @Nullable RNNFormat format,
            @Nullable SDVariable mask) {

        int rank() {
            return format == null ? 2 : 3;
        }

        /** Number of points, or −1 if it is not known before the graph runs. */
        long knownPoints() {
            long[] shape = values.getShape();
            if (shape == null) {
                return -1;
            }
            return format == null ? shape[0] : knownProduct(shape[0], shape[format == RNNFormat.NCW ? 2 : 1]);
        }

        /** Number of features, or −1 if it is not known before the graph runs. */
        long knownFeatures() {
            long[] shape = values.getShape();
            return shape == null ? -1 : shape[format == RNNFormat.NWC ? 2 : 1];
        }

        private static long knownProduct(long a, long b) {
            return a < 0 || b < 0 ? -1 : a * b;
        }
    }

    /** Builds an {@link IStarLoss}. */
    public static final class Builder {
        private double lambda = 1;
        private double zeta;
        private @Nullable SDVariable shrinkageCovariance;
        private final List<Input> inputs = new ArrayList<>();

        /** Starts with λ = 1, ζ = 0 and no input. */
        public Builder() {}

        /**
         * Sets the weight λ of the penalty (default 1).
         *
         * @param lambda finite; positive raises isotropy, negative lowers it
         * @return this builder
         * @throws IllegalArgumentException if λ is not finite
         */
        public Builder lambda(double lambda) {
            if (!Double.isFinite(lambda)) {
                throw new IllegalArgumentException("lambda must be finite, found " + lambda);
            }
            this.lambda = lambda;
            return this;
        }

        /**
         * Sets the weight ζ of the shrinkage covariance (default 0: minibatch only).
         *
         * @param zeta in [0, 1]
         * @return this builder
         * @throws IllegalArgumentException if ζ is outside [0, 1] or NaN
         */
        public Builder zeta(double zeta) {
            if (!(zeta >= 0 && zeta <= 1)) {
                throw new IllegalArgumentException("zeta must lie in [0, 1], found " + zeta);
            }
            this.zeta = zeta;
            return this;
        }

        /**
         * Sets the shrinkage covariance Σ_S: a constant, or a placeholder that gets a new value every epoch. Needed if
         * ζ &gt; 0.
         *
         * @param shrinkageCovariance symmetric positive semi-definite {@code [n, n]}
         * @return this builder
         * @throws IllegalArgumentException if the variable is not of floating point type, or known not to be square
         */
        public Builder shrinkageCovariance(SDVariable shrinkageCovariance) {
            requireFloatingPoint("shrinkageCovariance", shrinkageCovariance);
            long[] shape = shrinkageCovariance.getShape();
            if (shape != null && (shape.length != 2 || shape[0] != shape[1])) {
                throw new IllegalArgumentException("shrinkageCovariance '" + shrinkageCovariance.name()
                        + "' must be a square matrix [n, n], found shape " + Arrays.toString(shape));
            }
            this.shrinkageCovariance = shrinkageCovariance;
            return this;
        }

        /**
         * Adds points that are rows.
         *
         * @param points {@code [N, n]}
         * @return this builder
         * @throws IllegalArgumentException if the variable does not fit, or not to those added before
         */
        public Builder add(SDVariable points) {
            return add(new Input(points, null, null));
        }

        /**
         * Adds points that are rows, some of them masked.
         *
         * @param points {@code [N, n]}
         * @param mask {@code [N]} or {@code [N, 1]}; 1 keeps a row, 0 leaves it out
         * @return this builder
         * @throws IllegalArgumentException if a variable does not fit, or not to those added before
         */
        public Builder add(SDVariable points, SDVariable mask) {
            return add(new Input(points, null, mask));
        }

        /**
         * Adds sequences; every time step of every example is a point.
         *
         * @param sequences {@code [b, n, t]} for NCW, {@code [b, t, n]} for NWC
         * @param format the layout
         * @return this builder
         * @throws IllegalArgumentException if the variable does not fit, or not to those added before
         */
        public Builder add(SDVariable sequences, RNNFormat format) {
            return add(new Input(sequences, format, null));
        }

        /**
         * Adds sequences of different lengths; every unmasked time step is a point.
         *
         * @param sequences {@code [b, n, t]} for NCW, {@code [b, t, n]} for NWC
         * @param format the layout
         * @param mask {@code [b, t]}; 1 keeps a step, 0 leaves it out
         * @return this builder
         * @throws IllegalArgumentException if a variable does not fit, or not to those added before
         */
        public Builder add(SDVariable sequences, RNNFormat format, SDVariable mask) {
            return add(new Input(sequences, format, mask));
        }

        @SuppressWarnings("ReferenceEquality") // one graph is one object
        private Builder add(Input input) {
            SDVariable values = input.values();
            requireFloatingPoint("points", values);
            long[] shape = values.getShape();
            if (shape != null && shape.length != input.rank()) {
                throw new IllegalArgumentException("points '" + values.name() + "' must be of rank " + input.rank()
                        + (input.format() == null ? "" : " for format " + input.format()) + ", found shape "
                        + Arrays.toString(shape));
            }
            if (input.knownFeatures() == 1) {
                throw new IllegalArgumentException("points '" + values.name()
                        + "' must have at least 2 features, found shape " + Arrays.toString(shape));
            }
            if (!inputs.isEmpty()) {
                Input first = inputs.get(0);
                if (values.getSameDiff() != first.values().getSameDiff()) {
                    throw new IllegalArgumentException(
                            "points '" + values.name() + "' must belong to the same graph as '"
                                    + first.values().name() + "'");
                }
                if (input.knownFeatures() >= 0
                        && first.knownFeatures() >= 0
                        && input.knownFeatures() != first.knownFeatures()) {
                    throw new IllegalArgumentException("points '" + values.name() + "' must have "
                            + first.knownFeatures() + " features like '"
                            + first.values().name() + "', found "
                            + input.knownFeatures());
                }
            }
            inputs.add(input);
            return this;
        }

        private static void requireFloatingPoint(String argument, SDVariable variable) {
            if (!variable.dataType().isFPType()) {
                throw new IllegalArgumentException(argument + " '" + variable.name()
                        + "' must be of a floating point type, found " + variable.dataType());
            }
        }

        /**
         * Checks that the settings fit together.
         *
         * @return the loss, which adds nothing to the graph until it is asked for a variable
         * @throws IllegalStateException if there are no points, only one point, or ζ &gt; 0 without Σ_S
         * @throws IllegalArgumentException if Σ_S is known to be of another size than the points
         */
        public IStarLoss build() {
            if (inputs.isEmpty()) {
                throw new IllegalStateException("IStarLoss needs points: call add(...) at least once, found none");
            }
            if (zeta > 0 && shrinkageCovariance == null) {
                throw new IllegalStateException(
                        "zeta > 0 needs a shrinkageCovariance, found zeta " + zeta + " without");
            }
            Input first = inputs.get(0);
            if (inputs.size() == 1 && first.knownPoints() == 1) {
                throw new IllegalStateException(
                        "points '" + first.values().name() + "' must hold at least 2 points, found 1");
            }
            if (shrinkageCovariance != null) {
                long[] shape = shrinkageCovariance.getShape();
                if (shape != null && shape[0] >= 0 && first.knownFeatures() >= 0 && shape[0] != first.knownFeatures()) {
                    throw new IllegalArgumentException(
                            "shrinkageCovariance '" + shrinkageCovariance.name() + "' must be of size "
                                    + first.knownFeatures() + " like the points' features, found " + shape[0]);
                }
            }
            return new IStarLoss(this);
        }
    }
}
