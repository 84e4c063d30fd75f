/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.data.EncodedInstance.Retrieval;
import io.latent4j.cosup.data.EncodedInstance.Role;
import io.latent4j.cosup.data.Instance.Segment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InstanceEncoderTest {
    private static final Map<String, Passage> PASSAGES =
            Letters.passages(new Passage("P", "pppp"), new Passage("Q", "qqqqqqqq"));

    private static String targets(EncodedInstance encoded) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < encoded.length(); i++) {
            text.append(encoded.isTarget(i) ? Letters.show(encoded.token(i)) : "-");
        }
        return text.toString();
    }

    @Test
    void writesTheFormat() {
        Instance instance = new Instance(
                "ab", List.of(Segment.plain("cd"), Segment.grounded("ef", "P"), Segment.grounded("g", "Q")), "h");
        EncodedInstance encoded = Letters.encoder().build().encode(instance, PASSAGES);
        assertEquals("abcdRpppp[ef]Rqqqqqqqq[g]h.", Letters.show(encoded.tokens()));
        assertEquals("--cdRpppp[ef]Rqqqqqqqq[g]h.", targets(encoded));
        assertEquals(List.of(new Retrieval(4, 1), new Retrieval(13, 2)), encoded.retrievals());
        assertEquals(Role.PROMPT, encoded.role(1));
        assertEquals(Role.RETRIEVE, encoded.role(4));
        assertEquals(Role.PASSAGE, encoded.role(5));
        assertEquals(Role.CONTEXT_START, encoded.role(9));
        assertEquals(Role.TEXT, encoded.role(12), "[Ce]");
        assertEquals(Role.TEXT, encoded.role(encoded.length() - 1), "</s>");
    }

    @Test
    void masksFromAfterRetrieveToContextStart() {
        Instance instance = new Instance("ab", List.of(Segment.grounded("ef", "P")), "");
        EncodedInstance encoded =
                Letters.encoder().trainOnPassages(false).build().encode(instance, PASSAGES);
        assertEquals("abRpppp[ef].", Letters.show(encoded.tokens()));
        assertEquals("--R-----ef].", targets(encoded));
    }

    @Test
    void theFirstTokenIsNoTargetWithoutAPrompt() {
        EncodedInstance encoded = Letters.encoder().build().encode(new Instance("", List.of(), "abc"), PASSAGES);
        assertEquals("-bc.", targets(encoded));
        assertTrue(encoded.hasTargets());
    }

    @ParameterizedTest
    @CsvSource({
        // whole; the longest passage shortened first; both; the end gone; the second retrieval gone; both
        "27, abcdRpppp[ef]Rqqqqqqqq[g]h.",
        "25, abcdRpppp[ef]Rqqqqqq[g]h.",
        "21, abcdRppp[ef]Rqqq[g]h.",
        "19, abcdRpp[ef]Rqq[g]h.",
        "18, abcdRpp[ef]Rqq[g]h",
        "17, abcdRpp[ef]Rqq[g]",
        "16, abcdRpppp[ef]",
        "11, abcdRpp[ef]",
        "10, abcd"
    })
    void shortensInStep(int maxLength, String expected) {
        Instance instance = new Instance("abcd", List.of(Segment.grounded("ef", "P"), Segment.grounded("g", "Q")), "h");
        InstanceEncoder encoder =
                Letters.encoder().maxLength(maxLength).minPassageLength(2).build();
        assertEquals(expected, Letters.show(encoder.encode(instance, PASSAGES).tokens()));
    }

    @ParameterizedTest
    @CsvSource({"16, abcdefghRpp[ef].", "15, bcdefghRpp[ef].", "14, bcdefghRpp[ef]", "13, cdefghRpp[ef]", "12, cdefgh"})
    void cutsThePromptDownToHalf(int maxLength, String expected) {
        InstanceEncoder encoder =
                Letters.encoder().maxLength(maxLength).minPassageLength(2).build();
        Instance instance = new Instance("abcdefgh", List.of(Segment.grounded("ef", "P")), "");
        assertEquals(expected, Letters.show(encoder.encode(instance, PASSAGES).tokens()));
    }

    @Test
    void cutsTextWithoutAPassageTokenByToken() {
        InstanceEncoder encoder = Letters.encoder().maxLength(8).build();
        assertEquals(
                "abcdefgh",
                Letters.show(encoder.encode(new Instance("abc", List.of(Segment.plain("defghij")), "k"), PASSAGES)
                        .tokens()));
    }

    @Test
    void hasNoTargetsWhereNothingFits() {
        InstanceEncoder encoder = Letters.encoder().maxLength(8).build();
        EncodedInstance encoded =
                encoder.encode(new Instance("abcdefgh", List.of(Segment.grounded("xyz", "Q")), ""), PASSAGES);
        assertEquals("efgh", Letters.show(encoded.tokens()));
        assertFalse(encoded.hasTargets());
        assertEquals(List.of(), encoded.retrievals());
    }

    /** Whatever the lengths: the limit holds, and each [Ret] has a passage, [Cs] and [Ce]. */
    @ParameterizedTest
    @ValueSource(ints = {8, 13, 24, 40})
    void keepsRetrievalsAndPassagesInStep(int maxLength) {
        Random random = new Random(maxLength);
        InstanceEncoder encoder = Letters.encoder()
                .maxLength(maxLength)
                .maxPassageLength(6)
                .minPassageLength(3)
                .build();
        int retrievals = 0;
        for (int trial = 0; trial < 500; trial++) {
            List<Segment> segments = new ArrayList<>();
            for (int s = random.nextInt(4); s > 0; s--) {
                String text = "t".repeat(random.nextInt(6));
                segments.add(
                        random.nextBoolean()
                                ? Segment.plain(text)
                                : Segment.grounded(text, "PQ".charAt(random.nextInt(2)) + ""));
            }
            Instance instance = new Instance("a".repeat(random.nextInt(12)), segments, "z".repeat(random.nextInt(5)));
            EncodedInstance encoded = encoder.encode(instance, PASSAGES);
            String text = Letters.show(encoded.tokens());
            assertTrue(encoded.length() <= maxLength, text);
            assertTrue(text.matches("a*(t|R(p{3,4}|q{3,6})\\[t*])*z*\\.?"), text);
            assertEquals(
                    text.chars().filter(c -> c == 'R').count(),
                    encoded.retrievals().size(),
                    text);
            for (Retrieval retrieval : encoded.retrievals()) {
                assertEquals('R', text.charAt(retrieval.position()));
                assertEquals(
                        segments.get(retrieval.segment()).passageId(),
                        text.substring(retrieval.position() + 1, retrieval.position() + 2)
                                .toUpperCase(Locale.ROOT));
                retrievals++;
            }
        }
        assertTrue(retrievals > 10, "found " + retrievals);
    }

    @Test
    void passagesAreCutAlikeHereAndForTheSequenceEncoder() {
        InstanceEncoder encoder = Letters.encoder().maxPassageLength(3).build();
        assertArrayEquals(new int[] {16, 16, 16}, encoder.passageTokens(PASSAGES.get("Q")));
        assertEquals(
                "aRqqq[b].",
                Letters.show(encoder.encode(new Instance("a", List.of(Segment.grounded("b", "Q")), ""), PASSAGES)
                        .tokens()));
    }

    @Test
    void namesWhatIsWrong() {
        InstanceEncoder encoder = Letters.encoder().build();
        String unknown = assertThrows(
                        IllegalArgumentException.class,
                        () -> encoder.encode(new Instance("a", List.of(Segment.grounded("b", "X")), ""), PASSAGES))
                .getMessage();
        assertTrue(unknown.contains("\"X\""), unknown);
        String empty = assertThrows(
                        IllegalArgumentException.class, () -> encoder.passageTokens(new Passage("digits", "123")))
                .getMessage();
        assertTrue(empty.contains("\"digits\"") && empty.contains("token"), empty);
        assertThrows(IllegalArgumentException.class, () -> Letters.encoder().maxLength(7));
        assertThrows(IllegalArgumentException.class, () -> Letters.encoder().maxPassageLength(0));
        assertThrows(IllegalArgumentException.class, () -> Letters.encoder().minPassageLength(0));
        assertThrows(IllegalArgumentException.class, () -> new Passage("blank", " "));
        assertThrows(IllegalArgumentException.class, () -> new Segment("b", "P", List.of("P")));
        assertThrows(IllegalArgumentException.class, () -> new Segment("b", null, List.of("P")));
    }
}
