/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.Similarity;
import io.latent4j.cosup.samediff.CoSupervisionGraphs;
import io.latent4j.istar.IsoScoreStar;
import io.latent4j.istar.Points;
import io.latent4j.istar.samediff.IStarLoss;
import io.latent4j.it.lm.CoSupervisedLlama.Towers;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.samediff.CalibrationModule;
import io.latent4j.vocabsem.samediff.SemanticGraphs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;

/** The three methods on a random Llama: their gradients reach all of its weights, and it trains on after a reload. */
class LlamaMethodsTest {
    private static final INDArray TOKENS = Nd4j.createFromArray(new int[][] {{1, 4, 0, 9, 11, 4}, {2, 2, 11, 5, 0, 0}});
    /** The second sequence has four tokens. */
    private static final INDArray MASK = Nd4j.createFromArray(new double[][] {{1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 0, 0}});

    @TempDir
    private Path folder;

    private LlamaCheckpoint checkpoint;

    @BeforeEach
    void read() throws Exception {
        Path file = new TinyLlama(true, 10).write(folder.resolve("tiny.bin"));
        checkpoint = LlamaCheckpoint.read(file).withMoreTokens(5);
    }

    @Test
    void moreTokensAreTheMeanOfAllOthers() {
        assertEquals(TinyLlama.VOCABULARY + 5, checkpoint.sizes().vocabulary());
        INDArray rows = checkpoint.head();
        INDArray known = rows.get(NDArrayIndex.interval(0, TinyLlama.VOCABULARY), NDArrayIndex.all());
        assertTrue(known.mean(0).equalsWithEps(rows.getRow(TinyLlama.VOCABULARY + 4), 1e-6));
        INDArray logits = Llama.graph(checkpoint, DataType.DOUBLE)
                .output(Map.of(Llama.TOKENS, TOKENS, Llama.MASK, MASK), Llama.LOGITS)
                .get(Llama.LOGITS);
        assertEquals(TinyLlama.VOCABULARY + 5, logits.size(2));
    }

    // ---- I-STAR ----------------------------------------------------------------------------------------------------

    @Test
    void isotropyOfAllLayersIsTheKernelsAndHasItsGradient() {
        SameDiff graph = Llama.graph(checkpoint, DataType.DOUBLE);
        INDArray sigma = Nd4j.eye(TinyLlama.WIDTH).castTo(DataType.DOUBLE).mul(0.3);
        sigma.putScalar(2, 2, 4);
        IStarLoss.Builder istar =
                new IStarLoss.Builder().lambda(-3).zeta(0.2).shrinkageCovariance(graph.constant("sigma", sigma));
        for (int layer = 1; layer <= TinyLlama.LAYERS; layer++) {
            istar.add(graph.getVariable(Llama.hidden(layer)), RNNFormat.NWC, graph.getVariable(Llama.MASK));
        }
        IStarLoss loss = istar.build();
        loss.isoScoreStar("isotropy");
        Llama.crossEntropy(graph).add("total", loss.penalty("penalty"));
        graph.setLossVariables("total");

        Map<String, INDArray> inputs = Map.of(
                Llama.TOKENS,
                TOKENS,
                Llama.MASK,
                MASK,
                Llama.TARGETS,
                Nd4j.createFromArray(new int[][] {{4, 0, 9, 11, 4, 3}, {2, 11, 5, 1, 0, 0}}),
                Llama.TARGET_WEIGHTS,
                MASK);
        Map<String, INDArray> found =
                graph.output(inputs, "isotropy", "penalty", "total", Llama.LOSS, Llama.hidden(1), Llama.hidden(2));
        INDArray union = Nd4j.vstack(rows(found.get(Llama.hidden(1))), rows(found.get(Llama.hidden(2))));
        INDArray weights = Nd4j.concat(0, MASK.reshape(-1), MASK.reshape(-1));
        double expected = IsoScoreStar.of(Points.rows(union, weights), sigma, 0.2);
        assertEquals(expected, found.get("isotropy").getDouble(0), 1e-10);
        assertEquals(
                found.get(Llama.LOSS).getDouble(0) - 3 * (1 - expected),
                found.get("total").getDouble(0),
                1e-9);
        Gradients.check(graph, inputs, checkpoint.tensors().keySet());
    }

    private static INDArray rows(INDArray states) {
        return states.reshape(-1, TinyLlama.WIDTH);
    }

    // ---- semantic logits -------------------------------------------------------------------------------------------

    @Test
    void semanticLogitsOnTheTiedHeadHaveTheirGradient() {
        SameDiff graph = Llama.graph(checkpoint, DataType.DOUBLE);
        SemanticBases bases = SemanticBases.fromHeadRows(checkpoint.head());
        SDVariable states = CoSupervisionGraphs.pool(
                "prompts", graph.getVariable(Llama.FINAL), graph.getVariable(Llama.MASK), Pooling.LAST);
        SDVariable calibrated = new CalibrationModule.Builder(graph, "clustering", TinyLlama.WIDTH)
                .bottleneckRatio(4)
                .dataType(DataType.DOUBLE)
                .residual(true)
                .build()
                .calibrate("calibrated", states);
        SDVariable logits = SemanticGraphs.logits(
                "semantic",
                calibrated,
                graph.constant("bases", bases.matrix().castTo(DataType.DOUBLE)),
                io.latent4j.vocabsem.Similarity.COSINE,
                5);
        SemanticGraphs.crossEntropy("loss", logits, graph.constant(Nd4j.createFromArray(3, 7)), null);
        graph.setLossVariables("loss");

        Map<String, INDArray> inputs = Map.of(Llama.TOKENS, TOKENS, Llama.MASK, MASK);
        assertEquals(
                checkpoint.sizes().vocabulary(),
                graph.outputSingle(inputs, "semantic").size(1));
        List<String> variables = new ArrayList<>(checkpoint.tensors().keySet());
        graph.variables().stream()
                .map(SDVariable::name)
                .filter(name -> name.startsWith("clustering_"))
                .forEach(variables::add);
        assertEquals(checkpoint.tensors().size() + 4, variables.size());
        Gradients.check(graph, inputs, variables);
    }

    // ---- co-supervision --------------------------------------------------------------------------------------------

    private static final INDArray PASSAGES = Nd4j.createFromArray(new int[][] {{3, 4, 5}, {6, 0, 0}, {7, 8, 0}});
    private static final INDArray PASSAGES_MASK =
            Nd4j.createFromArray(new double[][] {{1, 1, 1}, {1, 0, 0}, {1, 1, 0}});
    /** [Ret] is token 11. */
    private static final INDArray POSITIVES =
            Nd4j.createFromArray(new int[][][] {{{-1, -1, -1, -1, 2, -1}}, {{-1, -1, 0, -1, -1, -1}}});

    private static final INDArray POSITIVES_MASK =
            Nd4j.createFromArray(new double[][] {{0, 0, 0, 0, 1, 0}, {0, 0, 1, 0, 0, 0}});

    private static MultiDataSet batch(DataType type) {
        return new MultiDataSet(
                new INDArray[] {TOKENS, PASSAGES, Nd4j.createFromArray(0, 1, 2).reshape(3, 1)},
                new INDArray[] {
                    Nd4j.createFromArray(new int[][][] {{{4, 0, 9, 11, 4, 3}}, {{2, 11, 5, 1, 0, 0}}}), POSITIVES
                },
                new INDArray[] {MASK.castTo(type), PASSAGES_MASK.castTo(type), null},
                new INDArray[] {MASK.castTo(type), POSITIVES_MASK.castTo(type)});
    }

    private static Map<String, INDArray> inputs(MultiDataSet batch) {
        return Map.of(
                Llama.TOKENS,
                batch.getFeatures(0),
                Llama.MASK,
                batch.getFeaturesMaskArray(0),
                "passage_tokens",
                batch.getFeatures(1),
                "passage_mask",
                batch.getFeaturesMaskArray(1),
                "passage_ids",
                batch.getFeatures(2),
                "next_tokens",
                batch.getLabels(0),
                "next_tokens_mask",
                batch.getLabelsMaskArray(0),
                "positives",
                batch.getLabels(1),
                "positives_mask",
                batch.getLabelsMaskArray(1));
    }

    @ParameterizedTest
    @CsvSource({"SHARED, DOT", "SEPARATE, COSINE"})
    void coSupervisionHasItsGradientInBothTowers(Towers towers, Similarity similarity) {
        SameDiff graph =
                CoSupervisedLlama.graph(checkpoint, DataType.DOUBLE, towers, 0.7, new Contrast(similarity, 0.5, false));
        List<String> variables = Stream.concat(
                        checkpoint.tensors().keySet().stream(),
                        towers == Towers.SHARED
                                ? Stream.empty()
                                : checkpoint.tensors().keySet().stream().map(name -> CoSupervisedLlama.PASSAGE + name))
                .toList();
        assertEquals(
                variables.size(),
                graph.getVariables().values().stream()
                        .filter(variable -> variable.getVariable().getVariableType() == VariableType.VARIABLE)
                        .count());
        Gradients.check(graph, inputs(batch(DataType.DOUBLE)), variables);
    }

    @Test
    void trainsOnAfterAReload() throws Exception {
        SameDiff graph = CoSupervisedLlama.graph(checkpoint, DataType.FLOAT, Towers.SHARED, 0.5, Contrast.PAPER);
        graph.setTrainingConfig(CoSupervisedLlama.trainingConfig(new Adam(0.01)));
        MultiDataSet batch = batch(DataType.FLOAT);
        double before = loss(graph, batch);
        graph.fit(new SingletonMultiDataSetIterator(batch), 3);
        double between = loss(graph, batch);
        assertTrue(between < before, between + " after " + before);

        Path file = folder.resolve("model.fb");
        graph.save(file.toFile(), true);
        SameDiff loaded = SameDiff.load(file.toFile(), true);
        assertEquals(between, loss(loaded, batch));
        graph.fit(new SingletonMultiDataSetIterator(batch), 3);
        loaded.fit(new SingletonMultiDataSetIterator(batch), 3);
        assertTrue(loss(graph, batch) < between);
        for (String weight : checkpoint.tensors().keySet()) {
            assertEquals(
                    graph.getVariable(weight).getArr(),
                    loaded.getVariable(weight).getArr(),
                    weight);
        }
        int[] text = {1, 4, 11};
        assertEquals(
                CoSupervisedLlama.languageModel(graph, 16).append(text).logits(),
                CoSupervisedLlama.languageModel(loaded, 16).append(text).logits());
        assertEquals(
                CoSupervisedLlama.sequenceEncoder(graph).encode(Arrays.asList(text, new int[] {5})),
                CoSupervisedLlama.sequenceEncoder(loaded).encode(Arrays.asList(text, new int[] {5})));
    }

    private static double loss(SameDiff graph, MultiDataSet batch) {
        return graph.output(inputs(batch), CoSupervisedLlama.LOSS)
                .get(CoSupervisedLlama.LOSS)
                .getDouble(0);
    }
}
