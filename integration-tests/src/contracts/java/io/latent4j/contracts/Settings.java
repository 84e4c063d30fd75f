/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.contracts;

import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;

/**
 * What varies between runs of the same network.
 *
 * @param type the network's data type
 * @param miniBatch whether losses are averaged over the minibatch
 * @param workspaces the workspace mode of training and inference
 * @param updater the updater
 */
public record Settings(DataType type, boolean miniBatch, WorkspaceMode workspaces, IUpdater updater) {
    /** What DL4J's gradient check asks for. */
    public static Settings gradientCheck(boolean miniBatch) {
        return new Settings(DataType.DOUBLE, miniBatch, WorkspaceMode.ENABLED, new NoOp());
    }

    /** DOUBLE with workspaces. */
    public static Settings training(IUpdater updater) {
        return new Settings(DataType.DOUBLE, true, WorkspaceMode.ENABLED, updater);
    }

    /** A network's configuration up to its layers. */
    public NeuralNetConfiguration.Builder base() {
        return new NeuralNetConfiguration.Builder()
                .seed(12345)
                .dataType(type)
                .miniBatch(miniBatch)
                .trainingWorkspaceMode(workspaces)
                .inferenceWorkspaceMode(workspaces)
                .updater(updater)
                .activation(Activation.TANH)
                .weightInit(WeightInit.XAVIER);
    }
}
