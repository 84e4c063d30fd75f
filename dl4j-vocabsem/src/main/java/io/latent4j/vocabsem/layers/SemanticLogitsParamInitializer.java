/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.layers;

import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticLogitsConfiguration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Lays out the parameters of semantic logits: the bases {@code W} {@code [nIn, nOut]}, and ln(scale) where it is trained.
 *
 * <p>Bases that the configuration does not know are zero until they are set, or random if they are to be trained.
 */
public final class SemanticLogitsParamInitializer implements ParamInitializer {
    /** The bases' key. */
    public static final String BASES_KEY = "W";

    /** The key of ln(scale). */
    public static final String LOG_SCALE_KEY = "logScale";

    private static final SemanticLogitsParamInitializer INSTANCE = new SemanticLogitsParamInitializer();

    private SemanticLogitsParamInitializer() {}

    /**
     * The only instance.
     *
     * @return the instance
     */
    public static SemanticLogitsParamInitializer getInstance() {
        return INSTANCE;
    }

    @Override
    public long numParams(NeuralNetConfiguration conf) {
        return numParams(conf.getLayer());
    }

    @Override
    public long numParams(Layer layer) {
        SemanticLogitsConfiguration logits = (SemanticLogitsConfiguration) layer;
        if (logits.getLossFn() == null || logits.getActivationFn() == null) { // JSON may have none
            throw new IllegalStateException(layer.getClass().getSimpleName() + " \"" + layer.getLayerName()
                    + "\" must have a loss function and an activation, found " + logits.getLossFn() + " and "
                    + logits.getActivationFn());
        }
        if (logits.getNIn() < 1
                || logits.getNOut() < 1
                || Math.max(logits.getNIn(), logits.getNOut()) > Integer.MAX_VALUE) {
            throw new IllegalStateException(layer.getClass().getSimpleName() + " \"" + layer.getLayerName()
                    + "\" must have nIn and nOut from 1 to 2147483647, found " + logits.getNIn() + " and "
                    + logits.getNOut() + ": set bases, or nOut and the network's input type");
        }
        return logits.getNIn() * logits.getNOut() + (logits.isTrainableScale() ? 1 : 0);
    }

    @Override
    public List<String> paramKeys(Layer layer) {
        return ((SemanticLogitsConfiguration) layer).isTrainableScale()
                ? List.of(BASES_KEY, LOG_SCALE_KEY)
                : List.of(BASES_KEY);
    }

    @Override
    public List<String> weightKeys(Layer layer) {
        return ((SemanticLogitsConfiguration) layer).isTrainableBases() ? List.of(BASES_KEY) : List.of();
    }

    @Override
    public List<String> biasKeys(Layer layer) {
        return List.of();
    }

    @Override
    public boolean isWeightParam(Layer layer, String key) {
        return weightKeys(layer).contains(key);
    }

    @Override
    public boolean isBiasParam(Layer layer, String key) {
        return false;
    }

    @Override
    public Map<String, INDArray> init(NeuralNetConfiguration conf, INDArray paramsView, boolean initializeParams) {
        SemanticLogitsConfiguration layer = (SemanticLogitsConfiguration) conf.getLayer();
        paramKeys(layer).forEach(conf::addVariable);
        Map<String, INDArray> parameters = views(layer, paramsView);
        if (initializeParams) {
            INDArray weights = parameters.get(BASES_KEY);
            SemanticBases bases = layer.initialBases();
            if (bases != null) {
                requireShape(layer, bases);
                weights.transpose().assign(bases.matrix());
            } else if (layer.isTrainableBases()) {
                double fanIn = layer.getNIn();
                double fanOut = layer.getNOut();
                Objects.requireNonNull(
                                layer.getWeightInitFn(),
                                "weightInitFn of semantic logits with trained bases must be given, found null")
                        .init(
                                fanIn,
                                fanOut,
                                weights.shape(),
                                'f',
                                paramsView
                                        .reshape(paramsView.length())
                                        .get(NDArrayIndex.interval(0, weights.length())));
            } else {
                weights.assign(0);
            }
            if (layer.isTrainableScale()) {
                parameters.get(LOG_SCALE_KEY).assign(Math.log(layer.getScale()));
            }
        }
        return parameters;
    }

    private static void requireShape(SemanticLogitsConfiguration layer, SemanticBases bases) {
        if (bases.size() != layer.getNOut() || bases.features() != layer.getNIn()) {
            throw new IllegalStateException("layer \"" + layer.getLayerName() + "\" has nIn = " + layer.getNIn()
                    + " and nOut = " + layer.getNOut() + ", its bases have " + bases.features() + " features and are "
                    + bases.size());
        }
    }

    @Override
    public Map<String, INDArray> getGradientsFromFlattened(NeuralNetConfiguration conf, INDArray gradientView) {
        return views((SemanticLogitsConfiguration) conf.getLayer(), gradientView);
    }

    private static Map<String, INDArray> views(SemanticLogitsConfiguration layer, INDArray flat) {
        long bases = layer.getNIn() * layer.getNOut();
        INDArray vector = flat.reshape(flat.length());
        Map<String, INDArray> views = new LinkedHashMap<>();
        views.put(BASES_KEY, vector.get(NDArrayIndex.interval(0, bases)).reshape('f', layer.getNIn(), layer.getNOut()));
        if (layer.isTrainableScale()) {
            views.put(
                    LOG_SCALE_KEY,
                    vector.get(NDArrayIndex.interval(bases, bases + 1)).reshape('f', 1, 1));
        }
        return views;
    }
}
