/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.contracts.InDouble;
import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.RmsProp;

/** Each component in parameter averaging with two workers, with both serializers. */
@Tag("spark")
@ExtendWith(InDouble.class)
@ParameterizedClass
@EnumSource
class SparkTrainingTest extends OnLocalSpark {
    SparkTrainingTest(Sparks.Serializer serializer) {
        super(serializer);
    }

    @ParameterizedTest
    @EnumSource
    void twoWorkersAreTheAverageOfTwoMachines(Component component) {
        Model network = component.network(Settings.training(new RmsProp(1e-2)));
        List<List<MultiDataSet>> steps = List.of(
                List.of(component.minibatch(1), component.minibatch(2)),
                List.of(component.minibatch(3), component.minibatch(4)),
                List.of(component.minibatch(5), component.minibatch(6)));
        Model expected = Averaging.onOneMachine(network, steps);
        Model found = Averaging.onSpark(spark, network, Averaging.everyStep(2).build(), steps);
        double distance = found.params().distance2(expected.params());
        assertTrue(found.params().distance2(network.params()) > 1e-2, "trained");
        // The sum of two numbers is the same in any order: no difference but what threads may leave in products
        assertTrue(distance < 1e-12, () -> "parameters differ by " + distance);
        assertTrue(Models.updaterState(found).equalsWithEps(Models.updaterState(expected), 1e-12));
        assertTrue(Double.isFinite(Models.score(found, component.minibatch(7), false)));
        if (found instanceof MultiLayerNetwork chain) {
            MultiLayerConfiguration conf = chain.getLayerWiseConfigurations();
            assertEquals(conf, MultiLayerConfiguration.fromJson(conf.toJson()));
        } else {
            ComputationGraphConfiguration conf = ((ComputationGraph) found).getConfiguration();
            assertEquals(
                    conf.getVertices(),
                    ComputationGraphConfiguration.fromJson(conf.toJson()).getVertices());
        }
    }
}
