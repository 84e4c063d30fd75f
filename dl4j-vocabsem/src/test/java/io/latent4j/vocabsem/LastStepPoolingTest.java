/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Contracts;
import io.latent4j.contracts.InDouble;
import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import java.nio.file.Path;
import java.util.Set;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

@ExtendWith(InDouble.class)
class LastStepPoolingTest {
    private static Model build(Settings settings, boolean graph, RNNFormat format) {
        InputType input = InputType.recurrent(4, 5, format);
        LSTM lstm = new LSTM.Builder().nOut(6).dataFormat(format).build();
        LastStepPooling pooling = new LastStepPooling.Builder().build();
        OutputLayer output = new OutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .build();
        return graph
                ? Models.graph(settings, input, b -> b.addLayer("h", lstm, "in")
                        .addLayer("last", pooling, "h")
                        .addLayer("out", output, "last"))
                : Models.chain(settings, input, lstm, pooling, output);
    }

    /** Examples of 5, 3 and 1 steps. */
    private static DataSet data(RNNFormat format, boolean masked) {
        Nd4j.getRandom().setSeed(3);
        INDArray features = Nd4j.randn(DataType.DOUBLE, 3, 4, 5);
        INDArray mask = masked
                ? Nd4j.createFromArray(new double[][] {{1, 1, 1, 1, 1}, {1, 1, 1, 0, 0}, {1, 0, 0, 0, 0}})
                : null;
        return new DataSet(
                format == RNNFormat.NCW ? features : features.permute(0, 2, 1).dup('c'), Nd4j.eye(3), mask, null);
    }

    @ParameterizedTest
    @CsvSource({"false, NCW, false", "false, NCW, true", "true, NCW, true", "false, NWC, true", "true, NWC, false"})
    void contracts(boolean graph, RNNFormat format, boolean masked, @TempDir Path folder) throws Exception {
        DataSet data = data(format, masked);
        Contracts.gradientsAgree(
                build(Settings.gradientCheck(true), graph, format), data, Set.of(), graph + " " + format);
        Contracts.workspacesMakeNoDifference(s -> build(s, graph, format), data);
        Contracts.floatFollowsDouble(s -> build(s, graph, format), data);
        Contracts.nothingIsLost(build(Settings.training(new RmsProp(1e-2)), graph, format), data, folder);
    }

    @Test
    void maskedExamplesGiveTheStateOfTheirLastToken() {
        for (RNNFormat format : RNNFormat.values()) {
            MultiLayerNetwork network = (MultiLayerNetwork) build(Settings.gradientCheck(true), false, format);
            DataSet data = data(format, true);
            INDArray pooled = network.feedForward(data.getFeatures(), data.getFeaturesMaskArray(), null)
                    .get(2)
                    .dup();
            network.clearLayerMaskArrays();
            assertEquals(2, pooled.rank());
            INDArray features = format == RNNFormat.NCW
                    ? data.getFeatures()
                    : data.getFeatures().permute(0, 2, 1);
            int[] lengths = {5, 3, 1};
            for (int i = 0; i < 3; i++) {
                INDArray alone = features.get(
                                NDArrayIndex.interval(i, i + 1),
                                NDArrayIndex.all(),
                                NDArrayIndex.interval(0, lengths[i]))
                        .dup();
                INDArray expected = network.feedForward(
                                format == RNNFormat.NCW
                                        ? alone
                                        : alone.permute(0, 2, 1).dup('c'))
                        .get(2);
                assertTrue(expected.getRow(0).equalsWithEps(pooled.getRow(i), 1e-12));
            }
        }
    }

    @Test
    void badInputIsRefused() {
        MultiLayerNetwork network = (MultiLayerNetwork) build(Settings.gradientCheck(true), false, RNNFormat.NCW);
        DataSet data = data(RNNFormat.NCW, true);
        data.getFeaturesMaskArray().getRow(1).assign(0);
        String message = assertThrows(
                        IllegalArgumentException.class,
                        () -> network.output(data.getFeatures(), false, data.getFeaturesMaskArray(), null))
                .getMessage();
        assertTrue(message.contains("none in example 1"), message);
        LastStepPooling pooling = new LastStepPooling.Builder().build();
        assertThrows(IllegalStateException.class, () -> pooling.setNIn(InputType.feedForward(3), true));
        assertThrows(IllegalStateException.class, () -> pooling.getOutputType(0, InputType.feedForward(3)));
        assertNotEquals(
                pooling, new LastStepPooling.Builder().dataFormat(RNNFormat.NWC).build());
    }
}
