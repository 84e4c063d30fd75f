/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.quickstart.corpus.Corpus;
import io.latent4j.it.quickstart.corpus.Example;
import java.util.List;
import org.nd4j.linalg.dataset.DataSet;

/**
 * A corpus as minibatches, shared read-only by all runs.
 *
 * @param vocabulary words that the network knows
 * @param classes number of classes
 * @param train minibatches to learn from
 * @param validation minibatches to choose settings with
 * @param probe a few of them, for the training curves
 * @param test minibatches to measure with
 */
record TrainingData(
        Vocabulary vocabulary,
        int classes,
        List<DataSet> train,
        List<DataSet> validation,
        List<DataSet> probe,
        List<DataSet> test) {

    static final int BATCH = 128;

    private static final int TEST_TEXTS = 2000;
    private static final int VALIDATION_TEXTS = 1000;
    private static final int PROBE_TEXTS = 256;

    /** Encodes a sample of the corpus; the vocabulary comes from all training texts. */
    static TrainingData of(Corpus corpus, int trainingTexts, long seed) {
        Vocabulary vocabulary = new Vocabulary(corpus.train());
        TextBatches batches = new TextBatches(vocabulary, corpus.labels(), BATCH);
        List<Example> validation = Corpus.balanced(corpus.validation(), VALIDATION_TEXTS, seed);
        List<Example> probe = validation.subList(0, Math.min(PROBE_TEXTS, validation.size()));
        return new TrainingData(
                vocabulary,
                corpus.labels().size(),
                batches.of(Corpus.balanced(corpus.train(), trainingTexts, seed), seed),
                batches.of(validation, seed),
                batches.of(probe, seed),
                batches.of(Corpus.balanced(corpus.test(), TEST_TEXTS, seed), seed));
    }

    int trainingTexts() {
        return texts(train);
    }

    int testTexts() {
        return texts(test);
    }

    private static int texts(List<DataSet> batches) {
        return batches.stream().mapToInt(DataSet::numExamples).sum();
    }
}
