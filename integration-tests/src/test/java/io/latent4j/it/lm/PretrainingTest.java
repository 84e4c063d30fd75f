/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;

class PretrainingTest {
    private static final Recipe RECIPE = new Recipe(9, 6, 8, 2, 8, 5, 80, 0.06, 1);

    @TempDir
    private Path folder;

    private Path texts = Path.of("");

    /** Every word tells which one follows. */
    @BeforeEach
    void write() throws IOException {
        texts = folder.resolve("texts.gz");
        try (OutputStream stream = new GZIPOutputStream(Files.newOutputStream(texts))) {
            stream.write("The cat sees a dog.\n".repeat(200).getBytes(StandardCharsets.UTF_8));
        }
    }

    @Test
    void learnsWhatFollows() throws Exception {
        List<Pretraining.Progress> seen = new ArrayList<>();
        Pretraining pretraining = new Pretraining(RECIPE, texts, texts, folder);
        LstmLm model = pretraining.model(seen::add);
        assertEquals(80, seen.get(seen.size() - 1).step());
        double perplexity = seen.get(seen.size() - 1).validationPerplexity();
        assertTrue(perplexity < 1.5, "perplexity " + perplexity); // 7 equally likely tokens before training
        assertEquals(
                1 + seen.size(),
                Files.readAllLines(pretraining.folder().resolve("curve.csv")).size());

        INDArray states = model.lastStates(List.of(model.encode("the cat"), model.encode("The cat sees a")));
        INDArray logits = states.mmul(model.head());
        assertEquals(
                "sees", model.words().tokens().get(logits.getRow(0).argMax().getInt(0)));
        assertEquals("dog", model.words().tokens().get(logits.getRow(1).argMax().getInt(0)));
        assertEquals(8, model.width());

        seen.clear();
        LstmLm again = new Pretraining(RECIPE, texts, texts, folder).model(seen::add);
        assertEquals(List.of(), seen, "comes from the cache");
        assertEquals(model.fingerprint(), again.fingerprint());
    }

    @Test
    void goesOnWhereItWasInterrupted() throws Exception {
        LstmLm once = new Pretraining(RECIPE, texts, texts, folder.resolve("once")).model(progress -> {});
        new Pretraining(RECIPE, texts, texts, folder.resolve("twice")).train(23, progress -> {});
        LstmLm twice = new Pretraining(RECIPE, texts, texts, folder.resolve("twice")).model(progress -> {});
        assertArrayEquals(
                once.network().params().toFloatVector(),
                twice.network().params().toFloatVector(),
                1e-6f);
    }

    @Test
    void otherRecipesAndTextsHaveOtherFolders() throws Exception {
        Path folderOf = new Pretraining(RECIPE, texts, texts, folder).folder();
        Recipe other = new Recipe(9, 6, 8, 2, 8, 5, 80, 0.06, 2);
        assertTrue(!folderOf.equals(new Pretraining(other, texts, texts, folder).folder()));
        Exception problem = assertThrows(
                IOException.class, () -> new Pretraining(RECIPE, folder.resolve("none.gz"), texts, folder));
        assertTrue(problem.getMessage().endsWith("none.gz: no such file"), problem.getMessage());
    }

    @Test
    void refusesTextsOfTooFewWords() throws Exception {
        Recipe large = new Recipe(100, 6, 8, 2, 8, 5, 80, 0.06, 1);
        Exception problem = assertThrows(
                IOException.class, () -> new Pretraining(large, texts, texts, folder).model(progress -> {}));
        assertTrue(problem.getMessage().contains("expected 100 different words, found 9"), problem.getMessage());
    }
}
