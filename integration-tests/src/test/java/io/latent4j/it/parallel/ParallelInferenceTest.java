/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.parallel;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.cosup.CoSupervision;
import io.latent4j.it.SmallNetworks;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.parallelism.ParallelInference;
import org.deeplearning4j.parallelism.inference.InferenceMode;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.learning.config.Sgd;

/** DL4J's ParallelInference, asked by eight threads at once, answers as the network itself. */
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ParallelInferenceTest {
    private static final int CALLERS = 8;
    private static final int CALLS = 5;

    @ParameterizedTest
    @CsvSource({
        "ISTAR, SEQUENTIAL",
        "ISTAR, BATCHED",
        "ISTAR, INPLACE",
        "VOCABSEM, SEQUENTIAL",
        "VOCABSEM, BATCHED",
        "VOCABSEM, INPLACE",
        "ISTAR_AND_VOCABSEM, SEQUENTIAL",
        "ISTAR_AND_VOCABSEM, BATCHED",
        "ISTAR_AND_VOCABSEM, INPLACE",
        "COSUP, SEQUENTIAL",
        "COSUP, INPLACE",
        "COSUP_MEMORY, SEQUENTIAL",
        "COSUP_MEMORY, INPLACE"
    })
    void callersGetWhatTheNetworkSays(SmallNetworks kind, InferenceMode mode) throws Exception {
        Model network = kind.build(Settings.training(new Sgd(0.1)));
        kind.batches(DataType.DOUBLE, 1, 3).forEach(batch -> Models.fit(network, batch));
        answersAgree(network, kind.batches(DataType.DOUBLE, 101, CALLERS), mode);
    }

    /**
     * The whole co-supervised graph cannot be BATCHED: DL4J gives each caller as many rows of each output as it asked
     * examples, and the next-sequence output has a row per state and per key. Its towers alone can.
     */
    @ParameterizedTest
    @EnumSource
    void towersOfACoSupervisedGraphCanBeBatched(InferenceMode mode) throws Exception {
        ComputationGraph graph = (ComputationGraph) SmallNetworks.COSUP.build(Settings.training(new Sgd(0.1)));
        answersAgree(CoSupervision.generator(graph), tower(0), mode);
        answersAgree(CoSupervision.sequenceEncoder(graph), tower(1), mode);
    }

    /** What one of the towers reads. */
    private static List<org.nd4j.linalg.dataset.api.MultiDataSet> tower(int input) {
        List<org.nd4j.linalg.dataset.api.MultiDataSet> inputs = new ArrayList<>();
        SmallNetworks.COSUP
                .batches(DataType.DOUBLE, 101, CALLERS)
                .forEach(batch -> inputs.add(new MultiDataSet(
                        new INDArray[] {batch.getFeatures(input)},
                        new INDArray[0],
                        new INDArray[] {batch.getFeaturesMaskArray(input)},
                        null)));
        return inputs;
    }

    private static void answersAgree(
            Model network, List<org.nd4j.linalg.dataset.api.MultiDataSet> inputs, InferenceMode mode) throws Exception {
        List<INDArray[]> expected = inputs.stream()
                .map(input -> Models.output(network, input, false))
                .toList();
        ParallelInference inference = new ParallelInference.Builder(network)
                .workers(2)
                .inferenceMode(mode)
                .batchLimit(32)
                .build();
        ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
        CyclicBarrier together = new CyclicBarrier(CALLERS);
        try {
            List<Callable<List<INDArray[]>>> tasks = IntStream.range(0, CALLERS)
                    .mapToObj(caller -> (Callable<List<INDArray[]>>) () -> {
                        List<INDArray[]> answers = new ArrayList<>();
                        for (int call = 0; call < CALLS; call++) {
                            together.await(1, TimeUnit.MINUTES);
                            var input = inputs.get((caller + call) % CALLERS);
                            answers.add(inference.output(input.getFeatures(), input.getFeaturesMaskArrays()));
                        }
                        return answers;
                    })
                    .toList();
            List<Future<List<INDArray[]>>> futures = callers.invokeAll(tasks);
            for (int caller = 0; caller < CALLERS; caller++) {
                List<INDArray[]> answers = futures.get(caller).get();
                for (int call = 0; call < CALLS; call++) {
                    INDArray[] wanted = expected.get((caller + call) % CALLERS);
                    for (int output = 0; output < wanted.length; output++) {
                        INDArray found = answers.get(call)[output];
                        // A batch of another size sums in another order
                        assertTrue(
                                found.equalsWithEps(wanted[output], 1e-12),
                                "caller " + caller + " call " + call + "\n" + wanted[output] + "\n" + found);
                    }
                }
            }
        } finally {
            callers.shutdownNow();
            inference.shutdown();
        }
    }
}
