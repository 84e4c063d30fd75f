/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** A Llama of a llama2.c checkpoint. */
public final class LlamaLm implements CausalLm {
    private final String name;
    private final String fingerprint;
    private final LlamaCheckpoint checkpoint;
    private final LlamaTokenizer tokenizer;
    private final SameDiff graph;

    private LlamaLm(String name, String fingerprint, LlamaCheckpoint checkpoint, LlamaTokenizer tokenizer) {
        this.name = name;
        this.fingerprint = fingerprint;
        this.checkpoint = checkpoint;
        this.tokenizer = tokenizer;
        this.graph = Llama.graph(checkpoint, DataType.FLOAT);
    }

    /**
     * Reads a model.
     *
     * @param name its name
     * @param weights a llama2.c checkpoint
     * @param tokens the tokenizer's file
     * @return the model
     * @throws IOException if a file can't be read or isn't what it should be
     */
    public static LlamaLm read(String name, Path weights, Path tokens) throws IOException {
        LlamaCheckpoint checkpoint = LlamaCheckpoint.read(weights);
        LlamaTokenizer tokenizer =
                LlamaTokenizer.read(tokens, checkpoint.sizes().vocabulary());
        return new LlamaLm(name, Digests.sha256(weights), checkpoint, tokenizer);
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
        return checkpoint.sizes().width();
    }

    @Override
    public INDArray head() {
        return checkpoint.head().transpose();
    }

    @Override
    public int[] encode(String text) {
        return tokenizer.encode(text);
    }

    @Override
    public INDArray lastStates(List<int[]> prompts) {
        int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
        if (longest > checkpoint.sizes().positions()) {
            throw new IllegalArgumentException(
                    "prompts: expected at most " + checkpoint.sizes().positions() + " tokens each, found " + longest);
        }
        int[][] tokens = new int[prompts.size()][longest];
        float[][] mask = new float[prompts.size()][longest];
        for (int i = 0; i < prompts.size(); i++) {
            int[] prompt = prompts.get(i);
            System.arraycopy(prompt, 0, tokens[i], 0, prompt.length);
            Arrays.fill(mask[i], 0, prompt.length, 1);
        }
        INDArray states = graph.output(
                        Map.of(Llama.TOKENS, Nd4j.createFromArray(tokens), Llama.MASK, Nd4j.createFromArray(mask)),
                        Llama.FINAL)
                .get(Llama.FINAL);
        INDArray last = Nd4j.createUninitialized(DataType.FLOAT, prompts.size(), width());
        for (int i = 0; i < prompts.size(); i++) {
            int end = prompts.get(i).length - 1;
            last.putRow(i, states.get(NDArrayIndex.point(i), NDArrayIndex.point(end), NDArrayIndex.all()));
        }
        return last;
    }
}
