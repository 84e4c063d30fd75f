/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.latent4j.cosup.data.CoSupervisionIterator;
import io.latent4j.cosup.data.InstanceEncoder;
import io.latent4j.cosup.data.SpecialTokens;
import io.latent4j.cosup.data.SquadReader;
import io.latent4j.cosup.data.SquadReader.Squad;
import io.latent4j.cosup.data.WordPieceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** The readers and the iterator on the whole of SQuAD v1.1. */
@Tag("data")
class SquadDataTest {
    private static final Path DATA = Path.of(System.getProperty("latent4j.data", "../../shared/data"));

    private static Path existing(String name) {
        Path file = DATA.resolve(name);
        assumeTrue(Files.isReadable(file), () -> "skipped: no " + file.toAbsolutePath() + "; set -Dlatent4j.data");
        return file;
    }

    @Test
    void holdsWhatItsMakersSay() throws IOException {
        Squad train = SquadReader.read(existing("squad11/train-v1.1.json.gz"));
        assertEquals(87_599, train.questions().size());
        assertEquals(18_896, train.passages().size());
        assertEquals(0, train.skipped());
        Squad dev = SquadReader.read(existing("squad11/dev-v1.1.json.gz"));
        assertEquals(10_570, dev.questions().size());
        assertEquals(2_067, dev.passages().size());
        assertEquals(
                48,
                dev.questions().stream()
                        .map(SquadReader.Question::title)
                        .distinct()
                        .count());
        assertTrue(
                dev.questions().stream().allMatch(question -> dev.passages()
                        .get(question.passageId())
                        .text()
                        .contains(question.answers().get(0))),
                "answers are spans of their passages");
    }

    @Test
    void becomesBatchesOfWordPieces() throws IOException {
        Squad dev = SquadReader.read(existing("squad11/dev-v1.1.json.gz"));
        WordPieceTokenizer tokenizer = WordPieceTokenizer.read(existing("vocabs/bert-base-uncased-vocab.txt"), true);
        SpecialTokens special = SpecialTokens.after(tokenizer.vocabularySize());
        InstanceEncoder encoder = InstanceEncoder.builder(tokenizer, special)
                .maxLength(128)
                .maxPassageLength(80)
                .build();
        CoSupervisionIterator iterator = CoSupervisionIterator.builder(dev.toData(), encoder)
                .batchSize(64)
                .build();
        assertEquals(10_570, iterator.size());
        assertEquals(0, iterator.skipped());
        int instances = 0;
        double retrievals = 0;
        while (iterator.hasNext()) {
            MultiDataSet batch = iterator.next();
            INDArray tokens = batch.getFeatures(0);
            INDArray passages = batch.getFeatures(1);
            instances += (int) tokens.size(0);
            retrievals += batch.getLabelsMaskArray(1).sumNumber().doubleValue();
            assertTrue(tokens.size(1) < 128 && passages.size(1) <= 80);
            assertTrue(passages.size(0) >= 1 && passages.size(0) <= tokens.size(0));
            assertTrue(batch.getLabels(1).maxNumber().longValue() < passages.size(0));
            assertTrue(tokens.maxNumber().intValue() < special.vocabularySize(tokenizer));
        }
        assertEquals(10_570, instances);
        assertEquals(10_570, retrievals, "one [Ret] each");
    }
}
