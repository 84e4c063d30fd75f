/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import io.latent4j.istar.layers.IStarLayer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** One estimate of the shrinkage covariances of a network; see {@link IStar#updateShrinkage}. */
final class ShrinkageUpdate {
    private final Model model;
    private final MultiDataSetIterator data;
    private final long maxPoints;
    private final Random random;
    private final Map<IStarLayer, Collector> collectors = new LinkedHashMap<>();

    ShrinkageUpdate(Model model, MultiDataSetIterator data, long maxPoints, long seed) {
        if (maxPoints < 2) {
            throw new IllegalArgumentException("maxPoints must be at least 2, found " + maxPoints);
        }
        if (!data.resetSupported()) {
            throw new IllegalArgumentException(
                    "data must support reset, found " + data.getClass().getName());
        }
        this.model = model;
        this.data = data;
        this.maxPoints = maxPoints;
        this.random = new Random(seed);
        for (org.deeplearning4j.nn.api.Layer layer : IStar.layers(model)) {
            if (layer instanceof IStarLayer iStar && iStar.usesShrinkage()) {
                collectors.put(iStar, new Collector());
            }
        }
    }

    void run() {
        if (collectors.isEmpty()) {
            return;
        }
        int[] ranks = minibatchRanks();
        collectors.forEach(IStarLayer::observe);
        try {
            data.reset();
            // Minibatches with the lowest ranks are taken; the first shows how many are needed
            double needed = ranks.length;
            for (int batch = 0; batch < ranks.length && data.hasNext(); batch++) {
                MultiDataSet minibatch = data.next();
                if (batch == 0 || ranks[batch] < needed) {
                    forward(minibatch);
                }
                if (batch == 0) {
                    needed = Math.ceil(1.2 * maxPoints / Math.max(1, leastPoints()));
                }
            }
        } finally {
            collectors.keySet().forEach(layer -> layer.observe(null));
            data.reset();
        }
        collectors.forEach((layer, collector) -> layer.setShrinkageCovariance(collector.covariance(layer.name())));
    }

    private int[] minibatchRanks() {
        data.reset();
        List<Integer> ranks = new ArrayList<>();
        while (data.hasNext()) {
            data.next();
            ranks.add(ranks.size());
        }
        Collections.shuffle(ranks, random);
        return ranks.stream().mapToInt(Integer::intValue).toArray();
    }

    private long leastPoints() {
        return collectors.values().stream().mapToLong(Collector::count).min().orElse(0);
    }

    private void forward(MultiDataSet minibatch) {
        if (model instanceof ComputationGraph graph) {
            graph.output(
                    false, minibatch.getFeatures(), minibatch.getFeaturesMaskArrays(), minibatch.getLabelsMaskArrays());
        } else if (model instanceof MultiLayerNetwork network) {
            INDArray[] masks = minibatch.getFeaturesMaskArrays();
            network.output(minibatch.getFeatures(0), false, masks == null ? null : masks[0], null);
        }
    }

    /** Fills one estimator up to the limit. */
    private final class Collector implements Consumer<List<Points>> {
        private @Nullable ShrinkageCovariance estimator;

        @Override
        public void accept(List<Points> clouds) {
            if (estimator == null) {
                estimator = new ShrinkageCovariance(clouds.get(0).features());
            }
            long room = maxPoints - estimator.count();
            double found = clouds.stream().mapToDouble(Points::totalWeight).sum();
            if (room <= 0) {
                return;
            }
            for (Points cloud : clouds) {
                estimator.add(found > room ? cloud.sample(room / found, random) : cloud);
            }
        }

        long count() {
            return estimator == null ? 0 : estimator.count();
        }

        INDArray covariance(String layer) {
            if (count() < 2) {
                throw new IllegalArgumentException(
                        "data must give at least 2 points to IStarLayer \"" + layer + "\", found " + count());
            }
            return estimator.covariance();
        }
    }
}
