/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import java.util.Map;
import java.util.function.BiFunction;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** Small networks with a penalty in every kind of place, and data for them: what the contract tests run over. */
@SuppressWarnings("ImmutableEnumChecker")
enum Networks {
    DENSE(
            false,
            (s, p) -> Models.chain(
                    s,
                    InputType.feedForward(4),
                    dense(6),
                    p.layer(),
                    dense(5),
                    p.layer(),
                    new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                            .nOut(3)
                            .activation(Activation.SOFTMAX)
                            .build())),
    RECURRENT(
            true,
            (s, p) -> Models.chain(
                    s, InputType.recurrent(4), lstm(5, RNNFormat.NCW), p.layer(), rnnOutput(RNNFormat.NCW))),
    RECURRENT_NWC(
            true,
            (s, p) -> Models.chain(
                    s,
                    InputType.recurrent(4, 5, RNNFormat.NWC),
                    lstm(5, RNNFormat.NWC),
                    p.layer(),
                    rnnOutput(RNNFormat.NWC))),
    /** Time steps folded into rows: the layer sees mb·T rows of which mb is the minibatch. */
    RECURRENT_THEN_DENSE(
            true,
            (s, p) -> Models.chain(
                    s, InputType.recurrent(4), lstm(5, RNNFormat.NCW), dense(6), p.layer(), rnnOutput(RNNFormat.NCW))),
    GRAPH_LAYER(
            true,
            (s, p) -> Models.graph(s, InputType.recurrent(4), b -> b.addLayer("h1", lstm(5, RNNFormat.NCW), "in")
                    .addLayer("penalty", p.layer(), "h1")
                    .addLayer("out", rnnOutput(RNNFormat.NCW), "penalty"))),
    GRAPH_UNION_DENSE(
            false,
            (s, p) -> Models.graph(s, InputType.feedForward(4), b -> b.addLayer("h1", dense(6), "in")
                    .addLayer("h2", dense(6), "h1")
                    .addLayer("h3", dense(6), "h2")
                    .addVertex("penalty", p.vertex(), "h1", "h2", "h3")
                    .addLayer(
                            "out",
                            new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                                    .nOut(3)
                                    .activation(Activation.SOFTMAX)
                                    .build(),
                            "penalty"))),
    GRAPH_UNION_RECURRENT(
            true,
            (s, p) -> Models.graph(s, InputType.recurrent(4), b -> b.addLayer("h1", lstm(5, RNNFormat.NCW), "in")
                    .addLayer("h2", lstm(5, RNNFormat.NCW), "h1")
                    .addVertex("penalty", p.vertex(), "h1", "h2")
                    .addLayer("out", rnnOutput(RNNFormat.NCW), "penalty"))),
    /** One input of mb·T rows, one of [mb, n, T]. */
    GRAPH_UNION_MIXED(
            true,
            (s, p) -> Models.graph(s, InputType.recurrent(4), b -> b.addLayer("h1", lstm(5, RNNFormat.NCW), "in")
                    .addLayer("h2", dense(5), "h1")
                    .addLayer("h3", lstm(5, RNNFormat.NCW), "h2")
                    .addVertex("penalty", p.vertex(), "h1", "h2", "h3")
                    .addLayer("out", rnnOutput(RNNFormat.NCW), "penalty")));

    /** The penalty under test. */
    record Penalty(Layer layer, @Nullable IStarVertex vertex) {
        static Penalty iStar(double lambda, double zeta) {
            return new Penalty(
                    new IStarLayer.Builder().lambda(lambda).zeta(zeta).build(),
                    new IStarVertex.Builder().lambda(lambda).zeta(zeta).build());
        }

        static Penalty cosReg(double lambda) {
            return new Penalty(new CosRegLayer.Builder().lambda(lambda).build(), null);
        }

        @Override
        public Layer layer() {
            return layer.clone();
        }

        @Override
        public IStarVertex vertex() {
            return vertex.clone();
        }
    }

    final boolean recurrent;
    private final BiFunction<Settings, Penalty, Model> factory;

    Networks(boolean recurrent, BiFunction<Settings, Penalty, Model> factory) {
        this.recurrent = recurrent;
        this.factory = factory;
    }

    boolean isUnion() {
        return name().startsWith("GRAPH_UNION");
    }

    /** A new network; Σ_S, where there is one, is set to a random covariance. */
    Model build(Settings settings, Penalty penalty) {
        Model model = factory.apply(settings, penalty);
        Map<String, INDArray> table = model.paramTable();
        table.forEach((key, value) -> {
            if (key.endsWith("_S")) {
                int n = (int) value.size(0);
                INDArray points = Nd4j.create(Clouds.SCALED.draw(3 * n, n, 5)).muli(0.3);
                value.assign(new ShrinkageCovariance(n).add(points).covariance());
            }
        });
        return model;
    }

    /** Random data; masked: the last examples are padded from the third step on. */
    DataSet data(DataType type, int examples, int steps, boolean masked) {
        Nd4j.getRandom().setSeed(17);
        if (!recurrent) {
            INDArray labels = Nd4j.zeros(type, examples, 3);
            for (int i = 0; i < examples; i++) {
                labels.putScalar(i, i % 3, 1);
            }
            return new DataSet(Nd4j.randn(DataType.DOUBLE, examples, 4).castTo(type), labels);
        }
        INDArray features = Nd4j.randn(DataType.DOUBLE, examples, 4, steps).castTo(type);
        INDArray labels = Nd4j.zeros(type, examples, 3, steps);
        for (int i = 0; i < examples; i++) {
            for (int t = 0; t < steps; t++) {
                labels.putScalar(new int[] {i, (i + t) % 3, t}, 1);
            }
        }
        INDArray mask = null;
        if (masked) {
            mask = Nd4j.ones(type, examples, steps);
            for (int i = examples / 2; i < examples; i++) {
                for (int t = 2; t < steps; t++) {
                    mask.putScalar(i, t, 0);
                }
            }
        }
        if (this == RECURRENT_NWC) {
            features = features.permute(0, 2, 1).dup('c');
            labels = labels.permute(0, 2, 1).dup('c');
        }
        return new DataSet(features, labels, mask, mask);
    }

    private static Layer dense(int n) {
        return new DenseLayer.Builder().nOut(n).build();
    }

    private static Layer lstm(int n, RNNFormat format) {
        return new LSTM.Builder().nOut(n).dataFormat(format).build();
    }

    private static Layer rnnOutput(RNNFormat format) {
        return new RnnOutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .dataFormat(format)
                .build();
    }
}
