/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import io.latent4j.vocabsem.Similarity;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.apache.commons.math3.stat.descriptive.DescriptiveStatistics;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link SemanticLens} saw: for each layer and position the nearest vocabulary entries and, where the gold token
 * is known, its rank, probability and distance. Immutable, equal by value.
 *
 * @param layers one entry per layer, in the order of the network or of the given map; not empty
 * @param settings how the numbers were taken
 * @param head whether the bases belong to the network's head
 */
public record LensReport(List<LayerReading> layers, Settings settings, HeadCheck head) {

    /**
     * Copies the list.
     *
     * @param layers one entry per layer
     * @param settings how the numbers were taken
     * @param head whether the bases belong to the network's head
     * @throws IllegalArgumentException if there is no layer
     */
    public LensReport {
        layers = List.copyOf(layers);
        if (layers.isEmpty()) {
            throw new IllegalArgumentException("layers must hold at least one layer, found none");
        }
    }

    /**
     * How a lens compared states with bases.
     *
     * @param similarity how near a state is to a basis
     * @param scale factor of the similarity in the softmax
     * @param topK how many nearest entries are kept for each state
     * @param vocabulary number of bases K
     * @param fingerprint of the head from which the bases came
     */
    public record Settings(Similarity similarity, double scale, int topK, long vocabulary, String fingerprint) {}

    /**
     * Whether the bases belong to the head of the network.
     *
     * @param state what was found
     * @param detail a sentence on it, for readers
     */
    public record HeadCheck(State state, String detail) {

        /** Outcomes of the comparison. */
        public enum State {
            /** The bases came from the network's own head. */
            MATCH,
            /** They came from another head, or the head was trained since: what the lens shows is another space. */
            MISMATCH,
            /** There was no head to compare with: states were given as arrays, or the network has none of that form. */
            UNKNOWN
        }
    }

    /**
     * Where a state stands.
     *
     * @param example index of the example, from 0, over all batches; the row where states have no time axis
     * @param step time step of the example, from 0; {@link #NO_STEP} where states have no time axis
     */
    public record Position(int example, int step) {
        /** The step of states without a time axis. */
        public static final int NO_STEP = -1;
    }

    /**
     * A layer's states, seen through the vocabulary.
     *
     * @param name the layer's name
     * @param readings one for each unmasked position, by example and step
     */
    public record LayerReading(String name, List<Reading> readings) {

        /**
         * Copies the list.
         *
         * @param name the layer's name
         * @param readings one for each unmasked position
         */
        public LayerReading {
            readings = List.copyOf(readings);
        }

        Map<Position, Reading> byPosition() {
            return readings.stream().collect(Collectors.toMap(Reading::position, reading -> reading));
        }
    }

    /**
     * One state, seen through the vocabulary. Probabilities are softmax(scale · similarity) over all K bases.
     *
     * @param position where the state stands
     * @param nearest the nearest entries, at most K, the nearest first; of equally near ones the smaller id first
     * @param entropy of the probabilities in nats, in [0, ln K]
     * @param gold what became of the gold token; null where none is known
     */
    public record Reading(
            Position position,
            List<Candidate> nearest,
            double entropy,
            @Nullable Gold gold) {

        /**
         * Copies the list.
         *
         * @param position where the state stands
         * @param nearest the nearest entries
         * @param entropy of the probabilities
         * @param gold what became of the gold token
         */
        public Reading {
            nearest = List.copyOf(nearest);
        }

        /**
         * The nearest entry.
         *
         * @return the first of {@link #nearest()}
         */
        public Candidate top() {
            return nearest.get(0);
        }
    }

    /**
     * A vocabulary entry near a state.
     *
     * @param token its id: the row of the bases
     * @param score similarity to the state, without the scale
     * @param probability in [0, 1]
     */
    public record Candidate(int token, double score, double probability) {}

    /**
     * The gold token at a state.
     *
     * @param token its id: the row of the bases
     * @param rank 1 for the nearest entry; 1 + the number of entries that are nearer, or equally near with a smaller id
     * @param probability in [0, 1]
     * @param cosineDistance deviation from the gold basis in direction: 1 − cos(r, s), in [0, 2]; 1 where either vector is
     *     zero
     * @param distance deviation in position: ‖r − s‖
     */
    public record Gold(int token, long rank, double probability, double cosineDistance, double distance) {

        /**
         * The angle between state and gold basis.
         *
         * @return arccos(1 − cosineDistance) in degrees, in [0, 180]
         */
        public double angle() {
            return Math.toDegrees(Math.acos(Math.max(-1, Math.min(1, 1 - cosineDistance))));
        }
    }

    /**
     * How a number is distributed over positions; every number but n is NaN without positions.
     *
     * @param mean the mean
     * @param deviation standard deviation, with n − 1; 0 for a single position
     * @param lowerQuartile 25 % are at most this
     * @param median half are at most this
     * @param upperQuartile 75 % are at most this
     * @param n number of positions
     */
    public record Spread(
            double mean, double deviation, double lowerQuartile, double median, double upperQuartile, long n) {

        private static Spread of(List<Reading> readings, ToDoubleFunction<Reading> number) {
            DescriptiveStatistics values = new DescriptiveStatistics();
            readings.forEach(reading -> values.addValue(number.applyAsDouble(reading)));
            return new Spread(
                    values.getMean(),
                    values.getStandardDeviation(),
                    values.getPercentile(25),
                    values.getPercentile(50),
                    values.getPercentile(75),
                    values.getN());
        }
    }

    /** A number that each state has, and whose course through the layers can be followed. */
    public enum Measure {
        /** Rank of the gold token, 1 for the nearest. */
        RANK("rank of the gold token"),
        /** Probability of the gold token. */
        PROBABILITY("probability of the gold token"),
        /** Entropy of the probabilities in nats; needs no gold token. */
        ENTROPY("entropy (nats)"),
        /** 1 − cosine of state and gold basis. */
        COSINE_DISTANCE("cosine distance from the gold basis");

        private final String title;

        Measure(String title) {
            this.title = title;
        }

        /**
         * What it is, for a reader.
         *
         * @return a phrase
         */
        public String title() {
            return title;
        }

        /** NaN without a gold token. */
        double of(Reading reading) {
            Gold gold = reading.gold();
            if (this == ENTROPY) {
                return reading.entropy();
            } else if (gold == null) {
                return Double.NaN;
            }
            return switch (this) {
                case RANK -> gold.rank();
                case PROBABILITY -> gold.probability();
                case COSINE_DISTANCE -> gold.cosineDistance();
                case ENTROPY -> throw new IllegalStateException("entropy needs no gold token");
            };
        }
    }

    /**
     * A layer in a few numbers.
     *
     * @param layer the layer's name
     * @param positions number of its unmasked positions
     * @param rank of the gold token, over positions that have one
     * @param probability of the gold token, over positions that have one
     * @param entropy over all positions
     * @param cosineDistance from the gold basis, over positions that have one
     * @param accuracy share of the positions with a gold token where it is the nearest entry; NaN without such
     * @param agreement share of the positions shared with the last layer where both have the same nearest entry; NaN if
     *     they share none, 1 for the last layer itself
     */
    public record LayerSummary(
            String layer,
            long positions,
            Spread rank,
            Spread probability,
            Spread entropy,
            Spread cosineDistance,
            double accuracy,
            double agreement) {

        /**
         * The distribution of a measure.
         *
         * @param measure which
         * @return its spread over the positions
         */
        public Spread spread(Measure measure) {
            return switch (measure) {
                case RANK -> rank;
                case PROBABILITY -> probability;
                case ENTROPY -> entropy;
                case COSINE_DISTANCE -> cosineDistance;
            };
        }
    }

    /**
     * The entry of a layer.
     *
     * @param name the layer's name
     * @return its readings
     * @throws IllegalArgumentException if the report has no such layer
     */
    public LayerReading layer(String name) {
        return layers.stream()
                .filter(layer -> layer.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("name must be one of "
                        + layers.stream().map(LayerReading::name).toList() + ", found " + name));
    }

    /**
     * The course of one position through the layers.
     *
     * @param position example and step
     * @return its reading at each layer that has the position, in the order of the layers
     * @throws IllegalArgumentException if no layer has the position
     */
    public List<Reading> trajectory(Position position) {
        List<Reading> course = layers.stream()
                .flatMap(layer -> layer.readings().stream())
                .filter(reading -> reading.position().equals(position))
                .toList();
        if (course.isEmpty()) {
            throw new IllegalArgumentException("position must be an unmasked position of a layer, found " + position);
        }
        return course;
    }

    /**
     * The unmasked positions of an example in any layer.
     *
     * @param example its index
     * @return positions in the order of their steps; empty if no layer has one
     */
    public List<Position> positions(int example) {
        return layers.stream()
                .flatMap(layer -> layer.readings().stream())
                .map(Reading::position)
                .filter(position -> position.example() == example)
                .distinct()
                .sorted((a, b) -> Integer.compare(a.step(), b.step()))
                .toList();
    }

    /**
     * Each layer in a few numbers.
     *
     * @return one entry per layer, in the order of {@link #layers()}
     */
    public List<LayerSummary> summaries() {
        Map<Position, Reading> last = layers.get(layers.size() - 1).byPosition();
        return layers.stream().map(layer -> summary(layer, last)).toList();
    }

    private static LayerSummary summary(LayerReading layer, Map<Position, Reading> last) {
        List<Reading> all = layer.readings();
        List<Reading> withGold =
                all.stream().filter(reading -> reading.gold() != null).toList();
        List<Reading> shared = all.stream()
                .filter(reading -> last.containsKey(reading.position()))
                .toList();
        return new LayerSummary(
                layer.name(),
                all.size(),
                Spread.of(withGold, Measure.RANK::of),
                Spread.of(withGold, Measure.PROBABILITY::of),
                Spread.of(all, Measure.ENTROPY::of),
                Spread.of(withGold, Measure.COSINE_DISTANCE::of),
                Spread.of(withGold, reading -> Measure.RANK.of(reading) == 1 ? 1 : 0)
                        .mean(),
                Spread.of(shared, reading -> same(reading, last) ? 1 : 0).mean());
    }

    private static boolean same(Reading reading, Map<Position, Reading> last) {
        Reading other = last.get(reading.position());
        return other != null && other.top().token() == reading.top().token();
    }

    /**
     * The layers' numbers as an aligned plain text table, with notes on how they were taken.
     *
     * @return several lines, each ended by a newline
     */
    public String toTable() {
        List<List<String>> rows = new ArrayList<>();
        for (LayerSummary layer : summaries()) {
            rows.add(List.of(
                    layer.layer(),
                    Long.toString(layer.positions()),
                    decimal("%.1f", layer.rank().median()),
                    decimal("%.4f", layer.probability().mean()),
                    decimal("%.3f", layer.entropy().mean()),
                    decimal("%.4f", layer.cosineDistance().mean()),
                    decimal("%.3f", layer.accuracy()),
                    decimal("%.3f", layer.agreement())));
        }
        return TextTable.aligned(
                        List.of(
                                "layer",
                                "positions",
                                "median gold rank",
                                "mean gold prob.",
                                "mean entropy",
                                "mean cos. distance",
                                "top-1 = gold",
                                "top-1 = last layer's"),
                        rows)
                + String.format(
                        Locale.ROOT,
                        "%s, scale %s, %d bases (%s); head: %s\n",
                        settings.similarity(),
                        settings.scale(),
                        settings.vocabulary(),
                        settings.fingerprint(),
                        head.detail());
    }

    /**
     * One example as an aligned plain text table: a line for each layer, the last one first, and in each column the
     * nearest entry of a position with its probability.
     *
     * @param example its index
     * @param token writes a token id for readers
     * @return several lines, each ended by a newline
     * @throws IllegalArgumentException if no layer has a position of the example
     */
    public String toTable(int example, IntFunction<String> token) {
        List<Position> positions = requirePositions(example);
        List<String> header = new ArrayList<>(List.of("layer"));
        positions.forEach(position -> header.add(Integer.toString(position.step())));
        List<List<String>> rows = new ArrayList<>();
        for (int i = layers.size() - 1; i >= 0; i--) {
            Map<Position, Reading> readings = layers.get(i).byPosition();
            List<String> row = new ArrayList<>(List.of(layers.get(i).name()));
            for (Position position : positions) {
                Reading reading = readings.get(position);
                row.add(
                        reading == null
                                ? "-"
                                : TextTable.visible(token.apply(reading.top().token()))
                                        + decimal(" %.2f", reading.top().probability()));
            }
            rows.add(row);
        }
        return TextTable.aligned(header, rows);
    }

    List<Position> requirePositions(int example) {
        List<Position> positions = positions(example);
        if (positions.isEmpty()) {
            throw new IllegalArgumentException(
                    "example must have an unmasked position in some layer, found " + example);
        }
        return positions;
    }

    /**
     * The layers' numbers as CSV with a header and a line for each layer: full precision, {@code NaN} for what is
     * undefined.
     *
     * @return several lines, each ended by a newline
     */
    public String toSummaryCsv() {
        List<String> header = new ArrayList<>(List.of("layer", "positions", "positions_with_gold"));
        for (Measure measure : Measure.values()) {
            String name = measure.name().toLowerCase(Locale.ROOT);
            for (String part : List.of("mean", "deviation", "lower_quartile", "median", "upper_quartile")) {
                header.add(name + "_" + part);
            }
        }
        header.addAll(List.of("accuracy", "agreement_with_last_layer"));
        List<List<?>> rows = new ArrayList<>();
        for (LayerSummary layer : summaries()) {
            List<Object> row = new ArrayList<>(
                    List.of(layer.layer(), layer.positions(), layer.rank().n()));
            for (Measure measure : Measure.values()) {
                Spread spread = layer.spread(measure);
                row.addAll(List.of(
                        spread.mean(),
                        spread.deviation(),
                        spread.lowerQuartile(),
                        spread.median(),
                        spread.upperQuartile()));
            }
            row.addAll(List.of(layer.accuracy(), layer.agreement()));
            rows.add(row);
        }
        return TextTable.csv(header, rows);
    }

    /**
     * All readings as CSV with a header and a line for each layer and position: full precision, empty fields without a
     * gold token, lists separated by spaces.
     *
     * @return several lines, each ended by a newline
     */
    public String toCsv() {
        List<List<?>> rows = new ArrayList<>();
        for (LayerReading layer : layers) {
            for (Reading reading : layer.readings()) {
                List<Object> row = new ArrayList<>(List.of(
                        layer.name(),
                        reading.position().example(),
                        reading.position().step(),
                        reading.entropy(),
                        join(reading, Candidate::token),
                        join(reading, Candidate::score),
                        join(reading, Candidate::probability)));
                Gold gold = reading.gold();
                row.addAll(
                        gold == null
                                ? List.of("", "", "", "", "")
                                : List.of(
                                        gold.token(),
                                        gold.rank(),
                                        gold.probability(),
                                        gold.cosineDistance(),
                                        gold.distance()));
                rows.add(row);
            }
        }
        return TextTable.csv(
                List.of(
                        "layer",
                        "example",
                        "step",
                        "entropy",
                        "nearest_tokens",
                        "nearest_scores",
                        "nearest_probabilities",
                        "gold_token",
                        "gold_rank",
                        "gold_probability",
                        "gold_cosine_distance",
                        "gold_distance"),
                rows);
    }

    private static String join(Reading reading, Function<Candidate, Object> part) {
        return reading.nearest().stream()
                .map(candidate -> part.apply(candidate).toString())
                .collect(Collectors.joining(" "));
    }

    private static String decimal(String format, double value) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
    }
}
