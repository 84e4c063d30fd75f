/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import io.latent4j.vocabsem.Similarity;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.commons.math3.ml.clustering.CentroidCluster;
import org.apache.commons.math3.ml.clustering.Cluster;
import org.apache.commons.math3.ml.clustering.Clusterable;
import org.apache.commons.math3.ml.clustering.KMeansPlusPlusClusterer;
import org.apache.commons.math3.ml.clustering.KMeansPlusPlusClusterer.EmptyClusterStrategy;
import org.apache.commons.math3.ml.clustering.MultiKMeansPlusPlusClusterer;
import org.apache.commons.math3.ml.clustering.evaluation.ClusterEvaluator;
import org.apache.commons.math3.ml.distance.EuclideanDistance;
import org.apache.commons.math3.random.JDKRandomGenerator;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * How well states part by label: the silhouette of the labels, and the adjusted Rand index of k-means clusters against
 * the labels.
 *
 * <p>When to use it: on the states that a classifier head sees, before and after neural clustering, to see whether the
 * calibration moved states of one class together:
 *
 * <pre>{@code
 * ClusterComparison change = ClusterComparison.of(states, calibrated, labels, ClusterQuality.Options.defaults());
 * System.out.println(change.toTable());
 * }</pre>
 *
 * <p>The silhouette judges the labels themselves and needs no clustering. The adjusted Rand index judges whether
 * clusters found without labels are the classes; k-means is told how many there are. Both are 0 in expectation for
 * labels that have nothing to do with the states.
 *
 * <p>References: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184 (the adjusted Rand index of states before
 * and after clustering); P. Rousseeuw, "Silhouettes", J. Comput. Appl. Math. 20, 1987; L. Hubert and P. Arabie,
 * "Comparing partitions", J. Classification 2, 1985.
 *
 * @param points number of states measured, at most {@link Options#maxPoints()}
 * @param classes number of different labels among them
 * @param silhouette mean silhouette of the labels, in [−1, 1]: 1 when states are far nearer to their own class than to
 *     any other
 * @param adjustedRandIndex agreement of k-means clusters with the labels, at most 1 (the same partition), 0 in
 *     expectation for random clusters; may be negative
 * @param options how the numbers were taken
 */
public record ClusterQuality(int points, int classes, double silhouette, double adjustedRandIndex, Options options) {

    /** Elements of one block of distances: 8 MB of double. */
    private static final int BLOCK_ELEMENTS = 1 << 20;

    /**
     * Measures states with labels.
     *
     * @param states [N, d], a state per row, of any floating point type; unchanged
     * @param labels N labels, any numbers
     * @param options how to take the numbers
     * @return the quality
     * @throws IllegalArgumentException if the states are no matrix or not finite, the labels are not as many as the
     *     states, or fewer than 2 different labels are among the (sampled) states
     */
    public static ClusterQuality of(INDArray states, int[] labels, Options options) {
        requireMatrix(states, labels);
        int[] sampled = sample(labels.length, options);
        double[] unscaled = states.castTo(DataType.DOUBLE).sum(1).toDoubleVector();
        for (int row = 0; row < unscaled.length; row++) {
            if (!Double.isFinite(unscaled[row])) {
                throw new IllegalArgumentException(
                        "states must be finite, found " + unscaled[row] + " as the sum of row " + row);
            }
        }
        INDArray chosen = sampled.length == labels.length ? states : Nd4j.pullRows(states, 1, sampled, 'c');
        int[] chosenLabels = Arrays.stream(sampled).map(i -> labels[i]).toArray();
        INDArray points = prepared(chosen, options.similarity());
        int[] numbered = numbered(chosenLabels);
        int classes = 1 + Arrays.stream(numbered).max().orElse(0);
        if (classes < 2) {
            throw new IllegalArgumentException("labels must hold at least 2 different labels, found " + classes
                    + " among " + sampled.length + " states");
        }
        int[] clusters = kMeans(points, classes, options);
        return new ClusterQuality(
                sampled.length,
                classes,
                meanSilhouette(points, numbered, classes, options.similarity()),
                adjustedRandIndex(numbered, clusters),
                options);
    }

    /**
     * Mean silhouette over all states: with a the mean distance to the other states of the own class and b the smallest
     * mean distance to the states of another class, s = (b − a) / max(a, b); 0 for a state that is alone in its class.
     *
     * <p>Time O(N²·d), memory O(N·d).
     *
     * @param states [N, d], a state per row
     * @param labels N labels, any numbers
     * @param similarity COSINE for distances 1 − cos (1 where a state is zero), EUCLIDEAN for ‖x − y‖
     * @return in [−1, 1]
     * @throws IllegalArgumentException if the states are no matrix, the labels are not as many, fewer than 2 of them
     *     differ, or the similarity is DOT, which is no distance
     */
    public static double silhouette(INDArray states, int[] labels, Similarity similarity) {
        requireMatrix(states, labels);
        requireDistance(similarity);
        int[] numbered = numbered(labels);
        int classes = 1 + Arrays.stream(numbered).max().orElse(0);
        if (classes < 2) {
            throw new IllegalArgumentException(
                    "labels must hold at least 2 different labels, found " + classes + " among " + labels.length);
        }
        return meanSilhouette(prepared(states, similarity), numbered, classes, similarity);
    }

    /**
     * Adjusted Rand index of two partitions of the same points, by Hubert and Arabie's formula: with n_ij the points in
     * part i of the one and j of the other, a_i and b_j the sizes of parts, and C(n) = n(n−1)/2,
     *
     * <pre>{@code
     * (Σ C(n_ij) − E) / ((Σ C(a_i) + Σ C(b_j))/2 − E),   E = Σ C(a_i) · Σ C(b_j) / C(N)
     * }</pre>
     *
     * @param first the part of each point, any numbers
     * @param second the part of each point in the other partition
     * @return at most 1; 1 as well where the formula is 0/0: both have a single part, or only parts of one point
     * @throws IllegalArgumentException if the lengths differ or there are fewer than 2 points
     */
    public static double adjustedRandIndex(int[] first, int[] second) {
        if (first.length != second.length || first.length < 2) {
            throw new IllegalArgumentException(
                    "first and second must be of one length >= 2, found " + first.length + " and " + second.length);
        }
        double together = pairs(IntStream.range(0, first.length)
                .mapToObj(i -> List.of(first[i], second[i]))
                .toList());
        double inFirst = pairs(Arrays.stream(first).boxed().toList());
        double inSecond = pairs(Arrays.stream(second).boxed().toList());
        double expected = inFirst * inSecond / choose2(first.length);
        double most = (inFirst + inSecond) / 2;
        return most == expected ? 1 : (together - expected) / (most - expected);
    }

    /** Pairs of equal elements. */
    private static double pairs(List<?> elements) {
        Map<Object, Integer> counts = new HashMap<>();
        elements.forEach(element -> counts.merge(element, 1, Integer::sum));
        return counts.values().stream().mapToDouble(ClusterQuality::choose2).sum();
    }

    private static double choose2(int n) {
        return n * (n - 1.0) / 2;
    }

    private static void requireMatrix(INDArray states, int[] labels) {
        if (states.rank() != 2 || states.isEmpty()) {
            throw new IllegalArgumentException(
                    "states must be a matrix [N, d], found shape " + Arrays.toString(states.shape()));
        }
        if (labels.length != states.size(0)) {
            throw new IllegalArgumentException(
                    "labels must be as many as the " + states.size(0) + " states, found " + labels.length);
        }
    }

    static void requireDistance(Similarity similarity) {
        if (similarity == Similarity.DOT) {
            throw new IllegalArgumentException(
                    "similarity must be COSINE or EUCLIDEAN, which give distances, found " + similarity);
        }
    }

    /** All indices, or a uniform random sample of them, ascending. */
    private static int[] sample(int total, Options options) {
        if (total <= options.maxPoints()) {
            return IntStream.range(0, total).toArray();
        }
        Random random = new Random(options.seed());
        int[] chosen = new int[options.maxPoints()];
        for (int next = 0, taken = 0; taken < chosen.length; next++) {
            if (random.nextInt(total - next) < chosen.length - taken) {
                chosen[taken++] = next;
            }
        }
        return chosen;
    }

    /** Labels 0, 1, … in the order of their first occurrence. */
    private static int[] numbered(int[] labels) {
        Map<Integer, Integer> numbers = new HashMap<>();
        return Arrays.stream(labels)
                .map(label -> numbers.computeIfAbsent(label, unseen -> numbers.size()))
                .toArray();
    }

    /** In double, with unit rows for cosines (their squared Euclidean distances are 2(1 − cos)), else centred. */
    private static INDArray prepared(INDArray states, Similarity similarity) {
        INDArray points = states.castTo(DataType.DOUBLE);
        if (similarity == Similarity.EUCLIDEAN) {
            return points.subRowVector(points.mean(0)).dup('c');
        }
        INDArray largest = points.normmax(1);
        largest.addi(largest.eq(0).castTo(DataType.DOUBLE)); // zero rows stay zero
        INDArray scaled = points.divColumnVector(largest); // squares of neither tiny nor huge rows leave the range
        INDArray norms = scaled.norm2(1);
        norms.addi(norms.eq(0).castTo(DataType.DOUBLE));
        return scaled.divColumnVector(norms).dup('c');
    }

    private static double meanSilhouette(INDArray points, int[] labels, int classes, Similarity similarity) {
        int n = labels.length;
        int[] sizes = new int[classes];
        Arrays.stream(labels).forEach(label -> sizes[label]++);
        double[] squares = points.mul(points).sum(1).toDoubleVector();
        int rows = Math.max(1, BLOCK_ELEMENTS / n);
        double sum = 0;
        for (int from = 0; from < n; from += rows) {
            int to = Math.min(n, from + rows);
            INDArray block = points.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
            INDArray products = Nd4j.createUninitialized(DataType.DOUBLE, new long[] {to - from, n}, 'c');
            Nd4j.gemm(block, points, products, false, true, 1, 0);
            double[] host = products.data().asDouble();
            for (int i = from; i < to; i++) {
                int offset = (i - from) * n;
                double square = squares[i];
                double[] distances = new double[classes];
                for (int j = 0; j < n; j++) {
                    double product = host[offset + j];
                    distances[labels[j]] += i == j
                            ? 0
                            : similarity == Similarity.COSINE
                                    ? 1 - product
                                    : Math.sqrt(Math.max(0, square + squares[j] - 2 * product));
                }
                sum += silhouette(distances, sizes, labels[i]);
            }
        }
        return sum / n;
    }

    private static double silhouette(double[] distances, int[] sizes, int own) {
        if (sizes[own] == 1) {
            return 0;
        }
        double inside = distances[own] / (sizes[own] - 1);
        double outside = IntStream.range(0, sizes.length)
                .filter(other -> other != own)
                .mapToDouble(other -> distances[other] / sizes[other])
                .min()
                .orElseThrow();
        double larger = Math.max(inside, outside);
        return larger == 0 ? 0 : (outside - inside) / larger;
    }

    /** The cluster of each point: the best of several k-means++ runs. */
    private static int[] kMeans(INDArray points, int k, Options options) {
        double[][] rows = points.toDoubleMatrix();
        JDKRandomGenerator random = new JDKRandomGenerator();
        random.setSeed(options.seed());
        MultiKMeansPlusPlusClusterer<IndexedPoint> clusterer = new MultiKMeansPlusPlusClusterer<>(
                new KMeansPlusPlusClusterer<>(
                        k,
                        options.maxIterations(),
                        new EuclideanDistance(),
                        random,
                        EmptyClusterStrategy.FARTHEST_POINT),
                options.trials(),
                new Inertia());
        List<CentroidCluster<IndexedPoint>> clusters = clusterer.cluster(IntStream.range(0, rows.length)
                .mapToObj(i -> new IndexedPoint(i, rows[i]))
                .toList());
        int[] assigned = new int[rows.length];
        for (int cluster = 0; cluster < clusters.size(); cluster++) {
            for (IndexedPoint point : clusters.get(cluster).getPoints()) {
                assigned[point.index] = cluster;
            }
        }
        return assigned;
    }

    private static final class IndexedPoint implements Clusterable {
        private final int index;
        private final double[] point;

        IndexedPoint(int index, double[] point) {
            this.index = index;
            this.point = point;
        }

        @Override
        public double[] getPoint() {
            return point;
        }
    }

    /** Sum of squared distances to the centroids, which k-means minimises; the library's default is another number. */
    private static final class Inertia extends ClusterEvaluator<IndexedPoint> {
        @Override
        public double score(List<? extends Cluster<IndexedPoint>> clusters) {
            double sum = 0;
            for (Cluster<IndexedPoint> cluster : clusters) {
                if (!cluster.getPoints().isEmpty()) {
                    Clusterable centroid = centroidOf(cluster);
                    for (IndexedPoint point : cluster.getPoints()) {
                        double distance = distance(point, centroid);
                        sum += distance * distance;
                    }
                }
            }
            return sum;
        }
    }

    /**
     * How the numbers are taken. Made by {@link #defaults()} or {@link #builder()}.
     *
     * @param similarity COSINE: states are compared by direction, as semantic logits do; EUCLIDEAN: as they are
     * @param maxPoints of more states a uniform random sample of this size is measured, ≥ 2; the silhouette's time grows
     *     with its square
     * @param trials k-means runs from different starts, of which the one with the smallest inertia counts, ≥ 1
     * @param maxIterations iterations of one run at most, ≥ 1
     * @param seed seed of the sample and of k-means; equal seeds and data give equal numbers
     */
    public record Options(Similarity similarity, int maxPoints, int trials, int maxIterations, long seed) {

        /**
         * Checks the values.
         *
         * @param similarity COSINE or EUCLIDEAN
         * @param maxPoints size of the random sample
         * @param trials k-means runs
         * @param maxIterations iterations of one run at most
         * @param seed seed of the sample and of k-means
         * @throws IllegalArgumentException if a value is out of its range
         */
        public Options {
            requireDistance(similarity);
            require(maxPoints, 2, "maxPoints");
            require(trials, 1, "trials");
            require(maxIterations, 1, "maxIterations");
        }

        private static void require(int value, int smallest, String name) {
            if (value < smallest) {
                throw new IllegalArgumentException(name + " must be >= " + smallest + ", found " + value);
            }
        }

        /**
         * COSINE, 5 000 points, 5 runs of at most 100 iterations, seed 0.
         *
         * @return the default options
         */
        public static Options defaults() {
            return builder().build();
        }

        /**
         * A builder that starts from the defaults.
         *
         * @return a new builder
         */
        public static Builder builder() {
            return new Builder();
        }

        /** Builds {@link Options}. Values are checked by {@link #build()}. */
        public static final class Builder {
            private Similarity similarity = Similarity.COSINE;
            private int maxPoints = 5000;
            private int trials = 5;
            private int maxIterations = 100;
            private long seed;

            private Builder() {}

            /**
             * How states are compared.
             *
             * @param similarity COSINE or EUCLIDEAN
             * @return this builder
             */
            public Builder similarity(Similarity similarity) {
                this.similarity = similarity;
                return this;
            }

            /**
             * Size of the random sample that is measured where there are more states.
             *
             * @param maxPoints ≥ 2
             * @return this builder
             */
            public Builder maxPoints(int maxPoints) {
                this.maxPoints = maxPoints;
                return this;
            }

            /**
             * Number of k-means runs.
             *
             * @param trials ≥ 1
             * @return this builder
             */
            public Builder trials(int trials) {
                this.trials = trials;
                return this;
            }

            /**
             * Iterations of one k-means run at most.
             *
             * @param maxIterations ≥ 1
             * @return this builder
             */
            public Builder maxIterations(int maxIterations) {
                this.maxIterations = maxIterations;
                return this;
            }

            /**
             * Seed of the sample and of k-means.
             *
             * @param seed any number
             * @return this builder
             */
            public Builder seed(long seed) {
                this.seed = seed;
                return this;
            }

            /**
             * The options.
             *
             * @return checked options
             * @throws IllegalArgumentException if a value is out of its range
             */
            public Options build() {
                return new Options(similarity, maxPoints, trials, maxIterations, seed);
            }
        }
    }
}
