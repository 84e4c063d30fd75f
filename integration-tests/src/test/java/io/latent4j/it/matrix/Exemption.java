/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.matrix;

import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Why a cell of the table is more than a plain pass.
 *
 * @param kind what the reason means
 * @param reason the table's footnote
 * @param message for what DL4J cannot: what the failure's message holds
 */
record Exemption(Kind kind, String reason, Pattern message) {
    /** What a reason means. */
    enum Kind {
        /** The contract has no meaning for the component; not tried. */
        NOT_APPLICABLE("–"),
        /** The contract fails, with DL4J's own layers as well; it is tried and must fail as the message says. */
        DL4J_CANNOT("✗"),
        /** The contract holds, and there is something to know. */
        REMARK("✓");

        final String sign;

        Kind(String sign) {
            this.sign = sign;
        }
    }

    private record Rule(Contract contract, Predicate<Plan> rows, Exemption exemption) {}

    private static final List<Rule> RULES = List.of(
            cannot(
                    Contract.JAVA_NETWORK,
                    plan -> true,
                    "DL4J's readObject leaves out what the networks' constructors set: a MultiLayerNetwork that comes back"
                            + " cannot train, a ComputationGraph cannot even compute. ModelSerializer does it",
                    "trainingListeners|network has 0 inputs"),
            remark(
                    Contract.TRANSFER_LEARNING,
                    plan -> plan.component().equals("IStarVertex"),
                    "DL4J copies no parameters of vertices, so Σ_S is empty after a graph was edited: train an epoch with"
                            + " the ShrinkageListener, or call IStar.updateShrinkage"),
            cannot(
                    Contract.FROZEN,
                    Plan::subjectIsOutput,
                    "DL4J has no frozen output layers: it throws, or a graph scores 0 without a word. What is below can be"
                            + " frozen, see TransferLearning",
                    "IOutputLayer|not allowed to be frozen|but was: <0.0>"),
            remark(
                    Contract.FROZEN,
                    plan -> List.of("IStarLayer", "CosRegLayer").contains(plan.component()),
                    "DL4J's FrozenLayer leaves the penalty out of the score; an IStarVertex in a FrozenVertex keeps it"),
            cannot(
                    Contract.TBPTT,
                    plan -> !plan.graph() && plan.data().getLabels(0).rank() < 3,
                    "a MultiLayerNetwork skips, with a warning, minibatches whose labels are no series; a ComputationGraph"
                            + " trains each part on the same labels",
                    "one part is the whole"),
            remark(
                    Contract.TBPTT,
                    plan -> plan.component().startsWith("SequenceStackVertex"),
                    "DL4J skips, with a warning, minibatches with series of different lengths; checked with series of one"
                            + " length"),
            notApplicable(
                    Contract.TBPTT,
                    plan -> plan.component().startsWith("NextSequence"),
                    "parts would cut texts and passages, series of their own, at the same steps"),
            notApplicable(
                    Contract.RNN_TIME_STEP,
                    plan -> plan.component().startsWith("NextSequence"),
                    "the head is for training, and its output all states and keys of a minibatch; CoSupervision.generator"
                            + " gives the language model alone, which runs step by step"),
            cannot(
                    Contract.NO_MINI_BATCH,
                    plan -> plan.component().endsWith("LossLayer"),
                    "DL4J's LossLayer divides its score by the minibatch's size all the same, so score and gradient do not"
                            + " belong together; OutputLayer does it",
                    "LossLayer in .* ==> expected: <true> but was: <false>"));

    private static Rule cannot(Contract contract, Predicate<Plan> rows, String reason, String message) {
        return new Rule(contract, rows, new Exemption(Kind.DL4J_CANNOT, reason, Pattern.compile(message)));
    }

    private static Rule notApplicable(Contract contract, Predicate<Plan> rows, String reason) {
        return new Rule(contract, rows, new Exemption(Kind.NOT_APPLICABLE, reason, Pattern.compile("")));
    }

    private static Rule remark(Contract contract, Predicate<Plan> rows, String reason) {
        return new Rule(contract, rows, new Exemption(Kind.REMARK, reason, Pattern.compile("")));
    }

    static Optional<Exemption> of(Plan plan, Contract contract) {
        return RULES.stream()
                .filter(rule -> rule.contract() == contract && rule.rows().test(plan))
                .map(Rule::exemption)
                .findFirst();
    }
}
