/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;

/** Tests on a local Spark of two threads, once with each serializer. */
abstract class OnLocalSpark {
    static JavaSparkContext spark;

    OnLocalSpark(Sparks.Serializer serializer) {
        assertEquals(serializer == Sparks.Serializer.KRYO, spark.getConf().contains("spark.kryo.registrator"));
    }

    @BeforeParameterizedClassInvocation
    static void start(Sparks.Serializer serializer) {
        spark = Sparks.local(2, serializer);
    }

    @AfterParameterizedClassInvocation
    static void stop() {
        if (spark != null) {
            spark.close();
        }
    }
}
