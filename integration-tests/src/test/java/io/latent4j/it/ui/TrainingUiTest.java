/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.ui;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Settings;
import io.latent4j.cosup.analysis.RetrievalEvaluation;
import io.latent4j.it.Minibatches;
import io.latent4j.it.SmallNetworks;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.deeplearning4j.core.storage.StatsStorage;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.ui.api.UIServer;
import org.deeplearning4j.ui.model.stats.StatsListener;
import org.deeplearning4j.ui.model.storage.InMemoryStatsStorage;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/** DL4J's training UI, asked over HTTP, shows our layers, and a page of ours the latent space. */
class TrainingUiTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PORT_PROPERTY = "org.deeplearning4j.ui.port";
    private static final int STEPS = 4;

    private static UIServer server;

    @BeforeAll
    static void start() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            System.setProperty(PORT_PROPERTY, Integer.toString(free.getLocalPort()));
        }
        server = UIServer.getInstance();
    }

    @AfterAll
    static void stop() throws Exception {
        System.clearProperty(PORT_PROPERTY);
        UIServer.stopInstance();
        assertTrue(server.isStopped());
    }

    private static String get(String path) throws IOException, InterruptedException {
        HttpResponse<String> response = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create(server.getAddress() + path))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertEquals(200, response.statusCode(), path);
        return response.body();
    }

    private static JsonNode json(String path) throws IOException, InterruptedException {
        return JSON.readTree(get(path));
    }

    private static List<String> texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(JsonNode::asText)
                .toList();
    }

    /** Trains a network as one session of the UI. */
    private static Model train(SmallNetworks kind, StatsStorage storage, String session) {
        List<MultiDataSet> heldOut = kind.batches(DataType.FLOAT, 101, 2);
        LatentListener.Builder latent =
                new LatentListener.Builder().storage(storage).session(session);
        Model network = kind.build(new Settings(DataType.FLOAT, true, WorkspaceMode.ENABLED, new Adam(1e-2)));
        StatsListener stats = new StatsListener(storage, 1);
        stats.setSessionID(session);
        List<MultiDataSet> training = kind.batches(DataType.FLOAT, 1, 1);
        if (network instanceof MultiLayerNetwork chain) {
            latent.isoScoreStar(Minibatches.single(heldOut), kind.states());
            network.setListeners(stats, latent.build());
            chain.fit(Minibatches.single(training), STEPS);
        } else {
            latent.isoScoreStar(new Minibatches(heldOut), kind.states())
                    .losses()
                    .retrieval(new Minibatches(heldOut), new RetrievalEvaluation(1, 2));
            network.setListeners(stats, latent.build());
            ((ComputationGraph) network).fit(new Minibatches(training), STEPS);
        }
        return network;
    }

    /** Names, types and parameters of all layers, as "name type [parameters]". */
    private static List<String> layers() throws IOException, InterruptedException {
        JsonNode graph = json("/train/model/graph");
        List<String> names = texts(graph.get("vertexNames"));
        List<String> types = texts(graph.get("vertexTypes"));
        List<String> layers = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            JsonNode layer = json("/train/model/data/" + i);
            Set<String> parameters = new HashSet<>(texts(layer.get("meanMag").get("layerParamNames")));
            layer.get("meanMag")
                    .get("paramMM")
                    .forEach(values -> values.forEach(value -> assertTrue(value.isNumber())));
            assertEquals(names.get(i), layer.get("layerInfo").get(0).get(1).asText());
            assertEquals(
                    parameters, new HashSet<>(texts(layer.get("learningRates").get("paramNames"))), names.get(i));
            layers.add(names.get(i) + " " + types.get(i) + " "
                    + parameters.stream().sorted().toList());
        }
        return layers;
    }

    /** The scores of the overview page, the last of them the network's, and what it says about the network. */
    private static void overviewIsOf(Model network, String kind, int layers) throws IOException, InterruptedException {
        JsonNode overview = json("/train/overview/data");
        JsonNode scores = overview.get("scores");
        // The UI tells steps apart by their millisecond
        assertTrue(scores.size() >= 1 && scores.size() <= STEPS, scores.toString());
        assertEquals(network.score(), scores.get(scores.size() - 1).asDouble(), 1e-6);
        List<String> about = new ArrayList<>();
        overview.get("model").forEach(row -> about.add(row.get(1).asText()));
        assertEquals(List.of(kind, Integer.toString(layers), Long.toString(network.numParams())), about);
    }

    private static void select(String session) throws IOException, InterruptedException {
        get("/train/sessions/set/" + session);
        assertEquals(session, get("/train/sessions/current"));
    }

    @Test
    void showsOurLayersAndTheLatentSpace() throws IOException, InterruptedException {
        InMemoryStatsStorage storage = new InMemoryStatsStorage();
        Model chain = train(SmallNetworks.ISTAR_AND_VOCABSEM, storage, "chain");
        Model graph = train(SmallNetworks.COSUP_MEMORY, storage, "graph");
        server.attach(storage);

        select("chain");
        overviewIsOf(chain, "MultiLayerNetwork", 4);
        assertEquals(
                List.of(
                        "Input Input []",
                        "states Dense [W, b]",
                        "istar IStar [S]",
                        "clustering NeuralClustering [Wdown, Whidden, Wout, Wup]",
                        "logits SemanticLogits [W, logScale]"),
                layers());

        select("graph");
        overviewIsOf(graph, "ComputationGraph", 6);
        List<String> vertices = layers();
        assertTrue(
                vertices.containsAll(List.of(
                        "gen LSTM [RW, W, b]",
                        "emb LSTM [RW, W, b]",
                        "keys SequencePoolingVertex []",
                        "queriesAndKeys NextSequenceVertex []",
                        "nextToken NextTokenOutput [W]",
                        "nextSequence NextSequenceOutput []")),
                vertices.toString());
        for (String page : List.of("/train/overview", "/train/model", "/train/system", "/latent")) {
            assertTrue(get(page).contains("<html"), page);
        }

        latentSpaceIsDrawn(storage);
        server.detach(storage);
        assertEquals(0, json("/latent/data").size());
        assertFalse(server.isStopped());
    }

    /** What our page reads is what our listener stored. */
    private static void latentSpaceIsDrawn(StatsStorage storage) throws IOException, InterruptedException {
        JsonNode data = json("/latent/data");
        assertEquals(2, data.size());
        for (JsonNode session : data) {
            List<LatentReport> reports = storage
                    .getAllUpdatesAfter(
                            session.get("session").asText(),
                            LatentReport.TYPE_ID,
                            session.get("worker").asText(),
                            0)
                    .stream()
                    .map(LatentReport.class::cast)
                    .toList();
            assertEquals(STEPS + 1, reports.size());
            assertEquals("[0,1,2,3,4]", session.get("epochs").toString());
            assertEquals(reports.get(0).values().size(), session.get("series").size());
            reports.get(0).values().keySet().forEach(name -> {
                JsonNode series = session.get("series").get(name);
                for (int i = 0; i <= STEPS; i++) {
                    double value = reports.get(i).values().get(name);
                    assertEquals(Double.isNaN(value), series.get(i).isNull());
                    assertEquals(Double.isNaN(value) ? 0 : value, series.get(i).asDouble());
                }
            });
        }
    }
}
