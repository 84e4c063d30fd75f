/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.dashboard;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.correlation.PearsonsCorrelation;
import org.apache.commons.math3.stat.ranking.NaturalRanking;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;

/**
 * How much of the differences between candidates' scores an option explains by itself.
 *
 * <p>The share of the variance of the scores' ranks: for numbers the square of Spearman's rank correlation ρ, for categories
 * the correlation ratio η² = SS_between / SS_total of the ranks. Both are adjusted for what chance explains,
 * {@code 1 − (1 − R²)(n − 1)/(n − k)} with n candidates and k categories (2 for numbers), and not less than 0. Sources: C.
 * Spearman, "The Proof and Measurement of Association between Two Things", 1904; the adjusted correlation ratio is T.
 * Kelley's, "An Unbiased Correlation Ratio Measure", 1935.
 *
 * <p>An option that matters only together with another one, or whose best values lie in the middle, is underrated.
 *
 * @param parameter the option
 * @param share in [0, 1]
 * @param correlation Spearman's ρ of a number with the score, in [−1, 1]; NaN for categories
 */
record Importance(HyperParameter parameter, double share, double correlation) {
    /** Candidates with a score that it takes to say something. */
    static final int MIN_CANDIDATES = 10;

    /**
     * All options, the most important first.
     *
     * @param parameters the options
     * @param scored candidates with finite scores
     * @return nothing if there are fewer than {@link #MIN_CANDIDATES} candidates or all have one score; without the options
     *     that don't vary among these candidates, or have nearly as many categories
     */
    static List<Importance> of(List<HyperParameter> parameters, List<CandidateInfo> scored) {
        double[] ranks =
                ranks(scored.stream().mapToDouble(CandidateInfo::getScore).toArray());
        if (scored.size() < MIN_CANDIDATES || constant(ranks)) {
            return List.of();
        }
        return parameters.stream()
                .map(parameter -> parameter.numeric()
                        ? ofNumbers(parameter, scored, ranks)
                        : ofCategories(parameter, scored, ranks))
                .filter(importance -> !Double.isNaN(importance.share))
                .sorted(Comparator.comparingDouble(Importance::share).reversed())
                .toList();
    }

    private static Importance ofNumbers(HyperParameter parameter, List<CandidateInfo> scored, double[] ranks) {
        double[] values = ranks(scored.stream()
                .mapToDouble(c -> ((Number) parameter.value(c.getFlatParams())).doubleValue())
                .toArray());
        double rho = constant(values) ? Double.NaN : new PearsonsCorrelation().correlation(values, ranks);
        return new Importance(parameter, adjusted(rho * rho, ranks.length, 2), rho);
    }

    private static Importance ofCategories(HyperParameter parameter, List<CandidateInfo> scored, double[] ranks) {
        Map<Object, double[]> sumAndCount = new HashMap<>();
        for (int i = 0; i < ranks.length; i++) {
            double[] group =
                    sumAndCount.computeIfAbsent(parameter.value(scored.get(i).getFlatParams()), value -> new double[2]);
            group[0] += ranks[i];
            group[1]++;
        }
        double mean = (ranks.length + 1) / 2.0;
        double total = IntStream.range(0, ranks.length)
                .mapToDouble(i -> (ranks[i] - mean) * (ranks[i] - mean))
                .sum();
        double between = sumAndCount.values().stream()
                .mapToDouble(group -> group[1] * Math.pow(group[0] / group[1] - mean, 2))
                .sum();
        int categories = sumAndCount.size();
        boolean tells = categories > 1 && 2 * categories <= ranks.length;
        double share = tells ? adjusted(between / total, ranks.length, categories) : Double.NaN;
        return new Importance(parameter, share, Double.NaN);
    }

    private static double adjusted(double explained, int n, int k) {
        return Math.max(0, 1 - (1 - explained) * (n - 1) / (n - k));
    }

    private static double[] ranks(double[] values) {
        return values.length == 0 ? values : new NaturalRanking().rank(values);
    }

    private static boolean constant(double[] values) {
        return IntStream.range(1, values.length).allMatch(i -> values[i] == values[0]);
    }
}
