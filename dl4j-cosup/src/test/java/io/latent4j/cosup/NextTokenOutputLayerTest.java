/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Contracts;
import io.latent4j.contracts.InDouble;
import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

@ExtendWith(InDouble.class)
class NextTokenOutputLayerTest {
    private static final int VOCABULARY = 6;

    private static NextTokenOutputLayer head() {
        return new NextTokenOutputLayer.Builder().nOut(VOCABULARY).build();
    }

    private static MultiLayerNetwork chain(Settings settings, Layer head) {
        return Models.chain(
                settings, InputType.recurrent(3), new LSTM.Builder().nOut(4).build(), head);
    }

    private static Model graph(Settings settings) {
        return Models.graph(settings, InputType.recurrent(3), layers -> layers.addLayer(
                        "lstm", new LSTM.Builder().nOut(4).build(), "in")
                .addLayer("out", head(), "lstm"));
    }

    private static DataSet data(DataType type) {
        Random random = new Random(4);
        INDArray features = Nd4j.createFromArray(random.doubles(60, -1, 1).toArray())
                .reshape(4, 3, 5)
                .castTo(type);
        INDArray labels =
                Nd4j.createFromArray(random.ints(20, 0, VOCABULARY).toArray()).reshape(4, 1, 5);
        return new DataSet(features, labels);
    }

    private static DataSet masked(DataType type) {
        DataSet data = data(type);
        INDArray mask = Nd4j.ones(type, 4, 5);
        mask.putScalar(0, 0, 0).putScalar(0, 4, 0).putScalar(3, 2, 0);
        data.setLabelsMaskArray(mask);
        return data;
    }

    @Test
    void keepsTheContracts(@TempDir Path folder) throws IOException {
        for (boolean miniBatch : new boolean[] {true, false}) {
            Settings settings = Settings.gradientCheck(miniBatch);
            Contracts.gradientsAgree(chain(settings, head()), masked(DataType.DOUBLE), Set.of(), "chain");
            Contracts.gradientsAgree(graph(settings), data(DataType.DOUBLE), Set.of(), "graph");
        }
        Contracts.maskedEqualsTruncated(chain(Settings.gradientCheck(true), head()), data(DataType.DOUBLE), 3);
        Contracts.maskedEqualsTruncated(graph(Settings.gradientCheck(true)), data(DataType.DOUBLE), 3);
        Contracts.workspacesMakeNoDifference(s -> chain(s, head()), masked(DataType.DOUBLE));
        Contracts.workspacesMakeNoDifference(NextTokenOutputLayerTest::graph, masked(DataType.DOUBLE));
        Contracts.floatFollowsDouble(s -> chain(s, head()), masked(DataType.DOUBLE));
        Contracts.nothingIsLost(chain(Settings.training(new RmsProp(1e-2)), head()), masked(DataType.DOUBLE), folder);
        Contracts.nothingIsLost(graph(Settings.training(new RmsProp(1e-2))), masked(DataType.DOUBLE), folder);
    }

    /** DL4J's own head sums over time where this one takes the mean over targets. */
    @Test
    void isDl4jsHeadPerTarget() {
        MultiLayerNetwork ours = chain(Settings.gradientCheck(true), head());
        MultiLayerNetwork dl4js = chain(
                Settings.gradientCheck(true),
                new RnnOutputLayer.Builder(new LossSparseMCXENT())
                        .nOut(VOCABULARY)
                        .activation(Activation.SOFTMAX)
                        .dataFormat(RNNFormat.NCW)
                        .build());
        ours.paramTable().forEach((name, values) -> dl4js.setParam(name, values));
        DataSet data = masked(DataType.DOUBLE);
        assertTrue(Models.output(ours, data, false).equalsWithEps(Models.output(dl4js, data, false), 1e-12));
        Models.gradient(ours, data);
        Models.gradient(dl4js, data);
        double positionsPerExample = 17 / 4.0;
        assertEquals(dl4js.score() / positionsPerExample, ours.score(), 1e-9);
        for (String name : ours.paramTable().keySet()) {
            // LossSparseMCXENT clips probabilities at 1e-10
            assertTrue(
                    ours.gradient()
                            .getGradientFor(name)
                            .mul(positionsPerExample)
                            .equalsWithEps(dl4js.gradient().getGradientFor(name), 1e-8),
                    name);
        }
        assertEquals(
                ours.score(data, false),
                ours.scoreExamples(data, false).meanNumber().doubleValue(),
                1e-12);
    }

    @Test
    void featuresLastIsTheSame() {
        MultiLayerNetwork first = chain(Settings.training(new Sgd(0.1)), head());
        MultiLayerNetwork last = Models.chain(
                Settings.training(new Sgd(0.1)),
                InputType.recurrent(3, RNNFormat.NWC),
                new LSTM.Builder().nOut(4).dataFormat(RNNFormat.NWC).build(),
                new NextTokenOutputLayer.Builder().nOut(VOCABULARY).build());
        last.setParams(first.params());
        DataSet data = masked(DataType.DOUBLE);
        DataSet turned = new DataSet(
                data.getFeatures().permute(0, 2, 1).dup(),
                data.getLabels().permute(0, 2, 1).dup(),
                null,
                data.getLabelsMaskArray());
        first.fit(data);
        last.fit(turned);
        assertEquals(first.score(), last.score(), 1e-12);
        assertTrue(first.params().equalsWithEps(last.params(), 1e-12));
        assertTrue(Models.output(first, data, false)
                .permute(0, 2, 1)
                .equalsWithEps(Models.output(last, turned, false), 1e-12));
    }

    @Test
    void negativeLabelsAreNoTargets() {
        MultiLayerNetwork network = chain(Settings.gradientCheck(true), head());
        DataSet masked = masked(DataType.DOUBLE);
        INDArray expected = Models.gradient(network, masked);
        DataSet negative = data(DataType.DOUBLE);
        negative.getLabels().putScalar(0, 0, 0, -1).putScalar(0, 0, 4, -1).putScalar(3, 0, 2, -100);
        assertTrue(Models.gradient(network, negative).equalsWithEps(expected, 1e-14));
        // Ids of a floating point type and of shape [N, T] will do
        DataSet flat = new DataSet(
                masked.getFeatures(),
                masked.getLabels().reshape(4, 5).castTo(DataType.DOUBLE),
                null,
                masked.getLabelsMaskArray());
        assertTrue(Models.gradient(network, flat).equalsWithEps(expected, 1e-14));
    }

    @Test
    void badInputIsNamed() {
        MultiLayerNetwork network = chain(Settings.training(new Sgd(0.1)), head());
        DataSet oneHot = data(DataType.DOUBLE);
        oneHot.setLabels(Nd4j.zeros(4, VOCABULARY, 5));
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> network.fit(oneHot));
        assertTrue(
                e.getMessage().contains("labels must be token ids of shape [4, 1, 5], found [4, 6, 5]"), e::getMessage);
        assertThrows(UnsupportedOperationException.class, () -> new NextTokenOutputLayer.Builder()
                .lossFunction(new LossSparseMCXENT()));
        assertThrows(IllegalArgumentException.class, () -> new NextTokenOutputLayer.Builder().hasBias(true));
    }
}
