/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.math3.random.MersenneTwister;
import org.apache.commons.math3.random.RandomGenerator;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;
import org.deeplearning4j.arbiter.optimize.generator.BaseCandidateGenerator;
import org.deeplearning4j.arbiter.util.LeafUtils;
import org.jspecify.annotations.Nullable;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonIgnoreProperties;
import org.nd4j.shade.jackson.annotation.JsonProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Candidates of a Bayesian search for Arbiter: the tree-structured Parzen estimator (TPE).
 *
 * <p>Of n scored candidates the ⌈γn⌉ best are called good. TPE estimates the densities l(x) of the good and g(x) of all
 * others in the unit cube, draws some candidates from l and takes the one with the greatest l(x) / g(x), which is the one
 * of the greatest expected improvement (Bergstra et al. 2011, section 4). Both are mixtures of the uniform distribution
 * and of one kernel per candidate: truncated normal distributions for continuous parameters and, integrated over the
 * cells of their values, for integers; weighted frequencies for discrete and boolean ones. Since Arbiter maps the cube to
 * values by inverse distribution functions, the cube's uniform distribution is the user's prior, log-uniform learning
 * rates included.
 *
 * <p>{@linkplain Builder#multivariate Multivariate} estimates, the default, are mixtures of products, so that parameters
 * which are good together are found together, with bandwidth 0.2·n^(−1/(d+4)); the paper's own ones treat each parameter
 * alone, with the distance to the farther neighbour as bandwidth. No bandwidth is less than 1 / min(100, n + 2).
 *
 * <p>The first {@linkplain Builder#startupCandidates candidates} are random. Candidates that are still running count as
 * not good (a constant liar, Ginsbourger et al. 2010), so that parallel ones spread. So do those that failed, about which
 * Arbiter doesn't tell its generators, and those whose score isn't finite.
 *
 * <p>A candidate depends on seed, its index and what was reported before it was asked for. JSON keeps settings and
 * reports, thus a generator that is read back goes on where it was; {@link #warmStart(Collection)} takes candidates of
 * other searches over the same space. All methods may be called by several threads.
 *
 * <p>References:
 *
 * <ul>
 *   <li>Bergstra, Bardenet, Bengio, Kégl: Algorithms for Hyper-Parameter Optimization. NIPS 2011.
 *   <li>Falkner, Klein, Hutter: BOHB: Robust and Efficient Hyperparameter Optimization at Scale. ICML 2018: multivariate
 *       estimates.
 *   <li>Watanabe: Tree-Structured Parzen Estimator: Understanding Its Algorithm Components and Their Roles for Better
 *       Empirical Performance. arXiv:2304.11127, 2023: bandwidths, categorical kernels, share of good candidates.
 *   <li>Ginsbourger, Le Riche, Carraro: Kriging is well-suited to parallelize optimization. 2010: constant liar.
 * </ul>
 */
@JsonIgnoreProperties({"rng", "dimensions", "running"})
public final class TpeCandidateGenerator extends BaseCandidateGenerator<Object> {
    private static final Logger log = LoggerFactory.getLogger(TpeCandidateGenerator.class);

    private final boolean minimize;
    private final int startupCandidates;
    private final int improvementCandidates;
    private final double gamma;
    private final int maxGood;
    private final boolean multivariate;
    private long seed;
    private final List<Observation> observations;

    private final List<Dimension> dimensions;
    private final Map<Integer, double[]> running = new HashMap<>();

    private TpeCandidateGenerator(Builder builder) {
        this(
                builder.parameterSpace,
                builder.dataParameters,
                false,
                0,
                builder.minimize,
                builder.startupCandidates,
                builder.improvementCandidates,
                builder.gamma,
                builder.maxGood,
                builder.multivariate,
                builder.seed,
                List.of());
    }

    @JsonCreator
    @SuppressWarnings({"unchecked", "rawtypes"}) // as Arbiter declares them
    private TpeCandidateGenerator(
            @JsonProperty("parameterSpace") ParameterSpace<?> parameterSpace,
            @JsonProperty("dataParameters") @Nullable Map<String, Object> dataParameters,
            @JsonProperty("initDone") boolean initDone,
            @JsonProperty("candidateCounter") int candidateCounter,
            @JsonProperty("minimize") boolean minimize,
            @JsonProperty("startupCandidates") int startupCandidates,
            @JsonProperty("improvementCandidates") int improvementCandidates,
            @JsonProperty("gamma") double gamma,
            @JsonProperty("maxGood") int maxGood,
            @JsonProperty("multivariate") boolean multivariate,
            @JsonProperty("seed") long seed,
            @JsonProperty("observations") List<Observation> observations) {
        super((ParameterSpace<Object>) parameterSpace, dataParameters, initDone);
        initialize();
        this.candidateCounter.set(candidateCounter);
        this.minimize = minimize;
        this.startupCandidates = startupCandidates;
        this.improvementCandidates = improvementCandidates;
        this.gamma = gamma;
        this.maxGood = maxGood;
        this.multivariate = multivariate;
        this.seed = seed;
        List<ParameterSpace> leaves = parameterSpace.collectLeaves();
        // A leaf that a space has in two places is two equal ones after JSON, index included
        this.dimensions = Dimension.of((List<? extends ParameterSpace<?>>)
                (List) (initDone ? leaves.stream().distinct().toList() : LeafUtils.getUniqueObjects(leaves)));
        if (dimensions.size() != parameterSpace.numParameters()) {
            throw new IllegalArgumentException("parameterSpace: expected as many parameters as its leaves have, "
                    + dimensions.size() + ", found " + parameterSpace.numParameters());
        }
        this.observations = new ArrayList<>();
        warmStart(observations);
    }

    @Override
    public boolean hasMoreCandidates() {
        return true;
    }

    @Override
    public synchronized Candidate<?> getCandidate() {
        int index = candidateCounter.getAndIncrement();
        RandomGenerator random = new MersenneTwister(new int[] {(int) seed, (int) (seed >>> 32), index});
        double[] parameters = propose(random);
        running.put(index, parameters);
        try {
            return new Candidate<>(parameterSpace.getValue(parameters), index, parameters, dataParameters, null);
        } catch (RuntimeException e) { // Arbiter counts it as failed
            log.warn("Candidate {} at {}: no configuration", index, Arrays.toString(parameters), e);
            return new Candidate<>((Object) null, index, parameters, dataParameters, e);
        }
    }

    @Override
    public synchronized void reportResults(OptimizationResult result) {
        running.remove(result.getCandidate().getIndex());
        warmStart(List.of(observation(result)));
    }

    /**
     * Learns from candidates of another search.
     *
     * @param earlier what they gave, failures included
     * @throws IllegalArgumentException if they have not as many parameters as the space
     */
    public synchronized void warmStart(Collection<Observation> earlier) {
        for (Observation observation : earlier) {
            if (observation.parameters().size() != dimensions.size()) {
                throw new IllegalArgumentException("parameters: expected as many as the space has, " + dimensions.size()
                        + ", found " + observation.parameters().size());
            }
        }
        observations.addAll(earlier);
    }

    /**
     * What an Arbiter result says about its candidate, for {@link #warmStart}.
     *
     * @param result such as {@code ResultReference.getResult()}
     * @return the observation
     */
    public static Observation observation(OptimizationResult result) {
        return new Observation(
                Arrays.stream(result.getCandidate().getFlatParameters()).boxed().toList(), result.getScore());
    }

    /**
     * All that the generator has learned from.
     *
     * @return candidates in the order of their reports
     */
    public synchronized List<Observation> observations() {
        return List.copyOf(observations);
    }

    private double[] propose(RandomGenerator random) {
        List<Observation> scored = observations.stream()
                .filter(observation -> !observation.failed())
                .sorted(Comparator.comparingDouble(
                        observation -> minimize ? observation.score() : -observation.score()))
                .toList();
        double[] parameters = new double[dimensions.size()];
        if (scored.size() < startupCandidates) {
            Arrays.setAll(parameters, d -> random.nextDouble());
            return parameters;
        }
        int goodSize = Math.min((int) Math.ceil(gamma * scored.size()), maxGood);
        double[][] good = points(scored.subList(0, goodSize).stream());
        double[][] others = Stream.concat(
                        Arrays.stream(points(Stream.concat(
                                scored.subList(goodSize, scored.size()).stream(),
                                observations.stream().filter(Observation::failed)))),
                        running.values().stream())
                .toArray(double[][]::new);
        for (int[] axes : blocks()) {
            double[] best = best(axes, good, others, random);
            for (int d = 0; d < axes.length; d++) {
                parameters[axes[d]] = best[d];
            }
        }
        return parameters;
    }

    /** Axes that are estimated together. */
    private int[][] blocks() {
        int[] all = IntStream.range(0, dimensions.size()).toArray();
        return multivariate
                ? new int[][] {all}
                : Arrays.stream(all).mapToObj(d -> new int[] {d}).toArray(int[][]::new);
    }

    private double[] best(int[] axes, double[][] good, double[][] others, RandomGenerator random) {
        List<Dimension> block = Arrays.stream(axes).mapToObj(dimensions::get).toList();
        ParzenEstimator l = new ParzenEstimator(block, projected(good, axes));
        ParzenEstimator g = new ParzenEstimator(block, projected(others, axes));
        double[] best = l.sample(random);
        double highest = l.density(best) / g.density(best);
        for (int i = 1; i < improvementCandidates; i++) {
            double[] x = l.sample(random);
            double improvement = l.density(x) / g.density(x);
            if (improvement > highest) {
                best = x;
                highest = improvement;
            }
        }
        return best;
    }

    private static double[][] points(Stream<Observation> observations) {
        return observations
                .map(observation -> observation.parameters().stream()
                        .mapToDouble(Double::doubleValue)
                        .toArray())
                .toArray(double[][]::new);
    }

    private static double[][] projected(double[][] points, int[] axes) {
        return Arrays.stream(points)
                .map(point -> Arrays.stream(axes).mapToDouble(d -> point[d]).toArray())
                .toArray(double[][]::new);
    }

    @Override
    public synchronized void setRngSeed(long rngSeed) {
        seed = rngSeed;
    }

    @Override
    public Class<?> getCandidateType() {
        return Object.class;
    }

    @Override
    protected boolean canEqual(Object other) {
        return other instanceof TpeCandidateGenerator;
    }

    /** Equal generators have equal spaces and settings, and learned from the same. */
    @Override
    public boolean equals(Object other) {
        return this == other
                || other instanceof TpeCandidateGenerator that
                        && super.equals(that)
                        && settings().equals(that.settings())
                        && observations().equals(that.observations());
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), settings());
    }

    private synchronized List<Object> settings() {
        return List.of(minimize, startupCandidates, improvementCandidates, gamma, maxGood, multivariate, seed);
    }

    @Override
    public String toString() {
        return "TpeCandidateGenerator(startup " + startupCandidates + ", of " + improvementCandidates + ", gamma "
                + gamma + ", good ≤ " + maxGood + (multivariate ? ", multivariate" : ", univariate") + ", seed " + seed
                + ")";
    }

    /** Settings of a search; the defaults are Optuna's, but for multivariate estimates. */
    public static final class Builder {
        private final ParameterSpace<?> parameterSpace;
        private final boolean minimize;
        private @Nullable Map<String, Object> dataParameters;
        private int startupCandidates = 10;
        private int improvementCandidates = 24;
        private double gamma = 0.1;
        private int maxGood = 25;
        private boolean multivariate = true;
        private long seed = ThreadLocalRandom.current().nextLong();

        /**
         * A search.
         *
         * @param parameterSpace where to search
         * @param score what the search's configuration has; says whether less is better
         */
        public Builder(ParameterSpace<?> parameterSpace, ScoreFunction score) {
            this(parameterSpace, score.minimize());
        }

        /**
         * A search.
         *
         * @param parameterSpace where to search
         * @param minimize whether lower scores are better
         */
        public Builder(ParameterSpace<?> parameterSpace, boolean minimize) {
            this.parameterSpace = Objects.requireNonNull(parameterSpace, "parameterSpace");
            this.minimize = minimize;
        }

        /**
         * What data providers get with each candidate.
         *
         * @param dataParameters names and values
         * @return this builder
         */
        public Builder dataParameters(Map<String, Object> dataParameters) {
            this.dataParameters = dataParameters;
            return this;
        }

        /**
         * How many scored candidates there have to be before the search stops being random.
         *
         * @param startupCandidates 1 or more; 10 if not set
         * @return this builder
         * @throws IllegalArgumentException if it is less
         */
        public Builder startupCandidates(int startupCandidates) {
            this.startupCandidates = atLeastOne("startupCandidates", startupCandidates);
            return this;
        }

        /**
         * How many are drawn from the density of the good ones, of which the best is taken.
         *
         * @param improvementCandidates 1 or more; 24 if not set. More exploit more.
         * @return this builder
         * @throws IllegalArgumentException if it is less
         */
        public Builder improvementCandidates(int improvementCandidates) {
            this.improvementCandidates = atLeastOne("improvementCandidates", improvementCandidates);
            return this;
        }

        /**
         * Which candidates are good.
         *
         * @param gamma share of all, above 0 and below 1; 0.1 if not set. Bergstra et al. use 0.15. More explore more.
         * @return this builder
         * @throws IllegalArgumentException if it isn't
         */
        public Builder gamma(double gamma) {
            if (!(gamma > 0 && gamma < 1)) {
                throw new IllegalArgumentException("gamma: expected above 0 and below 1, found " + gamma);
            }
            this.gamma = gamma;
            return this;
        }

        /**
         * How many candidates are good at most.
         *
         * @param maxGood 1 or more; 25 if not set
         * @return this builder
         * @throws IllegalArgumentException if it is less
         */
        public Builder maxGood(int maxGood) {
            this.maxGood = atLeastOne("maxGood", maxGood);
            return this;
        }

        /**
         * Whether parameters are estimated together.
         *
         * @param multivariate false for each alone, as in Bergstra et al.; true if not set
         * @return this builder
         */
        public Builder multivariate(boolean multivariate) {
            this.multivariate = multivariate;
            return this;
        }

        /**
         * What randomness starts from. {@code OptimizationConfiguration.Builder.rngSeed} replaces it.
         *
         * @param seed random if not set
         * @return this builder
         */
        public Builder seed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * The generator.
         *
         * @return a new one
         * @throws IllegalArgumentException if the space's number of parameters isn't that of its leaves
         */
        public TpeCandidateGenerator build() {
            return new TpeCandidateGenerator(this);
        }

        private static int atLeastOne(String name, int value) {
            if (value < 1) {
                throw new IllegalArgumentException(name + ": expected 1 or more, found " + value);
            }
            return value;
        }
    }
}
