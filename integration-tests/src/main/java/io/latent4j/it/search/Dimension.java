/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleFunction;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.apache.commons.math3.random.RandomGenerator;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.BooleanSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.integer.IntegerParameterSpace;

/**
 * One axis of Arbiter's unit cube, with the kernels that density estimates on it are made of.
 *
 * <p>Axes whose parameter has finitely many values are divided into cells, one per value. There a density is a
 * probability of cells: all numbers of a cell are the same to it.
 */
sealed interface Dimension {
    /** The number that stands for all numbers of the same value. */
    double canonical(double u);

    /** Density, or probability of the cell, under the uniform distribution. */
    double uniform(double u);

    /** A kernel around one observation. */
    Kernel kernel(double centre, double bandwidth);

    /** Part of a mixture. */
    interface Kernel {
        /** Density, or probability of the cell. */
        double density(double u);

        double sample(RandomGenerator random);
    }

    /** The axes of a space whose leaves have their indices, in order of these. */
    static List<Dimension> of(List<? extends ParameterSpace<?>> leaves) {
        int size = leaves.stream().mapToInt(ParameterSpace::numParameters).sum();
        List<Dimension> dimensions = new ArrayList<>();
        for (ParameterSpace<?> leaf : leaves) {
            int index = dimensions.size();
            if (leaf instanceof DiscreteParameterSpace<?> discrete) {
                dimensions.add(new Categories(discrete.numValues(), false));
            } else if (leaf instanceof BooleanSpace) {
                dimensions.add(new Categories(2, true));
            } else if (leaf instanceof IntegerParameterSpace integers) {
                dimensions.add(new Integers(u -> {
                    double[] cube = new double[size];
                    cube[index] = u;
                    return integers.getValue(cube);
                }));
            } else {
                for (int i = 0; i < leaf.numParameters(); i++) {
                    dimensions.add(new Interval());
                }
            }
        }
        return dimensions;
    }

    /** Values of a continuous distribution: normal kernels, cut off at 0 and 1. */
    record Interval() implements Dimension {
        @Override
        public double canonical(double u) {
            return u;
        }

        @Override
        public double uniform(double u) {
            return 1;
        }

        @Override
        public Kernel kernel(double centre, double bandwidth) {
            return new TruncatedNormal(centre, bandwidth);
        }
    }

    /** Ordered values: the same kernels, integrated over cells. */
    final class Integers implements Dimension {
        private static final double PRECISION = 1e-12;

        private record Cell(double from, double to) {}

        private final DoubleFunction<Integer> value;
        private final Map<Integer, Cell> cells = new ConcurrentHashMap<>();

        /**
         * An axis.
         *
         * @param value a number's value, not decreasing
         */
        Integers(DoubleFunction<Integer> value) {
            this.value = value;
        }

        @Override
        public double canonical(double u) {
            Cell cell = cell(u);
            return (cell.from() + cell.to()) / 2;
        }

        @Override
        public double uniform(double u) {
            Cell cell = cell(u);
            return cell.to() - cell.from();
        }

        @Override
        public Kernel kernel(double centre, double bandwidth) {
            TruncatedNormal normal = new TruncatedNormal(centre, bandwidth);
            return new Kernel() {
                @Override
                public double density(double u) {
                    Cell cell = cell(u);
                    return normal.probability(cell.from(), cell.to());
                }

                @Override
                public double sample(RandomGenerator random) {
                    return canonical(normal.sample(random));
                }
            };
        }

        private Cell cell(double u) {
            return cells.computeIfAbsent(value.apply(u), own -> new Cell(edge(own, u, 0), edge(own, u, 1)));
        }

        /** Where the cell of a number ends on the way to 0 or 1. */
        private double edge(int own, double inside, double outside) {
            if (value.apply(outside) == own) {
                return outside;
            }
            double in = inside;
            double out = outside;
            while (Math.abs(out - in) > PRECISION) {
                double middle = (in + out) / 2;
                if (value.apply(middle) == own) {
                    in = middle;
                } else {
                    out = middle;
                }
            }
            return (in + out) / 2;
        }
    }

    /**
     * Values without order: the observed one, and each of them with the weight that the bandwidth gives.
     *
     * @param size number of values
     * @param upperEdge whether a cell's upper end belongs to it, else the lower one
     */
    record Categories(int size, boolean upperEdge) implements Dimension {
        @Override
        public double canonical(double u) {
            return (cell(u) + 0.5) / size;
        }

        @Override
        public double uniform(double u) {
            return 1.0 / size;
        }

        @Override
        public Kernel kernel(double centre, double bandwidth) {
            int observed = cell(centre);
            double sum = 1 + size * bandwidth;
            return new Kernel() {
                @Override
                public double density(double u) {
                    return ((cell(u) == observed ? 1 : 0) + bandwidth) / sum;
                }

                @Override
                public double sample(RandomGenerator random) {
                    boolean same = random.nextDouble() * sum < 1;
                    return ((same ? observed : random.nextInt(size)) + 0.5) / size;
                }
            };
        }

        private int cell(double u) {
            double place = u * size;
            int cell = (int) (upperEdge ? Math.ceil(place) - 1 : place);
            return Math.max(0, Math.min(cell, size - 1));
        }
    }

    /** A normal distribution under the condition that the number lies between 0 and 1. */
    final class TruncatedNormal implements Kernel {
        /** Distributions without bounds are infinite at 0 and 1. */
        private static final double MARGIN = 1e-9;

        private final NormalDistribution normal;
        private final double inside;

        TruncatedNormal(double mean, double deviation) {
            normal = new NormalDistribution(null, mean, deviation);
            inside = normal.probability(0, 1);
        }

        @Override
        public double density(double u) {
            return normal.density(u) / inside;
        }

        /** Probability of an interval between 0 and 1. */
        double probability(double from, double to) {
            return normal.probability(from, to) / inside;
        }

        @Override
        public double sample(RandomGenerator random) {
            double u;
            do { // a mean inside and a deviation of 1 at most: every third time at least
                u = normal.getMean() + normal.getStandardDeviation() * random.nextGaussian();
            } while (u < MARGIN || u > 1 - MARGIN);
            return u;
        }
    }

    /**
     * Distance of each number to the farther of its neighbours, the middle of the axis and its ends counted (Bergstra et
     * al. 2011, section 4.1).
     */
    static double[] neighbourDistances(double[] centres) {
        double[] sorted = Arrays.copyOf(centres, centres.length + 3);
        sorted[centres.length] = 0;
        sorted[centres.length + 1] = 0.5;
        sorted[centres.length + 2] = 1;
        Arrays.sort(sorted);
        return Arrays.stream(centres)
                .map(centre -> {
                    int place = Arrays.binarySearch(sorted, centre);
                    double left = place > 0 ? centre - sorted[place - 1] : 0;
                    double right = place + 1 < sorted.length ? sorted[place + 1] - centre : 0;
                    return Math.max(left, right);
                })
                .toArray();
    }
}
