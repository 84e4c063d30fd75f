/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.layers;

import io.latent4j.cosup.NextSequenceContrast;
import java.util.Arrays;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runtime half of {@link io.latent4j.cosup.NextSequenceOutputLayer}. */
@SuppressWarnings("serial") // DL4J declares layers serializable but writes their configuration and parameters
final class NextSequenceOutputLayer extends WeightedOutputLayer<io.latent4j.cosup.NextSequenceOutputLayer> {
    private static final Logger log = LoggerFactory.getLogger(NextSequenceOutputLayer.class);

    private boolean warned;

    NextSequenceOutputLayer(NeuralNetConfiguration conf, DataType dataType) {
        super(conf, dataType);
    }

    /** Rows of states before the keys. */
    private long stateRows() {
        return labels.rank() == 3 ? labels.size(0) * labels.size(2) : labels.size(0);
    }

    /** Keys of this batch. */
    private long ownKeys() {
        long keys = input.size(0) - stateRows() - layerConf().getMemorySize();
        if (input.rank() != 2 || keys < 1) {
            throw new IllegalArgumentException("input must have a row for each of the labels' " + stateRows()
                    + " positions, at least one key and " + layerConf().getMemorySize()
                    + " rows for a memory, found shape " + Arrays.toString(input.shape()) + " with labels of shape "
                    + Arrays.toString(labels.shape()) + " " + layerId());
        }
        return keys;
    }

    @Override
    Targets targets() {
        if (labels.rank() != 2 && labels.rank() != 3) {
            throw new IllegalArgumentException("labels must have shape [N, K, T] or [N, K], found "
                    + Arrays.toString(labels.shape()) + " " + layerId());
        }
        long keys = ownKeys();
        return Targets.read(labels, maskArray, labels.rank() == 3 ? labels.size(2) : 1, keys, "numbers of keys");
    }

    /** The batch's keys, then those of the memory: it fills its rows from the first on and leaves zeros. */
    private INDArray keys() {
        long first = stateRows();
        long memory = input.size(0) - layerConf().getMemorySize();
        long last = memory;
        if (layerConf().getMemorySize() > 0) {
            double[] norms = rows(memory, input.size(0)).norm2(1).toDoubleVector();
            for (int i = 0; i < norms.length; i++) {
                if (norms[i] != 0) {
                    last = memory + i + 1;
                }
            }
        }
        if (last - first == 1 && !warned) {
            warned = true;
            log.warn(
                    "There is only one candidate sequence, so the next-sequence loss is 0: more examples per minibatch,"
                            + " hard negatives or a memory would make it a contrast {}",
                    layerId());
        }
        return rows(first, last);
    }

    private INDArray rows(long from, long to) {
        return input.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
    }

    @Override
    NextSequenceContrast.Result losses(Targets targets, boolean training, LayerWorkspaceMgr workspaceMgr) {
        return NextSequenceContrast.of(
                targets.of(rows(0, stateRows())),
                keys(),
                targets.pairing(),
                layerConf().contrast());
    }

    @Override
    NextSequenceContrast.Result train(
            Targets targets, double factor, INDArray epsilon, LayerWorkspaceMgr workspaceMgr) {
        int own = (int) ownKeys();
        NextSequenceContrast.Result result = NextSequenceContrast.withGradients(
                targets.of(rows(0, stateRows())),
                keys(),
                targets.pairing().withOwnKeys(own),
                layerConf().contrast(),
                factor,
                null);
        INDArray all = Nd4j.create(result.queries().dataType(), input.shape(), 'c');
        targets.spread(result.queries(), all);
        all.get(NDArrayIndex.interval(stateRows(), stateRows() + own), NDArrayIndex.all())
                .assign(result.keys());
        epsilon.assign(all);
        return result;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaceMgr) {
        return workspaceMgr.dup(ArrayType.ACTIVATIONS, input, 'c');
    }

    @Override
    protected @Nullable INDArray preOutput2d(boolean training, LayerWorkspaceMgr workspaceMgr) {
        return input;
    }

    @Override
    public Type type() {
        return Type.FEED_FORWARD;
    }
}
