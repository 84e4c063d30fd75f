/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import java.util.Collection;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/**
 * The head of a language model in training: softmax(states · W) without bias, and cross-entropy against token ids [N, 1, T].
 *
 * <p>Score and gradients are those of an {@link RnnOutputLayer} with {@link LossSparseMCXENT}, which {@link #plain()} gives;
 * this one computes the logits once per step instead of twice, straight in row order, and makes no V-wide one-hot array. With 8192 tokens that is most of a step's time.
 */
public final class NextTokenOutput extends RnnOutputLayer {
    private static final long serialVersionUID = 1L;

    /** For reading a configuration. */
    private NextTokenOutput() {
        setGradientNormalizationThreshold(Double.NaN); // not set: the network's
    }

    /**
     * Creates a head.
     *
     * @param width features of a state
     * @param vocabulary number of tokens
     * @return the head
     */
    public static NextTokenOutput of(int width, int vocabulary) {
        NextTokenOutput head = new NextTokenOutput();
        head.setNIn(width);
        head.setNOut(vocabulary);
        head.setHasBias(false);
        head.setActivationFn(new ActivationSoftmax());
        head.setLossFn(new LossSparseMCXENT());
        head.setRnnDataFormat(RNNFormat.NCW);
        return head;
    }

    /**
     * The same head for inference, as DL4J has it. It has a bias, because M2.1's {@code RnnOutputLayer} can't do without
     * one at inference: W's parameters come first and are the same, the bias is to stay 0.
     *
     * @return a layer of W and bias
     */
    public RnnOutputLayer plain() {
        return new RnnOutputLayer.Builder(new LossSparseMCXENT())
                .dataFormat(RNNFormat.NCW)
                .nIn(getNIn())
                .nOut(getNOut())
                .build();
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            @Nullable Collection<TrainingListener> listeners,
            int index,
            INDArray parameters,
            boolean initialize,
            DataType type) {
        NextTokenRuntime layer = new NextTokenRuntime(conf, type);
        layer.setListeners(listeners);
        layer.setIndex(index);
        layer.setParamsViewArray(parameters);
        Map<String, INDArray> table = initializer().init(conf, parameters, initialize);
        layer.setParamTable(table);
        layer.setConf(conf);
        return layer;
    }
}
