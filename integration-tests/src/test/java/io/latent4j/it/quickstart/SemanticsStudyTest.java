/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.it.quickstart.Semantics.Method;
import io.latent4j.it.quickstart.corpus.Corpus;
import io.latent4j.it.quickstart.corpus.Example;
import io.latent4j.it.quickstart.corpus.LabelledFile;
import io.latent4j.vocabsem.analysis.LensReport.HeadCheck;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

class SemanticsStudyTest {
    @TempDir
    private Path folder;

    @Test
    void typicalWordsSpeakForOneClass() {
        List<Example> texts = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            texts.add(new Example("a", "the river flows and 7 boats float"));
            texts.add(new Example("b", "the engine starts and 7 wheels turn"));
        }
        Vocabulary vocabulary = new Vocabulary(texts);
        Map<String, int[]> typical =
                TypicalWords.of(texts, List.of("a", "b"), vocabulary, 9).orElseThrow();
        assertEquals(Set.of("river", "flows", "boats", "float"), words(typical.get("a"), vocabulary));
        assertEquals(Set.of("engine", "starts", "wheels", "turn"), words(typical.get("b"), vocabulary));
        assertEquals(
                2,
                TypicalWords.of(texts, List.of("a", "b"), vocabulary, 2)
                        .orElseThrow()
                        .get("a")
                        .length);
        List<Example> same = List.of(
                new Example("a", "one two three"),
                new Example("b", "one two three"),
                new Example("a", "one two three"));
        assertEquals(Optional.empty(), TypicalWords.of(same, List.of("a", "b"), new Vocabulary(same), 3));
    }

    private static Set<String> words(int[] indices, Vocabulary vocabulary) {
        return Set.copyOf(Arrays.stream(indices).mapToObj(vocabulary::word).toList());
    }

    @Test
    void batchesShiftTheTextByOneWord() {
        DataSet batch = LanguageModel.batch(List.of(new int[] {5, 1, 7}, new int[] {9}));
        assertArrayEquals(new long[] {2, 1, 4}, batch.getFeatures().shape());
        assertArrayEquals(new float[] {0, 5, 1, 7, 0, 9, 0, 0}, flat(batch.getFeatures()));
        assertArrayEquals(new float[] {1, 1, 1, 1, 1, 1, 0, 0}, flat(batch.getFeaturesMaskArray()));
        // the unknown word, 1, is read and not asked for
        assertArrayEquals(new float[] {5, 0, 7, 0, 9, 0, 0, 0}, flat(batch.getLabels()));
        assertArrayEquals(new float[] {1, 0, 1, 0, 1, 0, 0, 0}, flat(batch.getLabelsMaskArray()));
    }

    private static float[] flat(INDArray array) {
        return array.castTo(DataType.FLOAT).dup('c').data().asFloat();
    }

    @Test
    @Tag("slow")
    void learnsWordsAndClassesOfASmallTask() throws Exception {
        Corpus corpus = LabelledFile.read(Texts.write(folder.resolve("texts.tsv"), 200));
        AtomicInteger trained = new AtomicInteger();
        Semantics semantics =
                new SemanticsStudy(corpus, 3).run(2000, trained::addAndGet).orElseThrow();

        assertEquals(semantics.model().texts(), trained.get());
        assertTrue(
                semantics.model().perplexity() < 0.8 * semantics.model().unigramPerplexity(),
                semantics.model().toString());
        assertTrue(
                semantics.labelWords().get("food").contains("soup"),
                semantics.labelWords().toString());
        assertEquals(
                1 + 2 * SemanticsStudy.SHOTS.size() * Plan.SEEDS,
                semantics.scores().size());
        double many =
                semantics.of(Method.CLUSTERING, 64, Semantics.Score::accuracy).mean();
        double linear =
                semantics.of(Method.LINEAR, 64, Semantics.Score::accuracy).mean();
        assertTrue(many > 0.6 && linear > 0.6, many + " and " + linear);
        assertTrue(
                semantics.clusters().after().silhouette()
                        > semantics.clusters().before().silhouette(),
                semantics.clusters().toString());
        assertEquals(HeadCheck.State.MATCH, semantics.words().head().state());
        assertEquals(HeadCheck.State.MATCH, semantics.logits().head().state());
        assertEquals(LanguageModel.LAYERS.size(), semantics.words().layers().size());
        assertEquals(
                LanguageModel.LAYERS.size() + 1, semantics.classes().layers().size());
        assertEquals(
                semantics.words().positions(semantics.sentence().example()).size(),
                semantics.sentence().read().size());
        assertEquals(3, semantics.texts().size());

        Semantics again = new SemanticsStudy(corpus, 3).run(2000, texts -> {}).orElseThrow();
        assertEquals(semantics.scores(), again.scores());
        assertEquals(semantics.words(), again.words());
    }
}
