/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.matrix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Golden;
import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Nesterovs;

/**
 * A saved model of each component, written by version 0.1, loads, computes the same and trains on alike. The files change
 * only with an entry in the CHANGELOG. {@code -Dlatent4j.write-golden=true} writes those that are not there yet.
 */
class GoldenModelsTest {
    private static final Path FOLDER = Path.of("src", "test", "resources", "golden-0.1");

    @BeforeAll
    static void writeMissing() throws IOException {
        if (!Boolean.getBoolean("latent4j.write-golden")) {
            return;
        }
        for (Plan plan : components().toList()) {
            if (!Files.exists(FOLDER.resolve(name(plan) + ".zip"))) {
                // Momentum: an updater with a state, of which a step is as exact as the gradient
                Model model =
                        plan.build(new Settings(DataType.FLOAT, true, WorkspaceMode.ENABLED, new Nesterovs(0.01, 0.9)));
                MultiDataSet data = Models.cast(plan.data(), DataType.FLOAT);
                Models.fit(model, data);
                Golden.write(FOLDER, name(plan), model, data);
            }
        }
    }

    static List<String> names() throws IOException {
        return Golden.models(FOLDER);
    }

    @ParameterizedTest
    @MethodSource("names")
    void aModelOfVersion01IsWhatItWas(String name) throws IOException {
        Golden.check(FOLDER, name);
    }

    @Test
    void everyComponentHasAModel() throws IOException {
        assertEquals(
                List.of(),
                components()
                        .map(GoldenModelsTest::name)
                        .filter(name -> !Files.exists(FOLDER.resolve(name + ".zip")))
                        .toList(),
                "to be written with -Dlatent4j.write-golden=true");
    }

    private static Stream<Plan> components() {
        return Components.all().stream().filter(plan -> !plan.component().startsWith(Components.OF_DL4J));
    }

    private static String name(Plan plan) {
        return plan.component().replaceAll("[^A-Za-z]+", "-") + "-" + plan.kind();
    }

    @Test
    void aDroppedOrChangedValueShows() throws IOException {
        String json = Golden.text("IStarLayer-MultiLayerNetwork.json");
        assertTrue(json.contains("\"zeta\" : 0.4"), json);
        String renamed = json.replace("\"zeta\"", "\"shrinkage\"");
        AssertionError dropped = assertThrows(
                AssertionError.class,
                () -> Golden.nothingDropped(
                        renamed, MultiLayerConfiguration.fromJson(renamed).toJson()));
        assertTrue(dropped.getMessage().contains("/shrinkage was dropped"), dropped::getMessage);
        AssertionError changed = assertThrows(
                AssertionError.class,
                () -> Golden.nothingDropped(json, json.replace("\"zeta\" : 0.4", "\"zeta\" : 0.5")));
        assertTrue(changed.getMessage().contains("zeta"), changed::getMessage);
    }
}
