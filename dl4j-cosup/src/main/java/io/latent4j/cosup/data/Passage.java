/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.io.Serializable;

/**
 * A text that can be retrieved.
 *
 * @param id its name, unique in a collection
 * @param text what it says, not blank
 * @serial exclude
 */
public record Passage(String id, String text) implements Serializable {
    /**
     * Checks the text.
     *
     * @param id its name
     * @param text what it says
     * @throws IllegalArgumentException if the text is blank
     */
    public Passage {
        if (text.isBlank()) {
            throw new IllegalArgumentException("text of passage \"" + id + "\" must not be blank");
        }
    }
}
