/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import io.latent4j.vocabsem.layers.SemanticLogitsParamInitializer;
import java.util.List;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.nd4j.linalg.api.buffer.DataType;

/** Puts semantic logits where a network has its head, by DL4J's transfer learning. */
final class Heads {
    private Heads() {}

    static MultiLayerNetwork replace(MultiLayerNetwork network, LabelWords labels) {
        Layer old = network.getLayer(network.getnLayers() - 1).conf().getLayer();
        return replace(
                network,
                head(
                        old,
                        SemanticBases.head(TokenVectors.outputLayer(network))
                                .labels(labels)
                                .build()));
    }

    static ComputationGraph replace(ComputationGraph graph, LabelWords labels) {
        Layer old = graph.getLayer(onlyOutput(graph)).conf().getLayer();
        return replace(
                graph,
                head(
                        old,
                        SemanticBases.head(TokenVectors.outputLayer(graph))
                                .labels(labels)
                                .build()));
    }

    private static SemanticLogitsConfiguration head(Layer old, SemanticBases bases) {
        return old instanceof RnnOutputLayer
                ? new RnnSemanticLogits.Builder().bases(bases).build()
                : new SemanticLogits.Builder().bases(bases).build();
    }

    static MultiLayerNetwork replace(MultiLayerNetwork network, SemanticLogitsConfiguration head) {
        NeuralNetConfiguration old = network.getLayer(network.getnLayers() - 1).conf();
        return new TransferLearning.Builder(network)
                .fineTuneConfiguration(unchanged(old))
                .removeOutputLayer()
                .addLayer(fitted(head, old.getLayer()))
                .build();
    }

    static ComputationGraph replace(ComputationGraph graph, SemanticLogitsConfiguration head) {
        String name = onlyOutput(graph);
        NeuralNetConfiguration old = graph.getLayer(name).conf();
        List<String> inputs = graph.getConfiguration().getVertexInputs().get(name);
        SemanticLogitsConfiguration fitted = fitted(head, old.getLayer());
        ComputationGraph replaced = new TransferLearning.GraphBuilder(graph)
                .fineTuneConfiguration(unchanged(old))
                .removeVertexKeepConnections(name)
                .addLayer(name, fitted, inputs.toArray(String[]::new))
                .build();
        ComputationGraph typed = likeOriginal(replaced, graph, name);
        SemanticBases bases = fitted.initialBases();
        if (typed != replaced && bases != null) {
            typed.getLayer(name)
                    .setParam(
                            SemanticLogitsParamInitializer.BASES_KEY,
                            bases.matrix().transpose());
        }
        return typed;
    }

    /**
     * Gives an edited graph the type of the one it came from, and its layers their digits: M2.1's transfer learning makes
     * every graph a FLOAT one.
     *
     * @param head name of the one layer of the original that is no longer what it was
     */
    static ComputationGraph likeOriginal(ComputationGraph edited, ComputationGraph original, String head) {
        DataType type = original.getConfiguration().getDataType();
        if (edited.params().dataType() == type) {
            return edited;
        }
        ComputationGraph typed = edited.convertDataType(type);
        for (org.deeplearning4j.nn.api.Layer layer : original.getLayers()) {
            String name = layer.conf().getLayer().getLayerName();
            if (layer.numParams() > 0 && !name.equals(head)) {
                layer.paramTable()
                        .forEach((key, value) ->
                                typed.getLayer(name).getParam(key).assign(value));
            }
        }
        return typed;
    }

    private static String onlyOutput(ComputationGraph graph) {
        List<String> outputs = graph.getConfiguration().getNetworkOutputs();
        if (outputs.size() != 1) {
            throw new IllegalArgumentException("graph must have exactly one output, found " + outputs);
        }
        return outputs.get(0);
    }

    /** The new head with what it does not set itself: name, updater and layout of the old one. */
    private static SemanticLogitsConfiguration fitted(SemanticLogitsConfiguration head, Layer old) {
        SemanticLogitsConfiguration fitted = (SemanticLogitsConfiguration) head.clone();
        if (fitted.getLayerName() == null) {
            fitted.setLayerName(old.getLayerName());
        }
        if (old instanceof BaseOutputLayer output) {
            fitted.checkWidth(output.getNIn());
            if (fitted.getIUpdater() == null) {
                fitted.setIUpdater(output.getIUpdater().clone());
            }
        }
        if (fitted instanceof RnnSemanticLogits rnn
                && old instanceof RnnOutputLayer output
                && output.getRnnDataFormat() != null) {
            rnn.setDataFormat(output.getRnnDataFormat());
        }
        return fitted;
    }

    private static FineTuneConfiguration unchanged(NeuralNetConfiguration conf) {
        return new FineTuneConfiguration.Builder()
                .seed(conf.getSeed())
                .miniBatch(conf.isMiniBatch())
                .build();
    }
}
