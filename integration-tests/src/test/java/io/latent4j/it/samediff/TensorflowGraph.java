/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.samediff;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.protobuf.ByteString;
import org.tensorflow.framework.AttrValue;
import org.tensorflow.framework.DataType;
import org.tensorflow.framework.GraphDef;
import org.tensorflow.framework.NodeDef;
import org.tensorflow.framework.TensorProto;
import org.tensorflow.framework.TensorShapeProto;

/** Writes a frozen TensorFlow graph, node by node. */
final class TensorflowGraph {
    private final GraphDef.Builder graph = GraphDef.newBuilder();

    GraphDef build() {
        return graph.build();
    }

    String placeholder(String name, DataType type, long... shape) {
        return add(name, "Placeholder", Map.of("dtype", type(type), "shape", shape(shape)));
    }

    /** A constant of floats, or of ints for the other types. */
    String constant(String name, INDArray value) {
        boolean floats = value.dataType().isFPType();
        DataType type = floats ? DataType.DT_FLOAT : DataType.DT_INT32;
        TensorProto.Builder tensor = TensorProto.newBuilder()
                .setDtype(type)
                .setTensorShape(shape(value.shape()).getShape());
        if (value.length() == 1) { // as TensorFlow writes single numbers
            if (floats) {
                tensor.addFloatVal(value.getFloat(0));
            } else {
                tensor.addIntVal(value.getInt(0));
            }
        } else {
            ByteBuffer bytes =
                    ByteBuffer.allocate(Math.toIntExact(4 * value.length())).order(ByteOrder.LITTLE_ENDIAN);
            INDArray flat = value.dup('c').reshape(-1);
            for (int i = 0; i < flat.length(); i++) {
                if (floats) {
                    bytes.putFloat(flat.getFloat(i));
                } else {
                    bytes.putInt(flat.getInt(i));
                }
            }
            tensor.setTensorContent(ByteString.copyFrom(bytes.flip()));
        }
        AttrValue content = AttrValue.newBuilder().setTensor(tensor).build();
        return add(name, "Const", Map.of("dtype", type(type), "value", content));
    }

    /** An operation on floats. */
    String op(String name, String op, String... inputs) {
        return op(name, op, Map.of(), inputs);
    }

    /** An operation on floats with further attributes. */
    String op(String name, String op, Map<String, AttrValue> attributes, String... inputs) {
        NodeDef.Builder node = node(name, op, attributes, inputs);
        node.putAttr("T", type(DataType.DT_FLOAT));
        graph.addNode(node);
        return name;
    }

    /** An operation with no attributes but these. */
    String add(String name, String op, Map<String, AttrValue> attributes, String... inputs) {
        graph.addNode(node(name, op, attributes, inputs));
        return name;
    }

    private static NodeDef.Builder node(String name, String op, Map<String, AttrValue> attributes, String... inputs) {
        NodeDef.Builder node = NodeDef.newBuilder().setName(name).setOp(op).putAllAttr(attributes);
        for (String input : inputs) {
            node.addInput(input);
        }
        return node;
    }

    static AttrValue type(DataType type) {
        return AttrValue.newBuilder().setType(type).build();
    }

    static AttrValue flag(boolean value) {
        return AttrValue.newBuilder().setB(value).build();
    }

    private static AttrValue shape(long... sizes) {
        TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
        for (long size : sizes) {
            shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
        }
        return AttrValue.newBuilder().setShape(shape).build();
    }
}
