/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The vectors H (V×d) of all tokens as a stream of row blocks in double, which is all of them that is ever held. Two
 * buffers are allocated, one for a block and one for its product with a d×d matrix; both are used again block after
 * block.
 */
final class RowBlocks implements AutoCloseable {
    /** Reads a block; {@code from} is its first token. */
    interface Visitor {
        void visit(long from, INDArray block);
    }

    private final TokenVectors vectors;
    private final INDArray rows;
    private @Nullable INDArray products;

    /**
     * @param vectors where the rows come from
     * @param blockRows rows of one block; the last may be shorter
     */
    RowBlocks(TokenVectors vectors, long blockRows) {
        this.vectors = vectors;
        this.rows = buffer(Math.min(blockRows, vectors.tokens()), vectors.features());
    }

    TokenVectors vectors() {
        return vectors;
    }

    void forEach(Visitor visitor) {
        for (long from = 0; from < vectors.tokens(); from += rows.size(0)) {
            INDArray block = first(rows, Math.min(rows.size(0), vectors.tokens() - from));
            vectors.read(from, block);
            visitor.visit(from, block);
        }
    }

    /**
     * The rows of the given tokens only; all rows where null.
     *
     * @param visitor {@code from} is the index of the first of the block's tokens in the array
     */
    void forEach(int @Nullable [] tokenIds, Visitor visitor) {
        if (tokenIds == null) {
            forEach(visitor);
            return;
        }
        try (INDArray row = buffer(1, vectors.features())) {
            for (int from = 0; from < tokenIds.length; from += (int) rows.size(0)) {
                INDArray block = first(rows, Math.min(rows.size(0), tokenIds.length - from));
                for (int i = 0; i < block.size(0); i++) {
                    vectors.read(tokenIds[from + i], row);
                    block.putRow(i, row);
                }
                visitor.visit(from, block);
            }
        }
    }

    /** Whether the block is the first of its size: the first of all or a shorter last one. */
    boolean isFirstOfShape(long from, INDArray block) {
        return from == 0 || block.size(0) < rows.size(0);
    }

    /** The block times Aᵀ, valid until the next product. */
    INDArray timesTransposed(long from, INDArray block, INDArray a) {
        if (products == null) {
            products = buffer(rows.size(0), vectors.features());
        }
        INDArray product = first(products, block.size(0));
        Products.add(block, a, product, false, true, 1, 0, isFirstOfShape(from, block));
        return product;
    }

    private static INDArray buffer(long rows, long columns) {
        return Nd4j.createUninitialized(DataType.DOUBLE, new long[] {rows, columns}, 'c');
    }

    private static INDArray first(INDArray buffer, long count) {
        return count == buffer.size(0) ? buffer : buffer.get(NDArrayIndex.interval(0, count), NDArrayIndex.all());
    }

    @Override
    public void close() {
        rows.close();
        if (products != null) {
            products.close();
        }
    }
}
