/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.ui;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serial;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.deeplearning4j.core.storage.Persistable;
import org.jspecify.annotations.Nullable;
import org.nd4j.shade.jackson.core.JsonProcessingException;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/**
 * What {@link LatentListener} measured at one moment: named numbers, as DL4J's statistics storages hold them.
 *
 * <p>In a storage they are the updates of the type {@link #TYPE_ID}, oldest first:
 *
 * <pre>{@code
 * for (Persistable update : storage.getAllUpdatesAfter(session, LatentReport.TYPE_ID, worker, 0)) {
 *     LatentReport report = (LatentReport) update;
 *     report.epoch();                              // epochs completed
 *     report.values().get("isoScoreStar/encoder");
 * }
 * }</pre>
 *
 * <p>Encoded as JSON; a number that is not finite is a string there.
 */
public final class LatentReport implements Persistable {
    /** The type of these reports in a storage. */
    public static final String TYPE_ID = "LatentListener";

    @Serial
    private static final long serialVersionUID = 1L;

    private static final ObjectMapper JSON = new ObjectMapper();

    private Content content;

    /** The component names are the encoding. */
    private record Content(
            String session, String worker, long timeStamp, int epoch, int iteration, Map<String, Double> values)
            implements Serializable {}

    /** An empty report, for {@link #decode(byte[])}. */
    public LatentReport() {
        this("", "", 0, 0, 0, Map.of());
    }

    /**
     * Creates a report.
     *
     * @param session the training session
     * @param worker who measured
     * @param timeStamp when, in milliseconds since 1970
     * @param epoch epochs completed
     * @param iteration iterations completed
     * @param values numbers by name, in order; copied
     */
    public LatentReport(
            String session, String worker, long timeStamp, int epoch, int iteration, Map<String, Double> values) {
        content = new Content(session, worker, timeStamp, epoch, iteration, new LinkedHashMap<>(values));
    }

    @Override
    public String getSessionID() {
        return content.session;
    }

    @Override
    public String getTypeID() {
        return TYPE_ID;
    }

    @Override
    public String getWorkerID() {
        return content.worker;
    }

    @Override
    public long getTimeStamp() {
        return content.timeStamp;
    }

    /**
     * Epochs the network had completed.
     *
     * @return 0 before training
     */
    public int epoch() {
        return content.epoch;
    }

    /**
     * Iterations the network had completed.
     *
     * @return 0 before training
     */
    public int iteration() {
        return content.iteration;
    }

    /**
     * The numbers: {@code isoScoreStar/}layer, {@code nextTokenLoss}, {@code nextSequenceLoss}, {@code recallAt}k, {@code
     * meanReciprocalRank}.
     *
     * @return numbers by name, in the order of the listener's columns; NaN where there is nothing to tell
     */
    public Map<String, Double> values() {
        return Collections.unmodifiableMap(content.values);
    }

    @Override
    public int encodingLengthBytes() {
        return encode().length;
    }

    @Override
    public byte[] encode() {
        try {
            return JSON.writeValueAsBytes(content);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void encode(ByteBuffer buffer) {
        buffer.put(encode());
    }

    @Override
    public void encode(OutputStream outputStream) throws IOException {
        outputStream.write(encode());
    }

    /**
     * Reads what {@link #encode()} wrote.
     *
     * @param encoded the bytes
     * @throws UncheckedIOException if they are no report
     */
    @Override
    public void decode(byte[] encoded) {
        try {
            content = JSON.readValue(encoded, Content.class);
        } catch (IOException e) {
            throw new UncheckedIOException("encoded must be a report as JSON: " + e.getMessage(), e);
        }
    }

    @Override
    public void decode(ByteBuffer buffer) {
        byte[] encoded = new byte[buffer.remaining()];
        buffer.get(encoded);
        decode(encoded);
    }

    @Override
    public void decode(InputStream inputStream) throws IOException {
        decode(inputStream.readAllBytes());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof LatentReport report && content.equals(report.content);
    }

    @Override
    public int hashCode() {
        return content.hashCode();
    }

    @Override
    public String toString() {
        return "epoch " + content.epoch + " " + content.values;
    }
}
