/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.istar.IsoScoreStar;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** The least a program can do with IsoScore*: the score of 1000 × 64 points. Its time is that of ND4J's start. */
final class FirstScore {
    private FirstScore() {}

    public static void main(String[] args) {
        System.out.println(IsoScoreStar.of(Nd4j.randn(DataType.FLOAT, 1000, 64)));
    }
}
