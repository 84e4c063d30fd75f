/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
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

    /** The side of the model that bases belong to. */
    private enum Side {
        HEAD("head"),
        EMBEDDING("embedding");

        private final String text;

        Side(String text) {
            this.text = text;
        }
    }

    private final INDArray matrix;
    private final List<String> names;
    /** The token of each row, or null where row i is that of token i or rows are classes. */
    private final int @Nullable [] tokenIds;
    /** Tokens without a basis, ascending. */
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
        return new Builder(Side.HEAD, head);
    }

    /**
     * Bases of the input side, with options.
     *
     * @param embedding where the embedding's rows lie
     * @return a builder
     */
    public static Builder embedding(TokenVectors embedding) {
        return new Builder(Side.EMBEDDING, embedding);
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
        int row = tokenIds == null ? tokenId : indexOf(tokenId, tokenIds);
        if (row < 0) {
            throw new IllegalArgumentException(requirement + " be one of the " + size()
                    + " tokens that these bases were built for, found " + tokenId);
        }
        return row;
    }

    private static int indexOf(int tokenId, int[] tokenIds) {
        for (int i = 0; i < tokenIds.length; i++) {
            if (tokenIds[i] == tokenId) {
                return i;
            }
        }
        return -1;
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

    /**
     * Writes the bases to a file: all that is needed to use them without the head.
     *
     * <p>The format, numbers big-endian: the 8 bytes {@code L4JBASES}; version (int, 1); K, d, V (long each); value type
     * (byte, 4 for FLOAT, 8 for DOUBLE); fingerprint (32 bytes); {@link Computation}: route (byte, its position in
     * {@link Route}), rank (int), condition, rcond, ridge (double each); number of names (int, 0 or K) and each name
     * (int length, UTF-8); number of token ids (int, 0 or K) and the ids (int each); number of tokens with a zero basis
     * (int) and their ids (int each); K·d values, row by row; the SHA-256 of all that (32 bytes).
     *
     * @param file where to; written beside it first and then put in its place, so that no half-written file remains
     * @throws IOException if it can't be written
     */
    public void save(Path file) throws IOException {
        BasesFile.write(this, file);
    }

    /**
     * Reads what {@link #save} has written.
     *
     * @param file the file
     * @return the bases, equal in all parts
     * @throws IOException if the file can't be read, is no file of bases, of a newer version, truncated or altered
     */
    public static SemanticBases load(Path file) throws IOException {
        return BasesFile.read(file);
    }

    /** Tokens of the rows; null where row i is token i or a class. */
    int @Nullable [] tokenIds() {
        return tokenIds;
    }

    /** Tokens whose basis is zero, ascending. */
    int[] zeroTokens() {
        return zeroTokens;
    }

    @Override
    public String toString() {
        return "SemanticBases{size=" + size() + ", features=" + features() + ", type=" + matrix.dataType() + ", "
                + computation + (names.isEmpty() ? "" : ", names=" + names) + '}';
    }

    /** Options of bases; see {@link #head(TokenVectors)} and {@link #embedding(TokenVectors)}. */
    public static final class Builder {
        /** A block of 4 MiB, or half a square matrix: beyond, products become no faster. */
        private static final long BLOCK_ELEMENTS = 1 << 19;

        /** What a buffer of the JVM's can address. */
        private static final long MAX_BLOCK_ELEMENTS = 1 << 27;

        /** d×d matrices that either route holds at once at most. */
        private static final long SQUARE_MATRICES = 10;

        private final Side side;
        private TokenVectors vectors;
        private @Nullable Double rcond;
        private double ridge;
        private int @Nullable [] tokenIds;
        private @Nullable LabelWords labels;
        private boolean allowZeroVectors;
        private long memory;

        private Builder(Side side, TokenVectors vectors) {
            this.side = side;
            this.vectors = Objects.requireNonNull(vectors, side.text);
        }

        /**
         * Sets which singular values of the head count as 0, as {@code rcond} of NumPy's {@code pinv} does: those up to
         * rcond times the largest. Where none is, the bases are those of the full inverse.
         *
         * <p>The default is max(V, d)·2⁻⁵² for a DOUBLE head, and 1e-6 for all other types, whose rounding alone leaves
         * singular values of about 1e-7 of the largest where there should be none. Without effect on the input side and
         * with a ridge.
         *
         * @param rcond in [2⁻⁵², 1)
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder rcond(double rcond) {
            if (!(rcond >= 0x1p-52 && rcond < 1)) {
                throw new IllegalArgumentException("rcond must be in [2^-52, 1), found " + rcond);
            }
            this.rcond = rcond;
            return this;
        }

        /**
         * Sets what is added to the diagonal of the Gram matrix: the bases are the rows of H·(HᵀH + ridge·I)⁻¹, which damps
         * all directions whose singular value is below √ridge and cuts off none. An option of ours, without effect on the
         * input side.
         *
         * @param ridge 0 (none, the default) or above; absolute, not relative to the head
         * @return this
         * @throws IllegalArgumentException if it is negative or not finite
         */
        public Builder ridge(double ridge) {
            if (!(ridge >= 0 && ridge < Double.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException("ridge must be finite and >= 0, found " + ridge);
            }
            this.ridge = ridge;
            return this;
        }

        /**
         * Makes the bases of these tokens only, in this order. The head is read as a whole nonetheless.
         *
         * @param tokenIds distinct ids in [0, V)
         * @return this
         * @throws IllegalArgumentException if there is none, or one is out of range or given twice
         */
        public Builder tokenIds(int... tokenIds) {
            if (tokenIds.length == 0) {
                throw new IllegalArgumentException("tokenIds must have at least one id, found none");
            }
            Set<Integer> seen = new HashSet<>();
            for (int id : tokenIds) {
                if (id < 0 || id >= vectors.tokens() || !seen.add(id)) {
                    throw new IllegalArgumentException("tokenIds must be distinct and in [0, " + vectors.tokens()
                            + "), found " + id + (seen.contains(id) ? " twice" : ""));
                }
            }
            this.tokenIds = tokenIds.clone();
            return this;
        }

        /**
         * Makes the bases of the classes of a task only, without those of all tokens: the same as {@link #tokenIds} with
         * their tokens and {@link SemanticBases#forLabels}, and in place of them.
         *
         * @param labels classes and their tokens
         * @return this
         * @throws IllegalArgumentException if a token is out of range
         */
        public Builder labels(LabelWords labels) {
            tokenIds(labels.tokenIds());
            this.labels = labels;
            return this;
        }

        /**
         * Folds the gain of the model's final norm into the head, diag(gain)·W. For states that are taken after the norm
         * without its gain; states that hold the gain already need none.
         *
         * @param gain floating point vector of d values
         * @return this
         * @throws IllegalArgumentException if it is none or not finite
         */
        public Builder finalNormGain(INDArray gain) {
            this.vectors = new ScaledVectors(vectors, gain);
            return this;
        }

        /**
         * Lets heads have zero vectors, as those of vocabularies that are padded to a round size do. The tokens' bases are
         * zero then, and {@link SemanticBases#forLabels} does not take them.
         *
         * @param allowZeroVectors whether they are no error; false where not called
         * @return this
         */
        public Builder allowZeroVectors(boolean allowZeroVectors) {
            this.allowZeroVectors = allowZeroVectors;
            return this;
        }

        /**
         * Bounds the memory that building takes, by shorter blocks; see {@link #plannedBytes()}.
         *
         * @param bytes for the bases themselves and all that is needed to make them
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder memory(long bytes) {
            if (bytes <= 0) {
                throw new IllegalArgumentException("memory must be > 0 bytes, found " + bytes);
            }
            this.memory = bytes;
            return this;
        }

        /**
         * The memory that building will take at most, in the heap and outside: the bases (K·d values of their type), two
         * blocks of n rows ({@code 16·n·d} bytes; one on the input side) and, on the output side, ten d×d matrices
         * ({@code 80·d²} bytes). What holds the head itself is not counted.
         *
         * @return bytes
         * @throws IllegalArgumentException if {@link #memory} does not suffice for blocks of a single row
         */
        public long plannedBytes() {
            return fixedBytes() + blockRows() * rowBytes();
        }

        private long fixedBytes() {
            long d = vectors.features();
            long rows = tokenIds == null ? vectors.tokens() : tokenIds.length;
            return rows * d * type().width() + (side == Side.HEAD ? SQUARE_MATRICES * d * d * Double.BYTES : 0);
        }

        private long rowBytes() {
            return (side == Side.HEAD ? 2L : 1L) * vectors.features() * Double.BYTES;
        }

        private long blockRows() {
            long most = MAX_BLOCK_ELEMENTS / vectors.features();
            long rows = Math.min(most, Math.max(BLOCK_ELEMENTS / vectors.features(), vectors.features() / 2));
            if (memory > 0) {
                rows = Math.min(most, (memory - fixedBytes()) / rowBytes());
                if (rows < 1) {
                    throw new IllegalArgumentException("memory must be at least " + (fixedBytes() + rowBytes())
                            + " bytes for " + vectors + ", found " + memory);
                }
            }
            return Math.max(1, Math.min(rows, vectors.tokens()));
        }

        private DataType type() {
            return vectors.dataType() == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
        }

        /**
         * The fingerprint that bases of this head would have, without making any: to compare a network's head with stored
         * bases.
         *
         * @return {@link SemanticBases#fingerprint()}
         * @throws IllegalArgumentException if a value is not finite
         */
        public String fingerprint() {
            try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces();
                    RowBlocks blocks = new RowBlocks(vectors, blockRows())) {
                HeadInspection inspection = new HeadInspection(side.text, vectors);
                blocks.forEach(inspection);
                return inspection.fingerprint();
            }
        }

        /**
         * Computes the bases: one pass over the head for its Gram matrix, a second one where it is not well-conditioned, and
         * one for the bases unless few are asked for.
         *
         * @return the bases, in FLOAT, or DOUBLE for a DOUBLE head
         * @throws IllegalArgumentException if a value is not finite, a vector is zero without leave, a label's token has a
         *     zero basis, or the memory does not suffice
         * @throws IllegalStateException if the backend's matrix products turn out to be wrong
         */
        public SemanticBases build() {
            try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces();
                    RowBlocks blocks = new RowBlocks(vectors, blockRows())) {
                HeadInspection inspection = new HeadInspection(side.text, vectors);
                INDArray factor = null;
                int[] zeroTokens;
                Computation computation;
                if (side == Side.HEAD) {
                    double[][] gram = PseudoInverse.gram(blocks, inspection);
                    zeroTokens = inspection.zeroTokens(allowZeroVectors);
                    double cut = rcond != null ? rcond : defaultRcond();
                    PseudoInverse.Factor found = PseudoInverse.of(blocks, gram, cut, ridge);
                    factor = found.factor();
                    computation =
                            new Computation(found.route(), found.rank(), found.condition(), ridge > 0 ? 0 : cut, ridge);
                } else {
                    blocks.forEach(inspection);
                    zeroTokens = inspection.zeroTokens(allowZeroVectors);
                    computation = new Computation(Route.VECTORS, 0, Double.NaN, 0, 0);
                }
                SemanticBases bases = new SemanticBases(
                        rows(blocks, factor),
                        List.of(),
                        tokenIds,
                        zeroTokens,
                        vectors.tokens(),
                        inspection.fingerprint(),
                        computation);
                return labels == null ? bases : bases.forLabels(labels);
            }
        }

        private double defaultRcond() {
            return type() == DataType.DOUBLE ? Math.max(vectors.tokens(), vectors.features()) * 0x1p-52 : 1e-6;
        }

        private INDArray rows(RowBlocks blocks, @Nullable INDArray factor) {
            long count = tokenIds == null ? vectors.tokens() : tokenIds.length;
            INDArray rows = Nd4j.createUninitialized(type(), new long[] {count, vectors.features()}, 'c');
            blocks.forEach(tokenIds, (from, block) -> {
                INDArray target = rows.get(NDArrayIndex.interval(from, from + block.size(0)), NDArrayIndex.all());
                target.assign(factor == null ? block : blocks.timesTransposed(from, block, factor));
            });
            return rows;
        }
    }
}
