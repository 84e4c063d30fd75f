/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.contracts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.function.Function;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.Sgd;

/** The contracts, each as an assertion. */
public final class Contracts {
    private Contracts() {}

    /** Parameters' gradients agree with finite differences; the network has an updater that moves nothing. */
    public static void gradientsAgree(Model model, DataSet data, Set<String> excluded, String what) {
        gradientsAgree(model, data.toMultiDataSet(), excluded, what);
    }

    /** Parameters' gradients agree with finite differences; the network has an updater that moves nothing. */
    public static void gradientsAgree(Model model, MultiDataSet data, Set<String> excluded, String what) {
        boolean passed;
        if (model instanceof MultiLayerNetwork network) {
            passed = GradientCheckUtil.checkGradients(new GradientCheckUtil.MLNConfig()
                    .net(network)
                    .input(data.getFeatures(0))
                    .labels(data.getLabels(0))
                    .inputMask(data.getFeaturesMaskArray(0))
                    .labelMask(data.getLabelsMaskArray(0))
                    .excludeParams(excluded)
                    .subset(true)
                    .maxPerParam(3)
                    .print(GradientCheckUtil.PrintMode.FAILURES_ONLY));
        } else {
            passed = GradientCheckUtil.checkGradients(new GradientCheckUtil.GraphConfig()
                    .net((ComputationGraph) model)
                    .inputs(data.getFeatures())
                    .labels(data.getLabels())
                    .inputMask(data.getFeaturesMaskArrays())
                    .labelMask(data.getLabelsMaskArrays())
                    .excludeParams(excluded)
                    .subset(true)
                    .maxPerParam(3)
                    .print(GradientCheckUtil.PrintMode.FAILURES_ONLY));
        }
        assertTrue(passed, what);
    }

    /**
     * A padded, masked batch gives the loss and the gradients of the shorter one.
     *
     * @param longer data without masks, time along the last dimension
     * @param kept time steps that the mask keeps
     */
    public static void maskedEqualsTruncated(Model model, DataSet longer, int kept) {
        long examples = longer.getFeatures().size(0);
        long steps = longer.getFeatures().size(2);
        INDArrayIndex all = NDArrayIndex.all();
        INDArrayIndex first = NDArrayIndex.interval(0, kept);
        INDArray mask = Nd4j.zeros(longer.getFeatures().dataType(), examples, steps);
        mask.get(all, first).assign(1);
        DataSet masked = new DataSet(longer.getFeatures(), longer.getLabels(), mask, mask);
        DataSet shorter = new DataSet(
                longer.getFeatures().get(all, all, first).dup(),
                longer.getLabels().get(all, all, first).dup());
        INDArray expected = Models.gradient(model, shorter);
        double score = model.score();
        INDArray found = Models.gradient(model, masked);
        assertEquals(score, model.score(), 1e-12);
        assertTrue(found.equalsWithEps(expected, 1e-11), () -> "masked " + found + "\ntruncated " + expected);
    }

    /**
     * Steps that masks hide do not matter: all time series, each of its own length, get more steps of real looking
     * values.
     *
     * @param shorter data without masks, time along the last dimension of arrays of rank 3
     */
    public static void paddingChangesNothing(Model model, MultiDataSet shorter, int more) {
        INDArray expected = Models.gradient(model, shorter);
        double score = model.score();
        INDArray found = Models.gradient(
                model,
                new org.nd4j.linalg.dataset.MultiDataSet(
                        each(shorter.getFeatures(), array -> padded(array, more)),
                        each(shorter.getLabels(), array -> padded(array, more)),
                        each(shorter.getFeatures(), array -> mask(array, more)),
                        each(shorter.getLabels(), array -> mask(array, more))));
        assertEquals(score, model.score(), 1e-12);
        assertTrue(found.equalsWithEps(expected, 1e-11), () -> "masked " + found + "\ntruncated " + expected);
    }

    private static INDArray[] each(INDArray[] arrays, Function<INDArray, @Nullable INDArray> change) {
        return Arrays.stream(arrays).map(change).toArray(INDArray[]::new);
    }

    /** Steps more, as the first ones. */
    private static INDArray padded(INDArray array, int more) {
        return array.rank() < 3
                ? array
                : Nd4j.concat(
                        2, array, array.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(0, more)));
    }

    private static @Nullable INDArray mask(INDArray array, int more) {
        if (array.rank() < 3) {
            return null;
        }
        INDArray mask = Nd4j.ones(DataType.DOUBLE, array.size(0), array.size(2) + more);
        mask.get(NDArrayIndex.all(), NDArrayIndex.interval(array.size(2), array.size(2) + more))
                .assign(0);
        return mask;
    }

    /** Training comes to the same with workspaces and without. */
    public static void workspacesMakeNoDifference(Function<Settings, Model> networks, DataSet data) {
        workspacesMakeNoDifference(networks, data.toMultiDataSet());
    }

    /** Training comes to the same with workspaces and without. */
    public static void workspacesMakeNoDifference(Function<Settings, Model> networks, MultiDataSet data) {
        Model enabled = networks.apply(Settings.training(new Adam(1e-2)));
        Model none = networks.apply(new Settings(DataType.DOUBLE, true, WorkspaceMode.NONE, new Adam(1e-2)));
        for (int i = 0; i < 4; i++) {
            Models.fit(enabled, data);
            Models.fit(none, data);
        }
        assertTrue(enabled.params().equalsWithEps(none.params(), 1e-12));
        assertEquals(enabled.score(), none.score(), 1e-12);
        INDArray[] output = Models.output(none, data, false);
        for (int i = 0; i < output.length; i++) {
            assertTrue(Models.output(enabled, data, false)[i].equalsWithEps(output[i], 1e-12));
        }
    }

    /**
     * JSON, YAML, Java serialization and clones of configuration and network, and ModelSerializer lose nothing: not the
     * score, and, through the updater's state, not the next step.
     *
     * @param model trained a little; not with Adam, since a graph's JSON loses the iteration count that Adam's step
     *     depends on
     */
    public static void nothingIsLost(Model model, DataSet data, Path folder) throws IOException {
        nothingIsLost(model, data.toMultiDataSet(), folder);
    }

    /** The same for several inputs or outputs. */
    public static void nothingIsLost(Model model, MultiDataSet data, Path folder) throws IOException {
        Models.fit(model, data);
        jsonLosesNothing(model, data);
        yamlLosesNothing(model, data);
        clonesAreEqualAndApart(model, data);
        javaSerializationLosesNothing(model, data);
        savingLosesNothing(model, data, folder);
    }

    /** A network of the configuration's JSON, with the same parameters, computes the same. */
    public static void jsonLosesNothing(Model model, MultiDataSet data) {
        if (model instanceof MultiLayerNetwork network) {
            MultiLayerConfiguration conf = network.getLayerWiseConfigurations();
            sameConfiguration(model, MultiLayerConfiguration.fromJson(conf.toJson()), data);
        } else {
            ComputationGraphConfiguration conf = ((ComputationGraph) model).getConfiguration();
            sameConfiguration(model, ComputationGraphConfiguration.fromJson(conf.toJson()), data);
        }
    }

    /** A network of the configuration's YAML, with the same parameters, computes the same. */
    public static void yamlLosesNothing(Model model, MultiDataSet data) {
        if (model instanceof MultiLayerNetwork network) {
            MultiLayerConfiguration conf = network.getLayerWiseConfigurations();
            sameConfiguration(model, MultiLayerConfiguration.fromYaml(conf.toYaml()), data);
        } else {
            ComputationGraphConfiguration conf = ((ComputationGraph) model).getConfiguration();
            sameConfiguration(model, ComputationGraphConfiguration.fromYaml(conf.toYaml()), data);
        }
    }

    /** Clones of configuration and network are equal, train alike, and do not move the original. */
    public static void clonesAreEqualAndApart(Model model, MultiDataSet data) {
        if (model instanceof MultiLayerNetwork network) {
            sameConfiguration(model, network.getLayerWiseConfigurations().clone(), data);
        } else {
            sameConfiguration(
                    model, ((ComputationGraph) model).getConfiguration().clone(), data);
        }
        Model copy = Models.copy(model);
        INDArray before = model.params().dup();
        Models.fit(Models.copy(model), data);
        assertEquals(before, model.params());
        sameFromHereOn(model, copy, data);
    }

    /** What ModelSerializer restores, with the updater, computes the same and trains on alike. */
    public static void savingLosesNothing(Model model, MultiDataSet data, Path folder) throws IOException {
        File file = folder.resolve("model.zip").toFile();
        ModelSerializer.writeModel(model, file, true);
        sameFromHereOn(model, Models.load(model, file), data);
    }

    /** A network of the configuration that Java serialization restores, with the same parameters, computes the same. */
    public static void javaSerializationLosesNothing(Model model, MultiDataSet data) throws IOException {
        if (model instanceof MultiLayerNetwork network) {
            sameConfiguration(model, javaSerialized(network.getLayerWiseConfigurations()), data);
        } else {
            sameConfiguration(model, javaSerialized(((ComputationGraph) model).getConfiguration()), data);
        }
    }

    /** The network that Java serialization restores computes the same and trains on alike. */
    public static void javaSerializedNetworkTrainsOn(Model model, MultiDataSet data) throws IOException {
        Model copy = model instanceof MultiLayerNetwork network
                ? javaSerialized(network)
                : javaSerialized((ComputationGraph) model);
        sameFromHereOn(model, copy, data);
    }

    private static void sameConfiguration(Model model, MultiLayerConfiguration found, MultiDataSet data) {
        assertEquals(((MultiLayerNetwork) model).getLayerWiseConfigurations(), found);
        sameOutput(model, Models.of(found, model.params()), data);
    }

    private static void sameConfiguration(Model model, ComputationGraphConfiguration found, MultiDataSet data) {
        ComputationGraphConfiguration expected = ((ComputationGraph) model).getConfiguration();
        // A running graph's configuration also holds a topological order and counters that JSON leaves out
        assertEquals(expected.getVertices(), found.getVertices());
        assertEquals(expected.getVertexInputs(), found.getVertexInputs());
        assertEquals(expected.getNetworkOutputs(), found.getNetworkOutputs());
        sameOutput(model, Models.of(found, model.params()), data);
    }

    private static void sameOutput(Model model, Model copy, MultiDataSet data) {
        assertEquals(Models.score(model, data, false), Models.score(copy, data, false), 1e-13);
        assertArrayEquals(Models.output(model, data, false), Models.output(copy, data, false));
    }

    private static void sameFromHereOn(Model model, Model copy, MultiDataSet data) {
        sameOutput(model, copy, data);
        Models.fit(model, data);
        Models.fit(copy, data);
        assertEquals(model.params(), copy.params());
    }

    /** What comes back from Java serialization. */
    @SuppressWarnings("unchecked")
    public static <T extends Serializable> T javaSerialized(T object) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(object);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return (T) in.readObject();
        } catch (ClassNotFoundException e) {
            throw new IOException(e);
        }
    }

    /** FLOAT gives the score and the gradients of DOUBLE to FLOAT's precision. */
    public static void floatFollowsDouble(Function<Settings, Model> networks, DataSet data) {
        floatFollowsDouble(networks, data.toMultiDataSet());
    }

    /** FLOAT gives the score and the gradients of DOUBLE to FLOAT's precision. */
    public static void floatFollowsDouble(Function<Settings, Model> networks, MultiDataSet data) {
        followsDouble(networks, data, DataType.FLOAT, 1e-4);
    }

    /** HALF gives the score and the gradients of DOUBLE to HALF's precision of three digits, and trains. */
    public static void halfFollowsDouble(Function<Settings, Model> networks, MultiDataSet data) {
        followsDouble(networks, data, DataType.HALF, 2e-2);
        Model half = networks.apply(new Settings(DataType.HALF, true, WorkspaceMode.ENABLED, new Sgd(0.02)));
        MultiDataSet halves = Models.cast(data, DataType.HALF);
        Models.fit(half, halves);
        double first = half.score();
        for (int i = 0; i < 9; i++) {
            Models.fit(half, halves);
        }
        assertTrue(half.score() < first, () -> "score " + half.score() + ", at first " + first);
        assertTrue(half.params().isNaN().none() && half.params().isInfinite().none());
    }

    private static void followsDouble(
            Function<Settings, Model> networks, MultiDataSet data, DataType type, double tolerance) {
        Model twice = networks.apply(Settings.gradientCheck(true));
        Model other = networks.apply(new Settings(type, true, WorkspaceMode.ENABLED, new NoOp()));
        MultiDataSet rounded = Models.cast(data, type);
        twice.setParams(other.params().castTo(DataType.DOUBLE));
        INDArray expected = Models.gradient(twice, Models.cast(rounded, DataType.DOUBLE));
        INDArray found = Models.gradient(other, rounded).castTo(DataType.DOUBLE);
        double error = found.sub(expected).norm2Number().doubleValue()
                / expected.norm2Number().doubleValue();
        assertTrue(error < tolerance, () -> "relative gradient error " + error);
        assertEquals(twice.score(), other.score(), tolerance * Math.abs(twice.score()));
    }
}
