/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The examples of the README and of docs compile and run as they stand there. */
class ReadmeExampleTest {

    @ParameterizedTest
    @CsvSource({
        "Example, (?s).*IsoScore\\* 0\\.\\d+.*",
        "LabelExample, (?s).*before \\d\\.\\d+ after 1\\.00.*",
        "AskExample, (?s).*: ghana .*text: it is accra.*",
        "SameDiffExample, '(?s).*IsoScore\\* 0\\.\\d+ to 0\\.\\d+, nearest bases \\[.*'"
    })
    void theExampleCompilesAndRuns(String name, String expected, @TempDir Path classes) throws Exception {
        String source = example(name);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        JavaFileObject file =
                new SimpleJavaFileObject(URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return source;
                    }
                };
        List<String> options = List.of("-d", classes.toString(), "-classpath", System.getProperty("java.class.path"));
        assertTrue(
                compiler.getTask(messages, null, null, options, null, List.of(file))
                        .call(),
                messages.toString());

        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        Path output = classes.resolve("output.txt");
        Process process = new ProcessBuilder(
                        java.toString(),
                        "-classpath",
                        classes + File.pathSeparator + System.getProperty("java.class.path"),
                        name)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertEquals(0, process.waitFor(), () -> read(output));
        assertTrue(read(output).matches(expected), read(output));
    }

    private static String example(String name) throws IOException {
        String pages = Files.readString(Path.of("..", "README.md"))
                + Files.readString(Path.of("..", "docs", "samediff-models.md"));
        return Pattern.compile("```java\\R(.*?)```", Pattern.DOTALL)
                .matcher(pages)
                .results()
                .map(block -> block.group(1))
                .filter(block -> block.contains("public class " + name + " "))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no page has the example " + name));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
