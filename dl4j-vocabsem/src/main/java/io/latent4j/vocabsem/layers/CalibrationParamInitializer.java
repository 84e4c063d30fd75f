/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.layers;

import io.latent4j.vocabsem.NeuralClustering;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.weights.IWeightInit;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Lays out the parameters of a {@link NeuralClustering} in this order: D {@code [d, m]}, U {@code [m, d]}, H {@code [d,
 * h]}, O {@code [h, d]}, and with an affine layer norm its gain and bias {@code [1, d]}.
 */
public final class CalibrationParamInitializer implements ParamInitializer {
    /** D, into the attention's bottleneck. */
    public static final String DOWN_KEY = "Wdown";
    /** U, out of the attention's bottleneck. */
    public static final String UP_KEY = "Wup";
    /** H, into the hidden layer. */
    public static final String HIDDEN_KEY = "Whidden";
    /** O, out of the hidden layer. */
    public static final String OUT_KEY = "Wout";
    /** Gain of the layer norm. */
    public static final String GAIN_KEY = "g";
    /** Bias of the layer norm. */
    public static final String BIAS_KEY = "b";

    private static final List<String> WEIGHT_KEYS = List.of(DOWN_KEY, UP_KEY, HIDDEN_KEY, OUT_KEY);

    private static final CalibrationParamInitializer INSTANCE = new CalibrationParamInitializer();

    private CalibrationParamInitializer() {}

    /**
     * The only instance.
     *
     * @return the instance
     */
    public static CalibrationParamInitializer getInstance() {
        return INSTANCE;
    }

    private static Map<String, long[]> shapes(NeuralClustering layer) {
        long d = layer.getNIn();
        if (d < 2) {
            throw new IllegalStateException("NeuralClustering \"" + layer.getLayerName()
                    + "\" must know its number of features, 2 or more: set nIn, or the network's input type; found "
                    + d);
        }
        if (layer.getHiddenWidth() > Integer.MAX_VALUE) {
            throw new IllegalStateException("NeuralClustering \"" + layer.getLayerName()
                    + "\" must have a hidden width of at most 2147483647, found nIn " + d + " and hiddenFactor "
                    + layer.getHiddenFactor());
        }
        Map<String, long[]> shapes = new LinkedHashMap<>();
        shapes.put(DOWN_KEY, new long[] {d, layer.getBottleneckWidth()});
        shapes.put(UP_KEY, new long[] {layer.getBottleneckWidth(), d});
        shapes.put(HIDDEN_KEY, new long[] {d, layer.getHiddenWidth()});
        shapes.put(OUT_KEY, new long[] {layer.getHiddenWidth(), d});
        if (layer.isLayerNormAffine()) {
            shapes.put(GAIN_KEY, new long[] {1, d});
            shapes.put(BIAS_KEY, new long[] {1, d});
        }
        return shapes;
    }

    @Override
    public long numParams(NeuralNetConfiguration conf) {
        return numParams(conf.getLayer());
    }

    @Override
    public long numParams(Layer layer) {
        return shapes((NeuralClustering) layer).values().stream()
                .mapToLong(shape -> shape[0] * shape[1])
                .sum();
    }

    @Override
    public List<String> paramKeys(Layer layer) {
        return ((NeuralClustering) layer).isLayerNormAffine()
                ? List.of(DOWN_KEY, UP_KEY, HIDDEN_KEY, OUT_KEY, GAIN_KEY, BIAS_KEY)
                : WEIGHT_KEYS;
    }

    @Override
    public List<String> weightKeys(Layer layer) {
        return WEIGHT_KEYS;
    }

    @Override
    public List<String> biasKeys(Layer layer) {
        return ((NeuralClustering) layer).isLayerNormAffine() ? List.of(BIAS_KEY) : List.of();
    }

    @Override
    public boolean isWeightParam(Layer layer, String key) {
        return WEIGHT_KEYS.contains(key);
    }

    @Override
    public boolean isBiasParam(Layer layer, String key) {
        return BIAS_KEY.equals(key);
    }

    @Override
    public Map<String, INDArray> init(NeuralNetConfiguration conf, INDArray paramsView, boolean initializeParams) {
        NeuralClustering layer = (NeuralClustering) conf.getLayer();
        Map<String, INDArray> views = views(layer, "params", paramsView);
        if (initializeParams) {
            Objects.requireNonNull(
                    layer.getWeightInitFn(), "weightInitFn of NeuralClustering must be given, found null");
        }
        if (initializeParams) {
            views.forEach((key, view) -> initialize(layer, key, view));
            if (layer.isInitialIdentity()) {
                makeIdentity(layer, views);
            }
        }
        views.keySet().forEach(conf::addVariable);
        return Collections.synchronizedMap(views);
    }

    @Override
    public Map<String, INDArray> getGradientsFromFlattened(NeuralNetConfiguration conf, INDArray gradientView) {
        return views((NeuralClustering) conf.getLayer(), "gradients", gradientView);
    }

    private static Map<String, INDArray> views(NeuralClustering layer, String what, INDArray flat) {
        Map<String, long[]> shapes = shapes(layer);
        INDArray vector = flat.reshape(flat.length());
        Map<String, INDArray> views = new LinkedHashMap<>();
        long offset = 0;
        for (Map.Entry<String, long[]> entry : shapes.entrySet()) {
            long[] shape = entry.getValue();
            long end = offset + shape[0] * shape[1];
            if (end > flat.length()) {
                break;
            }
            views.put(
                    entry.getKey(),
                    vector.get(NDArrayIndex.interval(offset, end)).reshape('f', shape));
            offset = end;
        }
        if (views.size() != shapes.size() || offset != flat.length()) {
            throw new IllegalStateException("NeuralClustering \"" + layer.getLayerName() + "\": expected a view of "
                    + INSTANCE.numParams(layer) + " " + what + ", found " + flat.length());
        }
        return views;
    }

    private static void initialize(NeuralClustering layer, String key, INDArray view) {
        if (key.equals(GAIN_KEY)) {
            view.assign(initial("gainInit", layer.getGainInit(), 1));
        } else if (key.equals(BIAS_KEY)) {
            view.assign(initial("biasInit", layer.getBiasInit(), 0));
        } else {
            layer.getWeightInitFn()
                    .init(
                            (double) view.size(0),
                            (double) view.size(1),
                            view.shape(),
                            IWeightInit.DEFAULT_WEIGHT_INIT_ORDER,
                            view.reshape('f', new long[] {view.length()}));
        }
    }

    // ---- the identity ----------------------------------------------------------------------------------------------

    /** See {@link NeuralClustering}. */
    private static void makeIdentity(NeuralClustering layer, Map<String, INDArray> weights) {
        if (layer.isResidual()) {
            weights.get(OUT_KEY).assign(0);
            return;
        }
        double gate = 1;
        if (layer.isSigmoidGate()) {
            weights.get(UP_KEY).assign(0);
            gate = 0.5;
        } else {
            makeGateScalar(layer, weights.get(DOWN_KEY), weights.get(UP_KEY));
        }
        makeMlpLinear(layer, weights.get(HIDDEN_KEY), weights.get(OUT_KEY), 1 / gate);
    }

    /** D = [A, −A], U constant: the gate is Σ_k |r·a_k| times a constant, 1 on average for standard normal r. */
    private static void makeGateScalar(NeuralClustering layer, INDArray down, INDArray up) {
        long half = down.size(1) / 2;
        INDArrayIndex all = NDArrayIndex.all();
        INDArray a = down.get(all, NDArrayIndex.interval(0, Math.max(1, half)));
        double norms = a.norm2(0).sumNumber().doubleValue();
        if (half == 0 || !(norms > 0)) {
            throw new IllegalStateException("NeuralClustering \"" + layer.getLayerName() + "\": initialIdentity without"
                    + " residual or sigmoidGate needs a bottleneck of at least 2 units with a weight initialisation"
                    + " other than zero, found " + down.size(1) + " units of total norm " + norms
                    + " (nIn " + layer.getNIn() + ", bottleneckRatio " + layer.getBottleneckRatio() + ")");
        }
        down.get(all, NDArrayIndex.interval(half, 2 * half)).assign(a.neg());
        // E|r·a| = ‖a‖·√(2/π); CA has the factor 2
        up.assign(1 / (2 * Math.sqrt(2 / Math.PI) * norms));
        if (down.size(1) > 2 * half) {
            up.getRow(2 * half).assign(0);
        }
    }

    /** H = [I, −I], O = factor·[I; −I]/s with φ(x) − φ(−x) = s·x. */
    private static void makeMlpLinear(NeuralClustering layer, INDArray hidden, INDArray out, double factor) {
        long d = layer.getNIn();
        if (layer.getHiddenFactor() < 2) {
            throw new IllegalStateException("NeuralClustering \"" + layer.getLayerName()
                    + "\": initialIdentity without residual needs hiddenFactor of at least 2, found "
                    + layer.getHiddenFactor());
        }
        double slope = oddSlope(layer);
        INDArrayIndex all = NDArrayIndex.all();
        INDArray identity = Nd4j.eye(d).castTo(hidden.dataType());
        hidden.get(all, NDArrayIndex.interval(0, d)).assign(identity);
        hidden.get(all, NDArrayIndex.interval(d, 2 * d)).assign(identity.neg());
        out.assign(0);
        out.get(NDArrayIndex.interval(0, d), all).assign(identity.mul(factor / slope));
        out.get(NDArrayIndex.interval(d, 2 * d), all).assign(identity.mul(-factor / slope));
    }

    /** s, where φ(x) − φ(−x) = s·x and φ(x) + φ(−x) is positive: the gate must not vanish. */
    private static double oddSlope(NeuralClustering layer) {
        IActivation activation = layer.getActivationFn();
        double[] x = {0.1, 1, 5, 50};
        double[] plus = activation
                .getActivation(Nd4j.createFromArray(x).reshape(x.length, 1), false)
                .toDoubleVector();
        double[] minus = activation
                .getActivation(Nd4j.createFromArray(x).neg().reshape(x.length, 1), false)
                .toDoubleVector();
        double slope = plus[1] - minus[1];
        for (int i = 0; i < x.length; i++) {
            boolean fits = Math.abs((plus[i] - minus[i]) / x[i] - slope) < 1e-4 && plus[i] + minus[i] > 0 && slope > 0;
            if (!fits) {
                throw new IllegalStateException("NeuralClustering \"" + layer.getLayerName()
                        + "\": initialIdentity without residual needs an activation with f(x) - f(-x) proportional to x"
                        + " and f(x) + f(-x) > 0, such as RELU or GELU, found " + activation);
            }
        }
        return slope;
    }

    /** JSON may hold anything. */
    private static double initial(String name, double value, double standard) {
        if (!Double.isNaN(value) && !(Math.abs(value) <= 1e30)) {
            throw new IllegalStateException(
                    name + " of NeuralClustering must be at most 1e30 in magnitude, found " + value);
        }
        return Double.isNaN(value) ? standard : value;
    }
}
