/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The mean cosine between different points of a cloud (CosReg): the regularizer that I-STAR is compared with.
 *
 * <p>With x̂ = x/‖x‖ and s = Σ_i w_i·x̂_i,
 *
 * <pre>{@code
 * CosReg      = (Σ_ij cos(x_i, x_j) − N) / N² = (‖s‖² − N) / N²
 * ∂CosReg/∂xᵢ = 2/(N²·‖xᵢ‖) · (s − (s·x̂ᵢ)·x̂ᵢ)
 * }</pre>
 *
 * in O(N·n): the N² cosines are never formed. A zero vector has no direction: its cosines and its gradient are defined
 * as 0. Points need not be centred; the measure lies in [−1/N, 1). Weights enter as counts.
 *
 * <p>Source: the CosReg baseline of Rudman and Eickhoff, arXiv 2305.19358, section 4, after Gao et al., ICLR 2019.
 *
 * @see IsoScoreStar
 */
public final class CosineRegularizer {
    private CosineRegularizer() {}

    /**
     * The mean off-diagonal cosine of the rows of a matrix.
     *
     * @param points array {@code [N, n]}, N ≥ 1
     * @return the mean cosine, (‖s‖² − N)/N²
     * @throws IllegalArgumentException if the shape is unfit or a value is not finite
     */
    public static double of(INDArray points) {
        return evaluate("points", Points.rows(points)).value();
    }

    /**
     * Evaluates the mean off-diagonal cosine and keeps what its gradient needs.
     *
     * @param what what the points are, for error messages
     * @param points points in any layout
     * @return the evaluation; it refers to the points' array and to arrays made in the current workspace
     * @throws IllegalArgumentException if a value is not finite
     */
    public static Evaluation evaluate(String what, Points points) {
        DataType type = points.dataType();
        int rows = Math.toIntExact(points.rows());
        INDArray direction = Nd4j.zeros(type, 1, points.features());
        // Row i holds w_i/‖x_i‖, then 1/‖x_i‖
        double[] inverseNorms = new double[rows];
        double diagonal = 0;
        int row = 0;
        try (BlockBuffer buffer = new BlockBuffer(List.of(points), type)) {
            for (long block = 0; block < points.blocks(); block++) {
                INDArray x = buffer.rows(points.blockRows(block));
                points.copyBlock(block, null, x);
                double[] norms = x.norm2(1).toDoubleVector();
                INDArray weights = points.blockWeights(block);
                double[] w =
                        weights == null ? null : weights.reshape(norms.length).toDoubleVector();
                double[] factors = new double[norms.length];
                for (int i = 0; i < norms.length; i++, row++) {
                    if (!Double.isFinite(norms[i])) {
                        throw new IllegalArgumentException(what + " must be finite, found a point of norm " + norms[i]);
                    }
                    double weight = w == null ? 1 : w[i];
                    if (norms[i] > 0) {
                        inverseNorms[row] = 1 / norms[i];
                        factors[i] = weight / norms[i];
                        diagonal += weight;
                    }
                }
                Nd4j.gemm(column(factors, type), x, direction, true, false, 1, 1);
            }
        }
        double[] s = direction.toDoubleVector();
        double squares = 0;
        for (double component : s) {
            squares += component * component;
        }
        double n = points.totalWeight();
        double value = n > 0 ? (squares - diagonal) / (n * n) : 0;
        return new Evaluation(points, direction, inverseNorms, value);
    }

    private static INDArray column(double[] values, DataType type) {
        return Nd4j.createFromArray(values).castTo(type).reshape(values.length, 1);
    }

    /** One evaluation of the mean cosine, able to add its gradient to an array of the points' shape. */
    public static final class Evaluation {
        private final Points points;
        private final INDArray direction;
        private final double[] inverseNorms;
        private final double value;

        private Evaluation(Points points, INDArray direction, double[] inverseNorms, double value) {
            this.points = points;
            this.direction = direction;
            this.inverseNorms = inverseNorms;
            this.value = value;
        }

        /**
         * The mean off-diagonal cosine.
         *
         * @return (‖s‖² − N)/N²
         */
        public double value() {
            return value;
        }

        /**
         * Adds {@code factor·∂CosReg/∂X} to an array.
         *
         * @param factor finite factor of the gradient
         * @param target array in the shape of the points' array, any ordering
         */
        public void addGradient(double factor, INDArray target) {
            DataType type = points.dataType();
            double n = points.totalWeight();
            if (n == 0) {
                return;
            }
            double outer = 2 * factor / (n * n);
            int row = 0;
            try (BlockBuffer buffer = new BlockBuffer(List.of(points), type)) {
                for (long block = 0; block < points.blocks(); block++) {
                    INDArray x = buffer.rows(points.blockRows(block));
                    points.copyBlock(block, null, x);
                    INDArray weights = points.blockWeights(block);
                    double[] projections = Nd4j.gemm(x, direction, false, true)
                            .reshape(x.rows())
                            .toDoubleVector();
                    double[] w =
                            weights == null ? null : weights.reshape(x.rows()).toDoubleVector();
                    double[] along = new double[projections.length];
                    double[] across = new double[projections.length];
                    for (int i = 0; i < projections.length; i++, row++) {
                        double inverse = inverseNorms[row];
                        along[i] = outer * (w == null ? 1 : w[i]) * inverse;
                        across[i] = -along[i] * projections[i] * inverse * inverse;
                    }
                    // across ∘ x + along ⊗ s
                    x.mul(column(across, type), x);
                    Nd4j.gemm(column(along, type), direction, x, false, false, 1, 1);
                    points.addBlock(block, x, target);
                }
            }
        }
    }
}
