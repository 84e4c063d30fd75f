/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.shade.jackson.core.JsonParser;
import org.nd4j.shade.jackson.core.JsonProcessingException;
import org.nd4j.shade.jackson.core.JsonToken;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/**
 * Reads questions and passages in the form of SQuAD v1.1: {@code data[]} of articles with {@code title} and {@code
 * paragraphs[]} of {@code context} and {@code qas[]} of {@code id}, {@code question} and {@code answers[].text}. Plain JSON
 * or gzip; one article at a time is in memory. Other fields are ignored.
 *
 * <p>A context becomes a passage "title#n", n counted from 0 within the article. Malformed are a missing, blank or
 * wrongly typed field, a question without an answer, and a title that was there before; what belongs to a malformed article
 * or paragraph goes with it and counts as one.
 *
 * <p>Source: Rajpurkar et al., arXiv 1606.05250.
 */
public final class SquadReader {
    private SquadReader() {}

    /**
     * A question.
     *
     * @param id its id in the file
     * @param title title of its article
     * @param text the question
     * @param answers gold answers without repetitions, at least one
     * @param passageId id of the passage that holds the answer
     */
    public record Question(String id, String title, String text, List<String> answers, String passageId) {
        /**
         * Copies the list.
         *
         * @param id its id
         * @param title title of its article
         * @param text the question
         * @param answers gold answers
         * @param passageId id of its passage
         */
        public Question {
            answers = List.copyOf(answers);
        }

        /**
         * The question as a training text: the first answer rests on the passage.
         *
         * @return {@code question [Ret] passage [Cs] answer [Ce] </s>}
         */
        public Instance toInstance() {
            return new Instance(text, List.of(Instance.Segment.grounded(answers.get(0), passageId)), "");
        }
    }

    /**
     * What a file holds.
     *
     * @param questions all questions in the file's order
     * @param passages all passages by id in the file's order, with or without questions
     * @param skipped how many malformed articles, paragraphs and questions were left out
     */
    public record Squad(List<Question> questions, Map<String, Passage> passages, int skipped) {
        /**
         * The questions as training texts.
         *
         * @return an instance for each question, and all passages
         */
        public CoSupervisionData toData() {
            return new CoSupervisionData(
                    questions.stream().map(Question::toInstance).toList(), passages, skipped);
        }
    }

    /**
     * Reads a file and stops at a malformed record.
     *
     * @param file JSON or gzip of it
     * @return its questions and passages
     * @throws MalformedRecordException if a record is malformed
     * @throws IOException if the file can't be read
     */
    public static Squad read(Path file) throws IOException {
        return read(file, OnMalformed.STOP);
    }

    /**
     * Reads a file.
     *
     * @param file JSON or gzip of it
     * @param onMalformed what happens to malformed records; a file that isn't JSON stops in any case
     * @return its questions and passages
     * @throws MalformedRecordException if a record is malformed and not to be skipped, or the file isn't such JSON
     * @throws IOException if the file can't be read
     */
    public static Squad read(Path file, OnMalformed onMalformed) throws IOException {
        RecordFile records = new RecordFile(file, onMalformed);
        Articles articles = new Articles(records);
        records.open(input -> read(input, records, articles));
        return new Squad(List.copyOf(articles.questions), articles.passages, records.skipped());
    }

    private static void read(InputStream input, RecordFile records, Articles articles) throws IOException {
        try (JsonParser parser =
                new ShallowParser(new ObjectMapper().getFactory().createParser(input))) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw records.malformed(
                        "line 1", "", "expected a JSON object with an array data, found " + parser.currentToken());
            }
            boolean found = false;
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean data = parser.currentName().equals("data");
                if (parser.nextToken() == JsonToken.START_ARRAY && data) {
                    found = true;
                    for (int a = 0; parser.nextToken() != JsonToken.END_ARRAY; a++) {
                        JsonNode article = parser.readValueAsTree();
                        String place = "article " + a;
                        records.read(() -> articles.read(article, place));
                    }
                } else {
                    parser.skipChildren();
                }
            }
            if (!found) {
                throw records.malformed("line 1", "data", "expected an array, found none");
            }
        } catch (JsonProcessingException e) {
            throw records.malformed(
                    "line " + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr(),
                    "",
                    "expected JSON, found: " + e.getOriginalMessage());
        }
    }

    private static final class Articles {
        private final RecordFile records;
        private final List<Question> questions = new ArrayList<>();
        private final Map<String, Passage> passages = new LinkedHashMap<>();
        private final Set<String> titles = new LinkedHashSet<>();

        Articles(RecordFile records) {
            this.records = records;
        }

        void read(JsonNode article, String place) throws MalformedRecordException {
            String title = records.string(article, "", "title", place, false);
            JsonNode paragraphs = records.array(article, "", "paragraphs", place);
            if (!titles.add(title)) {
                throw records.malformed(place, "title", "expected a title of its own, found \"" + title + "\" again");
            }
            for (int p = 0; p < paragraphs.size(); p++) {
                JsonNode paragraph = paragraphs.get(p);
                String where = place + ", paragraph " + p;
                String id = title + '#' + p;
                records.read(() -> read(paragraph, where, title, id));
            }
        }

        private void read(JsonNode paragraph, String place, String title, String id) throws MalformedRecordException {
            Passage passage = new Passage(id, records.string(paragraph, "", "context", place, false));
            JsonNode qas = records.array(paragraph, "", "qas", place);
            passages.put(id, passage);
            for (int q = 0; q < qas.size(); q++) {
                JsonNode qa = qas.get(q);
                String where = place + ", question " + q;
                records.read(() -> questions.add(question(qa, where, title, id)));
            }
        }

        private Question question(JsonNode qa, String place, String title, String passageId)
                throws MalformedRecordException {
            String id = records.string(qa, "", "id", place, false);
            String text = records.string(qa, "", "question", place, false);
            JsonNode answers = records.array(qa, "", "answers", place);
            if (answers.isEmpty()) {
                throw records.malformed(place, "answers", "expected at least one answer, found none");
            }
            Set<String> texts = new LinkedHashSet<>();
            for (int i = 0; i < answers.size(); i++) {
                texts.add(records.string(answers.get(i), "answers[" + i + "].", "text", place, false));
            }
            return new Question(id, title, text, List.copyOf(texts), passageId);
        }
    }
}
