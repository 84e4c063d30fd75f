/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The module of neural clustering (semantic calibration), value and gradient.
 *
 * <p>For each row r of the states, with the shared bottleneck {@code Bn(r) = φ(r·D)·U} and φ the ReLU:
 *
 * <pre>{@code
 * CA(r) = Bn(avg r) + Bn(max r) = 2·Bn(r)          channel attention; one vector is its own average and maximum
 * λ(r)  = LN( φ((r ⊙ CA(r))·H)·O )                 LN(v) = (v − mean v) / √(var v + ε)
 * }</pre>
 *
 * <p>Options beyond the paper: with a residual, r is added before LN; with a sigmoid gate, σ(CA(r)) takes the place of
 * CA(r), as in CBAM, where this form of channel attention comes from; LN may have a gain and a bias.
 *
 * <p>The paper does not name the function inside Bn. It is φ here, as in CBAM (Woo et al., ECCV 2018, section 3): a
 * bottleneck without one would be a single matrix of low rank, and its two factors pointless.
 *
 * <p>All values and gradients are finite for finite input: a zero state gives a zero hidden layer, and LN of a constant
 * vector is zero with a gradient of at most ε^(−1/2) times the incoming one.
 *
 * <p>Source: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184, section on neural clustering.
 *
 * @see NeuralClustering
 */
public final class SemanticCalibration {
    private SemanticCalibration() {}

    /**
     * The matrices of the module, or their gradients. Any ordering; {@code 'f'} views cost nothing.
     *
     * @param down D {@code [d, m]}
     * @param up U {@code [m, d]}
     * @param hidden H {@code [d, h]}
     * @param out O {@code [h, d]}
     * @param gain gain of LN {@code [d]} or {@code [1, d]}; null: 1
     * @param bias bias of LN {@code [d]} or {@code [1, d]}; null: 0
     */
    public record Weights(
            INDArray down,
            INDArray up,
            INDArray hidden,
            INDArray out,
            @Nullable INDArray gain,
            @Nullable INDArray bias) {
        /**
         * Checks that the shapes fit each other.
         *
         * @param down D
         * @param up U
         * @param hidden H
         * @param out O
         * @param gain gain of LN, or null
         * @param bias bias of LN, or null
         * @throws IllegalArgumentException if they do not, or if only one of gain and bias is null
         */
        public Weights {
            long d = down.size(0);
            requireShape("up", up, down.size(1), d);
            requireShape("hidden", hidden, d, hidden.size(1));
            requireShape("out", out, hidden.size(1), d);
            if ((gain == null) != (bias == null)) {
                throw new IllegalArgumentException(
                        "gain and bias must both be given or both be null, found gain " + gain + " and bias " + bias);
            }
            if (gain != null && bias != null && (gain.length() != d || bias.length() != d)) {
                throw new IllegalArgumentException("gain and bias must have length " + d + ", found lengths "
                        + gain.length() + " and " + bias.length());
            }
        }

        private void requireType(DataType type) {
            if (!type.isFPType()) {
                throw new IllegalArgumentException("states must be of a floating-point type, found " + type);
            }
            for (INDArray matrix : new INDArray[] {down, up, hidden, out, gain, bias}) {
                if (matrix != null && matrix.dataType() != type) {
                    throw new IllegalArgumentException("weights must have the states' type " + type + ", found "
                            + matrix.dataType() + " of shape " + Arrays.toString(matrix.shape()));
                }
            }
        }

        private static void requireShape(String name, INDArray matrix, long rows, long columns) {
            if (matrix.rank() != 2 || matrix.size(0) != rows || matrix.size(1) != columns) {
                throw new IllegalArgumentException(name + " must have shape [" + rows + ", " + columns + "], found "
                        + Arrays.toString(matrix.shape()));
            }
        }
    }

    /**
     * The options of the module.
     *
     * @param activation φ, an activation without parameters
     * @param residual whether r is added before LN
     * @param sigmoidGate whether the gate is σ(CA(r)) instead of CA(r)
     * @param layerNormEpsilon ε of LN, positive
     */
    public record Options(IActivation activation, boolean residual, boolean sigmoidGate, double layerNormEpsilon) {
        /** ε of LN where nothing else is said. */
        public static final double DEFAULT_EPSILON = 1e-5;

        /** The paper's module: ReLU, no residual, no sigmoid. */
        public static final Options PAPER = new Options(new ActivationReLU(), false, false, DEFAULT_EPSILON);

        /**
         * Checks the options.
         *
         * @param activation φ
         * @param residual whether r is added before LN
         * @param sigmoidGate whether the gate is σ(CA(r))
         * @param layerNormEpsilon ε of LN
         * @throws IllegalArgumentException if ε is not positive and finite
         */
        public Options {
            Objects.requireNonNull(activation, "activation must not be null");
            if (!(layerNormEpsilon > 0) || Double.isInfinite(layerNormEpsilon)) {
                throw new IllegalArgumentException(
                        "layerNormEpsilon must be positive and finite, found " + layerNormEpsilon);
            }
        }
    }

    /**
     * The calibrated states λ(r).
     *
     * @param states states {@code [N, d]}, FLOAT or DOUBLE
     * @param weights the matrices, of the states' type
     * @param options the options
     * @return λ of each row, {@code [N, d]}
     * @throws IllegalArgumentException if the states are not a matrix of d columns, or of another type than the weights
     */
    public static INDArray of(INDArray states, Weights weights, Options options) {
        return evaluate(states, weights, options).output();
    }

    /**
     * Calibrates states and keeps what the gradient needs.
     *
     * @param states states {@code [N, d]}, FLOAT or DOUBLE; read again by the gradient
     * @param weights the matrices, of the states' type; read again by the gradient
     * @param options the options
     * @return the evaluation; its arrays are made in the current workspace
     * @throws IllegalArgumentException if the states are not a matrix of d columns, or of another type than the weights
     */
    public static Evaluation evaluate(INDArray states, Weights weights, Options options) {
        if (states.rank() != 2 || states.size(1) != weights.down().size(0)) {
            throw new IllegalArgumentException("states must have shape [N, "
                    + weights.down().size(0) + "], found " + Arrays.toString(states.shape()));
        }
        weights.requireType(states.dataType());
        return new Evaluation(states, weights, options);
    }

    /** λ of some states, and the way back. */
    public static final class Evaluation {
        private final INDArray states;
        private final Weights weights;
        private final Options options;

        private final INDArray bottleneckIn;
        private final INDArray bottleneck;
        private final INDArray gate;
        private final INDArray attended;
        private final INDArray hiddenIn;
        private final INDArray hidden;
        /** Before gain and bias. */
        private final INDArray normalised;
        /** 1/√(var + ε) per row. */
        private final INDArray inverseDeviation;

        private final INDArray output;

        private Evaluation(INDArray states, Weights weights, Options options) {
            this.states = states;
            this.weights = weights;
            this.options = options;

            bottleneckIn = product(states, false, weights.down(), false, 1);
            bottleneck = activate(bottleneckIn);
            INDArray attention = product(bottleneck, false, weights.up(), false, 2);
            gate = options.sigmoidGate() ? Transforms.sigmoid(attention, false) : attention;
            attended = states.mul(gate);

            hiddenIn = product(attended, false, weights.hidden(), false, 1);
            hidden = activate(hiddenIn);
            normalised = product(hidden, false, weights.out(), false, 1);
            if (options.residual()) {
                normalised.addi(states);
            }
            normalised.subiColumnVector(rowMeans(normalised));
            inverseDeviation =
                    Transforms.pow(rowMeans(normalised.mul(normalised)).addi(options.layerNormEpsilon()), -0.5, false);
            normalised.muliColumnVector(inverseDeviation);
            output = weights.gain() == null || weights.bias() == null
                    ? normalised
                    : normalised.mulRowVector(weights.gain()).addiRowVector(weights.bias());
        }

        private INDArray activate(INDArray in) {
            return options.activation().getActivation(in.dup('c'), true);
        }

        /**
         * The calibrated states.
         *
         * @return λ of each row, {@code [N, d]}
         */
        public INDArray output() {
            return output;
        }

        /**
         * Takes the gradient back through the module. May be called once: it overwrites what the evaluation kept.
         *
         * @param epsilon dL/dλ, {@code [N, d]}; not changed
         * @param gradients where to put the gradients of the matrices: arrays of their shapes, overwritten
         * @return dL/dr, {@code [N, d]}, made in the current workspace
         */
        public INDArray backpropagate(INDArray epsilon, Weights gradients) {
            INDArray dOut = layerNormGradient(epsilon, gradients);

            productInto(gradients.out(), hidden, true, dOut, false, 1);
            INDArray dHidden = product(dOut, false, weights.out(), true, 1);
            dHidden = options.activation().backprop(hiddenIn, dHidden).getFirst();
            productInto(gradients.hidden(), attended, true, dHidden, false, 1);
            INDArray dAttended = product(dHidden, false, weights.hidden(), true, 1);

            INDArray dAttention = dAttended.mul(states);
            if (options.sigmoidGate()) {
                dAttention.muli(gate).muli(gate.rsub(1));
            }
            productInto(gradients.up(), bottleneck, true, dAttention, false, 2);
            INDArray dBottleneck = product(dAttention, false, weights.up(), true, 2);
            dBottleneck =
                    options.activation().backprop(bottleneckIn, dBottleneck).getFirst();
            productInto(gradients.down(), states, true, dBottleneck, false, 1);

            INDArray dStates = product(dBottleneck, false, weights.down(), true, 1);
            dStates.addi(dAttended.muli(gate));
            return options.residual() ? dStates.addi(dOut) : dStates;
        }

        /** With ŷ the normalised rows: (e − mean e − ŷ·mean(e ⊙ ŷ))/√(var + ε). */
        private INDArray layerNormGradient(INDArray epsilon, Weights gradients) {
            INDArray e = epsilon;
            INDArray gain = weights.gain();
            INDArray dGain = gradients.gain();
            INDArray dBias = gradients.bias();
            if (gain != null && dGain != null && dBias != null) {
                INDArray ones = Nd4j.ones(e.dataType(), 1, e.size(0));
                dBias.assign(product(ones, false, e, false, 1).reshape(dBias.shape()));
                dGain.assign(product(ones, false, e.mul(normalised), false, 1).reshape(dGain.shape()));
                e = e.mulRowVector(gain);
            }
            INDArray gradient = e.sub(normalised.mulColumnVector(rowMeans(e.mul(normalised))));
            gradient.subiColumnVector(rowMeans(e));
            return gradient.muliColumnVector(inverseDeviation);
        }
    }

    /** The mean of each row as a column, as a product: ND4J's own reductions are slow. */
    private static INDArray rowMeans(INDArray matrix) {
        INDArray ones = Nd4j.ones(matrix.dataType(), matrix.size(1), 1);
        return product(matrix, false, ones, false, 1.0 / matrix.size(1));
    }

    /** {@code α·op(a)·op(b)} as a new row-major matrix. */
    private static INDArray product(INDArray a, boolean transposeA, INDArray b, boolean transposeB, double alpha) {
        INDArray result = Nd4j.createUninitialized(
                a.dataType(), new long[] {a.size(transposeA ? 1 : 0), b.size(transposeB ? 0 : 1)}, 'c');
        productInto(result, a, transposeA, b, transposeB, alpha);
        return result;
    }

    /** {@code result = α·op(a)·op(b)} with every matrix handed to BLAS row-major, so that none is copied. */
    private static void productInto(
            INDArray result, INDArray a, boolean transposeA, INDArray b, boolean transposeB, double alpha) {
        if (isColumnMajor(result)) {
            productInto(result.transpose(), b, !transposeB, a, !transposeA, alpha);
            return;
        }
        boolean flipA = isColumnMajor(a);
        boolean flipB = isColumnMajor(b);
        Nd4j.gemm(
                flipA ? a.transpose() : a,
                flipB ? b.transpose() : b,
                result,
                transposeA ^ flipA,
                transposeB ^ flipB,
                alpha,
                0);
    }

    /** Of a single row or column ND4J may say either, and transposing does not always change its answer. */
    private static boolean isColumnMajor(INDArray matrix) {
        return matrix.ordering() == 'f' && matrix.size(0) > 1 && matrix.size(1) > 1;
    }
}
