/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.deeplearning4j.exception.DL4JException;
import org.deeplearning4j.nn.conf.inputs.InvalidInputTypeException;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.exception.ND4JException;

/**
 * What a clear exception is.
 *
 * <p>Its type is one that says "bad input": {@code IllegalArgumentException}, {@code IllegalStateException}, {@code
 * UnsupportedOperationException}, {@code IOException}, DL4J's or ND4J's own exceptions, the quickstart's {@code
 * CorpusException}, or a {@code NullPointerException} that names what was null; not one that happened along the way, such
 * as an index out of bounds, a failed cast, a division by zero, or an error of the virtual machine. One that was thrown by,
 * or passed on from the JDK through, our own code names what was expected and what was found besides.
 */
final class Clear {
    private static final Pattern EXPECTED = Pattern.compile(
            "\\b(must|expects?|expected|needs?|give|expecting|has no|have no|is no|can't|cannot|undefined|only|truncated"
                    + "|altered|damaged|malformed)\\b");
    private static final Pattern FOUND =
            Pattern.compile("\\b(found|has|have|is no|truncated|altered|damaged|malformed|undefined|can't|cannot)\\b");

    private Clear() {}

    /**
     * Checks an exception.
     *
     * @throws AssertionError if it isn't clear, with the exception as its cause
     */
    static void require(Throwable thrown) {
        String problem = problem(thrown);
        if (problem != null) {
            throw new AssertionError("not a clear exception, " + problem + ": " + thrown, thrown);
        }
    }

    static boolean isClear(Throwable thrown) {
        return problem(thrown) == null;
    }

    private static @Nullable String problem(Throwable thrown) {
        boolean wrapper = thrown.getClass() == RuntimeException.class
                || thrown instanceof UncheckedIOException
                || thrown instanceof InvocationTargetException;
        if (wrapper && thrown.getCause() != null && !isOurs(thrown)) {
            return problem(thrown.getCause());
        }
        String message = thrown.getMessage();
        if (!hasClearType(thrown)) {
            return "its type says nothing about the input";
        }
        if (message == null || message.isBlank()) {
            return "it has no message";
        }
        if (isOurs(thrown) && !(thrown instanceof NullPointerException)) {
            if (!EXPECTED.matcher(message).find()) {
                return "it doesn't say what was expected";
            }
            if (!FOUND.matcher(message).find()) {
                return "it doesn't say what was found";
            }
        }
        return null;
    }

    private static boolean hasClearType(Throwable thrown) {
        return thrown instanceof NullPointerException
                ? thrown.getStackTrace()[0].getClassName().equals("java.util.Objects") || namesArgument(thrown)
                : thrown instanceof IllegalArgumentException
                        || thrown instanceof IllegalStateException
                        || thrown instanceof UnsupportedOperationException
                        || thrown instanceof IOException
                        || thrown instanceof UncheckedIOException
                        || thrown instanceof DL4JException
                        || thrown instanceof ND4JException
                        || thrown instanceof InvalidInputTypeException
                        || thrown.getClass().getSimpleName().equals("CorpusException");
    }

    /** The JDK names a variable of ours that was null, such as a function's argument. */
    private static boolean namesArgument(Throwable thrown) {
        return isOurs(thrown)
                && thrown.getMessage() != null
                && thrown.getMessage().matches(".* because \"[a-z][\\w.]*(\\[\\w+])?\" is null");
    }

    /** Whether our code threw the exception or let one of the JDK's pass. */
    static boolean isOurs(Throwable thrown) {
        return Arrays.stream(thrown.getStackTrace())
                .map(StackTraceElement::getClassName)
                .filter(name -> !name.matches("(java|javax|jdk|sun)\\..*"))
                .findFirst()
                .filter(name -> name.startsWith("io.latent4j.") && !name.startsWith("io.latent4j.it.badinput."))
                .isPresent();
    }
}
