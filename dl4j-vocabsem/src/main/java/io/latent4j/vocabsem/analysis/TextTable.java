/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Rows as text: aligned for readers, comma-separated for programs. */
final class TextTable {

    private TextTable() {}

    /** The first column to the left, the others to the right, two spaces between them. */
    static String aligned(List<String> header, List<List<String>> rows) {
        List<List<String>> all = new ArrayList<>();
        all.add(header);
        all.addAll(rows);
        int[] widths = IntStream.range(0, header.size())
                .map(column -> all.stream()
                        .mapToInt(row -> length(row.get(column)))
                        .max()
                        .orElse(0))
                .toArray();
        StringBuilder table = new StringBuilder();
        for (List<String> row : all) {
            StringBuilder line = new StringBuilder();
            for (int column = 0; column < widths.length; column++) {
                String pad = " ".repeat(widths[column] - length(row.get(column)));
                line.append(column == 0 ? "" : "  ")
                        .append(column == 0 ? row.get(column) + pad : pad + row.get(column));
            }
            table.append(line.toString().stripTrailing()).append('\n');
        }
        return table.toString();
    }

    /** Tokens may be line breaks and tabs, which would break a table and not show in a picture. */
    static String visible(String token) {
        return token.replace("\n", "↵").replace("\r", "↵").replace("\t", "⇥");
    }

    private static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /** With quotes where RFC 4180 asks for them. */
    static String csv(List<String> header, List<? extends List<?>> rows) {
        return Stream.concat(Stream.of(header), rows.stream())
                .map(row -> row.stream().map(value -> quote(value.toString())).collect(Collectors.joining(",")))
                .collect(Collectors.joining("\n", "", "\n"));
    }

    private static String quote(String field) {
        boolean plain = field.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
        return plain ? field : '"' + field.replace("\"", "\"\"") + '"';
    }
}
