/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.Similarity;
import io.latent4j.cosup.data.CoSupervisionData;
import io.latent4j.cosup.data.CoSupervisionIterator;
import io.latent4j.cosup.data.InstanceEncoder;
import io.latent4j.cosup.data.Passage;
import io.latent4j.cosup.data.SpecialTokens;
import io.latent4j.cosup.data.SquadReader;
import io.latent4j.cosup.data.SquadReader.Question;
import io.latent4j.cosup.data.SquadReader.Squad;
import io.latent4j.cosup.data.TextTokenizer;
import io.latent4j.cosup.generation.Generation;
import io.latent4j.cosup.generation.SemiparametricGenerator;
import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.SequenceIndex;
import io.latent4j.cosup.samediff.CoSupervisionGraphs;
import io.latent4j.istar.IsoScoreStar;
import io.latent4j.istar.Points;
import io.latent4j.istar.ShrinkageCovariance;
import io.latent4j.istar.samediff.IStarLoss;
import io.latent4j.it.lm.CoSupervisedLlama.Towers;
import io.latent4j.vocabsem.LabelWords;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.VocabularyLogits;
import io.latent4j.vocabsem.samediff.CalibrationModule;
import io.latent4j.vocabsem.samediff.SemanticGraphs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;

/** All three methods train the pretrained stories260K, on real text. */
@Tag("data")
class StoriesMethodsTest {
    private static final Path DATA = Path.of(System.getProperty("latent4j.data", "../../shared/data"));
    private static final int WIDTH = 64;
    private static final int LAYERS = 5;
    private static final int QUESTIONS = 12;

    private static LlamaCheckpoint checkpoint;
    private static LlamaTokenizer tokenizer;

    @TempDir
    private Path folder;

    @BeforeAll
    static void read() throws Exception {
        Path file = DATA.resolve("stories260K/stories260K.bin");
        assumeTrue(Files.isReadable(file), () -> "skipped: no " + file.toAbsolutePath() + "; set -Dlatent4j.data");
        checkpoint = LlamaCheckpoint.read(file);
        tokenizer = LlamaTokenizer.read(
                DATA.resolve("stories260K/tok512.bin"), checkpoint.sizes().vocabulary());
    }

    /** Lines of a task's file, as label and text. */
    private static List<String[]> task(String file, int count) throws Exception {
        Path path = DATA.resolve(file);
        assumeTrue(Files.isReadable(path), () -> "skipped: no " + path.toAbsolutePath() + "; set -Dlatent4j.data");
        try (var lines = Files.lines(path)) {
            return lines.skip(1).limit(count).map(line -> line.split("\t", 2)).toList();
        }
    }

    /** Tokens and mask of texts that are cut to so many tokens. */
    private static INDArray[] padded(List<String> texts, int length) {
        int[][] tokens = new int[texts.size()][length];
        float[][] mask = new float[texts.size()][length];
        for (int i = 0; i < texts.size(); i++) {
            int[] ids = tokenizer.encode(texts.get(i));
            int count = Math.min(length, ids.length);
            System.arraycopy(ids, 0, tokens[i], 0, count);
            Arrays.fill(mask[i], 0, count, 1);
        }
        return new INDArray[] {Nd4j.createFromArray(tokens), Nd4j.createFromArray(mask)};
    }

    // ---- I-STAR ----------------------------------------------------------------------------------------------------

    /** Inputs of the language model's loss: each token but the first is a target. */
    private static Map<String, INDArray> nextTokens(List<String> texts, int length) {
        INDArray[] padded = padded(texts, length + 1);
        return Map.of(
                Llama.TOKENS, steps(padded[0], 0, length),
                Llama.MASK, steps(padded[1], 0, length),
                Llama.TARGETS, steps(padded[0], 1, length),
                Llama.TARGET_WEIGHTS, steps(padded[1], 1, length));
    }

    private static INDArray steps(INDArray of, int from, int count) {
        return of.get(NDArrayIndex.all(), NDArrayIndex.interval(from, from + count))
                .dup();
    }

    /** IsoScore* of the union of all layers, cross-entropy. */
    private record Measured(double isotropy, double crossEntropy) {}

    @Test
    void lambdasSignDecidesWhereIsotropyGoes() throws Exception {
        List<String> texts =
                task("sst2/train.tsv", 48).stream().map(line -> line[1]).toList();
        Map<String, INDArray> heldOut = nextTokens(texts.subList(32, 48), 24);
        Measured plain = trained(0, texts, heldOut);
        Measured less = trained(-5, texts, heldOut);
        Measured more = trained(5, texts, heldOut);
        assertTrue(less.isotropy < plain.isotropy && plain.isotropy < more.isotropy, less + " " + plain + " " + more);
        // About what tells the three apart: the language model remains one
        double uniform = Math.log(checkpoint.sizes().vocabulary());
        for (Measured each : List.of(less, plain, more)) {
            assertTrue(each.crossEntropy < uniform, each.toString());
        }
    }

    private static Measured trained(double lambda, List<String> texts, Map<String, INDArray> heldOut) {
        SameDiff graph = Llama.graph(checkpoint, DataType.FLOAT);
        SDVariable sigma = graph.constant("sigma", Nd4j.eye(WIDTH).castTo(DataType.FLOAT));
        IStarLoss.Builder istar =
                new IStarLoss.Builder().lambda(lambda).zeta(0.2).shrinkageCovariance(sigma);
        for (int layer = 1; layer <= LAYERS; layer++) {
            istar.add(graph.getVariable(Llama.hidden(layer)), RNNFormat.NWC, graph.getVariable(Llama.MASK));
        }
        Llama.crossEntropy(graph).add("total", istar.build().penalty("istar"));
        graph.setLossVariables("total");
        graph.setTrainingConfig(TrainingConfig.builder()
                .updater(new Adam(1e-3))
                .dataSetFeatureMapping(Llama.TOKENS, Llama.MASK)
                .dataSetLabelMapping(Llama.TARGETS, Llama.TARGET_WEIGHTS)
                .build());
        for (int epoch = 0; epoch < 3; epoch++) {
            // As in the paper: Σ_S of the states as they are when an epoch starts
            sigma.getArr().assign(covariance(graph, nextTokens(texts.subList(0, 32), 24)));
            for (int from = 0; from < 32; from += 8) {
                Map<String, INDArray> inputs = nextTokens(texts.subList(from, from + 8), 24);
                graph.fit(
                        new SingletonMultiDataSetIterator(new MultiDataSet(
                                new INDArray[] {inputs.get(Llama.TOKENS), inputs.get(Llama.MASK)},
                                new INDArray[] {inputs.get(Llama.TARGETS), inputs.get(Llama.TARGET_WEIGHTS)})),
                        1);
            }
        }
        return new Measured(
                IsoScoreStar.ofCovariance(covariance(graph, heldOut)),
                graph.outputSingle(heldOut, Llama.LOSS).getDouble(0));
    }

    private static INDArray covariance(SameDiff graph, Map<String, INDArray> inputs) {
        String[] layers = new String[LAYERS];
        for (int layer = 1; layer <= LAYERS; layer++) {
            layers[layer - 1] = Llama.hidden(layer);
        }
        ShrinkageCovariance covariance = new ShrinkageCovariance(WIDTH);
        graph.output(inputs, layers)
                .values()
                .forEach(states -> covariance.add(Points.timeSteps(states, true, inputs.get(Llama.MASK))));
        return covariance.covariance().castTo(DataType.FLOAT);
    }

    // ---- semantic logits -------------------------------------------------------------------------------------------

    @Test
    void clusteringLearnsATaskOnTheFrozenModel() throws Exception {
        List<String[]> lines = task("subj/train.tsv", 48);
        INDArray[] prompts =
                padded(lines.stream().map(line -> line[1] + ". This was about").toList(), 48);
        INDArray labels = Nd4j.createFromArray(
                lines.stream().mapToInt(line -> Integer.parseInt(line[0])).toArray());
        LabelWords words = LabelWords.builder()
                .tokenizer(text -> tokenizer.withoutStart().encode(text))
                .label("subjective", "mom")
                .label("objective", "day")
                .build();
        SemanticBases bases = SemanticBases.fromHeadRows(checkpoint.head());
        SemanticBases classes = bases.forLabels(words);
        assertEquals(bases.fingerprint(), classes.fingerprint());

        SameDiff graph = Llama.graph(checkpoint, DataType.FLOAT);
        graph.convertToConstants(
                checkpoint.tensors().keySet().stream().map(graph::getVariable).toList()); // frozen
        SDVariable states = CoSupervisionGraphs.pool(
                "prompts", graph.getVariable(Llama.FINAL), graph.getVariable(Llama.MASK), Pooling.LAST);
        Nd4j.getRandom().setSeed(5);
        SDVariable calibrated = new CalibrationModule.Builder(graph, "clustering", WIDTH)
                .build()
                .calibrate("calibrated", states);
        SDVariable constant = graph.constant("bases", classes.matrix());
        SDVariable before =
                SemanticGraphs.logits("before", states, constant, io.latent4j.vocabsem.Similarity.COSINE, 1);
        SDVariable logits =
                SemanticGraphs.logits("semantic", calibrated, constant, io.latent4j.vocabsem.Similarity.COSINE, 10);
        SemanticGraphs.crossEntropy("loss", logits, graph.placeHolder("labels", DataType.INT32, -1), null);
        graph.setLossVariables("loss");
        graph.setTrainingConfig(TrainingConfig.builder()
                .updater(new Adam(0.01))
                .dataSetFeatureMapping(Llama.TOKENS, Llama.MASK)
                .dataSetLabelMapping("labels")
                .build());

        Map<String, INDArray> inputs =
                Map.of(Llama.TOKENS, prompts[0], Llama.MASK, prompts[1], "labels", labels.castTo(DataType.INT32));
        Map<String, INDArray> start = graph.output(inputs, "before", "prompts", "semantic", "loss");
        INDArray expected =
                VocabularyLogits.of(start.get("prompts"), classes.matrix(), io.latent4j.vocabsem.Similarity.COSINE, 1);
        assertTrue(expected.equalsWithEps(start.get("before"), 1e-5), before.name());
        graph.fit(new SingletonMultiDataSetIterator(new MultiDataSet(prompts, new INDArray[] {labels})), 25);
        Map<String, INDArray> end = graph.output(inputs, "semantic", "loss", "prompts");
        double accuracy = accuracy(end.get("semantic"), labels);
        assertTrue(end.get("loss").getDouble(0) < 0.5 * start.get("loss").getDouble(0), "" + end.get("loss"));
        assertTrue(accuracy >= 0.8, "accuracy " + accuracy + " on the training texts");
        assertEquals(start.get("prompts"), end.get("prompts"), "the model is frozen");
        assertEquals(
                bases.fingerprint(),
                SemanticBases.fromHeadRows(
                                graph.getVariable(LlamaCheckpoint.EMBEDDING).getArr())
                        .fingerprint());
    }

    private static double accuracy(INDArray logits, INDArray labels) {
        return logits.argMax(1)
                .castTo(DataType.INT32)
                .eq(labels.castTo(DataType.INT32))
                .castTo(DataType.FLOAT)
                .meanNumber()
                .doubleValue();
    }

    // ---- co-supervision --------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(Towers.class)
    void coSupervisionTrainsBothLossesAndServes(Towers towers) throws Exception {
        Path file = DATA.resolve("squad11/dev-v1.1.json.gz");
        assumeTrue(Files.isReadable(file), () -> "skipped: no " + file.toAbsolutePath() + "; set -Dlatent4j.data");
        Squad squad = SquadReader.read(file);
        TextTokenizer text = tokenizer.withoutStart();
        Map<String, Question> questions = new LinkedHashMap<>(); // one of each article, short enough to be kept whole
        squad.questions().stream()
                .filter(question -> text.encode(question.text()).length <= 32)
                .forEach(question -> questions.putIfAbsent(question.title(), question));
        List<Question> chosen = questions.values().stream().limit(QUESTIONS).toList();
        Map<String, Passage> passages = new LinkedHashMap<>();
        chosen.forEach(
                question -> passages.put(question.passageId(), squad.passages().get(question.passageId())));

        SpecialTokens special = SpecialTokens.after(text.vocabularySize());
        InstanceEncoder encoder = InstanceEncoder.builder(text, special)
                .maxLength(64)
                .maxPassageLength(24)
                .minPassageLength(24)
                .build();
        CoSupervisionIterator iterator = CoSupervisionIterator.builder(
                        new CoSupervisionData(
                                chosen.stream().map(Question::toInstance).toList(), passages),
                        encoder)
                .batchSize(6)
                .seed(1)
                .build();

        LlamaCheckpoint longer = checkpoint.withMoreTokens(
                special.vocabularySize(text) - checkpoint.sizes().vocabulary());
        Contrast contrast = new Contrast(Similarity.COSINE, 0.1, false);
        SameDiff graph = CoSupervisedLlama.graph(longer, DataType.FLOAT, towers, 0.5, contrast);
        graph.setTrainingConfig(CoSupervisedLlama.trainingConfig(new Adam(2e-3)));
        double[] before = parts(graph, iterator);
        graph.fit(iterator, 8);
        double[] after = parts(graph, iterator);
        assertTrue(after[0] < 0.9 * before[0], () -> "next token " + after[0] + " after " + before[0]);
        assertTrue(after[1] < 0.7 * before[1], () -> "next sequence " + after[1] + " after " + before[1]);

        // A saved model serves: its sequence encoder fills an index, its language model asks it
        Path saved = folder.resolve("model.fb");
        graph.save(saved.toFile(), false);
        SameDiff loaded = SameDiff.load(saved.toFile(), false);
        SequenceIndex index = new ExactSequenceIndex(WIDTH, Similarity.COSINE);
        Map<String, int[]> tokens = new LinkedHashMap<>();
        passages.forEach((id, passage) -> tokens.put(id, encoder.passageTokens(passage)));
        CoSupervisedLlama.sequenceEncoder(loaded)
                .index(List.copyOf(tokens.keySet()), List.copyOf(tokens.values()), index);
        SemiparametricGenerator generator = SemiparametricGenerator.builder(
                        CoSupervisedLlama.languageModel(loaded, 128), text, special, index, tokens::get)
                .retrieveFirst(true)
                .maxNewTokens(2)
                .build();
        int right = 0;
        for (Question question : chosen) {
            Generation generation = generator.generate(question.text());
            if (generation.retrievals().get(0).passageId().equals(question.passageId())) {
                right++;
            }
        }
        // By chance it would be one; separate towers learn more slowly (4) than shared ones (7)
        assertTrue(right >= QUESTIONS / 4, "retrieved " + right + " right passages of " + QUESTIONS);
        assertEquals(
                towers == Towers.SEPARATE, graph.hasVariable(CoSupervisedLlama.PASSAGE + LlamaCheckpoint.EMBEDDING));
    }

    /** Mean next-token and next-sequence loss of the batches of a pass. */
    private static double[] parts(SameDiff graph, CoSupervisionIterator iterator) {
        List<double[]> parts = new ArrayList<>();
        iterator.reset();
        while (iterator.hasNext()) {
            var batch = iterator.next();
            Map<String, INDArray> inputs = new HashMap<>();
            inputs.put(Llama.TOKENS, batch.getFeatures(0));
            inputs.put(Llama.MASK, batch.getFeaturesMaskArray(0));
            inputs.put("passage_tokens", batch.getFeatures(1));
            inputs.put("passage_mask", batch.getFeaturesMaskArray(1));
            inputs.put("passage_ids", batch.getFeatures(2));
            inputs.put("next_tokens", batch.getLabels(0));
            inputs.put("next_tokens_mask", batch.getLabelsMaskArray(0));
            inputs.put("positives", batch.getLabels(1));
            inputs.put("positives_mask", batch.getLabelsMaskArray(1));
            Map<String, INDArray> found = graph.output(inputs, "cosup_nextToken", "cosup_nextSequence");
            parts.add(new double[] {
                found.get("cosup_nextToken").getDouble(0),
                found.get("cosup_nextSequence").getDouble(0)
            });
        }
        iterator.reset();
        return new double[] {
            parts.stream().mapToDouble(part -> part[0]).average().orElseThrow(),
            parts.stream().mapToDouble(part -> part[1]).average().orElseThrow()
        };
    }
}
