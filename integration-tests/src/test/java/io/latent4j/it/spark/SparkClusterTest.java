/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.InDouble;
import io.latent4j.contracts.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.deeplearning4j.nn.api.Model;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.RmsProp;

/** Training on a real cluster: a master and two workers, each a JVM of its own. */
@Tag("spark")
@ExtendWith(InDouble.class)
class SparkClusterTest {
    @TempDir
    Path folder;

    @Test
    @Timeout(value = 5, unit = TimeUnit.MINUTES)
    void trainsAsOneMachineDoesAlsoWhenAWorkerIsKilled() throws Exception {
        Sparks.assumeRuns();
        try (StandaloneCluster cluster = new StandaloneCluster(folder, 2)) {
            SparkConf conf = cluster.conf()
                    .set("spark.scheduler.minRegisteredResourcesRatio", "1")
                    .set("spark.locality.wait", "0s");
            for (String variable : List.of("OPENBLAS_CORETYPE", "OMP_NUM_THREADS")) {
                if (System.getenv(variable) != null) {
                    conf.set("spark.executorEnv." + variable, System.getenv(variable));
                }
            }
            try (JavaSparkContext spark = Sparks.context(conf, Sparks.Serializer.JAVA)) {
                trainsAsOneMachineDoes(spark, Component.COSUPERVISION);
                assertEquals(1, cluster.executors(0).size());
                assertEquals(1, cluster.executors(1).size());

                Killer killer = new Killer(cluster);
                spark.sc().addSparkListener(killer);
                trainsAsOneMachineDoes(spark, Component.ISTAR_LAYER);
                StandaloneCluster.await(Duration.ofSeconds(60), "the driver has lost a worker", killer::done);
            }
        }
    }

    private static void trainsAsOneMachineDoes(JavaSparkContext spark, Component component) {
        Model network = component.network(Settings.training(new RmsProp(1e-2)));
        List<List<MultiDataSet>> steps = List.of(
                List.of(component.minibatch(1), component.minibatch(2)),
                List.of(component.minibatch(3), component.minibatch(4)),
                List.of(component.minibatch(5), component.minibatch(6)));
        Model found = Averaging.onSpark(spark, network, Averaging.everyStep(2).build(), steps);
        double distance =
                found.params().distance2(Averaging.onOneMachine(network, steps).params());
        // Other JVMs on the same processor: the same arithmetic
        assertTrue(distance < 1e-12, () -> "parameters differ by " + distance);
    }

    /** Kills a worker with its executor when the tenth task starts, in the middle of training. */
    private static final class Killer extends SparkListener {
        private final StandaloneCluster cluster;
        private final AtomicInteger tasks = new AtomicInteger();
        private final AtomicInteger removed = new AtomicInteger();

        Killer(StandaloneCluster cluster) {
            this.cluster = cluster;
        }

        @Override
        public void onTaskStart(SparkListenerTaskStart start) {
            if (tasks.incrementAndGet() == 10) {
                cluster.kill(0);
            }
        }

        @Override
        public void onExecutorRemoved(SparkListenerExecutorRemoved executor) {
            removed.incrementAndGet();
        }

        boolean done() {
            return removed.get() > 0;
        }
    }
}
