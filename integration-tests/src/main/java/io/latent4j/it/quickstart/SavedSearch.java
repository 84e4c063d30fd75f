/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.cosup.generation.Generation;
import io.latent4j.cosup.generation.SemiparametricGenerator;
import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.Hit;
import io.latent4j.it.Lines;
import io.latent4j.it.quickstart.corpus.CodeCorpus.Method;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The co-supervised model of a run in its report folder, with the index of all code. */
final class SavedSearch implements AutoCloseable {
    static final String FOLDER = "ask";

    private static final String INDEX = "index.bin";
    private static final String METHODS = "methods.tsv";

    /** A passage, and what to show of it. */
    private record Code(String signature, String words) {}

    private final CodeModel model;
    private final ExactSequenceIndex index;
    private final Map<String, Code> methods;
    private final SemiparametricGenerator generator;

    private SavedSearch(CodeModel model, ExactSequenceIndex index, Map<String, Code> methods) {
        this.model = model;
        this.index = index;
        this.methods = methods;
        generator = model.generator(index, id -> code(id).words()).build();
    }

    /**
     * Saves a model and the vectors of methods.
     *
     * @param report the report's folder
     */
    static void save(Path report, CodeModel model, List<Method> methods) throws IOException {
        Path folder = report.resolve(FOLDER);
        model.save(folder);
        try (ExactSequenceIndex index = model.index(methods)) {
            index.save(folder.resolve(INDEX));
        }
        Files.write(
                folder.resolve(METHODS),
                methods.stream()
                        .map(method -> String.join(
                                "\t", method.id(), method.signature().replace('\t', ' '), method.code()))
                        .toList());
    }

    /**
     * Reads what {@link #save} saved.
     *
     * @param report the report's folder
     * @throws IOException if it isn't there, or not what it should be
     */
    static SavedSearch load(Path report) throws IOException {
        Path folder = report.resolve(FOLDER);
        if (!Files.isRegularFile(folder.resolve(METHODS))) {
            throw new IOException(
                    folder + ": no saved model found; the quickstart saves one there when it has trained it"
                            + " (mvn -Pquickstart verify; not with --data), --out names another report");
        }
        Map<String, Code> methods = new HashMap<>();
        for (String line : Lines.of(folder.resolve(METHODS))) {
            String[] fields = line.split("\t", -1);
            if (fields.length != 3) {
                throw new IOException(folder.resolve(METHODS) + ": expected id, signature and words, found " + line);
            }
            methods.put(fields[0], new Code(fields[1], fields[2]));
        }
        CodeModel model = CodeModel.load(folder);
        ExactSequenceIndex index = ExactSequenceIndex.load(folder.resolve(INDEX));
        if (index.dimension() != CodeModel.WIDTH) {
            index.close();
            throw new IOException(folder.resolve(INDEX) + ": expected vectors of " + CodeModel.WIDTH
                    + " features, found " + index.dimension());
        }
        return new SavedSearch(model, index, methods);
    }

    /** Number of passages. */
    long size() {
        return index.size();
    }

    /** Whether the model knows any of the words that it reads. */
    boolean understands(String question) {
        return model.knows(question);
    }

    /** What the question retrieves, best first. */
    List<Hit> search(String question, int passages) {
        return index.search(model.query(question), passages).get(0);
    }

    /** What the model writes after the first hit. */
    Generation answer(String question) {
        return generator.generate(CodeModel.question(question));
    }

    String signature(String id) {
        return code(id).signature();
    }

    private Code code(String id) {
        Code code = methods.get(id);
        if (code == null) {
            throw new IllegalStateException(METHODS + ": expected the method " + id + " of the index, found none");
        }
        return code;
    }

    @Override
    public void close() {
        index.close();
    }
}
