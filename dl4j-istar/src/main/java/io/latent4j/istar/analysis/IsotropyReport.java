/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.util.ComputationGraphUtil;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * How a network's layers use their representation spaces: isotropy, intrinsic dimension, cosines and outlier dimensions
 * of the hidden states, for each layer and for the union of layers.
 *
 * <p>When to use it: before and after training with I-STAR, to see what the regularizer did; on any network, to see
 * whether its representations fill their space or a few directions of it.
 *
 * <pre>{@code
 * IsotropyReport report = IsotropyReport.of(network, iterator, IsotropyReport.Options.defaults());
 * System.out.println(report.toTable());
 * double score = report.layer("encoder").isoScoreStar();
 * }</pre>
 *
 * <p>A point is one row of a feed-forward activation or one unmasked time step of a recurrent one. IsoScore*, effective
 * rank, means and standard deviations are taken over <em>all</em> points in one streaming pass. The intrinsic dimension
 * and the cosines are taken over a uniform random sample of at most {@link Options#maxPoints()} of them. Memory is
 * O(n² + maxPoints·n) for each layer of width n, however many points there are.
 *
 * <p>A union holds the points of all analysed layers of one width, as the token states of all hidden layers do in
 * I-STAR; layers whose width no other analysed layer has are in no union. Its sample takes from each layer's sample the
 * share which the layer has in all points.
 *
 * <p>References: W. Rudman and C. Eickhoff, "Stable Anisotropic Regularization", ICLR 2024, arXiv 2305.19358 (IsoScore*,
 * the analysis by layer, section 5); further ones at each number.
 *
 * <p>Points that are spread over several workers: {@link IsotropyStatistics}.
 *
 * @param layers one entry per analysed layer, in the order of the network or of the given map
 * @param unions one entry per width that at least two analysed layers share, in the order of their first layers
 * @param options how the numbers were taken
 */
public record IsotropyReport(List<LayerIsotropy> layers, List<LayerIsotropy> unions, Options options) {

    /**
     * Copies the lists.
     *
     * @param layers one entry per analysed layer
     * @param unions one entry per shared width
     * @param options how the numbers were taken
     */
    public IsotropyReport {
        layers = List.copyOf(layers);
        unions = List.copyOf(unions);
    }

    /**
     * Report on given activations.
     *
     * @param activationsByLayer layer name to activations, [N, n] with points as rows or [mb, n, T] ([mb, T, n] if the
     *     options say NWC); iteration order becomes the order of the report; unchanged
     * @param options how to take the numbers; {@link Options#layers()} restricts the report to some names of the map
     * @return the report
     * @throws IllegalArgumentException if the map is empty, the options name a layer that it lacks, an array has another
     *     rank, fewer than 2 points, or values that are not finite; the message names the layer
     */
    public static IsotropyReport of(Map<String, INDArray> activationsByLayer, Options options) {
        return of(activationsByLayer, null, options);
    }

    /**
     * Report on given activations, without the masked points.
     *
     * @param activationsByLayer layer name to activations, [N, n] with points as rows or [mb, n, T] ([mb, T, n] if the
     *     options say NWC); iteration order becomes the order of the report; unchanged
     * @param mask which points to take, the same for all layers: [mb, T] for recurrent activations, N elements for
     *     matrices; 0 leaves the point out; null takes all
     * @param options how to take the numbers; {@link Options#layers()} restricts the report to some names of the map
     * @return the report
     * @throws IllegalArgumentException if the map is empty, the options name a layer that it lacks, an array has another
     *     rank, a shape that does not go with the mask, fewer than 2 unmasked points, or values that are not finite; the
     *     message names the layer
     */
    public static IsotropyReport of(
            Map<String, INDArray> activationsByLayer, @Nullable INDArray mask, Options options) {
        if (activationsByLayer.isEmpty()) {
            throw new IllegalArgumentException("activationsByLayer must hold at least one layer, found none");
        }
        List<String> names = options.layers().isEmpty() ? List.copyOf(activationsByLayer.keySet()) : options.layers();
        options.requireKnown(activationsByLayer.keySet());
        IsotropyStatistics statistics = new IsotropyStatistics(options);
        for (String name : names) {
            statistics.add(name, activationsByLayer.get(name), mask, options.dataFormat());
        }
        return statistics.report();
    }

    /**
     * Report on the hidden layers of a network, in inference mode.
     *
     * <p>By default these are all layers with parameters and activations of rank 2 or 3, except output, embedding and
     * batch normalization layers and the regularizers of this module. Features masks are respected as
     * the network itself hands them from layer to layer.
     *
     * @param network an initialised network; its parameters and state are not changed, stored masks and inputs are cleared
     * @param data one pass is made, from the start if the iterator is at its end and can be reset
     * @param options how to take the numbers; {@link Options#layers()} names the layers to analyse instead of the default
     * @return the report
     * @throws IllegalArgumentException if the options name a layer that the network lacks, there is no layer to analyse,
     *     the data are empty, a layer named in the options has activations of another rank than 2 or 3, or a layer has
     *     fewer than 2 unmasked points or values that are not finite; the message names the layer
     */
    public static IsotropyReport of(MultiLayerNetwork network, DataSetIterator data, Options options) {
        return new IsotropyStatistics(options).add(network, data).report();
    }

    /**
     * Report on the hidden layers of a graph with one input and one output, in inference mode.
     *
     * @param graph an initialised graph; its parameters and state are not changed, stored masks and inputs are cleared
     * @param data one pass is made, from the start if the iterator is at its end and can be reset
     * @param options how to take the numbers
     * @return the report
     * @throws IllegalArgumentException as {@link #of(ComputationGraph, MultiDataSetIterator, Options)}
     */
    public static IsotropyReport of(ComputationGraph graph, DataSetIterator data, Options options) {
        return of(graph, ComputationGraphUtil.toMultiDataSetIterator(data), options);
    }

    /**
     * Report on the hidden layers of a graph, in inference mode.
     *
     * <p>By default these are all layer vertices with parameters and activations of rank 2 or 3, except output, embedding
     * and batch normalization layers and the regularizers of this module, in topological order. Any
     * vertex can be named in the options. Features masks are respected as the graph itself hands them from vertex to
     * vertex.
     *
     * @param graph an initialised graph; its parameters and state are not changed, stored masks and inputs are cleared
     * @param data one pass is made, from the start if the iterator is at its end and can be reset
     * @param options how to take the numbers; {@link Options#layers()} names the vertices to analyse instead of the
     *     default
     * @return the report
     * @throws IllegalArgumentException if the options name a vertex that the graph lacks, there is no layer to analyse, the
     *     data are empty, a vertex named in the options has activations of another rank than 2 or 3, or a layer has fewer
     *     than 2 unmasked points or values that are not finite; the message names the layer
     */
    public static IsotropyReport of(ComputationGraph graph, MultiDataSetIterator data, Options options) {
        return new IsotropyStatistics(options).add(graph, data).report();
    }

    /**
     * The entry of a layer.
     *
     * @param name the layer's name
     * @return its numbers
     * @throws IllegalArgumentException if the report has no such layer
     */
    public LayerIsotropy layer(String name) {
        return layers.stream()
                .filter(layer -> layer.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("name must be one of "
                        + layers.stream().map(LayerIsotropy::name).toList() + ", found " + name));
    }

    /**
     * The union of most layers; of several the first.
     *
     * @return its numbers, empty if all analysed layers differ in width
     */
    public Optional<LayerIsotropy> union() {
        return unions.stream().reduce((a, b) -> b.members().size() > a.members().size() ? b : a);
    }

    /**
     * The numbers as an aligned plain text table with a line for each layer and union, and notes on how they were taken.
     *
     * @return several lines, each ended by a newline; without the numbers of single dimensions
     */
    public String toTable() {
        List<List<String>> rows = new ArrayList<>();
        rows.add(
                List.of("layer", "width", "points", "IsoScore*", "eff. rank", "TwoNN dim", "mean cos", "outlier dims"));
        rows().forEach(row -> rows.add(List.of(
                row.name(),
                Integer.toString(row.width()),
                Long.toString(row.points()),
                decimal("%.4f", row.isoScoreStar()),
                decimal("%.2f", row.effectiveRank()),
                decimal("%.2f", row.intrinsicDimension()),
                decimal("%.4f", row.meanCosine()),
                abbreviate(row.outlierDimensions()))));
        int[] widths = IntStream.range(0, rows.get(0).size())
                .map(column -> rows.stream()
                        .mapToInt(row -> row.get(column).length())
                        .max()
                        .orElse(0))
                .toArray();
        StringBuilder table = new StringBuilder();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int column = 0; column < widths.length; column++) {
                String pad = " ".repeat(widths[column] - row.get(column).length());
                boolean text = column == 0 || column == widths.length - 1;
                line.append(column == 0 ? "" : "  ").append(text ? row.get(column) + pad : pad + row.get(column));
            }
            table.append(line.toString().stripTrailing()).append('\n');
        }
        for (LayerIsotropy union : unions) {
            table.append(union.name())
                    .append(": ")
                    .append(String.join(", ", union.members()))
                    .append('\n');
        }
        List<String> alone = layers.stream()
                .filter(layer -> unions.stream().noneMatch(u -> u.members().contains(layer.name())))
                .map(layer -> layer.name() + " (" + layer.width() + ")")
                .toList();
        if (layers.size() > 1 && !alone.isEmpty()) {
            table.append("in no union, no other layer has the width: ")
                    .append(String.join(", ", alone))
                    .append('\n');
        }
        return table.append(String.format(
                        Locale.ROOT,
                        "TwoNN (discard %s) and cosines (%d pairs): at most %d points each, seed %d\n",
                        options.discardFraction(),
                        options.cosinePairs(),
                        options.maxPoints(),
                        options.seed()))
                .toString();
    }

    /**
     * The numbers as CSV with a header, a line for each layer and union: full precision, {@code NaN} for what is undefined,
     * lists separated by spaces, quotes where RFC 4180 asks for them.
     *
     * @return several lines, each ended by a newline
     */
    public String toCsv() {
        return csv(
                "layer,members,width,points,iso_score_star,effective_rank,intrinsic_dimension,mean_cosine,"
                        + "variance_outliers,mean_outliers",
                rows().map(row -> Stream.of(
                        row.name(),
                        String.join(" ", row.members()),
                        row.width(),
                        row.points(),
                        row.isoScoreStar(),
                        row.effectiveRank(),
                        row.intrinsicDimension(),
                        row.meanCosine(),
                        join(row.dimensions().stream().filter(Dimension::varianceOutlier)),
                        join(row.dimensions().stream().filter(Dimension::meanOutlier)))));
    }

    /**
     * The numbers of single dimensions as CSV with a header, a line for each dimension of each layer and union.
     *
     * @return several lines, each ended by a newline
     */
    public String toDimensionsCsv() {
        return csv(
                "layer,dimension,mean,standard_deviation,variance_outlier,mean_outlier",
                rows().flatMap(row -> row.dimensions().stream()
                        .map(d -> Stream.of(
                                row.name(),
                                d.index(),
                                d.mean(),
                                d.standardDeviation(),
                                d.varianceOutlier(),
                                d.meanOutlier()))));
    }

    private Stream<LayerIsotropy> rows() {
        return Stream.concat(layers.stream(), unions.stream());
    }

    private static String decimal(String format, double value) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
    }

    private static String abbreviate(List<Integer> dimensions) {
        String shown = dimensions.stream().limit(5).map(String::valueOf).collect(Collectors.joining(" "));
        int more = dimensions.size() - 5;
        return dimensions.isEmpty() ? "-" : more > 0 ? shown + " +" + more : shown;
    }

    private static String join(Stream<Dimension> dimensions) {
        return dimensions.map(d -> Integer.toString(d.index())).collect(Collectors.joining(" "));
    }

    private static String csv(String header, Stream<? extends Stream<?>> rows) {
        return Stream.concat(Stream.of(header), rows.map(row -> row.map(value -> quote(value.toString()))
                        .collect(Collectors.joining(","))))
                .collect(Collectors.joining("\n", "", "\n"));
    }

    private static String quote(String field) {
        boolean plain = field.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
        return plain ? field : '"' + field.replace("\"", "\"\"") + '"';
    }

    /**
     * The numbers of one layer or of a union of layers. NaN stands for what the points leave undefined; the first
     * parameter that applies says when.
     *
     * @param name the layer's name, or {@code union (width n)}
     * @param members the layers whose points these are: the layer itself, or those of the union
     * @param width number of dimensions n
     * @param points number of points N, masked ones not counted
     * @param isoScoreStar IsoScore* of the sample covariance of all points without shrinkage, in [0, 1]: 0 when all variance
     *     lies in one direction, 1 when it is the same in every direction; NaN if n = 1 or all points are equal (Rudman and
     *     Eickhoff, arXiv 2305.19358, section 4)
     * @param effectiveRank participation ratio tr(Σ)²/‖Σ‖²_F of the sample covariance, in [1, n]: the number of directions
     *     of equal variance that would be as isotropic; equals 1 + (n−1)·IsoScore*; NaN if all points are equal
     * @param intrinsicDimension the {@link TwoNN} estimate over the sample; NaN where TwoNN has none, as with fewer than two
     *     points that have no exact duplicate
     * @param meanCosine mean cosine similarity of random pairs of different points of the sample, in [−1, 1]; points at
     *     the origin are left out; NaN if fewer than two others remain (K. Ethayarajh, "How contextual are contextualized
     *     word representations?", EMNLP 2019, section 3.3)
     * @param dimensions mean, standard deviation and outlier marks of each dimension, by index
     */
    public record LayerIsotropy(
            String name,
            List<String> members,
            int width,
            long points,
            double isoScoreStar,
            double effectiveRank,
            double intrinsicDimension,
            double meanCosine,
            List<Dimension> dimensions) {

        /**
         * Copies the lists.
         *
         * @param name the layer's name
         * @param members the layers whose points these are
         * @param width number of dimensions
         * @param points number of points
         * @param isoScoreStar IsoScore*
         * @param effectiveRank participation ratio
         * @param intrinsicDimension TwoNN estimate
         * @param meanCosine mean cosine of random pairs
         * @param dimensions numbers of each dimension
         */
        public LayerIsotropy {
            members = List.copyOf(members);
            dimensions = List.copyOf(dimensions);
        }

        /**
         * The dimensions that stand out by variance or by mean.
         *
         * @return their indices, ascending
         */
        public List<Integer> outlierDimensions() {
            return dimensions.stream()
                    .filter(Dimension::isOutlier)
                    .map(Dimension::index)
                    .toList();
        }
    }

    /**
     * The numbers of one dimension of a representation space, over all points.
     *
     * @param index which dimension, from 0
     * @param mean mean of the values
     * @param standardDeviation standard deviation of the values, with N − 1
     * @param varianceOutlier whether its variance is at least {@link Options#varianceFactor()} times the average variance
     *     over dimensions; 5 times in W. Rudman, C. Chen and C. Eickhoff, "Outlier Dimensions Encode Task-Specific
     *     Knowledge", EMNLP 2023, arXiv 2310.17715. With n dimensions the factor cannot exceed n.
     * @param meanOutlier whether its mean lies at least {@link Options#meanDeviations()} standard deviations (over
     *     dimensions) from the average mean over dimensions; 3 in O. Kovaleva et al., "BERT Busters", Findings of ACL
     *     2021, and K. Hämmerl et al., "Exploring Anisotropy and Outliers in Multilingual Language Models", Findings of
     *     ACL 2023, arXiv 2306.00458. With n dimensions the distance cannot exceed √(n−1) standard deviations.
     */
    public record Dimension(
            int index, double mean, double standardDeviation, boolean varianceOutlier, boolean meanOutlier) {

        /**
         * Whether the dimension stands out by variance or by mean.
         *
         * @return true if at least one of the marks is set
         */
        public boolean isOutlier() {
            return varianceOutlier || meanOutlier;
        }
    }

    /**
     * How a report takes its numbers. Made by {@link #defaults()} or {@link #builder()}.
     *
     * @param layers names of the layers (or vertices) to analyse, in this order; empty for the default of each entry point
     * @param maxPoints size of each layer's random sample for intrinsic dimension and cosines, ≥ 3; the time for the
     *     intrinsic dimension grows with its square
     * @param cosinePairs number of random pairs of points, ≥ 1
     * @param discardFraction TwoNN's share of largest ratios to leave out, in [0, 1)
     * @param varianceFactor from how many times the average variance on a dimension is an outlier, &gt; 1
     * @param meanDeviations from how many standard deviations off the average mean on a dimension is an outlier, &gt; 0
     * @param dataFormat layout of activations of rank 3 for given arrays and for layers whose configuration does not tell
     * @param seed seed of sampling and pairs; equal seeds and data give equal reports
     * @serial exclude
     */
    public record Options(
            List<String> layers,
            int maxPoints,
            int cosinePairs,
            double discardFraction,
            double varianceFactor,
            double meanDeviations,
            RNNFormat dataFormat,
            long seed)
            implements Serializable {

        /**
         * Checks the values.
         *
         * @param layers names of the layers to analyse
         * @param maxPoints size of each layer's random sample
         * @param cosinePairs number of random pairs
         * @param discardFraction TwoNN's discard fraction
         * @param varianceFactor factor of outlier variances
         * @param meanDeviations deviations of outlier means
         * @param dataFormat layout of activations of rank 3
         * @param seed seed of sampling and pairs
         * @throws IllegalArgumentException if a value is out of its range or a layer is named twice
         */
        public Options {
            layers = List.copyOf(layers);
            if (new HashSet<>(layers).size() < layers.size()) {
                throw new IllegalArgumentException("layers must be distinct, found " + layers);
            }
            require(maxPoints >= 3, "maxPoints", ">= 3", maxPoints);
            require(cosinePairs >= 1, "cosinePairs", ">= 1", cosinePairs);
            TwoNN.checkDiscardFraction(discardFraction);
            require(
                    varianceFactor > 1 && varianceFactor < Double.POSITIVE_INFINITY,
                    "varianceFactor",
                    "finite and > 1",
                    varianceFactor);
            require(
                    meanDeviations > 0 && meanDeviations < Double.POSITIVE_INFINITY,
                    "meanDeviations",
                    "finite and > 0",
                    meanDeviations);
        }

        private static void require(boolean fulfilled, String name, String expected, Number found) {
            if (!fulfilled) {
                throw new IllegalArgumentException(name + " must be " + expected + ", found " + found);
            }
        }

        void requireKnown(Set<String> names) {
            if (!names.containsAll(layers)) {
                throw new IllegalArgumentException("layers must be among " + names + ", found " + layers);
            }
        }

        /**
         * All hidden layers, samples of 5 000 points, 10 000 pairs, discard fraction 0.1, outliers from 5 times the average
         * variance or 3 standard deviations off the average mean, NCW, seed 0.
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
            private List<String> layers = List.of();
            private int maxPoints = 5000;
            private int cosinePairs = 10_000;
            private double discardFraction = TwoNN.DEFAULT_DISCARD_FRACTION;
            private double varianceFactor = 5;
            private double meanDeviations = 3;
            private RNNFormat dataFormat = RNNFormat.NCW;
            private long seed;

            private Builder() {}

            /**
             * Which layers or vertices to analyse.
             *
             * @param names their names, distinct; none for the default
             * @return this builder
             */
            public Builder layers(String... names) {
                layers = Arrays.asList(names);
                return this;
            }

            /**
             * Size of each layer's random sample for intrinsic dimension and cosines.
             *
             * @param maxPoints number of points, ≥ 3
             * @return this builder
             */
            public Builder maxPoints(int maxPoints) {
                this.maxPoints = maxPoints;
                return this;
            }

            /**
             * Number of random pairs whose cosines are averaged.
             *
             * @param cosinePairs number of pairs, ≥ 1
             * @return this builder
             */
            public Builder cosinePairs(int cosinePairs) {
                this.cosinePairs = cosinePairs;
                return this;
            }

            /**
             * TwoNN's share of largest ratios to leave out.
             *
             * @param discardFraction in [0, 1)
             * @return this builder
             */
            public Builder discardFraction(double discardFraction) {
                this.discardFraction = discardFraction;
                return this;
            }

            /**
             * From how many times the average variance on a dimension is an outlier.
             *
             * @param varianceFactor finite, &gt; 1
             * @return this builder
             */
            public Builder varianceFactor(double varianceFactor) {
                this.varianceFactor = varianceFactor;
                return this;
            }

            /**
             * From how many standard deviations off the average mean on a dimension is an outlier.
             *
             * @param meanDeviations finite, &gt; 0
             * @return this builder
             */
            public Builder meanDeviations(double meanDeviations) {
                this.meanDeviations = meanDeviations;
                return this;
            }

            /**
             * Layout of activations of rank 3 where a layer's own configuration does not tell it.
             *
             * @param dataFormat NCW for [mb, n, T], NWC for [mb, T, n]
             * @return this builder
             */
            public Builder dataFormat(RNNFormat dataFormat) {
                this.dataFormat = dataFormat;
                return this;
            }

            /**
             * Seed of the samples and pairs.
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
             * @throws IllegalArgumentException if a value is out of its range or a layer is named twice
             */
            public Options build() {
                return new Options(
                        layers,
                        maxPoints,
                        cosinePairs,
                        discardFraction,
                        varianceFactor,
                        meanDeviations,
                        dataFormat,
                        seed);
            }
        }
    }
}
