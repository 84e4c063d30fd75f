/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.it.experiments.Task.TaskClass;
import io.latent4j.it.lm.CausalLm;
import io.latent4j.vocabsem.SemanticBases;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** The whole experiment in small: a language model that remembers the words it has seen, and texts of three kinds. */
class ContestTest {
    private static final Task TASK = new Task(
            "Rooms",
            "rooms/train.tsv",
            "rooms/test.tsv",
            "room is",
            List.of(
                    new TaskClass("k", "kitchen", "cook"),
                    new TaskClass("b", "bath", "wash"),
                    new TaskClass("s", "study", "read")));
    private static final List<String> WORDS = List.of(
            "<s>", "cook", "wash", "read", "pan", "oven", "stove", "soap", "towel", "tub", "desk", "book", "lamp",
            "the", "a", "room", "is");
    private static final Contest.Settings SETTINGS =
            new Contest.Settings(List.of(2, Outcome.ALL), 2, 60, 150, 64, 10, 0.01, 0.03);

    @TempDir
    private Path folder;

    private final BagOfWords lm = new BagOfWords();

    @BeforeEach
    void write() throws Exception {
        Files.createDirectories(folder.resolve("rooms"));
        write(TASK.train(), 240, 1);
        write(TASK.test(), 30, 2);
    }

    @Test
    void everyMethodIsMeasuredAndTrainingHelps() throws Exception {
        List<Outcome> outcomes = outcomes();
        // zero-shot: 2; kNN: 2 × (2 seeds + 1, as all texts are the same for every seed); trained: 3 × 2 × 2
        assertEquals(2 + 6 + 12, outcomes.size());
        for (Outcome outcome : outcomes) {
            assertEquals(30, outcome.testTexts());
            assertTrue(outcome.adaptSeconds() >= 0 && outcome.predictSeconds() >= 0, outcome.toString());
            boolean all = outcome.shots() == Outcome.ALL;
            assertEquals(all ? 240 : outcome.shots() == Outcome.NONE ? 0 : 6, outcome.trainTexts(), outcome.toString());
            if (all) {
                // Chance is 1/3. The small module at scale 1 may leave one class aside, which gives 2/3.
                double least = outcome.method() == Method.CLUSTERING ? 0.5 : 0.8;
                assertTrue(outcome.score().accuracy() > least, outcome.toString());
                assertTrue(outcome.score().macroF1() > least - 0.1, outcome.toString());
            }
        }
    }

    @Test
    void statesComeFromTheModelOnce() throws Exception {
        StatesCache cache = new StatesCache(folder.resolve("cache"), 20);
        States first = cache.of(lm, TASK, folder.resolve(TASK.test()), 0, n -> {});
        int runs = lm.runs;
        List<Integer> steps = new ArrayList<>();
        States again = cache.of(lm, TASK, folder.resolve(TASK.test()), 0, steps::add);
        assertEquals(runs, lm.runs);
        assertEquals(List.of(30), steps);
        assertEquals(first.states(), again.states());
        assertArrayEquals(first.labels(), again.labels());
        // In the order of the file, though the model read them by length
        int[] third = TASK.prompt(
                lm, StatesCache.texts(folder.resolve(TASK.test()), 3).get(2).text(), 20);
        assertEquals(lm.lastStates(List.of(third)).getRow(0), first.states().getRow(2));
        cache.of(lm, TASK, folder.resolve(TASK.test()), 5, n -> {});
        assertTrue(lm.runs > runs + 1, "another limit is another entry");
    }

    @Test
    void longTextsLoseTheirEndAndKeepTheContinuation() {
        assertArrayEquals(lm.encode("pan oven room is"), TASK.prompt(lm, "pan oven stove soap", 3));
        assertArrayEquals(lm.encode("pan room is"), TASK.prompt(lm, "pan", 3));
    }

    @Test
    void samplesAreBalancedAndFollowTheSeed() {
        int[] labels =
                IntStream.range(0, 50).map(i -> i < 40 ? 0 : i < 48 ? 1 : 2).toArray();
        States all = new States(Nd4j.arange(50).reshape(50, 1).castTo(DataType.FLOAT), labels, 3);
        States sample = Contest.sample(all, 4, 1);
        int[] counts = new int[3];
        IntStream.of(sample.labels()).forEach(c -> counts[c]++);
        assertArrayEquals(new int[] {4, 4, 2}, counts);
        for (int i = 0; i < sample.size(); i++) {
            assertEquals(labels[sample.states().getInt(i, 0)], sample.labels()[i]);
        }
        assertEquals(sample.states(), Contest.sample(all, 4, 1).states());
        assertTrue(!sample.states().equals(Contest.sample(all, 4, 2).states()));
    }

    @Test
    void tablesHoldTheMeasurements() throws Exception {
        ResultTables tables = new ResultTables(List.of(
                outcome(Method.LINEAR, 4, 1, 0.5),
                outcome(Method.LINEAR, 4, 2, 0.7),
                outcome(Method.KNN_1, 4, 1, 0.9),
                outcome(Method.KNN_1, 4, 2, 0.9),
                outcome(Method.SEMANTIC, Outcome.NONE, 1, 0.4)));
        String page = Report.page(
                Map.of("Java", "17"),
                "Settings.",
                List.of(TASK),
                Map.of("lm", "A note."),
                Map.of("lm, Rooms", "[1]"),
                tables);
        // Standard deviation of 50 and 70 is √200
        assertTrue(page.contains("| linear head | 60.0 ± 14.1 / 25.0 ± 0.0 |\n"), page);
        assertTrue(page.contains("| kNN-Prompting, k = 1 | **90.0 ± 0.0 / 25.0 ± 0.0** |\n"), page);
        assertTrue(page.contains("| semantic logits, zero-shot | **40.0 / 25.0** |\n"), page);
        assertTrue(page.contains("| linear head | 1.50 + 0.25 | – |\n"), page);
        assertTrue(page.contains("in 1 columns: kNN-Prompting, k = 1 1."), page);
        assertTrue(page.contains("A note.") && page.contains("| Rooms | … room is | cook, wash, read |"), page);
        Path csv = folder.resolve("out.csv");
        tables.writeCsv(csv);
        List<String> rows = Files.readAllLines(csv);
        assertEquals(6, rows.size());
        assertEquals("lm,Rooms,LINEAR,4,2,12,30,0.7,0.25,1.5000,0.2500", rows.get(2));
    }

    @Test
    void scoresCountEveryClass() {
        Score score = Score.of(new int[] {0, 0, 1, 2}, new int[] {0, 1, 1, 1}, 3);
        assertEquals(0.5, score.accuracy(), 1e-12);
        // F1: 2/3, 1/2, 0
        assertEquals((2.0 / 3 + 0.5) / 3, score.macroF1(), 1e-12);
    }

    private static Outcome outcome(Method method, int shots, long seed, double accuracy) {
        return new Outcome("lm", "Rooms", method, shots, seed, 12, 30, new Score(accuracy, 0.25), 1.5, 0.25);
    }

    private List<Outcome> outcomes() throws Exception {
        StatesCache cache = new StatesCache(folder.resolve("cache"), 20);
        States train = cache.of(lm, TASK, folder.resolve(TASK.train()), 0, n -> {});
        States test = cache.of(lm, TASK, folder.resolve(TASK.test()), 0, n -> {});
        Contest contest = new Contest(lm, SemanticBases.fromHead(lm.head()), TASK, train, test, SETTINGS);
        List<Outcome> outcomes = new ArrayList<>();
        for (Callable<Outcome> measurement : contest.measurements()) {
            outcomes.add(measurement.call());
        }
        return outcomes;
    }

    private void write(String file, int texts, long seed) throws Exception {
        Random random = new Random(seed);
        StringBuilder content = new StringBuilder("label\ttext\n");
        for (int i = 0; i < texts; i++) {
            int kind = i % 3;
            content.append("kbs".charAt(kind)).append('\t');
            for (int word = 0; word < 4 + random.nextInt(3); word++) {
                int wordKind = random.nextInt(10) == 0 ? random.nextInt(3) : kind;
                content.append(WORDS.get(4 + 3 * wordKind + random.nextInt(3))).append(' ');
            }
            content.append("the\n");
        }
        Files.writeString(folder.resolve(file), content);
    }

    /** State: normalised sum of its words' random vectors. */
    private static final class BagOfWords implements CausalLm {
        private static final int WIDTH = 64;

        private final INDArray embedding = Nd4j.createUninitialized(DataType.FLOAT, WORDS.size(), WIDTH);
        private int runs;

        BagOfWords() {
            Random random = new Random(3);
            for (long i = 0; i < embedding.length(); i++) {
                embedding.putScalar(i, random.nextGaussian());
            }
        }

        @Override
        public String name() {
            return "bag";
        }

        @Override
        public String fingerprint() {
            return "1";
        }

        @Override
        public int width() {
            return WIDTH;
        }

        @Override
        public INDArray head() {
            return embedding.transpose();
        }

        @Override
        public int[] encode(String text) {
            Predicate<String> known = WORDS::contains;
            return IntStream.concat(
                            IntStream.of(0),
                            List.of(text.toLowerCase(Locale.ROOT).split(" ")).stream()
                                    .filter(known)
                                    .mapToInt(WORDS::indexOf))
                    .toArray();
        }

        @Override
        public INDArray lastStates(List<int[]> prompts) {
            runs++;
            INDArray states = Nd4j.zeros(DataType.FLOAT, prompts.size(), WIDTH);
            for (int i = 0; i < prompts.size(); i++) {
                INDArray sum = Nd4j.pullRows(embedding, 1, prompts.get(i)).sum(0);
                states.putRow(i, Transforms.unitVec(sum).mul(4));
            }
            return states;
        }
    }
}
