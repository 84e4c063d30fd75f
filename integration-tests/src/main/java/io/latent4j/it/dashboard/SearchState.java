/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.dashboard;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;

/**
 * What the page shows.
 *
 * @param title its title
 * @param score what the score is
 * @param minimize whether smaller scores are better
 * @param parameters the searched options
 * @param candidates all candidates that there are, by number
 * @param chosen number of the candidate that Arbiter holds for the best, -1 before there is one
 * @param started when the search began
 * @param now when this was so
 * @param finished whether there is nothing to come
 */
record SearchState(
        String title,
        String score,
        boolean minimize,
        List<HyperParameter> parameters,
        List<CandidateInfo> candidates,
        int chosen,
        Instant started,
        Instant now,
        boolean finished) {

    SearchState {
        parameters = List.copyOf(parameters);
        candidates = List.copyOf(candidates);
    }

    long count(CandidateStatus status) {
        return candidates.stream().filter(c -> c.getCandidateStatus() == status).count();
    }

    static boolean isScored(CandidateInfo candidate) {
        return candidate.getCandidateStatus() == CandidateStatus.Complete
                && candidate.getScore() != null
                && Double.isFinite(candidate.getScore());
    }

    /** Candidates that are complete or failed, in the order in which they ended. */
    List<CandidateInfo> ended() {
        return byEnd(c ->
                c.getCandidateStatus() == CandidateStatus.Complete || c.getCandidateStatus() == CandidateStatus.Failed);
    }

    /** Candidates with a finite score, in the order in which they ended. */
    List<CandidateInfo> scored() {
        return byEnd(SearchState::isScored);
    }

    private List<CandidateInfo> byEnd(Predicate<CandidateInfo> which) {
        return candidates.stream()
                .filter(which)
                .sorted(Comparator.comparingLong(
                                (CandidateInfo c) -> c.getEndTime() == null ? Long.MAX_VALUE : c.getEndTime())
                        .thenComparingInt(CandidateInfo::getIndex))
                .toList();
    }

    /** The best of the scored; of equal ones that which Arbiter chose, else the first. */
    Optional<CandidateInfo> best() {
        return scored().stream().reduce((a, b) -> better(b, a) ? b : a);
    }

    private boolean better(CandidateInfo candidate, CandidateInfo than) {
        return candidate.getIndex() == chosen
                ? !better(than.getScore(), candidate.getScore())
                : better(candidate.getScore(), than.getScore());
    }

    /** The best score after each of the scored. */
    List<Double> bestSoFar() {
        List<Double> best = new ArrayList<>();
        for (CandidateInfo candidate : scored()) {
            double last = best.isEmpty() ? candidate.getScore() : best.get(best.size() - 1);
            best.add(better(candidate.getScore(), last) ? candidate.getScore() : last);
        }
        return best;
    }

    private boolean better(double score, double than) {
        return minimize ? score < than : score > than;
    }

    /** Time that a candidate took so far. */
    Optional<Duration> time(CandidateInfo candidate) {
        if (candidate.getStartTime() == null) {
            return Optional.empty();
        }
        long end = candidate.getEndTime() == null ? now.toEpochMilli() : candidate.getEndTime();
        return Optional.of(Duration.ofMillis(Math.max(0, end - candidate.getStartTime())));
    }

    /** First line of what went wrong. */
    static String error(CandidateInfo failed) {
        String trace = failed.getExceptionStackTrace();
        return trace == null || trace.isBlank()
                ? "no reason given"
                : trace.strip().lines().findFirst().orElseThrow().strip();
    }
}
