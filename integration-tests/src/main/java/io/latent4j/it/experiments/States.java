/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * States of labelled texts: all that a frozen language model has to say about them.
 *
 * @param states [N, d], FLOAT, row order
 * @param labels N class indices
 * @param classes number of classes
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record States(INDArray states, int[] labels, int classes) {
    States {
        if (states.rank() != 2 || states.size(0) != labels.length) {
            throw new IllegalArgumentException(
                    "states: expected [" + labels.length + ", d], found " + Arrays.toString(states.shape()));
        }
    }

    int size() {
        return labels.length;
    }

    States rows(int[] indices) {
        int[] chosen = new int[indices.length];
        for (int i = 0; i < indices.length; i++) {
            chosen[i] = labels[indices[i]];
        }
        return new States(Nd4j.pullRows(states, 1, indices), chosen, classes);
    }

    States rows(int from, int to) {
        return rows(IntStream.range(from, to).toArray());
    }

    /** Moves the mean of these states to 0 and their standard deviation over all features together to 1. */
    UnaryOperator<INDArray> standardization() {
        INDArray mean = states.mean(true, 0);
        INDArray centred = states.subRowVector(mean);
        double deviation = centred.norm2Number().doubleValue() / Math.sqrt((double) centred.length());
        double factor = deviation > 0 ? 1 / deviation : 1;
        return any -> any.subRowVector(mean).muli(factor);
    }

    /** The same texts with other states. */
    States with(INDArray others) {
        return new States(others, labels, classes);
    }

    DataSet batch(int[] indices) {
        INDArray oneHot = Nd4j.zeros(indices.length, classes);
        for (int i = 0; i < indices.length; i++) {
            oneHot.putScalar(i, labels[indices[i]], 1);
        }
        return new DataSet(Nd4j.pullRows(states, 1, indices), oneHot);
    }
}
