/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import io.latent4j.istar.IStar;
import io.latent4j.istar.Points;
import io.latent4j.istar.ShrinkageCovariance;
import io.latent4j.istar.analysis.IsotropyReport;
import io.latent4j.istar.analysis.IsotropyStatistics;
import io.latent4j.istar.layers.IStarLayer;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.broadcast.Broadcast;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.SingletonDataSetIterator;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * I-STAR's shrinkage covariance and isotropy reports over data that Spark holds: each partition fills an estimator of its
 * own, and these are merged in a tree. Up to rounding the result is that of one machine over the same data.
 *
 * <pre>{@code
 * SparkIsotropy.updateShrinkage(network, minibatches);           // before training with zeta > 0, and between epochs
 * sparkNetwork.fit(trainingData);                                // Σ_S goes to the workers with the parameters
 * IsotropyReport report = SparkIsotropy.report(network, minibatches, IsotropyReport.Options.defaults());
 * }</pre>
 *
 * <p>Only statistics travel, O(n²) numbers per layer of width n, never points beyond a report's sample. Data sets are run
 * through the network as they are, one minibatch each. For an RDD of {@code DataSet}s: {@code
 * rdd.map(DataSet::toMultiDataSet)}.
 */
public final class SparkIsotropy {
    private SparkIsotropy() {}

    /**
     * Mean and covariance of points.
     *
     * @param points matrices {@code [N, n]} of one n, any N ≥ 1
     * @return the estimator of all points
     * @throws IllegalArgumentException if the RDD is empty
     */
    public static ShrinkageCovariance covariance(JavaRDD<INDArray> points) {
        JavaRDD<ShrinkageCovariance> parts = points.mapPartitions(partition -> {
            ShrinkageCovariance covariance = null;
            while (partition.hasNext()) {
                INDArray block = partition.next();
                covariance = (covariance == null ? new ShrinkageCovariance(block.size(1)) : covariance).add(block);
            }
            return covariance == null
                    ? List.<ShrinkageCovariance>of().iterator()
                    : List.of(covariance).iterator();
        });
        return reduce(parts, ShrinkageCovariance::merge);
    }

    /**
     * Estimates Σ_S of each I-STAR layer and vertex with ζ &gt; 0 and stores it in the network, as {@link
     * IStar#updateShrinkage} does on one machine, but over all points of the data: sample the RDD first where that is too
     * much.
     *
     * @param network a {@code MultiLayerNetwork} or a {@code ComputationGraph}; only its Σ_S change
     * @param data minibatches
     * @throws IllegalArgumentException if the network is of another kind, the RDD is empty or has fewer than 2 points
     */
    public static void updateShrinkage(Model network, JavaRDD<MultiDataSet> data) {
        Broadcast<PortableNetwork> broadcast = broadcast(network, data);
        LinkedHashMap<Integer, ShrinkageCovariance> merged = reduce(
                data.mapPartitions(partition -> partition.hasNext()
                        ? List.of(shrinkage(broadcast.value().restore(), partition))
                                .iterator()
                        : List.<LinkedHashMap<Integer, ShrinkageCovariance>>of().iterator()),
                (ours, theirs) -> {
                    theirs.forEach((layer, covariance) -> ours.merge(layer, covariance, ShrinkageCovariance::merge));
                    return ours;
                });
        broadcast.destroy();
        regularizers(network).forEach((index, layer) -> {
            ShrinkageCovariance covariance = merged.get(index);
            if (covariance == null || covariance.count() < 2) {
                throw new IllegalArgumentException("data must give at least 2 points to each I-STAR layer, found "
                        + (covariance == null ? 0 : covariance.count()) + " for the one at " + index);
            }
            layer.setShrinkageCovariance(covariance.covariance());
        });
    }

    private static LinkedHashMap<Integer, ShrinkageCovariance> shrinkage(Model network, Iterator<MultiDataSet> data) {
        LinkedHashMap<Integer, ShrinkageCovariance> covariances = new LinkedHashMap<>();
        regularizers(network)
                .forEach((index, layer) -> layer.observe(clouds -> {
                    for (Points cloud : clouds) {
                        covariances
                                .computeIfAbsent(index, key -> new ShrinkageCovariance(cloud.features()))
                                .add(cloud);
                    }
                }));
        data.forEachRemaining(minibatch -> {
            INDArray[] masks = minibatch.getFeaturesMaskArrays();
            if (network instanceof ComputationGraph graph) {
                graph.output(false, minibatch.getFeatures(), masks, minibatch.getLabelsMaskArrays());
            } else {
                ((MultiLayerNetwork) network)
                        .output(minibatch.getFeatures(0), false, masks == null ? null : masks[0], null);
            }
        });
        return covariances;
    }

    /** The layers that have a Σ_S, by their places among the network's layers. */
    private static Map<Integer, IStarLayer> regularizers(Model network) {
        org.deeplearning4j.nn.api.Layer[] layers = network instanceof ComputationGraph graph
                ? graph.getLayers()
                : ((MultiLayerNetwork) network).getLayers();
        Map<Integer, IStarLayer> found = new LinkedHashMap<>();
        for (int i = 0; i < layers.length; i++) {
            if (layers[i] instanceof IStarLayer layer && layer.usesShrinkage()) {
                found.put(i, layer);
            }
        }
        return found;
    }

    /**
     * Report on the hidden layers of a network.
     *
     * <p>What is taken over all points is, up to rounding, the report of one machine; intrinsic dimension and cosines
     * come from a uniform random sample of at most {@link IsotropyReport.Options#maxPoints()} of the points, which follows
     * from the options' seed and from how the data lie in partitions, but not from the order in which they are worked on.
     *
     * @param network a {@code MultiLayerNetwork}, or a {@code ComputationGraph}; not changed
     * @param data minibatches
     * @param options how to take the numbers
     * @return the report
     * @throws IllegalArgumentException if the network is of another kind, the RDD is empty or has fewer than 2 points
     */
    public static IsotropyReport report(Model network, JavaRDD<MultiDataSet> data, IsotropyReport.Options options) {
        Broadcast<PortableNetwork> broadcast = broadcast(network, data);
        byte[] shared = PortableNetwork.bytes(options);
        byte[] merged = reduce(
                data.mapPartitionsWithIndex(
                        (part, partition) -> {
                            if (!partition.hasNext()) {
                                return List.<byte[]>of().iterator();
                            }
                            IsotropyStatistics statistics =
                                    new IsotropyStatistics(PortableNetwork.object(shared), part);
                            Model restored = broadcast.value().restore();
                            partition.forEachRemaining(minibatch -> add(statistics, restored, minibatch));
                            return List.of(PortableNetwork.bytes(statistics)).iterator();
                        },
                        true),
                (a, b) -> PortableNetwork.bytes(
                        PortableNetwork.<IsotropyStatistics>object(a).merge(PortableNetwork.object(b))));
        broadcast.destroy();
        return PortableNetwork.<IsotropyStatistics>object(merged).report();
    }

    private static void add(IsotropyStatistics statistics, Model network, MultiDataSet minibatch) {
        if (network instanceof ComputationGraph graph) {
            statistics.add(graph, new SingletonMultiDataSetIterator(minibatch));
        } else {
            INDArray[] masks = minibatch.getFeaturesMaskArrays();
            DataSet data = new DataSet(minibatch.getFeatures(0), null, masks == null ? null : masks[0], null);
            statistics.add((MultiLayerNetwork) network, new SingletonDataSetIterator(data));
        }
    }

    private static Broadcast<PortableNetwork> broadcast(Model network, JavaRDD<?> data) {
        return JavaSparkContext.fromSparkContext(data.context()).broadcast(new PortableNetwork(network));
    }

    private static <T> T reduce(JavaRDD<T> parts, Function2<T, T, T> merge) {
        try {
            return parts.treeReduce(merge);
        } catch (UnsupportedOperationException e) {
            throw new IllegalArgumentException("data must not be empty, found an RDD of nothing", e);
        }
    }
}
