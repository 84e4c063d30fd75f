/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.reduce3.Dot;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.BooleanIndexing;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Similarities of states to bases and their gradients, some rows at a time.
 *
 * <p>All work as wide as the vocabulary is matrix products and the factors of their columns: the norms of the bases enter
 * as {@link #factors}, which the logits take on and their gradients again, {@link SparseCrossEntropy} in its own pass;
 * the norms of the states and the cosine's projections act on arrays of the states' and the bases' own size.
 */
final class LogitBlocks {
    /** Bytes that a block of logits takes at most, unless one row is larger. */
    static final long BLOCK_BYTES = 64L << 20;

    /** Each block with a gradient of the bases reads and writes all of that gradient, so there must not be many. */
    private static final long MAX_BLOCKS_WITH_BASES_GRADIENT = 4;

    /** What a buffer of the JVM's can address. */
    private static final long MAX_BLOCK_ELEMENTS = 1 << 28;

    /** Rows of bases that are handled together. */
    private static final long BASIS_ROWS = 4096;

    private final Similarity similarity;
    private final double scale;
    /** Row-major [K, d]. */
    private final INDArray bases;
    /** Row-major [N, d]; unit length for COSINE. */
    private final INDArray states;
    /** COSINE: inverse norms of the states, EUCLIDEAN: their squares; [N, 1]. */
    private final @Nullable INDArray perState;
    /** EUCLIDEAN: squared norms of the bases, [1, K]. */
    private final @Nullable INDArray perBasis;
    /** COSINE: scale / ‖s‖. */
    private final @Nullable INDArray factors;

    /** EUCLIDEAN: the column sums that the gradient of the bases needs. */
    private @Nullable INDArray columnSums;

    /** COSINE: what the rows of the states' gradients are yet to be multiplied by. */
    private float @Nullable [] missingShares;

    private boolean basesGradientBegun;
    private double logScale;

    LogitBlocks(INDArray states, INDArray bases, Similarity similarity, double scale) {
        if (bases.rank() != 2 || bases.isEmpty()) {
            throw new IllegalArgumentException(
                    "bases must be a matrix [K, d], found shape " + Arrays.toString(bases.shape()));
        }
        if (states.rank() != 2 || states.size(1) != bases.size(1)) {
            throw new IllegalArgumentException("states must be a matrix [N, d] with the d = " + bases.size(1)
                    + " features of the bases, found shape " + Arrays.toString(states.shape()));
        }
        requireScale(scale);
        DataType type = bases.dataType() == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
        this.similarity = similarity;
        this.scale = scale;
        this.bases = rowMajor(bases, type);
        INDArray points = rowMajor(states, type);
        switch (similarity) {
            case COSINE -> {
                perBasis = null;
                factors = RowOperations.inverseNorms(this.bases)
                        .reshape(1, bases.size(0))
                        .muli(scale);
                this.states = points.ulike();
                perState = RowOperations.normalize(points, this.states);
            }
            case EUCLIDEAN -> {
                INDArray stateNorms = points.norm2(true, 1);
                INDArray basisNorms = this.bases.norm2(false, 1).reshape(1, bases.size(0));
                perState = stateNorms.mul(stateNorms);
                perBasis = basisNorms.mul(basisNorms);
                factors = null;
                this.states = points;
            }
            default -> {
                perState = null;
                perBasis = null;
                factors = null;
                this.states = points;
            }
        }
    }

    /**
     * Whether blocks are worked on in the host's memory, which a CPU's arrays are in: one pass in the cache takes less
     * time than several of ND4J's operations. DOUBLE and GPUs take these.
     */
    boolean onHost() {
        return type() == DataType.FLOAT && Nd4j.getEnvironment().isCPU();
    }

    static double requireScale(double scale) {
        // Logits must keep room in the range of FLOAT
        if (!(scale >= 1e-30 && scale <= 1e30)) {
            throw new IllegalArgumentException("scale must be positive, from 1e-30 to 1e30, found " + scale);
        }
        return scale;
    }

    /** The array itself where it is a row-major matrix without gaps, else a copy; transposes tell the products. */
    private static INDArray rowMajor(INDArray matrix, DataType type) {
        INDArray typed = matrix.castTo(type);
        boolean ready = typed.ordering() == 'c' && typed.stride(1) == 1 && typed.stride(0) == typed.size(1);
        return ready ? typed : typed.dup('c');
    }

    DataType type() {
        return bases.dataType();
    }

    long stateCount() {
        return states.size(0);
    }

    long basisCount() {
        return bases.size(0);
    }

    /** How many rows a block has. */
    long blockRows(boolean basesGradient) {
        long rows = BLOCK_BYTES / (basisCount() * type().width());
        if (basesGradient) {
            rows = Math.max(rows, -Math.floorDiv(-stateCount(), MAX_BLOCKS_WITH_BASES_GRADIENT));
        }
        return Math.max(1, Math.min(Math.min(rows, stateCount()), MAX_BLOCK_ELEMENTS / basisCount()));
    }

    /** Sets {@code logits}, row-major [to − from, K], to those of states from..to. */
    void logits(long from, long to, INDArray logits) {
        products(from, to, logits);
        scale(logits);
    }

    /** What the logits are but for the {@link #factors}. */
    void products(long from, long to, INDArray logits) {
        INDArray points = rows(states, from, to);
        switch (similarity) {
            case COSINE -> products(from, to, 0, basisCount(), logits);
            case EUCLIDEAN -> {
                Nd4j.gemm(points, bases, logits, false, true, -2, 0);
                logits.addiRowVector(perBasis).addiColumnVector(rows(perState, from, to));
                // Rounding may leave a square a little below 0
                Transforms.max(logits, 0, false);
                Transforms.sqrt(logits, false);
                logits.muli(-scale);
            }
            default -> Nd4j.gemm(points, bases, logits, false, true, scale, 0);
        }
    }

    /** The products of a cosine with the bases {@code [first, last)} only. */
    void products(long from, long to, long first, long last, INDArray logits) {
        Nd4j.gemm(rows(states, from, to), rows(bases, first, last), logits, false, true, 1, 0);
    }

    /** Adds to the states' gradients, or sets them, what comes from the bases {@code [first, last)} of a cosine. */
    void addGradients(long first, long last, INDArray epsilon, INDArray statesGradient) {
        Nd4j.gemm(epsilon, rows(bases, first, last), statesGradient, false, false, 1, first == 0 ? 0 : 1);
    }

    /** Copies of some bases, [number, d]. */
    INDArray bases(int[] rows) {
        return Nd4j.pullRows(bases, 1, rows);
    }

    /** Multiplies each column by its factor, if columns have some. */
    void scale(INDArray block) {
        if (factors != null) {
            block.muliRowVector(factors);
        }
    }

    /** Whether {@link #gradients} needs the logits: that of a distance needs the distance. */
    boolean needsLogits() {
        return similarity == Similarity.EUCLIDEAN;
    }

    /** What no logit exceeds by more than rounding; infinite if that isn't known. */
    double bound() {
        return similarity == Similarity.COSINE ? scale : Double.POSITIVE_INFINITY;
    }

    /** Factors of the columns on the host; null: none. */
    double @Nullable [] factors() {
        return factors == null ? null : factors.toDoubleVector();
    }

    /**
     * Takes the gradients of states from..to, given those of their products. {@link #finish} completes them.
     *
     * @param logits the logits; not used but for EUCLIDEAN, then overwritten
     * @param epsilon gradient of the {@link #products}: that of the logits, {@linkplain #scale scaled}; row-major [to −
     *     from, K]; overwritten
     * @param shares what the rows of {@code epsilon} are yet to be multiplied by; null: nothing
     * @param statesGradient set, row-major [to − from, d]
     * @param basesGradient row-major [K, d], set by the first block and added to by later ones; null: not wanted
     */
    void gradients(
            long from,
            long to,
            INDArray logits,
            INDArray epsilon,
            float @Nullable [] shares,
            INDArray statesGradient,
            @Nullable INDArray basesGradient) {
        INDArray points = rows(states, from, to);
        double beta = basesGradientBegun ? 1 : 0;
        basesGradientBegun = true;
        switch (similarity) {
            case EUCLIDEAN -> {
                if (shares != null) {
                    epsilon.muliColumnVector(RowOperations.column(shares));
                }
                logScale += Nd4j.getExecutioner()
                        .execAndReturn(new Dot(epsilon, logits))
                        .getFinalResult()
                        .doubleValue();
                // −scale·epsilon/distance where −scale·distance are the logits, and 0 for a distance of 0
                BooleanIndexing.replaceWhere(
                        logits, Double.NEGATIVE_INFINITY, Conditions.greaterThan(-(double) Float.MIN_NORMAL));
                epsilon.divi(logits).muli(scale * scale);
                INDArray ones = Nd4j.ones(type(), basisCount(), 1);
                INDArray rowSums = Nd4j.gemm(epsilon, ones, false, false);
                Nd4j.gemm(epsilon, bases, statesGradient, false, false, -1, 0);
                statesGradient.addi(points.mulColumnVector(rowSums));
                if (basesGradient != null) {
                    Nd4j.gemm(epsilon, points, basesGradient, true, false, -1, beta);
                    INDArray sums = Nd4j.gemm(Nd4j.ones(type(), 1, points.size(0)), epsilon, false, false);
                    columnSums = columnSums == null ? sums : columnSums.addi(sums);
                }
            }
            default -> {
                // A cosine's scale is among its factors
                double factor = similarity == Similarity.COSINE ? 1 : scale;
                Nd4j.gemm(epsilon, bases, statesGradient, false, false, factor, 0);
                INDArray shared = points;
                if (shares != null && similarity == Similarity.COSINE) {
                    if (missingShares == null) {
                        missingShares = new float[(int) stateCount()];
                    }
                    System.arraycopy(shares, 0, missingShares, (int) from, shares.length);
                } else if (shares != null) {
                    RowOperations.multiply(statesGradient, RowOperations.column(shares), statesGradient);
                }
                if (basesGradient != null) {
                    if (shares != null) {
                        shared = RowOperations.multiply(points, RowOperations.column(shares), points.ulike());
                    }
                    Nd4j.gemm(epsilon, shared, basesGradient, true, false, factor, beta);
                }
            }
        }
    }

    /**
     * Completes the gradients after the last block.
     *
     * @param statesGradient that of all states, not a view
     * @param basesGradient that of the bases, or null
     * @return the gradient of ln(scale)
     */
    double finish(INDArray statesGradient, @Nullable INDArray basesGradient) {
        switch (similarity) {
            case COSINE -> {
                INDArray factor = missingShares == null ? perState : perState.mul(RowOperations.column(missingShares));
                double[] along = RowOperations.project(statesGradient, states, null, factor);
                for (int i = 0; i < along.length; i++) {
                    logScale += missingShares == null ? along[i] : along[i] * missingShares[i];
                }
                if (basesGradient != null) {
                    projectBases(basesGradient);
                }
            }
            case EUCLIDEAN -> {
                if (basesGradient != null) {
                    forEachBasisBlock(
                            basesGradient,
                            (from, to, gradient) ->
                                    gradient.addi(rows(bases, from, to).mulColumnVector(column(columnSums, from, to))));
                }
            }
            default ->
                logScale =
                        RowOperations.dots(statesGradient, states).sumNumber().doubleValue();
        }
        return logScale;
    }

    private interface BasisBlock {
        void visit(long from, long to, INDArray gradient);
    }

    private void forEachBasisBlock(INDArray basesGradient, BasisBlock visitor) {
        for (long from = 0; from < basisCount(); from += BASIS_ROWS) {
            long to = Math.min(basisCount(), from + BASIS_ROWS);
            visitor.visit(from, to, rows(basesGradient, from, to));
        }
    }

    private void projectBases(INDArray basesGradient) {
        forEachBasisBlock(basesGradient, (from, to, gradient) -> {
            INDArray inverseNorms = column(factors, from, to).div(scale);
            RowOperations.project(gradient, rows(bases, from, to), inverseNorms.muli(inverseNorms), null);
        });
    }

    private static INDArray column(INDArray row, long from, long to) {
        return row.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to)).reshape(to - from, 1);
    }

    static INDArray rows(INDArray matrix, long from, long to) {
        return from == 0 && to == matrix.size(0)
                ? matrix
                : matrix.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
    }
}
