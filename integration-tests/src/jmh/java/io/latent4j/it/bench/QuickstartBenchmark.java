/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import org.openjdk.jmh.annotations.Measurement;

/**
 * The quickstart as a whole process with the least work that it can be given, report included.
 * {@code bash integration-tests/bench/run --only Quickstart}
 */
@Measurement(iterations = 1)
public class QuickstartBenchmark extends StartUpBenchmark {}
