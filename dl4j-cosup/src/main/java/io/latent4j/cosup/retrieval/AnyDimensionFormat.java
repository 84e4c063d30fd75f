/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import java.io.IOException;
import org.apache.lucene.codecs.KnnVectorsFormat;
import org.apache.lucene.codecs.KnnVectorsReader;
import org.apache.lucene.codecs.KnnVectorsWriter;
import org.apache.lucene.index.SegmentReadState;
import org.apache.lucene.index.SegmentWriteState;

/**
 * A vector format without Lucene's limit of 1024 dimensions, which is one of policy, not of the files. It goes by the
 * name of the format it stands for, so that any Lucene reads what it wrote.
 */
final class AnyDimensionFormat extends KnnVectorsFormat {
    private final KnnVectorsFormat format;

    AnyDimensionFormat(KnnVectorsFormat format) {
        super(format.getName());
        this.format = format;
    }

    @Override
    public KnnVectorsWriter fieldsWriter(SegmentWriteState state) throws IOException {
        return format.fieldsWriter(state);
    }

    @Override
    public KnnVectorsReader fieldsReader(SegmentReadState state) throws IOException {
        return format.fieldsReader(state);
    }

    @Override
    public int getMaxDimensions(String fieldName) {
        return Integer.MAX_VALUE;
    }
}
