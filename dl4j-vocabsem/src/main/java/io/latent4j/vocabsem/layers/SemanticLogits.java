/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.layers;

import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.nd4j.linalg.api.buffer.DataType;

/** The runtime half of {@link io.latent4j.vocabsem.SemanticLogits}. */
@SuppressWarnings("serial") // DL4J declares layers serializable but writes their configuration and parameters
final class SemanticLogits extends SemanticOutputLayer<io.latent4j.vocabsem.SemanticLogits> {
    SemanticLogits(NeuralNetConfiguration conf, DataType dataType) {
        super(conf, dataType, null);
    }
}
