/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it;

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
}
