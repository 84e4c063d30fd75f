/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.it.search.TpeCandidateGenerator;
import org.deeplearning4j.arbiter.optimize.api.CandidateGenerator;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;

/** What is compared; ASHA only where candidates are trained. */
enum SearchMethod {
    RANDOM("random search", false),
    TPE_UNIVARIATE("TPE, univariate", false),
    TPE("TPE", false),
    RANDOM_ASHA("random search + ASHA", true),
    TPE_ASHA("TPE + ASHA", true);

    private final String title;
    private final boolean pruning;

    SearchMethod(String title, boolean pruning) {
        this.title = title;
        this.pruning = pruning;
    }

    String title() {
        return title;
    }

    boolean pruning() {
        return pruning;
    }

    CandidateGenerator generator(ParameterSpace<?> space, boolean minimize, long seed) {
        CandidateGenerator generator =
                switch (this) {
                    case RANDOM, RANDOM_ASHA -> new RandomSearchGenerator(space);
                    case TPE, TPE_ASHA, TPE_UNIVARIATE ->
                        new TpeCandidateGenerator.Builder(space, minimize)
                                .multivariate(this != TPE_UNIVARIATE)
                                .build();
                };
        generator.setRngSeed(seed);
        return generator;
    }
}
