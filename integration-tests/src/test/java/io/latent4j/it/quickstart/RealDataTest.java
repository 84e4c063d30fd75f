/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.latent4j.it.quickstart.corpus.LabelledFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The classifier with and without I-STAR on real questions (TREC, 6 classes). */
@Tag("data")
class RealDataTest {
    private static final Path DATA = Path.of(System.getProperty("latent4j.data", "../../shared/data"));

    @Test
    void learnsTrecAndFollowsLambda() throws Exception {
        Path file = DATA.resolve("trec/train.tsv");
        assumeTrue(Files.isReadable(file), () -> "skipped: no " + file.toAbsolutePath() + "; set -Dlatent4j.data");
        Trainer trainer = new Trainer(TrainingData.of(LabelledFile.read(file), 3000, 1), 4);
        Run plain = trainer.run(new Setting(0, 0, Plan.LEARNING_RATE, 1), steps -> {});
        Run lower = trainer.run(new Setting(-2, 0, Plan.LEARNING_RATE, 1), steps -> {});
        Run higher = trainer.run(new Setting(2, 0, Plan.LEARNING_RATE, 1), steps -> {});
        // The largest of the six classes holds 23 % of the questions
        assertTrue(plain.test().accuracy() > 0.5, () -> "accuracy " + plain.test());
        assertTrue(lower.test().isotropy() < plain.test().isotropy(), lower + " < " + plain);
        assertTrue(higher.test().isotropy() > plain.test().isotropy(), higher + " > " + plain);
    }
}
