/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import io.latent4j.istar.IsoScoreStar;
import io.latent4j.istar.ShrinkageCovariance;
import io.latent4j.istar.analysis.IsotropyReport.Dimension;
import io.latent4j.istar.analysis.IsotropyReport.LayerIsotropy;
import io.latent4j.istar.analysis.IsotropyReport.Options;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Takes in activations batch by batch and makes an {@link IsotropyReport} of them: a streaming covariance over all points
 * and a random sample of them for each layer.
 */
final class IsotropyCollector {

    private final Options options;
    private final Map<String, Layer> layers = new LinkedHashMap<>();

    IsotropyCollector(Options options) {
        this.options = options;
    }

    private record Layer(ShrinkageCovariance covariance, PointSample sample) {}

    /** Adds the points of one batch of a layer: activations of rank 2, or 3 in the given format, and their mask. */
    void add(String name, INDArray activations, @Nullable INDArray mask, RNNFormat format) {
        INDArray rows = rows(name, activations, format);
        Layer layer = layers.computeIfAbsent(
                name,
                key -> new Layer(
                        new ShrinkageCovariance(rows.columns()), new PointSample(options.maxPoints(), options.seed())));
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

    IsotropyReport report() {
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
