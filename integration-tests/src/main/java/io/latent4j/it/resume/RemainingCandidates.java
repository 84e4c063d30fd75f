/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.resume;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.CandidateGenerator;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.generator.GridSearchCandidateGenerator;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A generator without the candidates whose values have been tried, which gives the others the numbers that are free.
 *
 * <p>A seeded random search so goes on with what it would have tried next, and a grid is completed. Generators that learn,
 * genetic ones among them, are told the results that there are and go on from those.
 */
final class RemainingCandidates implements CandidateGenerator {
    private final CandidateGenerator generator;
    private final Set<List<Double>> tried = new HashSet<>();
    private final Set<Integer> taken = new HashSet<>();
    /** Whether looking ahead does no harm, as results change nothing. */
    private final boolean indifferent;

    private int number;
    private @Nullable Candidate<?> next;

    RemainingCandidates(CandidateGenerator generator, List<OptimizationResult> finished) {
        this.generator = generator;
        indifferent = generator instanceof RandomSearchGenerator || generator instanceof GridSearchCandidateGenerator;
        for (OptimizationResult result : finished) {
            tried.add(key(result.getCandidate()));
            taken.add(result.getIndex());
            generator.reportResults(result);
        }
    }

    private static List<Double> key(Candidate<?> candidate) {
        double[] flat = candidate.getFlatParameters();
        return flat == null ? List.of() : Arrays.stream(flat).boxed().toList();
    }

    @Override
    public boolean hasMoreCandidates() {
        if (next == null && indifferent) {
            next = draw();
        }
        return next != null || generator.hasMoreCandidates();
    }

    @Override
    public Candidate<?> getCandidate() {
        Candidate<?> candidate = next == null ? draw() : next;
        next = null;
        if (candidate == null) {
            throw new IllegalStateException("getCandidate must be called only while there are more, found none");
        }
        while (!taken.add(number)) {
            number++;
        }
        candidate.setIndex(number);
        return candidate;
    }

    /** The generator's next candidate that has not been tried; null if there is none. */
    private @Nullable Candidate<?> draw() {
        while (generator.hasMoreCandidates()) {
            Candidate<?> candidate = generator.getCandidate();
            if (candidate.getException() != null || !tried.contains(key(candidate))) {
                return candidate;
            }
        }
        return null;
    }

    @Override
    public void reportResults(OptimizationResult result) {
        generator.reportResults(result);
    }

    @Override
    public ParameterSpace<?> getParameterSpace() {
        return generator.getParameterSpace();
    }

    @Override
    public void setRngSeed(long rngSeed) {
        generator.setRngSeed(rngSeed);
    }

    @Override
    public Class<?> getCandidateType() {
        return generator.getCandidateType();
    }

    @Override
    public String toString() {
        return "RemainingCandidates(" + generator + ")";
    }
}
