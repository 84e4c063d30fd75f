/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.matrix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Contracts;
import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.istar.ActivationPenalty;
import io.latent4j.istar.IStar;
import io.latent4j.it.matrix.Plan.Node;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.graph.FrozenVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Sgd;

/** What is kept when a network is taken over in part. */
final class TransferContracts {
    private TransferContracts() {}

    /** TransferLearning makes every graph FLOAT. */
    static void transferLearning(Plan plan, Path folder) throws IOException {
        MultiDataSet data = Models.cast(plan.data(), DataType.FLOAT);
        for (int cut : new TreeSet<>(List.of(plan.firstOfSubject(), plan.nodes().size() - 1))) {
            Model model = plan.build(new Settings(DataType.FLOAT, true, WorkspaceMode.ENABLED, new Sgd(0.1)));
            Models.fit(model, data);
            Model result = plan.graph()
                    ? replaced(plan, (ComputationGraph) model, cut)
                    : replaced(plan, (MultiLayerNetwork) model, cut);
            Set<String> frozen = below(plan, cut);
            Map<String, INDArray> before = copies(model);
            // Of layers, not of vertices; for these the table has a remark
            for (String key : plan.fixedParameters(result)) {
                boolean copied = frozen.contains(key.substring(0, key.indexOf('_'))) && !plan.subjectIsVertex();
                assertEquals(
                        copied ? before.get(key) : before.get(key).mul(0),
                        result.paramTable().get(key),
                        key);
            }
            Plan.giveShrinkage(result);
            Map<String, INDArray> start = copies(result);
            for (int i = 0; i < 3; i++) {
                Models.fit(result, data);
            }
            boolean trained = false;
            for (Map.Entry<String, INDArray> parameter : result.paramTable().entrySet()) {
                String key = parameter.getKey();
                if (frozen.contains(key.substring(0, key.indexOf('_')))) {
                    assertEquals(before.get(key), parameter.getValue(), key);
                } else {
                    trained |= !start.get(key).equals(parameter.getValue());
                }
            }
            boolean trainable = start.keySet().stream()
                    .anyMatch(key -> !frozen.contains(key.substring(0, key.indexOf('_')))
                            && !plan.fixedParameters(result).contains(key));
            assertEquals(trainable, trained);
            Contracts.savingLosesNothing(result, data, folder);
        }
    }

    private static FineTuneConfiguration fineTuning() {
        return new FineTuneConfiguration.Builder().updater(new Sgd(0.1)).seed(7).build();
    }

    /** All layers from the cut on are new, those below frozen. */
    private static Model replaced(Plan plan, MultiLayerNetwork network, int cut) {
        int layers = plan.nodes().size();
        TransferLearning.Builder builder = new TransferLearning.Builder(network).fineTuneConfiguration(fineTuning());
        builder.setFeatureExtractor(cut - 1).removeLayersFromOutput(layers - cut);
        for (int i = cut; i < layers; i++) {
            builder.addLayer(
                    network.getLayerWiseConfigurations().getConf(i).getLayer().clone());
        }
        return builder.build();
    }

    private static Model replaced(Plan plan, ComputationGraph graph, int cut) {
        TransferLearning.GraphBuilder builder =
                new TransferLearning.GraphBuilder(graph).fineTuneConfiguration(fineTuning());
        Set<String> frozen = below(plan, cut);
        if (!frozen.isEmpty()) {
            builder.setFeatureExtractor(frozen.toArray(new String[0]));
        }
        List<Node> nodes = plan.nodes();
        for (int i = nodes.size() - 1; i >= cut; i--) {
            builder.removeVertexAndConnections(nodes.get(i).name());
        }
        for (Node node : nodes.subList(cut, nodes.size())) {
            GraphVertex vertex = graph.getConfiguration().getVertices().get(node.name());
            String[] from = node.from().toArray(new String[0]);
            if (vertex instanceof LayerVertex layer) {
                builder.addLayer(node.name(), layer.getLayerConf().getLayer().clone(), from);
            } else {
                builder.addVertex(node.name(), vertex.clone(), from);
            }
        }
        return builder.setOutputs(plan.outputs().toArray(new String[0])).build();
    }

    /** What the nodes from the cut on read, directly or not, below the cut; a chain's layers by number. */
    private static Set<String> below(Plan plan, int cut) {
        Set<String> found = ancestors(
                plan,
                plan.nodes().subList(cut, plan.nodes().size()).stream()
                        .map(Node::name)
                        .toList());
        Set<String> kept = new HashSet<>();
        for (int i = 0; i < cut; i++) {
            String name = plan.nodes().get(i).name();
            if (found.contains(name)) {
                kept.add(plan.graph() ? name : String.valueOf(i));
            }
        }
        return kept;
    }

    /** What some nodes read, directly or not. */
    private static Set<String> ancestors(Plan plan, List<String> names) {
        Set<String> found = new HashSet<>();
        for (int i = plan.nodes().size() - 1; i >= 0; i--) {
            Node node = plan.nodes().get(i);
            if (names.contains(node.name()) || found.contains(node.name())) {
                found.addAll(node.from());
            }
        }
        return found;
    }

    private static Map<String, INDArray> copies(Model model) {
        Map<String, INDArray> copies = new TreeMap<>();
        model.paramTable().forEach((key, values) -> copies.put(key, values.dup()));
        return copies;
    }

    static void frozen(Plan plan) {
        Model free = plan.build(Settings.training(new Sgd(0.1)));
        // What lies below must be frozen as well: DL4J hands no gradient through a frozen layer
        Set<String> stay = ancestors(plan, plan.subject());
        stay.addAll(plan.subject());
        Plan wrapped = plan.with(node -> !stay.contains(node.name())
                ? node
                : node.layer() != null
                        ? new Node(node.name(), new FrozenLayer(node.newLayer()), null, node.from())
                        : new Node(node.name(), null, new FrozenVertex(node.vertex()), node.from()));
        Model frozen = wrapped.build(Settings.training(new Sgd(0.1)));
        frozen.setParams(free.params());
        MultiDataSet data = plan.data();
        assertArrayEquals(Models.output(free, data, false), Models.output(frozen, data, false));
        double score = Models.score(free, data, false);
        // FrozenLayer leaves out what a layer adds to the score, FrozenVertex does not
        double dropped = plan.subjectIsVertex()
                ? 0
                : IStar.penalties(free).stream()
                        .mapToDouble(ActivationPenalty::penalty)
                        .sum();
        assertEquals(score - dropped, Models.score(frozen, data, false), 1e-12);
        INDArray start = frozen.params().dup();
        Map<String, INDArray> before = copies(frozen);
        for (int i = 0; i < 3; i++) {
            Models.fit(frozen, data);
        }
        for (String key : plan.parametersOfSubject(frozen)) {
            assertEquals(before.get(key), frozen.paramTable().get(key), key);
        }
        assertNotEquals(start, frozen.params());
        assertTrue(frozen.params().isNaN().none());
        Contracts.jsonLosesNothing(frozen, data);
    }
}
