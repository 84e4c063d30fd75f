/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.matrix;

import io.latent4j.contracts.Settings;
import io.latent4j.istar.ShrinkageCovariance;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * A small network around one component, and a minibatch for it: one row of the table.
 *
 * @param component what the row is about
 * @param graph whether to build a ComputationGraph; the nodes of a MultiLayerNetwork are a chain of layers
 * @param inputs types of the inputs "in0", "in1", …, all time series
 * @param nodes layers and vertices in order, each after its inputs
 * @param subject names of the component's nodes
 * @param outputs names of the outputs
 * @param data the minibatch in DOUBLE, without masks
 */
record Plan(
        String component,
        boolean graph,
        List<InputType> inputs,
        List<Node> nodes,
        List<String> subject,
        List<String> outputs,
        MultiDataSet data) {

    /** A layer or a vertex, with the names of what it reads. */
    record Node(
            String name, @Nullable Layer layer, @Nullable GraphVertex vertex, List<String> from) {
        static Node of(String name, Layer layer, String... from) {
            return new Node(name, layer, null, List.of(from));
        }

        static Node of(String name, GraphVertex vertex, String... from) {
            return new Node(name, null, vertex, List.of(from));
        }

        Layer newLayer() {
            return layer.clone();
        }

        void addTo(GraphBuilder builder) {
            String[] inputs = from.toArray(new String[0]);
            if (layer != null) {
                builder.addLayer(name, newLayer(), inputs);
            } else {
                builder.addVertex(name, vertex.clone(), inputs);
            }
        }
    }

    String kind() {
        return graph ? "ComputationGraph" : "MultiLayerNetwork";
    }

    /** Whether the component is what the network's loss is computed by. */
    boolean subjectIsOutput() {
        return outputs.contains(subject.get(subject.size() - 1));
    }

    /** Whether the component is a vertex. */
    boolean subjectIsVertex() {
        return nodes.get(firstOfSubject()).vertex() != null;
    }

    /** The place of the component's first node. */
    int firstOfSubject() {
        for (int i = 0; i < nodes.size(); i++) {
            if (subject.contains(nodes.get(i).name())) {
                return i;
            }
        }
        throw new IllegalStateException("no node of " + component + " is called one of " + subject);
    }

    /** The same network with other nodes. */
    Plan with(UnaryOperator<Node> change) {
        return new Plan(component, graph, inputs, nodes.stream().map(change).toList(), subject, outputs, data);
    }

    /** An initialised network. */
    Model build(Settings settings) {
        Model model = graph ? newGraph(settings) : newChain(settings);
        model.init();
        giveShrinkage(model);
        return model;
    }

    private Model newChain(Settings settings) {
        NeuralNetConfiguration.ListBuilder list = settings.base().list();
        nodes.forEach(node -> list.layer(node.newLayer()));
        return new MultiLayerNetwork(list.setInputType(inputs.get(0)).build());
    }

    private Model newGraph(Settings settings) {
        GraphBuilder builder = settings.base().graphBuilder();
        for (int i = 0; i < inputs.size(); i++) {
            builder.addInputs("in" + i);
        }
        nodes.forEach(node -> node.addTo(builder));
        return new ComputationGraph(builder.setOutputs(outputs.toArray(new String[0]))
                .setInputTypes(inputs.toArray(new InputType[0]))
                .build());
    }

    /** Gives I-STAR, whose ζ is positive here, a covariance where it has none. */
    static void giveShrinkage(Model model) {
        for (Map.Entry<String, INDArray> parameter : model.paramTable().entrySet()) {
            INDArray values = parameter.getValue();
            if (parameter.getKey().endsWith("_S") && values.amaxNumber().doubleValue() == 0) {
                int n = (int) values.size(0);
                INDArray points = Components.random(5, 3L * n, n).muli(0.3).castTo(values.dataType());
                values.assign(new ShrinkageCovariance(n).add(points).covariance());
            }
        }
    }

    /** The keys of the component's own parameters. */
    List<String> parametersOfSubject(Model model) {
        List<String> keys = new ArrayList<>();
        for (int i = 0; i < nodes.size(); i++) {
            if (subject.contains(nodes.get(i).name())) {
                String prefix = (graph ? nodes.get(i).name() : String.valueOf(i)) + "_";
                model.paramTable().keySet().stream()
                        .filter(key -> key.startsWith(prefix))
                        .forEach(keys::add);
            }
        }
        return keys;
    }

    /** The keys of parameters that training leaves alone by design. */
    List<String> fixedParameters(Model model) {
        return model.paramTable().keySet().stream()
                .filter(key -> key.endsWith("_S"))
                .toList();
    }

    @Override
    public String toString() {
        return component + " in " + kind();
    }
}
