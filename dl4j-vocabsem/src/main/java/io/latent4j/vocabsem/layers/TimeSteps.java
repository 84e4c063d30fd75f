/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.layers;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Activations {@code [mb, d]}, {@code [mb, d, T]} or {@code [mb, T, d]} as rows, one per example or time step. */
final class TimeSteps {
    private TimeSteps() {}

    /** A view with the features last: {@code [mb, d]} or {@code [mb, T, d]}. */
    static INDArray featuresLast(INDArray activations, RNNFormat format) {
        return activations.rank() == 3 && format == RNNFormat.NCW ? activations.permute(0, 2, 1) : activations;
    }

    /** Row-major {@code [rows, d]}: the array itself where it is one, else a copy in the current workspace. */
    static INDArray rows(INDArray activations, RNNFormat format, DataType type) {
        INDArray view = featuresLast(activations, format);
        long d = view.size(-1);
        boolean asIs = view.rank() == 2
                && view.dataType() == type
                && view.ordering() == 'c'
                && view.stride(1) == 1
                && view.stride(0) == d;
        if (asIs) {
            return view;
        }
        INDArray copy = Nd4j.createUninitialized(type, view.shape(), 'c').assign(view);
        return copy.reshape('c', view.length() / d, d);
    }

    /** Puts row-major rows to their places in an array of activations. */
    static INDArray put(INDArray rows, INDArray activations, RNNFormat format) {
        INDArray view = featuresLast(activations, format);
        copy(rows.reshape('c', view.shape()), view);
        return activations;
    }

    /** Copies between arrays of the same shape; ND4J is several times as fast where it goes along its target's memory. */
    private static void copy(INDArray from, INDArray to) {
        int[] axes = IntStream.range(0, to.rank())
                .boxed()
                .sorted(Comparator.comparingLong(axis -> -to.stride(axis)))
                .mapToInt(Integer::intValue)
                .toArray();
        to.permute(axes).assign(from.permute(axes));
    }

    /**
     * A mask as a column {@code [rows, 1]} in the order of {@link #rows}.
     *
     * @throws IllegalArgumentException if the mask has neither one element per row nor one per example
     */
    static @Nullable INDArray mask(@Nullable INDArray mask, INDArray activations, RNNFormat format, DataType type) {
        if (mask == null) {
            return null;
        }
        INDArray view = featuresLast(activations, format);
        long rows = view.length() / view.size(-1);
        long examples = view.size(0);
        if (mask.length() != rows && mask.length() != examples) {
            throw new IllegalArgumentException("mask must have one element per example or time step of activations of"
                    + " shape " + Arrays.toString(activations.shape()) + ", found shape "
                    + Arrays.toString(mask.shape()));
        }
        INDArray perRow =
                mask.length() == rows ? mask : mask.reshape(examples, 1).broadcast(examples, rows / examples);
        return Nd4j.createUninitialized(type, perRow.shape(), 'c')
                .assign(perRow)
                .reshape('c', rows, 1);
    }

    /** View of one step {@code [d]} of a time series with the features last. */
    static INDArray step(INDArray featuresLast, long example, long step) {
        return featuresLast.get(NDArrayIndex.point(example), NDArrayIndex.point(step), NDArrayIndex.all());
    }

    /**
     * The last step of each example that a mask keeps.
     *
     * @throws IllegalArgumentException if the mask is not {@code [examples, steps]} or hides all steps of an example
     */
    static int[] last(@Nullable INDArray mask, long examples, long steps) {
        int[] last = new int[Math.toIntExact(examples)];
        Arrays.fill(last, Math.toIntExact(steps - 1));
        if (mask == null) {
            return last;
        }
        if (mask.length() != examples * steps || mask.size(0) != examples) {
            throw new IllegalArgumentException(
                    "mask must have shape [" + examples + ", " + steps + "], found " + Arrays.toString(mask.shape()));
        }
        // Read at once: a matrix of Java comes row by row
        double[] kept = mask.dup('c').reshape(mask.length()).toDoubleVector();
        for (int i = 0; i < last.length; i++) {
            while (last[i] >= 0 && kept[i * (int) steps + last[i]] == 0) {
                last[i]--;
            }
            if (last[i] < 0) {
                throw new IllegalArgumentException(
                        "mask must keep at least one step of each example, found none in example " + i);
            }
        }
        return last;
    }
}
