/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** The LSTM language model: an ordinary DL4J network whose last layer is the head. */
public final class LstmLm implements CausalLm {
    private final String name;
    private final MultiLayerNetwork network;
    private final Words words;
    private final String fingerprint;

    private LstmLm(String name, MultiLayerNetwork network, Words words, String fingerprint) {
        this.name = name;
        this.network = network;
        this.words = words;
        this.fingerprint = fingerprint;
    }

    /**
     * Reads a model.
     *
     * @param name its name
     * @param file the network, as DL4J saves it
     * @param words its vocabulary
     * @return the model
     * @throws IOException if the file can't be read or the network has another vocabulary
     */
    public static LstmLm read(String name, Path file, Words words) throws IOException {
        MultiLayerNetwork network = MultiLayerNetwork.load(file.toFile(), false);
        LstmLm model = new LstmLm(name, network, words, Digests.sha256(file));
        if (model.head().size(1) != words.size()) {
            throw new IOException(file + ": expected a head for " + words.size() + " tokens, found "
                    + model.head().size(1));
        }
        return model;
    }

    /** The network, head included. */
    public MultiLayerNetwork network() {
        return network;
    }

    /** The vocabulary. */
    public Words words() {
        return words;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String fingerprint() {
        return fingerprint;
    }

    @Override
    public int width() {
        return Math.toIntExact(head().size(0));
    }

    @Override
    public INDArray head() {
        return network.getOutputLayer().getParam("W");
    }

    @Override
    public int[] encode(String text) {
        return words.encode(text);
    }

    @Override
    public INDArray lastStates(List<int[]> prompts) {
        int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
        float[] features = new float[prompts.size() * longest]; // padding comes last, where no state sees it
        for (int i = 0; i < prompts.size(); i++) {
            int[] prompt = prompts.get(i);
            for (int t = 0; t < prompt.length; t++) {
                features[i * longest + t] = prompt[t];
            }
        }
        INDArray states = network.feedForwardToLayer(
                        network.getnLayers() - 2,
                        Nd4j.createFromArray(features).reshape(prompts.size(), 1, longest),
                        false)
                .get(network.getnLayers() - 1);
        INDArray last = Nd4j.createUninitialized(DataType.FLOAT, prompts.size(), width());
        for (int i = 0; i < prompts.size(); i++) {
            int end = prompts.get(i).length - 1;
            last.putRow(i, states.get(NDArrayIndex.point(i), NDArrayIndex.all(), NDArrayIndex.point(end)));
        }
        return last;
    }
}
