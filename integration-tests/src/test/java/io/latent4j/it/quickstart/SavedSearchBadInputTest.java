/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.badinput.Damage;
import io.latent4j.it.badinput.Sweep;
import io.latent4j.it.quickstart.CodeSearch.Supervision;
import io.latent4j.it.quickstart.corpus.CodeCorpus.Method;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Assertions;

/** The model that the quickstart saves, with one of its files truncated or altered. */
class SavedSearchBadInputTest {
    private static final Path REPORT = Sweep.folder().resolve("report");
    private static final Path DAMAGED = Sweep.folder().resolve("report.damaged");

    @Provide
    Arbitrary<List<Damage>> damage() {
        return Damage.some();
    }

    @Property(seed = "60", tries = 60)
    void savedSearch(@ForAll("damage") List<Damage> damage, @ForAll double which) throws IOException {
        Path intact = REPORT.resolve(SavedSearch.FOLDER);
        if (!Files.exists(intact.resolve("methods.tsv"))) {
            List<Method> methods = IntStream.range(0, 12)
                    .mapToObj(i -> new Method("m" + i, "opens the door " + i % 3, "open", "void open()", "open door"))
                    .toList();
            CodeModel model =
                    CodeModel.train(CodeModel.tokenizer(methods), methods, Supervision.values()[0], 1, 3, done -> {});
            SavedSearch.save(REPORT, model, methods);
        }
        List<Path> files;
        try (Stream<Path> listed = Files.list(intact)) {
            files = listed.sorted().toList();
        }
        Path folder = Files.createDirectories(DAMAGED.resolve(SavedSearch.FOLDER));
        Path chosen = files.get(Math.floorMod(Double.hashCode(which), files.size()));
        for (Path file : files) {
            byte[] content = Files.readAllBytes(file);
            Sweep.replace(
                    folder.resolve(file.getFileName()), file.equals(chosen) ? Damage.apply(damage, content) : content);
        }
        Sweep.attempt("saved search of the quickstart", () -> {
            try (SavedSearch search = SavedSearch.load(DAMAGED)) {
                Assertions.assertFalse(search.search("opens the door", 2).isEmpty());
                Assertions.assertNotNull(search.answer("opens the door"));
            }
        });
    }
}
