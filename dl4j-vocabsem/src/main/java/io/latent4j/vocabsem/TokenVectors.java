/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem;

import java.io.IOException;
import java.nio.file.Path;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * One vector of d features per vocabulary token, wherever they lie: the columns of an LM head W (d×V), or the rows of an
 * embedding matrix or of a head that is stored transposed (V×d). They are read in blocks, in double, when bases are
 * built; neither a transposed nor a wider copy of the whole is ever made, and a head's bias is left out.
 *
 * <pre>{@code
 * SemanticBases.head(TokenVectors.safetensors(Path.of("model.safetensors"), "lm_head.weight", Layout.ROWS)).build();
 * }</pre>
 */
public abstract class TokenVectors {
    /** How a matrix holds the vectors. */
    public enum Layout {
        /** d×V, a column per token: DL4J's output layers, {@code logits = r·W}. */
        COLUMNS,
        /** V×d, a row per token: embeddings everywhere, and PyTorch's linear layers, {@code logits = r·Wᵀ}. */
        ROWS;

        Layout transposed() {
            return this == COLUMNS ? ROWS : COLUMNS;
        }

        String shape() {
            return this == COLUMNS ? "[d, V]" : "[V, d]";
        }
    }

    /** For the sources in this package. */
    TokenVectors() {}

    /**
     * The columns of a matrix, as an LM head has them.
     *
     * @param matrix floating point array {@code [d, V]}; not copied
     * @return its V columns
     * @throws IllegalArgumentException if the array is no floating point matrix or is empty
     */
    public static TokenVectors columnsOf(INDArray matrix) {
        return new ArrayVectors(matrix, Layout.COLUMNS);
    }

    /**
     * The rows of a matrix, as an embedding has them.
     *
     * @param matrix floating point array {@code [V, d]}; not copied
     * @return its V rows
     * @throws IllegalArgumentException if the array is no floating point matrix or is empty
     */
    public static TokenVectors rowsOf(INDArray matrix) {
        return new ArrayVectors(matrix, Layout.ROWS);
    }

    /**
     * The columns of an output layer's weights or the rows of an embedding layer's, whichever the layer is. Frozen layers
     * are looked into.
     *
     * @param layer a layer of an initialized network, such as {@code graph.getLayer("lm")}
     * @return its token vectors, not copied
     * @throws IllegalArgumentException if the layer is neither
     */
    public static TokenVectors of(Layer layer) {
        return NetworkVectors.of(layer);
    }

    /**
     * The head of a network: the weights of its last layer, whatever comes before that.
     *
     * @param network an initialized network that ends in an output layer with weights (OutputLayer, RnnOutputLayer, …)
     * @return the columns of its weights, not copied
     * @throws IllegalArgumentException if the last layer has no head
     */
    public static TokenVectors outputLayer(MultiLayerNetwork network) {
        return NetworkVectors.outputLayer(network);
    }

    /**
     * The head of a graph with one output.
     *
     * @param graph an initialized graph whose output is an output layer with weights
     * @return the columns of its weights, not copied
     * @throws IllegalArgumentException if there are several outputs or the output has no head
     */
    public static TokenVectors outputLayer(ComputationGraph graph) {
        return NetworkVectors.outputLayer(graph);
    }

    /**
     * The head of one of a graph's outputs.
     *
     * @param graph an initialized graph
     * @param name the output's name
     * @return the columns of its weights, not copied
     * @throws IllegalArgumentException if there is no such output or it has no head
     */
    public static TokenVectors outputLayer(ComputationGraph graph, String name) {
        return NetworkVectors.outputLayer(graph, name);
    }

    /**
     * The embedding of a network.
     *
     * @param network an initialized network with one EmbeddingLayer or EmbeddingSequenceLayer
     * @return the rows of its weights, not copied
     * @throws IllegalArgumentException if there is none or more than one
     */
    public static TokenVectors embeddingLayer(MultiLayerNetwork network) {
        return NetworkVectors.embeddingLayer(network.getLayers());
    }

    /**
     * The embedding of a graph.
     *
     * @param graph an initialized graph with one EmbeddingLayer or EmbeddingSequenceLayer; of several, one is named by
     *     {@link #of of(graph.getLayer(name))}
     * @return the rows of its weights, not copied
     * @throws IllegalArgumentException if there is none or more than one
     */
    public static TokenVectors embeddingLayer(ComputationGraph graph) {
        return NetworkVectors.embeddingLayer(graph.getLayers());
    }

    /**
     * A variable or constant of a SameDiff graph, such as {@code sameDiff.getVariable("lm_head")}.
     *
     * @param variable a matrix with a value
     * @param layout whether its columns or its rows are the tokens
     * @return its token vectors, not copied
     * @throws IllegalArgumentException if the variable has no value of its own (a placeholder or a result), or is no
     *     floating point matrix
     */
    public static TokenVectors variable(SDVariable variable, Layout layout) {
        INDArray value =
                switch (variable.getVariableType()) {
                    case VARIABLE, CONSTANT -> variable.getArr();
                    default -> null;
                };
        if (value == null) {
            throw new IllegalArgumentException("variable must be a VARIABLE or CONSTANT with a value, found "
                    + variable.getVariableType() + " \"" + variable.name() + '"');
        }
        return new ArrayVectors(value, layout);
    }

    /**
     * A matrix in a NumPy file, which is mapped into memory and must not change as long as this is in use.
     *
     * @param file a .npy file of float16, float32 or float64, in C or Fortran order, of any size
     * @param layout whether the matrix' columns or its rows are the tokens
     * @return its token vectors
     * @throws IOException if the file can't be read, is truncated or malformed, or holds no such matrix
     */
    public static TokenVectors npy(Path file, Layout layout) throws IOException {
        return NpyFile.open(file, layout);
    }

    /**
     * A matrix in a safetensors file, which is mapped into memory and must not change as long as this is in use.
     *
     * @param file a safetensors file of any size
     * @param tensor the tensor's name, such as "lm_head.weight" or "transformer.wte.weight"; F16, BF16, F32 or F64
     * @param layout whether the matrix' columns or its rows are the tokens; PyTorch has rows
     * @return its token vectors
     * @throws IOException if the file can't be read, or its header does not fit it
     * @throws IllegalArgumentException if there is no such tensor or it is no floating point matrix
     */
    public static TokenVectors safetensors(Path file, String tensor, Layout layout) throws IOException {
        return SafetensorsFile.open(file).matrix(tensor, layout);
    }

    /**
     * The number of tokens.
     *
     * @return V
     */
    public abstract long tokens();

    /**
     * The length of each vector.
     *
     * @return d
     */
    public abstract int features();

    /**
     * The type of the values where they lie.
     *
     * @return a floating point type
     */
    public abstract DataType dataType();

    /**
     * Reads the vectors of consecutive tokens.
     *
     * @param from first token
     * @param into 'c'-ordered DOUBLE matrix {@code [count, d]} that begins its buffer
     */
    abstract void read(long from, INDArray into);

    static void requireSizes(String name, long rows, long columns) {
        if (rows < 1 || columns < 1 || rows > Integer.MAX_VALUE || columns > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    name + " must have sizes from 1 to 2147483647, found [" + rows + ", " + columns + ']');
        }
    }

    @Override
    public String toString() {
        return "TokenVectors{tokens=" + tokens() + ", features=" + features() + ", type=" + dataType() + '}';
    }
}
