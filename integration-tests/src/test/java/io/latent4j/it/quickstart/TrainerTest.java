/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.it.quickstart.corpus.Corpus;
import io.latent4j.it.quickstart.corpus.LabelledFile;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {
    @TempDir
    private Path folder;

    @Test
    void learnsAndFollowsLambdaAndRepeatsItself() throws Exception {
        Corpus corpus = LabelledFile.read(Texts.write(folder.resolve("texts.tsv"), 300));
        Trainer trainer = new Trainer(TrainingData.of(corpus, 500, 3), 4);
        AtomicInteger seen = new AtomicInteger();

        Run plain = trainer.run(setting(0, 0, 1), seen::addAndGet);

        assertEquals(4 * trainer.data().trainingTexts(), seen.get(), "every text once per epoch");
        assertTrue(plain.test().accuracy() > 0.9, "an easy task: " + plain.test());
        assertTrue(plain.test().macroF1() > 0.9, plain.test().toString());
        assertTrue(
                plain.curve().get(0).probe().loss()
                        > plain.curve().get(plain.curve().size() - 1).probe().loss(),
                "the loss falls");

        // two at a time: neither disturbs the other's random numbers
        List<Run> again = Stream.of(setting(0, 0, 1), setting(0, 0, 2))
                .parallel()
                .map(setting -> trainer.run(setting, steps -> {}))
                .toList();
        assertEquals(plain.test(), again.get(0).test());
        assertNotEquals(plain.test(), again.get(1).test());

        Run lower = trainer.run(setting(-2, 0, 1), steps -> {});
        Run higher = trainer.run(setting(2, 0, 1), steps -> {});
        Run shrunk = trainer.run(setting(2, 0.2, 1), steps -> {});
        assertTrue(lower.test().isotropy() < plain.test().isotropy(), lower + " < " + plain);
        assertTrue(higher.test().isotropy() > plain.test().isotropy(), higher + " > " + plain);
        assertTrue(shrunk.test().isotropy() > plain.test().isotropy(), shrunk + " > " + plain);
        assertNotEquals(higher.test().isotropy(), shrunk.test().isotropy(), "Σ_S takes part");
    }

    private static Setting setting(double lambda, double zeta, long seed) {
        return new Setting(lambda, zeta, Plan.LEARNING_RATE, seed);
    }
}
