/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.quickstart.corpus.CodeCorpus.Method;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;

/**
 * The report folder. Each file is replaced in one step and the page comes last, so that whoever looks, whenever, sees a
 * whole report.
 */
final class Report {
    static final String PAGE = "index.html";

    private final Path folder;

    /**
     * Creates the folder.
     *
     * @throws IOException if that is impossible
     */
    Report(Path folder) throws IOException {
        this.folder = folder;
        Files.createDirectories(folder);
    }

    Path page() {
        return folder.resolve(PAGE);
    }

    void write(Results results) throws IOException {
        Map<String, byte[]> charts = Charts.of(results);
        for (Map.Entry<String, byte[]> chart : charts.entrySet()) {
            replace(chart.getKey(), chart.getValue());
        }
        if (results.semantics().isPresent()) {
            Semantics semantics = results.semantics().get();
            replace(ResultFiles.SEMANTICS_CSV, ResultFiles.csv(semantics).getBytes(StandardCharsets.UTF_8));
            replace(ResultFiles.LENS_CSV, semantics.words().toSummaryCsv().getBytes(StandardCharsets.UTF_8));
        }
        if (results.search().isPresent()) {
            replace(
                    ResultFiles.CODE_CSV,
                    ResultFiles.csv(results.search().get()).getBytes(StandardCharsets.UTF_8));
        }
        replace(ResultFiles.CSV, ResultFiles.csv(results).getBytes(StandardCharsets.UTF_8));
        replace(ResultFiles.JSON, ResultFiles.json(results).getBytes(StandardCharsets.UTF_8));
        replace(PAGE, ReportPage.html(results, charts.keySet()).getBytes(StandardCharsets.UTF_8));
    }

    /** Saves the model that {@link Ask} asks. */
    void save(CodeModel model, List<Method> methods) throws IOException {
        SavedSearch.save(folder, model, methods);
    }

    private void replace(String name, byte[] content) throws IOException {
        Path target = folder.resolve(name);
        Path fresh = folder.resolve("." + name + ".new");
        try {
            Files.write(fresh, content);
            try {
                Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(fresh, target, StandardCopyOption.REPLACE_EXISTING);
            }
        } finally {
            Files.deleteIfExists(fresh);
        }
    }
}
