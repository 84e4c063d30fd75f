/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import java.nio.FloatBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * kNN-Prompting (Xu et al., ICLR 2023): a query belongs to the class of the training samples, the anchors, whose next-token
 * distribution over the whole vocabulary is nearest in KL(anchor ‖ query).
 *
 * <p>With logits z = s·W the divergence needs no distribution of a query, and one d-vector m per anchor:
 *
 * <pre>{@code
 * m_a = Σ_v p_a(v)·W_v         (W_v column v of the head)
 * KL(a ‖ q) = m_a·(s_a − s_q) − ln Σ exp(z_a) + ln Σ exp(z_q)
 * }</pre>
 *
 * <p>so comparing all queries with all anchors is one product of d columns, not of V, and what is the same for all anchors
 * is left out of the comparison. The anchors' distributions are made block by block.
 */
final class KnnPrompting {
    /** Floats of one block of distributions: 16 MB. */
    private static final int BLOCK = 1 << 22;

    private final INDArray means;
    /** m_a·s_a − ln Σ exp(z_a): minus the entropy of each anchor. */
    private final double[] negativeEntropies;

    private final States anchors;

    /**
     * Keeps what comparisons need of the anchors.
     *
     * @param anchors training samples
     * @param head W [d, V]
     */
    KnnPrompting(States anchors, INDArray head) {
        this.anchors = anchors;
        int rows = anchors.size();
        int step = (int) Math.max(1, BLOCK / head.size(1));
        means = Nd4j.createUninitialized(DataType.FLOAT, new long[] {rows, head.size(0)}, 'c');
        negativeEntropies = new double[rows];
        INDArray rowHead = head.ordering() == 'c' ? head : head.dup('c');
        for (int from = 0; from < rows; from += step) {
            int to = Math.min(from + step, rows);
            INDArray states = block(anchors.states(), from, to);
            INDArray probabilities = logits(states, rowHead);
            double[] normalizers = softmax(probabilities);
            INDArray mean = block(means, from, to);
            Nd4j.gemm(probabilities, rowHead, mean, false, true, 1, 0);
            INDArray own = mean.mul(states).sum(1);
            for (int i = from; i < to; i++) {
                negativeEntropies[i] = own.getDouble(i - from) - normalizers[i - from];
            }
        }
    }

    /**
     * Classes of queries.
     *
     * @param queries states [M, d]
     * @param k neighbours that vote; of classes with as many votes the one that got them from nearer anchors wins
     * @return M class indices
     */
    int[] predict(INDArray queries, int k) {
        if (k < 1 || k > anchors.size()) {
            throw new IllegalArgumentException("k: expected 1.." + anchors.size() + ", found " + k);
        }
        int rows = Math.toIntExact(queries.size(0));
        int columns = anchors.size();
        int step = Math.max(1, BLOCK / columns);
        int[] predicted = new int[rows];
        float[] similarities = new float[columns];
        for (int from = 0; from < rows; from += step) {
            int to = Math.min(from + step, rows);
            FloatBuffer block = products(block(queries, from, to)).data().asNioFloat();
            for (int i = from; i < to; i++) {
                block.get((i - from) * columns, similarities);
                predicted[i] = vote(similarities, k);
            }
        }
        return predicted;
    }

    /** KL(anchor ‖ query) [M, N], for few queries. */
    INDArray divergences(INDArray queries, INDArray head) {
        double[] normalizers = softmax(logits(queries, head.dup('c')));
        INDArray products = products(queries);
        INDArray divergences = Nd4j.create(DataType.DOUBLE, products.shape());
        for (int i = 0; i < products.rows(); i++) {
            for (int a = 0; a < anchors.size(); a++) {
                divergences.putScalar(i, a, negativeEntropies[a] - products.getDouble(i, a) + normalizers[i]);
            }
        }
        return divergences;
    }

    /** The k smallest divergences, by insertion: k is small. */
    private int vote(float[] products, int k) {
        double[] nearest = new double[k];
        int[] classes = new int[k];
        int found = 0;
        for (int a = 0; a < products.length; a++) {
            double divergence = negativeEntropies[a] - products[a];
            if (found == k && divergence >= nearest[k - 1]) {
                continue;
            }
            int place = found < k ? found++ : k - 1;
            while (place > 0 && nearest[place - 1] > divergence) {
                nearest[place] = nearest[place - 1];
                classes[place] = classes[place - 1];
                place--;
            }
            nearest[place] = divergence;
            classes[place] = anchors.labels()[a];
        }
        int[] votes = new int[anchors.classes()];
        int winner = classes[0];
        for (int c : classes) { // nearest first: the first to reach the most votes has the nearer ones
            votes[c]++;
            if (votes[c] > votes[winner]) {
                winner = c;
            }
        }
        return winner;
    }

    /** s_q · m_a for all queries and anchors [M, N]. */
    private INDArray products(INDArray queries) {
        INDArray products = Nd4j.createUninitialized(DataType.FLOAT, new long[] {queries.size(0), anchors.size()}, 'c');
        return Nd4j.gemm(queries, means, products, false, true, 1, 0);
    }

    private static INDArray logits(INDArray states, INDArray head) {
        INDArray logits = Nd4j.createUninitialized(DataType.FLOAT, new long[] {states.size(0), head.size(1)}, 'c');
        return Nd4j.gemm(states, head, logits, false, false, 1, 0);
    }

    /** Puts probabilities in place of logits, row by row, and returns ln Σ exp(z). */
    private static double[] softmax(INDArray logits) {
        int columns = Math.toIntExact(logits.size(1));
        FloatBuffer values = logits.data().asNioFloat();
        double[] normalizers = new double[logits.rows()];
        float[] row = new float[columns];
        for (int i = 0; i < normalizers.length; i++) {
            values.get(i * columns, row);
            float max = Float.NEGATIVE_INFINITY;
            for (float value : row) {
                max = Math.max(max, value);
            }
            double sum = 0;
            for (int j = 0; j < columns; j++) {
                row[j] = (float) Math.exp(row[j] - max);
                sum += row[j];
            }
            float factor = (float) (1 / sum);
            for (int j = 0; j < columns; j++) {
                row[j] *= factor;
            }
            values.put(i * columns, row);
            normalizers[i] = Math.log(sum) + max;
        }
        return normalizers;
    }

    private static INDArray block(INDArray rows, int from, int to) {
        return rows.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
    }
}
