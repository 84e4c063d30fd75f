/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.layers;

import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.nd4j.linalg.api.buffer.DataType;

/** The runtime half of {@link io.latent4j.vocabsem.RnnSemanticLogits}. */
@SuppressWarnings("serial") // DL4J declares layers serializable but writes their configuration and parameters
final class RnnSemanticLogits extends SemanticOutputLayer<io.latent4j.vocabsem.RnnSemanticLogits> {
    RnnSemanticLogits(NeuralNetConfiguration conf, DataType dataType) {
        super(conf, dataType, ((io.latent4j.vocabsem.RnnSemanticLogits) conf.getLayer()).getDataFormat());
    }
}
