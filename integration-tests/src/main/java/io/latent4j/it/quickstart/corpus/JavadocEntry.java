/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

/**
 * One documented declaration of a library: what its Javadoc says first, and its code.
 *
 * @param library artifact that the declaration was published in, for example {@code lucene-core-9.12.3}
 * @param packageName package of the source file; empty for the unnamed package
 * @param file path of the source file inside the archive
 * @param className simple name of the declaring class, nested classes joined by dots
 * @param member name of the method or field; empty if the class itself is documented
 * @param sentence first sentence of the Javadoc as plain text
 * @param code source text of the declaration; empty unless it was asked for
 */
public record JavadocEntry(
        String library,
        String packageName,
        String file,
        String className,
        String member,
        String sentence,
        String code) {}
