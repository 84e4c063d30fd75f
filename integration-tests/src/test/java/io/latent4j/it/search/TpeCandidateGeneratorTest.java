/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.istar.arbiter.IStarLayerSpace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.deeplearning4j.arbiter.MultiLayerSpace;
import org.deeplearning4j.arbiter.conf.updater.SgdSpace;
import org.deeplearning4j.arbiter.layers.DenseLayerSpace;
import org.deeplearning4j.arbiter.layers.OutputLayerSpace;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.CandidateGenerator;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxCandidatesCondition;
import org.deeplearning4j.arbiter.optimize.config.OptimizationConfiguration;
import org.deeplearning4j.arbiter.optimize.distribution.LogUniformDistribution;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;
import org.deeplearning4j.arbiter.optimize.parameter.BooleanSpace;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.integer.IntegerParameterSpace;
import org.deeplearning4j.arbiter.scoring.impl.TestSetLossScoreFunction;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class TpeCandidateGeneratorTest {
    /** Least, 0, at (3, 7, "b", true). */
    private static final ToDoubleFunction<List<Object>> MIXED = v -> Math.pow((double) v.get(0) - 3, 2)
            + Math.pow(((int) v.get(1) - 7) / 5.0, 2)
            + (v.get(2).equals("b") ? 0 : 2)
            + ((boolean) v.get(3) ? 0 : 1);

    private static ParameterList mixed() {
        return ParameterList.of(
                new ContinuousParameterSpace(-10, 10),
                new IntegerParameterSpace(0, 40),
                new DiscreteParameterSpace<>("a", "b", "c", "d"),
                new BooleanSpace());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void findsBetterValuesThanRandomSearch(boolean multivariate) {
        double tpe = 0;
        double random = 0;
        for (long seed = 1; seed <= 10; seed++) {
            RandomSearchGenerator randomSearch = new RandomSearchGenerator(mixed());
            randomSearch.setRngSeed(seed);
            random += best(randomSearch, MIXED, 60) / 10;
            tpe += best(
                            new TpeCandidateGenerator.Builder(mixed(), true)
                                    .multivariate(multivariate)
                                    .seed(seed)
                                    .build(),
                            MIXED,
                            60)
                    / 10;
        }
        assertTrue(tpe < random / 2, "means of the best: TPE " + tpe + ", random search " + random);
    }

    @Test
    void maximizes() {
        TpeCandidateGenerator down = tpe(mixed(), 1);
        TpeCandidateGenerator up =
                new TpeCandidateGenerator.Builder(mixed(), false).seed(1).build();
        for (int i = 0; i < 30; i++) {
            Candidate<?> a = down.getCandidate();
            Candidate<?> b = up.getCandidate();
            assertArrayEquals(a.getFlatParameters(), b.getFlatParameters());
            down.reportResults(result(a, MIXED.applyAsDouble(value(a))));
            up.reportResults(result(b, -MIXED.applyAsDouble(value(b))));
        }
    }

    @Test
    void candidatesDependOnTheSeed() {
        assertArrayEquals(
                tpe(mixed(), 4).getCandidate().getFlatParameters(),
                tpe(mixed(), 4).getCandidate().getFlatParameters());
        TpeCandidateGenerator other = tpe(mixed(), 4);
        other.setRngSeed(5);
        assertFalse(Arrays.equals(
                tpe(mixed(), 4).getCandidate().getFlatParameters(),
                other.getCandidate().getFlatParameters()));
    }

    @Test
    void failuresAreAvoided() {
        // Every candidate in the lower half fails in one way or another, the upper half is flat
        TpeCandidateGenerator generator = tpe(ParameterList.of(new ContinuousParameterSpace(0, 1)), 1);
        @Nullable Double[] failures = {null, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
        int low = 0;
        for (int i = 0; i < 120; i++) {
            Candidate<?> candidate = generator.getCandidate();
            boolean fails = (double) value(candidate).get(0) < 0.5;
            if (i >= 60 && fails) {
                low++;
            }
            if (!fails) {
                generator.reportResults(result(candidate, 1.0));
            } else if (i % 5 < 4) { // every fifth one is never reported, as Arbiter does it
                generator.reportResults(result(candidate, failures[i % 5]));
            }
        }
        assertTrue(low < 15, "failing among the last 60: " + low + ", at random 30");
    }

    @Test
    void runningCandidatesRepelOthers() {
        double parallel = 0;
        double sequential = 0;
        for (long seed = 0; seed < 200; seed++) {
            TpeCandidateGenerator generator = nearMiddle(seed);
            double running = generator.getCandidate().getFlatParameters()[0];
            parallel += Math.abs(running - generator.getCandidate().getFlatParameters()[0]) / 200;
            sequential +=
                    Math.abs(running - nearMiddle(seed + 1000).getCandidate().getFlatParameters()[0]) / 200;
        }
        assertTrue(parallel > 1.2 * sequential, "mean distances: " + parallel + ", " + sequential);
    }

    private static TpeCandidateGenerator nearMiddle(long seed) {
        TpeCandidateGenerator generator = tpe(ParameterList.of(new ContinuousParameterSpace(0, 1)), seed);
        generator.warmStart(IntStream.range(0, 20)
                .mapToObj(i -> (i + 0.5) / 20)
                .map(u -> new Observation(List.of(u), Math.abs(u - 0.5)))
                .toList());
        return generator;
    }

    @Test
    void goesOnWhereAnEarlierSearchEnded() {
        double warm = 0;
        double cold = 0;
        for (long seed = 1; seed <= 10; seed++) {
            TpeCandidateGenerator first = tpe(mixed(), seed);
            best(first, MIXED, 40);
            TpeCandidateGenerator second = tpe(mixed(), seed + 100);
            second.warmStart(first.observations());
            warm += best(second, MIXED, 9) / 10;
            cold += best(tpe(mixed(), seed + 100), MIXED, 9) / 10; // its random start
        }
        assertTrue(warm < cold / 2, "means of the best of nine: warm " + warm + ", cold " + cold);
    }

    @Test
    void manyThreadsGetDifferentCandidates() throws Exception {
        TpeCandidateGenerator generator = tpe(mixed(), 1);
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            Callable<List<Integer>> search = () -> {
                List<Integer> indices = new ArrayList<>();
                for (int i = 0; i < 50; i++) {
                    Candidate<?> candidate = generator.getCandidate();
                    indices.add(candidate.getIndex());
                    generator.reportResults(result(candidate, MIXED.applyAsDouble(value(candidate))));
                }
                return indices;
            };
            Set<Integer> seen = new HashSet<>();
            for (Future<List<Integer>> done : threads.invokeAll(List.of(search, search, search, search))) {
                seen.addAll(done.get(60, TimeUnit.SECONDS));
            }
            assertEquals(200, seen.size());
            assertEquals(200, generator.observations().size());
            double best = generator.observations().stream()
                    .mapToDouble(observation -> observation.score() == null ? 9 : observation.score())
                    .min()
                    .orElseThrow();
            assertTrue(best < 0.5, "best " + best);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void jsonAndYamlKeepSettingsAndObservations() {
        ParameterSpace<Integer> width = new IntegerParameterSpace(2, 9);
        MultiLayerSpace space = new MultiLayerSpace.Builder()
                .updater(new SgdSpace(new ContinuousParameterSpace(new LogUniformDistribution(1e-4, 1))))
                .setInputType(InputType.feedForward(3))
                .addLayer(new DenseLayerSpace.Builder()
                        .nIn(3)
                        .nOut(width)
                        .activation(new DiscreteParameterSpace<>(Activation.TANH, Activation.RELU))
                        .build())
                .addLayer(new IStarLayerSpace.Builder()
                        .lambda(new ContinuousParameterSpace(-1, 1))
                        .build())
                .addLayer(new DenseLayerSpace.Builder().nOut(width).build())
                .addLayer(new OutputLayerSpace.Builder()
                        .nOut(2)
                        .lossFunction(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .build())
                .numEpochs(2)
                .build();
        TpeCandidateGenerator generator = new TpeCandidateGenerator.Builder(space, new TestSetLossScoreFunction())
                .startupCandidates(5)
                .improvementCandidates(7)
                .gamma(0.2)
                .maxGood(3)
                .multivariate(false)
                .build();
        OptimizationConfiguration configuration = new OptimizationConfiguration.Builder()
                .candidateGenerator(generator)
                .scoreFunction(new TestSetLossScoreFunction())
                .terminationConditions(new MaxCandidatesCondition(3))
                .rngSeed(77)
                .build();
        for (int i = 0; i < 8; i++) {
            Candidate<?> candidate = generator.getCandidate();
            generator.reportResults(
                    result(candidate, i == 3 ? Double.valueOf(Double.NaN) : i == 4 ? null : Double.valueOf(i)));
        }
        for (CandidateGenerator read : List.of(
                OptimizationConfiguration.fromJson(configuration.toJson()).getCandidateGenerator(),
                OptimizationConfiguration.fromYaml(configuration.toYaml()).getCandidateGenerator())) {
            assertEquals(generator, read);
            assertEquals(generator.hashCode(), read.hashCode());
            assertEquals(generator.toString(), read.toString());
            Candidate<?> next = read.getCandidate();
            assertEquals(8, next.getIndex());
        }
        TpeCandidateGenerator read = (TpeCandidateGenerator)
                OptimizationConfiguration.fromJson(configuration.toJson()).getCandidateGenerator();
        assertArrayEquals(
                generator.getCandidate().getFlatParameters(),
                read.getCandidate().getFlatParameters());
        assertNotEquals(generator, tpe(mixed(), 77));
    }

    @Test
    void candidateWithoutConfigurationIsReturnedWithItsException() {
        ParameterList broken = ParameterList.of(new FailingSpace());
        Candidate<?> candidate = tpe(broken, 1).getCandidate();
        assertEquals("no value", candidate.getException().getMessage());
    }

    private static final class FailingSpace extends BooleanSpace {
        @Override
        public Boolean getValue(double[] input) {
            throw new IllegalStateException("no value");
        }
    }

    @Test
    void badArgumentsAreNamed() {
        TpeCandidateGenerator.Builder builder = new TpeCandidateGenerator.Builder(mixed(), true);
        assertMessage("gamma: expected above 0 and below 1, found 1.0", () -> builder.gamma(1));
        assertMessage("gamma: expected above 0 and below 1, found NaN", () -> builder.gamma(Double.NaN));
        assertMessage("maxGood: expected 1 or more, found 0", () -> builder.maxGood(0));
        assertMessage("startupCandidates: expected 1 or more, found -1", () -> builder.startupCandidates(-1));
        assertMessage("improvementCandidates: expected 1 or more, found 0", () -> builder.improvementCandidates(0));
        TpeCandidateGenerator generator = builder.build();
        assertMessage(
                "parameters: expected as many as the space has, 4, found 1",
                () -> generator.warmStart(List.of(new Observation(List.of(0.5), 1.0))));
        assertMessage(
                "parameters: expected numbers from 0 to 1, found [0.5, NaN]",
                () -> new Observation(List.of(0.5, Double.NaN), 1.0));
        assertEquals(List.of(), generator.observations());
    }

    private static void assertMessage(String expected, org.junit.jupiter.api.function.Executable executable) {
        assertEquals(
                expected,
                assertThrows(IllegalArgumentException.class, executable).getMessage());
    }

    private static TpeCandidateGenerator tpe(ParameterSpace<?> space, long seed) {
        return new TpeCandidateGenerator.Builder(space, true).seed(seed).build();
    }

    private static double best(CandidateGenerator generator, ToDoubleFunction<List<Object>> function, int evaluations) {
        double best = Double.POSITIVE_INFINITY;
        for (int i = 0; i < evaluations; i++) {
            Candidate<?> candidate = generator.getCandidate();
            double score = function.applyAsDouble(value(candidate));
            best = Math.min(best, score);
            generator.reportResults(result(candidate, score));
        }
        return best;
    }

    @SuppressWarnings("unchecked")
    private static List<Object> value(Candidate<?> candidate) {
        return (List<Object>) candidate.getValue();
    }

    private static OptimizationResult result(Candidate<?> candidate, @Nullable Double score) {
        return new OptimizationResult(candidate, score, candidate.getIndex(), null, null, null);
    }
}
