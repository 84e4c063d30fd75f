/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LabelledFileTest {
    @TempDir
    private Path folder;

    @Test
    void readsTabSeparatedTextsWithHeaderAndQuotes() throws Exception {
        Corpus corpus = LabelledFile.read(file("texts.tsv", "label\ttext\n", "\t", "said \"so"));

        assertEquals(List.of("no", "yes"), corpus.labels());
        assertEquals("texts.tsv", corpus.name());
        assertEquals(120, texts(corpus).size());
        assertTrue(texts(corpus).contains("He said \"so 7"), "quotes are text in a TSV file");
        assertFalse(texts(corpus).contains("text"));
    }

    @Test
    void readsQuotedCommaSeparatedTextsWithoutHeader() throws Exception {
        Corpus corpus = LabelledFile.read(file("texts.csv", "\uFEFF", ",", "went, slowly"));

        assertEquals(List.of("no", "yes"), corpus.labels());
        assertTrue(texts(corpus).contains("He went, slowly 7"));
    }

    @Test
    void splitsTheSameFileAlwaysAlike() throws Exception {
        Path file = file("texts.tsv", "", "\t", "came");
        assertEquals(LabelledFile.read(file), LabelledFile.read(file));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '!',
            value = {
                "a.tsv | label\\ttext\\nyes\\tgood\\nno text here | line 3: expected 2 columns (label<TAB>text), found 1",
                "a.tsv | yes\\tgood\\textra                        | line 1: expected 2 columns (label<TAB>text), found 3",
                "a.csv | yes,good\\nno,                           | line 2: expected a label and a text, found an empty text",
                "a.csv | yes,\"never closed\\nno,x                | can't be read",
                "a.tsv | yes\\tgood\\nyes\\tbetter                | expected at least 2 different labels, found 1 (yes)",
                "a.tsv | yes\\tgood\\nno\\tbad                    | too few texts with label",
                "a.tsv | !!                                       | expected at least 2 different labels, found 0"
            })
    void tellsWhatIsWrongInOneLine(String name, String content, String expected) throws IOException {
        Path file = Files.writeString(
                folder.resolve(name), content.replace("\\t", "\t").replace("\\n", "\n"));
        CorpusException problem = assertThrows(CorpusException.class, () -> LabelledFile.read(file));
        assertTrue(problem.getMessage().contains(expected), problem.getMessage());
        assertEquals(1, problem.getMessage().lines().count());
    }

    @Test
    void refusesMissingFilesFoldersAndOtherBytes() throws IOException {
        assertMessage(folder.resolve("nowhere.tsv"), "no such file");
        assertMessage(folder, "can't be read");
        Path latin = Files.write(
                folder.resolve("latin.tsv"), "yes\tcaf\u00e9\n".repeat(5).getBytes(StandardCharsets.ISO_8859_1));
        assertMessage(latin, "expected UTF-8 text");
    }

    private static void assertMessage(Path file, String expected) {
        CorpusException problem = assertThrows(CorpusException.class, () -> LabelledFile.read(file));
        assertTrue(problem.getMessage().contains(expected), problem.getMessage());
    }

    private Path file(String name, String head, String separator, String middle) throws IOException {
        StringBuilder content = new StringBuilder(head);
        for (int i = 0; i < 60; i++) {
            content.append("yes")
                    .append(separator)
                    .append(cell(name, "He " + middle + " " + i))
                    .append('\n');
            content.append("no")
                    .append(separator)
                    .append(cell(name, "She " + middle + " " + i))
                    .append('\n');
        }
        return Files.writeString(folder.resolve(name), content);
    }

    private static String cell(String name, String text) {
        return name.endsWith(".csv") ? '"' + text + '"' : text;
    }

    private static Set<String> texts(Corpus corpus) {
        List<Example> all = new ArrayList<>(corpus.train());
        all.addAll(corpus.validation());
        all.addAll(corpus.test());
        return all.stream().map(Example::text).collect(Collectors.toSet());
    }
}
