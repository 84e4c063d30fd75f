/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.cosup.retrieval.LuceneSequenceIndex;
import io.latent4j.cosup.retrieval.SequenceIndex;
import io.latent4j.it.Minibatches;
import io.latent4j.it.SmallNetworks;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.parallelism.ParallelInference;
import org.deeplearning4j.parallelism.inference.InferenceMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.AsyncMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Training that a listener, an interrupt or a user breaks off leaves no workspace open, and goes on as if nothing had
 * been.
 */
@Timeout(value = 1, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BrokenOffTest {
    private static final int BATCHES = 6;
    /** The step, from 0, that is broken off. */
    private static final int BROKEN = 2;

    private static Model network(SmallNetworks kind) {
        return kind.build(Settings.training(new Nesterovs(0.05, 0.9)));
    }

    private static void fit(Model network, List<MultiDataSet> batches) {
        if (network instanceof MultiLayerNetwork chain) {
            chain.fit(Minibatches.single(batches));
        } else {
            ((ComputationGraph) network).fit(new Minibatches(batches));
        }
    }

    private static void assertNoWorkspaceIsOpen() {
        assertFalse(Nd4j.getWorkspaceManager().anyWorkspaceActiveForCurrentThread());
    }

    /** Parameters and momentum of a network that was trained on these batches without trouble. */
    private static void assertTrainedOn(SmallNetworks kind, List<MultiDataSet> batches, Model network) {
        Model undisturbed = network(kind);
        batches.forEach(batch -> Models.fit(undisturbed, batch));
        assertEquals(undisturbed.params(), network.params());
        assertEquals(Models.updaterState(undisturbed), Models.updaterState(network));
    }

    /** Where in a step a listener can throw. */
    private enum Moment {
        FORWARD,
        BACKWARD,
        GRADIENT,
        DONE
    }

    /** Throws once, at one moment of one step. */
    private static final class Thrower extends BaseTrainingListener {
        private final Moment moment;
        private int forwards;

        Thrower(Moment moment) {
            this.moment = moment;
        }

        private void at(Moment now) {
            if (now == moment && forwards == BROKEN + 1) {
                throw new IllegalStateException("thrown at " + now);
            }
        }

        @Override
        public void onForwardPass(Model model, List<INDArray> activations) {
            forwards++;
            at(Moment.FORWARD);
        }

        @Override
        public void onForwardPass(Model model, Map<String, INDArray> activations) {
            forwards++;
            at(Moment.FORWARD);
        }

        @Override
        public void onBackwardPass(Model model) {
            at(Moment.BACKWARD);
        }

        @Override
        public void onGradientCalculation(Model model) {
            at(Moment.GRADIENT);
        }

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            at(Moment.DONE);
        }
    }

    private static void breakOff(Model network, List<MultiDataSet> batches, Moment moment) {
        network.setListeners(new Thrower(moment));
        IllegalStateException thrown = assertThrows(IllegalStateException.class, () -> fit(network, batches));
        assertEquals("thrown at " + moment, thrown.getMessage());
        network.setListeners(List.of());
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "COSUP_MEMORY")
    void anExceptionOfAListenerLeavesNothingBehind(SmallNetworks kind) {
        List<MultiDataSet> batches = kind.batches(DataType.DOUBLE, 1, BATCHES);
        for (Moment moment : Moment.values()) {
            Model network = network(kind);
            breakOff(network, batches, moment);
            assertNoWorkspaceIsOpen();
            // Only when a step is done has it changed anything
            int done = moment == Moment.DONE ? BROKEN + 1 : BROKEN;
            fit(network, batches.subList(BROKEN + 1, BATCHES));
            List<MultiDataSet> trained = new ArrayList<>(batches.subList(0, done));
            trained.addAll(batches.subList(BROKEN + 1, BATCHES));
            assertTrainedOn(kind, trained, network);
        }
    }

    /** Keys enter the memory on the way back, before the parameters change. */
    @Test
    void aStepThatIsBrokenOffMayLeaveKeysInTheMemory() {
        SmallNetworks kind = SmallNetworks.COSUP_MEMORY;
        List<MultiDataSet> batches = kind.batches(DataType.DOUBLE, 1, BATCHES);
        for (Moment moment : Moment.values()) {
            ComputationGraph network = (ComputationGraph) network(kind);
            breakOff(network, batches, moment);
            assertNoWorkspaceIsOpen();
            assertEquals(
                    4 * (moment == Moment.FORWARD ? BROKEN : BROKEN + 1),
                    CoSupervision.keyMemory(network).size());
        }
    }

    /** DL4J's own layers leave no workspace open either: what is asserted above is theirs as well. */
    @Test
    void plainNetworksLeaveNoWorkspaceOpen() {
        for (Moment moment : Moment.values()) {
            Model network = Models.chain(
                    Settings.training(new Nesterovs(0.05, 0.9)),
                    InputType.feedForward(6),
                    new DenseLayer.Builder().nOut(8).build(),
                    new OutputLayer.Builder(LossFunction.MCXENT)
                            .nOut(3)
                            .activation(Activation.SOFTMAX)
                            .build());
            breakOff(network, SmallNetworks.ISTAR.batches(DataType.DOUBLE, 1, BATCHES), moment);
            assertNoWorkspaceIsOpen();
        }
    }

    /** Interrupts its own thread during one step. */
    private static final class Interrupter extends BaseTrainingListener {
        private int steps;

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            if (steps++ == BROKEN) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** DL4J's prefetching iterators notice interrupts, and end training with an exception or early. */
    @ParameterizedTest
    @EnumSource
    void anInterruptLeavesNothingBehind(SmallNetworks kind) {
        List<MultiDataSet> batches = kind.batches(DataType.DOUBLE, 1, BATCHES);
        Model network = network(kind);
        Interrupter interrupter = new Interrupter();
        network.setListeners(interrupter);
        try {
            fit(network, batches);
        } catch (RuntimeException e) {
            assertTrue(hasInterrupt(e), () -> "not for the interrupt: " + e);
        } finally {
            Thread.interrupted();
        }
        network.setListeners(List.of());
        assertNoWorkspaceIsOpen();
        assertTrue(interrupter.steps > BROKEN);
        fit(
                network,
                batches.subList(interrupter.steps, BATCHES).isEmpty()
                        ? batches.subList(0, 1)
                        : batches.subList(interrupter.steps, BATCHES));
        List<MultiDataSet> trained = new ArrayList<>(batches);
        if (interrupter.steps == BATCHES) {
            trained.add(batches.get(0));
        }
        assertTrainedOn(kind, trained, network);
    }

    private static boolean hasInterrupt(Throwable thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof InterruptedException) {
                return true;
            }
        }
        return false;
    }

    @Test
    void whatIsClosedEarlyLeavesNothingBehind(@TempDir Path folder) throws Exception {
        SmallNetworks kind = SmallNetworks.COSUP_MEMORY;
        List<MultiDataSet> batches = kind.batches(DataType.DOUBLE, 1, BATCHES);
        ComputationGraph network = (ComputationGraph) network(kind);

        // A prefetching iterator, after two of six batches
        AsyncMultiDataSetIterator prefetching = new AsyncMultiDataSetIterator(new Minibatches(batches), 2, true);
        for (int i = 0; i < 2; i++) {
            assertTrue(prefetching.hasNext());
            network.fit(prefetching.next());
        }
        prefetching.shutdown();
        assertNoWorkspaceIsOpen();

        // Indices, filled and neither committed nor searched
        ComputationGraph encoder = CoSupervision.sequenceEncoder(network);
        try (SequenceIndex exact = new ExactSequenceIndex(8);
                SequenceIndex lucene =
                        LuceneSequenceIndex.open(folder, new LuceneSequenceIndex.Builder().dimension(8))) {
            INDArray keys = encoder.outputSingle(batches.get(0).getFeatures(1));
            for (SequenceIndex index : List.of(exact, lucene)) {
                index.add(List.of("a", "b", "c", "d"), keys);
                index.close();
            }
        }
        assertNoWorkspaceIsOpen();

        // Inference workers that share the network's arrays
        for (InferenceMode mode : List.of(InferenceMode.SEQUENTIAL, InferenceMode.INPLACE)) {
            ParallelInference inference = new ParallelInference.Builder(network)
                    .workers(2)
                    .inferenceMode(mode)
                    .build();
            inference.output(batches.get(0).getFeatures(), batches.get(0).getFeaturesMaskArrays());
            inference.shutdown();
        }
        assertNoWorkspaceIsOpen();

        fit(network, batches.subList(2, BATCHES));
        assertTrainedOn(kind, batches, network);
    }
}
