/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SpecialTokensTest {

    @Test
    void followTheTokenizer() {
        SpecialTokens special = SpecialTokens.after(100);
        assertEquals(new SpecialTokens(100, 101, 102, 103, 104), special);
        assertEquals(105, special.vocabularySize());
        assertTrue(special.contains(104));
        assertFalse(special.contains(99));
    }

    @Test
    void mayLieWithinTheTokenizersIds() {
        SpecialTokens special = new SpecialTokens(1, 2, 3, 4, 0);
        assertEquals(5, special.vocabularySize());
        assertEquals(26, special.vocabularySize(new Letters()));
    }

    @Test
    void refusesEqualAndNegativeIds() {
        String equal = assertThrows(IllegalArgumentException.class, () -> new SpecialTokens(1, 2, 3, 4, 4))
                .getMessage();
        assertTrue(equal.contains("endOfText 4, padding 4"), equal);
        assertThrows(IllegalArgumentException.class, () -> new SpecialTokens(-1, 2, 3, 4, 5));
        String none = assertThrows(IllegalArgumentException.class, () -> SpecialTokens.after(0))
                .getMessage();
        assertTrue(none.contains("vocabularySize") && none.contains("found 0"), none);
    }
}
