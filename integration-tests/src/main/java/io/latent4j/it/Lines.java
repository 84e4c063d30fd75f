/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Lines of text files. */
public final class Lines {
    private Lines() {}

    /**
     * The lines of a file.
     *
     * @param file a file of UTF-8 text
     * @return its lines
     * @throws IOException if it can't be read or isn't UTF-8
     */
    public static List<String> of(Path file) throws IOException {
        try {
            return Files.readAllLines(file);
        } catch (CharacterCodingException e) {
            throw new IOException(file + ": expected UTF-8 text, found other bytes", e);
        }
    }
}
