/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** A random Llama, written as llama2.c checkpoint and computed token by token in plain Java doubles. */
final class TinyLlama {
    static final int WIDTH = 12;
    static final int HIDDEN = 10;
    static final int LAYERS = 2;
    static final int HEADS = 3;
    static final int KEY_HEADS = 1;
    static final int VOCABULARY = 11;
    static final int POSITIONS = 16;

    private static final int HEAD_WIDTH = WIDTH / HEADS;
    private static final int KEY_WIDTH = HEAD_WIDTH * KEY_HEADS;

    final double[][] embedding;
    final double[][] attentionNorm;
    final double[][][] wq;
    final double[][][] wk;
    final double[][][] wv;
    final double[][][] wo;
    final double[][] feedForwardNorm;
    final double[][][] w1;
    final double[][][] w2;
    final double[][][] w3;
    final double[] finalNorm;
    final double[][] head;
    final boolean tied;

    private final Random random;

    TinyLlama(boolean tied, long seed) {
        this.tied = tied;
        random = new Random(seed);
        embedding = matrix(VOCABULARY, WIDTH);
        attentionNorm = matrix(LAYERS, WIDTH);
        wq = layers(WIDTH, WIDTH);
        wk = layers(KEY_WIDTH, WIDTH);
        wv = layers(KEY_WIDTH, WIDTH);
        wo = layers(WIDTH, WIDTH);
        feedForwardNorm = matrix(LAYERS, WIDTH);
        w1 = layers(HIDDEN, WIDTH);
        w2 = layers(WIDTH, HIDDEN);
        w3 = layers(HIDDEN, WIDTH);
        finalNorm = matrix(1, WIDTH)[0];
        head = tied ? embedding : matrix(VOCABULARY, WIDTH);
    }

    Path write(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
        for (int size :
                new int[] {WIDTH, HIDDEN, LAYERS, HEADS, KEY_HEADS, tied ? VOCABULARY : -VOCABULARY, POSITIONS}) {
            bytes.putInt(size);
        }
        put(bytes, embedding);
        put(bytes, attentionNorm);
        put(bytes, wq);
        put(bytes, wk);
        put(bytes, wv);
        put(bytes, wo);
        put(bytes, feedForwardNorm);
        put(bytes, w1);
        put(bytes, w2);
        put(bytes, w3);
        put(bytes, new double[][] {finalNorm});
        put(bytes, new double[POSITIONS][HEAD_WIDTH]);
        if (!tied) {
            put(bytes, head);
        }
        byte[] content = new byte[bytes.flip().remaining()];
        bytes.get(content);
        return Files.write(file, content);
    }

    /** Hidden states [layers + 1][T][d], then those after the final norm. */
    double[][][] states(int... tokens) {
        double[][][] states = new double[LAYERS + 2][tokens.length][];
        for (int t = 0; t < tokens.length; t++) {
            states[0][t] = embedding[tokens[t]];
        }
        for (int layer = 0; layer < LAYERS; layer++) {
            double[][] keys = new double[tokens.length][];
            double[][] values = new double[tokens.length][];
            for (int t = 0; t < tokens.length; t++) {
                double[] state = states[layer][t];
                double[] normed = norm(state, attentionNorm[layer]);
                keys[t] = turned(times(wk[layer], normed), t);
                values[t] = times(wv[layer], normed);
                double[] mixed = attention(turned(times(wq[layer], normed), t), keys, values, t);
                state = sum(state, times(wo[layer], mixed));
                normed = norm(state, feedForwardNorm[layer]);
                double[] gate = times(w1[layer], normed);
                double[] up = times(w3[layer], normed);
                for (int i = 0; i < HIDDEN; i++) {
                    up[i] *= gate[i] / (1 + Math.exp(-gate[i]));
                }
                states[layer + 1][t] = sum(state, times(w2[layer], up));
            }
        }
        for (int t = 0; t < tokens.length; t++) {
            states[LAYERS + 1][t] = norm(states[LAYERS][t], finalNorm);
        }
        return states;
    }

    double[] logits(double[] finalState) {
        return times(head, finalState);
    }

    private static double[] attention(double[] query, double[][] keys, double[][] values, int last) {
        double[] mixed = new double[WIDTH];
        for (int h = 0; h < HEADS; h++) {
            int shared = h * KEY_HEADS / HEADS * HEAD_WIDTH;
            double[] weights = new double[last + 1];
            double total = 0;
            for (int t = 0; t <= last; t++) {
                double score = 0;
                for (int i = 0; i < HEAD_WIDTH; i++) {
                    score += query[h * HEAD_WIDTH + i] * keys[t][shared + i];
                }
                weights[t] = Math.exp(score / Math.sqrt(HEAD_WIDTH));
                total += weights[t];
            }
            for (int t = 0; t <= last; t++) {
                for (int i = 0; i < HEAD_WIDTH; i++) {
                    mixed[h * HEAD_WIDTH + i] += weights[t] / total * values[t][shared + i];
                }
            }
        }
        return mixed;
    }

    private static double[] turned(double[] x, int position) {
        double[] turned = new double[x.length];
        for (int i = 0; i < x.length; i += 2) {
            double angle = position / Math.pow(10_000, (double) (i % HEAD_WIDTH) / HEAD_WIDTH);
            turned[i] = x[i] * Math.cos(angle) - x[i + 1] * Math.sin(angle);
            turned[i + 1] = x[i] * Math.sin(angle) + x[i + 1] * Math.cos(angle);
        }
        return turned;
    }

    private static double[] norm(double[] x, double[] gain) {
        double squares = 0;
        for (double value : x) {
            squares += value * value;
        }
        double[] normed = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            normed[i] = x[i] / Math.sqrt(squares / x.length + 1e-5) * gain[i];
        }
        return normed;
    }

    private static double[] times(double[][] matrix, double[] x) {
        double[] product = new double[matrix.length];
        for (int i = 0; i < matrix.length; i++) {
            for (int j = 0; j < x.length; j++) {
                product[i] += matrix[i][j] * x[j];
            }
        }
        return product;
    }

    private static double[] sum(double[] a, double[] b) {
        double[] sum = a.clone();
        for (int i = 0; i < b.length; i++) {
            sum[i] += b[i];
        }
        return sum;
    }

    private double[][][] layers(int rows, int columns) {
        double[][][] layers = new double[LAYERS][][];
        for (int layer = 0; layer < LAYERS; layer++) {
            layers[layer] = matrix(rows, columns);
        }
        return layers;
    }

    /** Numbers that a float holds exactly, so that only the computation differs. */
    private double[][] matrix(int rows, int columns) {
        double[][] matrix = new double[rows][columns];
        for (double[] row : matrix) {
            for (int i = 0; i < columns; i++) {
                row[i] = (float) (random.nextGaussian() * 0.5);
            }
        }
        return matrix;
    }

    private static void put(ByteBuffer bytes, double[][]... matrices) {
        for (double[][] matrix : matrices) {
            for (double[] row : matrix) {
                for (double value : row) {
                    bytes.putFloat((float) value);
                }
            }
        }
    }
}
