/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.matrix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.InDouble;
import io.latent4j.it.matrix.Exemption.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.factory.Nd4j;

/** Each component against each contract; the outcome is the table of docs/contracts.md. */
@ExtendWith(InDouble.class)
class ContractMatrixTest {
    private static final Path PAGE = Path.of("..", "docs", "contracts.md");

    private final List<Plan> plans = Components.all();
    private final ContractTable table = new ContractTable();

    @TestFactory
    Stream<DynamicNode> cells(@TempDir Path folder) {
        Stream<DynamicNode> rows = plans.stream()
                .map(plan -> DynamicContainer.dynamicContainer(
                        plan.toString(),
                        Stream.of(Contract.values())
                                .map(contract ->
                                        DynamicTest.dynamicTest(contract.title, () -> cell(plan, contract, folder)))));
        return Stream.concat(rows, Stream.of(DynamicTest.dynamicTest("docs/contracts.md", this::page)));
    }

    private void cell(Plan plan, Contract contract, Path folder) throws IOException {
        Optional<Exemption> exemption = Exemption.of(plan, contract);
        Optional<Kind> kind = exemption.map(Exemption::kind);
        if (kind.equals(Optional.of(Kind.DL4J_CANNOT))) {
            fails(plan, contract, folder, exemption.get());
        } else if (!kind.equals(Optional.of(Kind.NOT_APPLICABLE))) {
            contract.check(plan, folder);
        }
        table.record(plan, contract, exemption);
    }

    /** As said, and for DL4J's own layers in this kind of network too. */
    private void fails(Plan plan, Contract contract, Path folder, Exemption exemption) {
        Throwable failure = assertThrows(
                Throwable.class, () -> contract.check(plan, folder), "works now, so the exemption must go");
        // A failure may leave workspaces open
        Nd4j.getWorkspaceManager().destroyAllWorkspacesForCurrentThread();
        assertTrue(
                exemption
                        .message()
                        .matcher(String.valueOf(failure.getMessage()))
                        .find(),
                failure::toString);
        assertTrue(
                plans.stream()
                        .anyMatch(other -> other.component().startsWith(Components.OF_DL4J)
                                && other.graph() == plan.graph()
                                && Exemption.of(other, contract).equals(Optional.of(exemption))),
                "no row of DL4J's own layers shows the same");
    }

    private void page() throws IOException {
        String measured = table.page();
        Files.createDirectories(Path.of("target"));
        Files.writeString(Path.of("target", "contracts.md"), measured);
        if (Boolean.getBoolean("latent4j.write-docs")) {
            Files.writeString(PAGE, measured);
        }
        assertEquals(
                measured,
                Files.exists(PAGE) ? Files.readString(PAGE) : "",
                () -> "docs/contracts.md is not what was measured; to write it: " + ContractTable.command());
    }
}
