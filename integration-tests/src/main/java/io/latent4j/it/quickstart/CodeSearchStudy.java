/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.cosup.analysis.AnswerMetrics;
import io.latent4j.cosup.analysis.Grounding;
import io.latent4j.cosup.analysis.RetrievalMetrics;
import io.latent4j.cosup.analysis.TokenPerplexity;
import io.latent4j.cosup.data.CoSupervisionIterator;
import io.latent4j.cosup.generation.Generation;
import io.latent4j.cosup.generation.SemiparametricGenerator;
import io.latent4j.cosup.retrieval.Hit;
import io.latent4j.cosup.retrieval.SequenceIndex;
import io.latent4j.it.quickstart.CodeSearch.Example;
import io.latent4j.it.quickstart.CodeSearch.Score;
import io.latent4j.it.quickstart.CodeSearch.Supervision;
import io.latent4j.it.quickstart.corpus.CodeCorpus;
import io.latent4j.it.quickstart.corpus.CodeCorpus.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntConsumer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Javadoc to code: the same model trained on next tokens, on next sequences, and on both, with the same texts in the same
 * order, and measured on methods of files that it has never seen.
 */
final class CodeSearchStudy {
    private static final int TEST_METHODS = 2000;
    private static final int ANSWERS = 200;
    private static final int EXAMPLES = 6;

    private final CodeCorpus corpus;
    private final long seed;
    private final WordTokenizer tokenizer;
    private final List<Method> test;
    private final Map<String, Method> byId = new LinkedHashMap<>();

    CodeSearchStudy(CodeCorpus corpus, long seed) {
        this.corpus = corpus;
        this.seed = seed;
        tokenizer = CodeModel.tokenizer(corpus.train());
        List<Method> shuffled = new ArrayList<>(corpus.test());
        Collections.shuffle(shuffled, new Random(seed));
        test = distinct(shuffled.subList(0, Math.min(TEST_METHODS, shuffled.size())));
        test.forEach(method -> byId.put(method.id(), method));
    }

    /** Methods that the model can tell apart by the words that it reads of them. */
    private List<Method> distinct(List<Method> methods) {
        Map<List<Integer>, Method> distinct = new LinkedHashMap<>();
        for (Method method : methods) {
            List<Integer> words = Arrays.stream(tokenizer.encode(method.code()))
                    .limit(CodeModel.CODE_WORDS)
                    .boxed()
                    .toList();
            distinct.putIfAbsent(words, method);
        }
        return List.copyOf(distinct.values());
    }

    /** A model and what came of it. */
    record Trained(CodeModel model, Score score) {}

    /**
     * Trains and measures a model.
     *
     * @param instances training texts counted over all epochs
     * @param progress is told how many texts each of its steps took
     */
    Trained run(Supervision supervision, int instances, IntConsumer progress) {
        long start = System.nanoTime();
        CodeModel model = CodeModel.train(tokenizer, corpus.train(), supervision, instances, seed, progress);
        double seconds = (System.nanoTime() - start) / 1e9;

        SequenceIndex index = model.index(test);
        TokenPerplexity perplexity = new TokenPerplexity();
        List<List<String>> gold = new ArrayList<>();
        List<List<String>> ranked = index.search(queries(model, perplexity, gold), 10).stream()
                .map(hits -> hits.stream().map(Hit::id).toList())
                .toList();
        List<Method> asked = test.subList(0, Math.min(ANSWERS, test.size()));
        List<Generation> generations = answers(model, index, asked);
        return new Trained(
                model,
                new Score(
                        supervision,
                        RetrievalMetrics.of(ranked, gold, 1, 10),
                        perplexity.perplexity(),
                        AnswerMetrics.of(
                                generations.stream().map(Generation::text).toList(),
                                asked.stream()
                                        .map(method -> List.of(method.name()))
                                        .toList()),
                        Grounding.of(
                                generations.stream()
                                        .flatMap(generation -> generation.retrievals().stream())
                                        .map(retrieval -> new Grounding.Span(retrieval.span(), retrieval.passage()))
                                        .toList(),
                                1),
                        seconds));
    }

    /**
     * What the models showed.
     *
     * @param instances training texts of each
     */
    CodeSearch result(List<Trained> models, int instances) {
        CodeModel model = best(models);
        List<Method> shown = test.subList(0, Math.min(EXAMPLES, test.size()));
        List<Generation> generations = answers(model, model.index(test), shown);
        List<Example> examples = new ArrayList<>();
        for (int i = 0; i < shown.size(); i++) {
            Method method = shown.get(i);
            Generation generation = generations.get(i);
            String retrieved = generation.retrievals().get(0).passageId();
            examples.add(new Example(
                    method.sentence(),
                    method.id(),
                    method.name(),
                    byId.get(retrieved).signature(),
                    generation));
        }
        return new CodeSearch(
                corpus.train().size(),
                test.size(),
                instances,
                models.stream()
                        .map(Trained::score)
                        .sorted(Comparator.comparing(Score::supervision))
                        .toList(),
                examples);
    }

    /** The co-supervised one: the only one that does both. */
    CodeModel best(List<Trained> models) {
        return models.stream()
                .filter(trained -> trained.score().supervision() == Supervision.BOTH)
                .findFirst()
                .orElseThrow()
                .model();
    }

    /** States at [Ret], one row per test method, in their order. */
    private INDArray queries(CodeModel model, TokenPerplexity perplexity, List<List<String>> gold) {
        ComputationGraph generator = model.generator();
        CoSupervisionIterator batches = model.batches(test);
        List<INDArray> states = new ArrayList<>();
        while (batches.hasNext()) {
            MultiDataSet batch = batches.next();
            INDArray[] made = generator.output(
                    false, new INDArray[] {batch.getFeatures(0)}, new INDArray[] {batch.getFeaturesMaskArray(0)});
            perplexity.eval(batch.getLabels(0), made[0], batch.getLabelsMaskArray(0));
            INDArray positions = batch.getLabelsMaskArray(1).argMax(1);
            for (int i = 0; i < positions.length(); i++) {
                int step = positions.getInt(i);
                states.add(made[1].get(NDArrayIndex.point(i), NDArrayIndex.all(), NDArrayIndex.point(step))
                        .dup('c')
                        .reshape(1, CodeModel.WIDTH));
                int row = batch.getLabels(1).getInt(i, 0, step);
                gold.add(List.of(batches.passageId(batch.getFeatures(2).getInt(row, 0))));
            }
        }
        return Nd4j.vstack(states);
    }

    private List<Generation> answers(CodeModel model, SequenceIndex index, List<Method> methods) {
        SemiparametricGenerator generator =
                model.generator(index, id -> byId.get(id).code()).build();
        return methods.stream()
                .map(method -> generator.generate(CodeModel.question(method.sentence())))
                .toList();
    }
}
