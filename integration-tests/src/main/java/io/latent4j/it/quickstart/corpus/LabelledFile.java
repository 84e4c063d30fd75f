/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/**
 * The user's own texts: one {@code label,text} row per example, UTF-8.
 *
 * <p>{@code .csv} files have commas and quotes as in RFC 4180; every other file is tab-separated without quoting. A first
 * row that is called {@code label} (or class, category, target) is a header.
 */
public final class LabelledFile {
    private static final Set<String> HEADERS = Set.of("label", "class", "category", "target");
    private static final CSVFormat CSV =
            CSVFormat.RFC4180.builder().setIgnoreEmptyLines(true).build();
    private static final CSVFormat TSV = CSVFormat.DEFAULT
            .builder()
            .setDelimiter('\t')
            .setQuote(null)
            .setIgnoreEmptyLines(true)
            .build();

    private LabelledFile() {}

    /**
     * Reads a file.
     *
     * @param file CSV or TSV file
     * @return its texts, split for training, validation and test
     * @throws CorpusException if the file is missing, unreadable, not text, or a row isn't {@code label,text}
     */
    public static Corpus read(Path file) throws CorpusException {
        String name = file.getFileName().toString();
        CorpusBuilder builder = new CorpusBuilder();
        for (Example row : rows(file)) {
            builder.add(name, row.label(), row.text(), CorpusBuilder.normalised(row.text()));
        }
        return builder.build(name);
    }

    /**
     * Reads the rows of a file as they are.
     *
     * @param file CSV or TSV file
     * @return labels and texts in the file's order
     * @throws CorpusException if the file is missing, unreadable, not text, or a row isn't {@code label,text}
     */
    public static List<Example> rows(Path file) throws CorpusException {
        boolean csv = file.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(".csv");
        List<Example> examples = new ArrayList<>();
        try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8);
                CSVParser rows = (csv ? CSV : TSV).parse(reader)) {
            for (CSVRecord row : rows) {
                check(file, row, rows.getCurrentLineNumber(), csv);
                String label = row.get(0).replace("\uFEFF", "").strip();
                if (row.getRecordNumber() == 1 && HEADERS.contains(label.toLowerCase(Locale.ROOT))) {
                    continue;
                }
                examples.add(new Example(label, row.get(1).strip()));
            }
        } catch (NoSuchFileException e) {
            throw new CorpusException(file + ": no such file", e);
        } catch (UncheckedIOException e) {
            throw unreadable(file, e.getCause());
        } catch (IOException e) {
            throw unreadable(file, e);
        }
        return examples;
    }

    private static CorpusException unreadable(Path file, IOException cause) {
        return cause instanceof CharacterCodingException
                ? new CorpusException(file + ": expected UTF-8 text, found other bytes", cause)
                : new CorpusException(file + ": can't be read: " + cause.getMessage(), cause);
    }

    private static void check(Path file, CSVRecord row, long line, boolean csv) throws CorpusException {
        String where = file + ": line " + line + ": ";
        if (row.size() != 2) {
            throw new CorpusException(
                    where + "expected 2 columns (label" + (csv ? "," : "<TAB>") + "text), found " + row.size());
        }
        if (row.get(0).isBlank() || row.get(1).isBlank()) {
            throw new CorpusException(where + "expected a label and a text, found an empty "
                    + (row.get(0).isBlank() ? "label" : "text"));
        }
    }
}
