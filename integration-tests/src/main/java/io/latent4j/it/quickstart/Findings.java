/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.Spread;
import io.latent4j.it.quickstart.CodeSearch.Supervision;
import io.latent4j.it.quickstart.Results.Group;
import io.latent4j.it.quickstart.Semantics.Method;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Says in sentences what the numbers of an experiment show, and no more than they show. */
final class Findings {

    private Findings() {}

    static List<String> of(Results results) {
        List<String> findings = new ArrayList<>();
        isotropy(results).ifPresent(findings::add);
        accuracy(results).ifPresent(findings::add);
        shrinkage(results).ifPresent(findings::add);
        search(results).ifPresent(findings::add);
        results.semantics().map(Findings::semantics).ifPresent(findings::add);
        results.search().map(Findings::codeSearch).ifPresent(findings::add);
        return findings;
    }

    /** Does IsoScore* follow λ? */
    private static Optional<String> isotropy(Results results) {
        List<Group> sweep = results.sweep();
        if (sweep.size() < 2) {
            return Optional.empty();
        }
        String values = sweep.stream()
                .map(group -> number(group.isotropy().mean(), 3) + " at λ = " + lambda(group))
                .collect(Collectors.joining(", "));
        String exceptions = exceptions(sweep);
        return Optional.of(
                "Isotropy of the hidden states on test texts (IsoScore* over all hidden layers) was " + values
                        + ". "
                        + (exceptions.isEmpty()
                                ? "It rises with every step of λ: the penalty does what it is meant to do, in both directions."
                                : "It does not rise with every step of λ: it falls " + exceptions + "."));
    }

    private static String exceptions(List<Group> ascending) {
        List<String> falls = new ArrayList<>();
        for (int i = 1; i < ascending.size(); i++) {
            if (ascending.get(i).isotropy().mean()
                    <= ascending.get(i - 1).isotropy().mean()) {
                falls.add("from λ = " + lambda(ascending.get(i - 1)) + " to λ = " + lambda(ascending.get(i)));
            }
        }
        return String.join(" and ", falls);
    }

    /** Is any λ better than none, by more than chance explains? */
    private static Optional<String> accuracy(Results results) {
        Optional<Group> baseline = results.baseline();
        List<Group> regularized = results.groups().stream()
                .filter(group -> group.setting().regularized())
                .sorted(Comparator.comparingDouble(group -> group.accuracy().mean()))
                .toList();
        if (baseline.isEmpty() || regularized.isEmpty()) {
            return Optional.empty();
        }
        Group best = regularized.get(regularized.size() - 1);
        Group worst = regularized.get(0);
        Spread without = baseline.get().accuracy();
        Spread with = best.accuracy();
        String compared = "The network without I-STAR reached an accuracy of " + percent(without)
                + ", the best setting with I-STAR (" + best.setting().name() + ") " + percent(with) + ", the worst ("
                + worst.setting().name() + ") " + percent(worst.accuracy()) + ". ";
        return Optional.of(compared + verdict(with, without));
    }

    private static String verdict(Spread with, Spread without) {
        if (with.n() < 2 || without.n() < 2) {
            return "With one seed each, nothing can be said about chance.";
        }
        double difference = with.mean() - without.mean();
        double deviation = Math.max(with.deviation(), without.deviation());
        if (difference > deviation) {
            return "The best is ahead by more than one standard deviation between seeds; but it was picked as the best of"
                    + " several, and " + with.n() + " seeds are few, so take it as a hint, not as a proof.";
        }
        if (difference < -deviation) {
            return "So each λ tried here made the classifier worse, by more than one standard deviation between seeds.";
        }
        return "No λ beat the network without I-STAR by more than one standard deviation between seeds: on these texts,"
                + " with this little training, I-STAR changed the geometry of the hidden states rather than the"
                + " accuracy.";
    }

    /** What did Σ_S change? */
    private static Optional<String> shrinkage(Results results) {
        List<String> pairs = new ArrayList<>();
        for (Group shrunk : results.groups()) {
            if (shrunk.setting().zeta() == 0) {
                continue;
            }
            results.sweep().stream()
                    .filter(group ->
                            group.setting().lambda() == shrunk.setting().lambda())
                    .findFirst()
                    .ifPresent(plain -> pairs.add("at λ = " + lambda(plain) + " from "
                            + number(plain.isotropy().mean(), 3) + " to "
                            + number(shrunk.isotropy().mean(), 3) + " (accuracy "
                            + percent(plain.accuracy()) + " to " + percent(shrunk.accuracy()) + ")"));
        }
        return pairs.isEmpty()
                ? Optional.empty()
                : Optional.of("With shrinkage (ζ = " + number(Plan.SHRINKAGE, 1) + ") IsoScore* went "
                        + String.join(", ", pairs) + ".");
    }

    private static Optional<String> search(Results results) {
        return results.candidates().stream()
                .max(Comparator.comparingDouble(Run::validationAccuracy))
                .map(best -> {
                    String chosen = String.format(
                            Locale.ROOT,
                            "Of %d candidates the random search would choose λ = %s, ζ = %.2f and learning rate"
                                    + " %.4f: %.1f %% on the validation texts that it looks at, %.1f %% on the test"
                                    + " texts.",
                            results.candidates().size(),
                            best.setting().lambdaText(),
                            best.setting().zeta(),
                            best.setting().learningRate(),
                            100 * best.validationAccuracy(),
                            100 * best.test().accuracy());
                    return chosen
                            + results.baseline()
                                    .map(baseline -> " Without I-STAR, at learning rate "
                                            + baseline.setting().learningRate() + ", the test accuracy was "
                                            + percent(baseline.accuracy())
                                            + ". The search also changes the learning rate, so the difference isn't"
                                            + " I-STAR's alone.")
                                    .orElse("");
                });
    }

    /** Which way from states to classes was the best, with fewest and with most training texts? */
    private static String semantics(Semantics semantics) {
        List<Integer> shots = semantics.shots(Method.LINEAR);
        int few = shots.get(0);
        int many = shots.get(shots.size() - 1);
        return "On the states of a small language model, SemanticLogits without training reached "
                + percent(accuracy(semantics, Method.BASES, 0))
                + ". " + compared(semantics, few) + " " + compared(semantics, many);
    }

    private static String compared(Semantics semantics, int shots) {
        Spread linear = accuracy(semantics, Method.LINEAR, shots);
        Spread clustering = accuracy(semantics, Method.CLUSTERING, shots);
        double difference = clustering.mean() - linear.mean();
        double deviation = Math.max(clustering.deviation(), linear.deviation());
        String verdict = Math.abs(difference) <= deviation
                ? "no clear difference"
                : difference > 0 ? "neural clustering is ahead" : "the linear head is ahead";
        return "With " + shots + (shots == 1 ? " training text" : " training texts")
                + " per class, neural clustering reached " + percent(clustering) + " and a linear head "
                + percent(linear) + ": " + verdict + ".";
    }

    private static Spread accuracy(Semantics semantics, Method method, int shots) {
        return semantics.of(method, shots, Semantics.Score::accuracy);
    }

    /** Which losses make code be found, which make names be written? */
    private static String codeSearch(CodeSearch search) {
        CodeSearch.Score both = search.score(Supervision.BOTH);
        String retrieved = Stream.of(Supervision.SEQUENCES, Supervision.TOKENS, Supervision.NONE)
                .map(supervision -> percent(
                                search.score(supervision).retrieval().recallAt(10))
                        + " " + (supervision == Supervision.NONE ? "" : "trained on the ") + supervision.title())
                .collect(Collectors.joining(", "));
        return "Asked for the code of " + search.testMethods()
                + " unseen methods by their documentation, the co-supervised model had the right one among the first ten"
                + " in " + percent(both.retrieval().recallAt(10)) + " of cases (" + retrieved
                + "). Names that it wrote after what it had retrieved reached an F1 of "
                + percent(both.answers().f1()) + ", against "
                + percent(search.score(Supervision.TOKENS).answers().f1())
                + " trained on the next token only; perplexity was " + number(both.perplexity(), 1) + " against "
                + number(search.score(Supervision.TOKENS).perplexity(), 1)
                + ". One seed each: small differences may be chance.";
    }

    static String percent(double share) {
        return number(100 * share, 1) + "\u00A0%";
    }

    static String percent(Spread spread) {
        return number(100 * spread.mean(), 1) + (spread.n() > 1 ? " ± " + number(100 * spread.deviation(), 1) : "")
                + "\u00A0%";
    }

    private static String lambda(Group group) {
        return group.setting().lambdaText();
    }

    static String number(double value, int digits) {
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }
}
