/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it;

import java.util.List;
import org.deeplearning4j.datasets.iterator.MultiDataSetWrapperIterator;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** Given minibatches, one after the other. */
@SuppressWarnings("serial") // as DL4J declares its iterators
public final class Minibatches implements MultiDataSetIterator {
    private final List<MultiDataSet> batches;
    private int next;

    public Minibatches(List<MultiDataSet> batches) {
        this.batches = batches;
    }

    /** The same for networks with one input and one output. */
    public static DataSetIterator single(List<MultiDataSet> batches) {
        return new MultiDataSetWrapperIterator(new Minibatches(batches));
    }

    @Override
    public MultiDataSet next() {
        return batches.get(next++);
    }

    @Override
    public MultiDataSet next(int num) {
        return next();
    }

    @Override
    public boolean hasNext() {
        return next < batches.size();
    }

    @Override
    public void reset() {
        next = 0;
    }

    @Override
    public boolean resetSupported() {
        return true;
    }

    @Override
    public boolean asyncSupported() {
        return true;
    }

    @Override
    public void setPreProcessor(MultiDataSetPreProcessor preProcessor) {
        throw new UnsupportedOperationException();
    }

    @Override
    public @Nullable MultiDataSetPreProcessor getPreProcessor() {
        return null;
    }
}
