/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.node.JsonNodeType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the readers share: opening, checked access to fields, and what happens to malformed records. */
final class RecordFile {
    private static final Logger LOG = LoggerFactory.getLogger(RecordFile.class);

    private final Path file;
    private final OnMalformed onMalformed;
    private int skipped;

    RecordFile(Path file, OnMalformed onMalformed) {
        this.file = file;
        this.onMalformed = onMalformed;
    }

    /** Something that reads one record. */
    interface Record {
        void read() throws MalformedRecordException;
    }

    /** What is done with the bytes of the file. */
    interface Reading {
        void read(InputStream input) throws IOException;
    }

    /** Opens the file, reads and closes it; what is wrong with its compression is said of the file. */
    void open(Reading reading) throws IOException {
        try (InputStream input = open()) {
            reading.read(input);
        } catch (EOFException | ZipException e) {
            throw new IOException(file + ": expected intact gzip data, found it truncated or altered: " + e, e);
        }
    }

    /** Opens the file; gzip is told by its first bytes. */
    private InputStream open() throws IOException {
        InputStream raw = new BufferedInputStream(Files.newInputStream(file));
        try {
            raw.mark(2);
            boolean gzip = raw.read() == 0x1f && raw.read() == 0x8b;
            raw.reset();
            return gzip ? new GZIPInputStream(raw) : raw;
        } catch (IOException e) {
            raw.close();
            throw e;
        }
    }

    /** Reads one record, or counts it. */
    void read(Record record) throws MalformedRecordException {
        try {
            record.read();
        } catch (MalformedRecordException e) {
            if (onMalformed == OnMalformed.STOP) {
                throw e;
            }
            skipped++;
            LOG.warn("skipped: {}", e.getMessage());
        }
    }

    int skipped() {
        return skipped;
    }

    MalformedRecordException malformed(String place, String field, String expected, JsonNode found) {
        return malformed(place, field, "expected " + expected + ", found " + describe(found));
    }

    MalformedRecordException malformed(String place, String field, String problem) {
        return new MalformedRecordException(file, place, field, problem);
    }

    /** A field that is an array. */
    JsonNode array(JsonNode record, String prefix, String name, String place) throws MalformedRecordException {
        JsonNode value = record.path(name);
        if (!value.isArray()) {
            throw malformed(place, prefix + name, "an array", value);
        }
        return value;
    }

    /** A field that is a string; blank ones are refused on request. */
    String string(JsonNode record, String prefix, String name, String place, boolean blankAllowed)
            throws MalformedRecordException {
        JsonNode value = record.path(name);
        if (!value.isTextual()) {
            throw malformed(place, prefix + name, "a string", value);
        }
        if (!blankAllowed && value.textValue().isBlank()) {
            throw malformed(place, prefix + name, "a string that isn't blank", value);
        }
        return value.textValue();
    }

    private static String describe(JsonNode node) {
        String kind = node.getNodeType() == JsonNodeType.MISSING
                ? "none"
                : node.isContainerNode()
                        ? node.getNodeType().toString().toLowerCase(java.util.Locale.ROOT)
                        : node.toString();
        return kind.length() <= 60 ? kind : kind.substring(0, 60) + "…";
    }
}
