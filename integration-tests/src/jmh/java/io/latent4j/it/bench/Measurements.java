/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.it.Lines;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.CSVRecord;

/** All that was measured, sample by sample, in a CSV file to which each run adds: a size measured again is replaced. */
final class Measurements {
    /** The name of our own samples. */
    static final String OURS = "ours";

    /**
     * Something noted.
     *
     * @param kind {@code sample}, {@code fact}, {@code rate}, or what the value is
     * @param name of the arm or fact
     * @param ms of a call, 0 for what is no sample
     * @param value of a sample its extra memory in bytes
     */
    record Row(String kind, String name, double ms, double value) {}

    private record Key(String benchmark, String size) {}

    private record Measured(String started, List<Row> rows) {}

    private static final String[] COLUMNS = {"case", "size", "started", "kind", "name", "ms", "value"};
    private static final CSVFormat FORMAT = CSVFormat.DEFAULT
            .builder()
            .setHeader(COLUMNS)
            .setSkipHeaderRecord(true)
            .setRecordSeparator('\n')
            .build();

    private final Map<Key, Measured> measured = new LinkedHashMap<>();

    /** What the file holds, nothing where there is none. */
    static Measurements read(Path csv) throws IOException {
        Measurements all = new Measurements();
        if (Files.exists(csv)) {
            try (CSVParser rows = CSVParser.parse(csv, StandardCharsets.UTF_8, FORMAT)) {
                for (CSVRecord row : rows) {
                    all.measured
                            .computeIfAbsent(
                                    new Key(row.get("case"), row.get("size")),
                                    k -> new Measured(row.get("started"), new ArrayList<>()))
                            .rows()
                            .add(new Row(
                                    row.get("kind"),
                                    row.get("name"),
                                    Double.parseDouble(row.get("ms")),
                                    Double.parseDouble(row.get("value"))));
                }
            }
        }
        return all;
    }

    /** Takes what a benchmark noted, and our times, each of as many calls as it noted. */
    void put(Case one, String size, String started, List<Double> ours, Path record) throws IOException {
        List<Row> rows = new ArrayList<>();
        for (String line : Lines.of(record)) {
            String[] parts = line.split("\t", -1);
            rows.add(new Row(parts[0], parts[1], Double.parseDouble(parts[2]), Double.parseDouble(parts[3])));
        }
        double repeats = rows.stream()
                .filter(row -> row.kind().equals("repeats"))
                .findFirst()
                .orElseThrow()
                .value();
        ours.forEach(ms -> rows.add(new Row("sample", OURS, ms / repeats, 0)));
        measured.put(new Key(one.name(), size), new Measured(started, rows));
    }

    void write(Path csv) throws IOException {
        try (CSVPrinter out = new CSVPrinter(
                Files.newBufferedWriter(csv),
                FORMAT.builder().setSkipHeaderRecord(false).build())) {
            for (Map.Entry<Key, Measured> one : measured.entrySet()) {
                for (Row row : one.getValue().rows()) {
                    out.printRecord(
                            one.getKey().benchmark(),
                            one.getKey().size(),
                            one.getValue().started(),
                            row.kind(),
                            row.name(),
                            String.format(Locale.ROOT, "%.5g", row.ms()),
                            String.format(Locale.ROOT, "%.8g", row.value()));
                }
            }
        }
    }

    /** The sizes of a case that were measured. */
    List<Comparison> of(Case one, List<String> sizes) {
        return sizes.stream()
                .map(size -> {
                    Measured m = measured.get(new Key(one.name(), size));
                    return m == null ? null : Comparison.of(size, m.started(), m.rows());
                })
                .filter(Objects::nonNull)
                .toList();
    }
}
