/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.util.Set;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How time grows with points and features, beside the closed form only.
 * {@code bash integration-tests/bench/run --only IsoScoreStarGrowth}
 */
@Warmup(iterations = 0)
@Measurement(iterations = 5)
public class IsoScoreStarGrowthBenchmark extends IsoScoreStarBenchmark {
    @Override
    Set<String> arms() {
        return Set.of("closed form");
    }
}
