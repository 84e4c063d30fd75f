/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import io.latent4j.istar.IsoScoreStar;
import io.latent4j.istar.ShrinkageCovariance;
import io.latent4j.istar.analysis.IsotropyReport.Dimension;
import io.latent4j.istar.analysis.IsotropyReport.LayerIsotropy;
import io.latent4j.istar.analysis.IsotropyReport.Options;
import java.io.Serial;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What an {@link IsotropyReport} needs to know of the points of each layer, taken in batch by batch: a streaming covariance
 * over all points and a random sample of them.
 *
 * <p>When to use it: where the points are not in one place. Workers take in their parts of the data, each into statistics
 * of its own, which then are merged in any order:
 *
 * <pre>{@code
 * IsotropyStatistics mine = new IsotropyStatistics(options, worker).add(network, iterator);
 * IsotropyReport report = first.merge(second).merge(third).report();
 * }</pre>
 *
 * <p>What comes from the covariance (IsoScore*, effective rank, means, standard deviations, outliers) is, up to rounding,
 * that of all points in one place. Intrinsic dimension and cosines come from a sample, uniform and without replacement,
 * which differs from the one that a single pass takes, unless all points fit into it; it does not depend on the order
 * of merging. Memory: O(n² + maxPoints·n) for each layer of width n. Serializable; not thread-safe.
 */
public final class IsotropyStatistics implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    /** How to take the numbers. */
    private final Options options;

    /** Seed of the samples. */
    private final long seed;

    /** Names of the layers that were asked for. */
    private final Set<String> wanted = new LinkedHashSet<>();

    /** What is known of each layer, by its name. */
    private final Map<String, Layer> layers = new LinkedHashMap<>();

    /**
     * Creates statistics of no points.
     *
     * @param options how to take the numbers
     * @param part a number of its own for each of the statistics that are to be merged, so that they draw independent
     *     samples
     */
    public IsotropyStatistics(Options options, long part) {
        this(options, new long[] {part});
    }

    /** Of all points in one place. */
    IsotropyStatistics(Options options) {
        this(options, new long[0]);
    }

    private IsotropyStatistics(Options options, long[] part) {
        this.options = options;
        // Neighbouring seeds would give samples of parts the same numbers, one row apart
        this.seed = part.length == 0
                ? options.seed()
                : new SplittableRandom(new SplittableRandom(options.seed()).nextLong() + part[0]).nextLong();
    }

    private record Layer(ShrinkageCovariance covariance, PointSample sample) implements Serializable {}

    /**
     * Adds the points of a network's layers, as {@link IsotropyReport#of(MultiLayerNetwork, DataSetIterator, Options)}
     * takes them.
     *
     * @param network an initialised network; its parameters and state are not changed, stored masks and inputs are cleared
     * @param data one pass is made, from the start if the iterator is at its end and can be reset
     * @return this
     * @throws IllegalArgumentException if the options name a layer that the network lacks, there is no layer to analyse, a
     *     layer named in the options has activations of another rank than 2 or 3, or values are not finite
     */
    public IsotropyStatistics add(MultiLayerNetwork network, DataSetIterator data) {
        wanted.addAll(NetworkActivations.read(network, data, options, this));
        return this;
    }

    /**
     * Adds the points of a graph's layers, as {@link IsotropyReport#of(ComputationGraph, MultiDataSetIterator, Options)}
     * takes them.
     *
     * @param graph an initialised graph; its parameters and state are not changed, stored masks and inputs are cleared
     * @param data one pass is made, from the start if the iterator is at its end and can be reset
     * @return this
     * @throws IllegalArgumentException if the options name a vertex that the graph lacks, there is no layer to analyse, a
     *     vertex named in the options has activations of another rank than 2 or 3, or values are not finite
     */
    public IsotropyStatistics add(ComputationGraph graph, MultiDataSetIterator data) {
        wanted.addAll(NetworkActivations.read(graph, data, options, this));
        return this;
    }

    /**
     * Adds the points of one batch of a layer.
     *
     * @param name the layer's name
     * @param activations [N, n] with points as rows, or [mb, n, T] ([mb, T, n] if the options say NWC); unchanged
     * @param mask which points to take: [mb, T] for recurrent activations, N elements for matrices; 0 leaves the point
     *     out; null takes all
     * @return this
     * @throws IllegalArgumentException if the array has another rank, another width than the layer's before, a shape that
     *     does not go with the mask, or values that are not finite; the message names the layer
     */
    public IsotropyStatistics add(String name, INDArray activations, @Nullable INDArray mask) {
        add(name, activations, mask, options.dataFormat());
        return this;
    }

    /** Adds the points of one batch of a layer: activations of rank 2, or 3 in the given format, and their mask. */
    void add(String name, INDArray activations, @Nullable INDArray mask, RNNFormat format) {
        INDArray rows = rows(name, activations, format);
        Layer layer = layers.computeIfAbsent(
                name,
                key -> new Layer(new ShrinkageCovariance(rows.columns()), new PointSample(options.maxPoints(), seed)));
        INDArray points = mask == null ? rows : unmasked(name, rows, activations, mask);
        if (points.isEmpty()) {
            return;
        }
        try {
            layer.covariance.add(points);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("Activations of layer " + name + ": " + e.getMessage(), e);
        }
        layer.sample.add(points);
    }

    /**
     * Adds all that others have taken in.
     *
     * @param other statistics with equal options; left unchanged
     * @return this
     * @throws IllegalArgumentException if the options or the widths of a layer differ; the statistics are then unchanged
     */
    public IsotropyStatistics merge(IsotropyStatistics other) {
        if (!options.equals(other.options)) {
            throw new IllegalArgumentException("other must have the options " + options + ", found " + other.options);
        }
        other.layers.forEach((name, theirs) -> {
            Layer ours = layers.get(name);
            if (ours != null && ours.covariance.features() != theirs.covariance.features()) {
                throw new IllegalArgumentException("Activations of layer " + name + " must have width "
                        + ours.covariance.features() + ", found " + theirs.covariance.features());
            }
        });
        wanted.addAll(other.wanted);
        other.layers.forEach((name, theirs) -> {
            Layer ours = layers.computeIfAbsent(
                    name,
                    key -> new Layer(
                            new ShrinkageCovariance(theirs.covariance.features()),
                            new PointSample(options.maxPoints(), seed)));
            ours.covariance.merge(theirs.covariance);
            ours.sample.merge(theirs.sample);
        });
        return this;
    }

    /** All points as rows, example by example. */
    private static INDArray rows(String name, INDArray activations, RNNFormat format) {
        if (activations.rank() == 2) {
            return activations;
        }
        if (activations.rank() != 3) {
            throw new IllegalArgumentException("Activations of layer " + name + " must have rank 2 or 3, found shape "
                    + Arrays.toString(activations.shape()));
        }
        INDArray featuresLast = format == RNNFormat.NWC ? activations : activations.permute(0, 2, 1);
        return featuresLast.dup('c').reshape('c', -1, featuresLast.size(2));
    }

    private static INDArray unmasked(String name, INDArray rows, INDArray activations, INDArray mask) {
        if (mask.length() != rows.rows() || (activations.rank() == 3 && mask.size(0) != activations.size(0))) {
            throw new IllegalArgumentException("Mask of layer " + name + " must have one element for each of the "
                    + rows.rows() + " points of activations " + Arrays.toString(activations.shape()) + ", found shape "
                    + Arrays.toString(mask.shape()));
        }
        double[] present = mask.castTo(DataType.DOUBLE).dup('c').data().asDouble();
        int[] kept =
                IntStream.range(0, present.length).filter(i -> present[i] != 0).toArray();
        if (kept.length == present.length) {
            return rows;
        }
        return kept.length == 0 ? Nd4j.empty(rows.dataType()) : Nd4j.pullRows(rows, 1, kept, 'c');
    }

    /**
     * The report on all points taken in.
     *
     * @return the report
     * @throws IllegalArgumentException if there are no points, or fewer than 2 of a layer; the message names the layer
     */
    public IsotropyReport report() {
        if (layers.isEmpty()) {
            throw new IllegalArgumentException("data must hold unmasked points for feed-forward or recurrent layers"
                    + (wanted.isEmpty() ? "" : " among " + wanted) + ", found none");
        }
        List<LayerIsotropy> single = new ArrayList<>();
        Map<Integer, List<String>> namesByWidth = new LinkedHashMap<>();
        layers.forEach((name, layer) -> {
            if (layer.covariance.count() < 2) {
                throw new IllegalArgumentException(
                        "Layer " + name + " must have at least 2 unmasked points, found " + layer.covariance.count());
            }
            single.add(isotropy(name, List.of(name), layer.covariance, layer.sample.points()));
            namesByWidth
                    .computeIfAbsent(layer.covariance.features(), width -> new ArrayList<>())
                    .add(name);
        });
        List<LayerIsotropy> unions = new ArrayList<>();
        namesByWidth.forEach((width, members) -> {
            if (members.size() > 1) {
                unions.add(union(width, members));
            }
        });
        return new IsotropyReport(single, unions, options);
    }

    private LayerIsotropy union(int width, List<String> members) {
        ShrinkageCovariance covariance = new ShrinkageCovariance(width);
        members.forEach(name -> covariance.merge(layer(name).covariance));
        // A stratified sample: it does not depend on how the points came in batches
        SplittableRandom random = new SplittableRandom(options.seed());
        double share = Math.min(1, options.maxPoints() / (double) covariance.count());
        List<INDArray> strata = new ArrayList<>();
        for (String name : members) {
            INDArray points = layer(name).sample.points();
            int size = (int) Math.min(
                    points.rows(), Math.round(share * layer(name).sample.seen()));
            if (size > 0) {
                strata.add(Nd4j.pullRows(points, 1, choose(size, points.rows(), random), 'c'));
            }
        }
        // Layers of one network may differ in type: DL4J's LastTimeStep gives FLOAT in a DOUBLE network
        if (strata.stream().map(INDArray::dataType).distinct().count() > 1) {
            strata.replaceAll(points -> points.castTo(DataType.DOUBLE));
        }
        return isotropy("union (width " + width + ")", members, covariance, Nd4j.vstack(strata));
    }

    private Layer layer(String name) {
        Layer layer = layers.get(name);
        if (layer == null) {
            throw new IllegalStateException("No points of layer " + name);
        }
        return layer;
    }

    /** {@code size} different numbers below {@code total}, ascending. */
    private static int[] choose(int size, int total, SplittableRandom random) {
        int[] chosen = new int[size];
        for (int next = 0, taken = 0; taken < size; next++) {
            if (random.nextInt(total - next) < size - taken) {
                chosen[taken++] = next;
            }
        }
        return chosen;
    }

    private LayerIsotropy isotropy(String name, List<String> members, ShrinkageCovariance estimator, INDArray sample) {
        INDArray covariance = estimator.covariance();
        double[] variances = Nd4j.diag(covariance).toDoubleVector();
        double score = isoScoreStar(members, covariance, variances);
        return new LayerIsotropy(
                name,
                members,
                variances.length,
                estimator.count(),
                score,
                variances.length == 1 && variances[0] > 0 ? 1 : 1 + (variances.length - 1) * score,
                TwoNN.ofOrNaN(sample, options.discardFraction()),
                meanCosine(sample),
                dimensions(estimator.mean().toDoubleVector(), variances));
    }

    /**
     * The kernel's score, NaN where it is undefined. The covariance goes there in the type of the points, scaled to fit:
     * one taken from FLOAT points is positive semi-definite to FLOAT's precision only.
     */
    private double isoScoreStar(List<String> members, INDArray covariance, double[] variances) {
        double largest = Arrays.stream(variances).max().orElse(0);
        if (!(largest > 0) || variances.length == 1) {
            return Double.NaN;
        }
        boolean exact =
                members.stream().allMatch(name -> layer(name).sample.points().dataType() == DataType.DOUBLE);
        INDArray scaled = covariance.div(largest);
        return IsoScoreStar.ofCovariance(exact ? scaled : scaled.castTo(DataType.FLOAT));
    }

    private List<Dimension> dimensions(double[] means, double[] variances) {
        double averageVariance = Arrays.stream(variances).average().orElse(0);
        double averageMean = Arrays.stream(means).average().orElse(0);
        double spread = Math.sqrt(Arrays.stream(means)
                .map(mean -> (mean - averageMean) * (mean - averageMean))
                .average()
                .orElse(0));
        return IntStream.range(0, means.length)
                .mapToObj(j -> new Dimension(
                        j,
                        means[j],
                        Math.sqrt(variances[j]),
                        averageVariance > 0 && variances[j] >= options.varianceFactor() * averageVariance,
                        spread > 0 && Math.abs(means[j] - averageMean) >= options.meanDeviations() * spread))
                .toList();
    }

    /** Mean cosine of {@link Options#cosinePairs()} random pairs of different points, those at the origin left out. */
    private double meanCosine(INDArray sample) {
        double[] largest = sample.normmax(1).castTo(DataType.DOUBLE).toDoubleVector();
        int[] eligible =
                IntStream.range(0, largest.length).filter(i -> largest[i] > 0).toArray();
        if (eligible.length < 2) {
            return Double.NaN;
        }
        SplittableRandom random = new SplittableRandom(options.seed());
        double sum = 0;
        for (int done = 0; done < options.cosinePairs(); ) {
            int pairs = Math.min(1024, options.cosinePairs() - done);
            int[] left = new int[pairs];
            int[] right = new int[pairs];
            for (int i = 0; i < pairs; i++) {
                int first = random.nextInt(eligible.length);
                int second = random.nextInt(eligible.length - 1);
                left[i] = eligible[first];
                right[i] = eligible[second < first ? second : second + 1];
            }
            double[] x = TwoNN.gather(sample, left);
            double[] y = TwoNN.gather(sample, right);
            for (int i = 0; i < pairs; i++) {
                sum += cosine(x, y, i * sample.columns(), sample.columns(), largest[left[i]], largest[right[i]]);
            }
            done += pairs;
        }
        return sum / options.cosinePairs();
    }

    private static double cosine(double[] x, double[] y, int offset, int width, double scaleX, double scaleY) {
        double xx = 0;
        double xy = 0;
        double yy = 0;
        for (int k = offset; k < offset + width; k++) {
            double a = x[k] / scaleX;
            double b = y[k] / scaleY;
            xx += a * a;
            xy += a * b;
            yy += b * b;
        }
        return xy / Math.sqrt(xx * yy);
    }
}
