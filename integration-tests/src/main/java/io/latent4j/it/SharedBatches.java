/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it;

import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.deeplearning4j.arbiter.optimize.api.data.DataSource;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/** Minibatches for a search: Arbiter creates data sources by class name, so the data itself has to wait in a static place. */
public final class SharedBatches implements DataSource {
    private static final long serialVersionUID = 1L;
    private static final String KEY = "data";
    private static final Map<String, Batches> SHARED = new ConcurrentHashMap<>();
    private static final AtomicLong COUNT = new AtomicLong();

    private record Batches(List<DataSet> train, List<DataSet> test) {}

    private String key = "";

    /** Creates a source that has yet to be configured. */
    public SharedBatches() {}

    /**
     * Keeps minibatches until they are {@linkplain #release released}.
     *
     * @param train to train candidates with
     * @param test to score them with
     * @return what a source of them is configured with
     */
    public static Properties share(List<DataSet> train, List<DataSet> test) {
        Properties properties = new Properties();
        properties.setProperty(KEY, Long.toString(COUNT.incrementAndGet()));
        SHARED.put(properties.getProperty(KEY), new Batches(train, test));
        return properties;
    }

    /**
     * Forgets minibatches.
     *
     * @param properties what {@link #share} gave
     */
    public static void release(Properties properties) {
        SHARED.remove(properties.getProperty(KEY));
    }

    @Override
    public void configure(Properties properties) {
        key = properties.getProperty(KEY);
    }

    @Override
    public Object trainData() {
        return new ExistingDataSetIterator(SHARED.get(key).train());
    }

    @Override
    public Object testData() {
        return new ExistingDataSetIterator(SHARED.get(key).test());
    }

    @Override
    public Class<?> getDataType() {
        return DataSetIterator.class;
    }
}
