/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Benchmarks, run by {@code mvn -Pbench -pl integration-tests -am verify -DskipTests -Dmaven.javadoc.skip}; every result
 * is a ratio of two things measured in one run.
 */
@NullMarked
package io.latent4j.it.bench;

import org.jspecify.annotations.NullMarked;
