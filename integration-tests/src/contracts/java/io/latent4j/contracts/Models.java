/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.contracts;

import java.io.File;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** One way to handle DL4J's two kinds of network. */
public final class Models {
    private Models() {}

    /** An initialised chain of layers. */
    public static MultiLayerNetwork chain(Settings settings, InputType input, Layer... layers) {
        NeuralNetConfiguration.ListBuilder list = settings.base().list();
        List.of(layers).forEach(list::layer);
        MultiLayerNetwork network =
                new MultiLayerNetwork(list.setInputType(input).build());
        network.init();
        return network;
    }

    /** An initialised graph from "in" to "out". */
    public static ComputationGraph graph(Settings settings, InputType input, UnaryOperator<GraphBuilder> layers) {
        ComputationGraph graph =
                new ComputationGraph(layers.apply(settings.base().graphBuilder().addInputs("in"))
                        .setOutputs("out")
                        .setInputTypes(input)
                        .build());
        graph.init();
        return graph;
    }

    /** A network of a configuration, with copies of parameters. */
    public static MultiLayerNetwork of(MultiLayerConfiguration conf, INDArray parameters) {
        MultiLayerNetwork network = new MultiLayerNetwork(conf);
        network.init(parameters, true);
        return network;
    }

    /** A graph of a configuration, with copies of parameters. */
    public static ComputationGraph of(ComputationGraphConfiguration conf, INDArray parameters) {
        ComputationGraph graph = new ComputationGraph(conf);
        graph.init(parameters, true);
        return graph;
    }

    public static double score(Model model, DataSet data, boolean training) {
        return score(model, data.toMultiDataSet(), training);
    }

    public static double score(Model model, MultiDataSet data, boolean training) {
        return model instanceof MultiLayerNetwork network
                ? network.score(single(data), training)
                : ((ComputationGraph) model).score(data, training);
    }

    public static INDArray scoreExamples(Model model, DataSet data, boolean regularization) {
        return scoreExamples(model, data.toMultiDataSet(), regularization);
    }

    public static INDArray scoreExamples(Model model, MultiDataSet data, boolean regularization) {
        return model instanceof MultiLayerNetwork network
                ? network.scoreExamples(single(data), regularization)
                : ((ComputationGraph) model).scoreExamples(data, regularization);
    }

    public static INDArray output(Model model, DataSet data, boolean training) {
        return output(model, data.toMultiDataSet(), training)[0];
    }

    public static INDArray[] output(Model model, MultiDataSet data, boolean training) {
        if (model instanceof MultiLayerNetwork network) {
            INDArray mask = first(data.getFeaturesMaskArrays());
            return new INDArray[] {network.output(data.getFeatures(0), training, mask, null)};
        }
        return ((ComputationGraph) model).output(training, data.getFeatures(), data.getFeaturesMaskArrays(), null);
    }

    public static void fit(Model model, DataSet data) {
        fit(model, data.toMultiDataSet());
    }

    public static void fit(Model model, MultiDataSet data) {
        if (model instanceof MultiLayerNetwork network) {
            network.fit(single(data));
        } else {
            ((ComputationGraph) model).fit(data);
        }
    }

    /** Gradient of one minibatch. */
    public static INDArray gradient(Model model, DataSet data) {
        return gradient(model, data.toMultiDataSet());
    }

    /** Gradient of one minibatch. */
    public static INDArray gradient(Model model, MultiDataSet data) {
        if (model instanceof MultiLayerNetwork network) {
            network.setInput(data.getFeatures(0));
            network.setLabels(data.getLabels(0));
            network.setLayerMaskArrays(first(data.getFeaturesMaskArrays()), first(data.getLabelsMaskArrays()));
            network.computeGradientAndScore();
        } else {
            ComputationGraph graph = (ComputationGraph) model;
            graph.setInputs(data.getFeatures());
            graph.setLabels(data.getLabels());
            if (data.hasMaskArrays()) {
                graph.setLayerMaskArrays(data.getFeaturesMaskArrays(), data.getLabelsMaskArrays());
            }
            graph.computeGradientAndScore();
        }
        return model.gradient().gradient().dup();
    }

    private static DataSet single(MultiDataSet data) {
        return new DataSet(
                data.getFeatures(0),
                data.getLabels(0),
                first(data.getFeaturesMaskArrays()),
                first(data.getLabelsMaskArrays()));
    }

    private static @Nullable INDArray first(INDArray @Nullable [] masks) {
        return masks == null ? null : masks[0];
    }

    public static String summary(Model model) {
        return model instanceof MultiLayerNetwork network ? network.summary() : ((ComputationGraph) model).summary();
    }

    /** The updater's state, null where it has none. */
    public static @Nullable INDArray updaterState(Model model) {
        return model instanceof MultiLayerNetwork network
                ? network.getUpdater().getStateViewArray()
                : ((ComputationGraph) model).getUpdater().getStateViewArray();
    }

    /** A network read back, with its updater. */
    public static Model load(Model kind, File file) throws IOException {
        return kind instanceof MultiLayerNetwork
                ? MultiLayerNetwork.load(file, true)
                : ComputationGraph.load(file, true);
    }

    public static Model copy(Model model) {
        return model instanceof MultiLayerNetwork network ? network.clone() : ((ComputationGraph) model).clone();
    }

    /** The same data in another type; integers stay as they are. */
    public static DataSet cast(DataSet data, DataType type) {
        return single(cast(data.toMultiDataSet(), type));
    }

    /** The same data in another type; integers stay as they are. */
    public static MultiDataSet cast(MultiDataSet data, DataType type) {
        return new org.nd4j.linalg.dataset.MultiDataSet(
                cast(data.getFeatures(), type),
                cast(data.getLabels(), type),
                cast(data.getFeaturesMaskArrays(), type),
                cast(data.getLabelsMaskArrays(), type));
    }

    private static INDArray @Nullable [] cast(INDArray @Nullable [] arrays, DataType type) {
        return arrays == null
                ? null
                : Arrays.stream(arrays)
                        .map(array -> array == null || !array.dataType().isFPType() ? array : array.castTo(type))
                        .toArray(INDArray[]::new);
    }
}
