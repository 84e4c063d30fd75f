/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import io.latent4j.cosup.CoSupervision;
import io.latent4j.istar.IStar;
import io.latent4j.it.Minibatches;
import io.latent4j.it.SmallNetworks;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * 30 000 steps with all components: memory and workspaces stay as they were after the first fifth. More steps:
 * {@code -Dlatent4j.soak.steps=1000000}.
 */
@Tag("slow")
class SoakTest {
    private static final Logger log = LoggerFactory.getLogger(SoakTest.class);

    private static final int STEPS = Integer.getInteger("latent4j.soak.steps", 30_000);
    private static final int WINDOW = STEPS / 5;
    private static final DataType TYPE = DataType.FLOAT;

    @Test
    void memoryStaysFlat() {
        Settings settings = new Settings(TYPE, true, WorkspaceMode.ENABLED, new Sgd(0.05));
        SmallNetworks chain = SmallNetworks.ISTAR_AND_VOCABSEM;
        SmallNetworks graph = SmallNetworks.COSUP_MEMORY;
        Model classifier = chain.build(settings);
        Model cosup = graph.build(settings);
        List<MultiDataSet> points = chain.batches(TYPE, 1, 10);
        List<MultiDataSet> texts = graph.batches(TYPE, 1, 10);
        double classifierBefore = score(classifier, points);
        double cosupBefore = CoSupervision.losses(scored(cosup, texts.get(0))).nextToken();

        List<Footprint> footprints = new ArrayList<>();
        for (int step = 1; step <= STEPS; step++) {
            if (step % 20 == 0) {
                Models.fit(cosup, texts.get(step / 20 % texts.size()));
            } else {
                Models.fit(classifier, points.get(step % points.size()));
            }
            if (step % 100 == 0) {
                Models.output(classifier, points.get(0), false);
                Models.output(cosup, texts.get(0), false);
            }
            if (step % (WINDOW / 5) == 0) {
                IStar.updateShrinkage(classifier, new Minibatches(points), 100, step);
                assertFalse(Nd4j.getWorkspaceManager().anyWorkspaceActiveForCurrentThread());
            }
            if (step % WINDOW == 0) {
                footprints.add(Footprint.take());
                log.info("After {} steps: {}", step, footprints.get(footprints.size() - 1));
            }
        }

        double classifierAfter = score(classifier, points);
        double cosupAfter = CoSupervision.losses(scored(cosup, texts.get(0))).nextToken();
        assertTrue(classifierAfter < classifierBefore, () -> classifierBefore + " to " + classifierAfter);
        assertTrue(cosupAfter < cosupBefore, () -> cosupBefore + " to " + cosupAfter);
        assertEquals(16, CoSupervision.keyMemory((ComputationGraph) cosup).size());

        Footprint warm = footprints.get(0);
        Footprint last = footprints.get(footprints.size() - 1);
        String all = footprints.toString();
        // One object forgotten in 100 steps would be 240 more
        assertTrue(last.nativeObjects() <= warm.nativeObjects() + 50, all);
        assertEquals(warm.workspaces(), last.workspaces(), all);
        // A workspace grows when a step needs more than all before it; 4 bytes forgotten in each step would be 96 kB
        assertTrue(last.workspaceBytes() <= warm.workspaceBytes() + 4_000, all);
        assertTrue(last.threads() <= warm.threads() + 2, all);
        // 64 bytes, such as one array's header, forgotten in each step would be 1.5 MB
        assertTrue(last.heap() <= warm.heap() + 1_000_000, all);
        assertTrue(last.tracked() <= warm.tracked() + 1_000_000, all);
        // Coarse, as Java's heap and the allocators touch pages that they reserved before: 4 kB a step would be 98 MB
        assertTrue(last.beyondHeap() <= warm.beyondHeap() + 98_000_000, all);
    }

    private static double score(Model model, List<MultiDataSet> batches) {
        return batches.stream()
                .mapToDouble(batch -> Models.score(model, batch, false))
                .average()
                .orElseThrow();
    }

    private static ComputationGraph scored(Model model, MultiDataSet batch) {
        Models.score(model, batch, false);
        return (ComputationGraph) model;
    }
}
