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
import java.util.List;
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
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.NoOp;

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
     * JSON, YAML, Java serialization and clone of the configuration, ModelSerializer and clone of the network lose
     * nothing: not the score, and, through the updater's state, not the next step.
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
        File file = folder.resolve("model.zip").toFile();
        ModelSerializer.writeModel(model, file, true);
        if (model instanceof MultiLayerNetwork network) {
            MultiLayerConfiguration conf = network.getLayerWiseConfigurations();
            assertEquals(conf, MultiLayerConfiguration.fromJson(conf.toJson()));
            assertEquals(conf, MultiLayerConfiguration.fromYaml(conf.toYaml()));
            assertEquals(conf, conf.clone());
            assertEquals(conf, javaSerialized(conf));
        } else {
            // A running graph's configuration also holds a topological order and counters that JSON leaves out
            ComputationGraphConfiguration conf = ((ComputationGraph) model).getConfiguration();
            assertEquals(
                    conf.getVertices(),
                    ComputationGraphConfiguration.fromJson(conf.toJson()).getVertices());
            assertEquals(
                    conf.getVertices(),
                    ComputationGraphConfiguration.fromYaml(conf.toYaml()).getVertices());
            assertEquals(conf.getVertices(), conf.clone().getVertices());
            assertEquals(conf.getVertices(), javaSerialized(conf).getVertices());
        }
        List<Model> copies = List.of(Models.load(model, file), Models.copy(model));
        double score = Models.score(model, data, false);
        INDArray[] output = Models.output(model, data, false);
        for (Model copy : copies) {
            assertEquals(score, Models.score(copy, data, false), 1e-13);
            assertArrayEquals(output, Models.output(copy, data, false));
        }
        Models.fit(model, data);
        for (Model copy : copies) {
            Models.fit(copy, data);
            assertEquals(model.params(), copy.params());
        }
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
        Model twice = networks.apply(Settings.gradientCheck(true));
        Model single = networks.apply(new Settings(DataType.FLOAT, true, WorkspaceMode.ENABLED, new NoOp()));
        MultiDataSet floats = Models.cast(data, DataType.FLOAT);
        twice.setParams(single.params().castTo(DataType.DOUBLE));
        INDArray expected = Models.gradient(twice, Models.cast(floats, DataType.DOUBLE));
        INDArray found = Models.gradient(single, floats).castTo(DataType.DOUBLE);
        double error = found.sub(expected).norm2Number().doubleValue()
                / expected.norm2Number().doubleValue();
        assertTrue(error < 1e-4, () -> "relative gradient error " + error);
        assertEquals(twice.score(), single.score(), 1e-4 * Math.abs(twice.score()));
    }
}
