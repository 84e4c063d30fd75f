/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BinaryOperator;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Turns sequences of tokens into keys by a sequence encoder, Emb_seq, and puts them into an index.
 *
 * <pre>{@code
 * SequenceEncoder encoder = new SequenceEncoder(CoSupervision.sequenceEncoder(graph));
 * encoder.index(ids, tokens, index);
 * }</pre>
 *
 * <p>Sequences of like length are encoded together, padded and masked. Not for concurrent use, as its network.
 */
public final class SequenceEncoder {
    /** Sequences that are encoded together at most. */
    private static final int BATCH = 64;

    /** Token ids [M, S] and their mask [M, S] to keys [M, d]. */
    private final BinaryOperator<INDArray> keys;

    private final int fixedLength;

    /**
     * Creates an encoder.
     *
     * @param network a graph with one input, token ids {@code [M, S]} with mask {@code [M, S]}, and keys {@code [M, d]} as
     *     its first output
     * @throws IllegalArgumentException if the graph has more than one input
     */
    public SequenceEncoder(ComputationGraph network) {
        if (network.getNumInputArrays() != 1) {
            throw new IllegalArgumentException("network must have one input, found "
                    + network.getConfiguration().getNetworkInputs());
        }
        this.keys = (tokens, mask) -> network.output(false, new INDArray[] {tokens}, new INDArray[] {mask}, null)[0];
        this.fixedLength = 0;
    }

    /**
     * Creates an encoder of a SameDiff graph.
     *
     * @param graph the graph
     * @param tokens name of its placeholder of token ids, {@code [M, S]}; where S is fixed, all sequences are padded to it
     * @param mask name of its placeholder {@code [M, S]} that wants 1 for tokens and 0 for padding
     * @param keys name of its variable of keys, {@code [M, d]}
     * @throws IllegalArgumentException if the graph lacks a name, or tokens or mask is no placeholder
     */
    public SequenceEncoder(SameDiff graph, String tokens, String mask, String keys) {
        SDVariable tokensInput = placeholder(graph, "tokens", tokens);
        SDVariable maskInput = placeholder(graph, "mask", mask);
        if (!graph.hasVariable(keys)) {
            throw new IllegalArgumentException("keys must be one of the graph's variables, found " + keys);
        }
        long @Nullable [] shape = tokensInput.getShape();
        this.fixedLength = shape == null || shape.length < 2 ? 0 : Math.toIntExact(Math.max(0, shape[1]));
        this.keys = (ids, real) -> {
            Map<String, INDArray> inputs = new HashMap<>();
            inputs.put(tokens, ids.castTo(tokensInput.dataType()));
            inputs.put(mask, real.castTo(maskInput.dataType()));
            return graph.output(inputs, keys).get(keys);
        };
    }

    private static SDVariable placeholder(SameDiff graph, String argument, String name) {
        if (!graph.hasVariable(name) || !graph.getVariable(name).isPlaceHolder()) {
            throw new IllegalArgumentException(argument + " must be a placeholder of the graph, found " + name);
        }
        return graph.getVariable(name);
    }

    /**
     * The keys of some sequences.
     *
     * @param sequences token ids, at least one each
     * @return one row per sequence, in their order, {@code [n, d]}, FLOAT
     * @throws IllegalArgumentException if there is no sequence, one without tokens, or one longer than the graph takes
     */
    public INDArray encode(List<int[]> sequences) {
        if (sequences.isEmpty()) {
            throw new IllegalArgumentException("sequences must hold at least one sequence, found none");
        }
        int[] byLength = IntStream.range(0, sequences.size())
                .boxed()
                .sorted((a, b) -> Integer.compare(sequences.get(a).length, sequences.get(b).length))
                .mapToInt(Integer::intValue)
                .toArray();
        if (sequences.get(byLength[0]).length == 0) {
            throw new IllegalArgumentException(
                    "sequences must have at least one token each, found none in sequence " + byLength[0]);
        }
        INDArray all = null;
        for (int from = 0; from < byLength.length; from += BATCH) {
            int[] chosen = Arrays.copyOfRange(byLength, from, Math.min(byLength.length, from + BATCH));
            INDArray batch = encode(sequences, chosen);
            if (all == null) {
                all = Nd4j.create(DataType.FLOAT, sequences.size(), batch.size(1));
            }
            for (int i = 0; i < chosen.length; i++) {
                all.putRow(chosen[i], batch.getRow(i));
            }
        }
        return Objects.requireNonNull(all);
    }

    private INDArray encode(List<int[]> sequences, int[] chosen) {
        int longest = sequences.get(chosen[chosen.length - 1]).length;
        if (fixedLength > 0 && longest > fixedLength) {
            throw new IllegalArgumentException("sequences must have at most " + fixedLength
                    + " tokens, as the graph takes, found " + longest + " in sequence " + chosen[chosen.length - 1]);
        }
        int length = Math.max(longest, fixedLength);
        int[][] tokens = new int[chosen.length][length];
        float[][] mask = new float[chosen.length][length];
        for (int i = 0; i < chosen.length; i++) {
            int[] sequence = sequences.get(chosen[i]);
            System.arraycopy(sequence, 0, tokens[i], 0, sequence.length);
            Arrays.fill(mask[i], 0, sequence.length, 1);
        }
        return keys.apply(Nd4j.createFromArray(tokens), Nd4j.createFromArray(mask))
                .castTo(DataType.FLOAT);
    }

    /**
     * Puts the keys of some sequences into an index; sequences that are there already are replaced.
     *
     * @param ids one id per sequence
     * @param sequences token ids, at least one each
     * @param index takes vectors of the network's width
     * @throws IllegalArgumentException as for {@link #encode}, or as the index says
     */
    public void index(List<String> ids, List<int[]> sequences, SequenceIndex index) {
        if (ids.size() != sequences.size()) {
            throw new IllegalArgumentException(
                    "ids must be as many as the " + sequences.size() + " sequences, found " + ids.size());
        }
        index.add(ids, encode(sequences));
    }
}
