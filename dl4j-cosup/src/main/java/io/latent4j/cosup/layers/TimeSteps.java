/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.layers;

import org.deeplearning4j.nn.conf.RNNFormat;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Time series as rows. */
final class TimeSteps {
    private TimeSteps() {}

    /** A view with the features last, {@code [N, T, d]}. */
    static INDArray featuresLast(INDArray series, RNNFormat format) {
        return format == RNNFormat.NWC ? series : series.permute(0, 2, 1);
    }

    /** A row-major copy {@code [N·T, d]} in the current workspace, the steps of one example together. */
    static INDArray rows(INDArray series, RNNFormat format) {
        INDArray view = featuresLast(series, format);
        INDArray copy = Nd4j.createUninitialized(view.dataType(), view.shape(), 'c');
        return copy.assign(view).reshape('c', view.size(0) * view.size(1), view.size(2));
    }
}
