/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Text for HTML pages. */
public final class Html {
    private Html() {}

    /**
     * Text that a browser shows as it is, between tags and in quoted attributes.
     *
     * @param text any text
     * @return the text with entities for what has a meaning in HTML, and without control characters, which it forbids
     */
    public static String escape(String text) {
        return text.replaceAll("[\\p{Cntrl}&&[^\n\t]]", "\uFFFD")
                .replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;");
    }

    /**
     * A page's style sheet, with the colours that all pages share before it.
     *
     * @param page the class beside which the style sheet stands
     * @param name its name
     * @return CSS
     * @throws IllegalStateException if it is not on the class path
     * @throws UncheckedIOException if it can't be read
     */
    public static String style(Class<?> page, String name) {
        return resource(Html.class, "colours.css") + resource(page, name);
    }

    private static String resource(Class<?> owner, String name) {
        try (InputStream stream = owner.getResourceAsStream(name)) {
            if (stream == null) {
                throw new IllegalStateException(name + ": not on the class path");
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(name + ": can't be read", e);
        }
    }
}
