/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.lm;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.zip.GZIPInputStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.DataSet;

/**
 * Trains an LSTM language model by its {@link Recipe}, or takes it from the cache: a folder named after recipe and texts
 * that holds the vocabulary, the loss curve, the network in training (from which an interrupted training goes on) and, in
 * the end, the model.
 */
public final class Pretraining {
    private static final int VALIDATION_BATCHES = 16;
    private static final int CURVE_INTERVAL = 20;
    private static final int SAVE_INTERVAL = 160;

    private static final String VOCABULARY = "vocabulary.txt";
    private static final String CURVE = "curve.csv";
    private static final String TRAINING = "training.zip";
    private static final String MODEL = "model.zip";

    /**
     * A measurement on the way.
     *
     * @param step training steps done
     * @param steps all steps of the recipe
     * @param loss mean cross-entropy per token of the last steps, in nats
     * @param validationPerplexity of texts that aren't trained on; NaN where it wasn't measured
     */
    public record Progress(int step, int steps, double loss, double validationPerplexity) {}

    private final Recipe recipe;
    private final Path training;
    private final Path validation;
    private final Path folder;

    /**
     * Prepares a training.
     *
     * @param recipe how to train
     * @param training texts to train on, one per line, gzipped UTF-8
     * @param validation texts to measure perplexity on, one per line, gzipped UTF-8
     * @param cache where folders of models are
     * @throws IOException if a file can't be read
     */
    public Pretraining(Recipe recipe, Path training, Path validation, Path cache) throws IOException {
        this.recipe = recipe;
        this.training = training;
        this.validation = validation;
        this.folder = cache.resolve("lstm-" + Digests.sha256(training, recipe));
    }

    /** Where the model and its curve are kept. */
    public Path folder() {
        return folder;
    }

    /**
     * The model: from the cache, or trained to the end now.
     *
     * @param observer is told every few steps
     * @return the model
     * @throws IOException if a file can't be read or written
     */
    public LstmLm model(Consumer<Progress> observer) throws IOException {
        if (!Files.isReadable(folder.resolve(MODEL))) {
            train(recipe.steps(), observer);
        }
        String name = "lstm-" + recipe.layers() + "x" + recipe.width();
        return LstmLm.read(name, folder.resolve(MODEL), Words.read(folder.resolve(VOCABULARY)));
    }

    /**
     * Trains until a number of steps is done, from where an earlier call ended; the network is the same as after one call.
     *
     * @param untilStep at most the recipe's steps; with these the model is complete
     * @param observer is told every few steps
     * @throws IOException if a file can't be read or written
     */
    void train(int untilStep, Consumer<Progress> observer) throws IOException {
        Files.createDirectories(folder);
        List<String> texts = lines(training);
        Words words = vocabulary(texts);
        TokenSequences sequences = new TokenSequences(words, texts, recipe.length());
        DataSet held = new TokenSequences(words, lines(validation), recipe.length())
                .first(VALIDATION_BATCHES * recipe.batch());
        MultiLayerNetwork network = network();
        double sum = 0;
        int summed = 0;
        for (int step = network.getIterationCount(); step < untilStep; step++) {
            network.fit(sequences.batch(step, recipe.batch(), recipe.seed()));
            sum += network.score() / recipe.length();
            summed++;
            int done = step + 1;
            boolean save = done % SAVE_INTERVAL == 0 || done == untilStep;
            if (save || done % CURVE_INTERVAL == 0) {
                double perplexity = save ? perplexity(network, held) : Double.NaN;
                Progress progress = new Progress(done, recipe.steps(), sum / summed, perplexity);
                record(progress);
                observer.accept(progress);
                sum = 0;
                summed = 0;
            }
            if (save) {
                replace(TRAINING, file -> network.save(file.toFile(), true));
            }
        }
        if (untilStep == recipe.steps()) {
            MultiLayerNetwork model = inference(network);
            replace(MODEL, file -> model.save(file.toFile(), false));
        }
    }

    private MultiLayerNetwork network() throws IOException {
        Path saved = folder.resolve(TRAINING);
        if (Files.isReadable(saved)) {
            return MultiLayerNetwork.load(saved.toFile(), true);
        }
        MultiLayerNetwork network = new MultiLayerNetwork(recipe.training());
        network.init();
        Files.writeString(folder.resolve(CURVE), "step,loss,validationPerplexity\n");
        return network;
    }

    private Words vocabulary(List<String> texts) throws IOException {
        Path saved = folder.resolve(VOCABULARY);
        if (!Files.isReadable(saved)) {
            Words words = Words.of(texts, recipe.vocabulary());
            if (words.size() != recipe.vocabulary()) {
                throw new IOException(
                        training + ": expected " + recipe.vocabulary() + " different words, found " + words.size());
            }
            replace(VOCABULARY, words::write);
        }
        return Words.read(saved);
    }

    /** The same weights under a plain head, whose bias stays 0. */
    private MultiLayerNetwork inference(MultiLayerNetwork trained) {
        MultiLayerNetwork model = new MultiLayerNetwork(recipe.inference());
        model.init();
        trained.paramTable().forEach((name, weights) -> model.getParam(name).assign(weights));
        return model;
    }

    private static double perplexity(MultiLayerNetwork network, DataSet held) {
        double loss = 0;
        List<DataSet> batches = held.batchBy(64);
        for (DataSet batch : batches) {
            loss += network.score(batch, false) * batch.numExamples();
        }
        return Math.exp(loss / held.numExamples() / held.getLabels().size(2));
    }

    private void record(Progress progress) throws IOException {
        Files.writeString(
                folder.resolve(CURVE),
                String.format(
                        Locale.ROOT,
                        "%d,%.4f,%s%n",
                        progress.step,
                        progress.loss,
                        Double.isNaN(progress.validationPerplexity)
                                ? ""
                                : String.format(Locale.ROOT, "%.2f", progress.validationPerplexity)),
                StandardOpenOption.APPEND);
    }

    private interface Writer {
        void write(Path file) throws IOException;
    }

    /** A file is there complete or not at all, however the program ends. */
    private void replace(String name, Writer writer) throws IOException {
        Path part = folder.resolve(name + ".part");
        writer.write(part);
        Files.move(part, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    private static List<String> lines(Path file) throws IOException {
        try (BufferedReader reader = new BufferedReader(
                new InputStreamReader(new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
            return reader.lines().toList();
        } catch (NoSuchFileException e) {
            throw new IOException(file + ": no such file", e);
        }
    }
}
