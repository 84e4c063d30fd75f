/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Vectors with each feature multiplied by a gain: the columns of diag(g)·W. */
final class ScaledVectors extends TokenVectors {
    private final TokenVectors vectors;
    private final INDArray gain;

    ScaledVectors(TokenVectors vectors, INDArray gain) {
        if (gain.length() != vectors.features()
                || !gain.isVectorOrScalar()
                || !gain.dataType().isFPType()) {
            throw new IllegalArgumentException("finalNormGain must be a floating point vector of " + vectors.features()
                    + " features, found " + gain.dataType() + ' ' + Arrays.toString(gain.shape()));
        }
        this.vectors = vectors;
        this.gain = gain.castTo(DataType.DOUBLE).dup('c').reshape(1, gain.length());
        for (long j = 0; j < gain.length(); j++) {
            if (!Double.isFinite(this.gain.getDouble(j))) {
                throw new IllegalArgumentException(
                        "finalNormGain must be finite, found " + this.gain.getDouble(j) + " for feature " + j);
            }
        }
    }

    @Override
    public long tokens() {
        return vectors.tokens();
    }

    @Override
    public int features() {
        return vectors.features();
    }

    @Override
    public DataType dataType() {
        return vectors.dataType();
    }

    @Override
    void read(long from, INDArray into) {
        vectors.read(from, into);
        into.muliRowVector(gain);
    }
}
