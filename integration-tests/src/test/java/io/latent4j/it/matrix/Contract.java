/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.matrix;

import io.latent4j.contracts.Contracts;
import io.latent4j.contracts.Models;
import io.latent4j.contracts.Settings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.linalg.learning.config.RmsProp;

/** The columns of the table. */
@SuppressWarnings("ImmutableEnumChecker")
enum Contract {
    JSON(
            "JSON",
            "the configuration written and read is equal; a network of it with the same parameters has the same outputs"
                    + " and score",
            (plan, folder) -> Contracts.jsonLosesNothing(trained(plan), plan.data())),
    YAML("YAML", "the same in YAML", (plan, folder) -> Contracts.yamlLosesNothing(trained(plan), plan.data())),
    CLONE(
            "clone",
            "clones of configuration and network are equal, train on alike, and leave the original alone",
            (plan, folder) -> Contracts.clonesAreEqualAndApart(trained(plan), plan.data())),
    MODEL_SERIALIZER(
            "ModelSerializer",
            "a network saved with its updater and restored has the same outputs and score, and the same parameters after"
                    + " the next step",
            (plan, folder) -> Contracts.savingLosesNothing(trained(plan), plan.data(), folder)),
    JAVA(
            "Java, configuration",
            "the same as JSON for Java serialization of the configuration, which is how Spark and Arbiter send it",
            (plan, folder) -> Contracts.javaSerializationLosesNothing(trained(plan), plan.data())),
    JAVA_NETWORK(
            "Java, network",
            "the same as ModelSerializer for Java serialization of the network itself",
            (plan, folder) -> Contracts.javaSerializedNetworkTrainsOn(trained(plan), plan.data())),
    TRANSFER_LEARNING(
            "TransferLearning",
            "twice: the head behind the component is replaced and all below frozen; component and head are put anew on"
                    + " what is below them, frozen. What is frozen stays, the rest trains, the result can be saved",
            TransferContracts::transferLearning),
    FROZEN(
            "FrozenLayer",
            "the component wrapped in a FrozenLayer, a vertex in a FrozenVertex: same outputs, its parameters stay, what is"
                    + " behind it trains",
            (plan, folder) -> TransferContracts.frozen(plan)),
    EARLY_STOPPING(
            "EarlyStopping",
            "an EarlyStopping(Graph)Trainer runs to its last epoch, and the best model has the score that was recorded",
            (plan, folder) -> TrainerContracts.earlyStopping(plan)),
    TBPTT(
            "tBPTT",
            "truncated backpropagation through time: each part is a step of training, the state is carried from part to"
                    + " part, and one part as long as the series is the same as training without truncation",
            (plan, folder) -> TrainerContracts.truncatedBackpropagation(plan)),
    RNN_TIME_STEP(
            "rnnTimeStep",
            "step by step the same outputs as the whole series",
            (plan, folder) -> TrainerContracts.stepByStep(plan)),
    WORKSPACES(
            "workspaces",
            "the same parameters, score and outputs after training with WorkspaceMode ENABLED and NONE",
            (plan, folder) -> Contracts.workspacesMakeNoDifference(plan::build, plan.data())),
    FLOAT(
            "FLOAT",
            "score and gradient of DOUBLE, in which the other contracts are checked, to four digits",
            (plan, folder) -> Contracts.floatFollowsDouble(plan::build, plan.data())),
    HALF(
            "HALF",
            "score and gradient of DOUBLE to 2 %, and ten steps of Sgd lower the score without NaN",
            (plan, folder) -> Contracts.halfFollowsDouble(plan::build, plan.data())),
    MASKS(
            "masks",
            "padded and masked series give score and gradient of the shorter ones",
            (plan, folder) ->
                    Contracts.paddingChangesNothing(plan.build(Settings.gradientCheck(true)), plan.data(), 2)),
    NO_MINI_BATCH(
            "miniBatch(false)",
            "the gradient check where losses are not averaged",
            (plan, folder) -> gradients(plan, false)),
    GRADIENT(
            "gradient",
            "GradientCheckUtil: gradients agree with finite differences",
            (plan, folder) -> gradients(plan, true)),
    MEMORY(
            "memory report",
            "getMemoryReport counts the parameters and needs more for training than for inference",
            (plan, folder) -> TrainerContracts.memoryReport(plan));

    /** Throws where a component does not keep a contract. */
    private interface Check {
        void check(Plan plan, Path folder) throws IOException;
    }

    final String title;
    final String meaning;
    private final Check check;

    Contract(String title, String meaning, Check check) {
        this.title = title;
        this.meaning = meaning;
        this.check = check;
    }

    void check(Plan plan, Path folder) throws IOException {
        check.check(plan, folder);
    }

    /** After one step, so that the updater has a state; not with Adam, whose count of steps a graph's JSON loses. */
    private static Model trained(Plan plan) {
        Model model = plan.build(Settings.training(new RmsProp(1e-2)));
        Models.fit(model, plan.data());
        return model;
    }

    private static void gradients(Plan plan, boolean miniBatch) {
        Model model = plan.build(Settings.gradientCheck(miniBatch));
        Contracts.gradientsAgree(model, plan.data(), Set.copyOf(plan.fixedParameters(model)), plan.toString());
    }
}
