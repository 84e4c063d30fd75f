/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

import java.io.Serial;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.jackson.annotation.JsonIgnore;

/** A vertex without parameters, whose only memory is its output. */
abstract class ParameterlessVertex extends GraphVertex {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Inputs wanted at least. */
    @JsonIgnore
    private final int minInputs;
    /** Inputs wanted at most. */
    @JsonIgnore
    private final int maxInputs;

    ParameterlessVertex(int minInputs, int maxInputs) {
        this.minInputs = minInputs;
        this.maxInputs = maxInputs;
    }

    /** The runtime half. */
    abstract org.deeplearning4j.nn.graph.vertex.GraphVertex runtime(
            ComputationGraph graph, String name, int index, DataType type);

    @Override
    public final org.deeplearning4j.nn.graph.vertex.GraphVertex instantiate(
            ComputationGraph graph,
            String name,
            int idx,
            INDArray paramsView,
            boolean initializeParams,
            DataType networkDatatype) {
        return runtime(graph, name, idx, networkDatatype);
    }

    @Override
    public final long numParams(boolean backprop) {
        return 0;
    }

    @Override
    public final int minVertexInputs() {
        return minInputs;
    }

    @Override
    public final int maxVertexInputs() {
        return maxInputs;
    }

    /** Numbers that the vertex keeps between minibatches. */
    long kept(InputType output) {
        return 0;
    }

    @Override
    public final MemoryReport getMemoryReport(InputType... inputTypes) {
        InputType output = getOutputType(-1, inputTypes);
        return new LayerMemoryReport.Builder(null, getClass(), inputTypes[0], output)
                .standardMemory(kept(output), 0)
                .workingMemory(0, 0, 0, 0)
                .cacheMemory(MemoryReport.CACHE_MODE_ALL_ZEROS, MemoryReport.CACHE_MODE_ALL_ZEROS)
                .build();
    }
}
