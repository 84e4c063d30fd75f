/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What one pass over a head tells beside its Gram matrix: that its values are finite, which rows are zero, and its
 * fingerprint.
 *
 * <p>The fingerprint is the SHA-256 of the text {@code "latent4j semantic bases 1 <side> <V> <d>\n"} followed by all
 * values as big-endian IEEE doubles, token by token, with −0 written as 0: the same for the same values, however they
 * are stored.
 */
final class HeadInspection implements RowBlocks.Visitor {
    /** Sums of squares that leave room for the products that follow. */
    private static final double MIN_SQUARES = 1e-200;

    private static final double MAX_SQUARES = 1e300;

    private final String name;
    private final MessageDigest digest;
    private final double[] row;
    private final ByteBuffer bytes;
    private double total;
    private final IntStream.Builder zeroTokens = IntStream.builder();

    HeadInspection(String name, TokenVectors vectors) {
        this.name = name;
        this.digest = sha256();
        String title = "latent4j semantic bases 1 " + name + ' ' + vectors.tokens() + ' ' + vectors.features() + '\n';
        digest.update(title.getBytes(StandardCharsets.US_ASCII));
        this.row = new double[vectors.features()];
        this.bytes = ByteBuffer.allocate(Double.BYTES * row.length);
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    @Override
    public void visit(long from, INDArray block) {
        inspect(from, block.size(0), Products.hostValues(block));
    }

    /**
     * Inspects a block in another thread, since a digest takes one thread only, while the caller does something else that
     * leaves the block as it is.
     *
     * @throws IllegalArgumentException as the inspection does, whatever the other work came to
     */
    void visitDuring(Runnable work, long from, INDArray block) {
        DoubleBuffer values = Products.hostValues(block);
        CompletableFuture<Void> inspection = CompletableFuture.runAsync(() -> inspect(from, block.size(0), values));
        try {
            work.run();
        } finally {
            await(inspection);
        }
    }

    private static void await(CompletableFuture<Void> inspection) {
        try {
            inspection.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof IllegalArgumentException refusal) {
                throw refusal;
            }
            throw e;
        }
    }

    private void inspect(long from, long count, DoubleBuffer values) {
        for (long token = from; token < from + count; token++) {
            values.get(row);
            for (int j = 0; j < row.length; j++) {
                row[j] += 0.0;
            }
            double squares = Products.dot(row, row, row.length);
            total += squares;
            if (!(total < MAX_SQUARES)) {
                refuse(token);
            }
            if (squares == 0) {
                zeroTokens.add((int) token);
            }
            bytes.asDoubleBuffer().put(row);
            digest.update(bytes.array());
        }
    }

    private void refuse(long token) {
        for (double value : row) {
            if (!Double.isFinite(value)) {
                throw new IllegalArgumentException(
                        name + " must be finite, found " + value + " in the vector of token " + token);
            }
        }
        throw new IllegalArgumentException(outOfRange() + " up to token " + token);
    }

    private String outOfRange() {
        return name + " must have a sum of squares from " + MIN_SQUARES + " to " + MAX_SQUARES + ", found " + total;
    }

    /**
     * Ends the pass.
     *
     * @param allowZeroVectors whether some vectors may be zero
     * @return tokens whose vector is zero, in ascending order
     */
    int[] zeroTokens(boolean allowZeroVectors) {
        int[] found = zeroTokens.build().toArray();
        if (found.length > 0 && !allowZeroVectors) {
            throw new IllegalArgumentException(name + " must have no zero vectors, found " + found.length
                    + ", those of tokens "
                    + Arrays.stream(found).limit(5).boxed().toList()
                    + (found.length > 5 ? " and more" : ""));
        }
        if (total < MIN_SQUARES) {
            throw new IllegalArgumentException(outOfRange());
        }
        return found;
    }

    /** 64 hexadecimal digits; to be asked for once, after the last block. */
    String fingerprint() {
        return HexFormat.of().formatHex(digest.digest());
    }
}
