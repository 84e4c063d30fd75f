/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

/**
 * A text and the class it belongs to.
 *
 * @param label name of the class
 * @param text the text as it was read
 */
public record Example(String label, String text) {}
