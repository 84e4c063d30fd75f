/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.layers;

import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * Tells whether a forward pass in inference mode serves {@code score} or {@code scoreExamples}, which want penalties,
 * or {@code output}, which must not pay for them.
 *
 * <p>DL4J tells its layers no such thing, and by the time it asks for the penalties the activations are gone. So the
 * callers are looked up on the stack: a few microseconds, once per penalty and inference pass.
 */
final class ScoringPass {
    private static final StackWalker WALKER = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

    private ScoringPass() {}

    static boolean isActive() {
        return WALKER.walk(
                frames -> frames.anyMatch(frame -> frame.getMethodName().startsWith("score")
                        && (MultiLayerNetwork.class.isAssignableFrom(frame.getDeclaringClass())
                                || ComputationGraph.class.isAssignableFrom(frame.getDeclaringClass()))));
    }
}
