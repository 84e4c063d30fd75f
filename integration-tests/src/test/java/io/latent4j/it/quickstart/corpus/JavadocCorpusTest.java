/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.it.quickstart.corpus.JavadocCorpus.Topic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JavadocCorpusTest {
    private static final List<Topic> TOPICS =
            List.of(new Topic("fish", List.of("trout", "salmon")), new Topic("birds", List.of("wren")));

    @TempDir
    private Path folder;

    @Test
    void everySentenceIsInOnePartAndUnderOneLabel() throws Exception {
        write("trout", 60, "swims");
        write("salmon", 60, "jumps");
        write("wren", 60, "sings");

        Corpus corpus = JavadocCorpus.read(folder, TOPICS, entry -> {});

        assertEquals(List.of("birds", "fish"), corpus.labels());
        assertEquals(3, corpus.sources().size());
        assertEquals("trout-1.0", corpus.sources().get(0).name());
        // 60 sentences of its own per artifact; the one that each file repeats is in both classes, so nowhere
        assertEquals(
                180,
                corpus.sources().stream().mapToInt(Corpus.Source::sentences).sum());
        assertEquals(180, all(corpus).size());
        assertEquals(180, all(corpus).stream().map(Example::text).distinct().count());
        assertFalse(all(corpus).stream().anyMatch(example -> example.text().contains("Returns a string")));
        assertDisjoint(corpus);
    }

    @Test
    void aSentenceOfTrainingAndTestFilesIsKeptForTraining() throws Exception {
        CorpusBuilder builder = new CorpusBuilder();
        for (int i = 0; i < 100; i++) {
            builder.add("s", "a", "text number " + i + " of a", "file" + i);
            builder.add("s", "b", "text number " + i + " of b", "file" + i);
            builder.add("s", "a", "The SAME text, everywhere!", "file" + i);
            builder.add("s", "a", "the same text everywhere", "file" + i);
        }
        Corpus corpus = builder.build("test");

        assertEquals(
                1,
                corpus.train().stream()
                        .filter(e -> e.text().toLowerCase(Locale.ROOT).startsWith("the same"))
                        .count());
        assertEquals(201, all(corpus).size());
        assertEquals(199, corpus.dropped());
        assertDisjoint(corpus);
        assertTrue(corpus.train().size() > 3 * corpus.test().size() / 2, "training is the largest part");
    }

    @Test
    void keepsOnlyTellingSentences() {
        assertTrue(JavadocCorpus.telling("Returns the number of documents in this segment."));
        assertFalse(JavadocCorpus.telling("Default constructor."));
        assertFalse(JavadocCorpus.telling("See the other method for details please."));
        assertFalse(JavadocCorpus.telling("TODO write this piece of documentation"));
        assertFalse(JavadocCorpus.telling("== 0x00ff || a[i] << 24 | b[j] << 16 & ~mask or so we think"));
    }

    @Test
    void balancedSamplesCutTheLargestClassesFirst() {
        List<Example> examples = new ArrayList<>();
        Map<String, Integer> sizes = Map.of("small", 5, "middle", 20, "large", 100);
        sizes.forEach((label, n) -> {
            for (int i = 0; i < n; i++) {
                examples.add(new Example(label, label + i));
            }
        });

        Map<String, Long> counts = Corpus.balanced(examples, 41, 7).stream()
                .collect(Collectors.groupingBy(Example::label, Collectors.counting()));

        assertEquals(Map.of("small", 5L, "middle", 18L, "large", 18L), counts);
        assertEquals(125, Corpus.balanced(examples, 1000, 7).size());
        assertEquals(Corpus.balanced(examples, 41, 7), Corpus.balanced(examples, 41, 7));
    }

    @Test
    void namesTheMissingArchive() {
        CorpusException problem =
                assertThrows(CorpusException.class, () -> JavadocCorpus.read(folder, TOPICS, entry -> {}));
        assertTrue(problem.getMessage().contains("trout-*-sources.jar"), problem.getMessage());
    }

    @Test
    void namesTheUnreadableArchive() throws IOException {
        write("trout", 3, "swims");
        write("wren", 3, "sings");
        Files.writeString(folder.resolve("salmon-1.0-sources.jar"), "torn");
        CorpusException problem =
                assertThrows(CorpusException.class, () -> JavadocCorpus.read(folder, TOPICS, entry -> {}));
        assertTrue(problem.getMessage().contains("salmon-1.0-sources.jar"), problem.getMessage());
    }

    private void write(String artifact, int files, String verb) throws IOException {
        Map<String, String> sources = new TreeMap<>();
        for (int i = 0; i < files; i++) {
            sources.put(
                    artifact + "/A" + i + ".java",
                    "/** The " + artifact + " " + verb + " in stream number " + "abcdefghij".charAt(i / 10) + " "
                            + "klmnopqrst".charAt(i % 10) + ". */ class A" + i
                            + " { /** Returns a string that describes this thing. */ public String toString() { return \"\"; } }");
        }
        SourcesJar.write(folder.resolve(artifact + "-1.0-sources.jar"), sources);
    }

    private static List<Example> all(Corpus corpus) {
        List<Example> all = new ArrayList<>(corpus.train());
        all.addAll(corpus.validation());
        all.addAll(corpus.test());
        return all;
    }

    private static void assertDisjoint(Corpus corpus) {
        Set<String> seen = new HashSet<>();
        for (Example example : all(corpus)) {
            assertTrue(seen.add(CorpusBuilder.normalised(example.text())), example.text());
        }
    }
}
