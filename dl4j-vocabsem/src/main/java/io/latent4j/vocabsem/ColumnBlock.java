/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.nio.DoubleBuffer;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Fills a block of rows from a matrix whose columns they are, read along its own rows: so many features and tokens at a
 * time that what is written across them stays in the cache, features shared among threads.
 */
final class ColumnBlock {
    private static final int FEATURES = 16;
    private static final int TOKENS = 1024;

    private ColumnBlock() {}

    /** Reads one feature of tokens that follow each other; used by one thread. */
    interface Reader {
        void read(int feature, int from, int count, double[] into);
    }

    /**
     * Fills the block.
     *
     * @param into 'c'-ordered DOUBLE array [tokens, features] that begins its buffer
     * @param readers gives each thread its reader; tokens count from the block's first
     */
    static void fill(INDArray into, Supplier<Reader> readers) {
        int count = (int) into.size(0);
        int d = (int) into.size(1);
        DoubleBuffer values = into.data().asNioDouble();
        HostRows.share((d + FEATURES - 1) / FEATURES, FEATURES * count, (first, last) -> {
            Reader reader = readers.get();
            double[][] features = new double[FEATURES][Math.min(TOKENS, count)];
            double[] token = new double[FEATURES];
            for (int feature = first * FEATURES; feature < Math.min(d, last * FEATURES); feature += FEATURES) {
                int width = Math.min(FEATURES, d - feature);
                for (int from = 0; from < count; from += TOKENS) {
                    int tokens = Math.min(TOKENS, count - from);
                    for (int j = 0; j < width; j++) {
                        reader.read(feature + j, from, tokens, features[j]);
                    }
                    for (int i = 0; i < tokens; i++) {
                        for (int j = 0; j < width; j++) {
                            token[j] = features[j][i];
                        }
                        values.put((from + i) * d + feature, token, 0, width);
                    }
                }
            }
        });
        HostRows.written(into);
    }
}
