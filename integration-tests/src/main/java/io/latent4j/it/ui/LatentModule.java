/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.ui;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.deeplearning4j.core.storage.StatsStorage;
import org.deeplearning4j.core.storage.StatsStorageEvent;
import org.deeplearning4j.ui.api.HttpMethod;
import org.deeplearning4j.ui.api.Route;
import org.deeplearning4j.ui.api.UIModule;
import org.deeplearning4j.ui.i18n.I18NResource;
import org.jspecify.annotations.Nullable;
import org.nd4j.shade.jackson.core.JsonProcessingException;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/**
 * The page {@code /latent} of DL4J's training UI: draws what {@link LatentListener} recorded, for all sessions of the
 * attached storages.
 *
 * <p>The UI's server finds it by itself where this jar is on the class path. The page needs nothing from elsewhere and
 * reads {@code /latent/data}: {@code [{"session", "worker", "epochs": [...], "series": {name: [...]}}]}, null where a
 * number is not finite.
 */
public final class LatentModule implements UIModule {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PAGE = page();

    private final List<StatsStorage> storages = new CopyOnWriteArrayList<>();

    /** For the UI's server. */
    public LatentModule() {}

    private static String page() {
        try (InputStream in = LatentModule.class.getResourceAsStream("latent.html")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public List<String> getCallbackTypeIDs() {
        return List.of(LatentReport.TYPE_ID);
    }

    @Override
    public List<Route> getRoutes() {
        return List.of(
                new Route("/latent", HttpMethod.GET, (path, rc) -> rc.response()
                        .putHeader("content-type", "text/html; charset=utf-8")
                        .end(PAGE)),
                new Route("/latent/data", HttpMethod.GET, (path, rc) -> rc.response()
                        .putHeader("content-type", "application/json")
                        .end(json())));
    }

    private String json() {
        List<Map<String, Object>> workers = new ArrayList<>();
        for (StatsStorage storage : storages) {
            for (String session : storage.listSessionIDs()) {
                for (String worker : storage.listWorkerIDsForSessionAndType(session, LatentReport.TYPE_ID)) {
                    workers.add(series(
                            session,
                            worker,
                            storage.getAllUpdatesAfter(session, LatentReport.TYPE_ID, worker, 0).stream()
                                    .map(LatentReport.class::cast)
                                    .toList()));
                }
            }
        }
        try {
            return JSON.writeValueAsString(workers);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, Object> series(String session, String worker, List<LatentReport> reports) {
        Map<String, List<@Nullable Double>> series = new LinkedHashMap<>();
        reports.forEach(report -> report.values()
                .forEach((name, value) -> series.computeIfAbsent(name, key -> new ArrayList<>())
                        .add(Double.isFinite(value) ? value : null)));
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("session", session);
        json.put("worker", worker);
        json.put("epochs", reports.stream().map(LatentReport::epoch).toList());
        json.put("series", series);
        return json;
    }

    @Override
    public void reportStorageEvents(Collection<StatsStorageEvent> events) {
        // Storages are read when the page asks
    }

    @Override
    public void onAttach(StatsStorage statsStorage) {
        storages.add(statsStorage);
    }

    @Override
    public void onDetach(StatsStorage statsStorage) {
        storages.remove(statsStorage);
    }

    @Override
    public List<I18NResource> getInternationalizationResources() {
        return List.of();
    }
}
