/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Contracts;
import java.io.IOException;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class KeyMemoryTest {
    /** Keys [id, id] of some sequences. */
    private static INDArray keys(long... ids) {
        INDArray keys = Nd4j.create(DataType.FLOAT, ids.length, 2);
        for (int i = 0; i < ids.length; i++) {
            keys.getRow(i).assign(ids[i]);
        }
        return keys;
    }

    private static void add(KeyMemory memory, long... ids) {
        memory.add(keys(ids), ids);
    }

    /** What the memory holds but some sequences. */
    private static double[] held(KeyMemory memory, Long... without) {
        INDArray target = Nd4j.zeros(DataType.FLOAT, memory.capacity(), 2);
        int count = memory.copyTo(target, Set.of(without));
        double[] column = target.getColumn(1).toDoubleVector();
        assertTrue(Arrays.stream(column, count, column.length).allMatch(value -> value == 0));
        return Arrays.copyOf(column, count);
    }

    @Test
    void theOldestGiveWay() {
        KeyMemory memory = new KeyMemory(5);
        assertArrayEquals(new double[] {}, held(memory));
        add(memory, 1, 2, 3);
        assertArrayEquals(new double[] {1, 2, 3}, held(memory));
        add(memory, 4, 5, 6, 7);
        assertArrayEquals(new double[] {3, 4, 5, 6, 7}, held(memory));
        assertArrayEquals(new double[] {3, 5, 6}, held(memory, 7L, 4L, 99L));
        add(memory, LongStream.range(10, 30).toArray());
        assertArrayEquals(new double[] {25, 26, 27, 28, 29}, held(memory));
        assertEquals(5, memory.size());
        memory.clear();
        assertEquals(0, memory.size());
    }

    @Test
    void keysWithoutIdsStay() {
        KeyMemory memory = new KeyMemory(4);
        memory.add(keys(8, 9), null);
        assertArrayEquals(new double[] {8, 9}, held(memory, 8L, -1L));
    }

    @Test
    void copiesAreKept() {
        KeyMemory memory = new KeyMemory(2);
        INDArray keys = keys(1, 2);
        memory.add(keys, null);
        keys.assign(7);
        assertArrayEquals(new double[] {1, 2}, held(memory));
    }

    @Test
    void otherKeysReplaceThemAll() {
        KeyMemory memory = new KeyMemory(3);
        add(memory, 1, 2);
        memory.add(Nd4j.ones(DataType.FLOAT, 1, 4), null);
        assertEquals(1, memory.size());
        assertEquals(0, memory.copyTo(Nd4j.zeros(DataType.FLOAT, 3, 2), Set.of()), "keys of another width");
    }

    @Test
    void restoresWhatAnotherHolds() throws IOException {
        KeyMemory memory = new KeyMemory(3);
        add(memory, 1, 2, 3, 4);
        KeyMemory read = Contracts.javaSerialized(memory);
        assertArrayEquals(new double[] {2, 3, 4}, held(read));
        KeyMemory smaller = new KeyMemory(2);
        add(smaller, 9);
        smaller.restore(read);
        assertArrayEquals(new double[] {3, 4}, held(smaller));
        assertArrayEquals(new double[] {4}, held(smaller, 3L));
        smaller.restore(new KeyMemory(1));
        assertEquals(0, smaller.size());
    }

    @Test
    void noCapacityNoKeys() {
        KeyMemory memory = new KeyMemory(0);
        add(memory, 1);
        assertEquals(0, memory.size());
    }

    @Test
    void badInputIsNamed() {
        KeyMemory memory = new KeyMemory(2);
        assertTrue(assertThrows(IllegalArgumentException.class, () -> memory.add(keys(1, 2), new long[] {1}))
                .getMessage()
                .contains("as many as the 2 keys, found 1"));
        assertThrows(IllegalArgumentException.class, () -> memory.add(Nd4j.ones(2, 2, 2), null));
        assertThrows(IllegalArgumentException.class, () -> new KeyMemory(-1));
    }
}
