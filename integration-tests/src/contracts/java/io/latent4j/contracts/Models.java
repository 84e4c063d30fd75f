/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.contracts;

import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

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

    public static double score(Model model, DataSet data, boolean training) {
        return model instanceof MultiLayerNetwork network
                ? network.score(data, training)
                : ((ComputationGraph) model).score(data, training);
    }

    public static INDArray scoreExamples(Model model, DataSet data, boolean regularization) {
        return model instanceof MultiLayerNetwork network
                ? network.scoreExamples(data, regularization)
                : ((ComputationGraph) model).scoreExamples(data, regularization);
    }

    public static INDArray output(Model model, DataSet data, boolean training) {
        if (model instanceof MultiLayerNetwork network) {
            return network.output(data.getFeatures(), training, data.getFeaturesMaskArray(), null);
        }
        INDArray[] masks = data.getFeaturesMaskArray() == null ? null : new INDArray[] {data.getFeaturesMaskArray()};
        return ((ComputationGraph) model).output(training, new INDArray[] {data.getFeatures()}, masks, null)[0];
    }

    public static void fit(Model model, DataSet data) {
        if (model instanceof MultiLayerNetwork network) {
            network.fit(data);
        } else {
            ((ComputationGraph) model).fit(data);
        }
    }

    /** Gradient of one minibatch. */
    public static INDArray gradient(Model model, DataSet data) {
        if (model instanceof MultiLayerNetwork network) {
            network.setInput(data.getFeatures());
            network.setLabels(data.getLabels());
            network.setLayerMaskArrays(data.getFeaturesMaskArray(), data.getLabelsMaskArray());
            network.computeGradientAndScore();
        } else {
            ComputationGraph graph = (ComputationGraph) model;
            graph.setInputs(data.getFeatures());
            graph.setLabels(data.getLabels());
            if (data.hasMaskArrays()) {
                graph.setLayerMaskArrays(
                        new INDArray[] {data.getFeaturesMaskArray()}, new INDArray[] {data.getLabelsMaskArray()});
            }
            graph.computeGradientAndScore();
        }
        return model.gradient().gradient().dup();
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

    /** The same data in another type; integer labels stay as they are. */
    public static DataSet cast(DataSet data, DataType type) {
        INDArray labels = data.getLabels();
        return new DataSet(
                data.getFeatures().castTo(type),
                labels.dataType().isFPType() ? labels.castTo(type) : labels,
                data.getFeaturesMaskArray() == null
                        ? null
                        : data.getFeaturesMaskArray().castTo(type),
                data.getLabelsMaskArray() == null
                        ? null
                        : data.getLabelsMaskArray().castTo(type));
    }
}
