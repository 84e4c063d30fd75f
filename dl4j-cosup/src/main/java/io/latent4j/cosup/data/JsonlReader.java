/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.shade.jackson.databind.DeserializationFeature;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/**
 * Reads instances and passages from files of one JSON object per line, UTF-8, plain or gzip. Blank lines are passed over.
 *
 * <table>
 * <caption>Fields of a passage</caption>
 * <tr><th>field</th><th>type</th><th>meaning</th></tr>
 * <tr><td>id</td><td>string</td><td>its name, once in the file</td></tr>
 * <tr><td>text</td><td>string</td><td>what it says, not blank</td></tr>
 * </table>
 *
 * <table>
 * <caption>Fields of an instance</caption>
 * <tr><th>field</th><th>type</th><th>meaning</th></tr>
 * <tr><td>prompt</td><td>string</td><td>what is given</td></tr>
 * <tr><td>segments</td><td>array of objects, optional</td><td>what the model writes, see below</td></tr>
 * <tr><td>answer</td><td>string, optional</td><td>what it writes last, without a passage</td></tr>
 * <tr><td>segments[].text</td><td>string</td><td>what the model writes</td></tr>
 * <tr><td>segments[].passageId</td><td>string or null, optional</td><td>id of the passage that the text rests on</td></tr>
 * <tr><td>segments[].hardNegatives</td><td>array of strings, optional</td><td>ids of passages that look right but
 *     aren't; only beside a passageId</td></tr>
 * </table>
 *
 * <p>Malformed are lines that aren't such an object, a missing or wrongly typed field, a field of another name (a
 * misspelt one would be lost in silence), an id that was there before, and an id that no passage has.
 */
public final class JsonlReader {
    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private JsonlReader() {}

    /**
     * Reads instances and their passages and stops at a malformed line.
     *
     * @param instances file of instances
     * @param passages file of passages
     * @return what they hold
     * @throws MalformedRecordException if a line is malformed
     * @throws IOException if a file can't be read
     */
    public static CoSupervisionData read(Path instances, Path passages) throws IOException {
        return read(instances, passages, OnMalformed.STOP);
    }

    /**
     * Reads instances and their passages.
     *
     * @param instances file of instances
     * @param passages file of passages
     * @param onMalformed what happens to malformed lines; an instance whose passage was skipped is malformed, too
     * @return what they hold, with the number of lines left out in both
     * @throws MalformedRecordException if a line is malformed and not to be skipped
     * @throws IOException if a file can't be read
     */
    public static CoSupervisionData read(Path instances, Path passages, OnMalformed onMalformed) throws IOException {
        RecordFile passageFile = new RecordFile(passages, onMalformed);
        Map<String, Passage> byId = new LinkedHashMap<>();
        lines(passageFile, (line, place) -> {
            JsonNode record = parse(passageFile, line, place, Set.of("id", "text"));
            String id = passageFile.string(record, "", "id", place, false);
            Passage passage = new Passage(id, passageFile.string(record, "", "text", place, false));
            if (byId.putIfAbsent(id, passage) != null) {
                throw passageFile.malformed(place, "id", "expected an id of its own, found \"" + id + "\" again");
            }
        });
        RecordFile instanceFile = new RecordFile(instances, onMalformed);
        List<Instance> found = new ArrayList<>();
        lines(instanceFile, (line, place) -> found.add(instance(instanceFile, line, place, byId)));
        return new CoSupervisionData(found, byId, passageFile.skipped() + instanceFile.skipped());
    }

    private static Instance instance(RecordFile file, byte[] line, String place, Map<String, Passage> passages)
            throws MalformedRecordException {
        JsonNode record = parse(file, line, place, Set.of("prompt", "segments", "answer"));
        String prompt = file.string(record, "", "prompt", place, true);
        List<Instance.Segment> segments = new ArrayList<>();
        if (record.has("segments")) {
            JsonNode array = file.array(record, "", "segments", place);
            for (int s = 0; s < array.size(); s++) {
                segments.add(segment(file, array.get(s), "segments[" + s + ']', place, passages));
            }
        }
        return new Instance(
                prompt, segments, record.has("answer") ? file.string(record, "", "answer", place, true) : "");
    }

    private static Instance.Segment segment(
            RecordFile file, JsonNode segment, String field, String place, Map<String, Passage> passages)
            throws MalformedRecordException {
        if (!segment.isObject()) {
            throw file.malformed(place, field, "an object", segment);
        }
        requireFields(file, segment, field + '.', place, Set.of("text", "passageId", "hardNegatives"));
        String text = file.string(segment, field + '.', "text", place, true);
        String passageId = segment.path("passageId").isNull() || !segment.has("passageId")
                ? null
                : known(file, segment.path("passageId"), field + ".passageId", place, passages);
        List<String> negatives = new ArrayList<>();
        if (segment.has("hardNegatives")) {
            JsonNode array = file.array(segment, field + '.', "hardNegatives", place);
            for (int i = 0; i < array.size(); i++) {
                negatives.add(known(file, array.get(i), field + ".hardNegatives[" + i + ']', place, passages));
            }
        }
        return segment(file, text, passageId, negatives, field, place);
    }

    private static Instance.Segment segment(
            RecordFile file,
            String text,
            @Nullable String passageId,
            List<String> negatives,
            String field,
            String place)
            throws MalformedRecordException {
        try {
            return new Instance.Segment(text, passageId, negatives);
        } catch (IllegalArgumentException e) {
            throw file.malformed(place, field, String.valueOf(e.getMessage()));
        }
    }

    private static String known(RecordFile file, JsonNode id, String field, String place, Map<String, Passage> passages)
            throws MalformedRecordException {
        if (!id.isTextual() || !passages.containsKey(id.textValue())) {
            throw file.malformed(place, field, "the id of one of " + passages.size() + " passages", id);
        }
        return id.textValue();
    }

    private static JsonNode parse(RecordFile file, byte[] line, String place, Set<String> fields)
            throws MalformedRecordException {
        @Nullable JsonNode record;
        try {
            record = JSON.readTree(new ShallowParser(JSON.getFactory().createParser(line)));
        } catch (IOException e) { // of the parser: nothing is read here
            throw file.malformed(place, "", "expected a JSON object, found: " + firstLine(e));
        }
        if (record == null) {
            throw file.malformed(place, "", "expected a JSON object, found none");
        }
        if (!record.isObject()) {
            throw file.malformed(place, "", "a JSON object", record);
        }
        requireFields(file, record, "", place, fields);
        return record;
    }

    private static String firstLine(IOException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }

    private static void requireFields(RecordFile file, JsonNode record, String prefix, String place, Set<String> fields)
            throws MalformedRecordException {
        for (Iterator<String> names = record.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!fields.contains(name)) {
                throw file.malformed(
                        place,
                        prefix + name,
                        "expected no field but " + fields.stream().sorted().toList() + ", found \"" + name + '"');
            }
        }
    }

    /** What is done with the bytes of a line. */
    private interface Line {
        void read(byte[] line, String place) throws MalformedRecordException;
    }

    private static void lines(RecordFile file, Line reader) throws IOException {
        // One char per byte, so that the parser sees the bytes and says where they aren't UTF-8
        file.open(input -> {
            BufferedReader lines = new BufferedReader(new InputStreamReader(input, StandardCharsets.ISO_8859_1));
            int number = 1;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (!line.isBlank()) {
                    byte[] bytes = line.getBytes(StandardCharsets.ISO_8859_1);
                    String place = "line " + number;
                    file.read(() -> reader.read(bytes, place));
                }
                number++;
            }
        });
    }
}
