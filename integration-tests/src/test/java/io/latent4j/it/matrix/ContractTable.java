/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.matrix;

import io.latent4j.it.matrix.Exemption.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The outcome of all cells, and the page that shows it. */
final class ContractTable {
    private static final String COMMAND =
            "mvn verify -pl integration-tests -am -Dtest=ContractMatrixTest -Dsurefire.failIfNoSpecifiedTests=false"
                    + " -Dlatent4j.write-docs=true";

    private record Row(String component, boolean graph) {}

    private final Map<Row, Map<Contract, String>> cells = new LinkedHashMap<>();
    private final List<String> footnotes = new ArrayList<>();

    /** A contract was checked, or found to have no meaning, as the exemption says. */
    void record(Plan plan, Contract contract, Optional<Exemption> exemption) {
        cells.computeIfAbsent(new Row(plan.component(), plan.graph()), any -> new EnumMap<>(Contract.class))
                .put(contract, exemption.map(this::sign).orElse(Kind.REMARK.sign));
    }

    private String sign(Exemption exemption) {
        if (!footnotes.contains(exemption.reason())) {
            footnotes.add(exemption.reason());
        }
        return exemption.kind().sign + "[^" + (footnotes.indexOf(exemption.reason()) + 1) + "]";
    }

    /** How to write the page anew. */
    static String command() {
        return COMMAND;
    }

    String page() {
        StringBuilder page = new StringBuilder("""
                # Contracts

                What Deeplearning4j's tools expect of a layer, a vertex or a loss, checked for each component of the three
                modules in a small network of either kind: M for MultiLayerNetwork, G for ComputationGraph (vertices exist in
                graphs only). The table is what the test `ContractMatrixTest` measured, and the test fails if it is anything
                else, also where something marked as impossible starts to work. To write it anew:

                    %s

                ✓ holds; ✗ DL4J cannot, for its own layers either (last rows), and fails as the note says; – has no
                meaning. All in DOUBLE on the CPU where no type is named. The modules' own tests go deeper.

                | contract | what is checked |
                |---|---|
                """.formatted(COMMAND));
        for (Contract contract : Contract.values()) {
            page.append("| %s | %s |\n".formatted(contract.title, contract.meaning));
        }
        page.append('\n');
        page.append(row(Stream.concat(
                Stream.of("component", ""), Stream.of(Contract.values()).map(c -> c.title))));
        page.append(row(Collections.nCopies(Contract.values().length + 2, "---").stream())
                .replace(" ", ""));
        cells.forEach((row, outcomes) -> page.append(row(Stream.concat(
                Stream.of(row.component(), row.graph() ? "G" : "M"),
                Stream.of(Contract.values()).map(contract -> outcomes.getOrDefault(contract, "?"))))));
        for (int i = 0; i < footnotes.size(); i++) {
            page.append("\n[^%d]: %s.\n".formatted(i + 1, sentence(footnotes.get(i))));
        }
        return page.toString();
    }

    private static String row(Stream<String> columns) {
        return columns.collect(Collectors.joining(" | ", "| ", " |\n"));
    }

    private static String sentence(String reason) {
        return Character.toUpperCase(reason.charAt(0)) + reason.substring(1);
    }
}
