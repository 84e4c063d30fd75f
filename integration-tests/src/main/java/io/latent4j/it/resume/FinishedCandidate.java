/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.resume;

import io.latent4j.it.dashboard.HyperParameter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.serde.jackson.JsonMapper;
import org.nd4j.shade.jackson.annotation.JsonProperty;
import org.nd4j.shade.jackson.core.JsonProcessingException;

/**
 * What a resumed search needs to know of a candidate that has been trained, in {@code candidate.json} beside what Arbiter's
 * {@code FileModelSaver} writes: that keeps the model and its score, but not the values that were tried.
 *
 * @param index the candidate's number, which is the name of its folder
 * @param score its score, null if it has none
 * @param startTime when it began, in milliseconds since 1970
 * @param endTime when it was saved
 * @param flatParameters Arbiter's numbers in [0, 1]
 * @param values the same for people: name of the option and its value
 * @param space options of the search and what they are drawn from: other flat values would mean something else
 * @param scoreFunction class of the function that made the score
 */
record FinishedCandidate(
        @JsonProperty("index") int index,
        @JsonProperty("score") Double score,
        @JsonProperty("startTime") long startTime,
        @JsonProperty("endTime") long endTime,
        @JsonProperty("flatParameters") double[] flatParameters,
        @JsonProperty("values") Map<String, String> values,
        @JsonProperty("space") Map<String, String> space,
        @JsonProperty("scoreFunction") String scoreFunction) {
    static final String FILE = "candidate.json";
    static final String MODEL = "model.bin";

    /** Options of a space, each with what it is drawn from. */
    static Map<String, String> describe(ParameterSpace<?> space) {
        Map<String, String> options = new LinkedHashMap<>();
        for (HyperParameter parameter : HyperParameter.of(space)) {
            options.put(parameter.name(), describeLeaf(parameter.space()));
        }
        return options;
    }

    private static String describeLeaf(ParameterSpace<?> leaf) {
        try {
            return JsonMapper.getMapper().valueToTree(leaf).toString();
        } catch (IllegalArgumentException e) { // a distribution or a value of one's own, which Arbiter can't write
            return leaf.getClass().getName();
        }
    }

    /** Options of a candidate, for people. */
    static Map<String, String> values(ParameterSpace<?> space, double[] flatParameters) {
        Map<String, String> values = new LinkedHashMap<>();
        for (HyperParameter parameter : HyperParameter.of(space)) {
            values.put(parameter.name(), String.valueOf(parameter.value(flatParameters)));
        }
        return values;
    }

    /** Writes the record, complete or not at all. */
    void write(Path folder) throws IOException {
        Path draft = folder.resolve(FILE + ".part");
        Files.writeString(draft, JsonMapper.getMapper().writeValueAsString(this));
        Files.move(draft, folder.resolve(FILE), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    /**
     * All candidates of a folder that have a record and a model, in the order in which they were finished.
     *
     * @throws IOException if the folder can't be read, or holds a record that is none
     */
    static List<FinishedCandidate> readAll(Path folder) throws IOException {
        List<FinishedCandidate> finished = new ArrayList<>();
        if (!Files.isDirectory(folder)) {
            return finished;
        }
        try (Stream<Path> candidates = Files.list(folder)) {
            for (Path candidate : candidates.sorted().toList()) {
                if (Files.exists(candidate.resolve(FILE)) && Files.exists(candidate.resolve(MODEL))) {
                    finished.add(read(candidate));
                }
            }
        }
        finished.sort(Comparator.comparingLong(FinishedCandidate::endTime).thenComparingInt(FinishedCandidate::index));
        return finished;
    }

    private static FinishedCandidate read(Path candidate) throws IOException {
        Path file = candidate.resolve(FILE);
        FinishedCandidate read;
        try {
            read = JsonMapper.getMapper().readValue(Files.readString(file), FinishedCandidate.class);
        } catch (JsonProcessingException e) {
            throw new IOException(file + " must be the record of a candidate: " + e.getOriginalMessage(), e);
        }
        if (!candidate.endsWith(Integer.toString(read.index))
                || read.flatParameters == null
                || read.space == null
                || read.scoreFunction == null) {
            throw new IOException(file + " must be the record of candidate " + candidate.getFileName()
                    + " with flatParameters, space and scoreFunction, found index " + read.index);
        }
        return read;
    }
}
