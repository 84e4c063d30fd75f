/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it;

import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** What the commands check alike. */
public final class Arguments {
    private Arguments() {}

    /**
     * Checks an option's value.
     *
     * @param command the command that it was given to
     * @param holds whether the value is right
     * @param option its name
     * @param expected what would be right
     * @param found the value
     * @throws ParameterException if it isn't right
     */
    public static void require(CommandLine command, boolean holds, String option, String expected, Object found) {
        if (!holds) {
            throw new ParameterException(command, option + ": expected " + expected + ", found " + found);
        }
    }
}
