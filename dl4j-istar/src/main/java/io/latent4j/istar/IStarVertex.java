/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import io.latent4j.istar.layers.PenaltyLayers;
import java.io.Serial;
import java.util.Arrays;
import java.util.Objects;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.inputs.InvalidInputTypeException;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * I-STAR over several layers, the paper's default: adds one penalty {@code λ·(1 − IsoScore*)} on the union of the
 * activations of all its inputs to the loss of a {@code ComputationGraph}, and passes its last input on unchanged.
 *
 * <p>Inputs: any number of feed-forward {@code [mb, n]} or recurrent {@code [mb, n, T]} activations of one width n.
 * Output: the last input. Options, defaults and the parameter Σ_S are those of {@link IStarLayer}; {@link IStar#attach}
 * puts the vertex into an existing graph.
 *
 * <pre>{@code
 * builder.addLayer("h1", ..., "in").addLayer("h2", ..., "h1")
 *        .addVertex("istar", new IStarVertex.Builder().lambda(1).build(), "h1", "h2")
 *        .addLayer("out", ..., "istar");
 * }</pre>
 *
 * <p>Source: Rudman and Eickhoff, "Stable Anisotropic Regularization", ICLR 2024, arXiv 2305.19358, section 4.
 */
public class IStarVertex extends GraphVertex {
    @Serial
    private static final long serialVersionUID = 1L;

    /** The options. */
    private IStarLayer regularizer;

    /** For JSON. */
    protected IStarVertex() {
        this(new IStarLayer());
    }

    /**
     * Creates a vertex with the options of a layer.
     *
     * @param regularizer the options; not copied
     */
    public IStarVertex(IStarLayer regularizer) {
        this.regularizer = Objects.requireNonNull(regularizer, "regularizer must be given, found null");
    }

    /**
     * The options.
     *
     * @return the penalty's configuration
     */
    public IStarLayer getRegularizer() {
        return regularizer;
    }

    /**
     * Sets the options; for JSON.
     *
     * @param regularizer the penalty's configuration
     */
    @JsonProperty("regularizer")
    public void setRegularizer(IStarLayer regularizer) {
        this.regularizer = Objects.requireNonNull(regularizer, "regularizer must be given, found null");
    }

    @Override
    public IStarVertex clone() {
        return new IStarVertex(regularizer.clone());
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof IStarVertex other && regularizer.equals(other.regularizer);
    }

    @Override
    public int hashCode() {
        return regularizer.hashCode();
    }

    @Override
    public String toString() {
        return "IStarVertex(zeta=" + regularizer.getZeta() + ", " + regularizer.options() + ")";
    }

    @Override
    public long numParams(boolean backprop) {
        return regularizer.initializer().numParams(regularizer);
    }

    @Override
    public int minVertexInputs() {
        return 1;
    }

    @Override
    public int maxVertexInputs() {
        return Integer.MAX_VALUE;
    }

    @Override
    public org.deeplearning4j.nn.graph.vertex.GraphVertex instantiate(
            ComputationGraph graph,
            String name,
            int idx,
            INDArray paramsView,
            boolean initializeParams,
            DataType networkDatatype) {
        return PenaltyLayers.iStarVertex(regularizer, graph, name, idx, paramsView, initializeParams, networkDatatype);
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType... vertexInputs) throws InvalidInputTypeException {
        if (vertexInputs.length == 0) {
            throw new InvalidInputTypeException("IStarVertex expects at least one input, found none");
        }
        for (InputType input : vertexInputs) {
            try {
                regularizer.setNIn(input, true);
            } catch (IllegalStateException e) {
                throw new InvalidInputTypeException(e.getMessage(), e);
            }
            if (PenaltyLayerConfiguration.width(input) != PenaltyLayerConfiguration.width(vertexInputs[0])) {
                throw new InvalidInputTypeException(
                        "IStarVertex expects inputs of one width, found " + Arrays.toString(vertexInputs));
            }
        }
        return vertexInputs[vertexInputs.length - 1];
    }

    @Override
    public MemoryReport getMemoryReport(InputType... inputTypes) {
        return regularizer.getMemoryReport(inputTypes[inputTypes.length - 1]);
    }

    /** Builder of {@link IStarVertex}; options and defaults are those of {@link IStarLayer}. */
    public static class Builder {
        private final IStarLayer.Builder options = new IStarLayer.Builder();

        /** Creates a builder with the defaults. */
        public Builder() {}

        /**
         * Sets λ, the weight of the penalty.
         *
         * @param lambda λ, at most 1e30 in magnitude; default 1
         * @return this
         * @throws IllegalArgumentException if λ is not finite
         */
        public Builder lambda(double lambda) {
            options.lambda(lambda);
            return this;
        }

        /**
         * Sets ζ, the weight of the shrinkage covariance.
         *
         * @param zeta ζ in [0, 1]; default 0
         * @return this
         * @throws IllegalArgumentException if ζ is not in [0, 1]
         */
        public Builder zeta(double zeta) {
            options.zeta(zeta);
            return this;
        }

        /**
         * Sets whether masked time steps are left out of the penalty.
         *
         * @param maskPadding true, the default, to leave them out
         * @return this
         */
        public Builder maskPadding(boolean maskPadding) {
            options.maskPadding(maskPadding);
            return this;
        }

        /**
         * Sets the layout of recurrent activations. An input type, where the network has one, takes precedence.
         *
         * @param dataFormat NCW, the default, or NWC
         * @return this
         */
        public Builder dataFormat(RNNFormat dataFormat) {
            options.dataFormat(dataFormat);
            return this;
        }

        /**
         * Sets the number of features, where no input type tells it.
         *
         * @param nIn n ≥ 2, or 0 for not known
         * @return this
         * @throws IllegalArgumentException if n is negative or 1
         */
        public Builder nIn(long nIn) {
            options.nIn(nIn);
            return this;
        }

        /**
         * Builds the vertex.
         *
         * @return a new vertex
         */
        public IStarVertex build() {
            return new IStarVertex(options.build());
        }
    }
}
