/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.layers;

import io.latent4j.istar.IStarLayer;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Lays out the one parameter of an {@link IStarLayer} with ζ &gt; 0: Σ_S {@code [n, n]}, zero until it is set. */
public final class ShrinkageParamInitializer implements ParamInitializer {
    /** The parameter's key. */
    public static final String SHRINKAGE_KEY = "S";

    /** As many as a ShrinkageCovariance can have. */
    private static final int MAX_FEATURES = 46_340;

    private static final ShrinkageParamInitializer INSTANCE = new ShrinkageParamInitializer();

    private ShrinkageParamInitializer() {}

    /**
     * The only instance.
     *
     * @return the instance
     */
    public static ShrinkageParamInitializer getInstance() {
        return INSTANCE;
    }

    @Override
    public long numParams(NeuralNetConfiguration conf) {
        return numParams(conf.getLayer());
    }

    @Override
    public long numParams(Layer layer) {
        IStarLayer iStar = (IStarLayer) layer;
        if (iStar.getZeta() == 0) {
            return 0;
        }
        long n = iStar.getNIn();
        if (n < 2) {
            throw new IllegalStateException("IStarLayer \"" + layer.getLayerName() + "\" with zeta = " + iStar.getZeta()
                    + " must know its number of features, 2 or more: set nIn, or the network's input type; found " + n);
        }
        if (n > MAX_FEATURES) {
            throw new IllegalStateException("IStarLayer \"" + layer.getLayerName() + "\" with zeta = " + iStar.getZeta()
                    + " must have at most " + MAX_FEATURES + " features, found " + n);
        }
        return n * n;
    }

    @Override
    public List<String> paramKeys(Layer layer) {
        return ((IStarLayer) layer).getZeta() == 0 ? List.of() : List.of(SHRINKAGE_KEY);
    }

    @Override
    public List<String> weightKeys(Layer layer) {
        return List.of();
    }

    @Override
    public List<String> biasKeys(Layer layer) {
        return List.of();
    }

    @Override
    public boolean isWeightParam(Layer layer, String key) {
        return false;
    }

    @Override
    public boolean isBiasParam(Layer layer, String key) {
        return false;
    }

    @Override
    public Map<String, INDArray> init(NeuralNetConfiguration conf, INDArray paramsView, boolean initializeParams) {
        if (numParams(conf) == 0) {
            return Map.of();
        }
        conf.addVariable(SHRINKAGE_KEY);
        INDArray shrinkage = asMatrix(conf, paramsView);
        if (initializeParams) {
            shrinkage.assign(0);
        }
        return Map.of(SHRINKAGE_KEY, shrinkage);
    }

    @Override
    public Map<String, INDArray> getGradientsFromFlattened(NeuralNetConfiguration conf, INDArray gradientView) {
        return numParams(conf) == 0 ? Map.of() : Map.of(SHRINKAGE_KEY, asMatrix(conf, gradientView));
    }

    private static INDArray asMatrix(NeuralNetConfiguration conf, INDArray flat) {
        long n = ((IStarLayer) conf.getLayer()).getNIn();
        return flat.reshape('f', n, n);
    }
}
