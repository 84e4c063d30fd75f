/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.data.SpecialTokens;
import io.latent4j.cosup.generation.Generation.Finish;
import io.latent4j.cosup.generation.Generation.Retrieval;
import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.SequenceIndex;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SemiparametricGeneratorTest {
    private static final LetterTokenizer LETTERS = new LetterTokenizer();
    private static final SpecialTokens SPECIAL = SpecialTokens.after(6);
    private static final int A = 0;
    private static final int C = 2;
    private static final int D = 3;
    private static final int E = 4;
    private static final int F = 5;
    private static final int RET = SPECIAL.retrieve();
    private static final int CS = SPECIAL.contextStart();
    private static final int CE = SPECIAL.contextEnd();
    private static final int END = SPECIAL.endOfText();
    private static final int PAD = SPECIAL.padding();
    private static final int UNKNOWN = 11; // the model's, but neither the tokenizer's nor special

    private static final Map<String, int[]> PASSAGES = Map.of("p0", new int[] {F, F}, "p1", new int[] {E, F, E});

    /** Products with p0 and p1: 6 and 4. */
    private static final float[] FIRST = {3, 4};

    private static SequenceIndex index() {
        SequenceIndex index = new ExactSequenceIndex(2);
        index.add(List.of("p0", "p1"), Nd4j.create(new float[][] {{2, 0}, {0, 1}}));
        return index;
    }

    private static ScriptedModel model(int... script) {
        return new ScriptedModel(RET, new float[][] {FIRST}, Integer.MAX_VALUE, script);
    }

    private static SemiparametricGenerator.Builder builder(CausalLanguageModel model) {
        return SemiparametricGenerator.builder(model, LETTERS, SPECIAL, index(), PASSAGES::get);
    }

    @Test
    void retrievesWhereTheModelAsks() {
        ScriptedModel model = model(C, RET, D, CE, E, END);
        Generation generation = builder(model).build().generate("a b");

        assertEquals(List.of(0, 1, C, RET, F, F, CS, D, CE, E, END), generation.tokens());
        assertEquals(List.of(new Retrieval(3, "p0", 6, 5, "f f", 2, "d", 8)), generation.retrievals());
        assertEquals(7, generation.retrievals().get(0).spanStart());
        assertEquals(2, generation.promptLength());
        assertEquals(6, generation.newTokens());
        assertEquals(Finish.END_OF_TEXT, generation.finish());
        assertEquals("a b", generation.prompt());
        assertEquals("c d e", generation.text());
        assertEquals("a b c [Ret] f f [Cs] d [Ce] e </s>", generation.markedText());
        assertEquals("""
                prompt: a b
                [Ret] at token 3: p0 (score 6.0000, query norm 5.0000)
                  passage (2 tokens): f f
                  span (tokens 7 to 8): d
                text: c d e
                6 new tokens, END_OF_TEXT
                """, generation.toTrace());
        // The state of the [Ret] alone is the query; passage and [Cs] are read at once
        assertEquals(List.of("0 1", "2", "" + RET, "5 5 " + CS, "3", "" + CE, "4"), model.calls());
    }

    @Test
    void repeatsItself() {
        SemiparametricGenerator generator =
                builder(model(C, RET, D, CE, E, END)).build();
        assertEquals(generator.generate("a b"), generator.generate("a b"));
    }

    @ParameterizedTest
    @CsvSource({"5, a [Ret] f f [Cs] d </s>", "3, a [Ret] f f [Cs] d d"})
    void openSpansAreClosed(int newTokens, String text) {
        Generation generation = builder(model(RET, D, newTokens == 3 ? D : END))
                .maxNewTokens(newTokens)
                .build()
                .generate("a");
        assertEquals(
                text.contains("</s>") ? text.replace("</s>", "[Ce] </s>") : text + " [Ce]", generation.markedText());
        Retrieval retrieval = generation.retrievals().get(0);
        assertEquals(CE, generation.tokens().get(retrieval.spanEnd()));
        assertEquals(newTokens == 3 ? "d d" : "d", retrieval.span());
        assertEquals(newTokens == 3 ? Finish.MAX_NEW_TOKENS : Finish.END_OF_TEXT, generation.finish());
    }

    @Test
    void tokensThatMakeNoSenseAreNotChosen() {
        // Outside: [Cs], padding, unknown and [Ce] become a; inside: [Ret] does
        Generation generation = builder(model(CS, PAD, UNKNOWN, CE, RET, RET, CE, CE, END))
                .build()
                .generate("b");
        assertEquals("b a a a a [Ret] f f [Cs] a [Ce] a </s>", generation.markedText());
    }

    @Test
    void forbiddenTokensAreNotChosen() {
        Generation generation = builder(model(C, D, END)).forbid(C, A).build().generate("b");
        assertEquals("b b d </s>", generation.markedText());
    }

    @Test
    void limitsOfRetrieval() {
        int[] script = {RET, CE, RET, CE, RET, CE, END};
        assertEquals(
                3, builder(model(script)).build().generate("a").retrievals().size());
        assertEquals(
                "a [Ret] f f [Cs] [Ce] a a a a </s>",
                builder(model(script)).maxRetrievals(1).build().generate("a").markedText());
        // [Ret] would be the last of two tokens
        assertEquals(
                "a c a",
                builder(model(C, RET)).maxNewTokens(2).build().generate("a").markedText());
        Generation cut = builder(model(RET, END)).maxPassageTokens(1).build().generate("a");
        assertEquals("a [Ret] f [Cs] [Ce] </s>", cut.markedText());
        assertEquals(1, cut.retrievals().get(0).passageLength());
    }

    @Test
    void passagesNeedNotRepeat() {
        Generation generation = builder(model(RET, D, CE, RET, CE, RET, END))
                .repeatPassages(false)
                .build()
                .generate("a");
        assertEquals("a [Ret] f f [Cs] d [Ce] [Ret] e f e [Cs] [Ce] a </s>", generation.markedText());
        assertEquals(4, generation.retrievals().get(1).score());
    }

    @Test
    void noRetrievalNoIndex() {
        SequenceIndex empty = new ExactSequenceIndex(2);
        SemiparametricGenerator.Builder builder =
                SemiparametricGenerator.builder(model(RET, END), LETTERS, SPECIAL, empty, PASSAGES::get);
        assertEquals("a a </s>", builder.maxRetrievals(0).build().generate("a").markedText());
        String message = assertThrows(
                        IllegalStateException.class,
                        () -> builder.maxRetrievals(1).build().generate("a"))
                .getMessage();
        assertEquals("index must hold at least one passage, found an empty index", message);
    }

    @Test
    void promptsMayAskForAPassage() {
        Generation forced =
                builder(model(D, CE, END)).retrieveFirst(true).build().generate("a b");
        assertEquals("a b [Ret] f f [Cs] d [Ce] </s>", forced.markedText());
        assertEquals("d", forced.text());
        assertEquals("a b", forced.prompt());
        assertEquals(3, forced.newTokens());
        Generation given = builder(model(D, CE, END)).build().generate(new int[] {0, 1, RET}, 0);
        assertEquals(forced, given);
    }

    @Test
    void keepsToTheModelsLength() {
        ScriptedModel model = new ScriptedModel(RET, new float[][] {FIRST}, 6, C, RET, D, D, D);
        Generation generation = builder(model).build().generate("a");
        // a, c, [Ret], f, [Cs] leave room for one more token to be read; a last one is chosen after it
        assertEquals("a c [Ret] f f [Cs] d [Ce]", generation.markedText());
        assertEquals(Finish.MAX_LENGTH, generation.finish());
        // One token less and there is room for one token of the passage
        assertEquals(
                "a c [Ret] f [Cs] d [Ce]",
                builder(new ScriptedModel(RET, new float[][] {FIRST}, 5, C, RET, D, D, D))
                        .build()
                        .generate("a")
                        .markedText());
        // and none at all
        assertEquals(
                "a c a a a",
                builder(new ScriptedModel(RET, new float[][] {FIRST}, 4, C, RET, RET, RET))
                        .build()
                        .generate("a")
                        .markedText());
    }

    /** Always the same logits: ln of 1/2, 3/10, 3/20, 1/20 for a to d. */
    private static CausalLanguageModel constant(double... logits) {
        double[] all = Arrays.copyOf(logits, ScriptedModel.VOCABULARY);
        Arrays.fill(all, logits.length, all.length, Double.NEGATIVE_INFINITY);
        INDArray row = Nd4j.createFromArray(new double[][] {all});
        return new CausalLanguageModel() {
            @Override
            public int vocabularySize() {
                return ScriptedModel.VOCABULARY;
            }

            @Override
            public int stateSize() {
                return 2;
            }

            @Override
            public int maxLength() {
                return Integer.MAX_VALUE;
            }

            @Override
            public void reset() {}

            @Override
            public Step append(int... tokens) {
                return new Step(row, Nd4j.zeros(1, 2));
            }
        };
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 0.5, 0.3, 0.15, 0.05",
        "0.5, 1, 0.684931506849315, 0.246575342465753, 0.061643835616438, 0.006849315068493", // squares, over 0.365
        "1, 0.9, 0.526315789473684, 0.315789473684211, 0.157894736842105, 0", // over 0.95
        "1, 0.79, 0.625, 0.375, 0, 0",
        "1, 0.01, 1, 0, 0, 0"
    })
    void samplesAsProbable(double temperature, double topP, double a, double b, double c, double d) {
        int n = 4000;
        CausalLanguageModel model = constant(Math.log(0.5), Math.log(0.3), Math.log(0.15), Math.log(0.05));
        Generation generation = builder(model)
                .sample(temperature, topP, 42)
                .maxNewTokens(n)
                .build()
                .generate("f");
        double[] expected = {a, b, c, d};
        for (int id = 0; id < 4; id++) {
            int token = id;
            double share = generation.tokens().stream().filter(t -> t == token).count() / (double) n;
            double sd = Math.sqrt(expected[id] * (1 - expected[id]) / n);
            assertEquals(expected[id], share, 4 * sd + 1e-12, "token " + id);
        }
    }

    @Test
    void seedsDecide() {
        SemiparametricGenerator generator = builder(constant(0, 0, 0, 0))
                .sample(0.7, 0.9, 1)
                .maxNewTokens(50)
                .build();
        assertEquals(generator.generate("f"), generator.generate("f"));
        assertEquals(generator.generate("f"), generator.generate("f", 1));
        assertNotEquals(generator.generate("f"), generator.generate("f", 2));
        // The first of equals
        SemiparametricGenerator greedy =
                builder(constant(-1, 0, 0)).maxNewTokens(3).build();
        assertEquals("b b b", greedy.generate("f", 7).text());
    }

    @Test
    void refusesBadInput() {
        SemiparametricGenerator generator = builder(model(END)).build();
        assertMessage("prompt must be at least one token long", () -> generator.generate(" "));
        assertMessage("at least one token long", () -> generator.generate(new int[] {RET}, 0));
        assertMessage("a [Ret] at its end, found " + CS, () -> generator.generate(new int[] {A, CS, A}, 0));
        assertMessage(
                "in [0, 6) and at most a [Ret] at its end, found -1", () -> generator.generate(new int[] {-1}, 0));
        assertMessage(
                "must not end in [Ret] where maxRetrievals is 0",
                () -> builder(model(END)).maxRetrievals(0).build().generate(new int[] {A, RET}, 0));
        SemiparametricGenerator brief =
                builder(new ScriptedModel(RET, new float[][] {FIRST}, 3, END)).build();
        assertMessage("at most 3 tokens long, as the model takes 3, found 4", () -> brief.generate("a b c d"));
        assertMessage("at most 1 tokens long", () -> brief.generate(new int[] {A, RET}, 0));

        assertMessage(
                "topP must be in (0, 1], found 0.0", () -> builder(model()).sample(1, 0, 0));
        assertMessage(
                "topP must be in (0, 1], found 1.5", () -> builder(model()).sample(1, 1.5, 0));
        for (double temperature : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertMessage("temperature must be positive", () -> builder(model()).sample(temperature, 1, 0));
        }
        assertMessage("maxNewTokens must be at least 1, found 0", () -> builder(model())
                .maxNewTokens(0));
        assertMessage("maxRetrievals must be at least 0", () -> builder(model()).maxRetrievals(-1));
        assertMessage(
                "maxPassageTokens must be at least 1", () -> builder(model()).maxPassageTokens(0));
        assertMessage("[0, 12), found 12", () -> builder(model()).forbid(12).build());
        assertMessage("vectors of length 2, the model's states, found 3", () -> SemiparametricGenerator.builder(
                        model(), LETTERS, SPECIAL, new ExactSequenceIndex(3), PASSAGES::get)
                .build());
        assertMessage(
                "the 15 tokens of tokenizer and specialTokens, found a vocabulary of 12",
                () -> SemiparametricGenerator.builder(model(), LETTERS, SpecialTokens.after(10), index(), PASSAGES::get)
                        .build());
    }

    @Test
    void refusesPassagesWithoutTokens() {
        int[][] none = {{}, {CS}, {6 + 5}};
        String[] messages = {"at least one token, found none for p0", "found " + CS + " for p0", "found 11 for p0"};
        for (int i : IntStream.range(0, none.length).toArray()) {
            assertMessage(messages[i], () -> SemiparametricGenerator.builder(
                            model(RET), LETTERS, SPECIAL, index(), id -> none[i])
                    .build()
                    .generate("a"));
        }
    }

    @Test
    void refusesLogitsThatSayNothing() {
        String nan = assertThrows(
                        IllegalStateException.class,
                        () -> builder(constant(0, Double.NaN)).build().generate("a"))
                .getMessage();
        assertEquals("the model's logits must not be NaN, found NaN for token 1 after 1 tokens", nan);
        String ruledOut = assertThrows(
                        IllegalStateException.class,
                        () -> builder(constant(0)).forbid(0).build().generate("a"))
                .getMessage();
        assertEquals("the model's logits must allow a token, found none after 1 tokens", ruledOut);
    }

    private static void assertMessage(String part, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(part), message);
    }
}
