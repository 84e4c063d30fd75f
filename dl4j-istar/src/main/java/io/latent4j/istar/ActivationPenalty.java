/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

/**
 * What a penalty layer or vertex of a running network has to say about the last minibatch it saw; {@link
 * IStar#penalties} finds them all.
 */
public interface ActivationPenalty {
    /**
     * The name of the layer or vertex.
     *
     * @return the name, or the layer's index in brackets where it has none
     */
    String name();

    /**
     * The measure itself: IsoScore* in [0, 1], or the mean cosine for CosReg.
     *
     * @return the measure on the last training or scoring minibatch, NaN before the first and where it was undefined
     */
    double measure();

    /**
     * What the last minibatch added to the network's score.
     *
     * @return λ(1 − IsoScore*), or λ·CosReg; 0 where the measure was undefined
     */
    double penalty();

    /**
     * How many minibatches added no penalty because the measure was undefined: fewer than two unmasked points, or all
     * points equal.
     *
     * @return the count since the network was initialised
     */
    long skippedMinibatches();
}
