/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.layers;

import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * Tells whether a forward pass in inference mode serves {@code score} or {@code scoreExamples}, which want penalties,
 * or {@code output}, which must not pay for them.
 *
 * <p>DL4J tells its layers no such thing, and by the time it asks for the penalties the activations are gone. So the
 * callers are looked up on the stack: a few microseconds, once per penalty and inference pass. They stand close: layer
 * or vertex, the network's forward pass, its score method.
 */
final class ScoringPass {
    private static final StackWalker WALKER = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

    private static final int NEAREST_FRAMES = 16;

    private ScoringPass() {}

    static boolean isActive() {
        return WALKER.walk(frames -> frames.limit(NEAREST_FRAMES)
                .anyMatch(frame -> frame.getMethodName().startsWith("score")
                        && (MultiLayerNetwork.class.isAssignableFrom(frame.getDeclaringClass())
                                || ComputationGraph.class.isAssignableFrom(frame.getDeclaringClass()))));
    }
}
