/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.samediff;

import io.latent4j.vocabsem.SemanticCalibration;
import io.latent4j.vocabsem.SemanticCalibration.Weights;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.weightinit.impl.XavierInitScheme;

/**
 * The module of neural clustering, λ(r) = LN(φ((r ⊙ CA(r))·H)·O), for any SameDiff graph.
 *
 * <pre>{@code
 * CalibrationModule module = new CalibrationModule.Builder(sd, "clustering", d).build();
 * SDVariable calibrated = module.calibrate("calibrated", states);      // [N, d] → [N, d]
 * }</pre>
 *
 * <p>Its variables are named after the prefix and the parameters of {@link io.latent4j.vocabsem.NeuralClustering}:
 * {@code clustering_Wdown}, {@code _Wup}, {@code _Whidden}, {@code _Wout} and, where the layer norm is affine, {@code _g}
 * and {@code _b}. In a MultiLayerNetwork or ComputationGraph take that layer, which costs less per step.
 *
 * <p>Source: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184, section on neural clustering.
 *
 * @see SemanticCalibration the formula and its options
 */
public final class CalibrationModule {
    private final SameDiff sd;
    private final Builder options;
    private final SDVariable down;
    private final SDVariable up;
    private final SDVariable hidden;
    private final SDVariable out;
    private final @Nullable SDVariable gain;
    private final @Nullable SDVariable bias;

    private CalibrationModule(Builder builder) {
        sd = builder.sd;
        options = builder;
        long d = builder.features;
        long m = Math.max(1, d / builder.bottleneckRatio);
        long h = d * builder.hiddenFactor;
        Weights initial = builder.weights;
        down = matrix("Wdown", d, m, initial == null ? null : initial.down());
        up = matrix("Wup", m, d, initial == null ? null : initial.up());
        hidden = matrix("Whidden", d, h, initial == null ? null : initial.hidden());
        out = matrix("Wout", h, d, initial == null ? null : initial.out());
        INDArray initialGain = initial == null ? null : initial.gain();
        INDArray initialBias = initial == null ? null : initial.bias();
        gain = !builder.affine
                ? null
                : matrix("g", 1, d, initialGain == null ? Nd4j.ones(builder.type, 1, d) : initialGain);
        bias = !builder.affine
                ? null
                : matrix("b", 1, d, initialBias == null ? Nd4j.zeros(builder.type, 1, d) : initialBias);
    }

    private SDVariable matrix(String key, long rows, long columns, @Nullable INDArray value) {
        String name = options.prefix + "_" + key;
        return value == null
                ? sd.var(name, new XavierInitScheme('c', rows, columns), options.type, rows, columns)
                : sd.var(name, value.castTo(options.type).dup('c').reshape('c', new long[] {rows, columns}));
    }

    /**
     * Adds λ of some states to the graph. May be called several times: all share the module's variables.
     *
     * @param name name of the new variable
     * @param states r, {@code [N, d]}, of the module's type
     * @return λ of each row, {@code [N, d]}
     */
    public SDVariable calibrate(String name, SDVariable states) {
        SDVariable attention =
                options.activation.apply(sd.mmul(states, down)).mmul(up).mul(2);
        SDVariable gate = options.sigmoidGate ? sd.nn.sigmoid(attention) : attention;
        SDVariable v = options.activation.apply(states.mul(gate).mmul(hidden)).mmul(out);
        if (options.residual) {
            v = v.add(states);
        }
        SDVariable centred = v.sub(v.mean(true, 1));
        SDVariable variance = centred.mul(centred).mean(true, 1);
        // No division: its gradient is wrong in M2.1 where the divisor is a single number, as for a single state
        SDVariable normalised = centred.mul(sd.math.rsqrt(variance.add(options.layerNormEpsilon)));
        if (gain != null && bias != null) {
            normalised = normalised.mul(gain).add(bias);
        }
        return sd.identity(name, normalised);
    }

    /** Builder of {@link CalibrationModule}; the defaults are the paper's module in FLOAT. */
    public static final class Builder {
        private final SameDiff sd;
        private final String prefix;
        private final long features;
        private int hiddenFactor = 2;
        private int bottleneckRatio = 16;
        private boolean residual;
        private boolean sigmoidGate;
        private boolean affine;
        private double layerNormEpsilon = SemanticCalibration.Options.DEFAULT_EPSILON;
        private UnaryOperator<SDVariable> activation = x -> x.getSameDiff().nn.relu(x, 0);
        private DataType type = DataType.FLOAT;
        private @Nullable Weights weights;

        /**
         * Creates a builder with the defaults.
         *
         * @param sd the graph
         * @param prefix start of the variables' names
         * @param features d, at least 2
         * @throws IllegalArgumentException if d is less
         */
        public Builder(SameDiff sd, String prefix, long features) {
            if (features < 2) {
                throw new IllegalArgumentException("features must be at least 2, found " + features);
            }
            this.sd = Objects.requireNonNull(sd, "sd must not be null");
            this.prefix = Objects.requireNonNull(prefix, "prefix must not be null");
            this.features = features;
        }

        /**
         * Sets the width of the MLP's hidden layer.
         *
         * @param hiddenFactor hidden units per feature, at least 1; default 2
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder hiddenFactor(int hiddenFactor) {
            this.hiddenFactor = requirePositive("hiddenFactor", hiddenFactor);
            return this;
        }

        /**
         * Sets the width of the attention's bottleneck.
         *
         * @param bottleneckRatio features per unit of the bottleneck, at least 1; default 16
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder bottleneckRatio(int bottleneckRatio) {
            this.bottleneckRatio = requirePositive("bottleneckRatio", bottleneckRatio);
            return this;
        }

        /**
         * Sets whether the state is added before LN.
         *
         * @param residual default false
         * @return this
         */
        public Builder residual(boolean residual) {
            this.residual = residual;
            return this;
        }

        /**
         * Sets whether the gate is σ(CA(r)).
         *
         * @param sigmoidGate default false
         * @return this
         */
        public Builder sigmoidGate(boolean sigmoidGate) {
            this.sigmoidGate = sigmoidGate;
            return this;
        }

        /**
         * Sets whether LN has a trained gain and bias.
         *
         * @param layerNormAffine default false
         * @return this
         */
        public Builder layerNormAffine(boolean layerNormAffine) {
            this.affine = layerNormAffine;
            return this;
        }

        /**
         * Sets ε of LN.
         *
         * @param layerNormEpsilon ε, positive and finite; default 1e-5
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder layerNormEpsilon(double layerNormEpsilon) {
            if (!(layerNormEpsilon > 0) || Double.isInfinite(layerNormEpsilon)) {
                throw new IllegalArgumentException(
                        "layerNormEpsilon must be positive and finite, found " + layerNormEpsilon);
            }
            this.layerNormEpsilon = layerNormEpsilon;
            return this;
        }

        /**
         * Sets φ, the activation inside the MLP and the bottleneck.
         *
         * @param activation adds the activation of a variable to its graph; default ReLU
         * @return this
         */
        public Builder activation(UnaryOperator<SDVariable> activation) {
            this.activation = Objects.requireNonNull(activation, "activation must not be null");
            return this;
        }

        /**
         * Sets the type of the variables, which must be that of the states.
         *
         * @param type a floating point type; default FLOAT
         * @return this
         * @throws IllegalArgumentException if it is none
         */
        public Builder dataType(DataType type) {
            if (!type.isFPType()) {
                throw new IllegalArgumentException("dataType must be a floating point type, found " + type);
            }
            this.type = type;
            return this;
        }

        /**
         * Sets the variables' first values, for instance those of a trained layer; without them matrices are drawn by
         * Xavier's rule, gain and bias are 1 and 0.
         *
         * @param weights matrices of the shapes that the other options ask for; copied
         * @return this
         */
        public Builder weights(Weights weights) {
            this.weights = Objects.requireNonNull(weights, "weights must not be null");
            return this;
        }

        private static int requirePositive(String name, int value) {
            if (value < 1) {
                throw new IllegalArgumentException(name + " must be at least 1, found " + value);
            }
            return value;
        }

        /**
         * Adds the module's variables to the graph.
         *
         * @return the module
         * @throws IllegalArgumentException if given weights have other shapes than the options ask for
         */
        public CalibrationModule build() {
            if (weights != null) {
                long m = Math.max(1, features / bottleneckRatio);
                boolean fits = weights.down().size(0) == features
                        && weights.down().size(1) == m
                        && weights.hidden().size(1) == features * hiddenFactor
                        && (weights.gain() != null) == affine;
                if (!fits) {
                    throw new IllegalArgumentException("weights must be those of " + features + " features, " + m
                            + " units in the bottleneck, " + features * hiddenFactor + " hidden units, "
                            + (affine ? "with" : "without") + " gain and bias, found "
                            + weights.down().size(0) + ", "
                            + weights.down().size(1) + ", " + weights.hidden().size(1) + ", "
                            + (weights.gain() != null ? "with" : "without"));
                }
            }
            return new CalibrationModule(this);
        }
    }
}
