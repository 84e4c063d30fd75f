/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.schedule.ISchedule;

/**
 * Co-supervision of a language model: next-token and next-sequence prediction in one DL4J graph,
 * {@code L = L_NTP + λ·L_NSP}.
 *
 * <p>A graph needs two towers: Gen, a causal language model over the input {@value #TOKENS}, and Emb_seq, a sequence
 * encoder over the input {@value #PASSAGES}, separate or sharing their layers ({@link SequenceStackVertex}).
 * {@link #heads} adds everything behind them:
 *
 * <pre>{@code
 * GraphBuilder graph = new NeuralNetConfiguration.Builder().updater(new Adam(1e-3)).graphBuilder()
 *     .addInputs("tokens", "passages")
 *     .addLayer("words", new EmbeddingSequenceLayer.Builder().nIn(vocabulary).nOut(128).build(), "tokens")
 *     .addLayer("gen", new LSTM.Builder().nIn(128).nOut(256).build(), "words")
 *     .addLayer("passageWords", new EmbeddingSequenceLayer.Builder().nIn(vocabulary).nOut(128).build(), "passages")
 *     .addLayer("emb", new LSTM.Builder().nIn(128).nOut(256).build(), "passageWords");
 * CoSupervision.heads(graph, new CoSupervision.Heads.Builder("gen", "emb", 256, vocabulary).build());
 * ComputationGraph network = new ComputationGraph(graph.build());
 * network.init();
 * network.fit(new CoSupervisionIterator(...));
 * CoSupervision.losses(network);               // next token and next sequence, separately
 * }</pre>
 *
 * <table>
 * <caption>What a minibatch (MultiDataSet) holds; N texts of T tokens, M passages of S tokens</caption>
 * <tr><th>array</th><th>shape</th><th>mask</th></tr>
 * <tr><td>feature {@value #TOKENS}</td><td>{@code [N, T]} token ids</td><td>{@code [N, T]}</td></tr>
 * <tr><td>feature {@value #PASSAGES}</td><td>{@code [M, S]} token ids</td><td>{@code [M, S]}</td></tr>
 * <tr><td>feature {@value #PASSAGE_IDS}</td><td>{@code [M, 1]} what passage each is</td><td>none</td></tr>
 * <tr><td>label {@value #NEXT_TOKEN}</td><td>{@code [N, 1, T]} token ids</td><td>{@code [N, T]} 1 at targets</td></tr>
 * <tr><td>label {@value #NEXT_SEQUENCE}</td><td>{@code [N, K, T]} numbers of the positives among the M passages, -1 for
 *     none</td><td>{@code [N, T]} 1 at [Ret] positions</td></tr>
 * </table>
 *
 * <p>Source: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024.
 */
public final class CoSupervision {
    /** Input of the language model. */
    public static final String TOKENS = "tokens";

    /** Input of the sequence encoder. */
    public static final String PASSAGES = "passages";

    /** Input that says what passage each of the batch's passages is. */
    public static final String PASSAGE_IDS = "passageIds";

    /** The next-token head. */
    public static final String NEXT_TOKEN = "nextToken";

    /** The next-sequence head. */
    public static final String NEXT_SEQUENCE = "nextSequence";

    /** The keys: one vector per passage. */
    public static final String KEYS = "keys";

    /** The vertex before the next-sequence head. */
    private static final String QUERIES_AND_KEYS = "queriesAndKeys";

    private CoSupervision() {}

    /** A head's part in the last loss; runtime layers are heads. */
    public interface Head {
        /**
         * The head's mean loss at its last minibatch, without its weight.
         *
         * @return the loss, NaN before the first
         */
        double lastLoss();

        /**
         * The weight of the head's loss at its last minibatch.
         *
         * @return the weight, NaN before the first
         */
        double lastWeight();
    }

    /** Something with a memory of keys; the runtime vertex before a next-sequence head is. */
    public interface Remembering {
        /**
         * The memory itself, no copy.
         *
         * @return the memory
         */
        KeyMemory memory();
    }

    /**
     * The two parts of a loss.
     *
     * @param nextToken mean cross-entropy per target token, without its weight
     * @param nextSequence mean contrastive loss per [Ret], without its weight; 0 for a minibatch without any
     * @param lossWeight λ, the weight of the second
     */
    public record Losses(double nextToken, double nextSequence, double lossWeight) {}

    /**
     * Adds both heads to a graph under construction: the layers {@value #NEXT_TOKEN} and {@value #NEXT_SEQUENCE}, which
     * become its outputs, the vertices {@value #KEYS} and one more before the second, and the input {@value #PASSAGE_IDS}.
     * Input types, where they are wanted, are set afterwards, for all three inputs; {@value #PASSAGE_IDS} is
     * {@code InputType.feedForward(1)}.
     *
     * @param graph a graph with the inputs {@value #TOKENS} and {@value #PASSAGES} and the two towers
     * @param heads the options
     * @return the graph
     */
    public static GraphBuilder heads(GraphBuilder graph, Heads heads) {
        Objects.requireNonNull(heads, "heads must be given, found null");
        graph.addInputs(PASSAGE_IDS);
        graph.addLayer(
                NEXT_TOKEN,
                new NextTokenOutputLayer.Builder()
                        .nIn(heads.stateSize)
                        .nOut(heads.vocabularySize)
                        .lossWeight(heads.nextTokenWeight)
                        .build(),
                heads.generator);
        String keys = heads.sequenceEncoder;
        if (heads.pooling != null) {
            graph.addVertex(KEYS, new SequencePoolingVertex(heads.pooling), heads.sequenceEncoder);
            keys = KEYS;
        }
        NextSequenceOutputLayer.Builder nextSequence = new NextSequenceOutputLayer.Builder()
                .nIn(heads.stateSize)
                .contrast(heads.contrast)
                .memorySize(heads.memorySize)
                .lossWeight(heads.lossWeight);
        if (heads.lossWeightSchedule != null) {
            nextSequence.lossWeight(heads.lossWeightSchedule);
        }
        return graph.addVertex(
                        QUERIES_AND_KEYS, new NextSequenceVertex(heads.memorySize), heads.generator, keys, PASSAGE_IDS)
                .addLayer(NEXT_SEQUENCE, nextSequence.build(), QUERIES_AND_KEYS)
                .setOutputs(NEXT_TOKEN, NEXT_SEQUENCE);
    }

    /**
     * The parts of the loss of a graph's last minibatch, for listeners: {@code graph.score()} is their weighted sum and
     * what regularization adds.
     *
     * @param graph a graph with both heads
     * @return the losses; NaN before the first minibatch
     * @throws IllegalArgumentException if the graph does not have both heads
     */
    public static Losses losses(ComputationGraph graph) {
        Head nextSequence = head(graph, NEXT_SEQUENCE);
        return new Losses(head(graph, NEXT_TOKEN).lastLoss(), nextSequence.lastLoss(), nextSequence.lastWeight());
    }

    private static Head head(ComputationGraph graph, String name) {
        if (graph.getVertex(name) != null && graph.getVertex(name).getLayer() instanceof Head head) {
            return head;
        }
        throw new IllegalArgumentException("graph must have the layer \"" + name
                + "\" of CoSupervision.heads, found the vertices "
                + graph.getConfiguration().getVertices().keySet());
    }

    /**
     * The memory of a graph's past keys.
     *
     * @param graph a graph with both heads
     * @return the memory itself, no copy
     * @throws IllegalArgumentException if the graph has no next-sequence vertex
     */
    public static KeyMemory keyMemory(ComputationGraph graph) {
        return Arrays.stream(graph.getVertices())
                .filter(Remembering.class::isInstance)
                .map(vertex -> ((Remembering) vertex).memory())
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("graph must have a NextSequenceVertex, found the vertices "
                                + graph.getConfiguration().getVertices().keySet()));
    }

    /**
     * The language model alone, as a graph of its own with copies of the parameters: from {@value #TOKENS} to the
     * next token's probabilities and to the states behind them, which at [Ret] are the queries.
     *
     * @param graph an initialised graph with both heads
     * @return a graph with one input and the outputs {@value #NEXT_TOKEN} {@code [N, V, T]} and states {@code [N, d, T]}
     * @throws IllegalArgumentException if the graph does not have both heads
     */
    public static ComputationGraph generator(ComputationGraph graph) {
        head(graph, NEXT_TOKEN);
        String states =
                graph.getConfiguration().getVertexInputs().get(NEXT_TOKEN).get(0);
        return part(graph, TOKENS, NEXT_TOKEN, states);
    }

    /**
     * The sequence encoder alone, as a graph of its own with copies of the parameters: from {@value #PASSAGES} to keys.
     *
     * @param graph an initialised graph with both heads
     * @return a graph with one input and one output, keys {@code [M, d]}
     * @throws IllegalArgumentException if the graph does not have both heads
     */
    public static ComputationGraph sequenceEncoder(ComputationGraph graph) {
        head(graph, NEXT_SEQUENCE);
        return part(
                graph,
                PASSAGES,
                graph.getConfiguration().getVertexInputs().get(QUERIES_AND_KEYS).get(1));
    }

    /** What lies between an input and some outputs. Stacks of one batch are left out. */
    private static ComputationGraph part(ComputationGraph graph, String input, String... outputs) {
        ComputationGraphConfiguration whole = graph.getConfiguration().clone();
        Map<String, List<String>> inputs = new HashMap<>();
        whole.getVertexInputs().forEach((name, from) -> inputs.put(name, List.copyOf(from)));
        Map<String, String> sameAs = new HashMap<>();
        whole.getVertices().forEach((name, vertex) -> {
            if (vertex instanceof SequenceStackVertex) {
                sameAs.put(name, input);
            } else if (vertex instanceof SequenceUnstackVertex) {
                sameAs.put(name, inputs.get(name).get(0));
            }
        });
        Set<String> needed = new LinkedHashSet<>();
        for (String output : outputs) {
            collect(resolve(output, sameAs), inputs, sameAs, needed);
        }
        if (!needed.remove(input)) {
            throw new IllegalArgumentException("graph must have a path from input \"" + input + "\" to "
                    + Arrays.toString(outputs) + ", found one from " + needed);
        }
        GraphBuilder builder = base(whole).graphBuilder().addInputs(input);
        for (String name : needed) {
            GraphVertex vertex = whole.getVertices().get(name);
            if (vertex == null) {
                throw new IllegalArgumentException("graph must need no input but \"" + input + "\" for "
                        + Arrays.toString(outputs) + ", it needs \"" + name + "\"");
            }
            String[] from = inputs.get(name).stream()
                    .map(source -> resolve(source, sameAs))
                    .toArray(String[]::new);
            if (vertex instanceof LayerVertex layer) {
                builder.addLayer(name, layer.getLayerConf().getLayer(), layer.getPreProcessor(), from);
            } else {
                builder.addVertex(name, vertex, from);
            }
        }
        builder.setOutputs(
                Arrays.stream(outputs).map(output -> resolve(output, sameAs)).toArray(String[]::new));
        ComputationGraph part =
                new ComputationGraph(builder.validateOutputLayerConfig(false).build());
        part.init();
        part.paramTable().forEach((name, values) -> values.assign(graph.getParam(name)));
        return part;
    }

    private static NeuralNetConfiguration.Builder base(ComputationGraphConfiguration whole) {
        return new NeuralNetConfiguration.Builder(whole.getDefaultConfiguration())
                .dataType(whole.getDataType())
                .trainingWorkspaceMode(whole.getTrainingWorkspaceMode())
                .inferenceWorkspaceMode(whole.getInferenceWorkspaceMode());
    }

    private static String resolve(String name, Map<String, String> sameAs) {
        String resolved = name;
        while (sameAs.containsKey(resolved)) {
            resolved = sameAs.get(resolved);
        }
        return resolved;
    }

    /** Sources come before what they feed. */
    private static void collect(
            String name, Map<String, List<String>> inputs, Map<String, String> sameAs, Set<String> needed) {
        for (String source : inputs.getOrDefault(name, List.of())) {
            String resolved = resolve(source, sameAs);
            if (!needed.contains(resolved)) {
                collect(resolved, inputs, sameAs, needed);
            }
        }
        needed.add(name);
    }

    /** Options of both heads. */
    public static final class Heads {
        private final String generator;
        private final String sequenceEncoder;
        private final int stateSize;
        private final int vocabularySize;
        private final double nextTokenWeight;
        private final double lossWeight;
        private final @Nullable ISchedule lossWeightSchedule;
        private final Contrast contrast;
        private final int memorySize;
        private final @Nullable Pooling pooling;

        private Heads(Builder builder) {
            generator = builder.generator;
            sequenceEncoder = builder.sequenceEncoder;
            stateSize = builder.stateSize;
            vocabularySize = builder.vocabularySize;
            nextTokenWeight = builder.nextTokenWeight;
            lossWeight = builder.lossWeight;
            lossWeightSchedule = builder.lossWeightSchedule;
            contrast = builder.contrast;
            memorySize = builder.memorySize;
            pooling = builder.pooling;
        }

        /** Builds {@link Heads}. */
        public static final class Builder {
            private final String generator;
            private final String sequenceEncoder;
            private final int stateSize;
            private final int vocabularySize;
            private double nextTokenWeight = 1;
            private double lossWeight = NextSequenceOutputLayer.DEFAULT_LOSS_WEIGHT;
            private @Nullable ISchedule lossWeightSchedule;
            private Contrast contrast = Contrast.PAPER;
            private int memorySize;
            private @Nullable Pooling pooling = Pooling.LAST;

            /**
             * Creates a builder with the paper's options: λ = 0.01, dot product, the last token's state as key, no memory.
             *
             * @param generator name of the layer whose states {@code [N, d, T]} predict both
             * @param sequenceEncoder name of the layer whose states {@code [M, d, S]} make the keys
             * @param stateSize d, the same for both
             * @param vocabularySize number of tokens
             * @throws IllegalArgumentException if a size is not positive
             */
            public Builder(String generator, String sequenceEncoder, int stateSize, int vocabularySize) {
                this.generator = Objects.requireNonNull(generator, "generator must be given, found null");
                this.sequenceEncoder =
                        Objects.requireNonNull(sequenceEncoder, "sequenceEncoder must be given, found null");
                this.stateSize = requirePositive("stateSize", stateSize);
                this.vocabularySize = requirePositive("vocabularySize", vocabularySize);
            }

            private static int requirePositive(String name, int value) {
                if (value <= 0) {
                    throw new IllegalArgumentException(name + " must be positive, found " + value);
                }
                return value;
            }

            /**
             * Sets the weight of the next-token loss.
             *
             * @param nextTokenWeight 0 to 1e30; default 1, 0 trains on sequences alone
             * @return this
             */
            public Builder nextTokenWeight(double nextTokenWeight) {
                this.nextTokenWeight = nextTokenWeight;
                return this;
            }

            /**
             * Sets λ, the weight of the next-sequence loss.
             *
             * @param lossWeight 0 to 1e30; default 0.01, 0 trains on tokens alone
             * @return this
             */
            public Builder lossWeight(double lossWeight) {
                this.lossWeight = lossWeight;
                this.lossWeightSchedule = null;
                return this;
            }

            /**
             * Lets λ follow a schedule.
             *
             * @param lossWeight gives finite weights of at least 0
             * @return this
             */
            public Builder lossWeight(ISchedule lossWeight) {
                this.lossWeightSchedule = lossWeight;
                return this;
            }

            /**
             * Sets similarity, temperature and direction.
             *
             * @param contrast how queries and keys are contrasted; default the paper's
             * @return this
             */
            public Builder contrast(Contrast contrast) {
                this.contrast = Objects.requireNonNull(contrast, "contrast must be given, found null");
                return this;
            }

            /**
             * Sets how many keys of past minibatches serve as further negatives.
             *
             * @param memorySize at least 0; default 0
             * @return this
             */
            public Builder memorySize(int memorySize) {
                this.memorySize = KeyMemory.requireCapacity(memorySize);
                return this;
            }

            /**
             * Sets how the encoder's states become keys.
             *
             * @param pooling the pooling; default LAST; null where the encoder's output is {@code [M, d]} already
             * @return this
             */
            public Builder pooling(@Nullable Pooling pooling) {
                this.pooling = pooling;
                return this;
            }

            /**
             * Builds the options.
             *
             * @return the options
             */
            public Heads build() {
                return new Heads(this);
            }
        }
    }
}
