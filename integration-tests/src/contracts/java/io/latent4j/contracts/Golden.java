/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.contracts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/**
 * Files that an earlier version wrote. DL4J drops unknown fields in silence, so renaming a field or a class would lose
 * users' settings unnoticed: these files change only with an entry in the CHANGELOG.
 *
 * <p>Of a model there are {@code NAME.json}, its configuration, and {@code NAME.zip}, what ModelSerializer wrote with the
 * updater; in the zip also a minibatch, and the outputs, the score and the parameters after one step that the earlier
 * version found.
 */
public final class Golden {
    /** Rounding of FLOAT, on another CPU with other kernels. */
    private static final double TOLERANCE = 1e-5;

    private static final String DATA = "data";
    private static final String OUTPUTS = "outputs";
    private static final String SCORE = "score";
    private static final String AFTER_A_STEP = "afterAStep";

    private Golden() {}

    /** The text of a file of version 0.1 among the resources. */
    public static String text(String name) throws IOException {
        try (InputStream in = Golden.class.getResourceAsStream("/golden-0.1/" + name)) {
            return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The names of the models in a folder. */
    public static List<String> models(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".zip"))
                    .map(name -> name.substring(0, name.length() - ".zip".length()))
                    .sorted()
                    .toList();
        }
    }

    /** Saves a trained model with what it computes; it is trained by one more step. */
    public static void write(Path folder, String name, Model model, MultiDataSet data) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve(name + ".json"), json(model));
        File file = folder.resolve(name + ".zip").toFile();
        ModelSerializer.writeModel(model, file, true);
        ByteArrayOutputStream minibatch = new ByteArrayOutputStream();
        data.save(minibatch);
        ModelSerializer.addObjectToFile(file, DATA, minibatch.toByteArray());
        INDArray[] outputs = Models.output(model, data, false);
        byte[][] written = new byte[outputs.length][];
        for (int i = 0; i < outputs.length; i++) {
            written[i] = Nd4j.toByteArray(outputs[i]);
        }
        ModelSerializer.addObjectToFile(file, OUTPUTS, written);
        ModelSerializer.addObjectToFile(file, SCORE, Models.score(model, data, false));
        Models.fit(model, data);
        ModelSerializer.addObjectToFile(file, AFTER_A_STEP, Nd4j.toByteArray(model.params()));
    }

    /** A model that an earlier version saved loads with every value, computes the same and trains on alike. */
    public static void check(Path folder, String name) throws IOException {
        String json = Files.readString(folder.resolve(name + ".json"));
        File file = folder.resolve(name + ".zip").toFile();
        boolean graph = json.contains("\"networkInputs\"");
        Model model = graph ? ComputationGraph.load(file, true) : MultiLayerNetwork.load(file, true);
        nothingDropped(
                json,
                graph
                        ? ComputationGraphConfiguration.fromJson(json).toJson()
                        : MultiLayerConfiguration.fromJson(json).toJson());
        nothingDropped(json, json(model));

        MultiDataSet data = new org.nd4j.linalg.dataset.MultiDataSet();
        data.load(new ByteArrayInputStream(ModelSerializer.getObjectFromFile(file, DATA)));
        byte[][] expected = ModelSerializer.getObjectFromFile(file, OUTPUTS);
        INDArray[] outputs = Models.output(model, data, false);
        assertEquals(expected.length, outputs.length);
        for (int i = 0; i < outputs.length; i++) {
            INDArray output = Nd4j.fromByteArray(expected[i]);
            INDArray found = outputs[i];
            assertTrue(output.equalsWithEps(found, TOLERANCE), () -> "output " + found + "\nexpected " + output);
        }
        double score = ModelSerializer.<Double>getObjectFromFile(file, SCORE);
        assertEquals(score, Models.score(model, data, false), TOLERANCE * Math.abs(score));
        assertTrue(
                Objects.requireNonNull(Models.updaterState(model)).amaxNumber().doubleValue() > 0);
        INDArray before = model.params().dup();
        Models.fit(model, data);
        INDArray after = Nd4j.fromByteArray(ModelSerializer.getObjectFromFile(file, AFTER_A_STEP));
        assertTrue(after.distance2(before) > 0);
        assertTrue(
                after.equalsWithEps(model.params(), TOLERANCE),
                () -> "after a step " + model.params() + "\nexpected " + after);
    }

    /** Every value of a configuration's JSON is in the JSON written after it was read; that one may hold more. */
    public static void nothingDropped(String written, String again) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        nothingDropped("", mapper.readTree(written), mapper.readTree(again));
    }

    private static void nothingDropped(String path, JsonNode written, JsonNode again) {
        if (written.isObject() && again.isObject()) {
            for (Iterator<Map.Entry<String, JsonNode>> fields = written.fields(); fields.hasNext(); ) {
                Map.Entry<String, JsonNode> field = fields.next();
                String name = path + "/" + field.getKey();
                assertTrue(again.has(field.getKey()), () -> name + " was dropped");
                nothingDropped(name, field.getValue(), again.get(field.getKey()));
            }
        } else if (written.isArray() && again.isArray() && written.size() == again.size()) {
            for (int i = 0; i < written.size(); i++) {
                nothingDropped(path + "/" + i, written.get(i), again.get(i));
            }
        } else {
            assertEquals(written, again, path);
        }
    }

    private static String json(Model model) {
        return model instanceof MultiLayerNetwork network
                ? network.getLayerWiseConfigurations().toJson()
                : ((ComputationGraph) model).getConfiguration().toJson();
    }
}
