/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/** Drivers of Spark for tests. */
final class Sparks {
    private Sparks() {}

    /** Both of Spark's serializers, as a user sets them for DL4J. */
    enum Serializer {
        JAVA(Map.of()),
        KRYO(Map.of(
                "spark.serializer",
                "org.apache.spark.serializer.KryoSerializer",
                "spark.kryo.registrator",
                "org.nd4j.kryo.Nd4jRegistrator"));

        private final Map<String, String> settings;

        Serializer(Map<String, String> settings) {
            this.settings = settings;
        }
    }

    /** A driver in this JVM, with workers as threads. */
    static JavaSparkContext local(int workers, Serializer serializer) {
        return context(new SparkConf().setMaster("local[" + workers + "]"), serializer);
    }

    /** Skips the test where Spark can't run. */
    static void assumeRuns() {
        assumeTrue(
                Runtime.version().feature() < 23,
                "Spark 3.5 asks for a Subject of the security manager, which is gone from JDK 23 on");
    }

    static JavaSparkContext context(SparkConf conf, Serializer serializer) {
        assumeRuns();
        conf.setAppName("latent4j")
                .set("spark.ui.enabled", "false")
                .set("spark.driver.host", "127.0.0.1")
                .set("spark.driver.bindAddress", "127.0.0.1");
        serializer.settings.forEach(conf::set);
        return new JavaSparkContext(conf);
    }
}
