/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.reduce3.Dot;
import org.nd4j.linalg.api.ops.impl.shape.Gather;
import org.nd4j.linalg.api.ops.impl.transforms.custom.SoftMax;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The contrastive cross-entropy of queries against keys, value and gradients: the next-sequence loss, and with token ids
 * as positives and the output matrix as keys the next-token loss too.
 *
 * <pre>{@code
 * s_ij = q_i·k_j / τ       (COSINE: of q_i/‖q_i‖ and k_j/‖k_j‖)
 * L_i  = ln Σ_j exp(s_ij) − mean over the positives j of i of s_ij
 * L    = mean over i of L_i
 * }</pre>
 *
 * where j goes over all keys but those that the {@link Pairing} leaves out for i. The symmetric loss is the mean of L and
 * of the same with queries and keys exchanged, over the keys that are positives. A zero vector has cosine 0 with all
 * others and no gradient.
 *
 * <table>
 * <caption>Shapes</caption>
 * <tr><th>array</th><th>shape</th></tr>
 * <tr><td>queries</td><td>{@code [P, d]}</td></tr>
 * <tr><td>keys: positives, hard negatives, then those without gradient</td><td>{@code [M, d]}</td></tr>
 * </table>
 *
 * <p>DOUBLE keys are computed in DOUBLE, others in FLOAT. Scores are held for a block of queries only, at most 64 MB at a
 * time (one row at least), and become probabilities and gradients in place; so a pass costs the three products it needs
 * and a softmax. The symmetric loss takes twice that.
 *
 * <p>All methods are stateless and safe for concurrent use. Source: Lee et al., "Semiparametric Token-Sequence
 * Co-Supervision", ACL 2024, arXiv 2403.09024, section 3 (dot product, mean over queries); cosine, temperature, symmetry,
 * several positives and duplicates are additions.
 *
 * @see LossNextSequence
 * @see NextSequenceOutputLayer
 */
public final class NextSequenceContrast {
    /** Bytes that a block of scores takes at most, unless one row is larger. */
    private static final long BLOCK_BYTES = 64L << 20;

    /** What a buffer of the JVM's can address. */
    private static final long HOST_SCORES = 1L << 28;

    /** What another thread is worth its start for. */
    private static final long PART_SCORES = 1L << 20;

    /** Under this probability ln p has lost FLOAT's digits. */
    private static final double LEAST_PROBABILITY = 1e-30;

    private NextSequenceContrast() {}

    /**
     * A loss and its gradients.
     *
     * @param loss the mean loss
     * @param losses what each query contributes, {@code [P, 1]}; their mean is the loss
     * @param queries gradient of the mean loss (times the factor asked for), {@code [P, d]}; null where none was asked for
     * @param keys the same for the own keys, {@code [own, d]}; null where none was asked for or there are none
     */
    public record Result(
            double loss,
            INDArray losses,
            @Nullable INDArray queries,
            @Nullable INDArray keys) {}

    /**
     * The paper's loss: key i is the positive of query i.
     *
     * @param queries {@code [P, d]}
     * @param keys {@code [M, d]}, M ≥ P; keys from P on are negatives of all queries
     * @return the mean loss
     * @throws IllegalArgumentException if a shape does not fit or a value is not finite
     */
    public static double of(INDArray queries, INDArray keys) {
        return of(queries, keys, diagonal(queries), Contrast.PAPER).loss();
    }

    /**
     * The loss of a pairing.
     *
     * @param queries {@code [P, d]}
     * @param keys {@code [M, d]}
     * @param pairing which keys are positives of which queries
     * @param contrast similarity, temperature, direction
     * @return the loss, without gradients
     * @throws IllegalArgumentException if a shape does not fit, a positive is not among the keys, or a value is not finite
     */
    public static Result of(INDArray queries, INDArray keys, Pairing pairing, Contrast contrast) {
        return run(queries, keys, pairing, contrast, 1, false, null);
    }

    /**
     * The paper's loss and its gradients: key i is the positive of query i.
     *
     * @param queries as for {@link #of(INDArray, INDArray)}
     * @param keys as for {@link #of(INDArray, INDArray)}
     * @return loss and gradients
     * @throws IllegalArgumentException as for {@link #of(INDArray, INDArray)}
     */
    public static Result withGradients(INDArray queries, INDArray keys) {
        return withGradients(queries, keys, diagonal(queries), Contrast.PAPER);
    }

    /**
     * The loss of a pairing and its gradients.
     *
     * @param queries as for {@link #of(INDArray, INDArray, Pairing, Contrast)}
     * @param keys as for {@link #of(INDArray, INDArray, Pairing, Contrast)}
     * @param pairing as for {@link #of(INDArray, INDArray, Pairing, Contrast)}
     * @param contrast as for {@link #of(INDArray, INDArray, Pairing, Contrast)}
     * @return loss and gradients
     * @throws IllegalArgumentException as for {@link #of(INDArray, INDArray, Pairing, Contrast)}
     */
    public static Result withGradients(INDArray queries, INDArray keys, Pairing pairing, Contrast contrast) {
        return withGradients(queries, keys, pairing, contrast, 1, null);
    }

    /**
     * The loss of a pairing and a multiple of its gradients, as training steps want them.
     *
     * @param queries as for {@link #of(INDArray, INDArray, Pairing, Contrast)}
     * @param keys as for {@link #of(INDArray, INDArray, Pairing, Contrast)}
     * @param pairing as for {@link #of(INDArray, INDArray, Pairing, Contrast)}
     * @param contrast as for {@link #of(INDArray, INDArray, Pairing, Contrast)}
     * @param factor what the gradients are multiplied by; the loss is not
     * @param keysGradient is set to the gradient of the own keys, {@code [own, d]} row-major and of the keys' type; null
     *     to have an array made
     * @return loss and gradients
     * @throws IllegalArgumentException as for {@link #of(INDArray, INDArray, Pairing, Contrast)}
     */
    public static Result withGradients(
            INDArray queries,
            INDArray keys,
            Pairing pairing,
            Contrast contrast,
            double factor,
            @Nullable INDArray keysGradient) {
        return run(queries, keys, pairing, contrast, factor, true, keysGradient);
    }

    private static Pairing diagonal(INDArray queries) {
        return Pairing.diagonal((int) queries.size(0));
    }

    private static Result run(
            INDArray queries,
            INDArray keys,
            Pairing pairing,
            Contrast contrast,
            double factor,
            boolean gradients,
            @Nullable INDArray keysGradient) {
        requireShapes(queries, keys, pairing);
        int own = gradients ? pairing.ownKeys(keys.size(0)) : 0;
        if (keysGradient != null && (keysGradient.size(0) != own || keysGradient.size(1) != keys.size(1))) {
            throw new IllegalArgumentException("keysGradient must have shape [" + own + ", " + keys.size(1)
                    + "], found " + Arrays.toString(keysGradient.shape()));
        }
        DataType type = keys.dataType() == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
        Directions q = new Directions(queries, type, contrast.similarity());
        Directions k = new Directions(keys, type, contrast.similarity());
        INDArray queryGradient = gradients ? Nd4j.createUninitialized(type, queries.shape(), 'c') : null;
        INDArray keyGradient = own == 0
                ? null
                : keysGradient != null
                        ? keysGradient
                        : Nd4j.createUninitialized(type, new long[] {own, keys.size(1)}, 'c');
        double part = contrast.symmetric() ? 0.5 : 1;
        double[] losses =
                oneWay(q.rows, k.rows, pairing, contrast.temperature(), part * factor, queryGradient, keyGradient);
        if (contrast.symmetric()) {
            addReverse(
                    q.rows, k.rows, pairing, contrast.temperature(), part * factor, losses, queryGradient, keyGradient);
        }
        double sum = 0;
        for (double loss : losses) {
            sum += loss;
        }
        if (queryGradient != null) {
            q.project(queryGradient);
        }
        if (keyGradient != null) {
            k.project(keyGradient);
        }
        INDArray column = Nd4j.createFromArray(losses).castTo(type).reshape(new long[] {losses.length, 1});
        return new Result(sum / losses.length, column, queryGradient, keyGradient);
    }

    private static void requireShapes(INDArray queries, INDArray keys, Pairing pairing) {
        if (keys.rank() != 2 || keys.isEmpty()) {
            throw new IllegalArgumentException(
                    "keys must be a matrix [M, d], found shape " + Arrays.toString(keys.shape()));
        }
        if (queries.rank() != 2 || queries.isEmpty() || queries.size(1) != keys.size(1)) {
            throw new IllegalArgumentException("queries must be a matrix [P, d] with the d = " + keys.size(1)
                    + " features of the keys, found shape " + Arrays.toString(queries.shape()));
        }
        if (pairing.queries() != queries.size(0)) {
            throw new IllegalArgumentException("pairing must have one entry for each of " + queries.size(0)
                    + " queries, found " + pairing.queries());
        }
        pairing.requirePositives(keys.size(0));
    }

    /**
     * Queries against keys. Sets the gradients, those of the keys for as many keys as the array has rows.
     *
     * @return the losses
     */
    private static double[] oneWay(
            INDArray queries,
            INDArray keys,
            Pairing pairing,
            double temperature,
            double factor,
            @Nullable INDArray queryGradient,
            @Nullable INDArray keyGradient) {
        DataType type = keys.dataType();
        long count = queries.size(0);
        long width = keys.size(0);
        long own = keyGradient == null ? 0 : keyGradient.size(0);
        long blockRows = Math.min(count, Math.max(1, BLOCK_BYTES / (width * type.width())));
        INDArray buffer = Nd4j.createUninitialized(type, new long[] {blockRows, width}, 'c');
        INDArray ownBuffer =
                own == 0 || own == width ? buffer : Nd4j.createUninitialized(type, new long[] {blockRows, own}, 'c');
        double[] losses = new double[(int) count];
        for (long from = 0; from < count; from += blockRows) {
            long to = Math.min(count, from + blockRows);
            INDArray points = rows(queries, from, to);
            INDArray scores = rows(buffer, 0, to - from);
            INDArray ownErrors = rows(ownBuffer, 0, to - from);
            Nd4j.gemm(points, keys, scores, false, true, 1 / temperature, 0);
            if (type == DataType.FLOAT
                    && scores.length() <= HOST_SCORES
                    && Nd4j.getEnvironment().isCPU()) {
                hostErrors(scores, ownErrors, pairing, (int) from, losses);
            } else {
                deviceErrors(scores, ownErrors, pairing, (int) from, losses, points, keys, temperature);
            }
            for (int i = (int) from; i < to; i++) {
                // Not a number fails this comparison too
                if (!Double.isFinite(losses[i])) {
                    throw new IllegalArgumentException(
                            "queries and keys must hold finite values whose scores are finite, found a loss of "
                                    + losses[i] + " of query " + i);
                }
            }
            if (queryGradient != null) {
                double scale = factor / (temperature * count);
                Nd4j.gemm(scores, keys, rows(queryGradient, from, to), false, false, scale, 0);
                if (keyGradient != null) {
                    Nd4j.gemm(ownErrors, points, keyGradient, true, false, scale, from == 0 ? 0 : 1);
                }
            }
        }
        return losses;
    }

    /**
     * Makes errors of a block of FLOAT scores, where host and device memory are the same.
     *
     * @param scores become softmax less targets
     * @param ownErrors is given their first columns, unless it is the same array
     * @param from query of the first row
     * @param losses is given the rows' losses
     */
    private static void hostErrors(INDArray scores, INDArray ownErrors, Pairing pairing, int from, double[] losses) {
        int count = (int) scores.size(0);
        int width = (int) scores.size(1);
        int own = (int) ownErrors.size(1);
        FloatBuffer values = scores.data().asNioFloat();
        FloatBuffer ownValues = ownErrors.data().asNioFloat();
        int parts = (int) Math.min(Runtime.getRuntime().availableProcessors(), 1 + scores.length() / PART_SCORES);
        IntStream.range(0, parts).parallel().forEach(part -> {
            HostSoftmax softmax = new HostSoftmax(width);
            for (int row = count * part / parts; row < count * (part + 1) / parts; row++) {
                losses[from + row] =
                        softmax.errors(values, row * width, pairing.positives(from + row), pairing.leftOut(from + row));
                if (own < width) {
                    softmax.copyTo(ownValues, row * own, own);
                }
            }
        });
    }

    /** The same by operations of ND4J, on any device and for any type. */
    private static void deviceErrors(
            INDArray scores,
            INDArray ownErrors,
            Pairing pairing,
            int from,
            double[] losses,
            INDArray queries,
            INDArray keys,
            double temperature) {
        long width = scores.size(1);
        int to = from + (int) scores.size(0);
        INDArray flat = scores.reshape(scores.length());
        Cells leftOut = new Cells(pairing, from, to, width, false);
        if (leftOut.positions.length > 0) {
            double[] never = new double[leftOut.positions.length];
            Arrays.fill(never, Double.NEGATIVE_INFINITY);
            leftOut.set(flat, Nd4j.createFromArray(never).castTo(scores.dataType()));
        }
        Nd4j.exec(new SoftMax(scores, scores, -1));
        Cells positives = new Cells(pairing, from, to, width, true);
        INDArray chosen = positives.of(flat);
        double[] probabilities = chosen.toDoubleVector();
        for (int query = from, at = 0; query < to; query++) {
            int[] keysOfRow = pairing.positives(query);
            double sum = 0;
            for (int key : keysOfRow) {
                double p = probabilities[at++];
                // Not a number fails this comparison too
                sum += p >= LEAST_PROBABILITY
                        ? -Math.log(p)
                        : distance(queries.getRow(query - from), keys, scores.getRow(query - from), key, temperature);
            }
            losses[query] = sum / keysOfRow.length;
        }
        positives.set(flat, chosen.subi(positives.targets(pairing, from, to, scores.dataType())));
        if (ownErrors.size(1) < width) {
            ownErrors.assign(scores.get(NDArrayIndex.all(), NDArrayIndex.interval(0, ownErrors.size(1))));
        }
    }

    /** −ln p of a key so improbable that its probability says nothing, from the scores of it and of the likeliest key. */
    private static double distance(INDArray query, INDArray keys, INDArray probabilities, int key, double temperature) {
        long best = Nd4j.argMax(probabilities).getLong(0);
        double ahead = (Nd4j.getBlasWrapper().dot(query, keys.getRow(best))
                        - Nd4j.getBlasWrapper().dot(query, keys.getRow(key)))
                / temperature;
        return ahead - Math.log(probabilities.getDouble(best));
    }

    /** Puts numbers or rows to their places in an array. */
    static void put(INDArray into, INDArray places, INDArray values) {
        Nd4j.exec(DynamicCustomOp.builder("scatter_upd")
                .addInputs(into, places, values)
                .addOutputs(into)
                .build());
    }

    /** Adds keys against queries, for the keys that are positives. */
    private static void addReverse(
            INDArray queries,
            INDArray keys,
            Pairing pairing,
            double temperature,
            double factor,
            double[] losses,
            @Nullable INDArray queryGradient,
            @Nullable INDArray keyGradient) {
        List<Integer> chosen = new ArrayList<>();
        Pairing reversed = pairing.reversed((int) keys.size(0), chosen);
        INDArray places = Nd4j.createFromArray(
                chosen.stream().mapToLong(Integer::longValue).toArray());
        INDArray positives = Nd4j.exec(new Gather(keys, places, 0))[0];
        INDArray positivesGradient = queryGradient == null ? null : positives.ulike();
        INDArray reverseGradient = queryGradient == null ? null : queryGradient.ulike();
        double[] reverse =
                oneWay(positives, queries, reversed, temperature, factor, positivesGradient, reverseGradient);
        for (int i = 0; i < losses.length; i++) {
            losses[i] /= 2;
        }
        for (int j = 0; j < reverse.length; j++) {
            int[] sharing = reversed.positives(j);
            for (int i : sharing) {
                losses[i] += reverse[j] * losses.length / (2.0 * reverse.length * sharing.length);
            }
        }
        if (queryGradient == null) {
            return;
        }
        queryGradient.addi(reverseGradient);
        if (keyGradient != null) {
            for (int j = 0; j < chosen.size(); j++) {
                if (chosen.get(j) < keyGradient.size(0)) {
                    keyGradient.getRow(chosen.get(j)).addi(positivesGradient.getRow(j));
                }
            }
        }
    }

    private static INDArray rows(INDArray matrix, long from, long to) {
        return from == 0 && to == matrix.size(0)
                ? matrix
                : matrix.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
    }

    /** Some cells of a flattened block of scores. */
    private static final class Cells {
        private final long[] positions;

        Cells(Pairing pairing, long from, long to, long width, boolean positive) {
            long[] found = new long[(int) (to - from)];
            int size = 0;
            for (long row = from; row < to; row++) {
                for (int key : positive ? pairing.positives((int) row) : pairing.leftOut((int) row)) {
                    if (size == found.length) {
                        found = Arrays.copyOf(found, 2 * size);
                    }
                    found[size++] = (row - from) * width + key;
                }
            }
            positions = Arrays.copyOf(found, size);
        }

        INDArray of(INDArray flat) {
            return Nd4j.exec(new Gather(flat, Nd4j.createFromArray(positions), 0))[0];
        }

        void set(INDArray flat, INDArray values) {
            put(flat, Nd4j.createFromArray(positions), values);
        }

        /** The probabilities that the positives should have. */
        INDArray targets(Pairing pairing, long from, long to, DataType type) {
            double[] targets = new double[positions.length];
            int at = 0;
            for (long row = from; row < to; row++) {
                int shared = pairing.positives((int) row).length;
                Arrays.fill(targets, at, at + shared, 1.0 / shared);
                at += shared;
            }
            return Nd4j.createFromArray(targets).castTo(type);
        }
    }

    /** Row-major rows as they enter the product: as they are, or of unit length. */
    private static final class Directions {
        private final INDArray rows;
        private final @Nullable INDArray inverseNorms;

        Directions(INDArray matrix, DataType type, Similarity similarity) {
            INDArray typed = matrix.castTo(type);
            boolean ready = typed.ordering() == 'c' && typed.stride(1) == 1 && typed.stride(0) == typed.size(1);
            INDArray rowMajor = ready ? typed : typed.dup('c');
            if (similarity == Similarity.DOT) {
                rows = rowMajor;
                inverseNorms = null;
            } else {
                INDArray norms = rowMajor.norm2(true, 1);
                // 1/norm, and 0 for 0
                INDArray squares = norms.mul(norms);
                Transforms.max(squares, Float.MIN_NORMAL, false);
                inverseNorms = norms.divi(squares);
                rows = rowMajor.mulColumnVector(inverseNorms);
            }
        }

        /** Makes the gradient of unit vectors that of the vectors: what lies along them does not turn them. */
        void project(INDArray gradient) {
            if (inverseNorms == null) {
                return;
            }
            INDArray units = rows(rows, 0, gradient.size(0));
            INDArray along =
                    Nd4j.getExecutioner().exec(new Dot(gradient, units, 1)).reshape(new long[] {gradient.size(0), 1});
            gradient.subi(units.mulColumnVector(along)).muliColumnVector(rows(inverseNorms, 0, gradient.size(0)));
        }

        private static INDArray rows(INDArray matrix, long from, long to) {
            return NextSequenceContrast.rows(matrix, from, to);
        }
    }
}
