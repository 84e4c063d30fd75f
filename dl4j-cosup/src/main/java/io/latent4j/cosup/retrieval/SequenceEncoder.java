/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.graph.ComputationGraph;
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

    private final ComputationGraph network;

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
        this.network = network;
    }

    /**
     * The keys of some sequences.
     *
     * @param sequences token ids, at least one each
     * @return one row per sequence, in their order, {@code [n, d]}, FLOAT
     * @throws IllegalArgumentException if there is no sequence or one without tokens
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
        INDArray keys = null;
        for (int from = 0; from < byLength.length; from += BATCH) {
            int[] chosen = Arrays.copyOfRange(byLength, from, Math.min(byLength.length, from + BATCH));
            INDArray batch = encode(sequences, chosen);
            if (keys == null) {
                keys = Nd4j.create(DataType.FLOAT, sequences.size(), batch.size(1));
            }
            for (int i = 0; i < chosen.length; i++) {
                keys.putRow(chosen[i], batch.getRow(i));
            }
        }
        return Objects.requireNonNull(keys);
    }

    private INDArray encode(List<int[]> sequences, int[] chosen) {
        int longest = sequences.get(chosen[chosen.length - 1]).length;
        int[][] tokens = new int[chosen.length][longest];
        float[][] mask = new float[chosen.length][longest];
        for (int i = 0; i < chosen.length; i++) {
            int[] sequence = sequences.get(chosen[i]);
            System.arraycopy(sequence, 0, tokens[i], 0, sequence.length);
            Arrays.fill(mask[i], 0, sequence.length, 1);
        }
        return network
                .output(
                        false,
                        new INDArray[] {Nd4j.createFromArray(tokens)},
                        new INDArray[] {Nd4j.createFromArray(mask)},
                        null)[0]
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
