/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.istar.ShrinkageListener;
import io.latent4j.it.Minibatches;
import io.latent4j.it.SmallNetworks;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

/** Two networks that train at the same time come out as if each had been alone. */
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConcurrentTrainingTest {
    private static final int EPOCHS = 6;
    private static final DataType TYPE = DataType.FLOAT;

    /** Trains a new network; the iterators prefetch in threads of their own. */
    private static INDArray train(SmallNetworks kind, long seed) {
        Model network = kind.build(new Settings(TYPE, true, WorkspaceMode.ENABLED, new Adam(1e-2)));
        List<MultiDataSet> batches = kind.batches(TYPE, seed, 6);
        if (network instanceof MultiLayerNetwork chain) {
            if (kind != SmallNetworks.VOCABSEM) {
                chain.setListeners(new ShrinkageListener.Builder(new Minibatches(batches))
                        .maxPoints(20)
                        .build());
            }
            chain.fit(Minibatches.single(batches), EPOCHS);
        } else {
            ((ComputationGraph) network).fit(new Minibatches(batches), EPOCHS);
        }
        Models.score(network, batches.get(0), false);
        assertFalse(Nd4j.getWorkspaceManager().anyWorkspaceActiveForCurrentThread());
        return network.params().dup();
    }

    @ParameterizedTest
    @CsvSource({"ISTAR, ISTAR", "VOCABSEM, VOCABSEM", "ISTAR_AND_VOCABSEM, COSUP", "COSUP_MEMORY, COSUP_MEMORY"})
    void networksDoNotInfluenceEachOther(SmallNetworks one, SmallNetworks other) throws Exception {
        List<INDArray> alone = List.of(train(one, 1), train(other, 100));
        CyclicBarrier together = new CyclicBarrier(2);
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            List<Future<INDArray>> futures = threads.invokeAll(List.<Callable<INDArray>>of(
                    () -> {
                        together.await(1, TimeUnit.MINUTES);
                        return train(one, 1);
                    },
                    () -> {
                        together.await(1, TimeUnit.MINUTES);
                        return train(other, 100);
                    }));
            // Bit for bit: no operation on arrays this small is divided among threads
            assertEquals(alone.get(0), futures.get(0).get());
            assertEquals(alone.get(1), futures.get(1).get());
        } finally {
            threads.shutdownNow();
        }
        assertTrue(
                alone.get(0).length() != alone.get(1).length() || alone.get(0).distance2(alone.get(1)) > 1e-3,
                "different networks");
    }
}
