/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.samediff;

import static io.latent4j.it.samediff.TensorflowGraph.flag;
import static io.latent4j.it.samediff.TensorflowGraph.type;

import java.util.Map;
import java.util.Random;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.tensorflow.framework.DataType;
import org.tensorflow.framework.GraphDef;

/**
 * A causal transformer of one layer with a tied head, random weights and T = 6: as frozen TensorFlow graph with the
 * operations that Keras writes, and in plain Java doubles.
 */
final class TensorflowLm {
    static final int V = 11;
    static final int D = 8;
    static final int T = 6;
    static final int HIDDEN = 12;

    private final Random random;
    final double[][] embedding;
    final double[][] position;
    final double[][] query;
    final double[][] key;
    final double[][] value;
    final double[][] up;
    final double[][] upBias;
    final double[][] down;
    final double[][] gain;
    final double[][] bias;

    TensorflowLm(long seed) {
        random = new Random(seed);
        embedding = matrix(V, D);
        position = matrix(T, D);
        query = matrix(D, D);
        key = matrix(D, D);
        value = matrix(D, D);
        up = matrix(D, HIDDEN);
        upBias = matrix(1, HIDDEN);
        down = matrix(HIDDEN, D);
        gain = matrix(1, D);
        bias = matrix(1, D);
    }

    /**
     * The graph: "tokens" [N, T] to "hidden" [N, T, D] before the final layer norm, "states" [N, T, D] after it, and
     * "logits" [N·T, V].
     *
     * @param lookUp whether tokens are looked up by GatherV2, else multiplied as one-hot vectors
     */
    GraphDef graph(boolean lookUp) {
        TensorflowGraph g = new TensorflowGraph();
        g.placeholder("tokens", DataType.DT_INT32, -1, T);
        g.constant("embedding", array(embedding));
        if (lookUp) {
            g.constant("axis", Nd4j.scalar(0));
            g.add(
                    "embedded",
                    "GatherV2",
                    Map.of(
                            "Tparams",
                            type(DataType.DT_FLOAT),
                            "Tindices",
                            type(DataType.DT_INT32),
                            "Taxis",
                            type(DataType.DT_INT32)),
                    "embedding",
                    "tokens",
                    "axis");
        } else {
            g.constant("depth", Nd4j.scalar(V));
            g.constant("on", Nd4j.scalar(1f));
            g.constant("off", Nd4j.scalar(0f));
            g.add(
                    "one_hot",
                    "OneHot",
                    Map.of(
                            "T", type(DataType.DT_FLOAT),
                            "TI", type(DataType.DT_INT32),
                            "axis",
                                    org.tensorflow.framework.AttrValue.newBuilder()
                                            .setI(-1)
                                            .build()),
                    "tokens",
                    "depth",
                    "on",
                    "off");
            matMul(g, "embedded", reshape(g, "one_hot", -1, V), "embedding", false, -1, T, D);
        }
        g.constant("position", array(position).reshape(1, T, D));
        g.op("input", "AddV2", "embedded", "position");
        String rows = reshape(g, "input", -1, D);
        for (Map.Entry<String, double[][]> weight :
                Map.of("query", query, "key", key, "value", value).entrySet()) {
            g.constant(weight.getKey() + "/kernel", array(weight.getValue()));
            matMul(g, weight.getKey(), rows, weight.getKey() + "/kernel", false, -1, T, D);
        }
        g.op("scores", "BatchMatMulV2", Map.of("adj_x", flag(false), "adj_y", flag(true)), "query", "key");
        g.constant("scale", Nd4j.scalar((float) (1 / Math.sqrt(D))));
        g.op("scaled", "Mul", "scores", "scale");
        INDArray future = Nd4j.zeros(1, T, T);
        for (int t = 0; t < T; t++) {
            for (int later = t + 1; later < T; later++) {
                future.putScalar(0, t, later, -1e9);
            }
        }
        g.constant("future", future);
        g.op("masked", "AddV2", "scaled", "future");
        g.op("attention", "Softmax", "masked");
        g.op("mixed", "BatchMatMulV2", Map.of("adj_x", flag(false), "adj_y", flag(false)), "attention", "value");
        g.op("attended", "AddV2", "input", "mixed");

        g.constant("up/kernel", array(up));
        g.constant("up/bias", array(upBias).reshape(HIDDEN));
        g.constant("down/kernel", array(down));
        matMul(g, "up/product", reshape(g, "attended", -1, D), "up/kernel", false);
        g.op("up", "BiasAdd", "up/product", "up/bias");
        g.op("relu", "Relu", "up");
        matMul(g, "down", "relu", "down/kernel", false, -1, T, D);
        g.op("hidden", "AddV2", "attended", "down");

        g.constant("last", Nd4j.createFromArray(2));
        Map<String, org.tensorflow.framework.AttrValue> keep =
                Map.of("keep_dims", flag(true), "Tidx", type(DataType.DT_INT32));
        g.op("norm/mean", "Mean", keep, "hidden", "last");
        g.op("norm/squares", "SquaredDifference", "hidden", "norm/mean");
        g.op("norm/variance", "Mean", keep, "norm/squares", "last");
        g.constant("norm/epsilon", Nd4j.scalar(1e-3f));
        g.op("norm/shifted", "AddV2", "norm/variance", "norm/epsilon");
        g.op("norm/rsqrt", "Rsqrt", "norm/shifted");
        g.constant("norm/gain", array(gain).reshape(D));
        g.constant("norm/bias", array(bias).reshape(D));
        g.op("norm/factor", "Mul", "norm/rsqrt", "norm/gain");
        g.op("norm/scaled", "Mul", "hidden", "norm/factor");
        g.op("norm/centre", "Mul", "norm/mean", "norm/factor");
        g.op("norm/offset", "Sub", "norm/bias", "norm/centre");
        g.op("states", "AddV2", "norm/scaled", "norm/offset");
        matMul(g, "logits", reshape(g, "states", -1, D), "embedding", true);
        return g.build();
    }

    private static void matMul(TensorflowGraph g, String name, String a, String b, boolean transposed, int... shape) {
        String product = shape.length == 0 ? name : name + "/product";
        g.op(product, "MatMul", Map.of("transpose_a", flag(false), "transpose_b", flag(transposed)), a, b);
        if (shape.length > 0) {
            g.constant(name + "/shape", Nd4j.createFromArray(shape));
            g.op(name, "Reshape", Map.of("Tshape", type(DataType.DT_INT32)), product, name + "/shape");
        }
    }

    private static String reshape(TensorflowGraph g, String input, int... shape) {
        String name = input + "/rows";
        g.constant(name + "/shape", Nd4j.createFromArray(shape));
        return g.op(name, "Reshape", Map.of("Tshape", type(DataType.DT_INT32)), input, name + "/shape");
    }

    /** Hidden states, final states and logits of a text, computed by hand: [3][T][D or V]. */
    double[][][] outputs(int... tokens) {
        double[][] x = new double[T][D];
        double[][] q = new double[T][];
        double[][] k = new double[T][];
        double[][] v = new double[T][];
        for (int t = 0; t < T; t++) {
            for (int i = 0; i < D; i++) {
                x[t][i] = embedding[tokens[t]][i] + position[t][i];
            }
            q[t] = times(x[t], query);
            k[t] = times(x[t], key);
            v[t] = times(x[t], value);
        }
        double[][] hidden = new double[T][];
        double[][] states = new double[T][D];
        double[][] logits = new double[T][V];
        for (int t = 0; t < T; t++) {
            double[] weights = new double[t + 1];
            double total = 0;
            for (int s = 0; s <= t; s++) {
                weights[s] = Math.exp(dot(q[t], k[s]) / Math.sqrt(D));
                total += weights[s];
            }
            double[] h = x[t].clone();
            for (int s = 0; s <= t; s++) {
                for (int i = 0; i < D; i++) {
                    h[i] += weights[s] / total * v[s][i];
                }
            }
            double[] inner = times(h, up);
            for (int i = 0; i < HIDDEN; i++) {
                inner[i] = Math.max(0, inner[i] + upBias[0][i]);
            }
            double[] more = times(inner, down);
            double mean = 0;
            for (int i = 0; i < D; i++) {
                h[i] += more[i];
                mean += h[i] / D;
            }
            double variance = 0;
            for (double value : h) {
                variance += (value - mean) * (value - mean) / D;
            }
            hidden[t] = h;
            for (int i = 0; i < D; i++) {
                states[t][i] = (h[i] - mean) / Math.sqrt(variance + 1e-3) * gain[0][i] + bias[0][i];
            }
            for (int token = 0; token < V; token++) {
                logits[t][token] = dot(states[t], embedding[token]);
            }
        }
        return new double[][][] {hidden, states, logits};
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static double[] times(double[] x, double[][] matrix) {
        double[] product = new double[matrix[0].length];
        for (int i = 0; i < x.length; i++) {
            for (int j = 0; j < product.length; j++) {
                product[j] += x[i] * matrix[i][j];
            }
        }
        return product;
    }

    private static INDArray array(double[][] matrix) {
        return Nd4j.create(matrix).castTo(org.nd4j.linalg.api.buffer.DataType.FLOAT);
    }

    /** Numbers that a float holds exactly. */
    private double[][] matrix(int rows, int columns) {
        double[][] matrix = new double[rows][columns];
        for (double[] row : matrix) {
            for (int i = 0; i < columns; i++) {
                row[i] = (float) (random.nextGaussian() * 0.5);
            }
        }
        return matrix;
    }
}
