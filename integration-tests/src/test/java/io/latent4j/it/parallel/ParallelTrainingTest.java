/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.parallel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.cosup.CoSupervision;
import io.latent4j.it.Minibatches;
import io.latent4j.it.SmallNetworks;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.parallelism.ParallelWrapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * DL4J's ParallelWrapper with two workers that are averaged. What it does with any network, DL4J's own layers included:
 *
 * <ul>
 *   <li>The second worker copies the network when its thread gets there, at times after the first has made its first step.
 *       {@link Start} makes them start together, so that there is one right result.
 *   <li>A MultiLayerNetwork has a new updater afterwards, without momentum; the one it had before holds the averaged state.
 *   <li>Its other mode, SHARED_GRADIENTS, deadlocks now and then and is not tested.
 * </ul>
 */
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ParallelTrainingTest {
    private static final int ROUNDS = 4;

    private static Model network(SmallNetworks kind, IUpdater updater) {
        return kind.build(Settings.training(updater));
    }

    /** No worker makes a step before both are there. */
    private static final class Start extends BaseTrainingListener {
        private final CyclicBarrier workers = new CyclicBarrier(2);

        @Override
        public void onForwardPass(Model model, List<INDArray> activations) {
            await();
        }

        @Override
        public void onForwardPass(Model model, Map<String, INDArray> activations) {
            await();
        }

        private void await() {
            try {
                workers.await(1, TimeUnit.MINUTES);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static void fitInParallel(Model network, List<MultiDataSet> batches, int averagingFrequency) {
        ParallelWrapper wrapper = new ParallelWrapper.Builder<>(network)
                .workers(2)
                .averagingFrequency(averagingFrequency)
                .averageUpdaters(true)
                .trainingMode(ParallelWrapper.TrainingMode.AVERAGING)
                .prefetchBuffer(4)
                .build();
        wrapper.setListeners(new Start());
        if (network instanceof MultiLayerNetwork chain) {
            Updater updater = chain.getUpdater();
            wrapper.fit(Minibatches.single(batches));
            chain.setUpdater(updater);
        } else {
            wrapper.fit(new Minibatches(batches));
        }
        wrapper.shutdown();
    }

    /**
     * The same by hand: before each averaging both workers take their own minibatches, the first, third, ... the first
     * worker; then they share the mean of parameters and updater state.
     */
    private static Model expected(
            SmallNetworks kind, IUpdater updater, List<MultiDataSet> batches, int averagingFrequency) {
        Model first = network(kind, updater);
        Model second = network(kind, updater);
        for (int i = 0; i < batches.size(); i += 2) {
            Models.fit(first, batches.get(i));
            Models.fit(second, batches.get(i + 1));
            if ((i / 2 + 1) % averagingFrequency == 0) {
                average(first.params(), second.params());
                INDArray state = Models.updaterState(first);
                if (state != null) {
                    average(state, Models.updaterState(second));
                }
            }
        }
        return first;
    }

    private static void average(INDArray a, INDArray b) {
        a.addi(b).divi(2);
        b.assign(a);
    }

    /** DOUBLE: parameters of size 1 after a few steps differ by rounding only. */
    private static void assertSame(INDArray expected, INDArray found) {
        assertTrue(found.equalsWithEps(expected, 1e-12), () -> expected + "\n" + found);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "COSUP_MEMORY")
    void twoWorkersGiveTheMeanOfTwoTrainings(SmallNetworks kind) {
        List<MultiDataSet> batches = kind.batches(DataType.DOUBLE, 1, 2 * ROUNDS);
        for (int frequency : new int[] {1, 2}) {
            Model network = network(kind, new Nesterovs(0.1, 0.9));
            INDArray before = network.params().dup();
            fitInParallel(network, batches, frequency);
            Model expected = expected(kind, new Nesterovs(0.1, 0.9), batches, frequency);
            assertSame(expected.params(), network.params());
            assertSame(Models.updaterState(expected), Models.updaterState(network));
            assertTrue(before.distance2(network.params()) > 1e-2, "trained");
        }
    }

    /** One step of SGD on two batches of equal size, averaged, is one step on both together: where losses are means. */
    @Test
    void oneRoundOfSgdIsAStepOnBothBatches() {
        SmallNetworks kind = SmallNetworks.VOCABSEM;
        List<MultiDataSet> batches = kind.batches(DataType.DOUBLE, 1, 2);
        Model network = network(kind, new Sgd(0.1));
        fitInParallel(network, batches, 1);
        Model single = network(kind, new Sgd(0.1));
        Models.fit(single, org.nd4j.linalg.dataset.MultiDataSet.merge(batches));
        assertSame(single.params(), network.params());
    }

    /** The shrinkage covariance is a parameter that nothing trains: workers get it and averaging keeps it. */
    @Test
    void workersHaveTheShrinkageCovariance() {
        SmallNetworks kind = SmallNetworks.ISTAR;
        Model network = network(kind, new Sgd(0.1));
        INDArray shrinkage = network.paramTable().get("1_S").dup();
        assertTrue(shrinkage.sumNumber().doubleValue() != 0);
        fitInParallel(network, kind.batches(DataType.DOUBLE, 1, 2 * ROUNDS), 1);
        assertSame(shrinkage, network.paramTable().get("1_S"));
    }

    /** Each worker remembers its own keys; the wrapped network is the first worker and keeps those. */
    @Test
    void eachWorkerHasItsOwnMemory() {
        SmallNetworks kind = SmallNetworks.COSUP_MEMORY;
        List<MultiDataSet> batches = kind.batches(DataType.DOUBLE, 1, 2 * ROUNDS);
        ComputationGraph network = (ComputationGraph) network(kind, new Sgd(0.1));
        fitInParallel(network, batches, 1);
        Model expected = expected(kind, new Sgd(0.1), batches, 1);
        assertSame(expected.params(), network.params());
        assertEquals(4 * ROUNDS, CoSupervision.keyMemory(network).size());
    }
}
