/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.dashboard;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.deeplearning4j.arbiter.BaseNetworkSpace;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.adapter.ParameterSpaceAdapter;
import org.deeplearning4j.arbiter.optimize.parameter.BooleanSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.integer.IntegerParameterSpace;
import org.deeplearning4j.arbiter.util.LeafUtils;

/**
 * A searched option of Arbiter's candidates: its name, and what a candidate's flat values, numbers in [0, 1] by which
 * Arbiter knows it, mean for it.
 */
public final class HyperParameter {
    private final String name;
    private final ParameterSpace<?> space;
    private final int index;
    private final List<Object> choices;

    private HyperParameter(String name, ParameterSpace<?> space, int index) {
        this.name = name;
        this.space = space;
        this.index = index;
        choices = choices();
    }

    /**
     * The searched options of a space, from its global ones to its last layer's. Call this when a candidate generator has been made
     * for the space, as that numbers the options.
     *
     * @param space the space, such as that of a network
     * @return one entry per option; the name is its path, {@code layer_1.lambda}, of an option in several places all paths
     */
    public static List<HyperParameter> of(ParameterSpace<?> space) {
        Map<ParameterSpace<?>, Set<String>> names = new IdentityHashMap<>();
        List<String> order = new ArrayList<>();
        name(space, "", names, order);
        List<HyperParameter> parameters = new ArrayList<>();
        int index = 0;
        for (ParameterSpace<?> leaf : LeafUtils.getUniqueObjects(new ArrayList<>(space.collectLeaves()))) {
            if (leaf.numParameters() > 0) {
                Set<String> paths = names.getOrDefault(leaf, Set.of("parameter " + index));
                parameters.add(new HyperParameter(String.join(", ", paths), leaf, index));
            }
            index += leaf.numParameters();
        }
        parameters.sort(Comparator.comparingInt(
                parameter -> order.indexOf(parameter.name.split(", ")[0])));
        return parameters;
    }

    private static void name(
            ParameterSpace<?> space, String path, Map<ParameterSpace<?>, Set<String>> names, List<String> order) {
        if (space.isLeaf() && !path.isEmpty()) {
            names.computeIfAbsent(space, leaf -> new LinkedHashSet<>()).add(path);
            order.add(path);
        }
        String prefix = path.isEmpty() ? "" : path + ".";
        space.getNestedSpaces()
                .forEach((key, nested) ->
                        name(nested, space instanceof ParameterSpaceAdapter ? path : prefix + key, names, order));
        if (space instanceof BaseNetworkSpace<?> network) {
            for (BaseNetworkSpace.LayerConf layer : network.getLayerSpaces()) {
                name(layer.getLayerSpace(), prefix + layer.getLayerName(), names, order);
                name(layer.getNumLayers(), prefix + layer.getLayerName() + ".numLayers", names, order);
            }
        }
    }

    /** What a space of few values chooses from; empty for the others. */
    private List<Object> choices() {
        int count = space instanceof DiscreteParameterSpace<?> discrete
                ? discrete.numValues()
                : space instanceof BooleanSpace ? 2 : 0;
        return Stream.iterate(0, i -> i < count, i -> i + 1)
                .map(i -> at((i + 0.5) / count))
                .toList();
    }

    /** The value at a number in [0, 1], whatever the other options are. */
    private Object at(double quantile) {
        double[] flat = new double[index + space.numParameters()];
        flat[index] = quantile;
        return space.getValue(flat);
    }

    /**
     * The option's name.
     *
     * @return its path in the space
     */
    public String name() {
        return name;
    }

    /**
     * The space that the option is drawn from.
     *
     * @return one of the leaves of the network's space
     */
    public ParameterSpace<?> space() {
        return space;
    }

    /**
     * What a candidate has.
     *
     * @param flat the candidate's flat values
     * @return the option's value
     */
    public Object value(double[] flat) {
        return space.getValue(flat);
    }

    /**
     * Whether the values have an order: numbers.
     *
     * @return false for categories
     */
    public boolean numeric() {
        return (choices.isEmpty() ? Stream.of(at(0.5)) : choices.stream()).allMatch(Number.class::isInstance);
    }

    /**
     * Where a value is drawn on an axis: the share of the option's distribution below it, so that the axis of a log-uniform
     * option is logarithmic; values of a discrete one are evenly spaced, and integers linear.
     *
     * @param flat the candidate's flat values
     * @return in [0, 1]
     */
    public double position(double[] flat) {
        if (!choices.isEmpty()) {
            return choices.size() == 1 ? 0.5 : choices.indexOf(value(flat)) / (choices.size() - 1.0);
        }
        if (space instanceof IntegerParameterSpace integers) {
            int range = integers.getMax() - integers.getMin();
            return range == 0 ? 0.5 : (integers.getValue(flat) - integers.getMin()) / (double) range;
        }
        return Math.min(1, Math.max(0, flat[index]));
    }

    /**
     * What to write along an axis.
     *
     * @return positions in [0, 1] and the values there, ascending
     */
    public List<Tick> ticks() {
        if (!choices.isEmpty()) {
            int last = choices.size() - 1;
            return Stream.iterate(0, i -> i <= last, i -> i + 1)
                    .map(i -> new Tick(last == 0 ? 0.5 : i / (double) last, text(choices.get(i))))
                    .toList();
        }
        if (space instanceof IntegerParameterSpace integers) {
            int steps = Math.min(4, integers.getMax() - integers.getMin());
            return Stream.iterate(0, i -> i <= steps, i -> i + 1)
                    .map(i -> {
                        int range = integers.getMax() - integers.getMin();
                        int value = integers.getMin() + (steps == 0 ? 0 : Math.round(range * i / (float) steps));
                        return new Tick(range == 0 ? 0.5 : (value - integers.getMin()) / (double) range, text(value));
                    })
                    .toList();
        }
        return Stream.of(0.0, 0.25, 0.5, 0.75, 1.0)
                .map(quantile -> new Tick(quantile, text(at(quantile))))
                .toList();
    }

    /**
     * A mark on an axis.
     *
     * @param position in [0, 1]
     * @param label the value there
     */
    public record Tick(double position, String label) {}

    /**
     * A value as people write it: numbers with three or four digits.
     *
     * @param value any value
     * @return its text
     */
    public static String text(Object value) {
        if (!(value instanceof Double) && !(value instanceof Float)) {
            return String.valueOf(value);
        }
        double number = ((Number) value).doubleValue();
        double size = Math.abs(number);
        if (number == Math.rint(number) && size < 1e6) {
            return String.format(Locale.ROOT, "%.0f", number + 0.0);
        }
        if (size >= 1e-3 && size < 1e5) {
            int decimals = (int) Math.max(0, 3 - Math.floor(Math.log10(size)));
            return String.format(Locale.ROOT, "%." + Math.min(decimals, 5) + "f", number)
                    .replaceFirst("(\\.\\d*?)0+$", "$1")
                    .replaceFirst("\\.$", "");
        }
        return String.format(Locale.ROOT, "%.2e", number).replaceFirst("e([+-])0+(\\d)", "e$1$2");
    }

    @Override
    public String toString() {
        return name + ": " + space;
    }
}
