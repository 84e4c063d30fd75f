/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

/** What a reader does with a malformed record. */
public enum OnMalformed {
    /** Throws a {@link MalformedRecordException} that names file, place and field. The default. */
    STOP,
    /** Leaves the record out, logs a warning with the same text, and counts it. */
    SKIP
}
