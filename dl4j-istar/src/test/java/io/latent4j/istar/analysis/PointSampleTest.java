/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class PointSampleTest {

    /** Row i is (i, −i). */
    private static INDArray rows(int count) {
        INDArray index = Nd4j.arange(count).castTo(DataType.FLOAT).reshape(count, 1);
        return Nd4j.hstack(index, index.neg());
    }

    private static PointSample sample(INDArray rows, int capacity, long seed, int batch) {
        PointSample sample = new PointSample(capacity, seed);
        for (int from = 0; from < rows.rows(); from += batch) {
            int to = Math.min(rows.rows(), from + batch);
            sample.add(rows.get(NDArrayIndex.interval(from, to), NDArrayIndex.all()));
        }
        return sample;
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT", "DOUBLE", "HALF", "BFLOAT16"})
    void keepsEverythingInOrderUpToTheCapacity(DataType type) {
        INDArray rows = rows(10).castTo(type);
        assertEquals(rows, sample(rows, 10, 1, 3).points());
        assertEquals(rows, sample(rows, 64, 1, 10).points());
    }

    @Test
    void keepsDistinctWholeRowsOfTheStream() {
        PointSample sample = sample(rows(1000), 50, 2, 7);
        Set<Float> seen = new HashSet<>();
        for (float[] row : sample.points().toFloatMatrix()) {
            assertEquals(row[0], -row[1]);
            assertTrue(seen.add(row[0]));
        }
        assertEquals(50, seen.size());
        assertEquals(1000, sample.seen());
    }

    @Test
    void dependsOnSeedAndOrderButNotOnBatches() {
        INDArray expected = sample(rows(500), 20, 3, 500).points();
        assertEquals(expected, sample(rows(500), 20, 3, 1).points());
        assertEquals(expected, sample(rows(500), 20, 3, 33).points());
        assertNotEquals(expected, sample(rows(500), 20, 4, 33).points());
    }

    @Test
    void everyRowIsKeptEquallyOften() {
        int[] kept = new int[40];
        int runs = 1000;
        INDArray rows = rows(40);
        for (int seed = 0; seed < runs; seed++) {
            for (float row : sample(rows, 10, seed, 40).points().getColumn(0).toFloatVector()) {
                kept[(int) row]++;
            }
        }
        // binomial(1000, 1/4): standard deviation 13.7; five of them
        for (int count : kept) {
            assertEquals(runs / 4.0, count, 69);
        }
    }

    @Test
    void copiesWhatItKeeps() {
        INDArray rows = rows(4);
        PointSample sample = sample(rows, 4, 1, 4);
        rows.assign(7);
        assertEquals(rows(4), sample.points());
    }

    @Test
    void mergesInAnyOrderToOneSample() {
        INDArray rows = rows(90);
        INDArray[] merged = new INDArray[2];
        for (int order = 0; order < 2; order++) {
            PointSample[] parts = new PointSample[3];
            for (int part = 0; part < 3; part++) {
                parts[part] = sample(
                        rows.get(NDArrayIndex.interval(30 * part, 30 * part + 30), NDArrayIndex.all()),
                        20,
                        100 + part,
                        7);
            }
            PointSample target = parts[order == 0 ? 0 : 2];
            target.merge(parts[1]);
            target.merge(parts[order == 0 ? 2 : 0]);
            target.merge(new PointSample(20, 5)); // of nothing
            assertEquals(90, target.seen());
            merged[order] = target.points();
        }
        assertEquals(merged[0], merged[1]);
        Set<Float> distinct = new HashSet<>();
        for (float[] row : merged[0].toFloatMatrix()) {
            assertEquals(row[0], -row[1]);
            distinct.add(row[0]);
        }
        assertEquals(20, distinct.size());
    }

    @Test
    void mergedSamplesKeepEveryRowEquallyOften() {
        int[] kept = new int[40];
        INDArray rows = rows(40);
        for (int run = 0; run < 1000; run++) {
            PointSample first = sample(rows.get(NDArrayIndex.interval(0, 8), NDArrayIndex.all()), 10, 2L * run, 8);
            first.merge(sample(rows.get(NDArrayIndex.interval(8, 40), NDArrayIndex.all()), 10, 2L * run + 1, 32));
            for (float row : first.points().getColumn(0).toFloatVector()) {
                kept[(int) row]++;
            }
        }
        // binomial(1000, 1/4): standard deviation 13.7; five of them
        for (int count : kept) {
            assertEquals(1000 / 4.0, count, 69);
        }
    }
}
