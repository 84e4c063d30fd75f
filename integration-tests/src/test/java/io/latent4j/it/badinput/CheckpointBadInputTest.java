/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.Hit;
import io.latent4j.cosup.retrieval.LuceneSequenceIndex;
import io.latent4j.it.lm.LlamaCheckpoint;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.TokenVectors;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Files of our formats and of those that we read, truncated and altered. */
class CheckpointBadInputTest {
    private static final Path FOLDER = Sweep.folder();

    private interface Content {
        void write(Path file) throws IOException;
    }

    /** An intact file's content, made when it is first asked for. */
    private static final Map<String, byte[]> INTACT = new HashMap<>();

    private static byte[] intact(String name, Content content) throws IOException {
        byte[] known = INTACT.get(name);
        if (known == null) {
            Path file = FOLDER.resolve("intact." + name);
            content.write(file);
            known = Files.readAllBytes(file);
            INTACT.put(name, known);
        }
        return known;
    }

    @Provide
    Arbitrary<List<Damage>> damage() {
        return Damage.some();
    }

    @Provide
    Arbitrary<Networks> networks() {
        return Arbitraries.of(Networks.class);
    }

    // ---- ours, with a checksum: intact or refused
    // --------------------------------------------------------------------

    @Property(seed = "1")
    void semanticBases(@ForAll("damage") List<Damage> damage) throws IOException {
        byte[] intact =
                intact("bases", file -> SemanticBases.fromHead(random(4, 7)).save(file));
        byte[] damaged = Damage.apply(damage, intact);
        Path file = Sweep.replace(FOLDER.resolve("bases"), damaged);
        Sweep.attempt("file of SemanticBases", () -> {
            Finite.require("bases", SemanticBases.load(file).matrix());
            requireUnchanged(intact, damaged);
        });
    }

    @Property(seed = "2")
    void exactIndex(@ForAll("damage") List<Damage> damage) throws IOException {
        byte[] intact = intact("index", file -> {
            try (ExactSequenceIndex index = new ExactSequenceIndex(4)) {
                index.add(ids(9), random(9, 4));
                index.save(file);
            }
        });
        byte[] damaged = Damage.apply(damage, intact);
        Path file = Sweep.replace(FOLDER.resolve("index"), damaged);
        Sweep.attempt("file of ExactSequenceIndex", () -> {
            try (ExactSequenceIndex index = ExactSequenceIndex.load(file)) {
                Finite.require("hits", index.search(random(2, 4), 3));
            }
            requireUnchanged(intact, damaged);
        });
    }

    private static void requireUnchanged(byte[] intact, byte[] accepted) {
        if (!Arrays.equals(intact, accepted)) {
            throw new AssertionError("an altered file with a checksum was accepted");
        }
    }

    @Property(seed = "3")
    void luceneIndex(@ForAll("damage") List<Damage> damage, @ForAll double which) throws IOException {
        Path intact = FOLDER.resolve("lucene");
        if (!Files.exists(intact)) {
            try (LuceneSequenceIndex index =
                    LuceneSequenceIndex.open(intact, new LuceneSequenceIndex.Builder().dimension(4))) {
                index.add(ids(40), random(40, 4));
                index.commit();
            }
        }
        Path copy = FOLDER.resolve("lucene.damaged");
        Files.createDirectories(copy);
        for (Path old : files(copy)) {
            Files.delete(old);
        }
        List<Path> files = files(intact);
        Path chosen = files.get(Math.floorMod(Double.hashCode(which), files.size()));
        for (Path file : files) {
            byte[] content = Files.readAllBytes(file);
            Files.write(
                    copy.resolve(file.getFileName()), file.equals(chosen) ? Damage.apply(damage, content) : content);
        }
        Sweep.attempt("folder of LuceneSequenceIndex", () -> {
            try (LuceneSequenceIndex index =
                    LuceneSequenceIndex.open(copy, new LuceneSequenceIndex.Builder().readOnly(true))) {
                List<List<Hit>> hits = index.search(random(2, 4), 3);
                Finite.require("hits", hits);
            }
        });
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> !file.getFileName().toString().equals("write.lock"))
                    .sorted()
                    .toList();
        }
    }

    // ---- others'
    // -----------------------------------------------------------------------------------------------------

    @Property(seed = "4")
    void npy(@ForAll("damage") List<Damage> damage) throws IOException {
        byte[] intact = intact("npy", file -> {
            byte[] header =
                    "{'descr': '<f4', 'fortran_order': False, 'shape': (7, 4), }".getBytes(StandardCharsets.UTF_8);
            ByteBuffer bytes = ByteBuffer.allocate(10 + header.length + 7 * 4 * Float.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN);
            bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
            bytes.putShort((short) header.length).put(header);
            putFloats(bytes, 7 * 4);
            Files.write(file, bytes.array());
        });
        Path file = Sweep.replace(FOLDER.resolve("npy"), Damage.apply(damage, intact));
        Sweep.attempt("NumPy file of TokenVectors", () -> use(TokenVectors.npy(file, TokenVectors.Layout.ROWS)));
    }

    @Property(seed = "5")
    void safetensors(@ForAll("damage") List<Damage> damage) throws IOException {
        byte[] intact = intact("safetensors", file -> {
            byte[] header =
                    ("{\"__metadata__\":{\"format\":\"pt\"},\"lm_head.weight\":{\"dtype\":\"F32\",\"shape\":[7,4],"
                                    + "\"data_offsets\":[0,112]}}")
                            .getBytes(StandardCharsets.UTF_8);
            ByteBuffer bytes =
                    ByteBuffer.allocate(8 + header.length + 7 * 4 * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            bytes.putLong(header.length).put(header);
            putFloats(bytes, 7 * 4);
            Files.write(file, bytes.array());
        });
        Path file = Sweep.replace(FOLDER.resolve("safetensors"), Damage.apply(damage, intact));
        Sweep.attempt(
                "safetensors file of TokenVectors",
                () -> use(TokenVectors.safetensors(file, "lm_head.weight", TokenVectors.Layout.ROWS)));
    }

    private static void use(TokenVectors vectors) throws ReflectiveOperationException {
        SemanticBases bases = SemanticBases.head(vectors).build();
        Finite.require("bases", bases.matrix());
        Finite.require("computation", bases.computation());
    }

    @Property(seed = "6")
    void llama(@ForAll("damage") List<Damage> damage) throws IOException {
        byte[] intact = intact("llama", file -> {
            // width 4, hidden 3, 2 layers, 2 heads, 1 key-value head, 5 tokens, 6 positions
            int[] sizes = {4, 3, 2, 2, 1, -5, 6};
            int floats = 5 * 4 + 2 * (4 + 4 * 4 + 2 * 2 * 4 + 4 * 4 + 4 + 3 * 3 * 4) + 4 + 6 * 2 + 5 * 4;
            ByteBuffer bytes =
                    ByteBuffer.allocate((sizes.length + floats) * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            Arrays.stream(sizes).forEach(bytes::putInt);
            putFloats(bytes, floats);
            Files.write(file, bytes.array());
        });
        Path file = Sweep.replace(FOLDER.resolve("llama"), Damage.apply(damage, intact));
        Sweep.attempt("llama2.c checkpoint", () -> {
            for (INDArray tensor : LlamaCheckpoint.read(file).tensors().values()) {
                Finite.require("tensor", tensor);
            }
        });
    }

    private static void putFloats(ByteBuffer bytes, int count) {
        Random random = new Random(5);
        for (int i = 0; i < count; i++) {
            bytes.putFloat((float) random.nextGaussian());
        }
    }

    // ---- DL4J's
    // ------------------------------------------------------------------------------------------------------

    @Property(seed = "7")
    void modelSerializer(@ForAll("networks") Networks kind, @ForAll("damage") List<Damage> damage) throws IOException {
        byte[] intact = intact("network." + kind, file -> {
            Model model = kind.read(kind.json());
            model.init();
            try {
                Networks.step(model, kind.batch());
            } catch (ReflectiveOperationException e) {
                throw new UncheckedIOException(new IOException(e));
            }
            ModelSerializer.writeModel(model, file.toFile(), true);
        });
        File file = Sweep.replace(FOLDER.resolve("network"), Damage.apply(damage, intact))
                .toFile();
        Sweep.attemptOfDl4j("zip of ModelSerializer", () -> {
            Model model = kind.isGraph() ? ComputationGraph.load(file, true) : MultiLayerNetwork.load(file, true);
            Networks.step(model, kind.batch());
        });
    }

    private static List<String> ids(int count) {
        return IntStream.range(0, count).mapToObj(i -> "passage " + i).toList();
    }

    private static INDArray random(int rows, int columns) {
        Random random = new Random(9);
        return Nd4j.createFromArray(random.doubles((long) rows * columns, -1, 1).toArray())
                .castTo(DataType.FLOAT)
                .reshape(rows, columns);
    }
}
