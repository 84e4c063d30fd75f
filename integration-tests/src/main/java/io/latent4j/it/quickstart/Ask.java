/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import static io.latent4j.it.Arguments.require;

import io.latent4j.cosup.generation.Generation;
import io.latent4j.cosup.retrieval.Hit;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Answers questions with the co-supervised model of an earlier run: what code it retrieves, and what name it writes. */
@Command(
        name = "ask",
        description =
                "Answers questions with the co-supervised model that the quickstart has saved: shows the code that it"
                        + " retrieves and the name that it writes after it. Without a question it reads one per line,"
                        + " up to an empty line or the end of the input.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class Ask implements Callable<Integer> {
    @Parameters(paramLabel = "WORD", arity = "0..*", description = "The words of a single question.")
    private List<String> words = List.of();

    @Option(
            names = "--out",
            paramLabel = "DIR",
            defaultValue = Quickstart.OUT,
            description = "Where the quickstart's report is (default: ${DEFAULT-VALUE} in the current directory).")
    private Path out = Path.of("");

    @Option(
            names = "--passages",
            paramLabel = "N",
            defaultValue = "3",
            description = "How many passages to show (default: ${DEFAULT-VALUE}); the answer rests on the first.")
    private int passages;

    @Spec
    private @Nullable CommandSpec spec;

    private Ask() {}

    @Override
    public Integer call() throws IOException {
        if (spec == null) {
            throw new IllegalStateException("spec: expected to be set by picocli, found null");
        }
        CommandLine command = spec.commandLine();
        require(command, passages > 0, "--passages", "1 or more", passages);
        PrintWriter screen = command.getOut();
        try (SavedSearch saved = SavedSearch.load(out)) {
            if (!words.isEmpty()) {
                answer(saved, String.join(" ", words), screen);
                return 0;
            }
            screen.printf(
                    Locale.ROOT,
                    "Searches the code of %,d documented methods. Describe what one does; an empty line ends.%n",
                    saved.size());
            BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset()));
            prompt(screen);
            for (String line = questions.readLine(); line != null && !line.isBlank(); line = questions.readLine()) {
                answer(saved, line, screen);
                prompt(screen);
            }
            screen.println();
            screen.flush();
        }
        return 0;
    }

    private static void prompt(PrintWriter screen) {
        screen.print("> ");
        screen.flush();
    }

    private void answer(SavedSearch saved, String question, PrintWriter screen) {
        if (!saved.understands(question)) {
            screen.println("No word of this is in the model's vocabulary.");
            screen.flush();
            return;
        }
        List<Hit> hits = saved.search(question, passages);
        for (int i = 0; i < hits.size(); i++) {
            Hit hit = hits.get(i);
            screen.printf(
                    Locale.ROOT,
                    "%2d. %s (score %.2f)%n    %s%n",
                    i + 1,
                    hit.id(),
                    hit.score(),
                    saved.signature(hit.id()));
        }
        Generation generation = saved.answer(question);
        screen.println("Read as:  " + generation.markedText());
        screen.println("Answer:   " + (generation.text().isEmpty() ? "(nothing)" : generation.text()));
        screen.flush();
    }
}
