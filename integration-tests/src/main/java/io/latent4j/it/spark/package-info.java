/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The methods over data that Spark holds. Training needs nothing of its own: DL4J's {@code SparkDl4jMultiLayer} and
 * {@code SparkComputationGraph} take networks with these layers as they are.
 *
 * <p>Spark, {@code dl4j-spark_2.12} and {@code nd4j-kryo_2.12} are to be provided. With {@code spark.serializer} set to
 * Kryo, {@code INDArray}s and {@code DataSet}s in an RDD need {@code spark.kryo.registrator=org.nd4j.kryo.Nd4jRegistrator};
 * with Java's serializer nothing. A driver on JDK 17 that {@code spark-submit} does not start needs {@code --add-opens
 * java.base/sun.nio.ch=ALL-UNNAMED}, and for Kryo the same for {@code java.nio}, {@code java.lang}, {@code
 * java.lang.invoke} and {@code java.util}. Spark 3.5 does not run on JDK 25.
 */
@NullMarked
package io.latent4j.it.spark;

import org.jspecify.annotations.NullMarked;
