/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.ui;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.it.SmallNetworks;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Sgd;

/** The libraries speak through SLF4J only. */
class LoggingTest {
    private static final Pattern COMMENT = Pattern.compile("(?s)/\\*.*?\\*/|//[^\\n]*");
    private static final Pattern PRINTING =
            Pattern.compile("System\\s*\\.\\s*(out|err|exit)\\b|\\.printStackTrace\\s*\\(");

    @ParameterizedTest
    @ValueSource(strings = {"dl4j-istar", "dl4j-vocabsem", "dl4j-cosup"})
    void noLibraryCodePrints(String module) throws IOException {
        List<String> found = new ArrayList<>();
        int files = 0;
        try (Stream<Path> sources = Files.walk(Path.of("..", module, "src", "main", "java"))) {
            for (Path source :
                    sources.filter(path -> path.toString().endsWith(".java")).toList()) {
                String code = COMMENT.matcher(Files.readString(source)).replaceAll("");
                PRINTING.matcher(code).results().forEach(match -> found.add(source + ": " + match.group()));
                files++;
            }
        }
        assertTrue(files > 20, () -> "sources of " + module);
        assertEquals(List.of(), found);
    }

    @ParameterizedTest
    @EnumSource
    void trainingPrintsNothing(SmallNetworks kind) {
        MultiDataSet batch = kind.batch(DataType.DOUBLE, 1);
        Model network = kind.build(Settings.training(new Sgd(0.1)));
        PrintStream before = System.out;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            Models.fit(network, batch);
            Models.score(network, batch, false);
            Models.output(network, batch, false);
        } finally {
            System.setOut(before);
        }
        assertEquals("", printed.toString(StandardCharsets.UTF_8));
    }
}
