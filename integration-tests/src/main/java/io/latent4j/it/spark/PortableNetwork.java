/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serial;
import java.io.Serializable;
import java.io.UncheckedIOException;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;

/** A network as bytes, which any serializer of Spark carries; each task restores a copy of its own. */
final class PortableNetwork implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    private final boolean isGraph;
    private final byte[] file;

    /** Keeps the network as it is now, without its updater. */
    PortableNetwork(Model network) {
        if (!(network instanceof MultiLayerNetwork) && !(network instanceof ComputationGraph)) {
            throw new IllegalArgumentException("network must be a MultiLayerNetwork or a ComputationGraph, found "
                    + network.getClass().getName());
        }
        isGraph = network instanceof ComputationGraph;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            ModelSerializer.writeModel(network, bytes, false);
        } catch (IOException e) {
            throw new UncheckedIOException("can't write the network", e);
        }
        file = bytes.toByteArray();
    }

    Model restore() {
        ByteArrayInputStream bytes = new ByteArrayInputStream(file);
        try {
            return isGraph
                    ? ModelSerializer.restoreComputationGraph(bytes, false)
                    : ModelSerializer.restoreMultiLayerNetwork(bytes, false);
        } catch (IOException e) {
            throw new UncheckedIOException("can't read the network", e);
        }
    }

    /** An object as Java serializes it: Kryo can't write records nor Java's unmodifiable collections. */
    static byte[] bytes(Serializable object) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(object);
        } catch (IOException e) {
            throw new UncheckedIOException("can't serialize " + object.getClass(), e);
        }
        return bytes.toByteArray();
    }

    @SuppressWarnings("unchecked")
    static <T> T object(byte[] bytes) {
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes))) {
            return (T) in.readObject();
        } catch (IOException e) {
            throw new UncheckedIOException("can't read a serialized object", e);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("the workers' class path must be that of the driver", e);
        }
    }
}
