/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Which keys are positives of which queries; all other keys are negatives but those left out.
 *
 * <p>Immutable. Queries and keys are counted from 0, in the order of the kernel's arrays.
 */
public final class Pairing {
    private static final int[] NONE = {};

    private final int[][] positives;
    private final int[][] leftOut;
    private final int ownKeys;

    private Pairing(int[][] positives, int[][] leftOut, int ownKeys) {
        this.positives = positives;
        this.leftOut = leftOut;
        this.ownKeys = ownKeys;
    }

    /**
     * Key i is the positive of query i; further keys are negatives.
     *
     * @param queries number of queries
     * @return the pairing
     */
    public static Pairing diagonal(int queries) {
        int[] keys = new int[queries];
        Arrays.setAll(keys, i -> i);
        return of(keys);
    }

    /**
     * One positive per query.
     *
     * @param positives the positive key of each query
     * @return the pairing
     */
    public static Pairing of(int... positives) {
        int[][] each = new int[positives.length][];
        Arrays.setAll(each, i -> new int[] {positives[i]});
        return new Pairing(each, nothing(positives.length), Integer.MAX_VALUE);
    }

    /**
     * One or several positives per query; each has the same weight.
     *
     * @param positives the positive keys of each query, at least one, all different
     * @return the pairing
     * @throws IllegalArgumentException if a query has no positive or one of them twice
     */
    public static Pairing of(int[][] positives) {
        int[][] each = new int[positives.length][];
        for (int i = 0; i < each.length; i++) {
            each[i] = positives[i].clone();
            if (each[i].length == 0) {
                throw new IllegalArgumentException(
                        "positives must hold at least one key for each query, found none for query " + i);
            }
            if (Arrays.stream(each[i]).distinct().count() < each[i].length) {
                throw new IllegalArgumentException("positives of a query must be different keys, found "
                        + Arrays.toString(each[i]) + " for query " + i);
            }
        }
        return new Pairing(each, nothing(each.length), Integer.MAX_VALUE);
    }

    /**
     * The same, but keys which are the same sequence as a positive of a query are not negatives of that query.
     *
     * @param keyIds what sequence each key is; equal numbers are one sequence
     * @return a new pairing
     * @throws IllegalArgumentException if a positive is not in [0, number of ids)
     */
    public Pairing withoutDuplicates(long[] keyIds) {
        Map<Long, List<Integer>> sequences = new HashMap<>();
        for (int j = 0; j < keyIds.length; j++) {
            sequences.computeIfAbsent(keyIds[j], id -> new ArrayList<>(1)).add(j);
        }
        requirePositives(keyIds.length);
        int[][] without = new int[positives.length][];
        for (int i = 0; i < positives.length; i++) {
            int[] own = positives[i];
            int[] same = Arrays.stream(own)
                    .mapToObj(j -> sequences.get(keyIds[j]))
                    .filter(keys -> keys.size() > 1)
                    .flatMap(List::stream)
                    .mapToInt(Integer::intValue)
                    .filter(j -> Arrays.stream(own).noneMatch(p -> p == j))
                    .toArray();
            without[i] = union(leftOut[i], same);
        }
        return new Pairing(positives, without, ownKeys);
    }

    /**
     * The same, but without the pairs that a mask is 0 for.
     *
     * @param mask {@code [P, M]}: 0 where a key is no negative of a query, and not 0 for positives
     * @return a new pairing
     * @throws IllegalArgumentException if the mask's shape does not fit or it leaves out a positive
     */
    public Pairing withMask(INDArray mask) {
        if (mask.rank() != 2 || mask.size(0) != positives.length) {
            throw new IllegalArgumentException("mask must be a matrix with one row for each of " + positives.length
                    + " queries, found shape " + Arrays.toString(mask.shape()));
        }
        requirePositives(mask.size(1));
        int[][] without = new int[positives.length][];
        for (int i = 0; i < positives.length; i++) {
            double[] row = mask.getRow(i).castTo(DataType.DOUBLE).toDoubleVector();
            int[] masked =
                    IntStream.range(0, row.length).filter(j -> row[j] == 0).toArray();
            for (int positive : positives[i]) {
                if (row[positive] == 0) {
                    throw new IllegalArgumentException("mask must not be 0 for a positive, found 0 for query " + i
                            + " and its positive " + positive);
                }
            }
            without[i] = union(leftOut[i], masked);
        }
        return new Pairing(positives, without, ownKeys);
    }

    /**
     * The same, but only the first keys get a gradient; the others come from elsewhere: from other workers, from a memory
     * of earlier batches, from a frozen encoder.
     *
     * @param count number of keys with a gradient, 0 for none
     * @return a new pairing
     * @throws IllegalArgumentException if it is negative
     */
    public Pairing withOwnKeys(int count) {
        if (count < 0) {
            throw new IllegalArgumentException("number of own keys must not be negative, found " + count);
        }
        return new Pairing(positives, leftOut, count);
    }

    private static int[][] nothing(int queries) {
        int[][] nothing = new int[queries][];
        Arrays.fill(nothing, NONE);
        return nothing;
    }

    private static int[] union(int[] one, int[] other) {
        return IntStream.concat(Arrays.stream(one), Arrays.stream(other))
                .distinct()
                .toArray();
    }

    /**
     * Number of queries.
     *
     * @return P
     */
    public int queries() {
        return positives.length;
    }

    int[] positives(int query) {
        return positives[query];
    }

    int[] leftOut(int query) {
        return leftOut[query];
    }

    int ownKeys(long keys) {
        return (int) Math.min(ownKeys, keys);
    }

    /** Checks that all positives are among the keys. */
    void requirePositives(long keys) {
        for (int i = 0; i < positives.length; i++) {
            for (int positive : positives[i]) {
                if (positive < 0 || positive >= keys) {
                    throw new IllegalArgumentException(
                            "positives must be keys in [0, " + keys + "), found " + positive + " for query " + i);
                }
            }
        }
    }

    /**
     * The pairing seen from the keys: the keys that are positives become queries and the queries keys.
     *
     * @param keys number of keys
     * @param chosen is given the keys that are positives, in the order in which they are queries
     */
    Pairing reversed(int keys, List<Integer> chosen) {
        List<List<Integer>> positivesOf = new ArrayList<>();
        List<List<Integer>> withoutOf = new ArrayList<>();
        int[] place = new int[keys];
        Arrays.fill(place, -1);
        for (int i = 0; i < positives.length; i++) {
            for (int key : positives[i]) {
                if (place[key] < 0) {
                    place[key] = chosen.size();
                    chosen.add(key);
                    positivesOf.add(new ArrayList<>());
                    withoutOf.add(new ArrayList<>());
                }
                positivesOf.get(place[key]).add(i);
            }
        }
        for (int i = 0; i < leftOut.length; i++) {
            for (int key : leftOut[i]) {
                if (place[key] >= 0) {
                    withoutOf.get(place[key]).add(i);
                }
            }
        }
        return new Pairing(matrix(positivesOf), matrix(withoutOf), Integer.MAX_VALUE);
    }

    private static int[][] matrix(List<List<Integer>> rows) {
        return rows.stream()
                .map(row -> row.stream().mapToInt(Integer::intValue).toArray())
                .toArray(int[][]::new);
    }
}
