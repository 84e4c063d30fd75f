/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

/** The input can't be used; the message is one line that a user can act on. */
public final class CorpusException extends Exception {
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception.
     *
     * @param message what is wrong with which input, and what was expected
     */
    public CorpusException(String message) {
        super(message);
    }

    /**
     * Creates an exception.
     *
     * @param message what is wrong with which input, and what was expected
     * @param cause the failure beneath
     */
    public CorpusException(String message, Throwable cause) {
        super(message, cause);
    }
}
