/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.InDouble;
import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.data.CoSupervisionData;
import io.latent4j.cosup.data.CoSupervisionIterator;
import io.latent4j.cosup.data.Instance;
import io.latent4j.cosup.data.Instance.Segment;
import io.latent4j.cosup.data.InstanceEncoder;
import io.latent4j.cosup.data.Passage;
import io.latent4j.cosup.data.SpecialTokens;
import io.latent4j.cosup.data.TextTokenizer;
import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.Hit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Both evaluations, as DL4J runs them on a co-supervised graph. */
@ExtendWith(InDouble.class)
class GraphEvaluationTest {
    private static final int WIDTH = 6;
    private static final int PASSAGES = 7;

    /** Letters a to z. */
    private static final TextTokenizer LETTERS = new TextTokenizer() {
        @Override
        public int[] encode(String text) {
            return text.chars().map(c -> c - 'a').toArray();
        }

        @Override
        public String decode(int[] ids) {
            StringBuilder text = new StringBuilder();
            for (int id : ids) {
                text.append((char) ('a' + id));
            }
            return text.toString();
        }

        @Override
        public int vocabularySize() {
            return 26;
        }
    };

    private static final SpecialTokens SPECIAL = SpecialTokens.after(26);

    private static CoSupervisionIterator data(int batch) {
        Map<String, Passage> passages = new LinkedHashMap<>();
        for (int i = 0; i < PASSAGES; i++) {
            String id = "p" + i;
            passages.put(id, new Passage(id, "xyz".repeat(i % 2 + 1) + (char) ('a' + i)));
        }
        List<Instance> instances = new ArrayList<>();
        for (int i = 0; i < PASSAGES; i++) {
            instances.add(new Instance(
                    "quer" + (char) ('a' + i),
                    List.of(
                            Segment.grounded("ans", "p" + i),
                            Segment.plain("and"),
                            Segment.grounded("more", "p" + (3 * i + 1) % PASSAGES)),
                    ""));
        }
        return CoSupervisionIterator.builder(
                        new CoSupervisionData(instances, passages),
                        InstanceEncoder.builder(LETTERS, SPECIAL).build())
                .batchSize(batch)
                .shuffle(false)
                .build();
    }

    private static ComputationGraph graph(int memory) {
        int vocabulary = SPECIAL.vocabularySize(LETTERS);
        GraphBuilder towers = new NeuralNetConfiguration.Builder()
                .seed(3)
                .graphBuilder()
                .addInputs(CoSupervision.TOKENS, CoSupervision.PASSAGES)
                .addLayer("words", words(vocabulary), CoSupervision.TOKENS)
                .addLayer("gen", lstm(), "words")
                .addLayer("passageWords", words(vocabulary), CoSupervision.PASSAGES)
                .addLayer("emb", lstm(), "passageWords");
        ComputationGraph graph = new ComputationGraph(CoSupervision.heads(
                        towers,
                        new CoSupervision.Heads.Builder("gen", "emb", WIDTH, vocabulary)
                                .memorySize(memory)
                                .build())
                .build());
        graph.init();
        graph.params().muli(3); // states that differ
        return graph;
    }

    private static EmbeddingSequenceLayer words(int vocabulary) {
        return new EmbeddingSequenceLayer.Builder().nIn(vocabulary).nOut(WIDTH).build();
    }

    private static LSTM lstm() {
        return new LSTM.Builder().nIn(WIDTH).nOut(WIDTH).build();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 5})
    void agreesWithLossAndIndex(int memory) throws Exception {
        ComputationGraph graph = graph(memory);
        MultiDataSet batch = data(PASSAGES).next();
        RetrievalEvaluation retrieval = new RetrievalEvaluation(1, 3).memorySize(memory);
        TokenPerplexity perplexity = new TokenPerplexity();
        graph.evaluate(
                data(PASSAGES), Map.of(0, new IEvaluation<?>[] {perplexity}, 1, new IEvaluation<?>[] {retrieval}));

        graph.score(batch, false);
        // Each takes its own way to the logarithm of FLOAT scores
        assertEquals(CoSupervision.losses(graph).nextToken(), perplexity.crossEntropy(), 1e-6);
        assertEquals(batch.getLabelsMaskArray(0).sumNumber().doubleValue(), perplexity.tokens());
        assertEquals(expected(graph, batch).toText(), retrieval.metrics().toText());
        assertEquals(2 * PASSAGES, retrieval.metrics().queries());
        assertEquals(PASSAGES, retrieval.meanCandidates());
        assertTrue(retrieval.metrics().recallAt(3) < 1, "a task that isn't trivial: " + retrieval.stats());

        // Batches of other sizes, of which each counts for what is in it
        TokenPerplexity inParts = new TokenPerplexity();
        graph.evaluate(data(3), Map.of(0, new IEvaluation<?>[] {inParts}));
        assertEquals(perplexity.crossEntropy(), inParts.crossEntropy(), 1e-9);
    }

    /** The states at [Ret] search an index of the keys. */
    private static RetrievalMetrics expected(ComputationGraph graph, MultiDataSet batch) {
        INDArray keys = CoSupervision.sequenceEncoder(graph)
                .output(false, new INDArray[] {batch.getFeatures(1)}, new INDArray[] {batch.getFeaturesMaskArray(1)})[
                0];
        INDArray states = CoSupervision.generator(graph).output(batch.getFeatures(0))[1];
        List<List<Integer>> ranked = new ArrayList<>();
        List<List<Integer>> gold = new ArrayList<>();
        try (ExactSequenceIndex index = new ExactSequenceIndex(WIDTH)) {
            for (int row = 0; row < keys.size(0); row++) {
                index.add(List.of(Integer.toString(row)), keys.getRow(row, true));
            }
            INDArray mask = batch.getLabelsMaskArray(1);
            for (int n = 0; n < mask.size(0); n++) {
                for (int t = 0; t < mask.size(1); t++) {
                    if (mask.getDouble(n, t) != 0) {
                        INDArray query = states.get(NDArrayIndex.point(n), NDArrayIndex.all(), NDArrayIndex.point(t))
                                .dup('c')
                                .reshape(1, WIDTH);
                        ranked.add(index.search(query, PASSAGES).get(0).stream()
                                .map(Hit::id)
                                .map(Integer::valueOf)
                                .toList());
                        gold.add(List.of(batch.getLabels(1).getInt(n, 0, t)));
                    }
                }
            }
        }
        return RetrievalMetrics.of(ranked, gold, 1, 3);
    }
}
