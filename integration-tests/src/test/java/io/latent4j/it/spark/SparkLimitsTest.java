/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.InDouble;
import io.latent4j.contracts.Settings;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.RDDTrainingApproach;
import org.deeplearning4j.spark.api.TrainingHook;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingMaster;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.schedule.MapSchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/** What users of DL4J on Spark should know, as it is in its last release. */
@Tag("spark")
@ExtendWith(InDouble.class)
class SparkLimitsTest {
    private static JavaSparkContext spark;

    @BeforeAll
    static void start() {
        spark = Sparks.local(2, Sparks.Serializer.JAVA);
    }

    @AfterAll
    static void stop() {
        if (spark != null) {
            spark.close();
        }
    }

    private static List<List<MultiDataSet>> steps(Component component) {
        return List.of(
                List.of(component.minibatch(1), component.minibatch(2)),
                List.of(component.minibatch(3), component.minibatch(4)));
    }

    /** The default way: data written to files, which workers read. */
    @Test
    void trainsFromExportedData(@TempDir Path folder) {
        Component component = Component.NEURAL_CLUSTERING;
        Model network = component.network(Settings.training(new Sgd(0.1)));
        ParameterAveragingTrainingMaster master = Averaging.everyStep(2)
                .rddTrainingApproach(RDDTrainingApproach.Export)
                .exportDirectory(folder.toUri().toString())
                .build();
        double distance = Averaging.onSpark(spark, network, master, steps(component))
                .params()
                .distance2(Averaging.onOneMachine(network, steps(component)).params());
        assertTrue(distance < 1e-12, () -> "parameters differ by " + distance);
    }

    /** A chain's schedules follow the iterations of the driver; a graph's begin at 0 with each averaging. */
    @Test
    void schedulesStandStillInGraphs() {
        MapSchedule decay = new MapSchedule.Builder(ScheduleType.ITERATION)
                .add(0, 0.2)
                .add(1, 0.02)
                .build();
        Model chain = Component.COSREG_LAYER.network(Settings.training(new Sgd(decay)));
        List<List<MultiDataSet>> steps = steps(Component.COSREG_LAYER);
        double distance = Averaging.onSpark(spark, chain, Averaging.everyStep(2).build(), steps)
                .params()
                .distance2(Averaging.onOneMachine(chain, steps).params());
        assertTrue(distance < 1e-12, () -> "parameters differ by " + distance);

        Model graph = Component.ISTAR_VERTEX.network(Settings.training(new Sgd(decay)));
        Model constant = Component.ISTAR_VERTEX.network(Settings.training(new Sgd(0.2)));
        steps = steps(Component.ISTAR_VERTEX);
        double difference = Averaging.onSpark(
                        spark, graph, Averaging.everyStep(2).build(), steps)
                .params()
                .distance2(Averaging.onOneMachine(constant, steps).params());
        assertTrue(difference < 1e-12, () -> "parameters differ by " + difference);
    }

    /**
     * Minibatches over a multiple of workers · averagingFrequency are not trained on in that epoch; even more of them where
     * partitions hold fewer minibatches than an epoch has rounds, since then rounds are filled unevenly.
     */
    @Test
    void leavesOutWhatDoesNotFillARound() {
        assertEquals(4, updates(1));
        assertEquals(2, updates(5));
    }

    /** Steps of two workers on five minibatches. */
    private static int updates(int partitions) {
        Component component = Component.COSREG_LAYER;
        List<DataSet> epoch = IntStream.range(0, 5)
                .mapToObj(i -> Averaging.single(component.minibatch(i)))
                .toList();
        Counter.UPDATES.set(0);
        new SparkDl4jMultiLayer(
                        spark,
                        (MultiLayerNetwork) component.network(Settings.training(new Sgd(0.1))),
                        Averaging.everyStep(2)
                                .trainingHooks(List.of(new Counter()))
                                .build())
                .fit(spark.parallelize(epoch, partitions));
        return Counter.UPDATES.get();
    }

    /**
     * Passages belong to the minibatch as a whole, but workers cut or merge minibatches to batchSizePerWorker texts. Cut
     * ones fail here since there are fewer passages than texts; merged ones would point at wrong passages.
     */
    @Test
    void coSupervisedMinibatchesMustHaveTheWorkersSize() {
        Component component = Component.COSUPERVISION;
        Model network = component.network(Settings.training(new Sgd(0.1)));
        ParameterAveragingTrainingMaster cutting = new ParameterAveragingTrainingMaster.Builder(2, 2)
                .batchSizePerWorker(2)
                .averagingFrequency(1)
                .rddTrainingApproach(RDDTrainingApproach.Direct)
                .build();
        Exception e = assertThrows(Exception.class, () -> Averaging.onSpark(spark, network, cutting, steps(component)));
        assertTrue(String.valueOf(e.getMessage()).contains("Indices are out of range"), e::toString);
    }

    /** Counts the steps of all workers, which are threads of this JVM. */
    private static final class Counter implements TrainingHook {
        private static final long serialVersionUID = 1L;
        private static final AtomicInteger UPDATES = new AtomicInteger();

        @Override
        public void preUpdate(org.nd4j.linalg.dataset.api.DataSet minibatch, Model model) {}

        @Override
        public void postUpdate(org.nd4j.linalg.dataset.api.DataSet minibatch, Model model) {
            UPDATES.incrementAndGet();
        }

        @Override
        public void preUpdate(MultiDataSet minibatch, Model model) {}

        @Override
        public void postUpdate(MultiDataSet minibatch, Model model) {
            UPDATES.incrementAndGet();
        }
    }
}
