/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.InDouble;
import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.istar.IStar;
import io.latent4j.istar.IStarLayer;
import io.latent4j.istar.IStarVertex;
import io.latent4j.istar.ShrinkageCovariance;
import io.latent4j.istar.analysis.IsotropyReport;
import io.latent4j.istar.analysis.IsotropyReport.Dimension;
import io.latent4j.istar.analysis.IsotropyReport.LayerIsotropy;
import io.latent4j.istar.analysis.IsotropyReport.Options;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.SingletonDataSetIterator;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;

/** What SparkIsotropy measures over an RDD is what one machine measures. */
@Tag("spark")
@ExtendWith(InDouble.class)
@ParameterizedClass
@EnumSource
class SparkIsotropyTest extends OnLocalSpark {
    private static final int WIDTH = 6;
    private static final int STEPS = 5;

    SparkIsotropyTest(Sparks.Serializer serializer) {
        super(serializer);
    }

    /** Recurrent data of some minibatches of different size, with masks. */
    private static List<MultiDataSet> minibatches() {
        Nd4j.getRandom().setSeed(11);
        return IntStream.range(0, 9)
                .<MultiDataSet>mapToObj(i -> {
                    int examples = 3 + i % 4;
                    INDArray mask = Nd4j.ones(DataType.DOUBLE, examples, STEPS);
                    mask.putScalar(0, STEPS - 1, 0);
                    return new org.nd4j.linalg.dataset.MultiDataSet(
                            new INDArray[] {Nd4j.randn(DataType.DOUBLE, examples, 3, STEPS)},
                            new INDArray[] {Nd4j.zeros(DataType.DOUBLE, examples, 2, STEPS)},
                            new INDArray[] {mask},
                            new INDArray[] {mask});
                })
                .toList();
    }

    private static MultiLayerNetwork chain() {
        return Models.chain(
                Settings.training(new Sgd(0.1)),
                InputType.recurrent(3),
                lstm(),
                new IStarLayer.Builder().lambda(1).zeta(0.3).build(),
                lstm(),
                output());
    }

    private static ComputationGraph graph() {
        return Models.graph(Settings.training(new Sgd(0.1)), InputType.recurrent(3), graph -> graph.addLayer(
                        "first", lstm(), "in")
                .addLayer("second", lstm(), "first")
                .addVertex(
                        "istar", new IStarVertex.Builder().lambda(1).zeta(0.3).build(), "first", "second")
                .addLayer("out", output(), "istar"));
    }

    private static LSTM lstm() {
        return new LSTM.Builder().nOut(WIDTH).build();
    }

    private static RnnOutputLayer output() {
        return new RnnOutputLayer.Builder()
                .nOut(2)
                .activation(Activation.SOFTMAX)
                .build();
    }

    @Test
    void covarianceOfAnRdd() {
        INDArray points = Nd4j.randn(DataType.DOUBLE, 500, WIDTH).addi(1000);
        List<INDArray> blocks = IntStream.range(0, 20)
                .mapToObj(i -> points.get(NDArrayIndex.interval(25 * i, 25 * i + 25), NDArrayIndex.all())
                        .dup())
                .toList();
        ShrinkageCovariance found = SparkIsotropy.covariance(spark.parallelize(blocks, 25)); // 5 of them empty
        ShrinkageCovariance expected = new ShrinkageCovariance(WIDTH).add(points);
        assertEquals(500, found.count());
        // Means of 1000 to 16 digits
        assertTrue(found.mean().equalsWithEps(expected.mean(), 1e-11));
        assertTrue(found.covariance().equalsWithEps(expected.covariance(), 1e-11));
        JavaRDD<INDArray> none = spark.emptyRDD();
        assertThrows(IllegalArgumentException.class, () -> SparkIsotropy.covariance(none));
    }

    @Test
    void shrinkageIsThatOfOneMachine() {
        for (Model network : List.of(chain(), graph())) {
            Model expected = Models.copy(network);
            IStar.updateShrinkage(expected, new SingletonMultiDataSetIterator(merged()), Long.MAX_VALUE, 1);
            SparkIsotropy.updateShrinkage(network, spark.parallelize(minibatches(), 4));
            assertTrue(network.params().equalsWithEps(expected.params(), 1e-13));
            Models.fit(network, minibatches().get(0)); // which zeta > 0 without Σ_S would refuse
        }
    }

    @Test
    void reportIsThatOfOneMachine() {
        Options all = Options.builder().maxPoints(1000).build();
        Options sampled = Options.builder().maxPoints(50).seed(3).build();
        for (Model network : List.of(chain(), graph())) {
            JavaRDD<MultiDataSet> data = spark.parallelize(minibatches(), 4);
            IsotropyReport found = SparkIsotropy.report(network, data, all);
            IsotropyReport expected = onOneMachine(network, all);
            assertSimilar(expected, found);
            // All points are in the sample; in which order TwoNN does not matter
            assertEquals(
                    expected.layers().get(1).intrinsicDimension(),
                    found.layers().get(1).intrinsicDimension(),
                    1e-9);
            IsotropyReport some = SparkIsotropy.report(network, data, sampled);
            assertSimilar(expected, some);
            assertEquals(
                    some.layers().get(0).meanCosine(),
                    SparkIsotropy.report(network, data, sampled).layers().get(0).meanCosine(),
                    0,
                    "the same sample, whichever partition comes first");
        }
    }

    private static IsotropyReport onOneMachine(Model network, Options options) {
        return network instanceof ComputationGraph graph
                ? IsotropyReport.of(graph, new SingletonMultiDataSetIterator(merged()), options)
                : IsotropyReport.of(
                        (MultiLayerNetwork) network, new SingletonDataSetIterator(single(merged())), options);
    }

    private static MultiDataSet merged() {
        return org.nd4j.linalg.dataset.MultiDataSet.merge(minibatches());
    }

    private static DataSet single(MultiDataSet all) {
        return new DataSet(
                all.getFeatures(0), all.getLabels(0), all.getFeaturesMaskArray(0), all.getLabelsMaskArray(0));
    }

    /** What is taken over all points. */
    private static void assertSimilar(IsotropyReport expected, IsotropyReport found) {
        assertEquals(
                expected.layers().stream().map(LayerIsotropy::name).toList(),
                found.layers().stream().map(LayerIsotropy::name).toList());
        assertEquals(1, found.unions().size());
        List<LayerIsotropy> wanted =
                List.of(expected.layers().get(0), expected.unions().get(0));
        List<LayerIsotropy> got = List.of(found.layers().get(0), found.unions().get(0));
        for (int i = 0; i < 2; i++) {
            assertEquals(wanted.get(i).points(), got.get(i).points());
            assertEquals(wanted.get(i).isoScoreStar(), got.get(i).isoScoreStar(), 1e-12);
            assertEquals(wanted.get(i).effectiveRank(), got.get(i).effectiveRank(), 1e-11);
            for (int j = 0; j < WIDTH; j++) {
                Dimension one = wanted.get(i).dimensions().get(j);
                Dimension two = got.get(i).dimensions().get(j);
                assertEquals(one.mean(), two.mean(), 1e-13);
                assertEquals(one.standardDeviation(), two.standardDeviation(), 1e-13);
                assertEquals(one.isOutlier(), two.isOutlier());
            }
        }
    }
}
