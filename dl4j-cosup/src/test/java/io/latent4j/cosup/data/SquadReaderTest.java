/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.data.SquadReader.Question;
import io.latent4j.cosup.data.SquadReader.Squad;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SquadReaderTest {
    private static final String GOOD = """
            {"version": "1.1", "extra": {"data": [1]}, "data": [
              {"title": "Oil", "paragraphs": [
                {"context": "Oil was cheap.", "qas": [
                  {"id": "q1", "question": "What?", "answers": [
                    {"text": "Oil", "answer_start": 0}, {"text": "Oil"}, {"text": "cheap"}]}]},
                {"context": "Then it was not.", "qas": []}]},
              {"title": "Tea", "paragraphs": [
                {"context": "Tea is hot.", "qas": [
                  {"id": "q2", "question": "How?", "answers": [{"text": "hot"}]}]}]}
            ]}
            """;

    @TempDir
    private Path folder;

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("squad.json"), text);
    }

    @Test
    void readsQuestionsAndPassages() throws Exception {
        Squad squad = SquadReader.read(file(GOOD));
        assertEquals(
                List.of(
                        new Question("q1", "Oil", "What?", List.of("Oil", "cheap"), "Oil#0"),
                        new Question("q2", "Tea", "How?", List.of("hot"), "Tea#0")),
                squad.questions());
        assertEquals(
                List.of("Oil#0", "Oil#1", "Tea#0"), List.copyOf(squad.passages().keySet()));
        assertEquals(new Passage("Oil#1", "Then it was not."), squad.passages().get("Oil#1"));
        assertEquals(0, squad.skipped());
        CoSupervisionData data = squad.toData();
        assertEquals(
                new Instance("What?", List.of(Instance.Segment.grounded("Oil", "Oil#0")), ""),
                data.instances().get(0));
        assertEquals(squad.passages(), data.passages());
    }

    @Test
    void readsGzip() throws Exception {
        Path file = folder.resolve("squad.json.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(GOOD.getBytes(StandardCharsets.UTF_8));
        }
        assertEquals(SquadReader.read(file(GOOD)), SquadReader.read(file));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "\"title\": \"Tea\",   |                    | article 1 | title | expected a string, found none",
                "\"Tea\", \"par        | \"Oil\", \"par     | article 1 | title | found \"Oil\" again",
                "Then it was not.      | ' '                | article 0, paragraph 1 | context | isn't blank",
                "\"Oil was cheap.\"    | 7                  | article 0, paragraph 0 | context | expected a string, found 7",
                "\"qas\": []           | \"qas\": {}        | article 0, paragraph 1 | qas | expected an array, found object",
                "\"question\": \"How?\", |                  | article 1, paragraph 0, question 0 | question | found none",
                "[{\"text\": \"hot\"}] | []                 | article 1, paragraph 0, question 0 | answers | at least one",
                "{\"text\": \"cheap\"} | {\"text\": null}   | article 0, paragraph 0, question 0 | answers[2].text | found null"
            })
    void namesMalformedRecordsOrSkipsThem(String good, String bad, String place, String field, String problem)
            throws Exception {
        String text = GOOD.replace(good, bad == null ? "" : bad.replace("'", ""));
        assertTrue(!text.equals(GOOD));
        Path file = file(text);
        MalformedRecordException e = assertThrows(MalformedRecordException.class, () -> SquadReader.read(file));
        assertEquals(file.toString(), e.file());
        assertEquals(place, e.place());
        assertEquals(field, e.field());
        assertTrue(
                e.getMessage().startsWith(file + ", " + place + ", field " + field + ": ")
                        && e.getMessage().contains(problem),
                e.getMessage());
        Squad rest = SquadReader.read(file, OnMalformed.SKIP);
        assertEquals(1, rest.skipped());
        assertTrue(
                !rest.questions().isEmpty() && rest.questions().size() <= 2,
                rest.questions().toString());
        assertEquals(1, rest.toData().skipped());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "[]                            | line 1           | expected a JSON object",
                "{\"version\": 2}              | line 1           | data",
                "{\"data\": {}}                | line 1           | data",
                "{\"data\": [{\"title\": ]}    | line 1, column 2 | expected JSON",
                "{\"data\": [                  | line 1, column 1 | expected JSON"
            })
    void stopsWhereTheFileIsNoSuchJson(String text, String place, String problem) throws Exception {
        Path file = file(text);
        MalformedRecordException e =
                assertThrows(MalformedRecordException.class, () -> SquadReader.read(file, OnMalformed.SKIP));
        assertTrue(e.place().startsWith(place), e.place());
        assertTrue(e.getMessage().contains(problem), e.getMessage());
    }

    @Test
    void aMissingOrTruncatedFileIsAnIOException() throws Exception {
        assertThrows(NoSuchFileException.class, () -> SquadReader.read(folder.resolve("none.json")));
        Path cut = folder.resolve("cut.gz");
        Files.write(cut, new byte[] {0x1f, (byte) 0x8b, 8, 0});
        assertThrows(IOException.class, () -> SquadReader.read(cut));
    }
}
