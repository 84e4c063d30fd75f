/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.latent4j.vocabsem.LabelWords;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.TokenVectors;
import io.latent4j.vocabsem.TokenVectors.Layout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Bases of a pretrained head: that of stories260K (512 tokens, 64 features, tied to its embedding, final RMSNorm). */
@Tag("data")
class PretrainedHeadTest {
    private static final Path DATA = Path.of(System.getProperty("latent4j.data", "../../shared/data"));

    /** Seven integers stand before the embedding. */
    private static final int EMBEDDING_OFFSET = 28;

    @TempDir
    Path folder;

    @Test
    void basesOfATiedHeadFromItsRawFloats() throws Exception {
        Path model = DATA.resolve("stories260K/stories260K.bin");
        assumeTrue(Files.isReadable(model), () -> "skipped: no " + model.toAbsolutePath() + "; set -Dlatent4j.data");
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(model)).order(ByteOrder.LITTLE_ENDIAN);
        int d = bytes.getInt(0);
        int vocabulary = bytes.getInt(20);
        assertEquals(64, d);
        assertEquals(512, vocabulary);
        float[] values = new float[vocabulary * d];
        bytes.position(EMBEDDING_OFFSET);
        bytes.asFloatBuffer().get(values);
        INDArray embedding = Nd4j.createFromArray(values).reshape('c', vocabulary, d);

        SemanticBases bases = SemanticBases.fromHeadRows(embedding);
        assertEquals(d, bases.computation().rank());
        SingularValueDecomposition svd = new SingularValueDecomposition(
                new Array2DRowRealMatrix(embedding.castTo(DataType.DOUBLE).toDoubleMatrix()));
        assertEquals(svd.getConditionNumber(), bases.computation().condition(), 0.05 * svd.getConditionNumber());
        RealMatrix inverse = svd.getSolver().getInverse().transpose();
        INDArray expected = Nd4j.create(inverse.getData());
        double error = bases.matrix().castTo(DataType.DOUBLE).distance2(expected)
                / expected.norm2Number().doubleValue();
        assertTrue(error < 1e-7, bases + ": " + error);

        // The same from a checkpoint file, as those of other models come
        String header =
                "{\"tok_emb\":{\"dtype\":\"F32\",\"shape\":[512,64],\"data_offsets\":[0," + 4 * values.length + "]}}";
        ByteBuffer safetensors =
                ByteBuffer.allocate(8 + header.length() + 4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        safetensors
                .putLong(header.length())
                .put(header.getBytes(UTF_8))
                .put(bytes.array(), EMBEDDING_OFFSET, 4 * values.length);
        Path checkpoint = Files.write(folder.resolve("model.safetensors"), safetensors.array());
        LabelWords labels = LabelWords.builder().label("a", 261).label("b", 400).build();
        SemanticBases classes = SemanticBases.head(TokenVectors.safetensors(checkpoint, "tok_emb", Layout.ROWS))
                .labels(labels)
                .build();
        assertEquals(bases.fingerprint(), classes.fingerprint());
        assertTrue(classes.matrix().equalsWithEps(bases.forLabels(labels).matrix(), 1e-6));

        // Bases times head is the orthogonal projector that Moore and Penrose ask for: symmetric, idempotent, of rank d
        INDArray projector = bases.matrix().mmul(embedding.transpose()).castTo(DataType.DOUBLE);
        assertEquals(0, projector.distance2(projector.transpose()), 1e-4);
        assertEquals(0, projector.distance2(projector.mmul(projector)), 1e-4);
        assertEquals(
                d,
                projector.norm2Number().doubleValue() * projector.norm2Number().doubleValue(),
                1e-3);
    }
}
