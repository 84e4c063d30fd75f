/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.layers;

import io.latent4j.istar.CosineRegularizer;
import io.latent4j.istar.Points;
import java.util.List;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runtime half of {@link io.latent4j.istar.CosRegLayer}. */
@SuppressWarnings("serial") // DL4J declares layers serializable but writes their configuration and parameters
final class CosRegLayer extends PenaltyLayer<io.latent4j.istar.CosRegLayer> {
    private CosineRegularizer.@Nullable Evaluation evaluation;

    CosRegLayer(NeuralNetConfiguration conf, DataType dataType) {
        super(conf, dataType);
    }

    @Override
    double evaluate(List<Points> points) {
        Points only = points.get(0);
        evaluation = only.totalWeight() > 1
                ? CosineRegularizer.evaluate("activations into CosRegLayer \"" + name() + "\"", only)
                : null;
        return evaluation == null ? Double.NaN : evaluation.value();
    }

    @Override
    double penaltyOf(double measure) {
        return layerConf().getLambda() * measure;
    }

    @Override
    void addPenaltyGradient(double factor, List<INDArray> epsilons) {
        if (evaluation != null) {
            evaluation.addGradient(factor * layerConf().getLambda(), epsilons.get(0));
        }
    }

    @Override
    void forget() {
        evaluation = null;
    }
}
