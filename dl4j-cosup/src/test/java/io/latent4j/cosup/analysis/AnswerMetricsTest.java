/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerMetricsTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            The Eiffel Tower!         | eiffel tower
            ~  a   AN the theatre ~   | theatre
            U.S.A.                    | usa
            it's 1,024 (approx.)      | its 1024 approx
            an-a                      | ana
            Ärger—the “Straße”        | ärger— “straße”
            """)
    void normalizesAsTheScriptDoes(String text, String normalized) {
        assertEquals(normalized, AnswerMetrics.normalize(text));
    }

    @Test
    void blanksOfAllKindsPartWords() {
        assertEquals("x y z", AnswerMetrics.normalize("x\u00a0y\t\nthe\u2003z"));
        assertEquals("", AnswerMetrics.normalize(" The, a; AN. "));
    }

    @Test
    void f1CountsWordsWithMultiplicity() {
        // shared: x once, y once; precision 2/4, recall 2/3
        assertEquals(2 * 0.5 * (2 / 3.0) / (0.5 + 2 / 3.0), AnswerMetrics.f1("x x y q", List.of("y x z")), 1e-15);
        assertEquals(1, AnswerMetrics.f1("The cat", List.of("dog", "a cat.")));
        assertEquals(0, AnswerMetrics.f1("cat", List.of("cats")));
    }

    @Test
    void emptyTextsMatchButShareNoWord() {
        assertTrue(AnswerMetrics.exactMatch("the", List.of("")));
        assertEquals(0, AnswerMetrics.f1("the", List.of("")));
        assertFalse(AnswerMetrics.contains("the", List.of("")));
    }

    @Test
    void containsWholeWordsInOrder() {
        assertTrue(AnswerMetrics.contains("It is the Denver Broncos, I think", List.of("Denver Broncos")));
        assertFalse(AnswerMetrics.contains("a category", List.of("cat")));
        assertFalse(AnswerMetrics.contains("Broncos of Denver", List.of("Denver Broncos")));
    }

    @Test
    void meansOverAnswersOfTheBestGold() {
        AnswerMetrics metrics = AnswerMetrics.of(
                List.of("The Denver Broncos", "in 1066 or so", "no idea"),
                List.of(List.of("Broncos", "Denver Broncos"), List.of("1066"), List.of("blue")));
        // F1: 1; precision 1/4 with recall 1 gives 2/5; 0
        assertEquals(new AnswerMetrics(3, 1 / 3.0, 1.4 / 3, 2 / 3.0), metrics);
    }

    @Test
    void refusesWhatCannotBeMeasured() {
        assertThrows(IllegalArgumentException.class, () -> AnswerMetrics.of(List.of(), List.of()));
        assertThrows(IllegalArgumentException.class, () -> AnswerMetrics.of(List.of("x"), List.of()));
        String message = assertThrows(
                        IllegalArgumentException.class, () -> AnswerMetrics.of(List.of("x"), List.of(List.of())))
                .getMessage();
        assertEquals("golds must hold at least one gold answer, found none for: x", message);
    }
}
