/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.it.quickstart.CodeSearch.Score;
import io.latent4j.it.quickstart.CodeSearch.Supervision;
import io.latent4j.it.quickstart.CodeSearchStudy.Trained;
import io.latent4j.it.quickstart.corpus.CodeCorpus;
import io.latent4j.it.quickstart.corpus.CodeCorpus.Method;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class CodeSearchStudyTest {
    private static final String[] VERBS = {"opens", "closes", "reads", "writes"};
    private static final String[] THINGS = {
        "river", "engine", "bread", "bridge", "letter", "garden", "mirror", "window", "candle", "hammer"
    };
    /** Code calls things by other names than documentation does. */
    private static final String[] CODED = {"rv", "eng", "loaf", "span", "post", "plot", "glass", "pane", "wick", "tool"
    };

    private static final String[] MANNERS = {"slowly", "twice", "again", "safely", "first"};

    @TempDir
    private Path folder;

    /** "opens the river slowly" is documented for {@code open rv slowly}: found by what was learned, word by word. */
    private static CodeCorpus corpus() {
        List<Method> train = new ArrayList<>();
        List<Method> test = new ArrayList<>();
        for (int verb = 0; verb < VERBS.length; verb++) {
            for (int thing = 0; thing < THINGS.length; thing++) {
                for (int manner = 0; manner < MANNERS.length; manner++) {
                    String act = VERBS[verb].substring(0, VERBS[verb].length() - 1);
                    String name = act + " " + CODED[thing];
                    Method method = new Method(
                            name + " " + manner,
                            VERBS[verb] + " the " + THINGS[thing] + " " + MANNERS[manner],
                            name,
                            "void " + act + "(" + CODED[thing] + " it)",
                            "thing void " + name + " " + CODED[thing] + " " + MANNERS[manner] + " return");
                    ((verb + thing + manner) % 5 == 0 ? test : train).add(method);
                }
            }
        }
        return new CodeCorpus(train, test);
    }

    @Test
    void tokenizerKnowsFrequentWordsAndSaysWhereItDoesNot() {
        WordTokenizer tokenizer = WordTokenizer.of(List.of("b a b c", "b a d"), 3);
        assertEquals(List.of("…", "b", "a"), tokenizer.words());
        assertEquals("b … a", tokenizer.decode(tokenizer.encode("B, zebra; a")));
        assertEquals(3, tokenizer.vocabularySize());
    }

    @Test
    @Tag("slow")
    void learnsToFindAndToWriteAndAnswersWhenAsked() throws Exception {
        CodeCorpus corpus = corpus();
        CodeSearchStudy study = new CodeSearchStudy(corpus, 3);
        int instances = 128 * 40;
        AtomicInteger steps = new AtomicInteger();
        List<Trained> models = Arrays.stream(Supervision.values())
                .map(supervision -> study.run(supervision, instances, steps::addAndGet))
                .toList();
        CodeSearch search = study.result(models, instances);

        assertEquals(3 * instances, steps.get(), "the untrained one takes no steps");
        assertEquals(corpus.test().size(), search.testMethods());
        Score none = search.score(Supervision.NONE);
        Score tokens = search.score(Supervision.TOKENS);
        Score both = search.score(Supervision.BOTH);
        assertTrue(both.retrieval().recallAt(1) > 0.8, both.toString());
        assertTrue(search.score(Supervision.SEQUENCES).retrieval().recallAt(1) > 0.8, search.toString());
        assertTrue(none.retrieval().recallAt(1) < 0.5, none.toString());
        assertTrue(both.perplexity() < 3 && tokens.perplexity() < 3, search.toString());
        assertTrue(none.perplexity() > 10, none.toString());
        assertTrue(both.answers().f1() > 0.6, both.toString());
        assertEquals(6, search.examples().size());
        assertTrue(search.examples().stream().filter(CodeSearch.Example::found).count() >= 4, search.toString());

        // The same once more, beside another
        assertEquals(
                both.retrieval(),
                study.run(Supervision.BOTH, instances, texts -> {}).score().retrieval());

        List<Method> all = new ArrayList<>(corpus.train());
        all.addAll(corpus.test());
        SavedSearch.save(folder, study.best(models), all);
        asked(search);
    }

    /** By arguments and by lines, in a virtual machine without a terminal. */
    private void asked(CodeSearch search) throws IOException {
        String answer = ask("", "reads", "the", "window", "twice");
        assertTrue(answer.contains(" 1. read pane 1 (score "), answer);
        assertTrue(answer.contains("void read(pane it)"), answer);
        assertTrue(answer.contains("Answer:   read pane"), answer);
        assertTrue(answer.contains("[Ret] thing void read pane"), answer);
        assertFalse(answer.contains("> "), "no prompt for a single question: " + answer);

        CodeSearch.Example first = search.examples().get(0);
        String lines = ask(first.question() + "\nzebra\n\nnot read\n", "--passages", "1");
        assertTrue(lines.contains("200 documented methods"), lines);
        assertTrue(lines.contains("Answer:   " + first.generation().text()), lines);
        assertTrue(lines.contains("No word of this is in the model's vocabulary."), lines);
        assertFalse(lines.contains(" 2. "), lines);
        assertEquals(
                2,
                lines.lines()
                        .filter(line -> line.startsWith("> ") && line.length() > 2)
                        .count(),
                lines);

        Path methods = folder.resolve(SavedSearch.FOLDER).resolve("methods.tsv");
        Files.writeString(methods, "torn");
        StringWriter err = new StringWriter();
        CommandLine command = Quickstart.commandLine().setErr(new PrintWriter(err, true));
        assertEquals(1, command.execute("ask", "--out", folder.toString(), "anything"));
        assertTrue(
                err.toString().contains("methods.tsv: expected id, signature and words, found torn"), err.toString());
    }

    private String ask(String input, String... arguments) {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream(input.getBytes(Charset.defaultCharset())));
        try {
            StringWriter out = new StringWriter();
            CommandLine command = Quickstart.commandLine().setOut(new PrintWriter(out, true));
            List<String> all = new ArrayList<>(List.of("ask", "--out", folder.toString()));
            all.addAll(List.of(arguments));
            assertEquals(0, command.execute(all.toArray(String[]::new)));
            return out.toString();
        } finally {
            System.setIn(before);
        }
    }
}
