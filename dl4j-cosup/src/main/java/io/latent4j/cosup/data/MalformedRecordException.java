/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A record that doesn't have the form that its reader documents.
 *
 * @serial exclude
 */
public final class MalformedRecordException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String file;
    private final String place;
    private final String field;

    MalformedRecordException(Path file, String place, String field, String problem) {
        super(file + ", " + place + (field.isEmpty() ? "" : ", field " + field) + ": " + problem);
        this.file = file.toString();
        this.place = place;
        this.field = field;
    }

    /**
     * The file.
     *
     * @return its path as it was given
     */
    public String file() {
        return file;
    }

    /**
     * Where in the file.
     *
     * @return such as "line 12" or "article 3, paragraph 0, question 2"; indices count from 0, lines from 1
     */
    public String place() {
        return place;
    }

    /**
     * The field at fault.
     *
     * @return such as "segments[1].passageId"; empty if the record as a whole is at fault
     */
    public String field() {
        return field;
    }
}
