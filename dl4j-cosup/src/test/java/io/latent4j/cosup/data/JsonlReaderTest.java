/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.data.Instance.Segment;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonlReaderTest {
    @TempDir
    private Path folder;

    private Path passages = Path.of("");
    private Path instances = Path.of("");

    @BeforeEach
    void write() throws IOException {
        passages = folder.resolve("passages.jsonl");
        instances = folder.resolve("instances.jsonl");
        Files.writeString(passages, """
                {"id": "P", "text": "Grün ist die Heide."}

                {"id": "Q", "text": "Tea is hot."}
                """);
    }

    @Test
    void readsBothFiles() throws Exception {
        Files.writeString(instances, """
                {"prompt": "How?", "segments": [{"text": "It is"}, {"text": "hot", "passageId": "Q", "hardNegatives": ["P"]}], "answer": "."}
                {"prompt": "", "segments": [{"text": "", "passageId": null}]}
                {"prompt": "Nothing"}
                """);
        CoSupervisionData data = JsonlReader.read(instances, passages);
        assertEquals(
                List.of(
                        new Instance(
                                "How?", List.of(Segment.plain("It is"), new Segment("hot", "Q", List.of("P"))), "."),
                        new Instance("", List.of(Segment.plain("")), ""),
                        new Instance("Nothing", List.of(), "")),
                data.instances());
        assertEquals("Grün ist die Heide.", data.passages().get("P").text());
        assertEquals(List.of("P", "Q"), List.copyOf(data.passages().keySet()));
        assertEquals(0, data.skipped());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{\"prompt\": \"a\"                         | ''                           | expected a JSON object, found",
                "{\"prompt\": \"a\"} {}                     | ''                           | expected a JSON object, found",
                "[1]                                        | ''                           | expected a JSON object, found array",
                "{\"answer\": \"a\"}                        | prompt                       | expected a string, found none",
                "{\"prompt\": 3}                            | prompt                       | expected a string, found 3",
                "{\"prompt\": \"a\", \"id\": 3}             | id                           | [answer, prompt, segments]",
                "{\"prompt\": \"a\", \"answer\": null}      | answer                       | expected a string, found null",
                "{\"prompt\": \"a\", \"segments\": \"b\"}   | segments                     | expected an array, found \"b\"",
                "{\"prompt\": \"a\", \"segments\": [1]}     | segments[0]                  | expected an object, found 1",
                "{\"prompt\": \"a\", \"segments\": [{}]}    | segments[0].text             | expected a string, found none",
                "{\"prompt\": \"a\", \"segments\": [{\"text\": \"b\", \"pid\": 1}]} | segments[0].pid | found \"pid\"",
                "{\"prompt\": \"a\", \"segments\": [{\"text\": \"b\", \"passageId\": \"X\"}]} | segments[0].passageId | one of 2 passages, found \"X\"",
                "{\"prompt\": \"a\", \"segments\": [{\"text\": \"b\", \"passageId\": \"P\", \"hardNegatives\": [\"Q\", 1]}]} | segments[0].hardNegatives[1] | found 1",
                "{\"prompt\": \"a\", \"segments\": [{\"text\": \"b\", \"passageId\": \"P\", \"hardNegatives\": [\"P\"]}]} | segments[0] | own passage",
                "{\"prompt\": \"a\", \"segments\": [{\"text\": \"b\", \"hardNegatives\": [\"P\"]}]} | segments[0] | without a passage"
            })
    void namesMalformedLinesOrSkipsThem(String line, String field, String problem) throws Exception {
        Files.writeString(instances, "{\"prompt\": \"first\"}\n\n" + line + "\n{\"prompt\": \"last\"}\n");
        MalformedRecordException e =
                assertThrows(MalformedRecordException.class, () -> JsonlReader.read(instances, passages));
        assertEquals(instances.toString(), e.file());
        assertEquals("line 3", e.place());
        assertEquals(field.replace("'", ""), e.field());
        assertTrue(e.getMessage().contains(problem), e.getMessage());

        CoSupervisionData rest = JsonlReader.read(instances, passages, OnMalformed.SKIP);
        assertEquals(
                List.of("first", "last"),
                rest.instances().stream().map(Instance::prompt).toList());
        assertEquals(1, rest.skipped());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{\"id\": \"P\", \"text\": \"again\"} | id   | found \"P\" again",
                "{\"id\": \"R\", \"text\": \" \"}     | text | isn't blank",
                "{\"text\": \"R\"}                    | id   | found none"
            })
    void namesMalformedPassages(String line, String field, String problem) throws Exception {
        Files.writeString(passages, Files.readString(passages) + line + "\n");
        Files.writeString(instances, "{\"prompt\": \"first\"}\n");
        MalformedRecordException e =
                assertThrows(MalformedRecordException.class, () -> JsonlReader.read(instances, passages));
        assertEquals("line 4", e.place());
        assertEquals(field, e.field());
        assertTrue(e.getMessage().contains(problem), e.getMessage());
        assertEquals(1, JsonlReader.read(instances, passages, OnMalformed.SKIP).skipped());
    }

    @Test
    void bytesThatAreNotUtf8AreAMalformedLine() throws Exception {
        Files.write(instances, "{\"prompt\": \"ok\"}\n{\"prompt\": \"Grün\"}\n".getBytes(StandardCharsets.ISO_8859_1));
        MalformedRecordException e =
                assertThrows(MalformedRecordException.class, () -> JsonlReader.read(instances, passages));
        assertEquals("line 2", e.place());
        assertTrue(e.getMessage().contains("UTF-8"), e.getMessage());
        assertEquals(
                1,
                JsonlReader.read(instances, passages, OnMalformed.SKIP)
                        .instances()
                        .size());
    }

    @Test
    void truncatedGzipNamesTheFile() throws Exception {
        Files.write(instances, new byte[] {0x1f, (byte) 0x8b, 8, 0});
        String message = assertThrows(IOException.class, () -> JsonlReader.read(instances, passages))
                .getMessage();
        assertTrue(message.contains(instances + ": expected intact gzip data"), message);
    }
}
