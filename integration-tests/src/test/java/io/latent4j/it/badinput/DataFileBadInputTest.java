/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import io.latent4j.cosup.data.BytePairTokenizer;
import io.latent4j.cosup.data.CoSupervisionData;
import io.latent4j.cosup.data.JsonlReader;
import io.latent4j.cosup.data.OnMalformed;
import io.latent4j.cosup.data.SquadReader;
import io.latent4j.cosup.data.TextTokenizer;
import io.latent4j.cosup.data.WordPieceTokenizer;
import io.latent4j.it.lm.LlamaTokenizer;
import io.latent4j.it.lm.Words;
import io.latent4j.it.quickstart.corpus.LabelledFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Assertions;

/** Files of data and vocabularies: damaged bytes, wrong types and missing fields in JSON, and bytes of no format at all. */
class DataFileBadInputTest {
    private static final Path FOLDER = Sweep.folder();
    private static final String TEXT = "A café in Oslo, [MASK] 12!";

    private static final String SQUAD = """
            {"version": "1.1", "data": [{"title": "Oslo", "paragraphs": [
             {"context": "Oslo is the capital of Norway.", "qas": [
              {"id": "q1", "question": "What is the capital?", "answers": [{"text": "Oslo", "answer_start": 0}]},
              {"id": "q2", "question": "Of what?", "answers": [{"text": "Norway"}, {"text": "Norway"}]}]},
             {"context": "A café.", "qas": []}]}]}
            """;
    private static final String PASSAGES = """
            {"id": "a", "text": "Oslo is the capital of Norway."}

            {"id": "b", "text": "A café."}
            """;
    private static final String INSTANCES = """
            {"prompt": "Where?", "segments": [{"text": "In Oslo.", "passageId": "a", "hardNegatives": ["b"]}], "answer": "x"}
            {"prompt": "Nothing?", "answer": "No."}
            """;
    private static final String BYTE_PAIRS = """
            {"version": "1.0", "truncation": null, "padding": null, "normalizer": null,
             "added_tokens": [{"id": 8, "content": "<end>", "single_word": false, "lstrip": false, "rstrip": false,
                               "normalized": false, "special": true}],
             "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
             "post_processor": null,
             "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
             "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                       "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                       "vocab": {"O": 0, "s": 1, "l": 2, "o": 3, "Os": 4, "lo": 5, "Oslo": 6, "i": 7},
                       "merges": ["O s", "l o", "Os lo"]}}
            """;

    private interface Reader {
        void read(Path file) throws Exception;
    }

    @Provide
    Arbitrary<List<Damage>> damage() {
        return Damage.some();
    }

    @Provide
    Arbitrary<JsonDamage> fields() {
        return JsonDamage.any();
    }

    @Provide
    Arbitrary<byte[]> garbage() {
        return Arbitraries.bytes().array(byte[].class).ofMaxSize(200);
    }

    private static void attempt(String kind, String name, byte[] content, Reader reader) throws IOException {
        Path file = Sweep.replace(FOLDER.resolve(name), content);
        Sweep.attempt(kind, () -> reader.read(file));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] gzip(String text) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(utf8(text));
        }
        return bytes.toByteArray();
    }

    // ---- questions and passages
    // --------------------------------------------------------------------------------------

    private static void squad(Path file) throws IOException {
        SquadReader.read(file, OnMalformed.SKIP).toData();
        SquadReader.read(file).toData();
    }

    private static void passages(Path file) throws IOException {
        Path instances = Sweep.replace(FOLDER.resolve("instances"), utf8(INSTANCES));
        JsonlReader.read(instances, file, OnMalformed.SKIP);
        JsonlReader.read(instances, file);
    }

    private static void instances(Path file) throws IOException {
        Path passages = Sweep.replace(FOLDER.resolve("passages"), utf8(PASSAGES));
        CoSupervisionData skipping = JsonlReader.read(file, passages, OnMalformed.SKIP);
        Assertions.assertNotNull(skipping);
        JsonlReader.read(file, passages);
    }

    @Property(seed = "20")
    void squadBytes(@ForAll("damage") List<Damage> damage, @ForAll boolean zipped) throws IOException {
        byte[] intact = zipped ? gzip(SQUAD) : utf8(SQUAD);
        attempt("SQuAD: bytes", "squad", Damage.apply(damage, intact), DataFileBadInputTest::squad);
    }

    @Property(seed = "21")
    void squadFields(@ForAll("fields") JsonDamage damage) throws IOException {
        attempt("SQuAD: fields", "squad", utf8(damage.apply(SQUAD, false)), DataFileBadInputTest::squad);
    }

    @Property(seed = "22")
    void jsonLinesBytes(@ForAll("damage") List<Damage> damage, @ForAll boolean zipped, @ForAll boolean ofPassages)
            throws IOException {
        String text = ofPassages ? PASSAGES : INSTANCES;
        byte[] intact = zipped ? gzip(text) : utf8(text);
        attempt(
                "JSON lines: bytes",
                "lines",
                Damage.apply(damage, intact),
                ofPassages ? DataFileBadInputTest::passages : DataFileBadInputTest::instances);
    }

    @Property(seed = "23")
    void jsonLinesFields(@ForAll("fields") JsonDamage damage, @ForAll boolean ofPassages) throws IOException {
        String first = (ofPassages ? PASSAGES : INSTANCES).lines().findFirst().orElseThrow();
        attempt(
                "JSON lines: fields",
                "lines",
                utf8(damage.apply(first, false).replaceAll("\\s*\\n\\s*", " ")),
                ofPassages ? DataFileBadInputTest::passages : DataFileBadInputTest::instances);
    }

    // ---- vocabularies
    // ------------------------------------------------------------------------------------------------

    private static void use(TextTokenizer tokenizer) {
        for (int id : tokenizer.encode(TEXT)) {
            Assertions.assertTrue(id >= 0 && id < tokenizer.vocabularySize(), "id " + id);
        }
        Assertions.assertNotNull(tokenizer.decode(tokenizer.encode(TEXT)));
    }

    private static void bytePairs(Path file) throws IOException {
        try (BytePairTokenizer tokenizer = BytePairTokenizer.read(file)) {
            use(tokenizer);
        }
    }

    @Property(seed = "24")
    void bytePairs(@ForAll("damage") List<Damage> damage) throws IOException {
        attempt("tokenizer.json", "pairs", Damage.apply(damage, utf8(BYTE_PAIRS)), DataFileBadInputTest::bytePairs);
    }

    @Property(seed = "25")
    void bytePairFields(@ForAll("fields") JsonDamage damage) throws IOException {
        attempt("tokenizer.json", "pairs", utf8(damage.apply(BYTE_PAIRS, false)), DataFileBadInputTest::bytePairs);
    }

    @Property(seed = "26")
    void wordPieces(@ForAll("damage") List<Damage> damage) throws IOException {
        byte[] intact = utf8("[PAD]\n[UNK]\na\ncafe\nos\n##lo\n,\n1\n##2\n!\n[\n]\nmask\n");
        attempt(
                "vocabulary of word pieces",
                "pieces",
                Damage.apply(damage, intact),
                file -> use(WordPieceTokenizer.read(file, true)));
    }

    @Property(seed = "27")
    void llamaTokenizer(@ForAll("damage") List<Damage> damage) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 14).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(8);
        int vocabulary = 270;
        for (int id = 0; id < vocabulary; id++) {
            byte[] piece = utf8(id < 262 ? "p" + id : "Oslo".substring(0, 1 + id % 4));
            bytes.putFloat(-id).putInt(piece.length).put(piece);
        }
        byte[] intact = new byte[bytes.flip().remaining()];
        bytes.get(intact);
        attempt("llama2.c tokenizer", "llama.tokens", Damage.apply(damage, intact), file -> {
            LlamaTokenizer tokenizer = LlamaTokenizer.read(file, vocabulary);
            Assertions.assertNotNull(tokenizer.decode(tokenizer.encode(TEXT)));
        });
    }

    @Property(seed = "28")
    void words(@ForAll("damage") List<Damage> damage) throws IOException {
        attempt(
                "vocabulary of words",
                "words",
                Damage.apply(damage, utf8("<pad>\n<unk>\n<s>\na\ncafé\n")),
                file -> Words.read(file).encode(TEXT));
    }

    // ---- labels
    // ------------------------------------------------------------------------------------------------------

    @Property(seed = "29")
    void labels(@ForAll("damage") List<Damage> damage, @ForAll boolean csv) throws IOException {
        String text = csv ? "label,text\ngood,\"fine, \"\"this\"\"\"\nbad,café\n" : "good\tfine\nbad\tcafé\n";
        attempt(
                "labelled texts",
                csv ? "labels.csv" : "labels.tsv",
                Damage.apply(damage, utf8(text)),
                LabelledFile::rows);
    }

    // ---- anything
    // ----------------------------------------------------------------------------------------------------

    @Property(seed = "30")
    void garbage(@ForAll("garbage") byte[] bytes) throws IOException {
        String kind = "bytes of no format";
        attempt(kind, "garbage", bytes, DataFileBadInputTest::squad);
        attempt(kind, "garbage", bytes, DataFileBadInputTest::passages);
        attempt(kind, "garbage", bytes, DataFileBadInputTest::instances);
        attempt(kind, "garbage", bytes, DataFileBadInputTest::bytePairs);
        attempt(kind, "garbage", bytes, file -> use(WordPieceTokenizer.read(file, false)));
        attempt(kind, "garbage", bytes, file -> LlamaTokenizer.read(file, 300));
        attempt(kind, "garbage", bytes, file -> Words.read(file).encode(TEXT));
        attempt(kind, "garbage.csv", bytes, LabelledFile::rows);
        attempt(kind, "garbage.tsv", bytes, LabelledFile::rows);
    }
}
