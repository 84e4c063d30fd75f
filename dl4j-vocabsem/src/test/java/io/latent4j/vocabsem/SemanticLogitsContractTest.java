/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.latent4j.contracts.Contracts;
import io.latent4j.contracts.InDouble;
import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/** The contracts over every kind of network and every kind of semantic logits. */
@ExtendWith(InDouble.class)
class SemanticLogitsContractTest {
    private static final int CLASSES = 4;

    private enum Kind {
        DENSE(false, RNNFormat.NCW),
        RECURRENT(true, RNNFormat.NCW),
        RECURRENT_NWC(true, RNNFormat.NWC),
        GRAPH(true, RNNFormat.NCW);

        final boolean recurrent;
        final RNNFormat format;

        Kind(boolean recurrent, RNNFormat format) {
            this.recurrent = recurrent;
            this.format = format;
        }

        Model build(Settings settings, Head head) {
            Layer body = recurrent
                    ? new LSTM.Builder().nOut(5).dataFormat(format).build()
                    : new DenseLayer.Builder().nOut(5).build();
            InputType input = recurrent ? InputType.recurrent(3, 4, format) : InputType.feedForward(3);
            return this == GRAPH
                    ? Models.graph(settings, input, b -> b.addLayer("h", body, "in")
                            .addLayer("out", head.layer(recurrent), "h"))
                    : Models.chain(settings, input, body, head.layer(recurrent));
        }

        DataSet data(Head head, int examples, int steps, boolean masked) {
            Nd4j.getRandom().setSeed(17);
            Random random = new Random(18);
            int[] shape = recurrent ? new int[] {examples, 3, steps} : new int[] {examples, 3};
            INDArray features = Nd4j.randn(DataType.DOUBLE, shape[0], shape[1]);
            INDArray mask = null;
            if (recurrent) {
                features = Nd4j.randn(DataType.DOUBLE, examples, 3, steps);
            }
            int rows = recurrent ? examples * steps : examples;
            int[] ids = random.ints(rows, 0, CLASSES).toArray();
            INDArray sparse = Nd4j.createFromArray(ids);
            INDArray labels;
            if (head.loss instanceof LossSparseMCXENT) {
                labels = recurrent ? sparse.reshape(examples, 1, steps) : sparse.reshape(examples, 1);
            } else {
                labels = Nd4j.zeros(DataType.DOUBLE, rows, CLASSES);
                for (int i = 0; i < rows; i++) {
                    labels.putScalar(i, ids[i], 1);
                }
                if (recurrent) {
                    labels = labels.reshape(examples, steps, CLASSES)
                            .permute(0, 2, 1)
                            .dup('c');
                }
            }
            if (masked) {
                mask = Nd4j.ones(DataType.DOUBLE, examples, recurrent ? steps : 1);
                for (int i = examples / 2; i < examples; i++) {
                    mask.putScalar(i, recurrent ? steps - 1 : 0, 0);
                }
            }
            if (format == RNNFormat.NWC) {
                features = features.permute(0, 2, 1).dup('c');
                labels = labels.permute(0, 2, 1).dup('c');
            }
            return new DataSet(features, labels, recurrent ? mask : null, mask);
        }
    }

    private record Head(Similarity similarity, boolean trainableScale, boolean trainableBases, ILossFunction loss) {
        Layer layer(boolean recurrent) {
            SemanticBases bases = SemanticBases.fromEmbedding(Nd4j.create(VocabularyLogitsTest.random(CLASSES, 5, 3)));
            SemanticLogitsConfiguration.Builder<?> builder =
                    recurrent ? new RnnSemanticLogits.Builder() : new SemanticLogits.Builder();
            return builder.bases(bases)
                    .similarity(similarity)
                    .scale(1.3)
                    .trainableScale(trainableScale)
                    .trainableBases(trainableBases)
                    .lossFunction(loss)
                    .build();
        }
    }

    static List<Head> heads() {
        List<Head> heads = new ArrayList<>();
        for (Similarity similarity : Similarity.values()) {
            heads.add(new Head(similarity, false, false, new LossSparseMCXENT()));
            heads.add(new Head(similarity, true, true, new LossSparseMCXENT()));
            heads.add(new Head(similarity, true, similarity != Similarity.DOT, new LossMCXENT()));
        }
        return heads;
    }

    static Stream<Object[]> networksAndHeads() {
        return Stream.of(Kind.values()).flatMap(kind -> heads().stream().map(head -> new Object[] {kind, head}));
    }

    private static Set<String> frozen(Model model, Head head) {
        return model.paramTable().keySet().stream()
                .filter(key -> !head.trainableBases && (key.equals("1_W") || key.equals("out_W")))
                .collect(Collectors.toSet());
    }

    @ParameterizedTest
    @MethodSource("networksAndHeads")
    void gradientsAgreeWithFiniteDifferences(Kind kind, Head head) {
        for (boolean masked : new boolean[] {false, true}) {
            for (boolean miniBatch : new boolean[] {true, false}) {
                Model model = kind.build(Settings.gradientCheck(miniBatch), head);
                DataSet data = kind.data(head, 5, 3, masked);
                Contracts.gradientsAgree(
                        model, data, frozen(model, head), kind + " " + head + " " + masked + " " + miniBatch);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("networksAndHeads")
    void maskedEqualsTruncated(Kind kind, Head head) {
        assumeTrue(kind.recurrent && kind.format == RNNFormat.NCW, "needs time steps along the last dimension");
        Contracts.maskedEqualsTruncated(
                kind.build(Settings.gradientCheck(true), head), kind.data(head, 5, 6, false), 4);
    }

    @ParameterizedTest
    @MethodSource("networksAndHeads")
    void workspacesMakeNoDifference(Kind kind, Head head) {
        Contracts.workspacesMakeNoDifference(settings -> kind.build(settings, head), kind.data(head, 6, 4, true));
    }

    @ParameterizedTest
    @MethodSource("networksAndHeads")
    void nothingIsLostOnTheWayToDiskAndBack(Kind kind, Head head, @TempDir Path folder) throws IOException {
        Contracts.nothingIsLost(
                kind.build(Settings.training(new RmsProp(1e-2)), head), kind.data(head, 6, 4, true), folder);
    }

    @ParameterizedTest
    @MethodSource("networksAndHeads")
    void floatTrainingFollowsDoubleTraining(Kind kind, Head head) {
        Contracts.floatFollowsDouble(settings -> kind.build(settings, head), kind.data(head, 6, 4, true));
    }

    /** What sparse labels give, one-hot labels give, per example and in all. */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void sparseAndDenseLabelsAgree(Kind kind) {
        Settings settings = new Settings(DataType.DOUBLE, true, WorkspaceMode.NONE, new NoOp());
        for (Similarity similarity : Similarity.values()) {
            Head sparse = new Head(similarity, true, true, new LossSparseMCXENT());
            Head dense = new Head(similarity, true, true, new LossMCXENT());
            Model a = kind.build(settings, sparse);
            Model b = kind.build(settings, dense);
            DataSet sparseData = kind.data(sparse, 6, 4, true);
            DataSet denseData = kind.data(dense, 6, 4, true);
            assertTrue(Models.gradient(a, sparseData).equalsWithEps(Models.gradient(b, denseData), 1e-12));
            assertEquals(b.score(), a.score(), 1e-12);
            for (boolean training : new boolean[] {false, true}) {
                assertEquals(Models.score(b, denseData, training), Models.score(a, sparseData, training), 1e-12);
            }
            if (kind != Kind.GRAPH) {
                INDArray examples = Models.scoreExamples(a, sparseData, false);
                assertTrue(Models.scoreExamples(b, denseData, false).equalsWithEps(examples, 1e-12));
                assertEquals(
                        Models.score(a, sparseData, false),
                        examples.meanNumber().doubleValue(),
                        1e-12);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void frozenBasesStayAndCostNoUpdaterState(Kind kind) {
        Head frozen = new Head(Similarity.COSINE, false, false, new LossSparseMCXENT());
        Head trained = new Head(Similarity.COSINE, true, true, new LossSparseMCXENT());
        // Weight decay must not reach them either
        Model model = kind.build(Settings.training(new Adam(1e-2)), frozen);
        Model other = kind.build(Settings.training(new Adam(1e-2)), trained);
        String key = (kind == Kind.GRAPH ? "out" : "1") + "_W";
        INDArray bases = model.paramTable().get(key).dup();
        INDArray otherBases = other.paramTable().get(key).dup();
        for (int i = 0; i < 3; i++) {
            Models.fit(model, kind.data(frozen, 6, 4, false));
            Models.fit(other, kind.data(trained, 6, 4, false));
        }
        assertEquals(bases, model.paramTable().get(key));
        assertTrue(other.paramTable().get(key).distance2(otherBases) > 1e-3);
        long body = model.numParams() - bases.length();
        assertEquals(2 * body, Models.updaterState(model).length());
        assertEquals(2 * (body + bases.length() + 1), Models.updaterState(other).length());
        assertNull(((SemanticLogitsConfiguration) frozen.layer(kind.recurrent)).getRegularizationByParam("W"));
    }
}
