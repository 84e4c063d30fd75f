/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.quickstart.CodeSearch.Supervision;
import io.latent4j.it.quickstart.corpus.CodeCorpus;
import io.latent4j.it.quickstart.corpus.Corpus;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * Carries out a plan: measures the machine, shares the time out among the networks, trains them side by side.
 *
 * <p>One thread per network: the arrays are small, and two networks on two cores finish earlier than two cores on one
 * network. Results don't depend on the number of threads.
 */
final class Experiment {

    /** What is told while the experiment runs; calls come from several threads. */
    interface Observer {
        /** How much each network will be trained is known now. */
        void sized(int texts, int epochs, int testTexts);

        /** So many more texts were trained on. */
        void progress(int texts);

        /** A run of the plan is complete. */
        void finished(Run run);

        /** A candidate of the search is complete. */
        void searched(Run candidate);

        /** All that is done with the language model is complete; empty if the classes have no words of their own. */
        void understood(Optional<Semantics> semantics);

        /** All models that retrieve code are complete; the co-supervised one is given, to be asked. */
        void retrieved(CodeSearch search, CodeModel model);
    }

    private static final int CALIBRATION_STEPS = 12;
    /** Never less, however short the time: below this nothing is learned that could be compared. */
    private static final int MIN_TEXTS = 8 * TrainingData.BATCH;
    /** Every text is seen at least twice, so that Σ_S is refreshed at least once. */
    private static final int MIN_EPOCHS = 2;
    /** Each of Arbiter's candidates sleeps after its work. */
    private static final double ARBITER_SLEEP = 2;

    private final Corpus corpus;
    private final CodeCorpus code;
    private final Plan plan;
    private final int threads;
    private final long seed;
    private final Observer observer;

    Experiment(Corpus corpus, CodeCorpus code, Plan plan, int threads, long seed, Observer observer) {
        this.corpus = corpus;
        this.code = code;
        this.plan = plan;
        this.threads = threads;
        this.seed = seed;
        this.observer = observer;
    }

    /**
     * Trains as much as fits.
     *
     * @param deadlineNanos when to be finished, in terms of {@link System#nanoTime()}
     * @param fixedTexts training texts per network counted over all epochs; 0 to fill the time
     * @throws InterruptedException if the thread was interrupted
     */
    void run(long deadlineNanos, int fixedTexts) throws InterruptedException {
        ExecutorService workers = Executors.newFixedThreadPool(threads, task -> {
            Thread worker = new Thread(task, "training");
            worker.setDaemon(true);
            return worker;
        });
        try {
            Trainer trainer = sized(fixedTexts > 0 ? fixedTexts : affordable(workers, deadlineNanos));
            // The longest tasks go first
            Future<Optional<Semantics>> semantics = workers.submit(() -> semantics(trainer));
            int instances = trainer.texts() * Plan.CODE_MODEL_TEXTS;
            Optional<CodeSearchStudy> search =
                    plan.code() ? Optional.of(new CodeSearchStudy(code, seed)) : Optional.empty();
            List<Future<CodeSearchStudy.Trained>> models = search.stream()
                    .flatMap(study -> Arrays.stream(Supervision.values())
                            .map(supervision -> workers.submit(() -> trained(study, supervision, instances))))
                    .toList();
            List<Callable<Run>> runs = new ArrayList<>();
            plan.runs().forEach(setting -> runs.add(() -> trainer.run(setting, observer::progress)));
            collect(workers, runs, observer::finished);
            observer.understood(result(semantics));
            if (search.isPresent()) {
                List<CodeSearchStudy.Trained> trained = new ArrayList<>();
                for (Future<CodeSearchStudy.Trained> model : models) {
                    trained.add(result(model));
                }
                observer.retrieved(
                        search.get().result(trained, instances), search.get().best(trained));
            }
            if (plan.candidates() > 0) {
                long seconds = Math.max(1, (deadlineNanos - System.nanoTime()) / 1_000_000_000L);
                new Search(trainer, seed)
                        .run(plan.candidates(), threads, seconds, observer::progress, observer::searched);
            }
        } finally {
            workers.shutdownNow();
        }
    }

    private Optional<Semantics> semantics(Trainer trainer) {
        // Progress is counted in texts of a network, and goes on evenly whatever the language model's cost
        IntConsumer steps =
                trained -> observer.progress(trained * Plan.LANGUAGE_MODEL_NETWORKS / Plan.LANGUAGE_MODEL_TEXTS);
        return new SemanticsStudy(corpus, seed).run(trainer.texts() * Plan.LANGUAGE_MODEL_TEXTS, steps);
    }

    private CodeSearchStudy.Trained trained(CodeSearchStudy study, Supervision supervision, int instances) {
        return study.run(
                supervision,
                instances,
                trained -> observer.progress(trained * Plan.CODE_MODEL_NETWORKS / Plan.CODE_MODEL_TEXTS));
    }

    private Trainer sized(int texts) {
        int available = corpus.train().size();
        int epochs = Math.max(MIN_EPOCHS, (texts + available - 1) / available);
        Trainer trainer = new Trainer(TrainingData.of(corpus, Math.max(texts / epochs, 1), seed), epochs);
        observer.sized(trainer.texts(), epochs, trainer.data().testTexts());
        return trainer;
    }

    /** Trains a little with all workers at once, as later, and works out what each network can have. */
    private int affordable(ExecutorService workers, long deadlineNanos) throws InterruptedException {
        int texts = CALIBRATION_STEPS * TrainingData.BATCH;
        Trainer trainer = new Trainer(TrainingData.of(corpus, texts, seed), 1);
        Setting setting = new Setting(1, 0, Plan.LEARNING_RATE, seed);
        IntConsumer silent = steps -> {};
        List<Double> seconds = new ArrayList<>();
        List<Double> measuring = new ArrayList<>();
        for (int round = 0; round < 2; round++) { // the first one warms up
            seconds.clear();
            measuring.clear();
            List<Callable<double[]>> calibrations = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                calibrations.add(() -> {
                    long start = System.nanoTime();
                    trainer.run(setting, silent);
                    double all = (System.nanoTime() - start) / 1e9;
                    start = System.nanoTime();
                    Measurement.of(
                            Classifier.create(
                                    setting,
                                    trainer.data().vocabulary().size(),
                                    trainer.data().classes()),
                            trainer.data().test());
                    return new double[] {all, (System.nanoTime() - start) / 1e9};
                });
            }
            collect(workers, calibrations, pair -> {
                seconds.add(pair[0]);
                measuring.add(pair[1]);
            });
        }
        // Code still gets faster after this: what is left over pays for reports. A run measures test (1) and validation
        // (½) texts and the probe (⅛) at each point of its curve.
        double fixed = mean(measuring) * (1.5 + (Trainer.CURVE_POINTS + 1) / 8.0);
        double perText = Math.max(mean(seconds) - fixed, 0.1 * mean(seconds)) / texts;
        double left = (deadlineNanos - System.nanoTime()) / 1e9 * threads;
        double perNetwork = (left - plan.candidates() * ARBITER_SLEEP) / plan.work() - fixed;
        return (int) Math.max(MIN_TEXTS, perNetwork / perText);
    }

    private static double mean(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    }

    /** Runs all tasks and hands each result over as soon as it is there; the first failure ends it. */
    private static <T> void collect(ExecutorService workers, List<Callable<T>> tasks, Consumer<T> finished)
            throws InterruptedException {
        CompletionService<T> completion = new ExecutorCompletionService<>(workers);
        tasks.forEach(completion::submit);
        for (int i = 0; i < tasks.size(); i++) {
            finished.accept(result(completion.take()));
        }
    }

    private static <T> T result(Future<T> task) throws InterruptedException {
        try {
            return task.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("training failed: " + e.getCause(), e.getCause());
        }
    }
}
