/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.Similarity;
import io.latent4j.vocabsem.analysis.LensReport.HeadCheck;
import io.latent4j.vocabsem.analysis.LensReport.LayerReading;
import io.latent4j.vocabsem.analysis.LensReport.Reading;
import io.latent4j.vocabsem.analysis.LensReport.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.util.ComputationGraphUtil;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads hidden states as what they mean in the model's own vocabulary: at each layer and position the nearest tokens,
 * how near the gold token is, and how sure the state is of any.
 *
 * <p>When to use it: to see at which layer a language model settles on its next token, where a wrong answer comes from,
 * and how far states are from the basis of the token that they should mean. Since the bases are fixed by the model's
 * head, positions of different layers, texts and training stages are on one map.
 *
 * <pre>{@code
 * SemanticLens lens = SemanticLens.builder(SemanticBases.fromHead(head)).topK(5).build();
 * LensReport report = lens.read(network, iterator);
 * System.out.println(report.toTable());
 * LensPlots.heatMap(report, 0, vocabulary::word, Path.of("lens.png"));
 * }</pre>
 *
 * <p>With r a state, s_i the basis of token i:
 *
 * <pre>{@code
 * score_i = similarity(s_i, r),   p = softmax(scale · score),   entropy = −Σ p_i ln p_i
 * }</pre>
 *
 * <p>Cosines lie in [−1, 1], so with scale 1, as in the paper, probabilities over a large vocabulary are nearly equal
 * and only their order tells; a scale of 10 to 30 makes them comparable with those of a trained head. Ranks, agreements
 * and distances don't depend on the scale.
 *
 * <p>States are compared block by block: scores of K bases for as many states as {@link Builder#maxBytes(long)} allows,
 * never for all positions at once.
 *
 * <p>Reference: Gu et al., "Vocabulary-Defined Semantics", arXiv 2401.16184 (bases as landmarks, deviation of states
 * from them). Reading hidden layers through the head goes back to nostalgebraist, "Interpreting GPT: the logit lens",
 * 2020, and N. Belrose et al., "Eliciting Latent Predictions from Transformers with the Tuned Lens", arXiv 2303.08112.
 */
public final class SemanticLens {

    private static final Logger log = LoggerFactory.getLogger(SemanticLens.class);

    private final SemanticBases bases;
    private final Similarity similarity;
    private final double scale;
    private final int topK;
    private final List<String> layers;
    private final RNNFormat dataFormat;
    private final StateReader reader;

    private SemanticLens(Builder builder) {
        bases = builder.bases;
        similarity = builder.similarity;
        scale = builder.scale;
        topK = builder.topK;
        layers = List.copyOf(builder.layers);
        dataFormat = builder.dataFormat;
        reader = new StateReader(bases.matrix(), similarity, scale, topK, builder.maxBytes, builder.transform);
    }

    /**
     * A builder of a lens.
     *
     * @param bases a basis for each vocabulary entry, or only for those of interest: ids count their rows
     * @return a new builder
     */
    public static Builder builder(SemanticBases bases) {
        return new Builder(bases);
    }

    /**
     * Reads given states.
     *
     * @param statesByLayer layer name to states, [N, d] with a state per row or [mb, d, T] ([mb, T, d] if the data format
     *     is NWC); iteration order becomes the order of the report; unchanged
     * @return the report, without gold tokens
     * @throws IllegalArgumentException as {@link #read(Map, INDArray, INDArray)}
     */
    public LensReport read(Map<String, INDArray> statesByLayer) {
        return read(statesByLayer, null, null);
    }

    /**
     * Reads given states, without the masked ones.
     *
     * @param statesByLayer layer name to states, [N, d] with a state per row or [mb, d, T] ([mb, T, d] if the data format
     *     is NWC); iteration order becomes the order of the report; unchanged
     * @param gold ids of the gold tokens, negative for none: [N] or [N, 1] for one per example, [mb, T] for one per step;
     *     null if none are known
     * @param mask the same for all layers: [mb, T] for states with steps, N elements for matrices; 0 leaves the state
     *     out; null takes all
     * @return the report
     * @throws IllegalArgumentException if the map is empty or lacks a layer that the builder named, an array has another
     *     rank or width, gold or mask don't fit it, a gold token is not below the number of bases, or a state is not
     *     finite; the message names the layer
     */
    public LensReport read(Map<String, INDArray> statesByLayer, @Nullable INDArray gold, @Nullable INDArray mask) {
        if (statesByLayer.isEmpty()) {
            throw new IllegalArgumentException("statesByLayer must hold at least one layer, found none");
        }
        if (!statesByLayer.keySet().containsAll(layers)) {
            throw new IllegalArgumentException("layers must be among " + statesByLayer.keySet() + ", found " + layers);
        }
        GoldTokens tokens = gold == null ? null : GoldTokens.ofIds(gold, bases.size());
        Map<String, List<Reading>> readings = new LinkedHashMap<>();
        for (String name : layers.isEmpty() ? statesByLayer.keySet() : layers) {
            INDArray states = statesByLayer.get(name);
            if (tokens != null) {
                tokens.requireFit(name, states, dataFormat);
            }
            LayerStates unmasked = LayerStates.of(name, states, dataFormat, mask, tokens, states.size(0), 0);
            readings.put(name, reader.read(name, unmasked));
        }
        return report(readings, new HeadCheck(HeadCheck.State.UNKNOWN, "not compared, states were given as arrays"));
    }

    /**
     * Reads the hidden layers of a network, in inference mode.
     *
     * <p>By default these are all layers of the bases' width that have parameters, except output, embedding and batch
     * normalization layers. Features masks are respected as the network itself hands them from layer to layer.
     *
     * <p>Labels of width 1 are taken as ids of gold tokens, labels as wide as the number of bases as distributions over
     * them, whose largest entry is the gold token; labels of another width are no tokens and are not used. A label
     * without steps is the gold token of all steps of its example. Steps that the labels mask leaves out have no gold
     * token.
     *
     * @param network an initialised network; its parameters and state are not changed, stored masks are cleared
     * @param data one pass is made, from the start if the iterator is at its end and can be reset
     * @return the report; whether the bases belong to the network's output layer is noted in it, and a mismatch logged as
     *     a warning
     * @throws IllegalArgumentException if the network lacks a layer that the builder named, there is no layer to read, the
     *     data are empty, a named layer has another rank or width, a gold token is not below the number of bases, or a
     *     state is not finite; the message names the layer
     */
    public LensReport read(MultiLayerNetwork network, DataSetIterator data) {
        HeadCheck head = checked(HeadComparison.of(network, bases));
        Map<String, List<Reading>> readings = new LinkedHashMap<>();
        collector(readings).read(network, data);
        return report(readings, head);
    }

    /**
     * Reads the hidden layers of a graph with one input and one output, in inference mode.
     *
     * @param graph an initialised graph; its parameters and state are not changed, stored masks are cleared
     * @param data one pass is made, from the start if the iterator is at its end and can be reset
     * @return the report
     * @throws IllegalArgumentException as {@link #read(MultiLayerNetwork, DataSetIterator)}
     */
    public LensReport read(ComputationGraph graph, DataSetIterator data) {
        return read(graph, ComputationGraphUtil.toMultiDataSetIterator(data));
    }

    /**
     * Reads the hidden layers of a graph, in inference mode.
     *
     * <p>By default these are layer vertices as for a {@link #read(MultiLayerNetwork, DataSetIterator) network}, in
     * topological order; any vertex can be named in the builder. Gold tokens are those of the first output, and its head
     * is the one that the bases are compared with.
     *
     * @param graph an initialised graph; its parameters and state are not changed, stored masks are cleared
     * @param data one pass is made, from the start if the iterator is at its end and can be reset
     * @return the report
     * @throws IllegalArgumentException as {@link #read(MultiLayerNetwork, DataSetIterator)}
     */
    public LensReport read(ComputationGraph graph, MultiDataSetIterator data) {
        HeadCheck head = checked(HeadComparison.of(graph, bases));
        Map<String, List<Reading>> readings = new LinkedHashMap<>();
        collector(readings).read(graph, data);
        return report(readings, head);
    }

    private NetworkStates collector(Map<String, List<Reading>> readings) {
        return new NetworkStates(
                layers, bases.features(), bases.size(), dataFormat, (layer, states) -> readings.computeIfAbsent(
                                layer, unseen -> new ArrayList<>())
                        .addAll(reader.read(layer, states)));
    }

    private static HeadCheck checked(HeadCheck head) {
        if (head.state() == HeadCheck.State.MISMATCH) {
            log.warn("Semantic bases and network head: {}", head.detail());
        }
        return head;
    }

    private LensReport report(Map<String, List<Reading>> readings, HeadCheck head) {
        if (readings.values().stream().allMatch(List::isEmpty)) {
            throw new IllegalArgumentException("data must hold unmasked states of width " + bases.features()
                    + ", found none in layers " + readings.keySet());
        }
        return new LensReport(
                readings.entrySet().stream()
                        .map(entry -> new LayerReading(entry.getKey(), entry.getValue()))
                        .toList(),
                new Settings(similarity, scale, topK, bases.size(), bases.fingerprint()),
                head);
    }

    /** Builds a {@link SemanticLens}. Values are checked by {@link #build()}. */
    public static final class Builder {
        private final SemanticBases bases;
        private Similarity similarity = Similarity.COSINE;
        private double scale = 1;
        private int topK = 5;
        private List<String> layers = List.of();
        private RNNFormat dataFormat = RNNFormat.NCW;
        private long maxBytes = 64L << 20;
        private UnaryOperator<INDArray> transform = UnaryOperator.identity();

        private Builder(SemanticBases bases) {
            this.bases = bases;
        }

        /**
         * How near a state is to a basis.
         *
         * @param similarity COSINE by default, as in the paper
         * @return this builder
         */
        public Builder similarity(Similarity similarity) {
            this.similarity = similarity;
            return this;
        }

        /**
         * Factor of the similarity in the softmax.
         *
         * @param scale finite, &gt; 0; 1 by default, as in the paper
         * @return this builder
         */
        public Builder scale(double scale) {
            this.scale = scale;
            return this;
        }

        /**
         * How many nearest entries to keep for each state.
         *
         * @param topK ≥ 1; 5 by default; all where there are fewer bases
         * @return this builder
         */
        public Builder topK(int topK) {
            this.topK = topK;
            return this;
        }

        /**
         * Which layers or vertices to read, in this order.
         *
         * @param names their names, distinct; none for the default
         * @return this builder
         */
        public Builder layers(String... names) {
            layers = Arrays.asList(names);
            return this;
        }

        /**
         * Layout of states of rank 3 where a layer's own configuration does not tell it.
         *
         * @param dataFormat NCW (the default) for [mb, d, T], NWC for [mb, T, d]
         * @return this builder
         */
        public Builder dataFormat(RNNFormat dataFormat) {
            this.dataFormat = dataFormat;
            return this;
        }

        /**
         * Memory for the scores of one block of states and their copy on the host; a single state is always read, however
         * many bases there are.
         *
         * @param maxBytes &gt; 0; 64 MB by default
         * @return this builder
         */
        public Builder maxBytes(long maxBytes) {
            this.maxBytes = maxBytes;
            return this;
        }

        /**
         * What happens to states before they are compared: a final norm that the model has before its head, or a trained
         * calibration.
         *
         * @param transform maps states [n, w] to [n, d] with the bases' d, row by row; identity by default
         * @return this builder
         */
        public Builder transform(UnaryOperator<INDArray> transform) {
            this.transform = transform;
            return this;
        }

        /**
         * The lens.
         *
         * @return a new lens
         * @throws IllegalArgumentException if a value is out of its range or a layer is named twice
         */
        public SemanticLens build() {
            require(scale > 0 && Double.isFinite(scale), "scale", "finite and > 0", scale);
            require(topK >= 1, "topK", ">= 1", topK);
            require(maxBytes > 0, "maxBytes", "> 0", maxBytes);
            require(new HashSet<>(layers).size() == layers.size(), "layers", "distinct", layers);
            return new SemanticLens(this);
        }

        private static void require(boolean fulfilled, String name, String expected, Object found) {
            if (!fulfilled) {
                throw new IllegalArgumentException(name + " must be " + expected + ", found " + found);
            }
        }
    }
}
