/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.quickstart.corpus.Example;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Encodes texts as minibatches for DL4J: features [N, 1, T] of word indices, labels [N, C] one-hot, mask [N, T].
 *
 * <p>Texts of similar length share a batch, so little time goes into padding.
 */
final class TextBatches {
    static final int MAX_TOKENS = 24;

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Encoded(int[] tokens, int label) {}

    private final Vocabulary vocabulary;
    private final List<String> labels;
    private final int size;

    TextBatches(Vocabulary vocabulary, List<String> labels, int size) {
        this.vocabulary = vocabulary;
        this.labels = labels;
        this.size = size;
    }

    /** Batches in random order. */
    List<DataSet> of(List<Example> examples, long seed) {
        List<Encoded> encoded = new ArrayList<>(examples.size());
        for (Example example : examples) {
            encoded.add(new Encoded(vocabulary.encode(example.text(), MAX_TOKENS), labels.indexOf(example.label())));
        }
        Collections.shuffle(encoded, new Random(seed));
        encoded.sort(Comparator.comparingInt(text -> text.tokens.length)); // stable: random within a length
        List<DataSet> batches = new ArrayList<>();
        for (int start = 0; start < encoded.size(); start += size) {
            List<Encoded> batch = encoded.subList(start, Math.min(start + size, encoded.size()));
            int steps = batch.get(batch.size() - 1).tokens.length;
            float[] features = new float[batch.size() * steps];
            float[] mask = new float[batch.size() * steps];
            float[] oneHot = new float[batch.size() * labels.size()];
            for (int i = 0; i < batch.size(); i++) {
                int[] tokens = batch.get(i).tokens;
                for (int t = 0; t < tokens.length; t++) {
                    features[i * steps + t] = tokens[t];
                    mask[i * steps + t] = 1;
                }
                oneHot[i * labels.size() + batch.get(i).label] = 1;
            }
            batches.add(new DataSet(
                    array(features, batch.size(), 1, steps),
                    array(oneHot, batch.size(), labels.size()),
                    array(mask, batch.size(), steps),
                    null));
        }
        Collections.shuffle(batches, new Random(seed + 1));
        return batches;
    }

    private static INDArray array(float[] values, long... shape) {
        return Nd4j.createFromArray(values).castTo(DataType.FLOAT).reshape(shape);
    }
}
