/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** The head in training agrees with the head for inference. */
class RecipeTest {
    private static final Recipe RECIPE = new Recipe(11, 5, 4, 2, 3, 6, 10, 0.01, 3);

    @ParameterizedTest
    @CsvSource({"3, 6, FLOAT", "1, 6, FLOAT", "3, 1, FLOAT", "3, 6, INT"})
    void agreesWithDl4jsOwnHead(int sequences, int length, DataType labels) {
        MultiLayerNetwork ours = new MultiLayerNetwork(RECIPE.training());
        ours.init();
        MultiLayerNetwork plain = new MultiLayerNetwork(RECIPE.inference());
        plain.init();
        ours.paramTable().forEach((name, weights) -> plain.getParam(name).assign(weights));
        DataSet batch = batch(sequences, length);
        batch.setLabels(batch.getLabels().castTo(labels));

        assertEquals(plain.score(batch), ours.score(batch), 1e-4);
        for (MultiLayerNetwork network : new MultiLayerNetwork[] {ours, plain}) {
            network.setInput(batch.getFeatures());
            network.setLabels(batch.getLabels());
            network.computeGradientAndScore();
        }
        assertEquals(plain.score(), ours.score(), 1e-4);
        Map<String, INDArray> expected = plain.gradient().gradientForVariable();
        ours.gradient()
                .gradientForVariable()
                .forEach((name, gradient) -> assertTrue(
                        gradient.equalsWithEps(expected.get(name), 1e-5),
                        () -> name + ": " + gradient + "\n" + expected.get(name)));
    }

    private static DataSet batch(int sequences, int length) {
        float[] tokens = new float[sequences * length];
        float[] targets = new float[sequences * length];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = i * 7 % 11;
            targets[i] = (i * 5 + 3) % 11;
        }
        return new DataSet(
                Nd4j.createFromArray(tokens).reshape(sequences, 1, length),
                Nd4j.createFromArray(targets).reshape(sequences, 1, length));
    }
}
