/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.analysis.Grounding.Span;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GroundingTest {
    private static final List<Span> SPANS = List.of(
            new Span("The tower, 300 metres", "A tower of 300 metres."), // 3 of 3
            new Span("red red wine", "red wine"), // 2 of 3: red is there once
            new Span("blue", "red wine"),
            new Span("...", "red wine"));

    @Test
    void countsWordsOfThePassage() {
        Grounding strict = Grounding.of(SPANS, 1);
        assertEquals(new Grounding(3, 1, 1, (1 + 2 / 3.0 + 0) / 3, 1), strict);
        assertEquals(1 / 3.0, strict.share());
        assertEquals(2, Grounding.of(SPANS, 0.5).supported());
        assertEquals(
                "1 of 3 spans have at least 100 % of their words from the passage (mean 0.5556), 1 empty",
                strict.toText());
    }

    @Test
    void nothingToJudge() {
        Grounding none = Grounding.of(SPANS.subList(3, 4), 1);
        assertEquals(0, none.spans());
        assertTrue(Double.isNaN(none.share()) && Double.isNaN(none.meanSupport()));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, 1.01, Double.NaN})
    void refusesThresholds(double threshold) {
        assertThrows(IllegalArgumentException.class, () -> Grounding.of(SPANS, threshold));
    }
}
