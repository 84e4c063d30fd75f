/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Semantic bases: for each vocabulary token the point of the latent space that stands for it.
 *
 * <p>With an LM head W (d×V, logits = r·W; a bias is ignored) the basis of token i is row i of the Moore–Penrose
 * pseudo-inverse,
 *
 * <pre>{@code
 * s_i = e_i·W⁺,   W⁺ = H·(HᵀH)⁻¹ for H = Wᵀ of full column rank
 * }</pre>
 *
 * the shortest of the states whose logits come nearest to the one-hot vector e_i. On the input side it is the token's
 * embedding itself.
 *
 * <pre>{@code
 * SemanticBases bases = SemanticBases.fromHead(head);                 // [d, V]
 * SemanticBases classes = bases.forLabels(LabelWords.builder()
 *         .label("positive", 1049).label("negative", 7818).build());
 * }</pre>
 *
 * <p>Only the bases asked for are made, and the head is read in blocks ({@link Builder#memory}); neither a V×V matrix nor
 * a copy of the head exists at any time. Instances are immutable as long as nobody writes to {@link #matrix()}.
 *
 * <p>Source: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184, section on semantic bases.
 */
public final class SemanticBases {
    /** How bases were found. */
    public enum Route {
        /** They are the vectors of the tokens themselves (input side). */
        VECTORS,
        /** By the Cholesky factor of the d×d Gram matrix of the head. */
        CHOLESKY,
        /** By the eigenvectors of the Gram matrix, less those whose singular values are cut off. */
        TRUNCATED
    }

    /**
     * What is known of the computation.
     *
     * @param route how the bases were found
     * @param rank the number of singular values of the head that were kept; 0 on the input side, where none are asked for
     * @param condition largest by smallest kept singular value, estimated within a few per cent; NaN on the input side
     * @param rcond singular values up to this part of the largest were cut off
     * @param ridge what was added to the diagonal of the Gram matrix
     */
    public record Computation(Route route, int rank, double condition, double rcond, double ridge) {}

    private final INDArray matrix;
    private final List<String> names;
    private final int @Nullable [] tokenIds;
    private final int[] zeroTokens;
    private final long vocabulary;
    private final String fingerprint;
    private final Computation computation;

    SemanticBases(
            INDArray matrix,
            List<String> names,
            int @Nullable [] tokenIds,
            int[] zeroTokens,
            long vocabulary,
            String fingerprint,
            Computation computation) {
        this.matrix = matrix;
        this.names = names;
        this.tokenIds = tokenIds;
        this.zeroTokens = zeroTokens;
        this.vocabulary = vocabulary;
        this.fingerprint = fingerprint;
        this.computation = computation;
    }

    /**
     * The bases of all tokens of an LM head.
     *
     * @param head floating point array {@code [d, V]}
     * @return V bases of d features, in FLOAT, or DOUBLE for a DOUBLE head
     * @throws IllegalArgumentException if the head is no such matrix, a value is not finite or a column is zero
     */
    public static SemanticBases fromHead(INDArray head) {
        return head(TokenVectors.columnsOf(head)).build();
    }

    /**
     * The bases of all tokens of an LM head that is given one row per token, Wᵀ.
     *
     * @param headRows floating point array {@code [V, d]}
     * @return V bases of d features, in FLOAT, or DOUBLE for a DOUBLE head
     * @throws IllegalArgumentException if the head is no such matrix, a value is not finite or a row is zero
     */
    public static SemanticBases fromHeadRows(INDArray headRows) {
        return head(TokenVectors.rowsOf(headRows)).build();
    }

    /**
     * The bases of the input side: the rows of an embedding matrix.
     *
     * @param embedding floating point array {@code [V, d]}
     * @return its rows, in FLOAT, or DOUBLE for a DOUBLE matrix
     * @throws IllegalArgumentException if this is no such matrix, a value is not finite or a row is zero
     */
    public static SemanticBases fromEmbedding(INDArray embedding) {
        return embedding(TokenVectors.rowsOf(embedding)).build();
    }

    /**
     * Bases of the output side, with options.
     *
     * @param head where the head's columns lie
     * @return a builder
     */
    public static Builder head(TokenVectors head) {
        return new Builder("head", head);
    }

    /**
     * Bases of the input side, with options.
     *
     * @param embedding where the embedding's rows lie
     * @return a builder
     */
    public static Builder embedding(TokenVectors embedding) {
        return new Builder("embedding", embedding);
    }

    /**
     * All bases, one per row.
     *
     * @return FLOAT or DOUBLE matrix {@code [K, d]}, 'c'-ordered; not a copy, to be left unchanged
     */
    public INDArray matrix() {
        return matrix;
    }

    /**
     * The number of bases.
     *
     * @return K: V, the number of tokens asked for, or the number of classes
     */
    public long size() {
        return matrix.size(0);
    }

    /**
     * The length of each basis.
     *
     * @return d
     */
    public long features() {
        return matrix.size(1);
    }

    /**
     * The number of tokens of the head or embedding that the bases came from.
     *
     * @return V
     */
    public long vocabularySize() {
        return vocabulary;
    }

    /**
     * The class names of bases made by {@link #forLabels}.
     *
     * @return K names, or none where rows are tokens
     */
    public List<String> names() {
        return names;
    }

    /**
     * Identifies the head or embedding that the bases came from: the SHA-256 of its values, sizes and side (output or
     * input). It does not depend on the type in which the values were stored, nor on the options or the tokens asked for,
     * and stays the same through {@link #forLabels}. {@link Builder#fingerprint()} gives that of another head.
     *
     * @return 64 hexadecimal digits
     */
    public String fingerprint() {
        return fingerprint;
    }

    /**
     * How the bases were found.
     *
     * @return route, rank, condition and options
     */
    public Computation computation() {
        return computation;
    }

    /**
     * The basis of a token.
     *
     * @param tokenId the token
     * @return row {@code [1, d]}, a view
     * @throws IllegalArgumentException if the token is out of range or was not asked for
     * @throws IllegalStateException if rows are classes
     */
    public INDArray of(int tokenId) {
        long row = row(tokenId, "tokenId must");
        return matrix.get(NDArrayIndex.interval(row, row + 1), NDArrayIndex.all());
    }

    private int row(int tokenId, String requirement) {
        if (!names.isEmpty()) {
            throw new IllegalStateException("these are bases of the classes " + names + ", not of tokens");
        }
        if (tokenId < 0 || tokenId >= vocabulary) {
            throw new IllegalArgumentException(
                    requirement + " be in [0, " + vocabulary + "), the vocabulary of the bases, found " + tokenId);
        }
        int row = tokenIds == null ? tokenId : Arrays.binarySearch(tokenIds, tokenId);
        if (row < 0) {
            throw new IllegalArgumentException(requirement + " be one of the " + size()
                    + " tokens that these bases were built for, found " + tokenId);
        }
        return row;
    }

    /**
     * The bases of the classes of a task: for each class the mean of the bases of its tokens.
     *
     * @param labels classes and their tokens
     * @return one basis per class, with names and this fingerprint
     * @throws IllegalArgumentException if a token is out of range, was not asked for, or has a zero basis
     * @throws IllegalStateException if these are bases of classes already
     */
    public SemanticBases forLabels(LabelWords labels) {
        try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            INDArray classes = Nd4j.create(matrix.dataType(), new long[] {labels.size(), features()}, 'c');
            for (int c = 0; c < labels.size(); c++) {
                String name = labels.classes().get(c);
                int[] ids = labels.tokenIds(c);
                INDArray basis = classes.getRow(c);
                for (int id : ids) {
                    int row = row(id, "the tokens of class \"" + name + "\" must");
                    if (Arrays.binarySearch(zeroTokens, id) >= 0) {
                        throw new IllegalArgumentException("the tokens of class \"" + name
                                + "\" must have a basis other than zero, found token " + id);
                    }
                    basis.addi(matrix.getRow(row));
                }
                basis.divi(ids.length);
            }
            return new SemanticBases(classes, labels.classes(), null, new int[0], vocabulary, fingerprint, computation);
        }
    }

    @Override
    public String toString() {
        return "SemanticBases{size=" + size() + ", features=" + features() + ", type=" + matrix.dataType() + ", "
                + computation + (names.isEmpty() ? "" : ", names=" + names) + '}';
    }

    /** Options of bases. */
    public static final class Builder {
        private static final long BLOCK_ELEMENTS = 1 << 22;

        private final String side;
        private final TokenVectors vectors;
        private double rcond;
        private double ridge;
        private int @Nullable [] tokenIds;
        private boolean allowZeroVectors;

        private Builder(String side, TokenVectors vectors) {
            this.side = side;
            this.vectors = Objects.requireNonNull(vectors, side);
            this.rcond = vectors.dataType() == DataType.DOUBLE
                    ? Math.max(vectors.tokens(), vectors.features()) * 0x1p-52
                    : 1e-6;
        }

        /**
         * Computes the bases.
         *
         * @return the bases
         * @throws IllegalArgumentException if a value is not finite, or a vector is zero without leave
         */
        public SemanticBases build() {
            long blockRows = Math.max(1, BLOCK_ELEMENTS / vectors.features());
            try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces();
                    RowBlocks blocks = new RowBlocks(vectors, blockRows)) {
                HeadInspection inspection = new HeadInspection(side, vectors);
                INDArray factor = null;
                Computation computation;
                if (side.equals("head")) {
                    PseudoInverse.Factor found = PseudoInverse.of(blocks, rcond, ridge, inspection);
                    factor = found.factor();
                    computation = new Computation(found.route(), found.rank(), found.condition(), rcond, ridge);
                } else {
                    blocks.forEach(inspection);
                    computation = new Computation(Route.VECTORS, 0, Double.NaN, 0, 0);
                }
                int[] zeroTokens = inspection.zeroTokens();
                if (zeroTokens.length > 0 && !allowZeroVectors) {
                    throw new IllegalArgumentException(side + " must have no zero vectors, found " + zeroTokens.length
                            + ": "
                            + Arrays.stream(zeroTokens)
                                    .limit(5)
                                    .mapToObj(id -> "token " + id)
                                    .collect(Collectors.joining(", "))
                            + (zeroTokens.length > 5 ? ", ..." : ""));
                }
                return new SemanticBases(
                        rows(blocks, factor),
                        List.of(),
                        tokenIds,
                        zeroTokens,
                        vectors.tokens(),
                        inspection.fingerprint(),
                        computation);
            }
        }

        private INDArray rows(RowBlocks blocks, @Nullable INDArray factor) {
            DataType type = vectors.dataType() == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
            INDArray rows = Nd4j.createUninitialized(type, new long[] {vectors.tokens(), vectors.features()}, 'c');
            blocks.forEach(
                    (from, block) -> rows.get(NDArrayIndex.interval(from, from + block.size(0)), NDArrayIndex.all())
                            .assign(factor == null ? block : blocks.timesTransposed(block, factor)));
            return rows;
        }
    }
}
