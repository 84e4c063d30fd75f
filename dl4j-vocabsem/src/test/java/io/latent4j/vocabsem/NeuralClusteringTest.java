/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Contracts;
import io.latent4j.contracts.InDouble;
import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.vocabsem.SemanticCalibration.Weights;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.distribution.ConstantDistribution;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.weightnoise.WeightNoise;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.nn.weights.WeightInit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

@ExtendWith(InDouble.class)
class NeuralClusteringTest {
    /** Networks with the module in every kind of place. */
    @SuppressWarnings("ImmutableEnumChecker")
    enum Kind {
        DENSE(false, false, (s, m) -> Models.chain(s, InputType.feedForward(4), dense(6), m, dense(5), output())),
        FIRST(false, false, (s, m) -> Models.chain(s, InputType.feedForward(4), m, output())),
        RECURRENT(
                true,
                false,
                (s, m) -> Models.chain(s, InputType.recurrent(4), lstm(RNNFormat.NCW), m, rnnOutput(RNNFormat.NCW))),
        RECURRENT_NWC(
                true,
                true,
                (s, m) -> Models.chain(
                        s, InputType.recurrent(4, 5, RNNFormat.NWC), lstm(RNNFormat.NWC), m, rnnOutput(RNNFormat.NWC))),
        BETWEEN_LSTMS(
                true,
                false,
                (s, m) -> Models.chain(
                        s,
                        InputType.recurrent(4),
                        lstm(RNNFormat.NCW),
                        m,
                        lstm(RNNFormat.NCW),
                        rnnOutput(RNNFormat.NCW))),
        FOLDED(
                true,
                false,
                (s, m) -> Models.chain(
                        s, InputType.recurrent(4), lstm(RNNFormat.NCW), dense(6), m, rnnOutput(RNNFormat.NCW))),
        GRAPH(
                false,
                false,
                (s, m) -> Models.graph(s, InputType.feedForward(4), b -> b.addLayer("h", dense(6), "in")
                        .addLayer("module", m, "h")
                        .addLayer("out", output(), "module"))),
        GRAPH_RECURRENT(
                true,
                false,
                (s, m) -> Models.graph(s, InputType.recurrent(4), b -> b.addLayer("h", lstm(RNNFormat.NCW), "in")
                        .addLayer("module", m, "h")
                        .addLayer("out", rnnOutput(RNNFormat.NCW), "module")));

        final boolean recurrent;
        final boolean featuresLast;
        final BiFunction<Settings, NeuralClustering, Model> factory;

        Kind(boolean recurrent, boolean featuresLast, BiFunction<Settings, NeuralClustering, Model> factory) {
            this.recurrent = recurrent;
            this.featuresLast = featuresLast;
            this.factory = factory;
        }

        Model build(Settings settings, NeuralClustering.Builder module) {
            return factory.apply(settings, module.bottleneckRatio(2).build());
        }

        DataSet data(int examples, int steps, boolean masked) {
            Nd4j.getRandom().setSeed(17);
            if (!recurrent) {
                INDArray labels = Nd4j.zeros(examples, 3);
                for (int i = 0; i < examples; i++) {
                    labels.putScalar(i, i % 3, 1);
                }
                return new DataSet(Nd4j.randn(DataType.DOUBLE, examples, 4), labels);
            }
            INDArray features = Nd4j.randn(DataType.DOUBLE, examples, 4, steps);
            INDArray labels = Nd4j.zeros(examples, 3, steps);
            for (int i = 0; i < examples; i++) {
                for (int t = 0; t < steps; t++) {
                    labels.putScalar(new int[] {i, (i + t) % 3, t}, 1);
                }
            }
            INDArray mask = null;
            if (masked) {
                mask = Nd4j.ones(examples, steps);
                mask.get(NDArrayIndex.interval(examples / 2, examples), NDArrayIndex.interval(2, steps))
                        .assign(0);
            }
            return featuresLast
                    ? new DataSet(
                            features.permute(0, 2, 1).dup('c'),
                            labels.permute(0, 2, 1).dup('c'),
                            mask,
                            mask)
                    : new DataSet(features, labels, mask, mask);
        }
    }

    private static Layer dense(int n) {
        return new DenseLayer.Builder().nOut(n).build();
    }

    private static Layer lstm(RNNFormat format) {
        return new LSTM.Builder().nOut(6).dataFormat(format).build();
    }

    private static Layer output() {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static Layer rnnOutput(RNNFormat format) {
        return new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .dataFormat(format)
                .build();
    }

    /** Every option away from its default. */
    private static NeuralClustering.Builder full() {
        return new NeuralClustering.Builder()
                .residual(true)
                .sigmoidGate(true)
                .layerNormAffine(true)
                .hiddenFactor(3)
                .layerNormEpsilon(1e-3)
                .activation(Activation.SOFTPLUS);
    }

    // ---- contracts -------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(Kind.class)
    void gradientsAgreeWithFiniteDifferences(Kind kind) {
        for (boolean masked : kind.recurrent ? new boolean[] {false, true} : new boolean[] {false}) {
            // miniBatch(false) and steps folded into rows: DL4J itself then unfolds them as one example
            boolean both = kind != Kind.FOLDED;
            for (boolean miniBatch : both ? new boolean[] {true, false} : new boolean[] {true}) {
                DataSet data = kind.data(5, 3, masked);
                String what = kind + " masked " + masked + " miniBatch " + miniBatch;
                Settings settings = Settings.gradientCheck(miniBatch);
                // The paper's form on small states needs a layer norm that is not all ε
                NeuralClustering.Builder paper = new NeuralClustering.Builder().layerNormEpsilon(1e-9);
                Contracts.gradientsAgree(kind.build(settings, paper), data, Set.of(), what);
                if (miniBatch) {
                    Contracts.gradientsAgree(kind.build(settings, full()), data, Set.of(), what + " full");
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"RECURRENT", "BETWEEN_LSTMS", "FOLDED", "GRAPH_RECURRENT"})
    void maskedEqualsTruncated(Kind kind) {
        Contracts.maskedEqualsTruncated(kind.build(Settings.gradientCheck(true), full()), kind.data(4, 6, false), 4);
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void workspacesMakeNoDifference(Kind kind) {
        Contracts.workspacesMakeNoDifference(s -> kind.build(s, full()), kind.data(6, 4, kind.recurrent));
    }

    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"DENSE", "RECURRENT_NWC", "GRAPH", "GRAPH_RECURRENT"})
    void nothingIsLost(Kind kind, @TempDir Path folder) throws Exception {
        Contracts.nothingIsLost(
                kind.build(Settings.training(new RmsProp(1e-2)), full()), kind.data(6, 4, kind.recurrent), folder);
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void floatFollowsDouble(Kind kind) {
        Contracts.floatFollowsDouble(s -> kind.build(s, full()), kind.data(6, 4, kind.recurrent));
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void trainingLowersTheScore(Kind kind) {
        DataSet data = kind.data(6, 4, kind.recurrent);
        Model model = kind.build(Settings.training(new Adam(1e-2)), new NeuralClustering.Builder());
        double start = Models.score(model, data, false);
        for (int i = 0; i < 60; i++) {
            Models.fit(model, data);
        }
        assertTrue(Models.score(model, data, false) < 0.8 * start);
    }

    // ---- against the kernel ----------------------------------------------------------------------------------------

    /** The module alone, with its output as the network's output and Σ output as the loss. */
    private static MultiLayerNetwork alone(Settings settings, InputType input, NeuralClustering.Builder module) {
        boolean recurrent = input.getType() == InputType.Type.RNN;
        RNNFormat format = recurrent ? ((InputType.InputTypeRecurrent) input).getFormat() : RNNFormat.NCW;
        Layer loss = recurrent
                ? new org.deeplearning4j.nn.conf.layers.RnnLossLayer.Builder(LossFunction.MSE)
                        .activation(Activation.IDENTITY)
                        .dataFormat(format)
                        .build()
                : new LossLayer.Builder(LossFunction.MSE)
                        .activation(Activation.IDENTITY)
                        .build();
        return Models.chain(settings, input, module.build(), loss);
    }

    private static Weights weights(MultiLayerNetwork network) {
        Map<String, INDArray> table = network.paramTable();
        return new Weights(
                table.get("0_Wdown"),
                table.get("0_Wup"),
                table.get("0_Whidden"),
                table.get("0_Wout"),
                table.get("0_g"),
                table.get("0_b"));
    }

    @Test
    void rowsAndTimeStepsAreCalibratedAlike() {
        Nd4j.getRandom().setSeed(3);
        INDArray rows = Nd4j.randn(DataType.DOUBLE, 6, 8); // 2 examples of 3 steps
        Settings settings = Settings.gradientCheck(true);
        MultiLayerNetwork flat = alone(settings, InputType.feedForward(8), full().bottleneckRatio(2));
        MultiLayerNetwork ncw = alone(settings, InputType.recurrent(8), full().bottleneckRatio(2));
        MultiLayerNetwork nwc = alone(settings, InputType.recurrent(8, 3, RNNFormat.NWC), full().bottleneckRatio(2));
        ncw.setParams(flat.params());
        nwc.setParams(flat.params());
        INDArray expected = SemanticCalibration.of(
                rows, weights(flat), ((NeuralClustering) flat.getLayer(0).conf().getLayer()).calibrationOptions());
        INDArray steps = rows.reshape('c', 2, 3, 8);
        INDArray mask = Nd4j.createFromArray(new double[][] {{1, 1, 0}, {1, 0, 0}});

        assertTrue(flat.output(rows).equalsWithEps(expected, 1e-13));
        for (char order : new char[] {'c', 'f'}) {
            assertTrue(nwc.output(steps.dup(order)).reshape('c', 6, 8).equalsWithEps(expected, 1e-13));
            INDArray found = ncw.output(steps.permute(0, 2, 1).dup(order));
            assertTrue(found.permute(0, 2, 1).equalsWithEps(expected.reshape('c', 2, 3, 8), 1e-13));
            INDArray masked = ncw.feedForward(steps.permute(0, 2, 1).dup(order), mask, null)
                    .get(1)
                    .permute(0, 2, 1);
            INDArray expectedMasked =
                    expected.mulColumnVector(mask.reshape('c', 6, 1)).reshape('c', 2, 3, 8);
            assertTrue(masked.equalsWithEps(expectedMasked, 1e-13));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void inputGradientsAgreeWithFiniteDifferences(boolean masked) {
        Nd4j.getRandom().setSeed(5);
        // Of NWC, which RnnLossLayer can not score, the recurrent networks' gradient check tells
        MultiLayerNetwork network =
                alone(Settings.gradientCheck(true), InputType.recurrent(5), full().bottleneckRatio(2));
        INDArray states = Nd4j.randn(DataType.DOUBLE, 2, 5, 3);
        INDArray labels = Nd4j.randn(DataType.DOUBLE, 2, 5, 3);
        INDArray mask = masked ? Nd4j.createFromArray(new double[][] {{1, 1, 1}, {1, 1, 0}}) : null;
        INDArray found = network.calculateGradients(states.dup(), labels, mask, mask)
                .getSecond()
                .dup('c');
        double h = 1e-6;
        for (int i = 0; i < states.length(); i++) {
            double[] scores = new double[2];
            for (int side = 0; side < 2; side++) {
                INDArray moved = states.dup('c');
                INDArray flat = moved.reshape(moved.length());
                flat.putScalar(i, flat.getDouble(i) + (side == 0 ? h : -h));
                scores[side] = network.score(new DataSet(moved, labels, mask, mask));
            }
            // The score is a mean over the two examples, epsilons belong to the sum
            double expected = 2 * (scores[0] - scores[1]) / (2 * h);
            assertEquals(expected, found.reshape(found.length()).getDouble(i), 1e-6);
        }
    }

    // ---- parameters ------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(ints = {16, 64, 768})
    void parameterCountIsThirtyThreeEighthsOfTheSquare(int d) {
        NeuralClustering layer = new NeuralClustering.Builder().nIn(d).build();
        assertEquals(33L * d * d / 8, layer.initializer().numParams(layer));
        NeuralClustering affine =
                new NeuralClustering.Builder().nIn(d).layerNormAffine(true).build();
        assertEquals(33L * d * d / 8 + 2L * d, affine.initializer().numParams(affine));
    }

    @Test
    void everyMatrixIsAParameterOfItsOwnInColumnOrder() {
        MultiLayerNetwork network = alone(
                Settings.gradientCheck(true),
                InputType.feedForward(32),
                new NeuralClustering.Builder().layerNormAffine(true));
        Map<String, INDArray> table = network.paramTable();
        assertEquals(Set.of("0_Wdown", "0_Wup", "0_Whidden", "0_Wout", "0_g", "0_b"), table.keySet());
        assertEquals(network.numParams(), network.params().length());
        for (String key : new String[] {"0_Wdown", "0_Wup", "0_Whidden", "0_Wout"}) {
            INDArray matrix = table.get(key);
            assertEquals('f', matrix.ordering());
            // XAVIER: variance 2/(fanIn + fanOut); 64 to 2048 draws
            double expected = 2.0 / (matrix.size(0) + matrix.size(1));
            double variance = matrix.mul(matrix).meanNumber().doubleValue();
            assertEquals(expected, variance, expected * 5 * Math.sqrt(2.0 / matrix.length()), key);
        }
        assertEquals(Nd4j.ones(1, 32), table.get("0_g"));
        assertEquals(Nd4j.zeros(1, 32), table.get("0_b"));
        INDArray params = network.params().dup();
        network.setParams(Nd4j.linspace(1, params.length(), params.length(), DataType.DOUBLE));
        assertEquals(1, table.get("0_Wdown").getDouble(0, 0));
        assertEquals(2, table.get("0_Wdown").getDouble(1, 0));
    }

    @Test
    void theUsualOptionsActOnTheMatrices() {
        NeuralClustering.Builder module = new NeuralClustering.Builder()
                .layerNormAffine(true)
                .l2(0.5)
                .l2Bias(0.25)
                .constrainWeights(new MaxNormConstraint(0.1, 1));
        MultiLayerNetwork network = alone(Settings.training(new Sgd(1e-3)), InputType.feedForward(16), module);
        Map<String, INDArray> table = network.paramTable();
        table.get("0_b").assign(1);
        double squares = 0;
        for (String key : new String[] {"0_Wdown", "0_Wup", "0_Whidden", "0_Wout"}) {
            squares += Math.pow(table.get(key).norm2Number().doubleValue(), 2);
        }
        assertEquals(0.25 * squares + 0.125 * 16, network.calcRegularizationScore(true), 1e-9);
        network.fit(new DataSet(Nd4j.randn(DataType.DOUBLE, 4, 16), Nd4j.randn(DataType.DOUBLE, 4, 16)));
        assertTrue(table.get("0_Whidden").norm2(0).maxNumber().doubleValue() < 0.1 + 1e-5);
        assertTrue(table.get("0_g").norm2Number().doubleValue() > 3, "the gain is not a weight");
    }

    @Test
    void weightNoiseIsTheSameForwardsAndBackwards() {
        WeightNoise shift = new WeightNoise(new ConstantDistribution(0.3), false, true);
        MultiLayerNetwork noisy = alone(
                Settings.gradientCheck(true),
                InputType.feedForward(6),
                full().bottleneckRatio(2).weightNoise(shift));
        MultiLayerNetwork shifted =
                alone(Settings.gradientCheck(true), InputType.feedForward(6), full().bottleneckRatio(2));
        for (String key : noisy.paramTable().keySet()) {
            shifted.getParam(key).assign(noisy.getParam(key).add(key.contains("W") ? 0.3 : 0));
        }
        DataSet data = new DataSet(Nd4j.randn(DataType.DOUBLE, 3, 6), Nd4j.randn(DataType.DOUBLE, 3, 6));
        assertTrue(Models.output(noisy, data, true).equalsWithEps(Models.output(shifted, data, true), 1e-12));
        assertTrue(Models.gradient(noisy, data).equalsWithEps(Models.gradient(shifted, data), 1e-12));
        assertFalse(Models.output(noisy, data, false).equalsWithEps(Models.output(shifted, data, false), 1e-3));
    }

    @Test
    void dropoutActsOnTheInputInTrainingOnly() {
        MultiLayerNetwork with = alone(
                Settings.gradientCheck(true),
                InputType.recurrent(8),
                full().bottleneckRatio(2).dropOut(0.5));
        MultiLayerNetwork without =
                alone(Settings.gradientCheck(true), InputType.recurrent(8), full().bottleneckRatio(2));
        without.setParams(with.params());
        DataSet data = new DataSet(Nd4j.randn(DataType.DOUBLE, 3, 8, 4), Nd4j.randn(DataType.DOUBLE, 3, 8, 4));
        assertEquals(Models.output(without, data, false), Models.output(with, data, false));
        assertNotEquals(Models.output(without, data, true), Models.output(with, data, true));
        assertTrue(Double.isFinite(Models.gradient(with, data).norm2Number().doubleValue()));
    }

    // ---- initial identity ------------------------------------------------------------------------------------------

    /** All forms: the untrained layer is LN, so the identity on states of mean 0 and variance 1. */
    @Test
    void initialIdentityIsLayerNorm() {
        for (boolean residual : new boolean[] {false, true}) {
            for (boolean sigmoid : new boolean[] {false, true}) {
                for (Activation activation : new Activation[] {
                    Activation.RELU, Activation.LEAKYRELU, Activation.GELU, Activation.SWISH, Activation.SOFTPLUS
                }) {
                    for (int hiddenFactor : new int[] {2, 3}) {
                        NeuralClustering.Builder module = new NeuralClustering.Builder()
                                .residual(residual)
                                .sigmoidGate(sigmoid)
                                .activation(activation)
                                .hiddenFactor(hiddenFactor)
                                .initialIdentity(true);
                        assertIdentity(module, 64, residual + " " + sigmoid + " " + activation + " " + hiddenFactor);
                    }
                }
            }
        }
        assertIdentity(new NeuralClustering.Builder().initialIdentity(true), 48, "three units in the bottleneck");
        assertIdentity(
                new NeuralClustering.Builder()
                        .residual(true)
                        .activation(Activation.TANH)
                        .hiddenFactor(1)
                        .initialIdentity(true),
                8,
                "a residual needs nothing else");
    }

    private static void assertIdentity(NeuralClustering.Builder module, int d, String what) {
        MultiLayerNetwork network = alone(Settings.gradientCheck(true), InputType.feedForward(d), module);
        Nd4j.getRandom().setSeed(9);
        INDArray states = Nd4j.randn(DataType.DOUBLE, 20, d);
        states.subiColumnVector(states.mean(true, 1));
        states.diviColumnVector(states.norm2(true, 1).divi(Math.sqrt(d)));
        INDArray found = network.output(states);
        double error = found.sub(states).norm2Number().doubleValue()
                / states.norm2Number().doubleValue();
        // What ε = 1e-5 does where the gate is as low as 1/10
        assertTrue(error < 1e-3, () -> what + ": error " + error);

        DataSet data = new DataSet(states, Nd4j.randn(DataType.DOUBLE, 20, d));
        MultiLayerNetwork trained = alone(Settings.training(new Sgd(0.5)), InputType.feedForward(d), module);
        double start = trained.score(data);
        for (int i = 0; i < 30; i++) {
            trained.fit(data);
        }
        assertTrue(trained.score(data) < start, what + ": must be trainable");
        for (String key : new String[] {"0_Wdown", "0_Wup", "0_Whidden", "0_Wout"}) {
            assertNotEquals(network.getParam(key), trained.getParam(key), what + ": " + key + " must move");
        }
    }

    @Test
    void initialIdentityThatCanNotBeIsRefused() {
        assertState(
                "bottleneck of at least 2 units",
                () -> network(new NeuralClustering.Builder().initialIdentity(true), 16));
        assertState(
                "hiddenFactor of at least 2, found 1",
                () -> network(
                        new NeuralClustering.Builder()
                                .sigmoidGate(true)
                                .hiddenFactor(1)
                                .initialIdentity(true),
                        16));
        assertState(
                "activation with f(x) - f(-x) proportional to x",
                () -> network(
                        new NeuralClustering.Builder()
                                .activation(Activation.TANH)
                                .initialIdentity(true),
                        64));
        assertState(
                "weight initialisation other than zero",
                () -> network(
                        new NeuralClustering.Builder()
                                .weightInit(WeightInit.ZERO)
                                .initialIdentity(true),
                        64));
    }

    private static MultiLayerNetwork network(NeuralClustering.Builder module, int d) {
        return alone(Settings.gradientCheck(true), InputType.feedForward(d), module);
    }

    // ---- as a DL4J citizen -----------------------------------------------------------------------------------------

    @Test
    void globalActivationIsNotTakenOver() {
        MultiLayerNetwork network = network(new NeuralClustering.Builder(), 16); // global: TANH
        assertEquals(
                Activation.RELU.getActivationFunction(),
                ((NeuralClustering) network.getLayer(0).conf().getLayer()).getActivationFn());
    }

    @Test
    void halfPrecisionIsComputedInFloat() {
        Settings half = new Settings(DataType.FLOAT16, true, WorkspaceMode.ENABLED, new Sgd(0.1));
        MultiLayerNetwork network = alone(half, InputType.feedForward(16), full());
        Nd4j.getRandom().setSeed(5);
        INDArray states = Nd4j.randn(DataType.DOUBLE, 4, 16).castTo(DataType.FLOAT16);
        MultiLayerNetwork exact = alone(Settings.gradientCheck(true), InputType.feedForward(16), full());
        exact.setParams(network.params().castTo(DataType.DOUBLE));
        INDArray expected = exact.output(states.castTo(DataType.DOUBLE));
        INDArray found = network.output(states);
        assertEquals(DataType.FLOAT16, found.dataType());
        // One rounding of values up to 4: 2⁻⁹
        assertTrue(found.castTo(DataType.DOUBLE).equalsWithEps(expected, 4e-3));
        INDArray params = network.params().dup();
        network.fit(new DataSet(states, Nd4j.randn(DataType.DOUBLE, 4, 16).castTo(DataType.FLOAT16)));
        assertNotEquals(params, network.params());
    }

    @Test
    void transferLearningResizesTheModule() {
        Model model = Kind.DENSE.build(Settings.training(new Adam(1e-2)), full());
        MultiLayerNetwork edited = new TransferLearning.Builder((MultiLayerNetwork) model)
                .fineTuneConfiguration(new FineTuneConfiguration.Builder()
                        .updater(new Sgd(0.1))
                        .build())
                .nOutReplace(0, 10, WeightInit.XAVIER)
                .nInReplace(2, 10, WeightInit.XAVIER)
                .build();
        NeuralClustering layer = (NeuralClustering) edited.getLayer(1).conf().getLayer();
        assertEquals(10, layer.getNIn());
        assertEquals(10, layer.getNOut());
        assertEquals(3, edited.output(Nd4j.randn(DataType.DOUBLE, 2, 4)).size(1));

        MultiLayerNetwork frozen = new TransferLearning.Builder((MultiLayerNetwork) model)
                .fineTuneConfiguration(new FineTuneConfiguration.Builder()
                        .updater(new Sgd(0.1))
                        .build())
                .setFeatureExtractor(1)
                .build();
        INDArray before = frozen.getParam("1_Whidden").dup();
        INDArray head = frozen.getParam("3_W").dup();
        frozen.fit(Kind.DENSE.data(6, 0, false));
        assertEquals(before, frozen.getParam("1_Whidden"));
        assertNotEquals(head, frozen.getParam("3_W"));
    }

    @Test
    void memoryReportAndSummaryKnowTheLayer() {
        Settings settings = Settings.training(new Adam(1e-2));
        NeuralNetConfiguration.ListBuilder list = settings.base().list();
        var conf = list.layer(new NeuralClustering.Builder().build())
                .layer(output())
                .setInputType(InputType.feedForward(16))
                .build();
        assertTrue(conf.getMemoryReport(InputType.feedForward(16)).toString().contains("NeuralClustering"));
        assertTrue(network(new NeuralClustering.Builder(), 16).summary().contains("1,056"), "33/8·16²");
    }

    // ---- bad input -------------------------------------------------------------------------------------------------

    @Test
    void badOptionsAreRefused() {
        assertArgument(
                "hiddenFactor must be at least 1, found 0", () -> new NeuralClustering.Builder().hiddenFactor(0));
        assertArgument("bottleneckRatio must be at least 1, found -1", () -> new NeuralClustering.Builder()
                .bottleneckRatio(-1));
        assertArgument("layerNormEpsilon must be positive", () -> new NeuralClustering.Builder().layerNormEpsilon(0));
        assertArgument("nIn must be at least 2", () -> new NeuralClustering.Builder().nIn(1));
        assertArgument("nIn must be at least 2", () -> new NeuralClustering.Builder().nIn(-3));
        assertArgument(
                "nOut must equal nIn, found nIn 4 and nOut 5",
                () -> new NeuralClustering.Builder().nIn(4).nOut(5).build());
        assertArgument(
                "neither parameters nor randomness", () -> new NeuralClustering.Builder().activation(Activation.RRELU));
        NeuralClustering layer = new NeuralClustering.Builder().nIn(4).build();
        assertArgument("hiddenFactor", () -> layer.setHiddenFactor(0));
        assertArgument("bottleneckRatio", () -> layer.setBottleneckRatio(0));
        assertArgument("layerNormEpsilon", () -> layer.setLayerNormEpsilon(Double.NaN));
        assertArgument("nIn", () -> layer.setNIn(1L));
        assertEquals(new NeuralClustering.Builder().nIn(4).build(), layer, "nothing has changed");
    }

    @Test
    void unfitInputIsRefused() {
        MultiLayerNetwork network =
                alone(Settings.gradientCheck(true), InputType.recurrent(6), full().bottleneckRatio(2));
        for (long[] shape : new long[][] {{2, 5, 3}, {2, 5}}) {
            String message = assertThrows(
                            RuntimeException.class, () -> network.output(Nd4j.zeros(DataType.DOUBLE, shape)))
                    .getMessage();
            assertTrue(message.contains("[mb, 6] or [mb, 6, T]"), message);
        }
        String message = assertThrows(
                        IllegalArgumentException.class,
                        () -> network.output(
                                Nd4j.zeros(DataType.DOUBLE, 2, 6, 3), false, Nd4j.ones(DataType.DOUBLE, 2, 4), null))
                .getMessage();
        assertTrue(message.contains("mask must have one element per"), message);
        assertState(
                "expects feed-forward or recurrent activations",
                () -> Models.chain(
                        Settings.gradientCheck(true),
                        InputType.convolutional(4, 4, 1),
                        new NeuralClustering.Builder().build(),
                        output()));
        assertState("must know its number of features", () -> new NeuralClustering.Builder()
                .build()
                .initializer()
                .numParams(new NeuralClustering.Builder().build()));
    }

    @Test
    void zeroStatesGiveFiniteOutputsAndUpdates() {
        MultiLayerNetwork network =
                alone(Settings.training(new Adam(1e-2)), InputType.feedForward(16), new NeuralClustering.Builder());
        INDArray states = Nd4j.zeros(DataType.DOUBLE, 3, 16);
        states.getRow(1).assign(1);
        assertEquals(0, network.output(states).getRow(0).amaxNumber().doubleValue());
        network.fit(new DataSet(states, Nd4j.randn(DataType.DOUBLE, 3, 16)));
        assertTrue(Double.isFinite(network.params().sumNumber().doubleValue()));
    }

    @Test
    void optionsMakeConfigurationsDiffer() {
        NeuralClustering plain = new NeuralClustering.Builder().nIn(8).build();
        assertEquals(plain, plain.clone());
        assertEquals(plain.hashCode(), plain.clone().hashCode());
        for (NeuralClustering other : new NeuralClustering[] {
            new NeuralClustering.Builder().nIn(9).build(),
            new NeuralClustering.Builder().nIn(8).hiddenFactor(3).build(),
            new NeuralClustering.Builder().nIn(8).bottleneckRatio(4).build(),
            new NeuralClustering.Builder().nIn(8).residual(true).build(),
            new NeuralClustering.Builder().nIn(8).sigmoidGate(true).build(),
            new NeuralClustering.Builder().nIn(8).layerNormAffine(true).build(),
            new NeuralClustering.Builder().nIn(8).layerNormEpsilon(1e-3).build(),
            new NeuralClustering.Builder().nIn(8).initialIdentity(true).build(),
            new NeuralClustering.Builder().nIn(8).dataFormat(RNNFormat.NWC).build(),
            new NeuralClustering.Builder().nIn(8).activation(Activation.GELU).build()
        }) {
            assertNotEquals(plain, other);
            assertNotEquals(plain.toString(), other.toString());
        }
    }

    private static void assertArgument(String expected, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(expected), message);
    }

    private static void assertState(String expected, Executable call) {
        String message = assertThrows(IllegalStateException.class, call).getMessage();
        assertTrue(message.contains(expected), message);
    }
}
