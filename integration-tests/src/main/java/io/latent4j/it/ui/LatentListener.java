/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.ui;

import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.analysis.RetrievalEvaluation;
import io.latent4j.cosup.analysis.RetrievalMetrics;
import io.latent4j.istar.analysis.IsotropyReport;
import io.latent4j.istar.analysis.IsotropyReport.Options;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVPrinter;
import org.deeplearning4j.core.storage.StatsStorageRouter;
import org.deeplearning4j.core.util.UIDProvider;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.ui.model.storage.impl.JavaStorageMetaData;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.SingletonDataSetIterator;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures the latent space of a network before training and at the end of each epoch: IsoScore* of chosen layers, the
 * two parts of a co-supervised loss and retrieval accuracy, for a CSV file and for DL4J's statistics storage.
 *
 * <pre>{@code
 * StatsStorage storage = new InMemoryStatsStorage();
 * StatsListener stats = new StatsListener(storage);
 * LatentListener latent = new LatentListener.Builder()
 *     .isoScoreStar(heldOut, "gen", "emb")
 *     .losses()
 *     .retrieval(heldOut, new RetrievalEvaluation(1, 5))
 *     .csv(Path.of("latent.csv"))
 *     .storage(storage)
 *     .session(stats.getSessionID())
 *     .build();
 * UIServer.getInstance().attach(storage);          // http://localhost:9000/latent
 * graph.setListeners(stats, latent);
 * graph.fit(trainingData, epochs);
 * }</pre>
 *
 * <p>DL4J's own pages of the training UI draw nothing but the series of a {@code StatsReport} and have no place for others;
 * {@link LatentModule} adds a page to the UI's server that draws these.
 *
 * <p>Training goes as without the listener: the network is only run in inference mode, between epochs. Held-out data must
 * not be the iterator that the network is trained on, since they are read and reset in between. Epochs begin and end
 * where DL4J says so, in {@code fit} with an iterator and in early stopping, not in {@code fit(DataSet)}. One listener
 * per network, not for concurrent use.
 */
public final class LatentListener extends BaseTrainingListener {
    private static final Logger log = LoggerFactory.getLogger(LatentListener.class);

    private final List<String> layers;
    private final @Nullable Function<Model, IsotropyReport> isotropy;
    private final boolean losses;
    private final @Nullable MultiDataSetIterator retrievalData;
    private final RetrievalEvaluation retrieval;
    private final @Nullable Path csv;
    private final @Nullable StatsStorageRouter storage;
    private final String session;
    private final String worker = UIDProvider.getJVMUID();
    private final List<LatentReport> reports = new ArrayList<>();
    private double nextTokenSum;
    private double nextSequenceSum;
    private long minibatches;

    private LatentListener(Builder builder) {
        layers = builder.layers;
        isotropy = builder.isotropy;
        losses = builder.losses;
        retrievalData = builder.retrievalData;
        retrieval = builder.retrieval;
        csv = builder.csv;
        storage = builder.storage;
        session = builder.session;
    }

    /**
     * Measures the untrained network, or what training goes on from, when the first epoch starts.
     *
     * @param model a MultiLayerNetwork or ComputationGraph
     * @throws IllegalArgumentException if the network lacks a layer or a head to measure, or the data don't fit it
     */
    @Override
    public void onEpochStart(Model model) {
        nextTokenSum = 0;
        nextSequenceSum = 0;
        minibatches = 0;
        if (losses) {
            CoSupervision.losses(graph(model)); // requires the heads
        }
        if (reports.isEmpty()) {
            record(model, 0);
        }
    }

    @Override
    public void iterationDone(Model model, int iteration, int epoch) {
        if (losses) {
            CoSupervision.Losses parts = CoSupervision.losses(graph(model));
            nextTokenSum += parts.nextToken();
            nextSequenceSum += parts.nextSequence();
            minibatches++;
        }
    }

    /**
     * Measures the network.
     *
     * @param model a MultiLayerNetwork or ComputationGraph
     * @throws UncheckedIOException if the CSV file cannot be written
     */
    @Override
    public void onEpochEnd(Model model) {
        record(model, 1); // DL4J counts the epoch only after its listeners
    }

    private void record(Model model, int completed) {
        boolean chain = model instanceof MultiLayerNetwork;
        int epoch = completed
                + (chain
                        ? ((MultiLayerNetwork) model).getEpochCount()
                        : graph(model).getConfiguration().getEpochCount());
        int iteration = chain
                ? ((MultiLayerNetwork) model).getIterationCount()
                : graph(model).getConfiguration().getIterationCount();
        // Storages tell updates apart by their time, and two epochs may fit into a millisecond
        long time = Math.max(
                System.currentTimeMillis(),
                reports.isEmpty() ? 0 : reports.get(reports.size() - 1).getTimeStamp() + 1);
        LatentReport report = new LatentReport(session, worker, time, epoch, iteration, measure(model));
        if (storage != null) {
            store(storage, report);
        }
        if (csv != null) {
            append(csv, report);
        }
        reports.add(report);
        log.info("Session {}, {}", session, report);
    }

    private Map<String, Double> measure(Model model) {
        Map<String, Double> values = new LinkedHashMap<>();
        if (isotropy != null) {
            IsotropyReport report = isotropy.apply(model);
            layers.forEach(
                    layer -> values.put(isoColumn(layer), report.layer(layer).isoScoreStar()));
        }
        if (losses) {
            values.put("nextTokenLoss", nextTokenSum / minibatches);
            values.put("nextSequenceLoss", nextSequenceSum / minibatches);
        }
        if (retrievalData != null) {
            RetrievalMetrics metrics = retrieve(graph(model), retrievalData);
            metrics.recall().forEach((k, recall) -> values.put(recallColumn(k), recall));
            values.put("meanReciprocalRank", metrics.meanReciprocalRank());
        }
        return values;
    }

    /** As the graph's own evaluation, but for tBPTT graphs in one piece and without changing the configuration. */
    private RetrievalMetrics retrieve(ComputationGraph graph, MultiDataSetIterator data) {
        int head = graph.getConfiguration().getNetworkOutputs().indexOf(CoSupervision.NEXT_SEQUENCE);
        RetrievalEvaluation evaluation = retrieval
                .newInstance()
                .memorySize(CoSupervision.keyMemory(graph).capacity());
        restart(data::resetSupported, data::reset);
        while (data.hasNext()) {
            MultiDataSet batch = data.next();
            INDArray[] outputs = graph.output(false, batch.getFeatures(), batch.getFeaturesMaskArrays());
            evaluation.eval(batch.getLabels(head), outputs[head], batch.getLabelsMaskArray(head));
        }
        return evaluation.metrics();
    }

    private static String isoColumn(String layer) {
        return "isoScoreStar/" + layer;
    }

    private static String recallColumn(int k) {
        return "recallAt" + k;
    }

    private static ComputationGraph graph(Model model) {
        if (model instanceof ComputationGraph graph) {
            return graph;
        }
        throw new IllegalArgumentException(
                "losses and retrieval need a ComputationGraph with the heads of CoSupervision," + " found "
                        + model.getClass().getName());
    }

    private static void restart(BooleanSupplier resetSupported, Runnable reset) {
        if (resetSupported.getAsBoolean()) {
            reset.run();
        }
    }

    private void store(StatsStorageRouter router, LatentReport report) {
        if (reports.isEmpty()) {
            // Storages list only sessions and workers that have announced themselves
            router.putStorageMetaData(new JavaStorageMetaData(
                    report.getTimeStamp(),
                    session,
                    LatentReport.TYPE_ID,
                    worker,
                    LatentReport.class,
                    LatentReport.class));
            router.putStaticInfo(report);
        }
        router.putUpdate(report);
    }

    /** Opened for each line only, so that nothing is lost if training ends abruptly. */
    private void append(Path file, LatentReport report) {
        try (BufferedWriter writer =
                        Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                CSVPrinter printer = new CSVPrinter(writer, CSVFormat.RFC4180)) {
            if (Files.size(file) == 0) {
                printer.printRecord(header(report.values().keySet().stream()));
            }
            printer.printRecord(Stream.concat(
                    Stream.of(session, report.epoch(), report.iteration()), report.values().values().stream()));
        } catch (IOException e) {
            throw new UncheckedIOException("csv " + file + " cannot be written: " + e.getMessage(), e);
        }
    }

    private static Stream<String> header(Stream<String> names) {
        return Stream.concat(Stream.of("session", "epoch", "iteration"), names);
    }

    /**
     * What was recorded.
     *
     * @return the reports in order, a copy; the first is that of the start
     */
    public List<LatentReport> reports() {
        return List.copyOf(reports);
    }

    /**
     * The training session's name.
     *
     * @return the name that the CSV file and the storage have
     */
    public String session() {
        return session;
    }

    /** Builds {@link LatentListener}. Each part is optional, one at least is needed. */
    public static final class Builder {
        private List<String> layers = List.of();
        private @Nullable Function<Model, IsotropyReport> isotropy;
        private boolean losses;
        private @Nullable MultiDataSetIterator retrievalData;
        private RetrievalEvaluation retrieval = new RetrievalEvaluation();
        private @Nullable Path csv;
        private @Nullable StatsStorageRouter storage;
        private String session = UUID.randomUUID().toString();

        /** Creates a builder without parts, for a session of random name. */
        public Builder() {}

        /**
         * Records IsoScore* of layers' activations: column {@code isoScoreStar/}name.
         *
         * @param heldOut data to run the network on
         * @param layers names of layers, or of vertices of a graph; unnamed layers of a MultiLayerNetwork are layer0,
         *     layer1 and so on
         * @return this
         * @throws IllegalArgumentException if no layer is named, or one twice
         */
        public Builder isoScoreStar(DataSetIterator heldOut, String... layers) {
            Objects.requireNonNull(heldOut, "heldOut must be given, found null");
            Options options = options(layers);
            isotropy = model -> {
                restart(heldOut::resetSupported, heldOut::reset);
                return model instanceof MultiLayerNetwork network
                        ? IsotropyReport.of(network, heldOut, options)
                        : IsotropyReport.of(graph(model), heldOut, options);
            };
            return this;
        }

        /**
         * Records IsoScore* of layers' activations: column {@code isoScoreStar/}name.
         *
         * @param heldOut data to run the network on
         * @param layers names of layers, or of vertices of a graph
         * @return this
         * @throws IllegalArgumentException if no layer is named, or one twice
         */
        public Builder isoScoreStar(DataSet heldOut, String... layers) {
            return isoScoreStar(new SingletonDataSetIterator(heldOut), layers);
        }

        /**
         * Records IsoScore* of activations in a graph: column {@code isoScoreStar/}name.
         *
         * @param heldOut data to run the graph on
         * @param layers names of vertices
         * @return this
         * @throws IllegalArgumentException if none is named, or one twice
         */
        public Builder isoScoreStar(MultiDataSetIterator heldOut, String... layers) {
            Objects.requireNonNull(heldOut, "heldOut must be given, found null");
            Options options = options(layers);
            isotropy = model -> {
                restart(heldOut::resetSupported, heldOut::reset);
                return IsotropyReport.of(graph(model), heldOut, options);
            };
            return this;
        }

        /**
         * Records IsoScore* of activations in a graph: column {@code isoScoreStar/}name.
         *
         * @param heldOut data to run the graph on
         * @param layers names of vertices
         * @return this
         * @throws IllegalArgumentException if none is named, or one twice
         */
        public Builder isoScoreStar(MultiDataSet heldOut, String... layers) {
            return isoScoreStar(new SingletonMultiDataSetIterator(heldOut), layers);
        }

        private Options options(String... names) {
            if (names.length == 0) {
                throw new IllegalArgumentException("layers must name at least one layer, found none");
            }
            layers = List.of(names);
            // The least sample for the other numbers of the report; IsoScore* is over all points
            return Options.builder().layers(names).maxPoints(3).cosinePairs(1).build();
        }

        /**
         * Records the two parts of a co-supervised loss, each without its weight, as means over the epoch's minibatches:
         * columns {@code nextTokenLoss} and {@code nextSequenceLoss}. NaN at the start.
         *
         * @return this
         * @see CoSupervision#losses
         */
        public Builder losses() {
            losses = true;
            return this;
        }

        /**
         * Records how well a co-supervised graph ranks the passages of each batch: columns {@code recallAt}k and {@code
         * meanReciprocalRank}.
         *
         * @param heldOut data to run the graph on
         * @param kind an evaluation whose cut-offs and similarity to take; itself not used
         * @return this
         */
        public Builder retrieval(MultiDataSetIterator heldOut, RetrievalEvaluation kind) {
            retrievalData = Objects.requireNonNull(heldOut, "heldOut must be given, found null");
            retrieval = kind.newInstance();
            return this;
        }

        /**
         * Appends a line to a CSV file for each measurement; a new file gets a header: session, epoch (how many are
         * completed), iteration and the columns of the parts.
         *
         * @param file the file; one that exists must have the same header
         * @return this
         */
        public Builder csv(Path file) {
            csv = Objects.requireNonNull(file, "file must be given, found null");
            return this;
        }

        /**
         * Sends each measurement as a {@link LatentReport} to DL4J's statistics storage.
         *
         * @param storage a StatsStorage, or a router to another machine's
         * @return this
         */
        public Builder storage(StatsStorageRouter storage) {
            this.storage = Objects.requireNonNull(storage, "storage must be given, found null");
            return this;
        }

        /**
         * Sets the session's name, for one with DL4J's StatsListener. A random one if not set.
         *
         * @param session the name
         * @return this
         */
        public Builder session(String session) {
            this.session = Objects.requireNonNull(session, "session must be given, found null");
            return this;
        }

        /**
         * Builds the listener.
         *
         * @return a new listener
         * @throws IllegalArgumentException if there is no part, or the CSV file has another header
         * @throws UncheckedIOException if the CSV file cannot be read
         */
        public LatentListener build() {
            List<String> columns = header(columns()).toList();
            if (columns.size() == 3) {
                throw new IllegalArgumentException(
                        "listener must have isoScoreStar, losses or retrieval to record, found none");
            }
            if (csv != null) {
                requireHeader(csv, columns);
            }
            return new LatentListener(this);
        }

        private Stream<String> columns() {
            Stream<String> scores = layers.stream().map(LatentListener::isoColumn);
            Stream<String> parts = losses ? Stream.of("nextTokenLoss", "nextSequenceLoss") : Stream.empty();
            Stream<String> ranks = retrievalData == null
                    ? Stream.empty()
                    : Stream.concat(
                            retrieval.metrics().recall().keySet().stream().map(LatentListener::recallColumn),
                            Stream.of("meanReciprocalRank"));
            return Stream.of(scores, parts, ranks).flatMap(Function.identity());
        }

        private static void requireHeader(Path file, List<String> expected) {
            try {
                if (Files.notExists(file) || Files.size(file) == 0) {
                    return;
                }
                try (CSVParser lines = CSVParser.parse(file, StandardCharsets.UTF_8, CSVFormat.RFC4180)) {
                    String[] found = lines.iterator().next().values();
                    if (!Arrays.asList(found).equals(expected)) {
                        throw new IllegalArgumentException("csv " + file + " must have the header " + expected
                                + " to be appended to, found " + Arrays.toString(found));
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException("csv " + file + " cannot be read: " + e.getMessage(), e);
            }
        }
    }
}
