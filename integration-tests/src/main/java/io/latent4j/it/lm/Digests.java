/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Short names for contents. */
public final class Digests {
    private static final int BYTES = 6;

    private Digests() {}

    /**
     * The first twelve digits of a file's SHA-256, settings that belong to it included.
     *
     * @param file the file
     * @param settings what else the name shall depend on
     * @return hexadecimal digits
     * @throws IOException if the file can't be read
     */
    public static String sha256(Path file, Object... settings) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (Object setting : settings) {
                digest.update(setting.toString().getBytes(StandardCharsets.UTF_8));
                digest.update((byte) 0);
            }
            digest.update(Files.readAllBytes(file));
            return HexFormat.of().formatHex(digest.digest(), 0, BYTES);
        } catch (NoSuchFileException e) {
            throw new IOException(file + ": no such file", e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
