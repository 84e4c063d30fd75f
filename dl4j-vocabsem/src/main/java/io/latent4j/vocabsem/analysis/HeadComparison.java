/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticBases.Route;
import io.latent4j.vocabsem.SemanticLogitsConfiguration;
import io.latent4j.vocabsem.TokenVectors;
import io.latent4j.vocabsem.analysis.LensReport.HeadCheck;
import java.util.Arrays;
import java.util.function.Supplier;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Do bases belong to a network? Its head, or for bases of the input side its embedding, is compared by fingerprint. */
final class HeadComparison {

    private HeadComparison() {}

    static HeadCheck of(MultiLayerNetwork network, SemanticBases bases) {
        return of(
                network.getOutputLayer(),
                bases,
                () -> TokenVectors.outputLayer(network),
                () -> TokenVectors.embeddingLayer(network));
    }

    static HeadCheck of(ComputationGraph graph, SemanticBases bases) {
        String output = graph.getConfiguration().getNetworkOutputs().get(0);
        return of(
                graph.getLayer(output),
                bases,
                () -> TokenVectors.outputLayer(graph, output),
                () -> TokenVectors.embeddingLayer(graph));
    }

    private static HeadCheck of(
            @Nullable Layer output,
            SemanticBases bases,
            Supplier<TokenVectors> head,
            Supplier<TokenVectors> embedding) {
        if (output != null && NetworkStates.configuration(output) instanceof SemanticLogitsConfiguration) {
            HeadCheck held = ofSemanticLogits(output.getParam(DefaultParamInitializer.WEIGHT_KEY), bases);
            if (held.state() != HeadCheck.State.MISMATCH) {
                return held;
            } // by DOT it may be the head from which the bases came
        }
        boolean inputSide = bases.computation().route() == Route.VECTORS;
        String side = inputSide ? "embedding" : "head";
        try {
            String found = (inputSide ? SemanticBases.embedding(embedding.get()) : SemanticBases.head(head.get()))
                    .fingerprint();
            return found.equals(bases.fingerprint())
                    ? new HeadCheck(HeadCheck.State.MATCH, "the bases came from the network's own " + side)
                    : new HeadCheck(
                            HeadCheck.State.MISMATCH,
                            "the bases came from another " + side + " (" + brief(bases.fingerprint())
                                    + ") than the network's (" + brief(found) + "), or it was trained since");
        } catch (IllegalArgumentException e) {
            return new HeadCheck(HeadCheck.State.UNKNOWN, "not compared, " + e.getMessage());
        }
    }

    /** A head of semantic logits holds the bases themselves, perhaps only those of labels. */
    private static HeadCheck ofSemanticLogits(INDArray weights, SemanticBases bases) {
        INDArray held = weights.transpose();
        if (!Arrays.equals(held.shape(), bases.matrix().shape())) {
            return new HeadCheck(
                    HeadCheck.State.UNKNOWN,
                    "not compared, the network's output layer holds " + held.size(0)
                            + " semantic bases, of other tokens than these " + bases.size());
        }
        return held.castTo(bases.matrix().dataType()).equalsWithEps(bases.matrix(), 0)
                ? new HeadCheck(HeadCheck.State.MATCH, "the network's output layer holds these bases")
                : new HeadCheck(HeadCheck.State.MISMATCH, "the network's output layer holds other semantic bases");
    }

    private static String brief(String fingerprint) {
        return fingerprint.substring(0, Math.min(12, fingerprint.length()));
    }
}
