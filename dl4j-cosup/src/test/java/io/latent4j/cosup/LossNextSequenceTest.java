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
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.RmsProp;

@ExtendWith(InDouble.class)
class LossNextSequenceTest {
    private static final int D = 3;

    private static INDArray random(long seed, long... shape) {
        long length = shape[0] * shape[1];
        return Nd4j.createFromArray(new Random(seed).doubles(length, -1, 1).toArray())
                .reshape(shape);
    }

    /** Six queries with one hard negative each; rows 1 and 4 are about the same sequence. */
    private static DataSet data() {
        INDArray labels = random(2, 6, 2 * D);
        labels.getRow(4)
                .get(NDArrayIndex.interval(0, D))
                .assign(labels.getRow(1).get(NDArrayIndex.interval(0, D)));
        return new DataSet(random(1, 6, 4), labels);
    }

    private static MultiLayerNetwork output(Settings settings, Contrast contrast) {
        return Models.chain(
                settings,
                InputType.feedForward(4),
                new DenseLayer.Builder().nOut(5).build(),
                new OutputLayer.Builder(new LossNextSequence(contrast))
                        .nOut(D)
                        .activation(Activation.TANH)
                        .build());
    }

    private static MultiLayerNetwork lossLayer(Settings settings) {
        return Models.chain(
                settings,
                InputType.feedForward(4),
                new DenseLayer.Builder().nOut(D).build(),
                new LossLayer.Builder(new LossNextSequence())
                        .activation(Activation.IDENTITY)
                        .build());
    }

    @Test
    void keepsTheContracts(@TempDir Path folder) throws IOException {
        Contrast cosine = new Contrast(Similarity.COSINE, 0.4, true);
        for (boolean miniBatch : new boolean[] {true, false}) {
            Contracts.gradientsAgree(
                    output(Settings.gradientCheck(miniBatch), cosine), data(), Set.of(), "output layer");
        }
        DataSet masked = data();
        masked.setLabelsMaskArray(Nd4j.createFromArray(new double[][] {{1}, {1}, {0}, {1}, {1}, {0}}));
        Contracts.gradientsAgree(output(Settings.gradientCheck(true), Contrast.PAPER), masked, Set.of(), "masked");
        Contracts.gradientsAgree(lossLayer(Settings.gradientCheck(true)), data(), Set.of(), "loss layer");
        Contracts.workspacesMakeNoDifference(s -> output(s, cosine), masked);
        Contracts.floatFollowsDouble(s -> output(s, cosine), masked);
        Contracts.nothingIsLost(output(Settings.training(new RmsProp(1e-2)), cosine), data(), folder);
    }

    @Test
    void isTheKernelsLoss() {
        DataSet data = data();
        INDArray queries = random(3, 6, D);
        INDArray positives = data.getLabels().get(NDArrayIndex.all(), NDArrayIndex.interval(0, D));
        INDArray hard = data.getLabels().get(NDArrayIndex.all(), NDArrayIndex.interval(D, 2 * D));
        NextSequenceContrast.Result expected = NextSequenceContrast.withGradients(
                queries,
                Nd4j.vstack(positives, hard),
                Pairing.diagonal(6).withoutDuplicates(new long[] {0, 1, 2, 3, 1, 5, 6, 7, 8, 9, 10, 11}),
                Contrast.PAPER);
        LossNextSequence loss = new LossNextSequence();
        ActivationIdentity identity = new ActivationIdentity();
        assertEquals(expected.loss(), loss.computeScore(data.getLabels(), queries.dup(), identity, null, true), 1e-12);
        assertTrue(loss.computeGradient(data.getLabels(), queries.dup(), identity, null)
                .equalsWithEps(expected.queries().mul(6), 1e-12));
    }

    @Test
    void maskedRowsAreNeitherQueriesNorKeys() {
        DataSet data = data();
        INDArray queries = random(3, 6, D);
        ActivationIdentity identity = new ActivationIdentity();
        LossNextSequence loss = new LossNextSequence();
        INDArray first = data.getLabels().get(NDArrayIndex.interval(0, 4), NDArrayIndex.all());
        INDArray mask = Nd4j.createFromArray(1.0, 1, 1, 1, 0, 0).reshape(6, 1);
        assertEquals(
                loss.computeScore(
                        first, queries.get(NDArrayIndex.interval(0, 4), NDArrayIndex.all()), identity, null, false),
                loss.computeScore(data.getLabels(), queries.dup(), identity, mask, false),
                1e-12);
        INDArray gradient = loss.computeGradient(data.getLabels(), queries.dup(), identity, mask);
        assertEquals(
                0,
                gradient.get(NDArrayIndex.interval(4, 6), NDArrayIndex.all())
                        .amaxNumber()
                        .doubleValue());
        mask.assign(0);
        assertEquals(0, loss.computeScore(data.getLabels(), queries.dup(), identity, mask, false));
        assertEquals(
                0,
                loss.computeGradient(data.getLabels(), queries.dup(), identity, mask)
                        .amaxNumber()
                        .doubleValue());
    }

    @Test
    void badInputIsNamed() {
        LossNextSequence loss = new LossNextSequence();
        ActivationIdentity identity = new ActivationIdentity();
        IllegalArgumentException e = assertThrows(
                IllegalArgumentException.class,
                () -> loss.computeScore(
                        Nd4j.ones(DataType.DOUBLE, 2, 4), Nd4j.ones(DataType.DOUBLE, 2, 3), identity, null, true));
        assertTrue(e.getMessage().contains("shape [2, 3], found shape [2, 4]"), e::getMessage);
        assertThrows(
                IllegalArgumentException.class,
                () -> loss.computeScore(
                        Nd4j.ones(DataType.DOUBLE, 2, 3),
                        Nd4j.ones(DataType.DOUBLE, 2, 3),
                        identity,
                        Nd4j.ones(3, 1),
                        true));
    }
}
