/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Semantic logits: how near states are to semantic bases, value and gradients.
 *
 * <pre>
 *     logit_ij = scale · similarity(s_j, r_i),     COSINE: s_j·r_i / (‖s_j‖‖r_i‖)
 * </pre>
 *
 * <table>
 * <caption>Shapes</caption>
 * <tr><th>array</th><th>shape</th></tr>
 * <tr><td>states r</td><td>{@code [N, d]}</td></tr>
 * <tr><td>bases s</td><td>{@code [K, d]}: the vocabulary's, or those of K labels</td></tr>
 * <tr><td>logits</td><td>{@code [N, K]}</td></tr>
 * </table>
 *
 * <p>Computed in DOUBLE where the bases are DOUBLE, else in FLOAT, in which norms should lie between 1e-18 and 1e18. A
 * vector whose norm is 0 (or underflows) has cosine 0 with everything, and gradient 0. A Euclidean distance is
 * taken from squares, so one below about a thousandth of the vectors' norms (in DOUBLE 1e-8) has lost its digits.
 *
 * <p>Source: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184; scale, EUCLIDEAN and DOT are additions.
 *
 * @see SparseCrossEntropy the loss on these logits in one pass, without keeping them
 */
public final class VocabularyLogits {
    private VocabularyLogits() {}

    /**
     * The gradients of {@code Σ epsilon ∘ logits}.
     *
     * @param states gradient of the states, {@code [N, d]}
     * @param logScale gradient of ln(scale)
     */
    public record Gradients(INDArray states, double logScale) {}

    /**
     * The logits of some states.
     *
     * @param states {@code [N, d]}
     * @param bases {@code [K, d]}; row-major, or a transposed column-major {@code [d, K]}, is read without a copy
     * @param similarity the similarity
     * @param scale factor, 1e-30 to 1e30; 1 in the paper
     * @return {@code [N, K]}, row-major
     * @throws IllegalArgumentException if shapes do not fit or the scale is not positive
     */
    public static INDArray of(INDArray states, INDArray bases, Similarity similarity, double scale) {
        LogitBlocks blocks = new LogitBlocks(states, bases, similarity, scale);
        INDArray logits =
                Nd4j.createUninitialized(blocks.type(), new long[] {blocks.stateCount(), blocks.basisCount()}, 'c');
        blocks.logits(0, blocks.stateCount(), logits);
        return logits;
    }

    /**
     * Sets an array to the logits of some states.
     *
     * @param states as for {@link #of(INDArray, INDArray, Similarity, double)}
     * @param bases as above
     * @param similarity as above
     * @param scale as above
     * @param logits is set; {@code [N, K]}, row-major and of the computation's type
     * @throws IllegalArgumentException if shapes do not fit or the scale is not positive
     */
    public static void of(INDArray states, INDArray bases, Similarity similarity, double scale, INDArray logits) {
        LogitBlocks blocks = new LogitBlocks(states, bases, similarity, scale);
        if (logits.size(0) != blocks.stateCount() || logits.size(1) != blocks.basisCount()) {
            throw new IllegalArgumentException("logits must have shape [" + blocks.stateCount() + ", "
                    + blocks.basisCount() + "], found " + Arrays.toString(logits.shape()));
        }
        if (logits.dataType() != blocks.type()) {
            throw new IllegalArgumentException(
                    "logits must have the type " + blocks.type() + ", found " + logits.dataType());
        }
        blocks.logits(0, blocks.stateCount(), logits);
    }

    /**
     * The gradients of a function of the logits, given its gradient with respect to the logits.
     *
     * @param states as for {@link #of(INDArray, INDArray, Similarity, double)}
     * @param bases as above
     * @param similarity as above
     * @param scale as above
     * @param logits the states' logits; their content may be overwritten
     * @param epsilon gradient with respect to the logits, {@code [N, K]}; its content is overwritten where it is
     *     row-major and of the computation's type
     * @param basesGradient is set to the gradient of the bases, {@code [K, d]} row-major and of the computation's type;
     *     null where none is wanted
     * @return the gradients of states and scale
     * @throws IllegalArgumentException if shapes do not fit or the scale is not positive
     */
    public static Gradients gradients(
            INDArray states,
            INDArray bases,
            Similarity similarity,
            double scale,
            INDArray logits,
            INDArray epsilon,
            @Nullable INDArray basesGradient) {
        if (!Arrays.equals(logits.shape(), epsilon.shape())) {
            throw new IllegalArgumentException("epsilon must have the logits' shape " + Arrays.toString(logits.shape())
                    + ", found " + Arrays.toString(epsilon.shape()));
        }
        LogitBlocks blocks = new LogitBlocks(states, bases, similarity, scale);
        INDArray typed = epsilon.castTo(blocks.type());
        INDArray rowMajor = typed.ordering() == 'c' && !typed.isView() ? typed : typed.dup('c');
        INDArray gradient =
                Nd4j.createUninitialized(blocks.type(), new long[] {blocks.stateCount(), bases.size(1)}, 'c');
        blocks.scale(rowMajor);
        blocks.gradients(0, blocks.stateCount(), logits, rowMajor, null, gradient, basesGradient);
        return new Gradients(gradient, blocks.finish(gradient, basesGradient));
    }
}
