/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Optional;
import java.util.function.DoubleSupplier;

/**
 * A candidate in training, seen from its training data: these end early when the candidate is stopped.
 *
 * <p>So training stops between two minibatches without an exception, with no workspace open and no thread left behind, in
 * whatever class it goes on.
 */
final class Trial {
    private final CandidatePruner pruner;
    private final int candidate;
    private final boolean epochs;
    private final DoubleSupplier score;

    private int step;
    private boolean learning;
    private Optional<Pruned> pruned = Optional.empty();

    /**
     * A candidate.
     *
     * @param epochs whether a step is an epoch, else a minibatch
     * @param score its present score
     */
    Trial(CandidatePruner pruner, int candidate, boolean epochs, DoubleSupplier score) {
        this.pruner = pruner;
        this.candidate = candidate;
        this.epochs = epochs;
        this.score = score;
    }

    /** When and with which score the candidate was stopped, if it was. */
    Optional<Pruned> pruned() {
        return pruned;
    }

    /**
     * The data, to be asked in the training thread only.
     *
     * @param type of data, {@code DataSetIterator} or {@code MultiDataSetIterator}
     */
    <T> T watched(Class<T> type, T data) {
        InvocationHandler handler = (proxy, method, arguments) -> {
            Object answer;
            try {
                answer = method.invoke(data, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
            return switch (method.getName()) {
                case "asyncSupported" -> false; // read ahead, minibatches would be counted before they are learned from
                case "next" -> {
                    learned(false);
                    learning = true;
                    yield answer;
                }
                case "hasNext" -> {
                    boolean more = (boolean) answer;
                    learned(!more);
                    yield more && pruned.isEmpty();
                }
                default -> answer;
            };
        };
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    /** Counts what was learned since the last call, and asks the pruner. */
    private void learned(boolean endOfEpoch) {
        if (!learning || epochs && !endOfEpoch || pruned.isPresent()) {
            return;
        }
        learning = false;
        step++;
        if (pruner.decidesAt(step)) {
            double now = score.getAsDouble();
            if (pruner.prune(candidate, step, now)) {
                pruned = Optional.of(new Pruned(step, now));
            }
        }
    }
}
