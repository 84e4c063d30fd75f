/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.analysis.AnswerMetrics;
import io.latent4j.cosup.analysis.RetrievalMetrics;
import io.latent4j.cosup.data.CoSupervisionData;
import io.latent4j.cosup.data.CoSupervisionIterator;
import io.latent4j.cosup.data.InstanceEncoder;
import io.latent4j.cosup.data.Passage;
import io.latent4j.cosup.data.SpecialTokens;
import io.latent4j.cosup.data.SquadReader.Question;
import io.latent4j.cosup.generation.RecurrentLanguageModel;
import io.latent4j.cosup.generation.SemiparametricGenerator;
import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.Hit;
import io.latent4j.cosup.retrieval.SequenceEncoder;
import io.latent4j.cosup.retrieval.SequenceIndex;
import io.latent4j.it.experiments.CosupData.TestSet;
import io.latent4j.it.experiments.CosupModel.Objective;
import io.latent4j.it.experiments.CosupModel.Towers;
import io.latent4j.it.experiments.CosupOutcome.Metric;
import io.latent4j.it.lm.Words;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Trains models with equal budgets and measures them. */
final class CosupContest {
    private static final int HITS = 100;
    private static final int ENCODED_AT_ONCE = 64;
    private static final double NANOS = 1e9;

    /**
     * The budget and how much is measured.
     *
     * @param steps updates
     * @param batch questions in each
     * @param maxPassage most tokens of a passage
     * @param maxText tokens of question and answer together, at most
     * @param trainOnPassages whether passages' tokens are targets
     * @param width size of embeddings and states
     * @param pooling how passages become vectors
     * @param contrast how queries and passages are compared
     * @param learningRate of Adam
     * @param perplexities questions of a test set for perplexity
     * @param generations questions of a test set that answers are generated for
     * @param maxAnswer most tokens of an answer, special ones included
     */
    record Settings(
            int steps,
            int batch,
            int maxPassage,
            int maxText,
            boolean trainOnPassages,
            int width,
            Pooling pooling,
            Contrast contrast,
            double learningRate,
            int perplexities,
            int generations,
            int maxAnswer) {}

    private final CosupData data;
    private final List<String> tests;
    private final Settings settings;
    private final SpecialTokens special;
    private final CosupModel model;

    CosupContest(CosupData data, List<String> tests, Settings settings) {
        this.data = data;
        this.tests = List.copyOf(tests);
        this.settings = settings;
        this.special = SpecialTokens.after(data.tokenizer().vocabularySize());
        this.model = new CosupModel(
                special.vocabularySize(),
                settings.width(),
                settings.pooling(),
                settings.contrast(),
                settings.learningRate());
    }

    /** What the first weights give. */
    List<CosupOutcome> untrained(Towers towers, long seed) {
        return measure(towers, Objective.NONE, seed, new HashMap<>(), losses -> {});
    }

    /** What both single objectives give, alone and as two models of which one retrieves and the other writes. */
    List<CosupOutcome> single(Towers towers, long seed, Consumer<String> step) {
        Map<String, Map<String, String>> retrieved = new HashMap<>();
        List<CosupOutcome> outcomes = new ArrayList<>();
        outcomes.addAll(measure(towers, Objective.SEQUENCES, seed, retrieved, step));
        outcomes.addAll(measure(towers, Objective.TOKENS, seed, retrieved, step));
        return outcomes;
    }

    /** What a weighted sum of both gives. */
    List<CosupOutcome> joint(Towers towers, double lambda, long seed, Consumer<String> step) {
        return measure(towers, new Objective(1, lambda), seed, new HashMap<>(), step);
    }

    /**
     * Trains and measures.
     *
     * @param retrieved best passages by question and test set: those of the model before, if there was one; replaced by
     *     this one's
     */
    private List<CosupOutcome> measure(
            Towers towers,
            Objective objective,
            long seed,
            Map<String, Map<String, String>> retrieved,
            Consumer<String> step) {
        ComputationGraph graph = model.graph(towers, objective, seed);
        long start = System.nanoTime();
        if (!objective.equals(Objective.NONE)) {
            train(graph, seed, step);
        }
        double seconds = (System.nanoTime() - start) / NANOS;
        Parts parts = new Parts(CoSupervision.generator(graph), CoSupervision.sequenceEncoder(graph));
        List<CosupOutcome> outcomes = new ArrayList<>();
        for (String name : tests) {
            TestSet test = data.tests().get(name);
            Map<Metric, Double> values = new EnumMap<>(Metric.class);
            values.put(Metric.SECONDS, seconds);
            Map<String, String> best = retrieval(parts, test, values);
            perplexity(graph, test, values);
            answers(parts, test, best, values, Metric.EXACT, Metric.F1, Metric.CONTAINED);
            Map<String, String> gold =
                    test.questions().stream().collect(Collectors.toMap(Question::id, Question::passageId));
            answers(parts, test, gold, values, Metric.GOLD_EXACT, Metric.GOLD_F1, Metric.GOLD_CONTAINED);
            Map<String, String> others = retrieved.put(name, best);
            if (others != null) {
                answers(parts, test, others, values, Metric.PAIR_EXACT, Metric.PAIR_F1, Metric.PAIR_CONTAINED);
            }
            outcomes.add(new CosupOutcome(towers, objective.toString(), seed, name, values));
        }
        return outcomes;
    }

    /** The two halves of a model. */
    private record Parts(ComputationGraph generator, ComputationGraph encoder) {}

    private InstanceEncoder encoder(boolean trainOnPassages) {
        return InstanceEncoder.builder(data.tokenizer(), special)
                .maxLength(settings.maxPassage() + settings.maxText())
                .maxPassageLength(settings.maxPassage())
                .trainOnPassages(trainOnPassages)
                .build();
    }

    private void train(ComputationGraph graph, long seed, Consumer<String> step) {
        CoSupervisionIterator batches = CoSupervisionIterator.builder(
                        data.training(), encoder(settings.trainOnPassages()))
                .batchSize(settings.batch())
                .seed(seed)
                .build();
        for (int i = 0; i < settings.steps(); i++) {
            if (!batches.hasNext()) {
                batches.reset();
            }
            graph.fit(batches.next());
            CoSupervision.Losses losses = CoSupervision.losses(graph);
            step.accept(String.format(Locale.ROOT, "NTP %.2f NSP %.2f", losses.nextToken(), losses.nextSequence()));
        }
    }

    /** Ranks all passages for all questions; returns each question's best one. */
    private Map<String, String> retrieval(Parts parts, TestSet test, Map<Metric, Double> values) {
        InstanceEncoder encoder = encoder(true);
        List<String> ids = test.passages().stream().map(Passage::id).toList();
        Map<String, Passage> byId = test.byId();
        List<int[]> passages =
                test.passages().stream().map(encoder::passageTokens).toList();
        INDArray queries = queries(
                parts.generator(),
                test.questions().stream().map(q -> prompt(encoder, q)).toList());
        List<List<String>> ranked;
        try (SequenceIndex index =
                new ExactSequenceIndex(settings.width(), settings.contrast().similarity())) {
            new SequenceEncoder(parts.encoder()).index(ids, passages, index);
            ranked = index.search(queries, HITS).stream()
                    .map(hits -> hits.stream().map(Hit::id).toList())
                    .toList();
        }
        RetrievalMetrics metrics = RetrievalMetrics.of(
                ranked,
                test.questions().stream()
                        .map(question -> List.of(question.passageId()))
                        .toList(),
                1,
                10,
                HITS);
        values.put(Metric.RECALL_1, metrics.recallAt(1));
        values.put(Metric.RECALL_10, metrics.recallAt(10));
        values.put(Metric.RECALL_100, metrics.recallAt(HITS));
        values.put(Metric.MRR, metrics.meanReciprocalRank());
        Map<String, String> best = new LinkedHashMap<>();
        int inFirst = 0;
        int inFive = 0;
        for (int i = 0; i < ranked.size(); i++) {
            Question question = test.questions().get(i);
            best.put(question.id(), ranked.get(i).get(0));
            List<Boolean> holds = ranked.get(i).stream()
                    .limit(5)
                    .map(id -> AnswerMetrics.contains(byId.get(id).text(), question.answers()))
                    .toList();
            inFirst += holds.get(0) ? 1 : 0;
            inFive += holds.contains(true) ? 1 : 0;
        }
        values.put(Metric.ANSWER_IN_1, (double) inFirst / ranked.size());
        values.put(Metric.ANSWER_IN_5, (double) inFive / ranked.size());
        return best;
    }

    private int[] prompt(InstanceEncoder encoder, Question question) {
        int[] tokens = encoder.promptTokens(question.text());
        int[] asked = Arrays.copyOf(tokens, tokens.length + 1);
        asked[tokens.length] = special.retrieve();
        return asked;
    }

    /** The states at the last tokens, [Ret]. The layers before the head alone: its probabilities would take longest. */
    private INDArray queries(ComputationGraph generator, List<int[]> prompts) {
        String states = generator.getConfiguration().getNetworkOutputs().get(1);
        INDArray queries = Nd4j.create(DataType.FLOAT, prompts.size(), settings.width());
        for (int from = 0; from < prompts.size(); from += ENCODED_AT_ONCE) {
            List<int[]> some = prompts.subList(from, Math.min(prompts.size(), from + ENCODED_AT_ONCE));
            INDArray output = generator.output(List.of(states), false, new INDArray[] {padded(some)}, null)[0];
            for (int i = 0; i < some.size(); i++) {
                queries.putRow(
                        from + i,
                        output.get(
                                NDArrayIndex.point(i), NDArrayIndex.all(), NDArrayIndex.point(some.get(i).length - 1)));
            }
        }
        return queries;
    }

    private INDArray padded(List<int[]> texts) {
        int longest = texts.stream().mapToInt(text -> text.length).max().orElseThrow();
        int[][] tokens = new int[texts.size()][longest];
        for (int i = 0; i < tokens.length; i++) {
            Arrays.fill(tokens[i], special.padding());
            System.arraycopy(texts.get(i), 0, tokens[i], 0, texts.get(i).length);
        }
        return Nd4j.createFromArray(tokens);
    }

    private void perplexity(ComputationGraph graph, TestSet test, Map<Metric, Double> values) {
        List<Question> some = evenly(test.questions(), settings.perplexities());
        CoSupervisionData instances =
                new CoSupervisionData(some.stream().map(Question::toInstance).toList(), test.byId());
        for (boolean withPassages : new boolean[] {true, false}) {
            CoSupervisionIterator batches = CoSupervisionIterator.builder(instances, encoder(withPassages))
                    .batchSize(settings.batch())
                    .shuffle(false)
                    .build();
            double loss = 0;
            double targets = 0;
            while (batches.hasNext()) {
                MultiDataSet batch = batches.next();
                double count = batch.getLabelsMaskArray(0).sumNumber().doubleValue();
                graph.score(batch, false);
                loss += count * CoSupervision.losses(graph).nextToken();
                targets += count;
            }
            values.put(withPassages ? Metric.PERPLEXITY : Metric.PERPLEXITY_WRITTEN, Math.exp(loss / targets));
        }
    }

    /** Generates an answer from the question and a given passage. */
    private void answers(
            Parts parts,
            TestSet test,
            Map<String, String> passageIds,
            Map<Metric, Double> values,
            Metric exact,
            Metric f1,
            Metric contained) {
        List<Question> some = evenly(test.questions(), settings.generations());
        if (some.isEmpty()) {
            return;
        }
        InstanceEncoder encoder = encoder(true);
        Map<String, Passage> byId = test.byId();
        RecurrentLanguageModel languageModel = RecurrentLanguageModel.of(parts.generator());
        List<String> answers = new ArrayList<>();
        for (Question question : some) {
            try (SequenceIndex onePassage = new ExactSequenceIndex(settings.width())) {
                onePassage.add(List.of(passageIds.get(question.id())), Nd4j.ones(DataType.FLOAT, 1, settings.width()));
                answers.add(SemiparametricGenerator.builder(
                                languageModel,
                                data.tokenizer(),
                                special,
                                onePassage,
                                id -> encoder.passageTokens(byId.get(id)))
                        .retrieveFirst(true)
                        .maxRetrievals(1)
                        .maxNewTokens(settings.maxAnswer())
                        .forbid(Words.PADDING, Words.UNKNOWN, Words.START)
                        .build()
                        .generate(question.text())
                        .text());
            }
        }
        AnswerMetrics metrics =
                AnswerMetrics.of(answers, some.stream().map(Question::answers).toList());
        values.put(exact, metrics.exactMatch());
        values.put(f1, metrics.f1());
        values.put(contained, metrics.containment());
    }

    private static <T> List<T> evenly(List<T> all, int count) {
        int found = Math.min(count, all.size());
        List<T> some = new ArrayList<>();
        for (int i = 0; i < found; i++) {
            some.add(all.get((int) ((long) i * all.size() / found)));
        }
        return some;
    }

    /** The number of parameters of a model. */
    long parameters(Towers towers) {
        return model.graph(towers, Objective.TOKENS, 1).numParams();
    }
}
